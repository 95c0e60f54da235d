//! The sources that deliveries are taken from: the variable `webhook_sources`, as JSON.
//!
//! ```json
//! {"stripe-main": {"scheme": "stripe", "secrets": ["whsec_…"], "owner": "ann", "rules": […]}}
//! ```
//!
//! Secrets, owner and rules stand together, in a setting and not in the database: who can change which deliveries are
//! believed, or what they start, is who can deploy. It is read for every delivery, and costs no question to anybody. What
//! is wrong is said without a word of a secret.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood_core::time::Millis;
use serde::Deserialize;
use serde_json::Value;

use super::rules::Rule;
use super::{Plain, Scheme, Secret, Trust};

/// One source.
#[derive(Clone, Debug)]
pub struct Source {
    pub trust: Trust,
    /// Whose sagas its events reach, and whose sagas it starts.
    pub owner: String,
    /// How long an event is tried again for which there is no saga yet.
    pub patience: Millis,
    pub rules: Vec<Rule>,
}

pub type Sources = BTreeMap<String, Source>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    scheme: Scheme,
    secrets: Value,
    owner: String,
    tolerance_s: Option<u64>,
    patience_s: Option<u64>,
    #[serde(default)]
    rules: Vec<Value>,
    hmac: Option<Plain>,
}

/// What the libraries of most schemes allow.
const TOLERANCE_S: u64 = 300;
/// Beyond this a captured delivery could be brought again when its id is forgotten.
const MOST_TOLERANCE_S: u64 = 24 * 3600;
const PATIENCE_S: u64 = 24 * 3600;
const MOST_PATIENCE_S: u64 = 30 * 24 * 3600;
const LONGEST_SOURCE: usize = 64;
/// A secret that is shorter can be guessed.
const SHORTEST_SECRET: usize = 4;

/// The JSON of the setting. It may be given in base64, for the programs that read files of values agree on little else:
/// some fill in what begins with a `$`, as references do.
#[must_use]
pub fn plain(text: &str) -> String {
    let decoded = || String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok();
    if text.trim_start().starts_with('{') { text.to_owned() } else { decoded().unwrap_or_else(|| text.to_owned()) }
}

/// Reads the setting; what is empty has no source.
///
/// # Errors
/// What is wrong, by the names of source and rule, and never with a secret.
pub fn read(text: &str) -> Result<Sources, String> {
    if text.trim().is_empty() {
        return Ok(Sources::new());
    }
    let all: Value = serde_json::from_slice(plain(text).as_bytes()).map_err(|error| {
        // The position alone: what stands there may be a secret.
        format!("it is not JSON, at line {}, column {}", error.line(), error.column())
    })?;
    let Value::Object(all) = all else { return Err("it is not a JSON object of sources by their names".to_owned()) };
    let named = |(name, given): (String, Value)| {
        let source = source(&name, given).map_err(|why| format!("source `{name}`: {why}"))?;
        Ok((name, source))
    };
    all.into_iter().map(named).collect()
}

fn source(name: &str, given: Value) -> Result<Source, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > LONGEST_SOURCE || !name.bytes().all(plain) {
        return Err(format!("a name has small letters, digits and `-`, and at most {LONGEST_SOURCE} of them"));
    }
    let Value::Object(fields) = given else { return Err("it is not an object".to_owned()) };
    // The reader's own words would repeat what stands in the place of the scheme.
    match fields.get("scheme").map(|scheme| Scheme::deserialize(scheme).is_ok()) {
        Some(true) => {}
        Some(false) | None => {
            return Err("`scheme` is one of standard, svix, stripe, github, slack, twilio, shopify, hmac".to_owned());
        }
    }
    let given: Given = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    if given.owner.is_empty() || given.owner.len() > 200 {
        return Err("`owner` is the user whose sagas it may reach, of 1 to 200 bytes".to_owned());
    }
    let Value::Array(secrets) = given.secrets else { return Err("`secrets` is a list".to_owned()) };
    if secrets.is_empty() {
        return Err("`secrets` is empty: nothing would be believed".to_owned());
    }
    let read = |(place, value): (usize, &Value)| {
        let text = value.as_str().ok_or_else(|| format!("secret {} is not text", place + 1))?;
        secret(given.scheme, text).map_err(|why| format!("secret {}: {why}", place + 1))
    };
    let secrets = secrets.iter().enumerate().map(read).collect::<Result<Vec<Secret>, String>>()?;
    if (given.scheme == Scheme::Hmac) != given.hmac.is_some() {
        return Err("`hmac` says how a source of the scheme hmac signs, and stands with no other".to_owned());
    }
    if let Some(plain) = &given.hmac
        && http::HeaderName::try_from(plain.header.as_str()).is_err()
    {
        return Err("`hmac.header` is not the name of a header".to_owned());
    }
    let seconds = |name: &str, given: Option<u64>, usual: u64, most: u64| match given.unwrap_or(usual) {
        seconds if (1..=most).contains(&seconds) => Ok(Millis::from_secs(seconds)),
        _ => Err(format!("`{name}` is between 1 and {most}")),
    };
    let rule = |(place, value): (usize, Value)| {
        let name = value.get("name").and_then(Value::as_str).map_or_else(|| (place + 1).to_string(), str::to_owned);
        Rule::read(value, place).map_err(|why| format!("rule `{name}`: {why}"))
    };
    Ok(Source {
        trust: Trust {
            scheme: given.scheme,
            secrets,
            tolerance: seconds("tolerance_s", given.tolerance_s, TOLERANCE_S, MOST_TOLERANCE_S)?,
            plain: given.hmac,
        },
        owner: given.owner,
        patience: seconds("patience_s", given.patience_s, PATIENCE_S, MOST_PATIENCE_S)?,
        rules: given.rules.into_iter().enumerate().map(rule).collect::<Result<_, String>>()?,
    })
}

/// A secret as its sender gives it.
fn secret(scheme: Scheme, text: &str) -> Result<Secret, String> {
    let decoded = |text: &str| STANDARD.decode(text).map_err(|_| "what follows its prefix is not base64".to_owned());
    match scheme {
        Scheme::Standard | Scheme::Svix => {
            if let Some(public) = text.strip_prefix("whpk_") {
                let key = decoded(public)?;
                return key.try_into().map(Secret::Public).map_err(|_| "a public key has 32 bytes".to_owned());
            }
            if text.starts_with("whsk_") {
                return Err(
                    "it is the private half, which is the sender's alone: take the public one, whpk_…".to_owned()
                );
            }
            let key = decoded(text.strip_prefix("whsec_").unwrap_or(text))?;
            // The specification says 24 at least; Svix has given shorter ones.
            if !(16..=64).contains(&key.len()) {
                return Err("it has 16 to 64 bytes, in base64 behind `whsec_`".to_owned());
            }
            Ok(Secret::Shared(key))
        }
        // Stripe's stands for itself, its prefix too.
        Scheme::Stripe | Scheme::Github | Scheme::Slack | Scheme::Twilio | Scheme::Shopify | Scheme::Hmac => {
            if text.len() < SHORTEST_SECRET {
                return Err(format!("it has at least {SHORTEST_SECRET} characters"));
            }
            Ok(Secret::Shared(text.as_bytes().to_vec()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stripe(change: impl FnOnce(&mut Value)) -> String {
        let mut source = json!({"scheme": "stripe", "secrets": ["whsec_hush"], "owner": "ann"});
        change(&mut source);
        json!({"s": source}).to_string()
    }

    #[test]
    fn sources_are_read_with_what_is_usual_where_nothing_is_said() {
        assert!(read("").unwrap().is_empty() && read("{}").unwrap().is_empty());
        let sources = read(&stripe(|_| {})).unwrap();
        let source = &sources["s"];
        assert_eq!(read(&STANDARD.encode(stripe(|_| {}))).unwrap().len(), 1, "also in base64");
        assert_eq!((source.owner.as_str(), source.trust.tolerance), ("ann", Millis::from_secs(300)));
        assert_eq!(source.trust.secrets, [Secret::Shared(b"whsec_hush".to_vec())], "Stripe's is not decoded");
        let standard = read(&stripe(|source| {
            source["scheme"] = json!("standard");
            source["secrets"] = json!(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
        }));
        let Secret::Shared(key) = &standard.unwrap()["s"].trust.secrets[0] else { panic!("it is shared") };
        assert_eq!(key.len(), 24, "and that of Standard Webhooks is");
    }

    #[test]
    fn what_is_wrong_is_said_by_name_and_without_a_secret() {
        let cases: [(String, &str); 14] = [
            ("{".to_owned(), "not JSON, at line 1"),
            ("[]".to_owned(), "not a JSON object"),
            (json!({"S": {}}).to_string(), "source `S`: a name has small letters"),
            (stripe(|source| source["scheme"] = json!("whsec_hush")), "source `s`: `scheme` is one of"),
            (stripe(|source| source["secrets"] = json!("whsec_hush")), "source `s`: `secrets` is a list"),
            (stripe(|source| source["secrets"] = json!([])), "`secrets` is empty"),
            (stripe(|source| source["secrets"] = json!(["abc"])), "secret 1: it has at least 4"),
            (stripe(|source| source["owner"] = json!("")), "`owner` is the user"),
            (stripe(|source| source["secret"] = json!("whsec_hush")), "unknown field `secret`"),
            (stripe(|source| source["tolerance_s"] = json!(0)), "`tolerance_s` is between 1 and 86400"),
            (stripe(|source| source["patience_s"] = json!(1_u64 << 40)), "`patience_s` is between"),
            (stripe(|source| source["hmac"] = json!({"header": "x"})), "stands with no other"),
            (stripe(|source| source["scheme"] = json!("standard")), "secret 1: it has 16 to 64 bytes"),
            (
                stripe(|source| source["rules"] = json!([{"name": "paid", "then": {"event": {}}}])),
                "source `s`: rule `paid`: missing field `name`",
            ),
        ];
        for (text, wanted) in cases {
            let why = read(&text).map(|_| ()).unwrap_err();
            assert!(why.contains(wanted), "{text}: {why}");
            assert!(!why.contains("hush"), "{why}");
        }
    }
}
