//! What people copy from: the Workers' part of `docs/DEPLOY.md` and the `.dev.vars.example` of each function. Who
//! follows them gives each function all that it must have, and nothing that is not its own, and commits no secret.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use makegood_edge::settings::{Setting, TABLE};

use super::{Findings, functions};

pub const FILE: &str = "docs/DEPLOY.md";
const BEGIN: &str = "<!-- the Workers -->\n";
const END: &str = "<!-- the end of the Workers -->";
const IGNORED: &str = ".gitignore";
/// Files with secrets that the guide has people write.
const SECRET: [&str; 4] = ["production.env", "secrets.env", ".env", ".dev.vars"];
const EXAMPLE: &str = ".dev.vars.example";

pub fn check(folder: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    table(&text, findings);
    ignored(folder, findings)?;
    for function in functions() {
        command(&text, function, findings);
        example(folder, function, findings)?;
    }
    Ok(())
}

/// The names of a function's settings, in upper case.
fn names(function: &str, is_it: impl Fn(&Setting) -> bool) -> Vec<String> {
    TABLE.iter().filter(|setting| setting.needed_by(function) && is_it(setting)).map(Setting::upper).collect()
}

/// What each Worker is given, as the guide is to have it.
fn rows() -> String {
    let listed = |names: Vec<String>| match names.is_empty() {
        true => "none".to_owned(),
        false => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    let mut rows = "| | vars that it must have | vars that it may have | secrets that it must have | and may have |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    for function in functions() {
        let of = |secret, required| {
            listed(names(function, |setting| setting.secret == secret && setting.required == required))
        };
        rows += &format!(
            "| {function} | {} | {} | {} | {} |\n",
            of(false, true),
            of(false, false),
            of(true, true),
            of(true, false)
        );
    }
    rows
}

fn table(text: &str, findings: &mut Findings) {
    let wanted = rows();
    let there = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(there, _)| there);
    if there != Some(wanted.as_str()) {
        findings.add(
            FILE,
            "its table of what each Worker is given is not what the code reads",
            format!("Write between `{}` and `{END}`:\n{wanted}", BEGIN.trim_end()),
        );
    }
}

/// The guide's command that deploys a function for the first time, with its secrets.
fn command(text: &str, function: &str, findings: &mut Findings) {
    let secrets = names(function, |setting| setting.secret).join("|");
    if secrets.is_empty() {
        return;
    }
    let wanted = format!("deploy {function} '{secrets}'");
    if !text.lines().any(|line| line == wanted) {
        findings.add(
            FILE,
            format!("it does not deploy {function} with all of its secrets"),
            format!("Write: {wanted}"),
        );
    }
}

fn ignored(folder: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let path = folder.join(IGNORED);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let fits = |line: &str, name: &str| match line.strip_prefix('*') {
        Some(ending) => name.ends_with(ending) && !ending.is_empty(),
        None => line == name,
    };
    for name in SECRET.into_iter().filter(|name| !text.lines().any(|line| fits(line, name))) {
        findings.add(
            IGNORED,
            format!("it lets {name} be committed, in which there are secrets"),
            format!("Add a line {name}."),
        );
    }
    Ok(())
}

fn example(folder: &Path, function: &str, findings: &mut Findings) -> anyhow::Result<()> {
    let required = names(function, |setting| setting.secret && setting.required);
    if required.is_empty() {
        return Ok(());
    }
    let file = format!("functions/{function}/{EXAMPLE}");
    let path = folder.join(&file);
    if !path.is_file() {
        findings.add(&file, "there is no such file", format!("Write one, with {}.", required.join(", ")));
        return Ok(());
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let named = |line: &str| Some(line.split_once('=')?.0.trim().to_owned()).filter(|name| !name.starts_with('#'));
    let there: BTreeSet<String> = text.lines().filter_map(named).collect();
    for name in required.iter().filter(|name| !there.contains(*name)) {
        findings.add(
            &file,
            format!("it lacks {name}, without which the function {function} does not start"),
            format!("Add {name}= with a line that says where it comes from."),
        );
    }
    let secrets = names(function, |setting| setting.secret);
    for name in there.iter().filter(|name| !secrets.contains(name)) {
        findings.add(&file, format!("it has {name}, which is no secret of the function {function}"), "Take it away.");
    }
    Ok(())
}
