//! The load: so many clients, each starting a saga when its last one rests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{broadcast, oneshot};

use super::token_of;
use super::usage::{self, Servers};
use crate::delivery::Answered;
use crate::platform::Platform;

/// What is sent, and for how long.
pub struct Load {
    pub starter: Starter,
    pub concurrency: u32,
    pub seconds: u64,
}

/// Starts sagas of one plan.
pub struct Starter {
    url: String,
    token: String,
    body: Vec<u8>,
}

/// What was seen between warm-up and end.
pub struct Measured {
    /// Milliseconds, one for each saga that ended.
    pub times: Vec<f64>,
    pub seconds: f64,
    /// All of it: this process, and the database servers.
    pub cpu_ms: f64,
    pub servers_ms: f64,
    pub generator_ms: f64,
}

const WARM_UP: Duration = Duration::from_secs(2);
/// A saga that takes longer ends the benchmark.
const LONGEST: Duration = Duration::from_secs(60);

/// Sagas that ended, and those who wait for it.
#[derive(Default)]
pub struct Ends {
    ended: HashMap<String, Instant>,
    waiting: HashMap<String, oneshot::Sender<Instant>>,
}

pub type Shared = Arc<Mutex<Ends>>;

impl Starter {
    pub fn new(platform: &Platform, owner: &str, plan: &Value) -> anyhow::Result<Self> {
        Ok(Self {
            url: format!("{}/api/execute", platform.url),
            token: token_of(platform, owner)?,
            body: serde_json::to_vec(&json!({"plan": plan}))?,
        })
    }

    /// Starts one: its id.
    pub async fn start(&self, client: &reqwest::Client) -> anyhow::Result<String> {
        #[derive(Deserialize)]
        struct Started {
            saga: String,
        }
        let request = client.post(&self.url).bearer_auth(&self.token).header("content-type", "application/json");
        let response = request.body(self.body.clone()).send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        if !status.is_success() {
            anyhow::bail!("a saga was not started: {status} {}", String::from_utf8_lossy(&body));
        }
        let started: Started = serde_json::from_slice(&body)?;
        Ok(started.saga)
    }
}

impl Load {
    /// Runs on a thread of its own, so that what it costs can be told apart.
    pub async fn run(self, answers: broadcast::Receiver<Answered>, servers: Servers) -> anyhow::Result<Measured> {
        let (sender, receiver) = oneshot::channel();
        std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let measured = runtime
                .map_err(anyhow::Error::from)
                .and_then(|runtime| runtime.block_on(self.generate(answers, servers)));
            let _ = sender.send(measured);
        })?;
        receiver.await.context("the load's thread ended early")?
    }

    async fn generate(self, answers: broadcast::Receiver<Answered>, servers: Servers) -> anyhow::Result<Measured> {
        let ends = Shared::default();
        let watcher = tokio::spawn(watch(answers, Arc::clone(&ends)));
        let begin = Instant::now() + WARM_UP;
        let end = begin + Duration::from_secs(self.seconds);
        let load = Arc::new(self);
        let client = reqwest::Client::builder().tcp_nodelay(true).build()?;
        let clients: Vec<_> = (0..load.concurrency)
            .map(|_| tokio::spawn(Arc::clone(&load).client(client.clone(), Arc::clone(&ends), begin, end)))
            .collect();
        tokio::time::sleep_until(begin.into()).await;
        let before = (usage::own_ms()?, servers.ms(), usage::thread_ms()?);
        tokio::time::sleep_until(end.into()).await;
        let after = (usage::own_ms()?, servers.ms(), usage::thread_ms()?);
        let mut times = Vec::new();
        for client in clients {
            times.extend(client.await??);
        }
        watcher.abort();
        let servers_ms = after.1 - before.1;
        Ok(Measured {
            times,
            seconds: end.duration_since(begin).as_secs_f64(),
            cpu_ms: after.0 - before.0 + servers_ms,
            servers_ms,
            generator_ms: after.2 - before.2,
        })
    }

    async fn client(
        self: Arc<Self>,
        client: reqwest::Client,
        ends: Shared,
        begin: Instant,
        end: Instant,
    ) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        while Instant::now() < end {
            let sent = Instant::now();
            let saga = self.starter.start(&client).await?;
            let rested = wait(&ends, saga).await?;
            if rested >= begin && rested < end {
                times.push(rested.duration_since(sent).as_secs_f64() * 1000.0);
            }
        }
        Ok(times)
    }
}

/// Until a saga rests.
pub async fn wait(ends: &Shared, saga: String) -> anyhow::Result<Instant> {
    let receiver = {
        let mut ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = ends.ended.remove(&saga) {
            return Ok(at);
        }
        let (sender, receiver) = oneshot::channel();
        ends.waiting.insert(saga.clone(), sender);
        receiver
    };
    let rested = tokio::time::timeout(LONGEST, receiver).await;
    Ok(rested.with_context(|| format!("saga {saga} did not rest within {LONGEST:?}"))??)
}

/// Notes every invocation that brought a saga to rest.
pub async fn watch(mut answers: broadcast::Receiver<Answered>, ends: Shared) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Ended {
        saga: String,
        ended: String,
    }
    loop {
        let answer = match answers.recv().await {
            Ok(answer) => answer,
            Err(broadcast::error::RecvError::Closed) => return Ok(()),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::error!("{missed} answers were missed; the benchmark's figures are not good");
                continue;
            }
        };
        let Some(Ended { saga, .. }) = serde_json::from_slice::<Ended>(&answer.body)
            .ok()
            .filter(|ended| ended.ended == "rest" && answer.status == 200)
        else {
            continue;
        };
        let mut ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
        match ends.waiting.remove(&saga) {
            Some(waiting) => {
                let _ = waiting.send(Instant::now());
            }
            None => {
                ends.ended.insert(saga, Instant::now());
            }
        }
    }
}
