//! `docker/spinapp.yaml` gives every variable of `spin.toml` a value, and each secret its own of a secret of the cluster.
//!
//! Its lines are read as they are written there, a `- name:` and what follows: no parser of YAML for one list.

use std::collections::BTreeMap;
use std::path::Path;

use http::Uri;
use makegood_edge::settings::{Kind, TABLE};

use super::{Findings, with_manifest};
use crate::host::allowed::AllowedHosts;
use crate::values;

pub const FILE: &str = "docker/spinapp.yaml";

/// Where a value comes from.
#[derive(Debug, PartialEq, Eq)]
enum From {
    Here(String),
    /// The key in the cluster's secret.
    Secret(String),
}

pub fn check(folder: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let Some((manifest, text)) = with_manifest(folder, FILE)? else { return Ok(()) };
    let there = entries(&text);
    for (name, variable) in &manifest.variables {
        let mine: Vec<&From> =
            there.iter().filter(|(entry, _)| entry == name).flat_map(|(_, from)| from.iter()).collect();
        match mine.as_slice() {
            [] => findings.add(FILE, format!("it gives `{name}` no value"), "Add it to the variables."),
            [From::Here(_)] if variable.secret => findings.add(
                FILE,
                format!("`{name}` is a secret, and stands there as it is"),
                "Take it from a secret of the cluster, with valueFrom and secretKeyRef.",
            ),
            [From::Secret(key)] if variable.secret && key != name => findings.add(
                FILE,
                format!("`{name}` is taken from the key `{key}`"),
                format!("Write valueFrom: {{ secretKeyRef: {{ name: makegood, key: {name} }} }}."),
            ),
            [_] => {}
            [_, _, ..] => findings.add(FILE, format!("`{name}` has more than one value"), "Leave it one."),
        }
    }
    for (name, _) in there.iter().filter(|(name, _)| !manifest.variables.contains_key(name)) {
        findings.add(FILE, format!("`{name}` is no variable of spin.toml"), "Take it away.");
    }
    let here = there.into_iter().filter_map(|(name, from)| match from.into_iter().next() {
        Some(From::Here(value)) => Some((name, value)),
        Some(From::Secret(_)) | None => None,
    });
    said(&here.collect(), findings);
    Ok(())
}

/// The names in their order, each with where its value is said to come from.
fn entries(text: &str) -> Vec<(String, Vec<From>)> {
    let mut entries: Vec<(String, Vec<From>)> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix("- ") {
            if let Some(name) = rest.trim_start().strip_prefix("name:") {
                entries.push((name.trim().to_owned(), Vec::new()));
            }
        } else if let Some((_, from)) = entries.last_mut() {
            if let Some(value) = line.strip_prefix("value:") {
                from.push(From::Here(value.trim().trim_matches(['"', '\'']).to_owned()));
            } else if let Some(secret) = line.strip_prefix("valueFrom:") {
                let key = secret.split_once("key:").map(|(_, key)| key.trim_start()).unwrap_or_default();
                let key: String = key.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                from.push(From::Secret(key));
            }
        }
    }
    entries
}

/// What can be said of the values that stand there.
fn said(values: &BTreeMap<String, String>, findings: &mut Findings) {
    for setting in TABLE.iter().filter(|setting| !setting.secret) {
        let Some(value) = values.get(setting.name) else { continue };
        if setting.name == "allow_anonymous" && value != "false" {
            findings.add(FILE, "it lets everybody act as `anonymous`", "Let `allow_anonymous` be \"false\".");
        } else if value.is_empty() {
            if setting.required {
                findings.add(FILE, format!("`{}` has no value", setting.name), "Give it one.");
            }
        } else if let Some(fault) = values::of_one(setting, value) {
            findings.add(FILE, format!("`{}` is {value:?}: {}", setting.name, fault.what), fault.remedy);
        } else if let Kind::Called { host } = setting.kind {
            let allowed = values.get(host).and_then(|host| AllowedHosts::parse([host.as_str()]).ok());
            let within = value.parse::<Uri>().ok().zip(allowed).is_some_and(|(url, allowed)| allowed.allow(&url));
            if !within {
                findings.add(
                    FILE,
                    format!("`{}` is not within `{host}`", setting.name),
                    format!("Let `{host}` be the scheme, host and port of `{}`.", setting.name),
                );
            }
        }
    }
    for fault in values::together(values) {
        findings.add(FILE, format!("`{}`: {}", fault.name, fault.what), fault.remedy);
    }
}
