//! What a token says, once it is known who says it.

use makegood_core::guard::role::RESERVED;
use makegood_core::guard::{Role, Tier};
use makegood_core::time::Millis;
use serde_json::Value;

use super::{Distrust, Issuer, Jwks, Token};

/// Clocks differ by so much, in seconds, as Clerk's own library has it.
pub const SKEW: f64 = 5.0;
/// Of a name here, in bytes.
pub const LONGEST_SUBJECT: usize = 200;

/// Whom a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub name: String,
    pub role: Role,
    pub tier: Tier,
}

impl Issuer {
    /// Whom a token of this issuer stands for, `now`.
    ///
    /// # Errors
    /// The first reason not to believe it.
    pub fn verify(&self, token: &Token<'_>, keys: &Jwks, now: Millis) -> Result<Verified, Distrust> {
        if token.issuer() != Some(&self.name) {
            return Err(Distrust::Issuer);
        }
        keys.check(token)?;
        let claim = |name: &str| token.claims.get(name);
        // RFC 7519, section 2: seconds, perhaps with a fraction.
        let time = |name: &str| claim(name).map(|value| value.as_f64().ok_or(Distrust::Untimed)).transpose();
        let (from, issued) = (time("nbf")?, time("iat")?);
        let until = time("exp")?.ok_or(Distrust::Untimed)?;
        let now = now.0 as f64 / 1000.0;
        if now >= until + SKEW {
            return Err(Distrust::Expired);
        }
        if from.is_some_and(|from| now < from - SKEW) || issued.is_some_and(|issued| now < issued - SKEW) {
            return Err(Distrust::Early);
        }
        let holds = |name: &str, wanted: &[String]| {
            wanted.is_empty()
                || claim(name).is_some_and(|value| any(value, |one| wanted.iter().any(|text| text == one)))
        };
        if !holds("aud", &self.audience) {
            return Err(Distrust::Audience);
        }
        if !holds("azp", &self.parties) {
            return Err(Distrust::Party);
        }
        // Until they have done what Clerk asks of them, such as to set up a second factor, its own library takes them for
        // signed out.
        if claim("sts").is_some_and(|status| status == "pending") {
            return Err(Distrust::Pending);
        }
        let name = claim("sub").and_then(Value::as_str).and_then(|subject| self.name_of(subject));
        let mut role = Role::default();
        if let Some(roles) = found(token, &self.roles) {
            any(roles, |one| {
                role = role.max(Role::named(one).unwrap_or_default());
                false
            });
        }
        let tier = found(token, &self.tier).and_then(Value::as_str).map_or(Tier::default(), tier);
        Ok(Verified { name: name.ok_or(Distrust::Subject)?, role, tier })
    }

    /// What its user is called here.
    fn name_of(&self, subject: &str) -> Option<String> {
        let name = format!("{}{subject}", self.prefix);
        let plain = !subject.is_empty() && name.len() <= LONGEST_SUBJECT && !name.chars().any(char::is_control);
        (plain && name != "anonymous" && !name.starts_with(RESERVED)).then_some(name)
    }
}

/// Whether `wanted` holds of a text, or of one in a list.
fn any(value: &Value, mut wanted: impl FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => wanted(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).any(wanted),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// A claim by its path; one whose own name has full stops in it comes first.
fn found<'a>(token: &'a Token<'_>, path: &str) -> Option<&'a Value> {
    token.claims.get(path).or_else(|| {
        let mut names = path.split('.');
        let first = token.claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    })
}

/// Clerk says of a plan whose it is, as in `u:premium`. What is no tier of ours is the free one.
fn tier(text: &str) -> Tier {
    match text.rsplit(':').next() {
        Some("premium") => Tier::Premium,
        Some("enterprise") => Tier::Enterprise,
        _ => Tier::Free,
    }
}
