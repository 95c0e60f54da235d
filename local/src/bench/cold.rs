//! `makegood bench cold`: the first answer of a function that is not running, beside a hello-world's on the same host.
//!
//! Compiled and linked they are before, as on every platform that runs components. What is measured is the rest: an
//! instance is made, reads its variables, and refuses an address that it does not have. All of it runs on one thread,
//! whose processor time is counted, the instance's end included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::body::Body;
use clap::Args;
use http::Request;
use http::header::HOST;
use http_body_util::BodyExt;
use makegood_cloud::Clock;
use serde_json::json;
use tokio::sync::oneshot;
use toml::{Table, Value};
use tower::ServiceExt;

use super::{Scratch, round, round4, usage};
use crate::cli::Place;
use crate::host::manifest::Manifest;
use crate::host::{Functions, Limits, Options, compiled};
use crate::up;

#[derive(Clone, Debug, Args)]
pub struct BenchCold {
    #[command(flatten)]
    pub place: Place,
    /// The hello-world's component, as built from tests/workers/hello
    #[arg(long, value_name = "FILE")]
    pub hello: PathBuf,
    /// Batches of 50 for each function; of each the cheapest is told
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub times: u32,
}

/// The component that the others are compared with.
const HELLO: &str = "hello";
/// First answers that are measured together: each takes less than the kernel counts in.
const TOGETHER: usize = 50;

/// Prints a line for the hello-world and for each function.
pub async fn run(options: &BenchCold) -> anyhow::Result<()> {
    let manifest = options.place.manifest()?;
    up::build(&manifest).await?;
    let scratch = Scratch::new(None);
    std::fs::create_dir_all(&scratch.path)?;
    let all = scratch.path.join("spin.toml");
    std::fs::write(&all, with_hello(&manifest, &options.hello)?)?;
    let times = options.times;
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("cold".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let measured =
            runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(measure_all(&all, times)));
        let _ = sender.send(measured);
    })?;
    let starts = receiver.await.context("the measuring thread ended early")??;
    let hello = starts.get(HELLO).context("the hello-world was not measured")?.cpu_ms();
    for (function, starts) in &starts {
        let line = json!({
            "function": function,
            "first_answer_ms": round4(starts.quickest.as_secs_f64() * 1000.0),
            "cpu_ms": round4(starts.cpu_ms()),
            "times_hello": round(starts.cpu_ms() / hello),
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        });
        println!("{line}");
    }
    Ok(())
}

/// The manifest once more, with a route to each component by its name, and with the hello-world.
fn with_hello(manifest: &Path, hello: &Path) -> anyhow::Result<String> {
    let read = Manifest::read(manifest)?;
    let text = std::fs::read_to_string(manifest)?;
    let mut table: Table = text.parse().with_context(|| format!("{} is not TOML", manifest.display()))?;
    let components = table.get_mut("component").and_then(Value::as_table_mut).context("there are no components")?;
    for (name, component) in &read.components {
        let entry = components.get_mut(name).and_then(Value::as_table_mut).context("a component is no table")?;
        entry.insert("source".to_owned(), source(&component.source)?);
        entry.remove("build");
    }
    components.insert(HELLO.to_owned(), Table::from_iter([("source".to_owned(), source(hello)?)]).into());
    let route = |name: &String| {
        let fields = [("route", format!("/{name}/...")), ("component", name.clone())];
        Value::Table(fields.into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))).collect())
    };
    let routes: Vec<Value> = components.keys().map(route).collect();
    table.insert("trigger".to_owned(), Table::from_iter([("http".to_owned(), routes.into())]).into());
    Ok(toml::to_string(&table)?)
}

fn source(file: &Path) -> anyhow::Result<Value> {
    let file: PathBuf = std::path::absolute(file)?;
    ensure!(file.is_file(), "{} is not there: build it first", file.display());
    Ok(file.to_str().context("the path is not UTF-8")?.into())
}

/// What the first answers of one function took.
struct Starts {
    quickest: Duration,
    /// Of each batch, for one answer.
    cpu: Vec<f64>,
}

impl Starts {
    /// The least: a busy machine lengthens some, and nothing shortens any.
    fn cpu_ms(&self) -> f64 {
        self.cpu.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

async fn measure_all(manifest: &Path, times: u32) -> anyhow::Result<BTreeMap<String, Starts>> {
    let read = Manifest::read(manifest)?;
    let beside = manifest.with_file_name("compiled");
    let functions = Functions::load(Options {
        manifest: read.clone(),
        overrides: placeholders(&read),
        cache_dir: compiled::beside(&read).unwrap_or(beside),
        own_authorities: Vec::new(),
        // So that every request meets a new instance.
        limits: Limits { reuse: 1, ..Limits::default() },
        inside: true,
        time_variable: None,
        clock: Clock::real(),
    })
    .await?;
    let mut all: BTreeMap<String, Starts> = BTreeMap::new();
    // Once unmeasured, and then in turn, so that what else happens on this machine happens to all.
    for turn in 0..=times {
        for name in read.components.keys() {
            let (quickest, cpu) = batch(&functions, name).await.with_context(|| format!("the function {name}"))?;
            if turn > 0 {
                let starts = all.entry(name.clone()).or_insert(Starts { quickest, cpu: Vec::new() });
                starts.quickest = starts.quickest.min(quickest);
                starts.cpu.push(cpu);
            }
        }
    }
    Ok(all)
}

/// A value for every secret, which have none of their own: a database's address, which all of them can be.
fn placeholders(manifest: &Manifest) -> BTreeMap<String, String> {
    let missing = manifest.variables.iter().filter(|(_, variable)| variable.default.is_none());
    missing.map(|(name, _)| (name.clone(), "postgres://nobody:nothing@127.0.0.1/nowhere".to_owned())).collect()
}

/// The quickest of some first answers, and the milliseconds of CPU that each took.
async fn batch(functions: &Functions, name: &str) -> anyhow::Result<(Duration, f64)> {
    let made = || functions.stats().get(name).map_or(0, |stats| stats.instances_made);
    let before = made();
    let router = functions.router();
    let mut quickest = Duration::MAX;
    let began = spent()?;
    for _ in 0..TOGETHER {
        let since = Instant::now();
        // A request that names no host is refused before there is an instance.
        let request = Request::get(format!("/{name}/nothing")).header(HOST, "localhost").body(Body::empty())?;
        let answer = router.clone().oneshot(request).await?;
        ensure!(!answer.status().is_server_error(), "it answered {}", answer.status());
        answer.into_body().collect().await?;
        quickest = quickest.min(since.elapsed());
    }
    let cpu = (spent()? - began) / TOGETHER as f64;
    let made = made() - before;
    ensure!(made == TOGETHER as u64, "{made} instances answered {TOGETHER} requests: not each was the first");
    Ok((quickest, cpu))
}

/// The kernel brings the count up to date when the thread gives way.
fn spent() -> anyhow::Result<f64> {
    std::thread::yield_now();
    usage::thread_ms()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hello_world_joins_the_functions_and_each_has_a_route_by_its_name() {
        let folder = tempfile::TempDir::new().unwrap();
        for file in ["a.wasm", "hello.wasm"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let manifest = folder.path().join("spin.toml");
        let text = "spin_manifest_version = 2\n[application]\nname = \"x\"\n[variables]\nv = { default = \"1\" }\n\
                    [[trigger.http]]\nroute = \"/api/a\"\ncomponent = \"a\"\n\
                    [component.a]\nsource = \"a.wasm\"\n[component.a.variables]\nv = \"{{ v }}\"\n\
                    [component.a.build]\ncommand = \"cargo build -p a\"\n";
        std::fs::write(&manifest, text).unwrap();
        let hello = folder.path().join("hello.wasm");
        let made = with_hello(&manifest, &hello).unwrap();
        let made = Manifest::parse(&made, Path::new("/elsewhere"), None).unwrap();
        assert_eq!(made.components["a"].source, folder.path().join("a.wasm"));
        assert!(made.components["a"].build.is_none() && made.components["a"].variables.contains_key("v"));
        assert_eq!(made.components[HELLO].source, hello);
        let routes: Vec<_> = made.routes.iter().map(|route| (route.base.as_str(), route.below)).collect();
        assert_eq!(routes, [("/a", true), ("/hello", true)]);
        let missing = with_hello(&manifest, Path::new("/nowhere.wasm")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere.wasm is not there"), "{missing}");
    }
}
