//! What can be said of the values of a deployment's variables without asking anybody: `makegood deploy --check` says
//! it of what stands in the repository, `makegood doctor` of what a deployment is given.

use std::collections::BTreeMap;

use http::Uri;
use makegood_core::error::Error;
use makegood_core::guard::breaker::Rulebook;
use makegood_core::guard::outbound::{Refused, public};
use makegood_edge::model::Models;
use makegood_edge::native::Native;
use makegood_edge::settings::{Kind, NAMES, Setting};
use makegood_edge::{Settings, logs};
use makegood_gateway::ably::Ably;
use makegood_gateway::otlp::Collector;
use makegood_gateway::tempo::Tempo;
use makegood_gateway::webhook::sources;
use makegood_gateway::{jwt, mcp, tool};

/// Between the end of the budget and the platform's kill there is a commit, and a message to the queue.
const LAST: u64 = 1_000;
/// After the models' answer, or without one, a saga is committed: what docs/MODELS.md asks for.
const AFTER_MODELS: u64 = 2_000;
/// What the code has where there is no value.
const KILL_MS: u64 = 10_000;
const BUDGET_MS: u64 = 8_500;
const MODELS_MS: u64 = 7_000;
/// Others' secrets are made of it: 128 random bits in base64 have so many characters.
const SHORTEST_KEY: usize = 24;

/// What is wrong with a value, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable's name.
    pub name: &'static str,
    pub what: String,
    pub remedy: String,
}

impl Fault {
    fn new(name: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, what: what.into(), remedy: remedy.into() }
    }
}

/// Of one value that is there, by its kind alone.
#[must_use]
pub fn of_one(setting: &Setting, value: &str) -> Option<Fault> {
    let wrong = |what: &str, remedy: &str| Some(Fault::new(setting.name, what, remedy));
    if value.trim() != value {
        return wrong("it begins or ends with a space or a line's end", "Set it again without.");
    }
    match setting.kind {
        Kind::Called { .. } | Kind::Address => address(setting, value),
        Kind::Truth if !matches!(value, "true" | "false") => {
            wrong("it is neither `true` nor `false`", "Write one of these.")
        }
        Kind::Number if value.parse::<u64>().is_err() => wrong("it is not a whole number", "Write digits only."),
        Kind::Text if setting.name == "database_url" && !is_connection_string(value) => wrong(
            "it is not postgres://user:password@host/database",
            "Copy the connection string from your database's dashboard.",
        ),
        Kind::Text if setting.name == "cors_origins" && !value.split(',').all(|one| is_origin(one.trim())) => wrong(
            "it is not a list of origins",
            "Write each as a browser says it, scheme, host and port only, as https://app.example.com; `*` is none.",
        ),
        Kind::Truth | Kind::Number | Kind::Text => None,
    }
}

/// As browsers say it (RFC 6454, section 6.2): a scheme, a host, and a port where it is not the scheme's own.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    matches!(scheme, "http" | "https") && !host.is_empty() && host.chars().all(plain)
}

fn is_connection_string(value: &str) -> bool {
    let rest = value.strip_prefix("postgres://").or_else(|| value.strip_prefix("postgresql://"));
    rest.and_then(|rest| rest.rsplit_once('@')).is_some_and(|(user, place)| !user.is_empty() && place.contains('/'))
}

fn address(setting: &Setting, value: &str) -> Option<Fault> {
    let wrong = |what: &str, remedy: &str| Some(Fault::new(setting.name, what, remedy));
    let url = value.parse::<Uri>().ok();
    let Some((scheme, _)) = url.as_ref().and_then(|url| url.scheme_str().zip(url.host())) else {
        return wrong("it is not an address", "Write it as https://host/path.");
    };
    if !matches!(scheme, "http" | "https") {
        return wrong("it is neither http nor https", "Write it as https://host/path.");
    }
    if scheme == "http" && !is_loopback(value) {
        return wrong("it is http, and what goes there can be read on the way", "Write https.");
    }
    if is_somebodys(value) {
        return wrong("it is an example's address, and one that belongs to somebody", "Write a name below .example.");
    }
    // The queue calls it, from outside. What we call ourselves may well be inside, and of `public_url` the doctor
    // knows more.
    if setting.name == "alert_url"
        && !is_loopback(value)
        && let Err(Refused::Inside(place)) = public(value)
    {
        let what = format!("the queue calls it from outside, and it leads inside: {place}");
        return wrong(&what, "Write an address that the internet reaches.");
    }
    if setting.name != "alert_url" && (value.ends_with('/') || value.contains('?')) {
        return wrong("it ends in a slash, or has a query", "Take that away: paths are put behind it.");
    }
    None
}

/// The host of an address, without the brackets of one in numbers.
#[must_use]
pub fn host_of(url: &str) -> Option<String> {
    let url = url.parse::<Uri>().ok()?;
    Some(url.host()?.trim_matches(['[', ']']).to_ascii_lowercase())
}

/// Whether an address is one that only this machine reaches.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let host = host_of(url).unwrap_or_default();
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether an address is one of those that stand for another in documents (RFC 2606), as in the files of this
/// repository.
#[must_use]
pub fn is_example(url: &str) -> bool {
    let host = host_of(url).unwrap_or_default();
    ["example", "example.com", "example.net", "example.org"]
        .iter()
        .any(|name| host == *name || host.ends_with(&format!(".{name}")))
}

/// Whether an address stands for another, and is somebody's: who forgets to write their own sends it their secrets.
#[must_use]
pub fn is_somebodys(url: &str) -> bool {
    let host = host_of(url).unwrap_or_default();
    host.split('.').any(|label| label == "example") && !is_example(url)
}

/// What values say against each other, and what the functions' own readers say to them. `values` has those that are
/// set; of a function's settings all or none.
#[must_use]
pub fn together(values: &BTreeMap<String, String>) -> Vec<Fault> {
    let mut faults = readers(values);
    let get = |name: &str| values.get(name).map(|value| value.trim()).unwrap_or_default();
    let millis = |name: &str, default: u64| match get(name) {
        "" => Some(default),
        number => number.parse::<u64>().ok(),
    };
    let Some(kill) = millis("kill_ms", KILL_MS) else { return faults };
    if let Some(budget) = millis("time_budget_ms", BUDGET_MS) {
        let remedy = "Set it to less than kill_ms, by the time that a call takes.";
        if budget >= kill {
            let what = format!("an invocation goes on starting calls for {budget} ms, and is ended after {kill} ms");
            faults.push(Fault::new("time_budget_ms", what, remedy));
        } else if kill - budget < LAST {
            let what = format!(
                "it leaves an invocation {} ms until it is ended after {kill} ms, in which it commits and tells the \
                 queue: {LAST} ms are the least",
                kill - budget
            );
            faults.push(Fault::new("time_budget_ms", what, remedy));
        }
    }
    let models = !get("model_url").is_empty() || !get("fallback_model_url").is_empty();
    if let Some(patience) = millis("model_timeout_ms", MODELS_MS).filter(|_| models)
        && patience.saturating_add(AFTER_MODELS) > kill
    {
        faults.push(Fault::new(
            "model_timeout_ms",
            format!("models may take {patience} ms over a message, and an invocation is ended after {kill} ms"),
            format!("Set it to {} at most: less than kill_ms by two seconds.", kill.saturating_sub(AFTER_MODELS)),
        ));
    }
    faults
}

/// What a function that was given these values would answer every request with.
fn readers(values: &BTreeMap<String, String>) -> Vec<Fault> {
    let host = Native::new(values.clone());
    let told = |error: Error| {
        let cause = error.cause().unwrap_or(error.message()).to_owned();
        let name = NAMES.into_iter().find(|name| cause.contains(&format!("`{name}`")));
        Fault::new(name.unwrap_or("variables"), format!("with it functions answer 500: {cause}"), "Mend its value.")
    };
    let mut faults: Vec<Fault> = Settings::read(&host).err().map(told).into_iter().collect();
    faults.extend(Models::read(&host).err().map(told));
    if let Err(error) = mcp::servers(values.get("mcp_servers").map_or("", String::as_str)) {
        faults.push(Fault::new("mcp_servers", error.0, "Mend its value: docs/MCP.md shows one."));
    }
    if let Err(error) = tool::check_secrets(values.get("tool_secrets").map_or("", String::as_str)) {
        faults.push(Fault::new("tool_secrets", error.0, "Mend its value: docs/TOOLS.md shows one."));
    }
    if let Err(why) = sources::read(values.get("webhook_sources").map_or("", String::as_str)) {
        let remedy = "Mend its value: docs/WEBHOOKS.md shows one.";
        faults.push(Fault::new("webhook_sources", format!("with it webhooks are answered 500: {why}"), remedy));
    }
    let get = |name: &str| values.get(name).map_or("", String::as_str);
    if let Err(why) = Ably::read(get("ably_url"), get("ably_key")) {
        let remedy = "Take the whole key from Ably's dashboard, or leave `ably_url` empty.";
        faults.push(Fault::new("ably_key", format!("with it subscriptions are answered 500: {why}"), remedy));
    }
    if let Err(why) = Collector::read(get("otlp_endpoint"), get("otlp_headers"), get("otlp_sample")) {
        let name = if why.contains("otlp_sample") { "otlp_sample" } else { "otlp_headers" };
        let remedy = "Mend its value: docs/TRACES.md shows one.";
        faults.push(Fault::new(name, format!("with it no trace is told: {why}"), remedy));
    }
    if get("otlp_logs") != "off" && logs::least(get("otlp_logs")).is_none() {
        let remedy = "Write `debug`, `info`, `warn`, `error` or `off`, or nothing for `warn`.";
        faults.push(Fault::new("otlp_logs", "with it no line of the log is told: it is no level", remedy));
    }
    if let Err(why) = Tempo::read(get("tempo_url"), get("tempo_headers")) {
        let remedy = "Mend its value: docs/TRACES.md shows one.";
        faults.push(Fault::new("tempo_headers", format!("with it traces are not read from Tempo: {why}"), remedy));
    }
    if (1..SHORTEST_KEY).contains(&get("subscription_key").len()) {
        let what = format!("it has fewer than {SHORTEST_KEY} characters, and could be guessed");
        faults.push(Fault::new("subscription_key", what, "Make one: `openssl rand -base64 32`."));
    }
    if let Err(why) = Rulebook::read(values.get("breakers").map_or("", String::as_str)) {
        faults.push(Fault::new(
            "breakers",
            format!("with it no saga goes on: {why}"),
            "Mend its value: docs/BREAKERS.md shows one.",
        ));
    }
    match jwt::issuers(get("jwks_url"), get("issuers")) {
        Err(error) => faults.push(Fault::new("issuers", error.0, "Mend its value: docs/AUTH.md shows one.")),
        Ok(trusted) if trusted.is_empty() && !get("jwks_url").is_empty() => faults.push(Fault::new(
            "jwks_url",
            "it does not end in /.well-known/jwks.json, and `issuers` does not say whose keys are there",
            "Name the issuer: `issuers` is then {\"https://issuer\": {\"jwks\": \"…\"}}.",
        )),
        Ok(_) => {}
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(values: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        together(&values).into_iter().map(|fault| (fault.name, fault.what)).collect()
    }

    #[test]
    fn what_the_functions_readers_refuse_is_a_fault_of_the_variable_that_they_name() {
        assert_eq!(said(&[]), []);
        for (name, value) in [
            ("user_concurrency", "5000000000"),
            ("kill_ms", "10 s"),
            ("model_price", "0.15"),
            ("mcp_servers", "this is not JSON"),
            ("tool_secrets", r#"{"hotel": "hush"}"#),
            ("webhook_sources", r#"{"s": {"scheme": "stripe"}}"#),
            ("subscription_key", "hush"),
            ("breakers", "{\"pay\": {\"permits\": 0}}"),
            ("model_cache_ms", "an hour"),
            ("anonymous_role", "king"),
            ("issuers", r#"{"https://a.test": {"audiences": ["x"]}}"#),
            ("jwks_url", "https://keys.test/certs"),
        ] {
            let found = said(&[(name, value)]);
            assert!(found.len() == 1 && found[0].0 == name, "{name}={value}: {found:?}");
        }
        let found = said(&[("model_url", "https://m.test/v1"), ("model_name", "")]);
        assert!(found.len() == 1 && found[0].0 == "model_name" && found[0].1.contains("answer 500"), "{found:?}");
    }

    #[test]
    fn times_leave_room_for_what_comes_after_them() {
        assert_eq!(said(&[("kill_ms", "10000"), ("time_budget_ms", "9000")]), []);
        for (kill, budget) in [("10000", "9001"), ("10000", "10000"), ("100", ""), ("9000", "")] {
            let found = said(&[("kill_ms", kill), ("time_budget_ms", budget)]);
            assert!(found.len() == 1 && found[0].0 == "time_budget_ms", "{kill} {budget}: {found:?}");
        }
        let model = [("model_url", "https://m.test/v1"), ("model_name", "m")];
        let with = |values: [(&'static str, &'static str); 2]| said(&[model, values].concat());
        assert_eq!(with([("kill_ms", "10000"), ("model_timeout_ms", "8000")]), []);
        for (kill, patience) in [("10000", "8001"), ("10000", "99999999"), ("10000", "18446744073709551615")] {
            let found = with([("kill_ms", kill), ("model_timeout_ms", patience)]);
            assert!(found.len() == 1 && found[0].0 == "model_timeout_ms", "{kill} {patience}: {found:?}");
        }
        assert_eq!(said(&[("model_timeout_ms", "99999999")]), [], "without a model nobody waits for one");
    }

    #[test]
    fn origins_are_as_browsers_say_them() {
        let setting = makegood_edge::settings::TABLE.iter().find(|setting| setting.name == "cors_origins").unwrap();
        for good in ["https://app.example.com", "https://a.test, http://localhost:5173", "http://[::1]:8080"] {
            assert_eq!(of_one(setting, good), None, "{good}");
        }
        for bad in
            ["*", "null", "app.example.com", "https://a.test/", "https://a.test,", "https://*.a.test", "HTTPS://a.test"]
        {
            assert!(of_one(setting, bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn addresses_that_stand_for_others_are_told_apart() {
        for url in ["https://example.com", "https://a.b.example/x", "https://one.example.org:80/", "https://example"] {
            assert!(is_example(url), "{url}");
        }
        for url in ["https://myexample.com", "https://example.io", "https://example.com.evil.test", ""] {
            assert!(!is_example(url), "{url}");
        }
        assert!(is_somebodys("https://staging.example.neon.tech/sql") && !is_somebodys("https://a.neon.tech/sql"));
        assert!(!is_somebodys("https://makegood.example.com") && !is_somebodys("https://redis.example"));
        assert!(is_loopback("http://[::1]:1") && is_loopback("http://127.9.9.9/x") && !is_loopback("http://10.0.0.1"));
    }
}
