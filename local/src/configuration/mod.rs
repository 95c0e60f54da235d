//! The values of a deployment's variables, for the commands that look at one from outside: as Spin would find them,
//! or from files.
//!
//! Spin takes `SPIN_VARIABLE_NAME` from its environment, then from `.env` beside the manifest, then the manifest's
//! default. With `--env`, neither environment nor `.env` counts: a file of `NAME=value` lines (`.env`, `.dev.vars`),
//! or a wrangler config, whose `[vars]` are taken. Of several files the later ones win.
//!
//! With a wrangler config or `--environment` it is Workers that are meant. Then the `[vars]` of all five functions
//! are read, as they stand beside the manifest; of an environment that is deployed, a file of lines gives the secrets
//! alone, for the rest of it reaches no Worker. Workers do not limit the hosts that a function reaches: the variables
//! for them are left out.

mod lines;
mod wrangler;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use makegood_edge::settings::{Kind, SUBSCRIBER_HOSTS, Setting, TABLE};

use crate::cli::Place;
use crate::host::manifest::Manifest;

pub use wrangler::Workers;

const PREFIX: &str = "SPIN_VARIABLE_";

#[derive(Clone, Debug, Default, Args)]
pub struct Source {
    /// The manifest [default: spin.toml here or in a folder above]
    #[arg(long, value_name = "FILE", global = true)]
    pub manifest: Option<PathBuf>,
    /// Takes values from a file instead of the environment: lines of NAME=value, or a wrangler config; may be repeated
    #[arg(long, value_name = "FILE", global = true)]
    pub env: Vec<PathBuf>,
    /// Workers, and of their wrangler configs the environment whose vars are meant
    #[arg(long, value_name = "NAME", global = true)]
    pub environment: Option<String>,
}

impl Source {
    fn manifest(&self) -> anyhow::Result<PathBuf> {
        Place { manifest: self.manifest.clone(), data_dir: None }.manifest()
    }
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
        let path = source.manifest()?;
        let manifest = Manifest::read(&path)?;
        let mut given = BTreeMap::new();
        let workers = Workers::read(source)?;
        if let Some(workers) = &workers {
            given.extend(workers.vars());
        } else if source.env.is_empty() {
            let beside = path.with_file_name(".env");
            if beside.is_file() {
                let prefixed = lines::read(&beside, false)?.into_iter();
                given.extend(prefixed.filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value))));
            }
            let named = |name: &String| Some((name.to_ascii_uppercase(), environment(&variable(name))?));
            given.extend(manifest.variables.keys().filter_map(named));
        }
        for file in &source.env {
            let bare = |(name, value): (String, String)| (name.trim_start_matches(PREFIX).to_owned(), value);
            if wrangler::is_config(file) {
                given.extend(wrangler::vars(file, source.environment.as_deref())?);
            } else {
                let all = lines::read(file, workers.is_some())?.into_iter().map(bare);
                let secret = |name: &str| TABLE.iter().any(|setting| setting.secret && setting.upper() == name);
                given.extend(all.filter(|(name, _)| source.environment.is_none() || secret(name)));
            }
        }
        let value = |(name, declared): (&String, &crate::host::manifest::Variable)| {
            let given = given.get(&name.to_ascii_uppercase()).cloned();
            // What a Worker is not given has the default of the code, not that of Spin's manifest.
            let default = declared.default.clone().filter(|_| workers.is_none());
            (name.clone(), given.or(default).unwrap_or_default())
        };
        let there = manifest.variables.iter().filter(|(name, _)| !(workers.is_some() && limits_hosts(name)));
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

/// Whether a variable says what a function may reach, and not what it does reach.
fn limits_hosts(name: &str) -> bool {
    name == SUBSCRIBER_HOSTS
        || TABLE.iter().any(|setting| matches!(setting.kind, Kind::Called { host } if host == name))
}

fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn manifest(folder: &Path) -> PathBuf {
        let text = "spin_manifest_version = 2\n[application]\nname = \"x\"\n[variables]\n\
                    region = { default = \"local\" }\nqstash_token = { required = true, secret = true }\n\
                    tools_url = { default = \"http://t.test/do\" }\ntools_host = { default = \"http://t.test\" }\n";
        let path = folder.join("spin.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Of the environment `live`, where there are files; of Spin, where there are none.
    fn read(folder: &Path, env: &[&str], environment: &[(&str, &str)]) -> Configuration {
        let source = Source {
            manifest: Some(manifest(folder)),
            env: env.iter().map(|file| folder.join(file)).collect(),
            environment: (!env.is_empty()).then(|| "live".to_owned()),
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
        std::fs::write(folder.path().join(".dev.vars"), "QSTASH_TOKEN='a=b'\n").unwrap();
        let all = read(folder.path(), &["w.toml", ".dev.vars"], &[("SPIN_VARIABLE_REGION", "iad")]);
        assert_eq!((all.get("region"), all.get("qstash_token")), ("live", "a=b"));
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
        let env = vec![folder.path().join("s.env")];
        let source = Source { manifest: Some(folder.path().join("spin.toml")), env, environment: None };
        let on_spin = Configuration::read(&source, |_| None).unwrap();
        assert_eq!(on_spin.get("tools_host"), "http://t.test");
        assert_eq!(on_spin.get("tools_url"), "https://t.test");
    }

    #[test]
    fn of_workers_the_vars_of_all_five_are_read_and_of_a_file_the_secrets() {
        let folder = tempfile::TempDir::new().unwrap();
        for (function, vars) in [("execute", "TOOLS_URL = \"https://t.test\""), ("debug", "REGION = \"fra\"")] {
            let own = folder.path().join("functions").join(function);
            std::fs::create_dir_all(&own).unwrap();
            std::fs::write(own.join("wrangler.toml"), format!("[env.live.vars]\n{vars}\n")).unwrap();
        }
        std::fs::write(folder.path().join("s.env"), "TOOLS_URL=https://other.test\nQSTASH_TOKEN=a\n").unwrap();
        let all = read(folder.path(), &["s.env"], &[]);
        assert_eq!((all.get("tools_url"), all.get("region")), ("https://t.test", "fra"));
        assert_eq!(all.get("qstash_token"), "a");
        std::fs::write(folder.path().join("functions/debug/wrangler.toml"), "[vars]\nREGION = \"fra\"\n").unwrap();
        let source = Source {
            manifest: Some(folder.path().join("spin.toml")),
            env: Vec::new(),
            environment: Some("live".to_owned()),
        };
        let told = Configuration::read(&source, |_| None).unwrap_err().to_string();
        assert!(told.contains("debug/wrangler.toml has no environment `live`"), "{told}");
    }
}
