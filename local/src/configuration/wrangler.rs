//! The `[vars]` of wrangler configs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use makegood_edge::settings::{CHAT, DEBUG, EXECUTE, Function, INTENT, WEBHOOK};

use super::Source;

/// What each function's Worker is told, secrets apart, in upper case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workers(pub Vec<(Function, BTreeMap<String, String>)>);

impl Workers {
    /// Those whose configs stand beside the manifest; `None` where `source` does not mean Workers.
    ///
    /// # Errors
    /// Where a config cannot be read, or has not the environment.
    pub fn read(source: &Source) -> anyhow::Result<Option<Self>> {
        if source.environment.is_none() && !source.env.iter().any(|file| is_config(file)) {
            return Ok(None);
        }
        let manifest = source.manifest()?;
        let config = |function: &Function| -> PathBuf {
            manifest.with_file_name("functions").join(function).join("wrangler.toml")
        };
        let mut all = Vec::new();
        for function in [CHAT, INTENT, EXECUTE, WEBHOOK, DEBUG] {
            let file = config(&function);
            if file.is_file() {
                all.push((function, vars(&file, source.environment.as_deref())?));
            }
        }
        Ok(Some(Self(all)))
    }

    /// All of them. Where two differ the later function's is taken: that they differ is the doctor's to say.
    pub fn vars(&self) -> BTreeMap<String, String> {
        self.0.iter().flat_map(|(_, vars)| vars.clone()).collect()
    }
}

pub(super) fn is_config(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "toml")
}

/// `[vars]` of a config, or those of an environment.
pub(super) fn vars(file: &Path, environment: Option<&str>) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    // Not with the parser's own words, which show the line.
    let config: toml::Table = text.parse().map_err(|_| anyhow::anyhow!("{} is not TOML", file.display()))?;
    let part = match environment {
        None => Some(&config),
        Some(name) => config.get("env").and_then(|all| all.get(name)?.as_table()),
    };
    let name = environment.unwrap_or_default();
    let part = part.with_context(|| format!("{} has no environment `{name}`", file.display()))?;
    let vars = part.get("vars").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(vars.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}
