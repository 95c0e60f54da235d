//! The Wasm engine: pooled memory, and interruption by epochs. Compiled code is
//! kept by [`super::compiled`], not in Wasmtime's own cache, which does not
//! notice that a file is damaged.

use super::Limits;
use anyhow::Context;
use std::time::Duration;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often a guest that computes without pause lets others run, and has its
/// time looked at.
const TICK: Duration = Duration::from_millis(10);

/// So much of what an instance wrote, of its memory and of its table, is set back by hand for the next one in its place,
/// where the kernel tells which pages that is. Given back, each would be a fault again, which are a third of what a start
/// takes. It stays taken for each place where an instance ever was.
const KEPT: (usize, usize) = (1 << 20, 64 << 10);

/// Makes an engine, and a thread that drives its epochs for as long as it lives.
pub(super) fn start(limits: &Limits) -> anyhow::Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    ticking(&config)
}

/// An engine without a pool: memory is mapped for each instance, as much as it asks for.
pub(crate) fn unpooled() -> anyhow::Result<Engine> {
    ticking(&config())
}

fn ticking(config: &Config) -> anyhow::Result<Engine> {
    let engine = Engine::new(config).map_err(plain).context("cannot start the Wasm engine")?;
    let ticked = engine.weak();
    std::thread::Builder::new()
        .name("epochs".into())
        .spawn(move || tick(&ticked))
        .context("cannot start the thread that interrupts guests")?;
    Ok(engine)
}

fn tick(engine: &EngineWeak) {
    while let Some(engine) = engine.upgrade() {
        engine.increment_epoch();
        drop(engine);
        std::thread::sleep(TICK);
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true).wasm_component_model_async(true).epoch_interruption(true);
    config
}

/// Room for all instances of all components; addresses only, until used.
fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let instances = limits.instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * 4)
        .total_memories(instances)
        .total_tables(instances * 2)
        .total_stacks(instances * 2)
        .max_memory_size(limits.memory)
        .max_unused_warm_slots(64);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEPT.0).table_keep_resident(KEPT.1);
    }
    pool
}

/// The names of what a component imports, in order: what it needs of a host.
///
/// `bytes` is a Wasm component, binary or text.
pub fn imports_of(bytes: &[u8]) -> anyhow::Result<Vec<String>> {
    let mut config = Config::new();
    config.wasm_component_model(true).wasm_component_model_async(true);
    let engine = Engine::new(&config).map_err(plain)?;
    let component = Component::from_binary(&engine, bytes).map_err(plain).context("this is not a Wasm component")?;
    let names = component.component_type();
    Ok(names.imports(&engine).map(|(name, _)| name.to_owned()).collect())
}

/// Wasmtime's errors, with their causes, as this crate's.
pub(crate) fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::Error::from_boxed(error.into_boxed_dyn_error())
}
