//! The door of every function: who asks, and is the request one at all.

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Method};
use makegood_core::error::{Code, Error};
use makegood_core::guard::{Role, Scope, Scopes, Tier};
use makegood_core::id::SagaId;
use makegood_gateway::api_keys::MARK;
use makegood_gateway::jwt::{self, Distrust, Issuer, Token};
use serde::de::DeserializeOwned;

use crate::cors;
use crate::host::{Host, Request};
use crate::settings::{Settings, misconfigured};
use crate::{api_keys, jwks};

/// Bodies are at most this long.
pub const LONGEST_BODY: usize = 1024 * 1024;

/// Who asks. Rows belong to a principal's `name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub name: String,
    pub tier: Tier,
    pub role: Role,
    /// What the key that they came with was made for.
    pub scopes: Scopes,
}

impl Principal {
    /// Somebody who signed in, or nobody in particular.
    #[must_use]
    pub const fn new(name: String) -> Self {
        Self { name, tier: Tier::Free, role: Role::User, scopes: Scopes::ALL }
    }

    /// Whether they may see and steer what is `owner`'s.
    #[must_use]
    pub fn reaches(&self, owner: &str) -> bool {
        self.name == owner || self.role >= Role::Operator
    }

    /// Whether the key that they came with was made for this.
    ///
    /// # Errors
    /// [`Code::Forbidden`].
    pub fn may(&self, scope: Scope) -> Result<(), Error> {
        if self.scopes.has(scope) {
            return Ok(());
        }
        let message = format!("This key was not made for that: it lacks the scope `{}`.", scope.as_str());
        Err(Error::new(Code::Forbidden, message))
    }

    /// Whether they have this role, or one that may do more.
    ///
    /// # Errors
    /// [`Code::Forbidden`], with what they lack.
    pub fn needs(&self, role: Role) -> Result<(), Error> {
        if self.role >= role {
            return Ok(());
        }
        let message = format!("This needs the role `{}`, and yours is `{}`.", role.as_str(), self.role.as_str());
        Err(Error::new(Code::Forbidden, message))
    }
}

/// Who nobody in particular is.
pub const ANONYMOUS: &str = "anonymous";

/// Where browsers keep a token: Clerk's name for it.
pub const SESSION: &str = "__session";

/// Who asks for this, by the bearer token or, of who only looks, by the session's cookie; without either the caller is
/// anonymous, where that is allowed.
///
/// # Errors
/// [`Code::Unauthenticated`] or [`Code::Forbidden`], with what to do; [`Code::Unavailable`] where it cannot be known now.
pub async fn principal<H: Host>(
    host: &H,
    settings: &Settings,
    request: &Request,
    scope: Scope,
) -> Result<Principal, Error> {
    let headers = request.headers();
    let bearer = match headers.get(AUTHORIZATION) {
        None => session(request, settings)?,
        Some(given) => {
            let token = given.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
            Some(token.ok_or_else(|| refuse("there is no bearer token"))?)
        }
    };
    let Some(bearer) = bearer else {
        if !settings.allow_anonymous {
            return Err(Error::new(Code::Unauthenticated, "Send `Authorization: Bearer <token>`."));
        }
        refuse_other_sites(settings, headers)?;
        return Ok(Principal { role: settings.anonymous_role, ..Principal::new(ANONYMOUS.to_owned()) });
    };
    let principal = known(host, settings, bearer).await.map_err(|error| {
        let by_cookie = error.code() == Code::Unauthenticated && !headers.contains_key(AUTHORIZATION);
        if by_cookie { over(&error) } else { error }
    })?;
    principal.may(scope)?;
    Ok(principal)
}

/// Whom a token or an API key stands for.
///
/// # Errors
/// As those of [`principal`].
pub async fn known<H: Host>(host: &H, settings: &Settings, bearer: &str) -> Result<Principal, Error> {
    if bearer.starts_with(MARK) {
        let holder = api_keys::holder(host, settings, bearer).await?;
        let holder = holder.ok_or_else(|| refuse("it is no key, or was revoked, or has expired"))?;
        let scopes = Scopes::read(&holder.scopes).ok_or_else(|| refuse("the key's scopes cannot be read"))?;
        return Ok(Principal { name: holder.owner, tier: holder.tier, role: holder.role, scopes });
    }
    let token = Token::parse(bearer).map_err(refuse)?;
    let issuers = issuers(settings)?;
    let issuer = issuers.iter().find(|issuer| token.issuer() == Some(&issuer.name));
    let issuer = issuer.ok_or_else(|| refuse(Distrust::Issuer))?;
    let keys = jwks::keys(host, settings, &issuer.jwks, &token).await?;
    let verified = issuer.verify(&token, &keys, host.now()).map_err(refuse)?;
    Ok(Principal { name: verified.name, tier: verified.tier, role: verified.role, scopes: Scopes::ALL })
}

/// One sentence, whatever is wrong: the log says which.
fn refuse(cause: impl std::fmt::Display) -> Error {
    Error::new(Code::Unauthenticated, "The token is not valid. Get a new one.").because(cause)
}

/// The same of a cookie, which its reader does not know of.
fn over(error: &Error) -> Error {
    let message = "The session in the cookie `__session` is not valid, or is over. Sign in again.";
    Error::new(Code::Unauthenticated, message).because(error.cause().unwrap_or_default())
}

fn issuers(settings: &Settings) -> Result<Vec<Issuer>, Error> {
    jwt::issuers(&settings.jwks_url, &settings.issuers).map_err(misconfigured)
}

/// The token of the session's cookie. Browsers send it with whatever any page asks for, so it is heeded only where
/// nothing is changed.
///
/// Others use that name too, and on a machine of one's own all ports share their cookies. So where nobody in particular
/// is let in, who comes with another application's is that, and not somebody with a bad token. What one of our issuers
/// is said to have signed is never another's.
fn session<'a>(request: &'a Request, settings: &Settings) -> Result<Option<&'a str>, Error> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(None);
    }
    let cookies = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let Some((_, token)) = pairs.find(|(name, _)| *name == SESSION) else { return Ok(None) };
    if !settings.allow_anonymous || token.starts_with(MARK) {
        return Ok(Some(token));
    }
    let named = Token::names(token);
    let is_ours = issuers(settings)?.iter().any(|issuer| named.as_ref() == Some(&issuer.name));
    Ok(is_ours.then_some(token))
}

/// Whether an origin is our own: as configured, or as the reader reached us.
pub(crate) fn is_ours(origin: &str, public_url: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin == public_url || host.is_some_and(|host| origin == format!("http://{host}"))
}

/// A page of another site must not act through its reader's browser.
fn refuse_other_sites(settings: &Settings, headers: &HeaderMap) -> Result<(), Error> {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    // Those that the operator named may call as ours may.
    if origin.is_some_and(|origin| cors::allows(&settings.cors_origins, origin)) {
        return Ok(());
    }
    let ours = |origin: &str| is_ours(origin, &settings.public_url, headers);
    let foreign = headers.contains_key(ORIGIN) && !origin.is_some_and(ours);
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

/// A body, if it is not too long.
///
/// # Errors
/// [`Code::BodyTooLarge`].
pub(crate) fn bytes(request: &Request, most: usize) -> Result<&Bytes, Error> {
    let body = request.body();
    if body.len() > most {
        let message = format!("The body has {} bytes; {most} are allowed.", body.len());
        return Err(Error::new(Code::BodyTooLarge, message));
    }
    Ok(body)
}

/// Reads a JSON body.
///
/// # Errors
/// [`Code::BodyTooLarge`], [`Code::InvalidJson`] or [`Code::InvalidRequest`], with the place.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Error> {
    let body = bytes(request, LONGEST_BODY)?;
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
