//! The wrangler configs against the code: `functions/NAME/wrangler.toml` of each Worker, and the root's, which is
//! the gateway to them.
//!
//! Wrangler's environments inherit neither variables, secrets nor bindings, and everything else: each is checked as
//! the whole is.

mod alike;
mod build;
mod exposure;
mod gateway;
mod settings;

use std::path::Path;

use anyhow::Context;
use toml::{Table, Value};

use super::{Findings, functions};

const FILE: &str = "wrangler.toml";

/// What a Worker is configured with.
struct Config {
    /// `None`: the gateway.
    function: Option<&'static str>,
    /// Below the repository's folder.
    file: String,
    table: Table,
}

/// A config as one environment has it.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// `None`: that of `wrangler dev`, outside of any.
    environment: Option<&'a str>,
    own: &'a Table,
    config: &'a Table,
}

pub fn check(folder: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let mut configs = Vec::new();
    for function in functions() {
        let file = format!("functions/{function}/{FILE}");
        if folder.join(&file).is_file() {
            configs.extend(read(folder, Some(function), &file, findings)?);
        } else {
            findings.add(
                &file,
                format!("there is no config of the Worker {function}"),
                "Add it: the gateway has nothing to pass that function's requests to.",
            );
        }
    }
    configs.extend(read(folder, None, FILE, findings)?);
    for config in &configs {
        for place in config.places() {
            settings::check(config, place, findings);
            exposure::check(config, place, findings);
            build::check(folder, config, place, findings);
            if config.function.is_none() {
                gateway::check(place, findings);
            }
        }
    }
    alike::check(&configs, findings);
    Ok(())
}

fn read(
    folder: &Path,
    function: Option<&'static str>,
    file: &str,
    findings: &mut Findings,
) -> anyhow::Result<Option<Config>> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    match text.parse() {
        Ok(table) => Ok(Some(Config { function, file: file.to_owned(), table })),
        Err(error) => {
            findings.add(file, format!("it cannot be read: {error}"), "Mend it; nothing else of it was checked.");
            Ok(None)
        }
    }
}

impl Config {
    /// The config itself, and each of its environments.
    fn places(&self) -> Vec<Place<'_>> {
        let config = &self.table;
        let named = config.get("env").and_then(Value::as_table).into_iter().flatten();
        let named = named.filter_map(|(name, value)| {
            Some(Place { environment: Some(name.as_str()), own: value.as_table()?, config })
        });
        [Place { environment: None, own: config, config }].into_iter().chain(named).collect()
    }

    fn place(&self, environment: Option<&str>) -> Option<Place<'_>> {
        self.places().into_iter().find(|place| place.environment == environment)
    }

    /// What its Worker is called outside of any environment.
    fn name(&self) -> String {
        self.function.map_or_else(|| "makegood".to_owned(), |function| format!("makegood-{function}"))
    }
}

impl<'a> Place<'a> {
    /// As findings name it.
    fn shown(self) -> String {
        self.environment.map_or_else(|| "the config".to_owned(), |name| format!("[env.{name}]"))
    }

    /// What an environment takes from the config where it says nothing itself.
    fn inherited(self, key: &str) -> Option<&'a Value> {
        self.own.get(key).or_else(|| self.config.get(key))
    }

    fn vars(self) -> Option<&'a Table> {
        self.own.get("vars").and_then(Value::as_table)
    }

    /// A variable, as a function is told it.
    fn var(self, name: &str) -> Option<String> {
        self.vars()?.get(name).map(said)
    }
}

/// A value as Workers give it to a function, whether there are quotes around it or not.
fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
