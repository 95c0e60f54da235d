//! Webhooks: whether a delivery is its sender's, and what it is about.
//!
//! One module a scheme, each a sender's own way to sign. All of them look at the raw bytes, before anything reads them;
//! compare in constant time; take every signature of the version they know that a header holds, and every secret that
//! is active; and refuse a header that is missing, that comes twice, or that they do not understand. Nothing here
//! stores, and nothing here knows what becomes of a delivery: [`rules`] says that, and [`deliveries`](crate::deliveries)
//! keeps it.
//!
//! The schemes are those of the Standard Webhooks specification and of the senders' own documents.

mod github;
pub mod outgoing;
mod plain;
pub mod rules;
mod shopify;
mod signature;
mod slack;
pub mod sources;
mod standard;
mod stripe;
mod twilio;

use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use makegood_core::time::Millis;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{form, hexadecimal};

pub use plain::Plain;
pub use signature::{Algorithm, Encoding, Secret};
pub use twilio::body_hash;

/// The most that a delivery may have, in bytes.
pub const LARGEST_BODY: usize = 256 * 1024;
/// Ids and types that are longer are not kept as they are.
pub const LONGEST_ID: usize = 200;

/// How a sender signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// <https://www.standardwebhooks.com>, with HMAC (`v1`) and Ed25519 (`v1a`).
    Standard,
    /// The same under other names of its headers; Clerk's too.
    Svix,
    Stripe,
    Github,
    Slack,
    Twilio,
    Shopify,
    /// An HMAC of the body in a header, as [`Plain`] says.
    Hmac,
}

impl Scheme {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Svix => "svix",
            Self::Stripe => "stripe",
            Self::Github => "github",
            Self::Slack => "slack",
            Self::Twilio => "twilio",
            Self::Shopify => "shopify",
            Self::Hmac => "hmac",
        }
    }
}

/// A delivery as it came.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    pub headers: &'a HeaderMap,
    /// The raw bytes.
    pub body: &'a [u8],
    /// The full address, with its query, as the sender knows it: made of the configured public one, never of the `Host`
    /// header.
    pub url: &'a str,
}

/// What its sender signs with, and how far its clock may be from ours.
#[derive(Clone, Debug)]
pub struct Trust {
    pub scheme: Scheme,
    /// Every one that is active: several while they rotate.
    pub secrets: Vec<Secret>,
    /// Where the scheme has a time.
    pub tolerance: Millis,
    /// For [`Scheme::Hmac`].
    pub plain: Option<Plain>,
}

/// A delivery that is its sender's.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// The same for every attempt to bring this delivery, and another's for every other; made of nothing that is not
    /// signed, where a scheme signs an id, or else a hash of what is signed.
    pub key: String,
    /// What its sender calls it, for people: where it stands in a header it may be unsigned.
    pub id: Option<String>,
    /// What kind of event it is, in its sender's words.
    pub kind: Option<String>,
    /// When it was signed, where that is signed as well.
    pub at: Option<Millis>,
    /// What is in it: JSON, a form's fields, or null where it is neither.
    pub body: Value,
    /// What is to be answered to a sender that tries the address.
    pub challenge: Option<String>,
}

/// Why a delivery is not believed. For the log: the sender is told only that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// It is not there, comes more than once, or is not what it should be.
    Header(&'static str),
    /// Signed longer ago than is allowed, or later than now.
    Time,
    /// No signature of a known version fits what came, under any secret.
    Signature,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header `{name}` is missing, repeated or malformed"),
            Self::Time => f.write_str("it was signed too long ago, or in the future"),
            Self::Signature => f.write_str("no signature of a known version fits, under any active secret"),
        }
    }
}

impl std::error::Error for Distrust {}

/// What a scheme finds of a delivery that is its sender's, before anything is read of it.
struct Signed {
    /// The id, where it is signed.
    id: Option<String>,
    at: Option<Millis>,
    /// What the key is made of where there is no such id.
    bytes: Vec<u8>,
}

/// Checks a delivery. Nothing of its body is read before its signature fits.
///
/// # Errors
/// [`Distrust`].
pub fn verify(trust: &Trust, delivery: &Delivery<'_>, now: Millis) -> Result<Verified, Distrust> {
    let signed = match trust.scheme {
        Scheme::Standard => standard::verify(trust, delivery, now, &standard::STANDARD),
        Scheme::Svix => standard::verify(trust, delivery, now, &standard::SVIX),
        Scheme::Stripe => stripe::verify(trust, delivery, now),
        Scheme::Github => github::verify(trust, delivery),
        Scheme::Slack => slack::verify(trust, delivery, now),
        Scheme::Twilio => twilio::verify(trust, delivery),
        Scheme::Shopify => shopify::verify(trust, delivery),
        Scheme::Hmac => plain::verify(trust, delivery),
    }?;
    let body = read(delivery);
    let told = match trust.scheme {
        Scheme::Standard | Scheme::Svix => standard::tell(&signed, &body),
        Scheme::Stripe => stripe::tell(&body),
        Scheme::Github => github::tell(delivery.headers),
        Scheme::Slack => slack::tell(&body),
        Scheme::Twilio => twilio::tell(&body),
        Scheme::Shopify => shopify::tell(delivery.headers),
        Scheme::Hmac => plain::tell(trust.plain.as_ref(), delivery.headers, &body),
    };
    let kind = told.kind.filter(|kind| is_clean(kind));
    let id = told.id.filter(|id| is_clean(id));
    let key = match &id {
        Some(id) if told.id_is_signed => id.clone(),
        // Two events may have the same body and be of different kinds, as Shopify's are. An id that is not signed says
        // nothing: whoever has seen a delivery could bring it again under another.
        Some(_) | None => {
            let mut hash = Sha256::new();
            hash.update(kind.as_deref().unwrap_or_default());
            hash.update([0]);
            hash.update(&signed.bytes);
            format!("sha256:{}", hexadecimal(&hash.finalize()))
        }
    };
    Ok(Verified { key, id, kind, at: signed.at, body, challenge: told.challenge })
}

/// What a scheme reads of a delivery that is its sender's.
#[derive(Default)]
struct Told {
    id: Option<String>,
    id_is_signed: bool,
    kind: Option<String>,
    challenge: Option<String>,
}

/// Text that is kept as it is.
fn is_clean(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_ID && !text.chars().any(char::is_control)
}

fn read(delivery: &Delivery<'_>) -> Value {
    let kind = delivery.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        let fields = form::read(delivery.body).unwrap_or_default();
        return Value::Object(fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect());
    }
    serde_json::from_slice(delivery.body).unwrap_or_default()
}

/// The text of a field.
fn text(body: &Value, name: &str) -> Option<String> {
    Some(body.get(name)?.as_str()?.to_owned())
}

/// The only header of that name.
///
/// # Errors
/// Where there is none, or more than one, or one that is no text.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Distrust> {
    one(headers, name).ok_or(Distrust::Header(name))
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// A time in seconds, digits only, that is within the tolerance of now.
///
/// # Errors
/// [`Distrust`].
fn recent(text: &str, name: &'static str, tolerance: Millis, now: Millis) -> Result<Millis, Distrust> {
    let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: u64 = text.parse().ok().filter(|_| digits).ok_or(Distrust::Header(name))?;
    // In whole seconds, as it was signed: 300 s ago is within 300 s, whatever the milliseconds are.
    if (now.0 / 1000).abs_diff(seconds) > tolerance.0 / 1000 {
        return Err(Distrust::Time);
    }
    Ok(Millis::from_secs(seconds))
}

/// Signs a delivery as its sender would: for trying a source out, and for tests. The headers that it needs besides its
/// body's type.
///
/// # Errors
/// Where the first of the secrets cannot sign.
pub fn sign(
    trust: &Trust,
    url: &str,
    (id, kind): (&str, &str),
    body: &[u8],
    now: Millis,
) -> Result<Vec<(String, String)>, &'static str> {
    let secret = trust.secrets.first().ok_or("the source has no secret")?;
    let seconds = (now.0 / 1000).to_string();
    let headers = match trust.scheme {
        Scheme::Standard => standard::sign(secret, &standard::STANDARD, id, &seconds, body)?,
        Scheme::Svix => standard::sign(secret, &standard::SVIX, id, &seconds, body)?,
        Scheme::Stripe => stripe::sign(secret, &seconds, body),
        Scheme::Github => github::sign(secret, id, kind, body),
        Scheme::Slack => slack::sign(secret, &seconds, body),
        Scheme::Twilio => {
            twilio::sign(secret, url, body).ok_or("the body is neither a form nor signed in the address")?
        }
        Scheme::Shopify => shopify::sign(secret, id, kind, body),
        Scheme::Hmac => plain::sign(secret, trust.plain.as_ref().ok_or("the source has no `hmac`")?, kind, body),
    };
    Ok(headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
