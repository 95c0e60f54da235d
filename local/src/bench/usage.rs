//! CPU time and memory, as Linux counts them: of this process, of one of its threads, and of servers on
//! this machine.

use std::fs;

use anyhow::Context;
use makegood_postgres::Postgres;

/// Kernel ticks a second; fixed at 100 on every architecture that Linux runs user programs on.
const TICKS: f64 = 100.0;

/// Milliseconds of CPU that this process and its ended children have used.
pub fn own_ms() -> anyhow::Result<f64> {
    process_ms("self").context("/proc tells nothing; the benchmark needs Linux")
}

/// Milliseconds of CPU that the calling thread has used.
pub fn thread_ms() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos: f64 = text.split_whitespace().next().context("an empty schedstat")?.parse()?;
    Ok(nanos / 1e6)
}

/// Milliseconds of CPU that the threads of this process have used that still run.
pub fn threads_ms() -> anyhow::Result<f64> {
    let mut nanos = 0.0;
    for thread in fs::read_dir("/proc/self/task").context("/proc tells nothing; the benchmark needs Linux")? {
        // One may end while it is looked at.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanos += text.split_whitespace().next().and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    }
    Ok(nanos / 1e6)
}

/// User and system time, of the process and of its children that have ended.
pub fn process_ms(pid: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Some(ticks * 1000.0 / TICKS)
}

/// Memory that a process has in use.
pub fn resident_mib(pid: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

fn parent(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.to_owned())
}

/// Database servers that are processes of their own.
#[derive(Clone, Debug)]
pub struct Servers {
    /// The postmaster: its children are the backends.
    postgres: Option<String>,
    redis: Option<String>,
    embedded: bool,
    /// A server that was named and is not on this machine, or does not say who it is.
    missed: bool,
}

impl Servers {
    pub async fn find(postgres: &Postgres, redis_url: Option<&str>) -> Self {
        let embedded =
            postgres.connection_string().contains("makegood:") && postgres.durability().await.is_ok_and(|d| d == "os");
        let backend = postgres.query("select pg_backend_pid()", &[]).await.ok();
        let backend = backend.and_then(|rows| rows.rows.into_iter().next()?.into_iter().next()?);
        let postmaster = backend.filter(|_| !embedded).and_then(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            name.starts_with("postgres").then(|| parent(&pid)).flatten()
        });
        let redis = match redis_url {
            None => None,
            Some(_) => redis_process(),
        };
        let missed = (!embedded && postmaster.is_none()) || (redis_url.is_some() && redis.is_none());
        Self { postgres: postmaster, redis, embedded, missed }
    }

    /// Whether there are any, and all were found.
    pub const fn known(&self) -> bool {
        !self.missed
    }

    pub const fn describe(&self) -> &'static str {
        match (self.missed, self.embedded) {
            (true, _) => "not all: a server is not on this machine",
            (false, true) => "embedded, in the process",
            (false, false) => "all",
        }
    }

    pub fn ms(&self) -> f64 {
        let redis = self.redis.as_deref().and_then(process_ms).unwrap_or_default();
        let Some(postmaster) = &self.postgres else { return redis };
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().into_string().ok());
        let backends = pids.filter(|pid| parent(pid).as_ref() == Some(postmaster));
        redis + process_ms(postmaster).unwrap_or_default() + backends.filter_map(|pid| process_ms(&pid)).sum::<f64>()
    }
}

/// The one `redis-server` or `valkey-server` of this machine, where there is exactly one.
fn redis_process() -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found = pids.filter(|pid| {
        fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| name.starts_with("redis-server") || name.starts_with("valkey-server"))
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
