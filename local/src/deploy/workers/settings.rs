//! The variables and the secrets of a Worker: its function's, and no others.

use makegood_edge::settings::{NAMES, TABLE};
use toml::Value;

use super::{Config, Findings, Place};
use crate::values;

pub fn check(config: &Config, place: Place<'_>, findings: &mut Findings) {
    match config.function {
        Some(function) => {
            variables(&config.file, function, place, findings);
            secrets(&config.file, function, place, findings);
        }
        None => {
            for key in ["vars", "secrets"].into_iter().filter(|key| place.own.contains_key(*key)) {
                findings.add(
                    &config.file,
                    format!("{} has {key}, and the gateway needs none", place.shown()),
                    "Take them away: what a function is told stands in its own config.",
                );
            }
        }
    }
}

fn variables(file: &str, function: &str, place: Place<'_>, findings: &mut Findings) {
    let shown = place.shown();
    // What may be left out has a default in the code; secrets stand in no file.
    let wanted = TABLE.iter().filter(|setting| setting.needed_by(function) && setting.required && !setting.secret);
    for name in wanted.map(|setting| setting.upper()) {
        match place.var(&name) {
            None => findings.add(
                file,
                format!("the function {function} reads {name}, and the vars of {shown} do not have it"),
                format!("Add {name} to them; environments inherit none."),
            ),
            Some(value) if value.is_empty() => {
                findings.add(file, format!("{name} of {shown} has no value"), "Give it one.");
            }
            Some(_) => {}
        }
    }
    for (name, value) in place.vars().into_iter().flatten() {
        let setting = TABLE.iter().find(|setting| setting.upper() == *name && setting.needed_by(function));
        let value = super::said(value);
        match setting {
            None if NAMES.iter().any(|known| known.to_ascii_uppercase() == *name) => findings.add(
                file,
                format!("the vars of {shown} have {name}, which the function {function} does not need"),
                "Take it away: a function is told no more than it needs.",
            ),
            None => findings.add(
                file,
                format!("the vars of {shown} have {name}, which no code reads"),
                "Take it away, or add it to TABLE in shared/edge/src/settings/table.rs.",
            ),
            Some(setting) if setting.secret => findings.add(
                file,
                format!("the vars of {shown} have {name}, which is a secret"),
                format!("Take it away; `wrangler secret put {name}` keeps it, and .dev.vars has it locally."),
            ),
            Some(setting) if setting.name == "allow_anonymous" && value == "true" => findings.add(
                file,
                format!("{shown} lets everybody act as `anonymous`"),
                "Let ALLOW_ANONYMOUS be \"false\"; on your own machine it may be `true` in .dev.vars.",
            ),
            Some(setting) => {
                if let Some(fault) = values::of_one(setting, &value).filter(|_| !value.is_empty()) {
                    findings.add(file, format!("{name} of {shown} is {value:?}: {}", fault.what), fault.remedy);
                }
            }
        }
    }
}

/// Those that must be there are listed, so that wrangler does not deploy without them; what is listed is the
/// function's.
fn secrets(file: &str, function: &str, place: Place<'_>, findings: &mut Findings) {
    let shown = place.shown();
    let required = place.own.get("secrets").and_then(|secrets| secrets.get("required")?.as_array());
    let listed: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
    let secrets = TABLE.iter().filter(|setting| setting.needed_by(function) && setting.secret);
    let secrets: Vec<(String, bool)> = secrets.map(|setting| (setting.upper(), setting.required)).collect();
    for (name, _) in secrets.iter().filter(|(name, required)| *required && !listed.contains(&name.as_str())) {
        findings.add(
            file,
            format!("the function {function} reads the secret {name}, and the secrets of {shown} do not list it"),
            format!("Add {name} to `required` of its [secrets]; environments inherit none."),
        );
    }
    for name in listed.iter().filter(|name| !secrets.iter().any(|(secret, _)| secret == *name)) {
        findings.add(
            file,
            format!("the secrets of {shown} list {name}, which the function {function} does not need"),
            "Take it away: a function is told no more than it needs.",
        );
    }
}
