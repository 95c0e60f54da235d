//! The configuration for workerd beside what was built, so that it runs without wrangler:
//! `workerd serve docker/workerd/build/workerd.capnp` serves all functions on one port, and
//! `workerd serve functions/intent/build/workerd.capnp` one alone, with settings from the environment.
//!
//! It is derived and never written by hand: which settings a function gets is said in `spin.toml`,
//! which day's behaviour of the platform it wants in `wrangler.toml`.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::manifest;

/// Where it listens unless told otherwise by `--socket-addr http=…`; wrangler's own choice.
const ADDRESS: &str = "127.0.0.1:8787";

/// What a worker is given.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A variable of the environment, under its own name. An unset one becomes a null.
    Setting(String),
    /// Another worker: the binding's name, and the worker's.
    Service(String, String),
}

/// Writes the configuration of one function alone.
///
/// # Errors
/// Where it is not built, or a manifest cannot be read.
pub fn write(root: &Path, name: &str, build: &Path) -> anyhow::Result<()> {
    fs::write(build.join("workerd.capnp"), whole(&[function(root, name, "")?], name))?;
    Ok(())
}

/// Writes the configuration of a worker without any settings.
///
/// # Errors
/// Where it is not built, or a manifest cannot be read.
pub fn write_bare(root: &Path, name: &str, build: &Path) -> anyhow::Result<()> {
    let worker = worker(name, "", modules(build, "shim.js")?, Vec::new(), root)?;
    fs::write(build.join("workerd.capnp"), whole(&[worker], name))?;
    Ok(())
}

/// A function as a worker. Its files stand in `place`, seen from the configuration.
///
/// # Errors
/// Where it is not built, or a manifest cannot be read.
pub fn function(root: &Path, name: &str, place: &str) -> anyhow::Result<String> {
    let modules = modules(&root.join("functions").join(name).join("build"), "shim.js")?;
    let bindings = manifest::settings(root, name)?.into_iter().map(Binding::Setting).collect();
    worker(name, place, modules, bindings, root)
}

/// A worker among the services.
///
/// # Errors
/// Where `wrangler.toml` does not say which day's behaviour it wants.
pub fn worker(
    name: &str,
    place: &str,
    modules: Vec<String>,
    bindings: Vec<Binding>,
    root: &Path,
) -> anyhow::Result<String> {
    let wrangler = manifest::read(&root.join("wrangler.toml"))?;
    let date = wrangler.get("compatibility_date").and_then(|date| date.as_str());
    let date = date.context("wrangler.toml has no compatibility_date")?;
    let modules = modules.into_iter().map(|module| {
        let kind = match module.rsplit_once('.') {
            Some((_, "wasm")) => "wasm",
            Some((_, "json")) => "json",
            _ => "esModule",
        };
        format!("(name = \"{module}\", {kind} = embed \"{place}{module}\"),\n        ")
    });
    let modules: String = modules.collect();
    let bindings = bindings.into_iter().map(|binding| {
        let binding = match binding {
            Binding::Setting(name) => format!("name = \"{name}\", fromEnvironment = \"{name}\""),
            Binding::Service(name, worker) => format!("name = \"{name}\", service = \"{worker}\""),
        };
        format!("({binding}),\n        ")
    });
    let bindings: String = bindings.collect();
    Ok(format!(
        r#"
    (name = "{name}", worker = (
      compatibilityDate = "{date}",
      modules = [
        {modules}],
      bindings = [
        {bindings}],
    )),"#
    ))
}

/// A configuration that serves `first` on the socket `http`.
#[must_use]
pub fn whole(workers: &[String], first: &str) -> String {
    let workers = workers.concat();
    format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [{workers}
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "{ADDRESS}", http = (), service = "{first}")],
);
"#
    )
}

/// The names of a worker's modules as they import each other, the `entry` first.
///
/// # Errors
/// Where there is no such entry: it was not built.
pub fn modules(build: &Path, entry: &str) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    if build.is_dir() {
        find(build, "", &mut found)?;
    }
    anyhow::ensure!(found.iter().any(|name| name == entry), "{} is not built", build.display());
    found.sort_by_key(|name| (name != entry, name.clone()));
    Ok(found)
}

fn find(folder: &Path, prefix: &str, found: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            find(&entry.path(), &format!("{name}/"), found)?;
        } else if [".js", ".wasm", ".json"].iter().any(|ending| name.ends_with(ending)) {
            found.push(name);
        }
    }
    Ok(())
}
