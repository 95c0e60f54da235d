//! From nothing to the first answer, of each function on workerd beside a hello-world in the same run.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use makegood_workers::{Workerd, config, config_of_hello};

use crate::table::Outcome;

pub const NAME: &str = "a cold function answers within twice the time of a hello-world";

const FUNCTIONS: [&str; 5] = ["chat", "intent", "execute", "webhook", "debug"];
/// Each is started so often, in turn, and the quickest are compared: whatever else the machine does
/// only makes a start slower.
const TIMES: usize = 7;
/// How much longer a function may take than a hello-world.
const MOST: f64 = 2.0;

/// Measures, and prints each ratio.
pub async fn compare() -> Outcome {
    let mut configs = vec![("hello", config_of_hello().unwrap())];
    configs.extend(FUNCTIONS.map(|function| (function, config(function).unwrap())));
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); configs.len()];
    for _ in 0..TIMES {
        for ((_, config), times) in configs.iter().zip(&mut times) {
            times.push(first_answer(config).await);
        }
    }
    let quickest: Vec<f64> =
        times.iter().map(|times| times.iter().min().copied().unwrap_or_default().as_secs_f64() * 1000.0).collect();
    let mut worst: f64 = 0.0;
    for ((name, _), took) in configs.iter().zip(&quickest) {
        let ratio = took / quickest[0];
        crate::say(&format!("workerd  first answer of {name:8} after {took:6.1} ms, {ratio:.2} times hello"));
        worst = worst.max(ratio);
    }
    if worst > MOST {
        return Outcome::Failed(format!("the slowest takes {worst:.2} times as long as a hello-world"));
    }
    Outcome::Measured(format!("{worst:.2} x"))
}

/// From before the process is started until an answer is there. No function needs anything of outside
/// to refuse an address that it does not have.
async fn first_answer(config: &Path) -> Duration {
    let began = Instant::now();
    let served = Workerd::start(config, 0, &[], &[], Stdio::null()).await.unwrap();
    let answer = reqwest::get(format!("{}/nothing", served.url())).await.unwrap();
    assert!(answer.status().as_u16() < 500, "{answer:?}");
    drop(answer.bytes().await.unwrap());
    began.elapsed()
}
