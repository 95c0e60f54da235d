//! The instances of one function: how they are made, how many requests each
//! takes, how long it may live, and what is said when one dies.

use super::Limits;
use super::meter;
use super::outbound::Outbound;
use super::output::Output;
use super::stats::Counters;
use super::variables::check_name;
use super::wasi;
use makegood_cloud::Clock;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep};
use wasmtime::component::{Component, ComponentType, GuestTaskId, Lift, Linker, Lower, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi::clocks::HostWallClock;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, p2, p3};

/// How long an instance without work is kept.
const IDLE: Duration = Duration::from_secs(10);

/// What an instance is given: a clock, randomness, its variables, its way out
/// and two streams that end in the log. No files, sockets, arguments or
/// environment.
pub(super) struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    variables: Arc<BTreeMap<String, String>>,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

/// The `error` of `fermyon:spin/variables@2.0.0`, and of `spin:variables/variables@3.0.0`.
#[derive(ComponentType, Lower, Lift, Clone)]
#[component(variant)]
enum VariableError {
    #[component(name = "invalid-name")]
    InvalidName(String),
    #[component(name = "undefined")]
    Undefined(String),
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "other")]
    Other(String),
}

/// Everything that a function may import: what `wit/world.wit` lists, and HTTP as of WASI 0.2. Files and
/// sockets are not linked at all.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    wasi::add_to_linker(l)?;
    p2::add_only_http_to_linker_async(l)?;
    wasmtime_wasi::p3::clocks::add_to_linker(l)?;
    p3::add_to_linker(l)?;
    linker
        .instance("fermyon:spin/variables@2.0.0")?
        .func_wrap("get", |guest, (name,): (String,)| Ok((variable(guest.data(), name),)))?;
    linker.instance("spin:variables/variables@3.0.0")?.func_wrap_concurrent("get", |guest, (name,): (String,)| {
        let value = guest.with(|mut guest| variable(guest.get(), name));
        Box::pin(std::future::ready(Ok((value,))))
    })?;
    Ok(linker)
}

fn variable(guest: &Guest, name: String) -> Result<String, VariableError> {
    if let Err(why) = check_name(&name) {
        return Err(VariableError::InvalidName(format!("{name}: {why}")));
    }
    let value = guest.variables.get(&name).cloned();
    value.ok_or(VariableError::Undefined(name))
}

/// Resolves a component's imports, and finds which version of
/// `wasi:http` it serves.
pub(super) fn prepare(linker: &Linker<Guest>, component: &Component) -> wasmtime::Result<ProxyPre<Guest>> {
    let pre = linker.instantiate_pre(component)?;
    if let Ok(service) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(ProxyPre::P3(service));
    }
    p2::bindings::ProxyPre::new(pre).map(ProxyPre::P2)
}

/// Makes the instances of one function.
pub(super) struct Nursery {
    pub(super) engine: Engine,
    pub(super) pre: ProxyPre<Guest>,
    pub(super) outbound: Outbound,
    pub(super) variables: Arc<BTreeMap<String, String>>,
    pub(super) counters: Arc<Counters>,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) concurrent: usize,
}

/// The time of day as a function sees it.
struct Time(Clock);

impl HostWallClock for Time {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0.outside()
    }
}

impl Nursery {
    fn store(&self) -> Store<Guest> {
        let name = &self.outbound.function;
        let wasi = WasiCtxBuilder::new()
            .stdout(Output::new(name.clone(), "stdout"))
            .stderr(Output::new(name.clone(), "stderr"))
            .wall_clock(Time(self.clock.clone()))
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let guest = Guest {
            table: ResourceTable::new(),
            wasi,
            http: WasiHttpCtx::new(),
            outbound: self.outbound.clone(),
            variables: self.variables.clone(),
        };
        let mut store = Store::new(&self.engine, guest);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        if self.counters.metered.load(Relaxed) {
            meter::count(&mut store, Arc::clone(&self.counters.guest_nanos));
        }
        store
    }
}

impl HandlerState for Nursery {
    type StoreData = Guest;
    type WorkerExpiration = Lifetime;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Lifetime, Worker>> {
        let mut store = self.store();
        let proxy = self.pre.instantiate_async(&mut store).await?;
        self.counters.instances_made.fetch_add(1, Relaxed);
        self.counters.instances.fetch_add(1, Relaxed);
        let reusable = matches!(self.pre, ProxyPre::P3(_));
        let expired = Arc::new(AtomicBool::new(false));
        Ok(Instance {
            store,
            proxy,
            view: Guest::http,
            expiration: Lifetime {
                // A little after the request's own clock, which is kinder.
                work: self.limits.time + Duration::from_millis(100),
                alarm: Box::pin(sleep(IDLE)),
                expired: expired.clone(),
            },
            state: Worker {
                function: self.outbound.function.clone(),
                counters: self.counters.clone(),
                time: self.limits.time,
                concurrent: if reusable { self.concurrent } else { 1 },
                reuse: if reusable { self.limits.reuse } else { 1 },
                expired,
            },
        })
    }
}

/// Ends an instance that idles or works for too long. The alarm is set anew
/// only when it rings or must ring earlier: most requests never touch it.
pub(super) struct Lifetime {
    work: Duration,
    alarm: Pin<Box<Sleep>>,
    expired: Arc<AtomicBool>,
}

impl WorkerExpiration for Lifetime {
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, since: Instant) -> Poll<()> {
        let end = since
            + match status {
                WorkerStatus::Idle => IDLE,
                WorkerStatus::Requests | WorkerStatus::PostReturn => self.work,
            };
        if end <= Instant::now() {
            let working = status != WorkerStatus::Idle;
            self.expired.store(working, Relaxed);
            return Poll::Ready(());
        }
        if end < self.alarm.deadline().into_std() {
            self.alarm.as_mut().reset(end.into());
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            self.alarm.as_mut().reset(end.into());
        }
        Poll::Pending
    }
}

/// One instance at work.
pub(super) struct Worker {
    function: Arc<str>,
    counters: Arc<Counters>,
    time: Duration,
    concurrent: usize,
    reuse: usize,
    expired: Arc<AtomicBool>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = ();

    fn should_accept_request(&self, now: usize, ever: usize) -> ShouldAccept {
        if ever >= self.reuse {
            ShouldAccept::Never
        } else if now >= self.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(sleep(self.time))
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        self.counters.instances.fetch_sub(1, Relaxed);
        // The guest's last words come before what is said of its end.
        drop(store);
        let Err(error) = result else {
            return;
        };
        // The handler takes a worker whose task was dropped for one that panicked. When the process
        // ends all of them are dropped, and nothing is wrong.
        if error.to_string() == "worker panicked" && !std::thread::panicking() {
            return;
        }
        if self.expired.load(Relaxed) {
            tracing::error!(
                function = &*self.function,
                limit = ?self.time,
                "the function was ended: it worked for longer than it may"
            );
        } else {
            self.counters.traps.fetch_add(1, Relaxed);
            tracing::error!(function = &*self.function, "the function trapped: {error:?}");
        }
    }
}
