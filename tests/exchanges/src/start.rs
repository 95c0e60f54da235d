//! The first answer of each function that is not running, beside a hello-world's in the same run.
//!
//! On workerd that is from nothing: the process, the isolate, the module. On the local host, as on Spin, the functions
//! are loaded when the host starts, and what is cold is the instance: `makegood bench cold` measures it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use makegood_endpoints::binary;
use makegood_workers::{Workerd, config, config_of_hello};
use serde_json::Value;
use tokio::process::Command;

use crate::host::Kind;
use crate::table::Outcome;

pub const NAME: &str = "a cold function answers for at most twice the work of a hello-world";

const FUNCTIONS: [&str; 5] = ["chat", "intent", "execute", "webhook", "debug"];
/// Each is started so often, in turn.
const TIMES: usize = 15;
/// How much more a function may take than a hello-world.
const MOST: f64 = 2.0;

/// Measures, where the host's start is one that can be measured, and prints each first answer: the quickest, and the
/// least of the processor's time, for a busy machine lengthens both, by pushing what is measured out of its caches, and
/// nothing shortens them. On the local host the second is compared, of which the first is made there; on workerd the
/// first, for V8 goes on compiling beside the first answer and after it, which nobody waits for.
pub async fn compare(kind: Kind) -> Outcome {
    let starts = match kind {
        Kind::Local => match of_the_local_host().await {
            Ok(starts) => starts,
            Err(why) => return Outcome::Failed(why),
        },
        Kind::Workerd => of_workerd().await,
        Kind::Wrangler | Kind::Spin => {
            return Outcome::LeftOut("its start is mostly that of its own tools; the runtimes are compared above");
        }
    };
    let compared = |start: &Start| if kind == Kind::Local { start.cpu_ms } else { start.quickest_ms };
    let hello = compared(starts.first().expect("the hello-world is the first"));
    let mut worst: f64 = 0.0;
    for start in starts {
        let ratio = compared(&start) / hello;
        let Start { name, quickest_ms, cpu_ms } = start;
        crate::say(&format!(
            "{:8} first answer of {name:8} after {quickest_ms:7.2} ms at best, {cpu_ms:7.2} ms of the processor: {ratio:.2} times hello",
            kind.name(),
        ));
        worst = worst.max(ratio);
    }
    if worst > MOST {
        return Outcome::Failed(format!("the heaviest takes {worst:.2} times as much as a hello-world"));
    }
    Outcome::Measured(format!("{worst:.2} x"))
}

struct Start {
    name: String,
    quickest_ms: f64,
    cpu_ms: f64,
}

/// An instance and its first answer, as `makegood` tells it; or what it complained of.
async fn of_the_local_host() -> Result<Vec<Start>, String> {
    let makegood = tokio::task::spawn_blocking(binary::makegood).await.unwrap();
    let hello = binary::target_dir().join("wasm32-wasip2/wasm/makegood_hello.wasm");
    let mut command = Command::new(makegood);
    command.args(["bench", "cold", "--times", &TIMES.to_string(), "--manifest"]).arg(binary::manifest());
    let output = command.arg("--hello").arg(hello).current_dir(binary::root()).output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{told}{}", String::from_utf8_lossy(&output.stderr)));
    }
    let start = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let number = |name: &str| line[name].as_f64().unwrap_or_else(|| panic!("{name} of {line}"));
        let name = line["function"].as_str().unwrap().to_owned();
        Start { name, quickest_ms: number("first_answer_ms"), cpu_ms: number("cpu_ms") }
    };
    let mut starts: Vec<Start> = told.lines().map(start).collect();
    assert_eq!(starts.len(), 1 + FUNCTIONS.len(), "{told}");
    starts.sort_by_key(|start| start.name != "hello");
    Ok(starts)
}

async fn of_workerd() -> Vec<Start> {
    let mut configs = vec![("hello", config_of_hello().unwrap())];
    configs.extend(FUNCTIONS.map(|function| (function, config(function).unwrap())));
    let mut starts: Vec<Vec<(Duration, Duration)>> = vec![Vec::new(); configs.len()];
    for _ in 0..TIMES {
        for ((_, config), starts) in configs.iter().zip(&mut starts) {
            starts.push(first_answer(config).await);
        }
    }
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let start = |((name, _), starts): (&(&str, _), Vec<(Duration, Duration)>)| {
        let quickest = starts.iter().map(|(took, _)| *took).min().unwrap_or_default();
        let cpu = starts.iter().map(|(_, cpu)| *cpu).min().unwrap_or_default();
        Start { name: (*name).to_owned(), quickest_ms: millis(quickest), cpu_ms: millis(cpu) }
    };
    configs.iter().zip(starts).map(start).collect()
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
