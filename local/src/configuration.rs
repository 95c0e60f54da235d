//! The values of a deployment's variables, for the commands that look at one from outside: as Spin would find them,
//! or from files.
//!
//! Spin takes `SPIN_VARIABLE_NAME` from its environment, then from `.env` beside the manifest, then the manifest's
//! default. With `--env`, neither environment nor `.env` counts: a file of `NAME=value` lines (`.env`, `.dev.vars`),
//! or a wrangler config, whose `[vars]` are taken. Of several files the later ones win. With a wrangler config it is
//! Workers that are meant, which do not limit the hosts that a function reaches: the variables for them are left out.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use makegood_edge::settings::{Kind, Setting, TABLE};

use crate::cli::Place;
use crate::host::manifest::Manifest;

const PREFIX: &str = "SPIN_VARIABLE_";

#[derive(Clone, Debug, Default, Args)]
pub struct Source {
    /// The manifest [default: spin.toml here or in a folder above]
    #[arg(long, value_name = "FILE", global = true)]
    pub manifest: Option<PathBuf>,
    /// Takes values from a file instead of the environment: lines of NAME=value, or a wrangler config; may be repeated
    #[arg(long, value_name = "FILE", global = true)]
    pub env: Vec<PathBuf>,
    /// Of a wrangler config, the environment whose vars are meant
    #[arg(long, value_name = "NAME", global = true)]
    pub environment: Option<String>,
}

/// Every variable of the manifest that the platform has, with its value. Its `Debug` tells the names only.
#[derive(Clone)]
pub struct Configuration(pub BTreeMap<String, String>);

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl Configuration {
    /// Reads it; `environment` looks up one variable of the process's environment.
    ///
    /// # Errors
    /// Where a file cannot be read, or has a line that is none.
    pub fn read(source: &Source, environment: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let place = Place { manifest: source.manifest.clone(), data_dir: None };
        let path = place.manifest()?;
        let manifest = Manifest::read(&path)?;
        let mut given = BTreeMap::new();
        if source.env.is_empty() {
            let beside = path.with_file_name(".env");
            if beside.is_file() {
                let prefixed = lines(&beside)?.into_iter();
                given.extend(prefixed.filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value))));
            }
            let named = |name: &String| Some((name.to_ascii_uppercase(), environment(&variable(name))?));
            given.extend(manifest.variables.keys().filter_map(named));
        }
        for file in &source.env {
            let values = match is_wrangler_config(file) {
                true => vars(file, source.environment.as_deref())?,
                false => lines(file)?,
            };
            let bare = |(name, value): (String, String)| (name.trim_start_matches(PREFIX).to_owned(), value);
            given.extend(values.into_iter().map(bare));
        }
        let value = |(name, declared): (&String, &crate::host::manifest::Variable)| {
            let given = given.get(&name.to_ascii_uppercase()).cloned();
            (name.clone(), given.or_else(|| declared.default.clone()).unwrap_or_default())
        };
        let workers = source.env.iter().any(|file| is_wrangler_config(file));
        let there = manifest.variables.iter().filter(|(name, _)| !(workers && limits_hosts(name)));
        Ok(Self(there.map(value).collect()))
    }

    /// Empty where it has none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    #[must_use]
    pub fn of(&self, setting: &Setting) -> &str {
        self.get(setting.name)
    }
}

fn is_wrangler_config(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "toml")
}

/// Whether a variable says what a function may reach, and not what it does reach.
fn limits_hosts(name: &str) -> bool {
    TABLE.iter().any(|setting| matches!(setting.kind, Kind::Called { host } if host == name))
}

fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

/// Lines of `NAME=value`; a value may stand in quotes, and `export` before a name.
fn lines(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.trim_start_matches("export ").split_once('=') else {
            // Not the line itself: it may be half of a secret.
            bail!("{}: line {} is not NAME=value.", file.display(), number + 1);
        };
        values.insert(name.trim().to_owned(), unquoted(value.trim()).to_owned());
    }
    Ok(values)
}

fn unquoted(value: &str) -> &str {
    let inside = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// `[vars]` of a wrangler config, or those of an environment.
fn vars(file: &Path, environment: Option<&str>) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    // Not with the parser's own words, which show the line.
    let config: toml::Table = text.parse().map_err(|_| anyhow::anyhow!("{} is not TOML", file.display()))?;
    let part = match environment {
        None => Some(&config),
        Some(name) => config.get("env").and_then(|all| all.get(name)?.as_table()),
    };
    let part = part.with_context(|| format!("{} has no such environment", file.display()))?;
    let vars = part.get("vars").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let text = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(vars.iter().map(|(name, value)| (name.clone(), text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(folder: &Path) -> PathBuf {
        let text = "spin_manifest_version = 2\n[application]\nname = \"x\"\n[variables]\n\
                    region = { default = \"local\" }\njwt_secret = { required = true, secret = true }\n\
                    tools_url = { default = \"http://t.test/do\" }\ntools_host = { default = \"http://t.test\" }\n";
        let path = folder.join("spin.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(folder: &Path, env: &[&str], environment: &[(&str, &str)]) -> Configuration {
        let source = Source {
            manifest: Some(manifest(folder)),
            env: env.iter().map(|file| folder.join(file)).collect(),
            environment: Some("live".to_owned()),
        };
        let found = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Configuration::read(&source, found).unwrap()
    }

    #[test]
    fn the_environment_beats_the_file_beside_the_manifest_and_that_the_default() {
        let folder = tempfile::TempDir::new().unwrap();
        assert_eq!(read(folder.path(), &[], &[]).get("region"), "local");
        std::fs::write(folder.path().join(".env"), "# x\nexport SPIN_VARIABLE_REGION=\"fra\"\nREGION=no\n").unwrap();
        assert_eq!(read(folder.path(), &[], &[]).get("region"), "fra");
        assert_eq!(read(folder.path(), &[], &[("SPIN_VARIABLE_REGION", "iad")]).get("region"), "iad");
    }

    #[test]
    fn files_are_read_in_turn_and_then_the_environment_is_not() {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::write(folder.path().join("w.toml"), "[vars]\nREGION = \"dev\"\n[env.live.vars]\nREGION = \"live\"\n")
            .unwrap();
        std::fs::write(folder.path().join(".dev.vars"), "JWT_SECRET='a=b'\n").unwrap();
        let all = read(folder.path(), &["w.toml", ".dev.vars"], &[("SPIN_VARIABLE_REGION", "iad")]);
        assert_eq!((all.get("region"), all.get("jwt_secret")), ("live", "a=b"));
        assert!(!format!("{all:?}").contains("a=b"), "no value is shown");
    }

    #[test]
    fn workers_have_no_variable_for_what_may_be_reached() {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::write(folder.path().join("w.toml"), "[env.live.vars]\nTOOLS_URL = \"https://t.test\"\n").unwrap();
        std::fs::write(folder.path().join("s.env"), "TOOLS_URL=https://t.test\n").unwrap();
        let on_workers = read(folder.path(), &["s.env", "w.toml"], &[]);
        assert_eq!(on_workers.get("tools_url"), "https://t.test");
        assert_eq!(on_workers.0.get("tools_host"), None);
        let on_spin = read(folder.path(), &["s.env"], &[]);
        assert_eq!(on_spin.get("tools_host"), "http://t.test");
    }
}
