//! Hosts the Wasm functions of a `spin.toml`, as Spin would, in this process.
//!
//! [`Functions::load`] compiles what the manifest names and gives an axum router
//! of its routes. A guest has a clock, randomness, the variables
//! and the outbound hosts that the manifest grants, a memory limit and a time
//! limit. It has no files, sockets or environment, and its trap harms nobody
//! else. Calls to the host's own address are served without a connection.
//!
//! Deliberately absent: triggers other than HTTP, Spin's stores, and building
//! (see [`crate::build`]).

pub(crate) mod allowed;
mod body;
pub mod compiled;
mod connect;
pub(crate) mod engine;
mod instance;
pub mod manifest;
mod meter;
mod outbound;
pub(crate) mod output;
mod outside;
mod serve;
mod stats;
pub mod variables;
pub(crate) mod wasi;

pub use engine::imports_of;
pub use stats::Stats;

use allowed::AllowedHosts;
use anyhow::{Context, ensure};
use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use instance::{Guest, Nursery};
use makegood_cloud::Clock;
use manifest::{Manifest, Route};
use outbound::{Network, Outbound};
use serve::Function;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::Semaphore;
use variables::Values;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::handler::ProxyHandler;

/// What to host, and within which bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// What `spin.toml` says.
    pub manifest: Manifest,
    /// Values for the manifest's variables, before environment and defaults.
    pub overrides: BTreeMap<String, String>,
    /// Where compiled code is kept between starts.
    pub cache_dir: PathBuf,
    /// `host:port` of this process, under every name that functions may use.
    pub own_authorities: Vec<String>,
    pub limits: Limits,
    /// Whether what only a `*` of the manifest lets out may lead inside: to this machine, or a private network.
    pub inside: bool,
    /// The variable that says `limits.time` in milliseconds, where there is one.
    pub time_variable: Option<&'static str>,
    /// What the functions take for the time.
    pub clock: Clock,
}

/// Bounds on the guests. The defaults are those of a small edge platform.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For one invocation: to the head of its response, and again from there
    /// to the end of its work.
    pub time: Duration,
    /// Bytes of memory for one instance.
    pub memory: usize,
    /// Requests that one instance serves at the same time.
    pub concurrent: usize,
    /// Functions whose instances serve one request at a time.
    pub exclusive: BTreeSet<String>,
    /// Requests that one instance serves before it is replaced.
    pub reuse: usize,
    /// Instances of all functions together.
    pub instances: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory: 64 << 20,
            concurrent: 16,
            exclusive: BTreeSet::from(["execute".to_owned()]),
            reuse: 128,
            instances: 512,
        }
    }
}

/// Compiles what `manifest` names and keeps it beside it, where that can be, for the starts to come. Blocks.
pub fn compile(manifest: &Manifest) -> anyhow::Result<()> {
    let Some(folder) = compiled::beside(manifest) else { return Ok(()) };
    let engine = engine::start(&Limits::default())?;
    components(&engine, manifest, &folder).map(drop)
}

/// The functions of one manifest, loaded and ready. Clones are the same.
#[derive(Clone)]
pub struct Functions(Arc<Loaded>);

struct Loaded {
    functions: BTreeMap<String, Arc<Function>>,
    routes: Vec<Route>,
    network: Arc<Network>,
}

impl Functions {
    /// Compiles, or finds compiled, what the manifest names.
    pub async fn load(options: Options) -> anyhow::Result<Self> {
        tokio::task::spawn_blocking(move || Loaded::new(options))
            .await
            .context("loading the functions was cut off")?
            .map(|loaded| Self(Arc::new(loaded)))
    }

    /// What requests to the own authorities reach. Until then they are refused
    /// like connections that nobody listens for.
    pub fn set_local(&self, router: Router) {
        self.0.network.set_local(router);
    }

    /// Puts something before what requests to the own authorities reach, such as a count.
    pub fn wrap_local(&self, wrap: impl FnOnce(Router) -> Router) {
        self.0.network.wrap_local(wrap);
    }

    /// The manifest's routes.
    pub fn router(&self) -> Router {
        let mut router = Router::new();
        for route in &self.0.routes {
            let Some(function) = self.0.functions.get(&route.component) else {
                continue;
            };
            let (function, route) = (function.clone(), Arc::new(route.clone()));
            let paths = paths(&route);
            let serve = any(move |request: Request| {
                let (function, route) = (function.clone(), route.clone());
                async move { function.serve(request, &route).await }
            });
            for path in paths {
                router = router.route(&path, serve.clone());
            }
        }
        router
    }

    /// The numbers of each function, by name.
    pub fn stats(&self) -> BTreeMap<String, Stats> {
        let read = |(name, f): (&String, &Arc<Function>)| (name.clone(), f.counters.read());
        self.0.functions.iter().map(read).collect()
    }

    /// Has the guests' own time on a processor counted, of instances that begin from now on, for what that costs.
    pub fn meter(&self) {
        self.0.functions.values().for_each(|f| f.counters.metered.store(true, Relaxed));
    }
}

/// The paths of `route` in axum's words.
fn paths(route: &Route) -> Vec<String> {
    let base = match route.base.as_str() {
        "/" => "",
        base => base,
    };
    let mut paths = vec![format!("{base}/")];
    if !base.is_empty() {
        paths.push(base.to_owned());
        // An exact route is exact.
        if !route.below {
            paths.remove(0);
        }
    }
    if route.below {
        paths.push(format!("{base}/{{*below}}"));
    }
    paths
}

impl Loaded {
    fn new(options: Options) -> anyhow::Result<Self> {
        let manifest = options.manifest;
        let values = Values::resolve(&manifest, &options.overrides, |name| std::env::var(name).ok())?;
        let mut limits = options.limits;
        if let Some(name) = options.time_variable {
            limits.time = values.milliseconds(name)?;
        }
        let network = Arc::new(Network::new(&options.own_authorities, options.inside)?);
        let engine = engine::start(&limits)?;
        let linker = instance::linker(&engine).map_err(engine::plain)?;
        let loading = Loading { limits, clock: options.clock, values, network: network.clone(), linker };
        let cache_dir = &options.cache_dir;
        std::fs::create_dir_all(cache_dir)
            .with_context(|| format!("cannot keep compiled code in {}", cache_dir.display()))?;
        let functions = components(loading.linker.engine(), &manifest, cache_dir)?
            .into_iter()
            .map(|(name, (described, component))| {
                let function = loading.function(name, described, &component);
                Ok((name.to_owned(), Arc::new(function.with_context(|| format!("the function {name:?}"))?)))
            })
            .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        Ok(Self { functions, routes: manifest.routes, network })
    }
}

/// What `manifest` names, compiled or found compiled in `folder`, by name.
fn components<'m>(
    engine: &Engine,
    manifest: &'m Manifest,
    folder: &Path,
) -> anyhow::Result<BTreeMap<&'m str, Compiled<'m>>> {
    let compile = |name: &str, described: &'m manifest::Component| {
        let source = &described.source;
        ensure!(source.exists(), "{} does not exist: run `makegood build`", source.display());
        let wasm = std::fs::read(source).with_context(|| format!("cannot read {}", source.display()))?;
        let component = compiled::component(engine, folder, name, &wasm)
            .with_context(|| format!("{} is not a Wasm component", source.display()))?;
        Ok((described, component))
    };
    // Each on its own thread: it is felt.
    std::thread::scope(|scope| {
        let threads: Vec<_> = manifest
            .components
            .iter()
            .map(|(name, described)| (name.as_str(), scope.spawn(move || compile(name, described))))
            .collect();
        let join = |(name, thread): (&'m str, std::thread::ScopedJoinHandle<'_, anyhow::Result<Compiled<'m>>>)| {
            let compiled = thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the compiler panicked")));
            Ok((name, compiled.with_context(|| format!("the function {name:?}"))?))
        };
        threads.into_iter().map(join).collect()
    })
}

/// A function as the manifest describes it, and its code.
type Compiled<'m> = (&'m manifest::Component, Component);

/// What every function's loading needs.
struct Loading {
    limits: Limits,
    clock: Clock,
    values: Values,
    network: Arc<Network>,
    linker: Linker<Guest>,
}

impl Loading {
    fn function(&self, name: &str, described: &manifest::Component, code: &Component) -> anyhow::Result<Function> {
        let hosts = described
            .allowed_outbound_hosts
            .iter()
            .map(|template| self.values.expand(template))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let allowed = AllowedHosts::parse(hosts.iter().map(String::as_str))?;
        let variables = described
            .variables
            .iter()
            .map(|(name, template)| Ok((name.clone(), self.values.expand(template)?)))
            .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        let source = &described.source;
        let pre = instance::prepare(&self.linker, code).map_err(engine::plain).with_context(|| {
            format!(
                "{} does not fit this host: it must export wasi:http/handler@0.3 or \
                     wasi:http/incoming-handler@0.2, and import nothing beyond WASI and Spin's \
                     variables",
                source.display()
            )
        })?;
        let concurrent = match self.limits.exclusive.contains(name) {
            true => 1,
            false => self.limits.concurrent.max(1),
        };
        let name: Arc<str> = name.into();
        let counters = Arc::default();
        let nursery = Nursery {
            engine: self.linker.engine().clone(),
            pre,
            outbound: Outbound { function: name.clone(), allowed: Arc::new(allowed), network: self.network.clone() },
            variables: Arc::new(variables),
            counters: Arc::clone(&counters),
            limits: self.limits.clone(),
            clock: self.clock.clone(),
            concurrent,
        };
        // A quarter of all instances, for one function must not starve the
        // others, and some linger after their requests have gone.
        let instances = (self.limits.instances / 4).max(1) as usize;
        Ok(Function {
            name,
            handler: ProxyHandler::new(nursery),
            permits: Arc::new(Semaphore::new(instances * concurrent)),
            counters,
            limits: self.limits.clone(),
        })
    }
}
