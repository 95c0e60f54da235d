//! From nothing to the first answer, of each function on workerd beside a hello-world in the same run.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use makegood_workers::{Workerd, config, config_of_hello};

use crate::table::Outcome;

pub const NAME: &str = "a cold function answers for at most twice the work of a hello-world";

const FUNCTIONS: [&str; 5] = ["chat", "intent", "execute", "webhook", "debug"];
/// Each is started so often, in turn.
const TIMES: usize = 15;
/// How much more a function may take than a hello-world.
const MOST: f64 = 2.0;

/// Measures, and prints each. The quickest start is told; the medians of the processor's time are
/// compared, for a busy machine lengthens the one and not the other.
pub async fn compare() -> Outcome {
    let mut configs = vec![("hello", config_of_hello().unwrap())];
    configs.extend(FUNCTIONS.map(|function| (function, config(function).unwrap())));
    let mut starts: Vec<Vec<(Duration, Duration)>> = vec![Vec::new(); configs.len()];
    for _ in 0..TIMES {
        for ((_, config), starts) in configs.iter().zip(&mut starts) {
            starts.push(first_answer(config).await);
        }
    }
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let mut hello = None;
    let mut worst: f64 = 0.0;
    for ((name, _), starts) in configs.iter().zip(&mut starts) {
        let quickest = starts.iter().map(|(took, _)| *took).min().unwrap_or_default();
        starts.sort_by_key(|(_, cpu)| *cpu);
        let cpu = millis(starts[starts.len() / 2].1);
        let ratio = cpu / *hello.get_or_insert(cpu);
        crate::say(&format!(
            "workerd  first answer of {name:8} after {:6.1} ms at best, {cpu:6.1} ms of the processor: {ratio:.2} times hello",
            millis(quickest)
        ));
        worst = worst.max(ratio);
    }
    if worst > MOST {
        return Outcome::Failed(format!("the heaviest takes {worst:.2} times as much as a hello-world"));
    }
    Outcome::Measured(format!("{worst:.2} x"))
}

/// From before the process is started until an answer is there: how long it was, and what it cost. No
/// function needs anything of outside to refuse an address that it does not have.
async fn first_answer(config: &Path) -> (Duration, Duration) {
    let began = Instant::now();
    let served = Workerd::start(config, 0, &[], &[], Stdio::null()).await.unwrap();
    let answer = reqwest::get(format!("{}/nothing", served.url())).await.unwrap();
    assert!(answer.status().as_u16() < 500, "{answer:?}");
    drop(answer.bytes().await.unwrap());
    (began.elapsed(), served.cpu().unwrap())
}
