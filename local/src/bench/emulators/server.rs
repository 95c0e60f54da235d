//! A server that is measured: a process of its own, which ends with it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;

use crate::bench::usage;

/// What a real Redis says, in its folder.
const LOG: &str = "log";

pub struct Server {
    process: Child,
}

impl Server {
    /// `makegood emulate`, and what it prints.
    pub fn emulator(service: &str, folder: &Path, more: &[&str]) -> anyhow::Result<(Self, HashMap<String, String>)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["emulate", service, "--port", "0", "--data-dir"]).arg(folder).args(more);
        command.env_remove("REDIS_URL").env_remove("DATABASE_URL").stdout(Stdio::piped());
        let mut server = Self { process: command.spawn()? };
        let lines = BufReader::new(server.process.stdout.take().context("no output")?).lines();
        let mut variables = HashMap::new();
        for line in lines {
            let line = line?;
            match line.split_once('=') {
                Some((name, value)) => variables.insert(name.to_owned(), value.to_owned()),
                None => break,
            };
        }
        Ok((server, variables))
    }

    /// A real Redis, and its port. Where it keeps what it is told it leaves syncing to the system, as
    /// the emulator does.
    pub async fn redis(folder: &Path, durable: bool) -> anyhow::Result<(Self, u16)> {
        std::fs::create_dir_all(folder)?;
        // What was free a moment ago somebody else may have taken since.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
            if let Some(server) = Self::redis_at(port, folder, durable).await? {
                return Ok((server, port));
            }
        }
        bail!("redis-server did not begin to listen, on ten ports: {} says why", folder.join(LOG).display())
    }

    /// The same at this port; `None` where it has ended, or does not listen in time. That something listens there is not
    /// enough: it itself has to say so.
    async fn redis_at(port: u16, folder: &Path, durable: bool) -> anyhow::Result<Option<Self>> {
        let log = folder.join(LOG);
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendfsync", "no"]);
        command.args(["--appendonly", if durable { "yes" } else { "no" }, "--dir"]).arg(folder);
        let process = command.arg("--logfile").arg(&log).stdout(Stdio::null()).spawn();
        let mut server = Self { process: process.context("redis-server: install the package of this name")? };
        for _ in 0..200 {
            if std::fs::read_to_string(&log).is_ok_and(|said| said.contains("Ready to accept connections")) {
                return Ok(Some(server));
            }
            if server.process.try_wait()?.is_some() {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Ok(None)
    }

    /// Milliseconds of CPU it has used.
    pub fn cpu_ms(&self) -> anyhow::Result<f64> {
        usage::process_ms(&self.process.id().to_string()).context("the server has ended")
    }

    /// Megabytes of memory it has in use.
    pub fn resident_mb(&self) -> anyhow::Result<f64> {
        usage::resident_mib(&self.process.id().to_string()).context("the server has ended")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
