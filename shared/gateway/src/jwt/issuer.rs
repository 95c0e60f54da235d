//! Who may sign users' tokens, as the settings say it.

use serde_json::{Map, Value};

use crate::Malformed;

/// What stands behind an issuer's address, where it publishes its keys (Clerk does, and most others).
const WELL_KNOWN: &str = "/.well-known/jwks.json";

/// An issuer that is trusted, and what its tokens must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// As `iss` has it.
    pub name: String,
    /// Where its keys are.
    pub jwks: String,
    /// A token must be for one of these; empty: `aud` is not looked at.
    pub audience: Vec<String>,
    /// And made for one of these pages (`azp`); empty: it is not looked at.
    pub parties: Vec<String>,
    /// The claim that holds a user's roles, with full stops between the names of those that it stands in.
    pub roles: String,
    /// The claim that holds their tier.
    pub tier: String,
    /// What its users' names begin with here, so that two issuers' users are never the same.
    pub prefix: String,
}

impl Issuer {
    fn new(name: &str, jwks: String) -> Self {
        let [name, roles, tier] = [name, "roles", "tier"].map(str::to_owned);
        Self { name, jwks, audience: Vec::new(), parties: Vec::new(), roles, tier, prefix: String::new() }
    }
}

/// Reads the settings: `jwks_url` is where an issuer publishes its keys, and the issuer is what stands before
/// `/.well-known/jwks.json`. `rules` is a JSON object, `{"issuer": {…}}`, of what is not so, or more, for it and others:
/// `jwks`, `audience`, `parties`, `roles`, `tier`, `prefix`.
///
/// # Errors
/// Says what is wrong with them.
pub fn issuers(jwks_url: &str, rules: &str) -> Result<Vec<Issuer>, Malformed> {
    let mut all: Vec<Issuer> = Vec::new();
    if let Some(name) = jwks_url.strip_suffix(WELL_KNOWN) {
        all.push(Issuer::new(name, jwks_url.to_owned()));
    }
    if !rules.trim().is_empty() {
        let wrong = || Malformed("the issuers are no JSON of the form {\"https://issuer\": {…}}".to_owned());
        let Ok(Value::Object(rules)) = serde_json::from_slice(rules.as_bytes()) else { return Err(wrong()) };
        // Some write themselves with a slash at the end, and have one set of keys nevertheless.
        let at = |name: &str| format!("{}{WELL_KNOWN}", name.trim_end_matches('/'));
        if rules.keys().any(|name| at(name) == jwks_url) {
            all.clear();
        }
        for (name, rules) in rules {
            let Value::Object(rules) = rules else { return Err(wrong()) };
            let found = all.iter().position(|issuer| issuer.name == name);
            let place = found.unwrap_or_else(|| {
                all.push(Issuer::new(&name, at(&name)));
                all.len() - 1
            });
            if let Some(issuer) = all.get_mut(place) {
                apply(issuer, &rules)?;
            }
        }
    }
    if let Some((one, other)) = alike(&all) {
        let what = "could have users of the same name. Give each of them a `prefix` that no other's begins with";
        return Err(Malformed(format!("the issuers `{}` and `{}` {what}", one.name, other.name)));
    }
    Ok(all)
}

/// Two of which a user of one could have the name of a user of the other.
fn alike(all: &[Issuer]) -> Option<(&Issuer, &Issuer)> {
    let pairs = all.iter().enumerate().flat_map(|(place, one)| all.iter().take(place).map(move |other| (one, other)));
    let mut alike =
        pairs.filter(|(one, other)| one.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&one.prefix));
    alike.next()
}

fn apply(issuer: &mut Issuer, rules: &Map<String, Value>) -> Result<(), Malformed> {
    for (rule, value) in rules {
        let text = value.as_str().map(str::to_owned);
        let understood = match rule.as_str() {
            "jwks" => text.map(|text| issuer.jwks = text),
            "roles" => text.map(|text| issuer.roles = text),
            "tier" => text.map(|text| issuer.tier = text),
            "prefix" => text.map(|text| issuer.prefix = text),
            "audience" => texts(value).map(|texts| issuer.audience = texts),
            "parties" => texts(value).map(|texts| issuer.parties = texts),
            _ => None,
        };
        if understood.is_none() {
            let rule: String = rule.chars().take(40).collect();
            return Err(Malformed(format!("the issuer `{}` has a `{rule}` that is not understood", issuer.name)));
        }
    }
    Ok(())
}

/// A list of texts that is not empty: one that is would mean that nothing is looked at.
fn texts(value: &Value) -> Option<Vec<String>> {
    let texts: Option<Vec<String>> = value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect();
    texts.filter(|texts| !texts.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLERK: &str = "https://clerk.test/.well-known/jwks.json";

    #[test]
    fn one_line_is_enough_and_rules_add_to_it() {
        let one = issuers(CLERK, "").unwrap();
        assert_eq!((one.len(), one[0].name.as_str(), one[0].jwks.as_str()), (1, "https://clerk.test", CLERK));
        assert_eq!((one[0].roles.as_str(), one[0].tier.as_str()), ("roles", "tier"));
        let ruled =
            issuers(CLERK, r#"{"https://clerk.test":{"parties":["https://app.test"],"roles":"metadata.role"}}"#);
        let ruled = ruled.unwrap();
        assert_eq!((ruled.len(), ruled[0].roles.as_str()), (1, "metadata.role"));
        assert_eq!(ruled[0].parties, ["https://app.test"]);
        let slash = issuers(CLERK, r#"{"https://clerk.test/":{"audience":["x"]}}"#).unwrap();
        assert_eq!((slash.len(), slash[0].name.as_str(), slash[0].jwks.as_str()), (1, "https://clerk.test/", CLERK));
        let other = issuers("https://keys.test/certs", r#"{"https://a.test/":{}}"#).unwrap();
        assert_eq!((other.len(), other[0].jwks.as_str()), (1, "https://a.test/.well-known/jwks.json"));
        let elsewhere = issuers("", r#"{"https://a.test":{"jwks":"https://keys.test/certs"}}"#).unwrap();
        assert_eq!(elsewhere[0].jwks, "https://keys.test/certs");
        assert_eq!(issuers("", ""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_understood_is_refused_rather_than_passed_over() {
        for wrong in [
            "[]",
            "nonsense",
            r#"{"a":[]}"#,
            r#"{"a":{"audiences":["x"]}}"#,
            r#"{"a":{"audience":"x"}}"#,
            r#"{"a":{"audience":[]}}"#,
            r#"{"a":{"parties":[1]}}"#,
            r#"{"a":{"roles":7}}"#,
        ] {
            assert!(issuers("", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn users_of_two_issuers_are_never_the_same() {
        let read = |one: &str, other: &str| {
            issuers("", &format!(r#"{{"a":{{"prefix":"{one}"}},"b":{{"prefix":"{other}"}}}}"#))
        };
        assert!(read("a:", "b:").is_ok());
        for (one, other) in [("", ""), ("", "b:"), ("x:", "x:"), ("x", "xy"), ("xy", "x")] {
            let told = read(one, other).unwrap_err().0;
            assert!(told.contains("`prefix`"), "{one} {other}: {told}");
        }
    }
}
