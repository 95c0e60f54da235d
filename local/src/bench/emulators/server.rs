//! A server that is measured: a process of its own, which ends with it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::usage;

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
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendfsync", "no"]);
        command.args(["--appendonly", if durable { "yes" } else { "no" }, "--dir"]).arg(folder);
        let process = command.stdout(Stdio::null()).spawn();
        let server = Self { process: process.context("redis-server: install the package of this name")? };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok((server, port));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        bail!("redis-server does not listen on {port}")
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
