//! `spin.toml` against the code: routes, variables, and the hosts that each component may reach.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use http::Uri;
use makegood_edge::routes::ROUTES;
use makegood_edge::settings::{Kind, SUBSCRIBER_HOSTS, Setting, TABLE};

use super::{Findings, functions, hosts, sources};
use crate::configuration::Configuration;
use crate::host::allowed::AllowedHosts;
use crate::host::manifest::{Component, Manifest};
use crate::values;

pub const FILE: &str = "spin.toml";

/// `deployed` are the values of a deployment; none: those that the manifest has by default.
pub fn check(folder: &Path, deployed: Option<&Configuration>, findings: &mut Findings) -> anyhow::Result<()> {
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    // Cargo's folder as it is written: what is checked is the manifest, not this machine.
    let manifest = match Manifest::parse(&text, folder, None) {
        Ok(manifest) => manifest,
        Err(error) => {
            findings.add(FILE, format!("it cannot be read: {error:#}"), "Mend it; nothing else of it was checked.");
            return Ok(());
        }
    };
    routes(&manifest, findings);
    application(&manifest, findings);
    defaults(&manifest, findings);
    for function in functions() {
        let Some(component) = manifest.components.get(function) else {
            findings.add(FILE, format!("there is no [component.{function}]"), "Add it, or take the function away.");
            continue;
        };
        variables(function, component, findings);
        hosts::check(function, component, &manifest, deployed, findings);
        granted(function, component, findings);
        sources::check(folder, function, component, findings);
    }
    for name in manifest.components.keys().filter(|name| !functions().any(|function| function == name.as_str())) {
        findings.add(FILE, format!("[component.{name}] is none of the five functions"), "Take it away.");
    }
    Ok(())
}

fn routes(manifest: &Manifest, findings: &mut Findings) {
    let written = |route: &crate::host::manifest::Route| match route.below {
        true => (format!("{}/...", route.base), route.component.clone()),
        false => (route.base.clone(), route.component.clone()),
    };
    let there: BTreeSet<_> = manifest.routes.iter().map(written).collect();
    let wanted: BTreeSet<_> =
        ROUTES.iter().map(|(route, function)| ((*route).to_owned(), (*function).to_owned())).collect();
    for (route, function) in wanted.difference(&there) {
        findings.add(
            FILE,
            format!("no route {route} leads to the component {function}, which serves it"),
            format!("Add [[trigger.http]] with route = \"{route}\" and component = \"{function}\"."),
        );
    }
    for (route, component) in there.difference(&wanted) {
        findings.add(
            FILE,
            format!("the route {route} leads to the component {component}, which does not serve it"),
            "Take it away, or add it to ROUTES in shared/edge/src/routes.rs and serve it.",
        );
    }
}

/// `[variables]`: everything that the code reads, the hosts, and nothing else.
fn application(manifest: &Manifest, findings: &mut Findings) {
    for setting in &TABLE {
        let name = setting.name;
        let Some(variable) = manifest.variables.get(name) else {
            findings.add(
                FILE,
                format!("the code reads `{name}`, and [variables] does not have it"),
                format!("Declare `{name}`: {}.", setting.meaning),
            );
            continue;
        };
        if variable.secret != setting.secret {
            let (is, remedy) = match setting.secret {
                true => ("a secret, and not marked as one", "Add `secret = true` to it."),
                false => ("marked as a secret, and is none", "Take `secret = true` away."),
            };
            findings.add(FILE, format!("the variable `{name}` is {is}"), remedy);
        }
        if setting.secret && setting.required && variable.default.is_some() {
            findings.add(
                FILE,
                format!("the secret `{name}` has a default: who forgets it deploys one that everybody can read"),
                "Write `required = true` in place of the default.",
            );
        }
    }
    for host in host_variables() {
        if !manifest.variables.contains_key(host) {
            findings.add(
                FILE,
                format!("[variables] does not have `{host}`, the host of a URL that the code reads"),
                format!("Declare `{host}` as scheme://host[:port]."),
            );
        }
    }
    let known = |name: &str| TABLE.iter().any(|setting| setting.name == name) || host_variables().contains(name);
    for name in manifest.variables.keys().filter(|name| !known(name)) {
        findings.add(
            FILE,
            format!("[variables] has `{name}`, which no code reads"),
            "Take it away, or add it to TABLE in shared/edge/src/settings/table.rs.",
        );
    }
}

fn host_variables() -> BTreeSet<&'static str> {
    let host = |setting: &Setting| match setting.kind {
        Kind::Called { host } => Some(host),
        Kind::Address | Kind::Text | Kind::Truth | Kind::Number => None,
    };
    TABLE.iter().filter_map(host).chain([SUBSCRIBER_HOSTS]).collect()
}

/// As delivered, every URL lies within its host, everybody says who they are, and the functions start.
fn defaults(manifest: &Manifest, findings: &mut Findings) {
    let default = |name: &str| manifest.variables.get(name).and_then(|variable| variable.default.as_deref());
    if default("allow_anonymous") != Some("false") {
        findings.add(
            FILE,
            "by default everybody may act as `anonymous`",
            "Let the default of `allow_anonymous` be \"false\"; `makegood up` sets it on loopback by itself.",
        );
    }
    let given =
        manifest.variables.iter().filter_map(|(name, variable)| Some((name.clone(), variable.default.clone()?)));
    for fault in values::together(&given.collect()) {
        findings.add(FILE, format!("the default of `{}`: {}", fault.name, fault.what), fault.remedy);
    }
    for setting in &TABLE {
        let Kind::Called { host } = setting.kind else { continue };
        let (Some(url), Some(allowed)) = (default(setting.name), default(host)) else { continue };
        // What may be left out calls nobody.
        if url.is_empty() && !setting.required {
            continue;
        }
        let within = url
            .parse::<Uri>()
            .ok()
            .zip(AllowedHosts::parse([allowed]).ok())
            .is_some_and(|(url, allowed)| allowed.allow(&url));
        if !within {
            findings.add(
                FILE,
                format!("the default of `{}` is not within that of `{host}`", setting.name),
                format!("Let `{host}` be the scheme, host and port of `{}`.", setting.name),
            );
        }
    }
}

/// What a component is told: what its function needs, each under its own name.
fn variables(function: &str, component: &Component, findings: &mut Findings) {
    for setting in TABLE.iter().filter(|setting| setting.needed_by(function)) {
        let name = setting.name;
        match component.variables.get(name).map(|template| template.replace(' ', "")) {
            None => findings.add(
                FILE,
                format!(
                    "the function {function} reads `{name}`, and [component.{function}.variables] does not have it"
                ),
                format!("Add {name} = \"{{{{ {name} }}}}\"."),
            ),
            Some(template) if template != format!("{{{{{name}}}}}") => findings.add(
                FILE,
                format!("[component.{function}.variables] gives `{name}` another value than the variable of that name"),
                format!("Write {name} = \"{{{{ {name} }}}}\"."),
            ),
            Some(_) => {}
        }
    }
    let needed = |name: &str| TABLE.iter().any(|setting| setting.name == name && setting.needed_by(function));
    for name in component.variables.keys().filter(|name| !needed(name)) {
        findings.add(
            FILE,
            format!("[component.{function}.variables] has `{name}`, which the function does not need"),
            "Take it away: a function is told no more than it needs.",
        );
    }
}

/// A function keeps nothing and reads no files: all that it is given are variables and hosts.
fn granted(function: &str, component: &Component, findings: &mut Findings) {
    for key in &component.granted {
        findings.add(
            FILE,
            format!("[component.{function}] is granted `{key}`, which the function does not need"),
            "Take it away: a function is given no more than it needs.",
        );
    }
}
