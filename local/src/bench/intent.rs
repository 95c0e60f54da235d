//! `makegood bench intent`: what it costs to understand a message, in CPU.
//!
//! Each message is a whole request to `/api/intent`, sent one after the other over one connection. `wasm_ms` is what
//! the function itself takes of that, from the first byte of the request to the last of the answer: who asks, how often
//! they may, what was said before, the reading and the plan. `all_ms` is all that this process takes meanwhile: the
//! sending, the host and the embedded services as well. Beside them stands what it takes to refuse a method: a request
//! in which nothing is read and no service is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{bring_up, round4, usage};
use crate::cli::Place;
use crate::platform::Platform;
use crate::up::Services;

#[derive(Clone, Debug, Args)]
pub struct BenchIntent {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// The messages: one a line, as it is or as the `message` of a JSON object
    #[arg(long, value_name = "FILE", default_value = "tests/eval/data/own.jsonl")]
    pub messages: PathBuf,
    /// How often each is asked; its mean counts
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub times: u32,
}

/// Before anything is measured the function is asked so often.
const WARM_UP: usize = 200;
const ANSWER: Duration = Duration::from_secs(30);

/// Measures, and prints one line.
pub async fn run(options: &BenchIntent) -> anyhow::Result<()> {
    let messages = messages(options)?;
    let (platform, _scratch) = bring_up(&options.place, &options.services).await?;
    let result = measure(&platform, &messages, options.times).await;
    platform.stop().await;
    println!("{}", result?);
    Ok(())
}

/// One message a line, as it is or as the `message` of a JSON object.
fn messages(options: &BenchIntent) -> anyhow::Result<Vec<String>> {
    let file = options.messages.display();
    let text = fs::read_to_string(&options.messages).with_context(|| format!("{file} cannot be read"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(object)) => object.get("message").and_then(Value::as_str).map(str::to_owned),
        Ok(_) | Err(_) => Some(line.to_owned()),
    };
    let messages: Option<Vec<String>> = lines.map(read).collect();
    let messages = messages.with_context(|| format!("{file} has a JSON object without a `message`"))?;
    ensure!(!messages.is_empty(), "{file} has no message. Write one on each line.");
    Ok(messages)
}

async fn measure(platform: &Platform, messages: &[String], times: u32) -> anyhow::Result<Value> {
    let asker = Asker {
        client: Client::builder().no_proxy().timeout(ANSWER).build()?,
        url: format!("{}/api/intent", platform.url),
        token: super::token_of(platform, "bench")?,
    };
    // Before the function has an instance.
    platform.functions.meter();
    for message in messages.iter().cycle().take(WARM_UP) {
        asker.ask(message).await?;
    }
    let counted = Used::now(platform)?.wasm;
    ensure!(counted > 0.0, "the function ran in an instance that is not counted");
    let (mut read, mut refused) = (Spent::default(), Spent::default());
    let mut kinds = BTreeMap::<String, usize>::new();
    for message in messages {
        let mut kind = String::new();
        let before = Used::now(platform)?;
        for _ in 0..times {
            kind = asker.ask(message).await?;
        }
        read.add(&before, &Used::now(platform)?, times);
        *kinds.entry(kind).or_default() += 1;
        let before = Used::now(platform)?;
        for _ in 0..times {
            asker.refused().await?;
        }
        refused.add(&before, &Used::now(platform)?, times);
    }
    Ok(json!({
        "messages": messages.len(),
        "times": times,
        "readings": kinds,
        "read": read.told(),
        "refused": refused.told(),
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
    }))
}

/// Milliseconds on a processor so far.
struct Used {
    wasm: f64,
    all: f64,
}

impl Used {
    fn now(platform: &Platform) -> anyhow::Result<Self> {
        let stats = platform.functions.stats();
        let wasm = stats.get("intent").context("the manifest names no function `intent`")?.guest;
        Ok(Self { wasm: wasm.as_secs_f64() * 1e3, all: usage::threads_ms()? })
    }
}

/// Of each message, what one request of it took.
#[derive(Default)]
struct Spent {
    wasm: Vec<f64>,
    all: Vec<f64>,
}

impl Spent {
    fn add(&mut self, before: &Used, after: &Used, times: u32) {
        self.wasm.push((after.wasm - before.wasm) / f64::from(times));
        self.all.push((after.all - before.all) / f64::from(times));
    }

    fn told(mut self) -> Value {
        let of = |values: &mut Vec<f64>| {
            values.sort_unstable_by(f64::total_cmp);
            let at = |percent: usize| {
                values.get((values.len() * percent / 100).min(values.len().saturating_sub(1))).copied().map(round4)
            };
            json!({"p50": at(50), "p99": at(99)})
        };
        json!({"wasm_ms": of(&mut self.wasm), "all_ms": of(&mut self.all)})
    }
}

struct Asker {
    client: Client,
    url: String,
    token: String,
}

impl Asker {
    /// What became of a message: the kind of its reading.
    async fn ask(&self, message: &str) -> anyhow::Result<String> {
        let request = self.client.post(&self.url).bearer_auth(&self.token).json(&json!({"message": message}));
        let answer = request.send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status == 200, "`{message}` was answered with {status}: {body}");
        Ok(body["kind"].as_str().unwrap_or("none").to_owned())
    }

    async fn refused(&self) -> anyhow::Result<()> {
        let answer = self.client.request(Method::DELETE, &self.url).bearer_auth(&self.token).send().await?;
        let status = answer.status();
        answer.bytes().await?;
        ensure!(status == 405, "a method that there is not was answered with {status}");
        Ok(())
    }
}
