//! The configuration for workerd beside a built function, so that it runs without wrangler:
//! `workerd serve functions/intent/build/workerd.capnp`, with its settings in the environment.
//!
//! It is derived and never written by hand: which settings a function gets is said in `spin.toml`,
//! which day's behaviour of the platform it wants in `wrangler.toml`.

use std::fs;
use std::path::Path;

use anyhow::Context;
use toml::Table;

/// Where it listens unless told otherwise by `--socket-addr http=…`; wrangler's own choice.
const ADDRESS: &str = "127.0.0.1:8787";

/// Writes it.
pub fn write(root: &Path, function: &str, build: &Path) -> anyhow::Result<()> {
    let date = read(&root.join("wrangler.toml"))?;
    let date = date.get("compatibility_date").and_then(|date| date.as_str());
    let date = date.context("wrangler.toml has no compatibility_date")?;
    let mut modules = Vec::new();
    find_modules(build, "", &mut modules)?;
    // The first one is the entry.
    modules.sort_by_key(|name| (name != "shim.js", name.clone()));

    let modules = modules.iter().map(|name| {
        let kind = if name.ends_with(".wasm") { "wasm" } else { "esModule" };
        format!("(name = \"{name}\", {kind} = embed \"{name}\"),\n        ")
    });
    let modules: String = modules.collect();
    let bindings = settings(root, function)?.into_iter().map(|name| {
        // An unset variable becomes a null.
        format!("(name = \"{name}\", fromEnvironment = \"{name}\"),\n        ")
    });
    let bindings: String = bindings.collect();

    let config = format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "{function}", worker = (
      compatibilityDate = "{date}",
      modules = [
        {modules}],
      bindings = [
        {bindings}],
    )),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "{ADDRESS}", http = (), service = "{function}")],
);
"#
    );
    fs::write(build.join("workerd.capnp"), config)?;
    Ok(())
}

/// The names of all modules, as they import each other.
fn find_modules(folder: &Path, prefix: &str, found: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            find_modules(&entry.path(), &format!("{name}/"), found)?;
        } else if name.ends_with(".js") || name.ends_with(".wasm") {
            found.push(name);
        }
    }
    Ok(())
}

fn settings(root: &Path, function: &str) -> anyhow::Result<Vec<String>> {
    let manifest = read(&root.join("spin.toml"))?;
    let component = manifest.get("component").and_then(|components| components.get(function));
    let variables = component.and_then(|component| component.get("variables")?.as_table());
    let variables = variables.with_context(|| format!("spin.toml has no [component.{function}.variables]"))?;
    Ok(variables.keys().map(|name| name.to_ascii_uppercase()).collect())
}

fn read(manifest: &Path) -> anyhow::Result<Table> {
    let text = fs::read_to_string(manifest).with_context(|| format!("{} cannot be read", manifest.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not TOML", manifest.display()))
}
