//! What `spin.toml` says of the functions, which is said nowhere else: their routes and settings.

use std::fs;
use std::path::Path;

use anyhow::Context;
use toml::{Table, Value};

/// Where a function is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub path: String,
    /// Whether what stands below the path is the function's as well.
    pub below: bool,
    pub function: String,
}

/// The names of all functions.
///
/// # Errors
/// Where the manifest cannot be read.
pub fn functions(root: &Path) -> anyhow::Result<Vec<String>> {
    let manifest = read(&root.join("spin.toml"))?;
    let components = manifest.get("component").and_then(Value::as_table).context("spin.toml has no components")?;
    Ok(components.keys().cloned().collect())
}

/// All routes, in the manifest's order.
///
/// # Errors
/// Where the manifest cannot be read, or a route is of a kind that the gateway does not know.
pub fn routes(root: &Path) -> anyhow::Result<Vec<Route>> {
    let manifest = read(&root.join("spin.toml"))?;
    let triggers = manifest.get("trigger").and_then(|trigger| trigger.get("http")?.as_array());
    let triggers = triggers.context("spin.toml has no [[trigger.http]]")?;
    let route = |trigger: &Value| {
        let text = |name: &str| trigger.get(name).and_then(Value::as_str);
        let route = text("route").context("a [[trigger.http]] of spin.toml has no `route`")?;
        let function = text("component").context("a [[trigger.http]] of spin.toml has no `component`")?;
        let (path, below) = route.strip_suffix("/...").map_or((route, false), |path| (path, true));
        anyhow::ensure!(
            path.starts_with('/') && !path.contains("..") && !path.contains([':', '*']),
            "the route `{route}` of spin.toml is neither a path nor a path with `/...`: teach the gateway to route it"
        );
        Ok(Route { path: path.to_owned(), below, function: function.to_owned() })
    };
    triggers.iter().map(route).collect()
}

/// The names of a function's settings, in upper case as bindings have them.
///
/// # Errors
/// Where the manifest does not know the function.
pub fn settings(root: &Path, function: &str) -> anyhow::Result<Vec<String>> {
    let manifest = read(&root.join("spin.toml"))?;
    let component = manifest.get("component").and_then(|components| components.get(function));
    let component = component.with_context(|| format!("spin.toml has no [component.{function}]"))?;
    // Who needs none has no table of them.
    let variables = component.get("variables").and_then(Value::as_table);
    Ok(variables.into_iter().flat_map(Table::keys).map(|name| name.to_ascii_uppercase()).collect())
}

/// Reads a file of TOML.
///
/// # Errors
/// Names the file.
pub fn read(manifest: &Path) -> anyhow::Result<Table> {
    let text = fs::read_to_string(manifest).with_context(|| format!("{} cannot be read", manifest.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not TOML", manifest.display()))
}
