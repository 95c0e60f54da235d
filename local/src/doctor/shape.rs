//! What can be said of the values without asking anybody.

use http::Uri;
use makegood_edge::settings::{Kind, Setting, TABLE};

use super::Finding;
use crate::configuration::Configuration;
use crate::host::allowed::AllowedHosts;
use crate::values::{self, is_example, is_loopback};

pub fn check(configuration: &Configuration) -> Vec<Finding> {
    let mut findings: Vec<Finding> = TABLE.iter().filter_map(|setting| of_one(setting, configuration)).collect();
    for fault in values::together(&configuration.0) {
        // What is wrong by itself was said.
        if !findings.iter().any(|finding| finding.about == fault.name) {
            findings.push(Finding::wrong(fault.name, fault.what, fault.remedy));
        }
    }
    if configuration.get("allow_anonymous") == "true" && !is_loopback(configuration.get("public_url")) {
        findings.push(Finding::wrong(
            "allow_anonymous",
            "everybody who reaches the public address may act as `anonymous`",
            "Set it to `false`.",
        ));
    }
    if configuration.get("subscriptions_inside") == "true" && !is_loopback(configuration.get("public_url")) {
        findings.push(Finding::wrong(
            "subscriptions_inside",
            "everybody who may subscribe may have what is inside called",
            "Set it to `false`.",
        ));
    }
    if configuration.get("trace_export") == "true" && configuration.get("otlp_endpoint").is_empty() {
        findings.push(Finding::wrong(
            "trace_export",
            "sagas are noted down to be told, and there is nobody to tell",
            "Set `otlp_endpoint`, or this to `false`.",
        ));
    }
    if findings.is_empty() {
        let what = format!("{} variables have values of the right shape, and the functions take them", TABLE.len());
        findings.push(Finding::well("variables", what));
    }
    findings
}

fn of_one(setting: &Setting, configuration: &Configuration) -> Option<Finding> {
    let value = configuration.of(setting);
    let wrong = |what: &str, remedy: String| Some(Finding::wrong(setting.name, what, remedy));
    if value.is_empty() {
        return if setting.required {
            wrong("it has no value", format!("{}: {}.", setting.meaning, setting.source))
        } else {
            None
        };
    }
    if let Some(fault) = values::of_one(setting, value) {
        return wrong(&fault.what, fault.remedy);
    }
    if matches!(setting.kind, Kind::Called { .. } | Kind::Address) && is_example(value) {
        return wrong("it is still an example's address", format!("{}: {}.", setting.meaning, setting.source));
    }
    let Kind::Called { host } = setting.kind else { return None };
    // Where the platform limits no hosts there is none.
    let limit = configuration.0.get(host)?;
    let allowed = AllowedHosts::parse([limit.as_str()]);
    let within = value.parse::<Uri>().ok().zip(allowed.ok()).is_some_and(|(url, all)| all.allow(&url));
    if within {
        return None;
    }
    wrong(
        &format!("its host is not what `{host}` lets a function reach"),
        format!("Set {host} to the scheme, host and port of {}.", setting.name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variables of a deployment on Spin, of the right shape.
    fn good() -> Configuration {
        let value = |setting: &Setting| match (setting.kind, setting.name) {
            (Kind::Called { .. } | Kind::Address, name) => format!("https://{}.test/here", name.replace('_', "-")),
            (Kind::Truth, _) => "false".to_owned(),
            (Kind::Number, "kill_ms") => "10000".to_owned(),
            (Kind::Number, "model_timeout_ms") => "8000".to_owned(),
            (Kind::Number, "trusted_proxy_hops") => "1".to_owned(),
            (Kind::Number, _) => "8500".to_owned(),
            (Kind::Text, "database_url") => "postgres://ada:secret@db.test/makegood".to_owned(),
            (Kind::Text, "model_price" | "fallback_model_price") => "0.15/0.60".to_owned(),
            (Kind::Text, "limits") => r#"{"chat": {"rate": 60, "per_s": 60, "burst": 10}}"#.to_owned(),
            (Kind::Text, "limits_fallback") => "isolate".to_owned(),
            (Kind::Text, "limits_mode") => "enforce".to_owned(),
            (Kind::Text, "anonymous_role") => "user".to_owned(),
            (Kind::Text, "issuers") => r#"{"https://a.test": {"jwks": "https://jwks-url.test/here"}}"#.to_owned(),
            (Kind::Text, "breakers") => r#"{"default": {"row": 5}}"#.to_owned(),
            (Kind::Text, "cors_origins") => "https://app.test, http://localhost:5173".to_owned(),
            (Kind::Text, "webhook_sources") => {
                r#"{"s": {"scheme": "github", "secrets": ["hush"], "owner": "ada"}}"#.to_owned()
            }
            (Kind::Text, "otlp_headers" | "tempo_headers") => "api-key=hush".to_owned(),
            (Kind::Text, "otlp_logs") => "info".to_owned(),
            (Kind::Text, "otlp_sample") => "0.5".to_owned(),
            (Kind::Text, "ably_key") => "app.id:secret".to_owned(),
            (Kind::Text, "mcp_servers") => r#"{"hotel": {"url": "https://hotel.test/mcp"}}"#.to_owned(),
            (Kind::Text, "tool_secrets") => r#"{"hotel": "lets-us-in-there"}"#.to_owned(),
            (Kind::Text, _) => "a-text-of-thirty-two-bytes-or-more".to_owned(),
        };
        let mut values: std::collections::BTreeMap<String, String> =
            TABLE.iter().map(|setting| (setting.name.to_owned(), value(setting))).collect();
        for setting in &TABLE {
            if let Kind::Called { host } = setting.kind {
                values.insert(host.to_owned(), values[setting.name].trim_end_matches("/here").to_owned());
            }
        }
        Configuration(values)
    }

    /// What is found where variables have other values; none: there is no such variable.
    fn found(planted: &[(&str, Option<&str>)]) -> Vec<String> {
        let Configuration(mut values) = good();
        for (name, value) in planted {
            match value {
                Some(value) => values.insert((*name).to_owned(), (*value).to_owned()),
                None => values.remove(*name),
            };
        }
        check(&Configuration(values)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn good_values_are_one_finding_that_says_so() {
        let all = found(&[]);
        assert!(all.len() == 1 && all[0].starts_with("ok     variables: "), "{all:#?}");
    }

    // With names that are nobody's: what is asked of live services is the endpoints' test.
    #[test]
    fn each_value_of_a_wrong_shape_is_the_one_finding() {
        let cases = [
            ("allow_anonymous", "true", "everybody who reaches the public address may act as `anonymous`"),
            ("subscriptions_inside", "true", "everybody who may subscribe may have what is inside called"),
            ("subscription_key", "hush", "it has fewer than 24 characters, and could be guessed"),
            ("ably_key", "hush", "with it subscriptions are answered 500: it is no key of Ably's"),
            ("tempo_headers", "hush", "with it traces are not read from Tempo: `tempo_headers` is not `name=value`"),
            ("otlp_logs", "loud", "with it no line of the log is told: it is no level"),
            ("tools_url", "http://tools-url.test/here", "it is http, and what goes there can be read on the way"),
            ("alert_url", "http://alert-url.test/here", "it is http, and what goes there can be read on the way"),
            ("alert_url", "https://10.0.0.7/alerts", "the queue calls it from outside, and it leads inside: a private"),
            ("alert_url", "https://alerts.internal", "the queue calls it from outside, and it leads inside: a name of"),
            ("public_url", "makegood.test", "it is not an address"),
            ("public_url", "https://makegood.example.com", "it is still an example's address"),
            ("redis_rest_url", "https://redis.example", "it is still an example's address"),
            ("kill_ms", "10 s", "it is not a whole number"),
            ("time_budget_ms", "9999", "it leaves an invocation 1 ms until it is ended"),
            ("model_timeout_ms", "99999999", "models may take 99999999 ms over a message"),
            ("model_name", "", "with it functions answer 500"),
            ("webhook_sources", "{\"s\": 1}", "with it webhooks are answered 500: source `s`: it is not an object"),
            ("user_concurrency", "5000000000", "with it functions answer 500"),
            ("breakers", "{\"pay\": {\"row\": 0}}", "with it no saga goes on: `pay`: "),
            ("public_url", "https://public-url.test/?here", "it ends in a slash, or has a query"),
            ("anonymous_role", "king", "with it functions answer 500"),
            ("issuers", r#"{"https://a.test": {"audiences": ["x"]}}"#, "the issuer `https://a.test` has a `audiences`"),
            ("database_url", "postgres://db.test/makegood", "it is not postgres://user:password@host/database"),
        ];
        for (name, value, what) in cases {
            let all = found(&[(name, Some(value))]);
            let wanted = format!("WRONG  {name}: {what}");
            assert!(all.len() == 1 && all[0].starts_with(&wanted), "{name}={value}: {all:#?}");
        }
    }

    #[test]
    fn anonymous_is_well_where_only_this_machine_reaches_it() {
        for public in ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"] {
            let all = found(&[("allow_anonymous", Some("true")), ("public_url", Some(public))]);
            assert!(all.len() == 1 && all[0].starts_with("ok "), "{public}: {all:#?}");
        }
    }

    #[test]
    fn a_host_beyond_the_limit_is_wrong_and_without_a_limit_none_is() {
        let elsewhere = ("redis_rest_url", Some("https://elsewhere.test/here"));
        let limited = found(&[elsewhere]);
        assert!(limited.len() == 1 && limited[0].contains("its host is not what `redis_host` lets"), "{limited:#?}");
        let all = found(&[elsewhere, ("redis_host", None)]);
        assert!(all.len() == 1 && all[0].starts_with("ok "), "{all:#?}");
    }
}
