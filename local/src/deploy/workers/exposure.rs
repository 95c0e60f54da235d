//! Who reaches a Worker: the gateway has the one public address, and the clock calls the sweeper.

use makegood_edge::settings::EXECUTE;
use toml::Value;

use super::{Config, Findings, Place};

/// Each minute.
const SWEEP: &str = "* * * * *";

pub fn check(config: &Config, place: Place<'_>, findings: &mut Findings) {
    name(config, place, findings);
    clock(config, place, findings);
    let Some(function) = config.function else { return };
    let (file, shown) = (&config.file, place.shown());
    if place.inherited("workers_dev").and_then(Value::as_bool) != Some(false) {
        findings.add(
            file,
            format!("{shown} gives the function {function} an address of its own on workers.dev"),
            "Write workers_dev = false: requests come by the gateway.",
        );
    }
    if place.inherited("preview_urls").and_then(Value::as_bool) == Some(true) {
        findings.add(
            file,
            format!("{shown} gives each version of the function {function} an address of its own"),
            "Write preview_urls = false: requests come by the gateway.",
        );
    }
    for key in ["route", "routes"].into_iter().filter(|key| place.own.contains_key(*key)) {
        findings.add(
            file,
            format!("{shown} gives the function {function} an address of its own by `{key}`"),
            "Take it away: requests come by the gateway, whose config may have routes.",
        );
    }
}

/// Wrangler adds the environment's to it: `makegood-chat-production` is what the gateway binds.
fn name(config: &Config, place: Place<'_>, findings: &mut Findings) {
    let wanted = config.name();
    let there = place.own.get("name");
    if place.environment.is_some() {
        if there.is_some() {
            findings.add(
                &config.file,
                format!("{} gives the Worker a name of its own", place.shown()),
                "Take it away: wrangler adds the environment's name to the config's, and the gateway binds that.",
            );
        }
    } else if there.and_then(Value::as_str) != Some(wanted.as_str()) {
        findings.add(
            &config.file,
            format!("its name is not {wanted}"),
            format!("Write name = \"{wanted}\": by that it is bound."),
        );
    }
}

fn clock(config: &Config, place: Place<'_>, findings: &mut Findings) {
    let crons = place.inherited("triggers").and_then(|triggers| triggers.get("crons")?.as_array());
    let crons: Vec<&str> = crons.into_iter().flatten().filter_map(Value::as_str).collect();
    if config.function == Some(EXECUTE) {
        if crons != [SWEEP] {
            findings.add(
                &config.file,
                format!("the clock does not call the sweeper of {} each minute", place.shown()),
                format!("Write crons = [\"{SWEEP}\"] under [triggers]: a wake that the queue lost is found by it."),
            );
        }
    } else if !crons.is_empty() {
        findings.add(
            &config.file,
            format!("{} has the clock call what has nothing to do by it", place.shown()),
            "Take `crons` away: execute has the sweeper.",
        );
    }
}
