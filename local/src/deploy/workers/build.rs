//! What a Worker is built by, and what is deployed: what the build made.

use std::path::Path;

use toml::{Table, Value};

use super::{Config, Findings, Place};

pub fn check(folder: &Path, config: &Config, place: Place<'_>, findings: &mut Findings) {
    // What an environment does not say itself was checked with the config.
    if place.environment.is_some() && !place.own.contains_key("build") && !place.own.contains_key("main") {
        return;
    }
    let (target, wanted) = match config.function {
        Some(function) => (function, "build/shim.js"),
        None => ("gateway", "docker/workerd/build/gateway.js"),
    };
    let main = place.inherited("main").and_then(Value::as_str);
    if main.map(|main| main.trim_start_matches("./")) != Some(wanted) {
        findings.add(
            &config.file,
            format!("`main` is not what the build of {target} makes"),
            format!("Write main = \"{wanted}\"."),
        );
    }
    match place.inherited("build").and_then(Value::as_table) {
        None => findings.add(&config.file, "it has no [build]", "Add one with the command that builds the Worker."),
        Some(build) => {
            command(&config.file, target, build, findings);
            folders(folder, &config.file, build, findings);
        }
    }
}

fn command(file: &str, target: &str, build: &Table, findings: &mut Findings) {
    let command = build.get("command").and_then(Value::as_str).unwrap_or_default();
    let words: Vec<&str> = command.split_whitespace().filter(|word| !matches!(*word, "--quiet" | "-q")).collect();
    if words != ["cargo", "run", "--package", "makegood-workerd", "--", target] {
        findings.add(
            file,
            format!("the command of [build] does not build {target}: {command}"),
            format!("Write command = \"cargo run --quiet --package makegood-workerd -- {target}\"."),
        );
    }
}

/// Wrangler starts in the repository's folder.
fn folders(folder: &Path, file: &str, build: &Table, findings: &mut Findings) {
    let named = |key: &str| match build.get(key) {
        Some(Value::String(path)) => vec![path.clone()],
        Some(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let cwd = named("cwd").first().map_or_else(|| folder.to_owned(), |cwd| folder.join(cwd));
    for path in named("cwd").iter().filter(|path| !folder.join(path).is_dir()) {
        findings.add(file, format!("[build] starts in {path}, and there is no such folder"), "Mend `cwd`.");
    }
    let own = folder.join(file).parent().map_or_else(|| folder.to_owned(), Path::to_owned);
    // Whichever of these wrangler takes it from.
    let there = |path: &str| [folder, &cwd, &own].iter().any(|from| from.join(path).exists());
    for path in named("watch_dir").iter().filter(|path| !there(path)) {
        findings.add(file, format!("[build] watches {path}, and there is no such folder"), "Mend `watch_dir`.");
    }
}
