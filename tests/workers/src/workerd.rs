//! workerd as a process of its own, on a port that it finds for itself.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::{Client, Method, Response};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The variable that names the program; `tests/workers/run` sets it.
const PROGRAM: &str = "MAKEGOOD_WORKERD";

/// How long it may take to listen, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A function being served. Ends when it is dropped.
#[derive(Debug)]
pub struct Workerd {
    address: String,
    client: Client,
    process: Child,
}

impl Workerd {
    /// Serves a function with these settings and no others.
    ///
    /// # Errors
    /// Where it was not built, or does not come up.
    pub async fn serve(function: &str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let settings: Vec<_> = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::start(&config(function)?, 0, &[], &settings, Stdio::inherit()).await
    }

    /// Serves a configuration at a port, 0 for any that is free, with these settings and no others.
    /// What it complains of goes to `complaints`.
    ///
    /// # Errors
    /// Where it does not come up.
    pub async fn start(
        config: &Path,
        port: u16,
        arguments: &[&str],
        settings: &[(String, String)],
        complaints: Stdio,
    ) -> anyhow::Result<Self> {
        let program =
            std::env::var_os(PROGRAM).with_context(|| format!("{PROGRAM} is not set: bash tests/workers/run"))?;
        let mut process = Command::new(program)
            // With port 0 the one that it became is told on the standard output.
            .args(["serve", "--socket-addr", &format!("http=127.0.0.1:{port}"), "--control-fd", "1"])
            .args(arguments)
            .arg(config)
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .kill_on_drop(true)
            .spawn()
            .context("workerd could not be started")?;
        let output = process.stdout.take().context("workerd has no output")?;
        let mut lines = BufReader::new(output).lines();
        let listening = timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await? {
                let message: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(port) = message["port"].as_u64().filter(|_| message["socket"] == "http") {
                    return Ok(port);
                }
            }
            bail!("workerd ended before it listened; what it said stands above")
        });
        let port = listening.await.context("workerd does not listen")??;
        // What else it says is read and dropped, or it would one day wait for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { address: format!("http://127.0.0.1:{port}"), client: Client::new(), process })
    }

    /// The processor time that its threads have taken so far, as Linux counts it.
    ///
    /// # Errors
    /// Where it has ended, or this is not Linux.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let id = self.process.id().context("workerd has ended")?;
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
            let stat = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let spent = stat.split(' ').next().context("an empty schedstat")?;
            nanos += spent.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address
    }

    /// Sends one request, and answers with the status, the content type and the body, which is JSON.
    ///
    /// # Errors
    /// Where there is no answer, or its body is not JSON.
    pub async fn ask(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> anyhow::Result<Answer> {
        let request = self.client.request(method, format!("{}{path}", self.address)).body(body);
        let answer: Response = request.send().await.context("workerd gave no answer")?;
        let status = answer.status().as_u16();
        let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = answer.text().await?;
        let body = serde_json::from_str(&body).with_context(|| format!("{status}, and not JSON: {body}"))?;
        Ok(Answer { status, content_type, body })
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: Value,
}

impl Answer {
    /// Checks that this is a problem (RFC 9457) with this status and code, and answers with its detail.
    ///
    /// # Errors
    /// Where it is anything else.
    pub fn problem(&self, status: u16, code: &str) -> anyhow::Result<&str> {
        let is = self.status == status
            && self.content_type == "application/problem+json"
            && self.body["status"] == status
            && self.body["code"] == code;
        ensure!(is, "not the problem {status} {code}: {self:?}");
        self.body["detail"].as_str().context("a problem without a detail")
    }
}

/// The configuration of one function alone.
///
/// # Errors
/// Where it was not built.
pub fn config(function: &str) -> anyhow::Result<PathBuf> {
    built(&format!("functions/{function}/build/workerd.capnp"))
}

/// The configuration of the hello-world that cold starts are measured against.
///
/// # Errors
/// Where it was not built.
pub fn config_of_hello() -> anyhow::Result<PathBuf> {
    built("tests/workers/hello/build/workerd.capnp")
}

/// The configuration of all functions behind the gateway.
///
/// # Errors
/// Where they were not built.
pub fn config_of_all() -> anyhow::Result<PathBuf> {
    built("docker/workerd/build/workerd.capnp")
}

fn built(path: &str) -> anyhow::Result<PathBuf> {
    // As cargo says it when it runs the tests, not when it compiled them: checkouts may share a
    // target folder.
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let crate_folder = crate_folder.context("start the tests with cargo: bash tests/workers/run")?;
    let root = crate_folder.ancestors().nth(2).context("this crate has left the repository")?;
    let config = root.join(path);
    ensure!(config.is_file(), "{} is not there: cargo run -p makegood-workerd", config.display());
    Ok(config)
}
