//! The gateway in front of the functions: one address, the routes of `spin.toml`, and workerd's
//! configuration of the whole.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use crate::config::{self, Binding};
use crate::manifest::{self, Route};

/// Hands requests on; it knows no routes.
const GATEWAY: &str = include_str!("gateway.js");

/// Where it is built, for wrangler and for workerd.
#[must_use]
pub fn folder(root: &Path) -> PathBuf {
    root.join("docker/workerd/build")
}

/// Writes the gateway and its routes, which is all that wrangler needs.
///
/// # Errors
/// Where `spin.toml` cannot be read, or the folder not be written.
pub fn write(root: &Path) -> anyhow::Result<()> {
    let build = folder(root);
    fs::create_dir_all(&build).with_context(|| format!("{} cannot be made", build.display()))?;
    let mut routes = manifest::routes(root)?;
    // The longest first, so that the first that fits is the one that is meant.
    routes.sort_by_key(|route| std::cmp::Reverse(route.path.len()));
    let routes: Vec<_> = routes
        .iter()
        .map(|Route { path, below, function }| json!({"route": path, "below": below, "binding": binding(function)}))
        .collect();
    fs::write(build.join("routes.json"), serde_json::to_string_pretty(&routes)?)?;
    fs::write(build.join("gateway.js"), GATEWAY)?;
    Ok(())
}

/// Writes the configuration with which workerd serves the gateway and all functions on one port.
/// They have to be built.
///
/// # Errors
/// Where one of them is not.
pub fn write_config(root: &Path) -> anyhow::Result<()> {
    let build = folder(root);
    let functions = manifest::functions(root)?;
    let bindings = functions.iter().map(|function| Binding::Service(binding(function), function.clone())).collect();
    let mut workers = vec![config::worker("gateway", "", config::modules(&build, "gateway.js")?, bindings, root)?];
    for function in &functions {
        workers.push(config::function(root, function, &format!("../../../functions/{function}/build/"))?);
    }
    fs::write(build.join("workerd.capnp"), config::whole(&workers, "gateway"))?;
    Ok(())
}

/// What a function is called among the gateway's bindings.
fn binding(function: &str) -> String {
    function.to_ascii_uppercase()
}
