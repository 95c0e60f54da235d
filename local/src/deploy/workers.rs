//! The wrangler configs against the code: `functions/NAME/wrangler.toml` of each Worker, and the root's, which is
//! the gateway to them. A root that binds no services is the config of the one Worker that it names.
//!
//! Wrangler's environments inherit neither variables nor bindings: each is checked as the whole is.

use std::path::Path;

use anyhow::Context;
use makegood_edge::settings::{NAMES, TABLE};
use toml::{Table, Value};

use super::{Findings, functions};

const FILE: &str = "wrangler.toml";

pub fn check(folder: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let mut workers = Vec::new();
    for function in functions() {
        let file = format!("functions/{function}/{FILE}");
        if folder.join(&file).is_file()
            && let Some(config) = read(folder, &file, findings)?
        {
            worker(folder, &file, function, &config, findings);
            workers.push((function, text(&config, "name").unwrap_or_default().to_owned()));
        }
    }
    let Some(root) = read(folder, FILE, findings)? else { return Ok(()) };
    if !workers.is_empty() || root.contains_key("services") {
        for function in functions().filter(|function| workers.iter().all(|(there, _)| there != function)) {
            findings.add(
                &format!("functions/{function}/{FILE}"),
                format!("there is no config of the Worker {function}"),
                "Add it: the gateway has nothing to pass that function's requests to.",
            );
        }
        gateway(&root, &workers, findings);
        return Ok(());
    }
    let name = text(&root, "name").and_then(|name| name.strip_prefix("makegood-"));
    match functions().find(|function| Some(*function) == name) {
        Some(function) => worker(folder, FILE, function, &root, findings),
        None => findings.add(
            FILE,
            "its name is none of a function, and it binds no services",
            "Name it makegood-NAME, or bind the five Workers under [[services]].",
        ),
    }
    Ok(())
}

fn read(folder: &Path, file: &str, findings: &mut Findings) -> anyhow::Result<Option<Table>> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    match text.parse() {
        Ok(config) => Ok(Some(config)),
        Err(error) => {
            findings.add(file, format!("it cannot be read: {error}"), "Mend it; nothing else of it was checked.");
            Ok(None)
        }
    }
}

/// The config itself, and each of its environments with a name.
fn environments(config: &Table) -> Vec<(String, &Table)> {
    let named = config.get("env").and_then(Value::as_table).into_iter().flatten();
    let named = named.filter_map(|(name, value)| Some((format!("[env.{name}]"), value.as_table()?)));
    [("the config".to_owned(), config)].into_iter().chain(named).collect()
}

fn worker(folder: &Path, file: &str, function: &str, config: &Table, findings: &mut Findings) {
    for (place, environment) in environments(config) {
        variables(file, &place, function, environment, findings);
        secrets(file, &place, function, environment, findings);
    }
    build(folder, file, function, config, findings);
}

fn variables(file: &str, place: &str, function: &str, environment: &Table, findings: &mut Findings) {
    let empty = Table::new();
    let there = environment.get("vars").and_then(Value::as_table).unwrap_or(&empty);
    // What may be left out has a default in the code; secrets stand in no file.
    let wanted = TABLE.iter().filter(|setting| setting.needed_by(function) && setting.required && !setting.secret);
    for name in wanted.map(|setting| setting.upper()).filter(|name| !there.contains_key(name)) {
        findings.add(
            file,
            format!("the function {function} reads {name}, and the vars of {place} do not have it"),
            format!("Add {name} to them; environments inherit none."),
        );
    }
    for name in there.keys() {
        let setting = TABLE.iter().find(|setting| setting.upper() == *name && setting.needed_by(function));
        match setting {
            None if NAMES.iter().any(|known| known.to_ascii_uppercase() == *name) => findings.add(
                file,
                format!("the vars of {place} have {name}, which the function {function} does not need"),
                "Take it away: a function is told no more than it needs.",
            ),
            None => findings.add(
                file,
                format!("the vars of {place} have {name}, which no code reads"),
                "Take it away, or add it to TABLE in shared/edge/src/settings/table.rs.",
            ),
            Some(setting) if setting.secret => findings.add(
                file,
                format!("the vars of {place} have {name}, which is a secret"),
                format!("Take it away; `wrangler secret put {name}` keeps it, and .dev.vars has it locally."),
            ),
            Some(_) => {}
        }
    }
}

/// Where the secrets that must be there are listed, they are the function's.
fn secrets(file: &str, place: &str, function: &str, environment: &Table, findings: &mut Findings) {
    let Some(required) = environment.get("secrets").and_then(|secrets| secrets.get("required")?.as_array()) else {
        return;
    };
    let listed: Vec<&str> = required.iter().filter_map(Value::as_str).collect();
    let secrets = TABLE.iter().filter(|setting| setting.needed_by(function) && setting.secret);
    let secrets: Vec<(String, bool)> = secrets.map(|setting| (setting.upper(), setting.required)).collect();
    for (name, _) in secrets.iter().filter(|(name, required)| *required && !listed.contains(&name.as_str())) {
        findings.add(
            file,
            format!("the function {function} reads the secret {name}, and the secrets of {place} do not list it"),
            format!("Add {name} to them; environments inherit none."),
        );
    }
    for name in listed.iter().filter(|name| !secrets.iter().any(|(secret, _)| secret == *name)) {
        findings.add(
            file,
            format!("the secrets of {place} list {name}, which the function {function} does not need"),
            "Take it away: a function is told no more than it needs.",
        );
    }
}

fn build(folder: &Path, file: &str, function: &str, config: &Table, findings: &mut Findings) {
    let Some(build) = config.get("build").and_then(Value::as_table) else {
        findings.add(file, "it has no [build]", "Add one with the command that builds the Worker.");
        return;
    };
    if text(build, "command").is_none_or(str::is_empty) {
        findings.add(file, "[build] has no command", "Add the command that builds the Worker.");
    }
    // Wrangler starts in the repository's folder.
    let folders = |key: &str| match build.get(key) {
        Some(Value::String(path)) => vec![path.clone()],
        Some(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let cwd = folders("cwd").first().map_or_else(|| folder.to_owned(), |cwd| folder.join(cwd));
    for path in folders("cwd").iter().filter(|path| !folder.join(path).is_dir()) {
        findings.add(file, format!("[build] starts in {path}, and there is no such folder"), "Mend `cwd`.");
    }
    let own = folder.join(file).parent().map_or_else(|| folder.to_owned(), Path::to_owned);
    // Whichever of these wrangler takes it from.
    let there = |path: &str| [folder, &cwd, &own].iter().any(|from| from.join(path).exists());
    for path in folders("watch_dir").iter().filter(|path| !there(path)) {
        findings.add(file, format!("[build] watches {path}, and there is no such folder"), "Mend `watch_dir`.");
    }
    let main = text(config, "main").map(|main| own.join(main));
    if !main.is_some_and(|main| main.starts_with(folder.join("functions").join(function))) {
        findings.add(
            file,
            format!("`main` is not below functions/{function}"),
            "Let it be the script that the build command makes there.",
        );
    }
}

/// Every Worker is bound, and every binding leads to one.
fn gateway(root: &Table, workers: &[(&str, String)], findings: &mut Findings) {
    for (place, environment) in environments(root) {
        let bound = environment.get("services").and_then(Value::as_array).cloned().unwrap_or_default();
        let bound: Vec<&str> = bound_services(&bound);
        let named = |function: &str, name: &str, service: &str| {
            // In an environment a Worker's name ends in the environment's.
            service == name || (place != "the config" && service.starts_with(&format!("makegood-{function}-")))
        };
        for (function, name) in workers {
            if !bound.iter().any(|service| named(function, name, service)) {
                findings.add(
                    FILE,
                    format!("{place} binds no service to the Worker {name}"),
                    format!("Add [[services]] with service = \"{name}\"; environments inherit none."),
                );
            }
        }
        for service in bound.iter().filter(|service| !workers.iter().any(|(f, name)| named(f, name, service))) {
            findings.add(
                FILE,
                format!("{place} binds a service to {service}, which is no Worker here"),
                "Mend its name.",
            );
        }
    }
}

fn bound_services(bound: &[Value]) -> Vec<&str> {
    bound.iter().filter_map(|service| service.get("service")?.as_str()).collect()
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}
