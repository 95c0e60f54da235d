//! `makegood deploy --check`: whether `spin.toml`, the wrangler configs, SpinKube's manifest, the examples of an
//! environment, the guide and the code say the same about routes, variables, hosts and builds.
//!
//! What the code needs stands in two tables of `makegood-edge`: its settings and its routes. Deliberately absent:
//! deploying, which is the platforms' own tools' work, and asking live services, which is `makegood doctor`'s.

mod example;
mod guide;
mod hosts;
mod sources;
mod spin;
mod spinapp;
mod workers;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;

use crate::cli::Place;
use crate::configuration::{Configuration, Source};
use crate::host::manifest::Manifest;

#[derive(Debug, Args)]
pub struct Deploy {
    #[command(flatten)]
    pub place: Place,
    /// Compares spin.toml, the wrangler configs and the code; deploying is `spin`'s and `wrangler`'s own work
    #[arg(long, required = true)]
    pub check: bool,
    /// A file with a deployment's values, whose MCP servers `execute` must be allowed to reach; may be repeated
    #[arg(long, value_name = "FILE")]
    pub env: Vec<PathBuf>,
}

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where, below the repository's folder.
    pub file: String,
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.file, self.what, self.remedy)
    }
}

/// Prints every finding. An error where there is one.
pub fn check(options: &Deploy) -> anyhow::Result<()> {
    let manifest = options.place.manifest()?;
    let folder = manifest.parent().context("the manifest stands in no folder")?;
    let findings = findings(folder, &options.env)?;
    for finding in &findings {
        println!("{finding}");
    }
    ensure!(
        findings.is_empty(),
        "manifests and code do not agree: {} findings, each with what to do, are above",
        findings.len()
    );
    println!(
        "spin.toml, the wrangler configs, docker/spinapp.yaml, .env.local.example, docs/DEPLOY.md and the code agree."
    );
    Ok(())
}

/// Everything in the repository at `folder` that does not agree, in order. `env` are files with a deployment's values,
/// of which the MCP servers are looked at.
///
/// # Errors
/// Where a file cannot be read at all.
pub fn findings(folder: &Path, env: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Findings::default();
    let source = Source { manifest: Some(folder.join(spin::FILE)), env: env.to_vec(), environment: None };
    let deployed = (!env.is_empty()).then(|| Configuration::read(&source, |_| None)).transpose()?;
    spin::check(folder, deployed.as_ref(), &mut findings)?;
    workers::check(folder, &mut findings)?;
    example::check(folder, &mut findings)?;
    spinapp::check(folder, &mut findings)?;
    guide::check(folder, &mut findings)?;
    findings.0.sort();
    Ok(findings.0)
}

/// `spin.toml` in `folder`, and the text of another `file` to hold against it. None where the manifest cannot be
/// understood, which is the finding of another check.
fn with_manifest(folder: &Path, file: &str) -> anyhow::Result<Option<(Manifest, String)>> {
    let read = |file: &str| {
        let path = folder.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let Ok(manifest) = Manifest::parse(&read(spin::FILE)?, folder, None) else { return Ok(None) };
    Ok(Some((manifest, read(file)?)))
}

/// The five functions, by name.
fn functions() -> impl Iterator<Item = &'static str> {
    use makegood_edge::settings::{CHAT, DEBUG, EXECUTE, INTENT, WEBHOOK};
    [CHAT, INTENT, EXECUTE, WEBHOOK, DEBUG].into_iter()
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, file: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { file: file.to_owned(), what: what.into(), remedy: remedy.into() });
    }
}
