//! The keys that issuers publish: fetched when they are needed, kept by each instance and, for all of them, in Redis.
//!
//! Keys are taken for good for five minutes, and for an hour where their issuer does not answer. A token that names a
//! key which is not there has them fetched once more, for the issuer may have rolled them, and then no token does so for
//! half a minute: whoever invents names costs the issuer two requests a minute, and not one for each.
//!
//! What stands in Redis is sealed under the database's secret, so that whoever can write to Redis cannot say whom to
//! trust.

use std::rc::Rc;

use makegood_core::error::{Code, Error};
use makegood_core::time::Millis;
use makegood_gateway::jwt::{self, Jwks, Token};
use makegood_gateway::{Malformed, jwks as wire};
use serde_json::{Value, json};

use crate::host::{Host, Level};
use crate::redis;
use crate::settings::Settings;

/// Clerk's own library keeps keys so long.
const FRESH: Millis = Millis::from_secs(5 * 60);
/// So long they are used where nobody answers.
const USABLE: Millis = Millis::from_secs(60 * 60);
/// Between two fetches for the sake of a key that was not there.
const UNKNOWN_AGAIN: Millis = Millis::from_secs(30);
/// Between two fetches where nobody answered.
const SILENCE_AGAIN: Millis = Millis::from_secs(5);
/// How long an issuer may take.
const PATIENCE: Millis = Millis(3_000);
/// How long Redis may.
const COPY_PATIENCE: Millis = Millis(500);

/// The keys of one issuer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// As they came, for others; empty: none ever did.
    text: String,
    keys: Option<Rc<Jwks>>,
    fetched: Millis,
    /// When they were last asked for, whatever came of it.
    tried: Millis,
}

impl Kept {
    fn is_younger(&self, than: Millis, now: Millis) -> bool {
        self.keys.is_some() && now.since(self.fetched) < than
    }

    /// Whether there is nothing to ask.
    fn will_do(&self, token: &Token<'_>, now: Millis) -> bool {
        self.is_younger(FRESH, now) && self.keys.as_ref().is_some_and(|keys| keys.has(token))
    }

    /// Whether it is too early to ask again.
    fn was_tried(&self, now: Millis) -> bool {
        let pause = if self.is_younger(FRESH, now) { UNKNOWN_AGAIN } else { SILENCE_AGAIN };
        self.tried > Millis(0) && now.since(self.tried) < pause
    }

    fn of(text: String, fetched: Millis, tried: Millis) -> Result<Self, Malformed> {
        let keys = Jwks::read(text.as_bytes())?;
        // An issuer that has lost its keys is one that does not answer: what it had goes on for its hour.
        if keys.is_empty() {
            return Err(Malformed("there is no key among them that a token can be checked with".to_owned()));
        }
        Ok(Self { text, keys: Some(Rc::new(keys)), fetched, tried })
    }

    /// As it stands in Redis: of these keys, and under this seal.
    fn sealed(&self, url: &str, seal: &str) -> String {
        let copy = json!({"url": url, "keys": self.text, "fetched": self.fetched, "tried": self.tried});
        jwt::sign(&copy, seal)
    }

    fn unsealed(text: &str, url: &str, seal: &str, now: Millis) -> Option<Self> {
        let copy: Value = jwt::verify(text, &[seal]).ok().filter(|copy: &Value| copy["url"] == url)?;
        // Whoever wrote it may have another clock.
        let time = |name: &str| copy.get(name).and_then(Value::as_u64).map(|time| Millis(time).min(now));
        let (fetched, tried) = (time("fetched")?, time("tried")?);
        match copy.get("keys")?.as_str()? {
            "" => Some(Self { tried, ..Self::default() }),
            text => Self::of(text.to_owned(), fetched, tried).ok(),
        }
    }
}

/// The keys that are published at `url`, among them the token's, if it is there at all.
///
/// # Errors
/// [`Code::Unavailable`] where there are none, because nobody answers.
pub(crate) async fn keys<H: Host>(
    host: &H,
    settings: &Settings,
    url: &str,
    token: &Token<'_>,
) -> Result<Rc<Jwks>, Error> {
    let now = host.now();
    let mut kept = remembered(host, url);
    if !kept.will_do(token, now) && !kept.was_tried(now) {
        if kept.keys.is_some() {
            // Others that come meanwhile make do with what there is.
            remember(host, url, Kept { tried: now, ..kept.clone() });
        }
        let copy = copied(host, settings, url).await;
        if copy.fetched >= kept.fetched {
            kept = copy;
        }
        if !kept.will_do(token, now) && !kept.was_tried(now) {
            kept = match fetched(host, url).await.and_then(|text| Kept::of(text, now, now)) {
                Ok(new) => new,
                Err(cause) => {
                    host.log(Level::Error, &format!("the keys of an issuer cannot be had: {url}: {cause}"));
                    Kept { tried: now, ..kept }
                }
            };
            copy_out(host, settings, url, &kept).await;
        }
        remember(host, url, kept.clone());
    }
    let usable = kept.is_younger(USABLE, now);
    kept.keys.filter(|_| usable).ok_or_else(|| {
        Error::new(Code::Unavailable, "Tokens cannot be checked now, for their issuer does not answer. Try again.")
            .because(format!("there are no keys from {url}"))
    })
}

fn remembered<H: Host>(host: &H, url: &str) -> Kept {
    let isolate = host.isolate();
    let all = isolate.jwks.borrow();
    all.iter().find(|(known, _)| known == url).map(|(_, kept)| kept.clone()).unwrap_or_default()
}

fn remember<H: Host>(host: &H, url: &str, new: Kept) {
    let isolate = host.isolate();
    let mut all = isolate.jwks.borrow_mut();
    match all.iter_mut().find(|(known, _)| known == url) {
        Some((_, kept)) => *kept = new,
        None => all.push((url.to_owned(), new)),
    }
}

/// Whether keys that are of use are published at `url` now, past everything that is kept.
pub(crate) async fn answers<H: Host>(host: &H, url: &str) -> Result<(), Malformed> {
    let now = host.now();
    fetched(host, url).await.and_then(|text| Kept::of(text, now, now)).map(|_| ())
}

async fn fetched<H: Host>(host: &H, url: &str) -> Result<String, Malformed> {
    let response = host.fetch(wire::request(url)?, PATIENCE).await.map_err(|error| Malformed(error.to_string()))?;
    wire::response(&response)
}

fn name(url: &str) -> String {
    format!("makegood:jwks:{url}")
}

/// What another instance has fetched. A function without Redis has none.
async fn copied<H: Host>(host: &H, settings: &Settings, url: &str) -> Kept {
    if settings.redis.url.is_empty() {
        return Kept::default();
    }
    match redis::run(host, settings, &["GET", &name(url)], COPY_PATIENCE).await {
        Ok(copy) => {
            let seal = &settings.database.connection;
            copy.as_str().and_then(|text| Kept::unsealed(text, url, seal, host.now())).unwrap_or_default()
        }
        Err(cause) => {
            host.log(Level::Warn, &format!("no copy of keys, asking their issuer: {cause}"));
            Kept::default()
        }
    }
}

async fn copy_out<H: Host>(host: &H, settings: &Settings, url: &str, kept: &Kept) {
    if settings.redis.url.is_empty() {
        return;
    }
    let span = USABLE.0.to_string();
    let copy = kept.sealed(url, &settings.database.connection);
    let words = ["SET", &name(url), &copy, "PX", &span];
    if let Err(cause) = redis::run(host, settings, &words, COPY_PATIENCE).await {
        host.log(Level::Warn, &format!("keys are not kept for others: {cause}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_without_a_key_of_use_takes_nobodys_place() {
        for empty in [r#"{"keys": []}"#, r#"{"keys": [{"kty": "oct", "kid": "1", "k": "c2VjcmV0"}]}"#] {
            assert!(Kept::of(empty.to_owned(), Millis(1), Millis(1)).is_err(), "{empty}");
        }
    }
}
