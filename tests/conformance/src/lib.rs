//! The conformance kit for tools: it calls a tool's do, undo and status as a saga would on its worst
//! day, and says in plain words what the tool gets wrong.
//!
//! Each call is made to fail in turn: its answer is lost, it is cut off midway, it comes twice, many
//! times at once, after its undo, or under a key that was used for something else. What a tool does
//! not declare (`status`, `fence`, remembered keys) is not asked of it. The rules and their reasons
//! are those of the engine; the answers are read by the engine's own codec.
//!
//! Deliberately absent: what cannot be seen from outside. That a tool keeps a key for as long as its
//! `ttl_ms` says, and that its answer is true, the kit has to believe. A call that fails before it
//! arrives needs no check of its own: to the tool it is a call that was never made.
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! let base = "http://127.0.0.1:8080/tools";
//! let verdict = makegood_conformance::run_cli(base, "book_table.sample.json".as_ref(), &[], "").await?;
//! assert!(verdict.passed(), "{verdict}");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod checks;
mod mcp;
mod sample;
mod scene;
mod transport;
mod verdict;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_gateway::tool;

pub use mcp::Servers;
pub use sample::{Named, Params, Preparation, Sample};
pub use transport::{Broken, Http, Transport};
pub use verdict::{Check, Fault, Left, Outcome, Verdict};

/// A tool, the way to it, and what to call it with.
#[derive(Clone, Debug)]
pub struct Kit<T> {
    pub transport: T,
    /// Before `/{tool}/do`, as in `http://127.0.0.1:3000/demo/tools`.
    pub base: String,
    pub definition: Definition,
    pub sample: Sample,
}

impl<T: Transport> Kit<T> {
    /// Makes every check, one after the other, and undoes what it did wherever that is possible.
    ///
    /// # Errors
    /// Where there are no random numbers to make fresh keys of. Whatever the tool does is a verdict.
    pub async fn run(&self) -> anyhow::Result<Verdict> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).context("no random numbers for fresh keys")?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        Ok(checks::run(self, SagaId::new(now, random)).await)
    }
}

/// Checks the tool at `base` with the sample in `file`; `known` are the definitions that a sample may
/// name instead of holding one, and `secrets` are configured as the variable `tool_secrets` has them.
///
/// # Errors
/// Where the sample cannot be read, or the tool names a secret that is not there. Whatever the tool does is a verdict.
pub async fn run_cli(base: &str, file: &Path, known: &[Definition], secrets: &str) -> anyhow::Result<Verdict> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the sample {}", file.display()))?;
    let sample = Sample::read(&text).with_context(|| format!("{} does not hold", file.display()))?;
    let definition = sample.definition(known)?;
    let secrets = tool::secrets(&definition.secrets, secrets)
        .with_context(|| format!("`{}` cannot be called; name the installation with --env", definition.name))?;
    let transport = Http::new()?.let_in(format!("{base}/{}/", definition.name), secrets);
    let kit = Kit { transport, base: base.to_owned(), definition, sample };
    kit.run().await
}

/// The same for a tool of an MCP server, which is registered; `servers` are configured as the variable
/// `mcp_servers` has them.
///
/// # Errors
/// As [`run_cli`], and where the tool is none of an MCP server.
pub async fn run_mcp(servers: &str, file: &Path, known: &[Definition]) -> anyhow::Result<Verdict> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the sample {}", file.display()))?;
    let sample = Sample::read(&text).with_context(|| format!("{} does not hold", file.display()))?;
    let definition = sample.definition(known)?;
    anyhow::ensure!(definition.mcp.is_some(), "{} is a tool over HTTP: say where with --url", definition.name);
    let places = known.iter().filter_map(|tool| Some((tool.name.clone(), tool.mcp.clone()?))).collect();
    let transport = Servers::new(servers.to_owned(), places);
    Kit { transport, base: "http://mcp.invalid".to_owned(), definition, sample }.run().await
}
