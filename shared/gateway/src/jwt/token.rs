//! A token's text, taken apart. Nothing of it is to be believed before its signature is checked; what is refused here is
//! refused because no honest issuer writes it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Distrust;

/// In bytes. Browsers keep cookies up to half of it, and issuers keep to that.
pub const LONGEST: usize = 8 * 1024;
/// Of a key's name.
const LONGEST_KID: usize = 200;

/// How a token may be signed (RFC 7518, section 3.1; RFC 8037, section 3.1): never with a secret, and never not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Alg {
    /// By its name in a header, or in a key.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A token's parts.
#[derive(Clone, Debug)]
pub struct Token<'a> {
    /// What the signature is over: the first two parts as they came.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    pub(super) claims: Map<String, Value>,
    alg: Alg,
    kid: String,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`Distrust`], up to what needs no key.
    pub fn parse(text: &'a str) -> Result<Self, Distrust> {
        if text.len() > LONGEST {
            return Err(Distrust::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Distrust::Malformed)?;
        // A fourth part leaves a full stop in one of these, which base64url does not have.
        let (header, claims) = signed.split_once('.').ok_or(Distrust::Malformed)?;
        let header = object(&decode(header)?)?;
        let claims = object(&decode(claims)?)?;
        let signature = decode(signature)?;
        let (alg, kid) = read(&header)?;
        Ok(Self { signed, signature, claims, alg, kid })
    }

    #[must_use]
    pub const fn alg(&self) -> Alg {
        self.alg
    }

    /// Which of its issuer's keys it says that it is signed with.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Whom a text names as its issuer, whether or not the rest of it is a token: to tell others' tokens from those that
    /// are no good.
    #[must_use]
    pub fn names(text: &str) -> Option<String> {
        let claims = decode(text.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        claims.get("iss")?.as_str().map(str::to_owned)
    }

    /// Who it says has signed it: only to find the keys by which that is checked.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }
}

/// The algorithm and the key's name.
fn read(header: &Map<String, Value>) -> Result<(Alg, String), Distrust> {
    if header.contains_key("crit") {
        return Err(Distrust::Critical);
    }
    // A logout or a security event is signed with the same keys, and lets nobody in (RFC 8725, section 3.11).
    let kind = header.get("typ").map(|kind| kind.as_str().unwrap_or_default());
    if kind.is_some_and(|kind| !["jwt", "at+jwt", "application/at+jwt"].contains(&&*kind.to_ascii_lowercase())) {
        return Err(Distrust::Type);
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let alg = text("alg").and_then(Alg::named).ok_or(Distrust::Algorithm)?;
    let kid = text("kid").filter(|kid| !kid.is_empty() && kid.len() <= LONGEST_KID).ok_or(Distrust::Unnamed)?;
    Ok((alg, kid.to_owned()))
}

/// Without padding, and with no bit set that stands for nothing: every value has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, Distrust> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Distrust::Malformed)
}

fn object(json: &[u8]) -> Result<Map<String, Value>, Distrust> {
    let value: Value = serde_json::from_slice(json).map_err(|_| Distrust::Malformed)?;
    if written(json) != kept(&value) {
        return Err(Distrust::Repeated);
    }
    match value {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Distrust::Malformed)
        }
    }
}

/// How many members stand in a JSON text: as many as it has colons outside of strings.
fn written(json: &[u8]) -> usize {
    let (mut within, mut escaped, mut members) = (false, false, 0);
    for byte in json {
        match (within, byte) {
            _ if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => within = !within,
            (false, b':') => members += 1,
            _ => {}
        }
    }
    members
}

/// How many members came of it: of two with the same name one is left.
fn kept(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(|member| 1 + kept(member)).sum(),
        Value::Array(items) => items.iter().map(kept).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_is_seen_at_every_depth_and_in_every_spelling() {
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":"\":","b":2}]}"#,
            r#"{"":1,"":1}"#,
        ] {
            assert_eq!(object(twice.as_bytes()), Err(Distrust::Repeated), "{twice}");
        }
        for once in [r#"{}"#, r#"{"a":"b:c\\","b":{"a":[":"]}}"#, r#"{"a\":":{"a\":":1}}"#] {
            assert!(object(once.as_bytes()).is_ok(), "{once}");
        }
        for none in ["", "[]", "null", "{", "{}{}", "\u{feff}{}"] {
            assert_eq!(object(none.as_bytes()), Err(Distrust::Malformed), "{none}");
        }
    }
}
