//! What a component may reach: the hosts of the URLs that its function calls, and no other.

use std::collections::BTreeSet;

use http::Uri;
use makegood_edge::settings::{Kind, SUBSCRIBER_HOSTS, Setting, TABLE, WEBHOOK};
use makegood_gateway::{jwt, mcp};

use super::Findings;
use super::spin::FILE;
use crate::configuration::Configuration;
use crate::host::allowed::AllowedHosts;
use crate::host::manifest::{Component, Manifest};

pub fn check(
    function: &str,
    component: &Component,
    manifest: &Manifest,
    deployed: Option<&Configuration>,
    findings: &mut Findings,
) {
    let called = |setting: &Setting| match setting.kind {
        Kind::Called { host } if setting.needed_by(function) => Some((format!("{{{{{host}}}}}"), setting.name)),
        Kind::Called { .. } | Kind::Address | Kind::Text | Kind::Truth | Kind::Number => None,
    };
    let mut needed: Vec<(String, &str)> = TABLE.iter().filter_map(called).collect();
    // Whoever subscribes is nobody that a setting names.
    if function == WEBHOOK {
        needed.push((format!("{{{{{SUBSCRIBER_HOSTS}}}}}"), "the addresses of subscriptions"));
    }
    let allowed: BTreeSet<String> =
        component.allowed_outbound_hosts.iter().map(|entry| entry.replace(' ', "")).collect();
    for (host, url) in needed.iter().filter(|(host, _)| !allowed.contains(host)) {
        findings.add(
            FILE,
            format!("the function {function} calls `{url}`, and may not reach its host"),
            format!("Add \"{host}\" to allowed_outbound_hosts of [component.{function}]."),
        );
    }
    let value = |name: &str| match deployed {
        Some(values) => Some(values.get(name).to_owned()),
        None => manifest.variables.get(name)?.default.clone(),
    };
    let text = |name: &str| value(name).unwrap_or_default();
    let servers = configured(function, &text("mcp_servers"), &text("issuers"));
    for entry in allowed.iter().filter(|entry| !needed.iter().any(|(host, _)| host == *entry)) {
        // One host, and one that something is called at.
        let plain = !entry.contains('*') && !entry.contains("..");
        let parsed = AllowedHosts::parse([entry.as_str()]).ok();
        let is_one = |(_, url): &(String, Uri)| parsed.as_ref().is_some_and(|hosts| hosts.allow(url));
        if !(plain && servers.iter().any(is_one)) {
            findings.add(
                FILE,
                format!("the function {function} may reach {entry}, and calls nothing there"),
                format!(
                    "Take it out of allowed_outbound_hosts of [component.{function}]. Where an MCP server or an issuer \
                     is there, name it in the default of `mcp_servers` or `issuers`, or in a file for --env."
                ),
            );
        }
    }
    let filled = allowed.iter().filter_map(|entry| match entry.strip_prefix("{{") {
        None => Some(entry.clone()),
        Some(name) => value(name.strip_suffix("}}")?),
    });
    let filled: Vec<String> = filled.collect();
    let reached = AllowedHosts::parse(filled.iter().map(String::as_str)).unwrap_or_default();
    for (name, url) in servers.iter().filter(|(_, url)| !reached.allow(url)) {
        let origin =
            format!("{}://{}", url.scheme_str().unwrap_or("https"), url.authority().map_or("", |all| all.as_str()));
        findings.add(
            FILE,
            format!("the function {function} calls {name}, and may not reach {origin}"),
            format!("Add \"{origin}\" to allowed_outbound_hosts of [component.{function}]."),
        );
    }
}

/// The MCP servers, and the issuers beside that of `jwks_url`, that a function calls.
fn configured(function: &str, servers: &str, issuers: &str) -> Vec<(String, Uri)> {
    let needs = |name: &str| TABLE.iter().any(|setting| setting.name == name && setting.needed_by(function));
    let mut all = Vec::new();
    // What cannot be read is another check's finding.
    if needs("mcp_servers") {
        let servers = mcp::servers(servers).unwrap_or_default();
        all.extend(servers.into_iter().map(|(name, server)| (format!("the MCP server `{name}`"), server.url)));
    }
    if needs("issuers") {
        let issuers = jwt::issuers("", issuers).unwrap_or_default();
        all.extend(issuers.into_iter().map(|issuer| (format!("the issuer `{}`", issuer.name), issuer.jwks)));
    }
    all.into_iter().filter_map(|(name, url)| Some((name, url.parse().ok()?))).collect()
}
