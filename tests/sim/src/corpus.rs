//! Schedules that once broke something, kept as data: a seed means another world when the generator
//! changes, a schedule does not.

use std::io::Write;
use std::path::{Path, PathBuf};

use makegood_core::saga::{Limits, freeze};
use serde::{Deserialize, Serialize};

use crate::Scenario;

/// One schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What was wrong when it was found, in a sentence.
    pub caught: String,
    /// What the simulator said then.
    pub violation: String,
    pub scenario: Scenario,
}

/// Where the schedules are kept.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// All of them, by name.
///
/// # Errors
/// Which file cannot be read, and why.
pub fn all() -> Result<Vec<(String, Schedule)>, String> {
    let listed = std::fs::read_dir(folder()).map_err(|error| format!("{}: {error}", folder().display()))?;
    let mut paths: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|path| Ok((name(path), read(path)?))).collect()
}

/// Reads one.
///
/// # Errors
/// Why it cannot be read.
pub fn read(path: &Path) -> Result<Schedule, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes one.
///
/// # Errors
/// Why it cannot be written.
pub fn write(schedule: &Schedule, out: &mut impl Write) -> Result<(), String> {
    let text = serde_json::to_string_pretty(schedule).map_err(|error| error.to_string())?;
    writeln!(out, "{text}").map_err(|error| error.to_string())
}

impl Schedule {
    /// The plan is refused before anything runs, which is one way to be right.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        freeze(&self.scenario.plan, &self.scenario.tools, Limits::default()).is_err()
    }
}
