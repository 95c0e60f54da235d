//! What an emulator acknowledged is there after it was killed under load, again and again.
//! `MAKEGOOD_KILLS` says how often each is killed: three times, unless told otherwise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "what was counted is worth seeing")]

mod postgres;
mod qstash;
mod redis;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How many clients write at once.
const CLIENTS: usize = 4;

fn kills() -> u32 {
    std::env::var("MAKEGOOD_KILLS").map_or(3, |kills| kills.parse().unwrap())
}

/// An emulator of this test's own, on a free port, and in a folder that goes with it.
struct Emulator {
    service: &'static str,
    folder: PathBuf,
    child: Child,
    /// What it prints, as of its last start.
    variables: HashMap<String, String>,
}

impl Emulator {
    fn start(service: &'static str) -> Self {
        let name = format!("kill-{service}-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let (child, variables) = spawn(service, &folder);
        Self { service, folder, child, variables }
    }

    fn restart(&mut self) {
        (self.child, self.variables) = spawn(self.service, &self.folder);
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets the clients work for some time, and kills it. What they give, they give when they get no
    /// answer any more.
    async fn killed_under<T: Send + 'static>(
        &mut self,
        clients: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
    ) -> Vec<T> {
        let clients: Vec<_> = clients.map(tokio::spawn).collect();
        let mut chance = [0; 2];
        getrandom::fill(&mut chance).unwrap();
        tokio::time::sleep(Duration::from_millis(150 + u64::from(u16::from_le_bytes(chance) % 600))).await;
        self.kill();
        let mut given = Vec::new();
        for client in clients {
            given.push(client.await.unwrap());
        }
        given
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(service: &str, folder: &Path) -> (Child, HashMap<String, String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_makegood"));
    command.args(["emulate", service, "--port", "0", "--data-dir"]).arg(folder);
    command.env_remove("DATABASE_URL").env_remove("REDIS_URL");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines = lines.take_while(|line| !line.is_empty());
    let variables: HashMap<String, String> = lines
        .filter_map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    assert!(!variables.is_empty(), "`makegood emulate {service}` did not start");
    (child, variables)
}

/// The answer, if the emulator lived long enough to give it.
async fn answer(request: reqwest::RequestBuilder) -> Option<serde_json::Value> {
    let response = request.send().await.ok()?;
    let status = response.status();
    let answer = response.json().await.ok()?;
    assert!(status.is_success(), "{status}: {answer}");
    Some(answer)
}
