//! Who asks: the key, or a token.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};

use super::{Inner, capability::Capability, fault::Fault, token};

/// What whoever asks may do.
#[derive(Clone, Debug)]
pub struct Grant {
    pub capability: Capability,
    /// Who they are, if that is settled; `*` may be anybody.
    pub client_id: Option<String>,
    /// Unix milliseconds; a key does not expire.
    pub expires: Option<u64>,
}

/// By the header, or else by the query.
pub fn admit(inner: &Inner, headers: &HeaderMap, query: &[(String, String)]) -> Result<Grant, Fault> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let wrong = || Fault::unauthorised(40101, "invalid credentials: unknown authorization header");
        let (scheme, given) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(wrong)?;
        let decoded = STANDARD.decode(given.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        return match scheme.to_ascii_lowercase().as_str() {
            "basic" => by_key(inner, &decoded.ok_or_else(wrong)?, headers),
            // Curl users send tokens as they are.
            "bearer" => token::admit(inner, decoded.as_deref().unwrap_or(given)),
            _ => Err(wrong()),
        };
    }
    let named = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (named("key"), named("accessToken")) {
        (Some(key), _) => by_key(inner, key, headers),
        (None, Some(token)) => token::admit(inner, token),
        (None, None) => Err(Fault::unauthorised(40101, "no authentication information provided")),
    }
}

fn by_key(inner: &Inner, key: &str, headers: &HeaderMap) -> Result<Grant, Fault> {
    match key.split_once(':') {
        Some((name, secret)) if name == inner.key_name && secret == inner.secret => {
            Ok(Grant { capability: Capability::all(), client_id: identity(headers)?, expires: None })
        }
        Some(_) | None => Err(Fault::unauthorised(40101, "invalid credentials")),
    }
}

/// Who asks by key, in base64 (RSA7e2); a token says it itself.
fn identity(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get("x-ably-clientid") else {
        return Ok(None);
    };
    let id = STANDARD.decode(value.as_bytes().trim_ascii()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match id.filter(|id| !id.is_empty() && id != "*") {
        Some(id) => Ok(Some(id)),
        None => Err(Fault::client_id("invalid X-Ably-ClientId: it must be a clientId in base64, neither empty nor *")),
    }
}

impl Grant {
    /// The client that a message is from, where it says `given`.
    pub fn client(&self, given: Option<String>) -> Result<Option<String>, Fault> {
        match (self.client_id.as_deref(), given) {
            (_, Some(given)) if given.is_empty() || given == "*" => {
                Err(Fault::client_id(format!("invalid clientId: {given:?}")))
            }
            (None | Some("*"), given) => Ok(given),
            (Some(own), None) => Ok(Some(own.to_owned())),
            (Some(own), Some(given)) if own == given => Ok(Some(given)),
            (Some(_), Some(_)) => Err(Fault::client_id("mismatched clientId for operation")),
        }
    }
}
