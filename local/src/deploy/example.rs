//! `.env.local.example` names every variable of `spin.toml`, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Findings, with_manifest};

const FILE: &str = ".env.local.example";
const PREFIX: &str = "SPIN_VARIABLE_";

pub fn check(folder: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let Some((manifest, text)) = with_manifest(folder, FILE)? else { return Ok(()) };
    let named = |line: &str| {
        let name = line.trim_start_matches(['#', ' ']).split_once('=')?.0.strip_prefix(PREFIX)?;
        Some(name.to_ascii_lowercase())
    };
    let there: BTreeSet<String> = text.lines().filter_map(named).collect();
    let wanted: BTreeSet<String> = manifest.variables.keys().cloned().collect();
    for name in wanted.difference(&there) {
        let name = name.to_ascii_uppercase();
        findings.add(
            FILE,
            format!("it lacks {PREFIX}{name}"),
            format!("Add {PREFIX}{name}= with a line that explains it."),
        );
    }
    for name in there.difference(&wanted) {
        let name = name.to_ascii_uppercase();
        findings.add(FILE, format!("{PREFIX}{name} is no variable of spin.toml"), "Take it away.");
    }
    Ok(())
}
