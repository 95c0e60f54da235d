//! Where strangers' code runs: each call in an instance of its own, which has a memory and a time and ends with the
//! call. It has clocks, randomness and the log; no files, no network, no environment, no arguments, and nothing that
//! another call left behind.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::allowance::Allowance;
use super::shelf::hash;
use super::world::{Described, Failure, State, Tool, ToolPre};
use crate::host::engine::{plain, unpooled};
use crate::host::output::Output;
use crate::host::{compiled, wasi};

/// What a call logs beyond these bytes is not kept.
const MOST_LOGGED: usize = 16 << 10;
/// Handles of the host that a call has open at a time, at most.
const MOST_HANDLES: usize = 256;
/// Random bytes at a time.
const MOST_RANDOM: u64 = 64 << 10;
/// For a description, which may be longer than an answer.
const LONGEST_DESCRIPTION: usize = 1 << 20;
/// How long a call waits for others to end, before it is told to come later.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Bounds on every call of every tool.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of memory, tables included.
    pub memory: usize,
    /// From its beginning to its answer, whatever it does.
    pub time: Duration,
    /// Bytes of an answer.
    pub answer: usize,
    /// Calls of all tools at once.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 64 << 20, time: Duration::from_secs(5), answer: 256 << 10, at_once: 16 }
    }
}

pub struct Sandbox {
    engine: Engine,
    linker: Linker<Guest>,
    limits: Limits,
    permits: Semaphore,
}

/// A tool's code, ready to be run.
pub struct Loaded {
    name: Arc<str>,
    pre: ToolPre<Guest>,
}

/// Why a call has no answer.
#[derive(Debug)]
pub enum Broken {
    /// Nothing was run: too many others are.
    Busy,
    TookTooLong(Duration),
    OutOfMemory(usize),
    /// With what Wasmtime says of it.
    Trapped(wasmtime::Error),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many tools are at work; try again"),
            Self::TookTooLong(limit) => write!(f, "it was ended: it worked for longer than {limit:?}"),
            Self::OutOfMemory(limit) => write!(f, "it was ended: it wanted more memory than {} MiB", limit >> 20),
            Self::Trapped(error) => write!(f, "it trapped: {error:?}"),
        }
    }
}

impl std::error::Error for Broken {}

/// What an instance has.
pub(super) struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    allowance: Allowance,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Sandbox {
    /// # Errors
    /// Where this machine has no room for another Wasm engine.
    pub fn new(limits: Limits) -> anyhow::Result<Self> {
        let engine = unpooled()?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker).map_err(plain)?;
        let permits = Semaphore::new(limits.at_once);
        Ok(Self { engine, linker, limits, permits })
    }

    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Makes code ready; `cache` is where what is compiled is kept, if it is. Blocks.
    ///
    /// # Errors
    /// Where it is no component, offers something else than a tool does, or wants what no tool gets.
    pub fn load(&self, name: &str, wasm: &[u8], cache: Option<&Path>) -> anyhow::Result<Loaded> {
        let component = match cache {
            Some(cache) => {
                std::fs::create_dir_all(cache)
                    .with_context(|| format!("cannot keep compiled code in {}", cache.display()))?;
                // A name for each: of one name only the newest builds are kept.
                let kept = format!("tool-{}", hash(wasm).chars().take(16).collect::<String>());
                compiled::component(&self.engine, cache, &kept, wasm)
            }
            None => Component::from_binary(&self.engine, wasm).map_err(plain),
        };
        let component = component.context("this is not a Wasm component")?;
        let pre = self.linker.instantiate_pre(&component).map_err(plain).context(
            "it imports something that no tool gets: there are no files, no network and no environment, only clocks, \
             randomness and the log",
        )?;
        let pre = ToolPre::new(pre).map_err(plain).context(
            "it does not offer what a tool does: export the world `tool` of wit/tool.wit, makegood:tool@0.1.0",
        )?;
        Ok(Loaded { name: name.into(), pre })
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// Where it says nothing.
    pub async fn describe(&self, tool: &Loaded) -> Result<Described, Broken> {
        self.run(tool, LONGEST_DESCRIPTION, |store, tool| {
            Box::pin(async move { tool.makegood_tool_actions().call_describe(store).await })
        })
        .await
    }

    /// # Errors
    /// Where it gives no answer.
    pub async fn perform(&self, tool: &Loaded, key: String, params: String) -> Result<Result<String, Failure>, Broken> {
        self.run(tool, self.limits.answer, |store, tool| {
            Box::pin(async move {
                let actions = tool.makegood_tool_actions();
                store.run_concurrent(async |store| actions.call_perform(store, key, params).await).await?
            })
        })
        .await
    }

    /// # Errors
    /// Where it gives no answer.
    pub async fn undo(
        &self,
        tool: &Loaded,
        key: String,
        params: String,
        output: Option<String>,
    ) -> Result<Result<bool, Failure>, Broken> {
        self.run(tool, self.limits.answer, |store, tool| {
            Box::pin(async move {
                let actions = tool.makegood_tool_actions();
                store.run_concurrent(async |store| actions.call_undo(store, key, params, output).await).await?
            })
        })
        .await
    }

    /// # Errors
    /// Where it gives no answer.
    pub async fn status(&self, tool: &Loaded, key: String) -> Result<Result<State, Failure>, Broken> {
        self.run(tool, self.limits.answer, |store, tool| {
            Box::pin(async move {
                let actions = tool.makegood_tool_actions();
                store.run_concurrent(async |store| actions.call_status(store, key).await).await?
            })
        })
        .await
    }

    /// Makes an instance and has it called, within the limits; so many bytes are taken from it at a time.
    async fn run<R: Send>(
        &self,
        tool: &Loaded,
        most: usize,
        call: impl for<'s> FnOnce(&'s mut Store<Guest>, &'s Tool) -> BoxFuture<'s, wasmtime::Result<R>> + Send,
    ) -> Result<R, Broken> {
        let _permit = timeout(PATIENCE, self.permits.acquire()).await.ok().and_then(Result::ok).ok_or(Broken::Busy)?;
        let mut store = self.store(&tool.name);
        // Text beside the answer's own is taken too, as of a refusal.
        store.set_hostcall_fuel(2 * most + MOST_LOGGED);
        let called = timeout(self.limits.time, async {
            let instance = tool.pre.instantiate_async(&mut store).await?;
            call(&mut store, &instance).await
        })
        .await;
        match called {
            Ok(Ok(answer)) => Ok(answer),
            Err(_) => Err(Broken::TookTooLong(self.limits.time)),
            Ok(Err(_)) if store.data().allowance.is_exceeded() => Err(Broken::OutOfMemory(self.limits.memory)),
            Ok(Err(error)) => Err(Broken::Trapped(error)),
        }
    }

    fn store(&self, name: &Arc<str>) -> Store<Guest> {
        let log = |stream| Output::at_most(MOST_LOGGED, name.clone(), stream);
        let wasi = WasiCtxBuilder::new()
            .stdout(log("stdout"))
            .stderr(log("stderr"))
            .max_random_size(MOST_RANDOM)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MOST_HANDLES);
        let mut store = Store::new(&self.engine, Guest { table, wasi, allowance: Allowance::new(self.limits.memory) });
        store.limiter(|guest| &mut guest.allowance);
        store.set_max_component_handles(MOST_HANDLES);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(MOST_HANDLES);
        }
        // A call that computes without pause lets others run at every tick, and its time is looked at.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }
}
