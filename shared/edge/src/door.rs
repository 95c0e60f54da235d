//! The door of every function: who asks, and is the request one at all.

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, Method};
use makegood_core::error::{Code, Error};
use makegood_core::id::SagaId;
use makegood_gateway::jwt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::host::{Host, Request};
use crate::settings::Settings;

/// Bodies are at most this long.
pub const LONGEST_BODY: usize = 1024 * 1024;

/// Who asks. Rows belong to a principal's `name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub name: String,
}

/// What a development token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub sub: String,
    /// Seconds since the epoch.
    pub exp: u64,
}

/// Who nobody in particular is.
pub const ANONYMOUS: &str = "anonymous";

/// Reads the bearer token; without one the caller is anonymous, where that is allowed.
///
/// # Errors
/// [`Code::Unauthenticated`] or [`Code::Forbidden`], with what to do.
pub fn principal<H: Host>(host: &H, settings: &Settings, headers: &HeaderMap) -> Result<Principal, Error> {
    let Some(given) = headers.get(AUTHORIZATION) else {
        if !settings.allow_anonymous {
            return Err(Error::new(Code::Unauthenticated, "Send `Authorization: Bearer <token>`."));
        }
        refuse_other_sites(settings, headers)?;
        return Ok(Principal { name: ANONYMOUS.to_owned() });
    };
    let refuse =
        |cause: &str| Error::new(Code::Unauthenticated, "The token is not valid. Get a new one.").because(cause);
    let token =
        given.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(|| refuse("no bearer token"))?;
    let claims: Claims =
        jwt::verify(token, &[&settings.jwt_secret]).map_err(|distrust| refuse(&distrust.to_string()))?;
    if claims.exp <= host.now().0 / 1000 {
        return Err(refuse("it has expired"));
    }
    if claims.sub.is_empty() || claims.sub.len() > 200 || claims.sub == ANONYMOUS {
        return Err(refuse("its subject is not a user"));
    }
    Ok(Principal { name: claims.sub })
}

/// A page of another site must not act through its reader's browser.
fn refuse_other_sites(settings: &Settings, headers: &HeaderMap) -> Result<(), Error> {
    let text = |name: &http::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = |origin: &str| {
        origin == settings.public_url || text(&HOST).is_some_and(|host| origin == format!("http://{host}"))
    };
    let foreign = headers.get(ORIGIN).is_some() && !text(&ORIGIN).is_some_and(ours);
    let cross = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if foreign || cross {
        return Err(Error::new(Code::Forbidden, "Another site's page may not call this address without a token."));
    }
    Ok(())
}

/// Refuses any method but those that the address has.
///
/// # Errors
/// [`Code::MethodNotAllowed`].
pub fn allow(request: &Request, methods: &[Method]) -> Result<(), Error> {
    if methods.contains(request.method()) {
        return Ok(());
    }
    let known: Vec<&str> = methods.iter().map(Method::as_str).collect();
    Err(Error::new(Code::MethodNotAllowed, format!("Use {} here.", known.join(" or "))))
}

/// Reads a JSON body.
///
/// # Errors
/// [`Code::BodyTooLarge`], [`Code::InvalidJson`] or [`Code::InvalidRequest`], with the place.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Error> {
    let body = request.body();
    if body.len() > LONGEST_BODY {
        let message = format!("The body has {} bytes; {LONGEST_BODY} are allowed.", body.len());
        return Err(Error::new(Code::BodyTooLarge, message));
    }
    let refuse = |error: serde_json::Error| {
        let code = if error.is_data() { Code::InvalidRequest } else { Code::InvalidJson };
        let message: String = error.to_string().chars().take(300).collect();
        Error::new(code, format!("{message}."))
    };
    if holds_nul(body) {
        return Err(Error::new(Code::InvalidRequest, "The body holds the character U+0000, which cannot be stored."));
    }
    // Serde would also take a list, as the fields in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<serde::de::IgnoredAny>(body).map_err(refuse)?;
        return Err(Error::new(Code::InvalidRequest, "The body is not a JSON object."));
    }
    serde_json::from_slice(body).map_err(refuse)
}

/// Whether some text of a JSON document holds U+0000: JSON has it as an escape only, and PostgreSQL
/// has it not at all.
fn holds_nul(body: &[u8]) -> bool {
    let escaped = |at: usize| body.iter().take(at).rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    body.windows(6).enumerate().any(|(at, window)| window == br"\u0000" && !escaped(at))
}

/// Reads a saga's id from a path.
///
/// # Errors
/// [`Code::InvalidId`].
pub fn saga_id(text: &str) -> Result<SagaId, Error> {
    SagaId::try_from(text.to_owned())
}

/// There is no such address.
#[must_use]
pub fn no_such_route() -> Error {
    Error::new(Code::NotFound, "There is no such address. See the README for those there are.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_seen_where_it_is_one() {
        assert!(holds_nul(br#"{"a":"\u0000"}"#));
        assert!(holds_nul(br#"{"a":"\\\u0000"}"#));
        assert!(!holds_nul(br#"{"a":"\\u0000"}"#));
        assert!(!holds_nul(b"{}"));
    }
}
