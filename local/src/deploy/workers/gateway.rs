//! Every Worker is bound under its function's name in capitals, and in an environment that environment's.

use toml::{Table, Value};

use super::{FILE, Findings, Place, functions};

pub fn check(place: Place<'_>, findings: &mut Findings) {
    let shown = place.shown();
    let bound: Vec<&Table> =
        place.own.get("services").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table).collect();
    let text = |service: &Table, key: &str| service.get(key).and_then(Value::as_str).map(str::to_owned);
    for function in functions() {
        let binding = function.to_ascii_uppercase();
        let ending = place.environment.map(|name| format!("-{name}")).unwrap_or_default();
        let worker = format!("makegood-{function}{ending}");
        let remedy = format!("Write {{ binding = \"{binding}\", service = \"{worker}\" }}; environments inherit none.");
        let under: Vec<&&Table> =
            bound.iter().filter(|service| text(service, "binding").as_ref() == Some(&binding)).collect();
        match under.as_slice() {
            [] => findings.add(FILE, format!("{shown} binds no service as {binding}"), remedy),
            [service] => {
                let there = text(service, "service").unwrap_or_default();
                if there != worker {
                    let what = format!("{shown} binds {binding} to {there:?}, and not to the Worker {worker}");
                    findings.add(FILE, what, remedy);
                } else if service.len() > 2 {
                    let what = format!("{shown} binds {binding} to something else than all of the Worker {worker}");
                    findings.add(FILE, what, remedy);
                }
            }
            [_, _, ..] => findings.add(FILE, format!("{shown} binds {binding} more than once"), remedy),
        }
    }
    let known = |name: &str| functions().any(|function| function.to_ascii_uppercase() == name);
    for name in bound.iter().map(|service| text(service, "binding").unwrap_or_default()).filter(|name| !known(name)) {
        findings.add(FILE, format!("{shown} binds {name:?}, which the gateway does not know"), "Take it away.");
    }
}
