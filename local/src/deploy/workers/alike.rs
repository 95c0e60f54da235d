//! What all Workers have in common: environments, the platform's date, and the values of what several functions read.

use std::collections::{BTreeMap, BTreeSet};

use makegood_edge::settings::{EXECUTE, TABLE};
use toml::Value;

use super::{Config, FILE, Findings, Place};
use crate::values;

pub fn check(configs: &[Config], findings: &mut Findings) {
    let names: BTreeSet<Option<&str>> =
        configs.iter().flat_map(Config::places).map(|place| place.environment).collect();
    for environment in &names {
        let there = |config: &&Config| config.place(*environment).is_some();
        for config in configs.iter().filter(|config| !there(config)) {
            let name = environment.unwrap_or_default();
            findings.add(
                &config.file,
                format!("it has no [env.{name}], and other Workers have"),
                format!("Add [env.{name}], or take it from all six: they are deployed together."),
            );
        }
        let places: Vec<(&Config, Place<'_>)> =
            configs.iter().filter_map(|config| Some((config, config.place(*environment)?))).collect();
        platform(&places, findings);
        shared(&places, findings);
        together(&places, findings);
    }
}

/// The same runtime for all. The gateway's config says which.
fn platform(places: &[(&Config, Place<'_>)], findings: &mut Findings) {
    let Some((_, gateway)) = places.iter().find(|(config, _)| config.function.is_none()) else { return };
    let is_date = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
    };
    let date = gateway.inherited("compatibility_date").and_then(Value::as_str).unwrap_or_default();
    if !is_date(date) {
        findings.add(FILE, "its compatibility_date is no date", "Write one as in \"2026-11-01\", the same for all.");
    }
    for (config, place) in places {
        for key in ["compatibility_date", "compatibility_flags"] {
            if place.inherited(key) != gateway.inherited(key) {
                findings.add(
                    &config.file,
                    format!("{key} of {} is not that of the gateway", place.shown()),
                    format!("Let {key} be the same in all six: what is tested is one runtime."),
                );
            }
        }
    }
}

/// What several functions read is the same for all of them.
fn shared(places: &[(&Config, Place<'_>)], findings: &mut Findings) {
    for setting in TABLE.iter().filter(|setting| !setting.secret) {
        let reads = |(config, _): &&(&Config, Place<'_>)| config.function.is_some_and(|name| setting.needed_by(name));
        let readers: Vec<_> = places.iter().filter(reads).collect();
        let first = readers.iter().find(|(config, _)| config.function == Some(EXECUTE)).or(readers.first());
        let Some((model, other)) = first else { continue };
        let name = setting.upper();
        let (wanted, shown) = (other.var(&name), |value: &Option<String>| match value {
            None => "not set".to_owned(),
            Some(value) => format!("{value:?}"),
        });
        for (config, place) in readers.iter().filter(|(_, place)| place.var(&name) != wanted) {
            let (here, there) = (shown(&place.var(&name)), shown(&wanted));
            findings.add(
                &config.file,
                format!("{name} of {} is {here}, and {there} in {}", place.shown(), model.file),
                "Let it be the same in every function that reads it.",
            );
        }
    }
}

/// What the values of one deployment say against each other.
fn together(places: &[(&Config, Place<'_>)], findings: &mut Findings) {
    let mut all = BTreeMap::new();
    for (_, place) in places {
        let told = place.vars().into_iter().flatten();
        all.extend(told.map(|(name, value)| (name.to_ascii_lowercase(), super::said(value))));
    }
    for fault in values::together(&all) {
        let name = fault.name.to_ascii_uppercase();
        let has = |(_, place): &&(&Config, Place<'_>)| place.var(&name).is_some();
        let execute = |(config, _): &&(&Config, Place<'_>)| config.function == Some(EXECUTE);
        let of = places.iter().find(has).or_else(|| places.iter().find(execute));
        if let Some((config, place)) = of {
            findings.add(&config.file, format!("{name} of {}: {}", place.shown(), fault.what), fault.remedy);
        }
    }
}
