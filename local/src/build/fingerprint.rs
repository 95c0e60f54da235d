//! Tells whether the functions changed since the last build, without cargo.
//!
//! A digest of every watched file's name, time and length, of the compiler's
//! version and of the build commands, and then of what a build leaves: the
//! lock file and the artifacts.
//! Contents are not read: a false alarm costs one run of cargo, which knows
//! better.

use crate::host::manifest::Manifest;
use anyhow::Context;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

/// Beside the artifacts.
const FILE: &str = ".makegood-build";

/// What is now.
pub(super) fn of(manifest: &Manifest) -> anyhow::Result<String> {
    Ok(with_artifacts(manifest, &sources(manifest)?))
}

/// What was, after the last good build.
pub(super) fn last(manifest: &Manifest) -> Option<String> {
    std::fs::read_to_string(super::artifacts(manifest).ok()?.join(FILE)).ok()
}

/// Remembers that the artifacts of now were built from `sources`.
pub(super) fn remember(manifest: &Manifest, sources: &str) -> anyhow::Result<()> {
    let path = super::artifacts(manifest)?.join(FILE);
    std::fs::write(&path, with_artifacts(manifest, sources)).with_context(|| format!("cannot write {}", path.display()))
}

/// The digest of what goes into a build.
pub(super) fn sources(manifest: &Manifest) -> anyhow::Result<String> {
    let mut digest = Sha256::new();
    let folder = std::path::absolute(&manifest.folder).context("where the manifest stands")?;
    digest.update(folder.as_os_str().as_encoded_bytes());
    digest.update(rustc(&folder));
    let mut patterns = BTreeSet::new();
    for build in manifest.components.values().filter_map(|c| c.build.as_ref()) {
        digest.update(&build.command);
        patterns.extend(build.watch.iter().map(String::as_str));
    }
    for file in matching(&folder, &patterns) {
        digest.update(file.as_os_str().as_encoded_bytes());
        digest.update(stamp(&file));
    }
    Ok(text(digest))
}

fn with_artifacts(manifest: &Manifest, sources: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(sources);
    // A build may write it.
    digest.update(stamp(&manifest.folder.join("Cargo.lock")));
    for component in manifest.components.values().filter(|c| c.build.is_some()) {
        digest.update(stamp(&component.source));
    }
    text(digest)
}

fn text(digest: Sha256) -> String {
    use std::fmt::Write;
    digest.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// Time and length of a file; zeros where it is not there.
fn stamp(file: &Path) -> [u8; 24] {
    let mut stamp = [0; 24];
    if let Ok(data) = std::fs::metadata(file) {
        let time = data.modified().ok();
        let time = time.and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        stamp[..16].copy_from_slice(&time.unwrap_or_default().as_nanos().to_le_bytes());
        stamp[16..].copy_from_slice(&data.len().to_le_bytes());
    }
    stamp
}

/// The compiler that would be used in `folder`.
fn rustc(folder: &Path) -> Vec<u8> {
    let version = Command::new("rustc").arg("-V").current_dir(folder).output();
    version.map(|o| o.stdout).unwrap_or_default()
}

/// All files below `folder` that match one of `patterns`, in order; one without stars is there in any case.
pub(super) fn matching(folder: &Path, patterns: &BTreeSet<&str>) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let mut starts: BTreeMap<PathBuf, Vec<&str>> = BTreeMap::new();
    for pattern in patterns {
        match pattern.find('*') {
            None => {
                files.insert(folder.join(pattern));
            }
            Some(star) => {
                let start = pattern[..star].rfind('/').unwrap_or(0);
                let below = pattern[start..].trim_start_matches('/');
                let start = folder.join(&pattern[..start]);
                starts.entry(start).or_default().push(below);
            }
        }
    }
    for (start, patterns) in starts {
        walk(&start, &mut Vec::new(), &mut |file, names| {
            if patterns.iter().any(|p| matches(p, names)) {
                files.insert(file.to_owned());
            }
        });
    }
    files
}

/// Visits every file below `folder`, hidden ones and build output left out.
fn walk(folder: &Path, names: &mut Vec<String>, visit: &mut impl FnMut(&Path, &[String])) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        names.push(name);
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), names, visit),
            Ok(_) => visit(&entry.path(), names),
            Err(_) => {}
        }
        names.pop();
    }
}

/// Whether a path, name by name, matches a pattern with `*` and `**`.
fn matches(pattern: &str, names: &[String]) -> bool {
    let (first, rest) = match pattern.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (pattern, None),
    };
    match (first, names, rest) {
        ("**", _, Some(rest)) => (0..=names.len()).any(|n| matches(rest, &names[n..])),
        ("**", _, None) => true,
        (first, [name], None) => name_matches(first, name),
        (first, [name, below @ ..], Some(rest)) => name_matches(first, name) && matches(rest, below),
        (_, _, _) => false,
    }
}

fn name_matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| name_matches(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(pattern: &str, path: &str) -> bool {
        let names: Vec<_> = path.split('/').map(str::to_owned).collect();
        matches(pattern, &names)
    }

    #[test]
    fn stars_match_as_in_spin() {
        assert!(hit("**/*.rs", "lib.rs"));
        assert!(hit("**/*.rs", "a/b/lib.rs"));
        assert!(hit("**/Cargo.toml", "core/Cargo.toml"));
        assert!(hit("src/*.rs", "src/lib.rs"));
        assert!(!hit("src/*.rs", "src/a/lib.rs"));
        assert!(!hit("**/*.rs", "lib.rsx"));
        assert!(hit("**", "any/thing"));
    }

    #[test]
    fn a_changed_new_or_vanished_file_changes_the_digest() {
        let folder = std::env::temp_dir().join(format!("fingerprint-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("src/deep")).unwrap();
        std::fs::write(folder.join("src/lib.rs"), "1").unwrap();
        let text = "spin_manifest_version = 2\n[application]\nname = \"x\"\n[component.a]\n\
                    source = \"a.wasm\"\n[component.a.build]\ncommand = \"cargo build -p a\"\n\
                    watch = [\"src/**/*.rs\"]\n";
        let manifest = Manifest::parse(text, &folder, None).unwrap();
        let mut seen = BTreeSet::from([of(&manifest).unwrap()]);
        assert!(!seen.insert(of(&manifest).unwrap()), "stable");
        std::fs::write(folder.join("src/lib.rs"), "22").unwrap();
        assert!(seen.insert(of(&manifest).unwrap()), "changed");
        std::fs::write(folder.join("src/deep/x.rs"), "").unwrap();
        assert!(seen.insert(of(&manifest).unwrap()), "new");
        std::fs::write(folder.join("src/notes.md"), "").unwrap();
        assert!(!seen.insert(of(&manifest).unwrap()), "not watched");
        std::fs::write(folder.join("a.wasm"), "built").unwrap();
        assert!(seen.insert(of(&manifest).unwrap()), "artifact");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
