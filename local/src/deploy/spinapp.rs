//! `docker/spinapp.yaml` gives every variable of `spin.toml` a value, and secrets theirs from a secret of the cluster.
//!
//! Its lines are read as they are written there, a `- name:` and what follows: no parser of YAML for one list.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Findings, with_manifest};

pub const FILE: &str = "docker/spinapp.yaml";

pub fn check(folder: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let Some((manifest, text)) = with_manifest(folder, FILE)? else { return Ok(()) };
    // Whether each value comes from a secret.
    let mut there = BTreeMap::new();
    let mut lines = text.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("- name: ") {
            there.insert(name.to_owned(), lines.peek().is_some_and(|next| next.starts_with("valueFrom:")));
        }
    }
    for (name, variable) in &manifest.variables {
        match there.get(name) {
            None => findings.add(FILE, format!("it gives `{name}` no value"), "Add it to the variables."),
            Some(false) if variable.secret => findings.add(
                FILE,
                format!("`{name}` is a secret, and stands there as it is"),
                "Take it from a secret of the cluster, with valueFrom and secretKeyRef.",
            ),
            Some(_) => {}
        }
    }
    for name in there.keys().filter(|name| !manifest.variables.contains_key(*name)) {
        findings.add(FILE, format!("`{name}` is no variable of spin.toml"), "Take it away.");
    }
    Ok(())
}
