//! Builds the functions that a manifest names, when they changed.
//!
//! What to build, how, and what to watch all come from the manifest; the
//! commands that differ only in their package become one, so that what the
//! functions share is built once. Cargo's progress goes to standard error as
//! always. Deliberately absent: building for Workers, which is that platform's
//! own tool's work.

mod budget;
mod cargo;
mod fingerprint;
mod report;

pub use budget::Budget;
pub(crate) use cargo::ensure_target;
pub(crate) use report::weigh;
pub use report::{Report, Size};

use crate::host::manifest::Manifest;
use anyhow::Context;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What [`ensure`] found.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing changed since the last build.
    Unchanged,
    Built(Report),
}

/// Builds the functions if a watched file, the compiler or an artifact changed
/// since the last build. Blocks.
///
/// Fails where a function does not compile, and names it; the artifacts of the
/// last good build stay.
pub fn ensure(manifest: &Manifest) -> anyhow::Result<Outcome> {
    let now = fingerprint::of(manifest)?;
    if fingerprint::last(manifest).is_some_and(|last| last == now) {
        return Ok(Outcome::Unchanged);
    }
    run(manifest).map(Outcome::Built)
}

/// Builds the functions, changed or not. Blocks.
pub fn run(manifest: &Manifest) -> anyhow::Result<Report> {
    // Taken first: what is edited during the build is built the next time.
    let sources = fingerprint::sources(manifest)?;
    cargo::run(manifest)?;
    fingerprint::remember(manifest, &sources)?;
    Report::of(manifest)
}

/// What a build that watches `patterns` looks at; see [`fingerprint`].
pub fn watched<'a>(folder: &Path, patterns: impl IntoIterator<Item = &'a str>) -> BTreeSet<PathBuf> {
    fingerprint::matching(folder, &patterns.into_iter().collect())
}

/// The folder of the first artifact, where the last build is remembered.
fn artifacts(manifest: &Manifest) -> anyhow::Result<&Path> {
    let first = manifest.components.values().find(|c| c.build.is_some());
    first.and_then(|c| c.source.parent()).context("the manifest has no component with a build command")
}
