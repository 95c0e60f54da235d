//! workerd as a process of its own, on a port that it finds for itself.

use std::path::PathBuf;
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
    _process: Child,
}

impl Workerd {
    /// Serves a function with these settings and no others.
    ///
    /// # Errors
    /// Where it was not built, or does not come up.
    pub async fn serve(function: &str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let program =
            std::env::var_os(PROGRAM).with_context(|| format!("{PROGRAM} is not set: bash tests/workers/run"))?;
        let config = config(function)?;
        let mut process = Command::new(program)
            // Port 0, and the one that it became is told on the standard output.
            .args(["serve", "--socket-addr", "http=127.0.0.1:0", "--control-fd", "1"])
            .arg(config)
            .env_clear()
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("workerd could not be started")?;
        let output = process.stdout.take().context("workerd has no output")?;
        let mut lines = BufReader::new(output).lines();
        let listening = timeout(PATIENCE, async {
            while let Some(line) = lines.next_line().await? {
                let message: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(port) = message["port"].as_u64() {
                    return Ok(port);
                }
            }
            bail!("workerd ended before it listened; what it said stands above")
        });
        let port = listening.await.context("workerd does not listen")??;
        Ok(Self { address: format!("http://127.0.0.1:{port}"), client: Client::new(), _process: process })
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

fn config(function: &str) -> anyhow::Result<PathBuf> {
    // As cargo says it when it runs the tests, not when it compiled them: checkouts may share a
    // target folder.
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let crate_folder = crate_folder.context("start the tests with cargo: bash tests/workers/run")?;
    let root = crate_folder.ancestors().nth(2).context("this crate has left the repository")?;
    let config = root.join("functions").join(function).join("build/workerd.capnp");
    ensure!(config.is_file(), "{function} is not built: cargo run -p makegood-workerd -- {function}");
    Ok(config)
}
