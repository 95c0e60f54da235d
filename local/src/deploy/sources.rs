//! What a component is built from: that its build command makes its source, and that every file which goes into it
//! is watched.

use std::path::{Path, PathBuf};

use makegood_edge::settings::TABLE;

use super::Findings;
use super::spin::FILE;
use crate::build::watched;
use crate::host::manifest::Component;

const TARGET: &str = "wasm32-wasip2";

pub fn check(folder: &Path, function: &str, component: &Component, findings: &mut Findings) {
    let Some(build) = &component.build else {
        findings.add(FILE, format!("[component.{function}] has no build command"), "Add [component.….build].");
        return;
    };
    let words: Vec<&str> = build.command.split_whitespace().collect();
    let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1)).copied();
    let package = format!("makegood-{function}");
    let flag = |word: &str| matches!(word, "-p" | "--package" | "--target" | "--profile");
    // Every word of it: `echo cargo build …` builds nothing, and another flag builds something else.
    let mut rest = words.iter().skip(2);
    let mut whole = words.starts_with(&["cargo", "build"]);
    while let Some(word) = rest.next() {
        whole &= *word == "--release" || (flag(word) && rest.next().is_some());
    }
    let named = after("-p").or_else(|| after("--package")) == Some(package.as_str());
    if !whole || !named || after("--target") != Some(TARGET) {
        findings.add(
            FILE,
            format!("the build command of {function} does not build {package} for {TARGET}: {}", build.command),
            format!("Write: cargo build --profile wasm --target {TARGET} -p {package}."),
        );
    }
    let profile = after("--profile").unwrap_or(if words.contains(&"--release") { "release" } else { "debug" });
    let made = folder.join("target").join(TARGET).join(profile).join(format!("makegood_{function}.wasm"));
    if component.source != made {
        findings.add(
            FILE,
            format!("the source of {function} is not what its build command makes"),
            format!("Write source = \"{}\".", shown(folder, &made)),
        );
    }
    for pattern in &build.watch {
        if watched(folder, [pattern.as_str()]).iter().all(|file| !file.is_file()) {
            findings.add(
                FILE,
                format!("{function} watches {pattern}, and there is no such file"),
                "Mend the pattern, or take it away.",
            );
        }
    }
    let seen = watched(folder, build.watch.iter().map(String::as_str));
    let mut parts = vec![format!("functions/{function}/src/**"), "shared/*/src/**".to_owned()];
    // Those who ask models have the prompts in them.
    if TABLE.iter().any(|setting| setting.name == "model_url" && setting.needed_by(function)) {
        parts.push("shared/edge/prompts/*".to_owned());
    }
    let mut wanted = watched(folder, parts.iter().map(String::as_str));
    wanted.extend([folder.join("Cargo.toml"), folder.join("Cargo.lock")]);
    wanted.insert(folder.join("functions").join(function).join("Cargo.toml"));
    let missed: Vec<String> = wanted.difference(&seen).map(|file| shown(folder, file)).collect();
    if let Some(first) = missed.first() {
        findings.add(
            FILE,
            format!("{function} is made of files that its build does not watch, {first} among {}", missed.len()),
            "Add a pattern for them to `watch`: a change there would go unnoticed.",
        );
    }
}

fn shown(folder: &Path, file: &Path) -> String {
    let inside: PathBuf = file.strip_prefix(folder).unwrap_or(file).to_owned();
    inside.display().to_string()
}
