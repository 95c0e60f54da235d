//! Ably, over REST: publishing events to channels, and the requests by which readers get tokens of their own.
//!
//! A channel is of one saga: `makegood:`, its owner as a hash, `:`, its id. So one capability with a star at its end is
//! for all sagas of one owner, those to come too, and no name of a user stands in a channel's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Malformed, Request, Response, excerpt, hexadecimal, post};

/// What every channel of ours begins with.
const SPACE: &str = "makegood";
/// Ably takes no message of more than 65,536 bytes, name and all. What is larger names where it can be read.
const LARGEST: usize = 65_000;
/// How long a token is good: Ably's own default, an hour.
const TTL: Millis = Millis::from_secs(3_600);

/// Where Ably is, and who we are there.
#[derive(Clone)]
pub struct Ably {
    /// What stands before `/channels`, without a slash at its end.
    url: String,
    /// `app.id`, which is no secret.
    name: String,
    secret: String,
}

impl std::fmt::Debug for Ably {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ably({}, {}:…)", self.url, self.name)
    }
}

impl Ably {
    /// `None` where there is none: without an address or a key. A key is `app.id:secret`.
    ///
    /// # Errors
    /// Where the key is none.
    pub fn read(url: &str, key: &str) -> Result<Option<Self>, &'static str> {
        if url.is_empty() || key.is_empty() {
            return Ok(None);
        }
        let whole = |(name, secret): &(&str, &str)| name.contains('.') && !secret.is_empty();
        let (name, secret) =
            key.split_once(':').filter(whole).ok_or("it is no key of Ably's, which is `app.id:secret`")?;
        Ok(Some(Self { url: url.trim_end_matches('/').to_owned(), name: name.to_owned(), secret: secret.to_owned() }))
    }

    /// Makes the request that publishes an event. Ably drops one whose id came before. `at`: where the saga's events
    /// can be read.
    ///
    /// # Errors
    /// Where the configured address is not a URL.
    pub fn publish(&self, channel: &str, id: &str, event: &Value, at: &str) -> Result<Request, Malformed> {
        let name = event["type"].as_str().unwrap_or_default();
        let mut data = event.to_string();
        if data.len() + name.len() > LARGEST {
            data = without_data(event, at).to_string();
        }
        let message = json!({"id": id, "name": name, "data": data, "encoding": "json"});
        let url = format!("{}/channels/{}/messages", self.url, channel.replace(':', "%3A"));
        let key = STANDARD.encode(format!("{}:{}", self.name, self.secret));
        let headers = [("authorization", format!("Basic {key}")), ("x-ably-version", "2".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        post(&url, &headers, message.to_string().into_bytes())
    }

    /// A request for a token that reads what this capability allows, and nothing else. Whoever has it brings it to Ably
    /// within two minutes, once.
    #[must_use]
    pub fn token_request(&self, capability: &Value, client: &str, nonce: [u8; 16], now: Millis) -> TokenRequest {
        let (capability, nonce) = (capability.to_string(), hexadecimal(&nonce));
        let signed = format!("{}\n{}\n{capability}\n{client}\n{}\n{nonce}\n", self.name, TTL.0, now.0);
        TokenRequest {
            key_name: self.name.clone(),
            ttl: TTL,
            capability,
            client_id: client.to_owned(),
            timestamp: now,
            nonce,
            mac: mac(&self.secret, &signed),
        }
    }
}

/// HMAC takes keys of any length, so there always is one.
fn mac(secret: &str, text: &str) -> String {
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// An event without what is large in it, as the extension `dataref` of CloudEvents has it.
pub(crate) fn without_data(event: &Value, at: &str) -> Value {
    let mut event = event.clone();
    if let Some(fields) = event.as_object_mut() {
        fields.remove("data");
        fields.insert("dataref".to_owned(), json!(at));
    }
    event
}

/// As Ably's clients take it from an `authUrl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    pub key_name: String,
    pub ttl: Millis,
    /// JSON: the channels, each with what may be done there.
    pub capability: String,
    pub client_id: String,
    pub timestamp: Millis,
    pub nonce: String,
    pub mac: String,
}

/// An owner as it stands in a channel's name.
fn owner_mark(owner: &str) -> String {
    hexadecimal(&Sha256::digest(owner)[..16])
}

/// The channel of a saga's events.
#[must_use]
pub fn channel(owner: &str, saga: &SagaId) -> String {
    format!("{SPACE}:{}:{saga}", owner_mark(owner))
}

/// Leave to read the channels of an owner's sagas, or with `None` of everybody's.
#[must_use]
pub fn capability(owner: Option<&str>) -> Value {
    let channels = owner.map_or_else(|| format!("{SPACE}:*"), |owner| format!("{SPACE}:{}:*", owner_mark(owner)));
    json!({channels: ["history", "subscribe"]})
}

/// Reads the answer to a publish.
///
/// # Errors
/// What Ably said, where it did not take it.
pub fn published(response: &Response) -> Result<(), Malformed> {
    #[derive(Deserialize)]
    struct Refused {
        error: Fault,
    }
    #[derive(Deserialize)]
    struct Fault {
        code: u32,
        #[serde(default)]
        message: String,
    }
    if response.status().is_success() {
        return Ok(());
    }
    let said = match serde_json::from_slice::<Refused>(response.body()) {
        Ok(Refused { error: Fault { code, message } }) => format!("{code} {}", excerpt(message.as_bytes())),
        Err(_) => excerpt(response.body()),
    };
    Err(Malformed(format!("Ably answered {} {said}", response.status())))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn ably() -> Ably {
        Ably::read("https://rest.ably.test/", "appid.keyid:secret").unwrap().unwrap()
    }

    fn saga() -> SagaId {
        SagaId::new(Millis(1), [0; 10])
    }

    #[test]
    fn a_key_is_one_or_there_is_no_ably() {
        assert!(Ably::read("", "appid.keyid:secret").unwrap().is_none());
        assert!(Ably::read("https://a.test", "").unwrap().is_none());
        for bad in ["appid.keyid", "appid.keyid:", "keyid:secret"] {
            assert!(Ably::read("https://a.test", bad).is_err(), "{bad}");
        }
        assert!(!format!("{:?}", ably()).contains("secret"));
    }

    #[test]
    fn an_event_is_published_under_its_id_with_the_key() {
        let event = json!({"type": "makegood.saga.completed.v1", "data": {}});
        let request = ably().publish("makegood:ab:sg_1", "sg_1_7", &event, "https://me.test/e").unwrap();
        assert_eq!(request.uri(), "https://rest.ably.test/channels/makegood%3Aab%3Asg_1/messages");
        assert_eq!(request.headers()["authorization"], "Basic YXBwaWQua2V5aWQ6c2VjcmV0");
        let sent: Value = serde_json::from_slice(request.body()).unwrap();
        let wanted = json!({
            "id": "sg_1_7", "name": "makegood.saga.completed.v1", "data": event.to_string(), "encoding": "json",
        });
        assert_eq!(sent, wanted);
    }

    #[test]
    fn what_is_too_large_says_where_it_can_be_read() {
        let event = json!({"type": "t", "id": "7", "data": {"output": "x".repeat(LARGEST)}});
        let request = ably().publish("c", "i", &event, "https://me.test/e").unwrap();
        let sent: Value = serde_json::from_slice(request.body()).unwrap();
        let data: Value = serde_json::from_str(sent["data"].as_str().unwrap()).unwrap();
        assert_eq!(data, json!({"type": "t", "id": "7", "dataref": "https://me.test/e"}));
    }

    /// The mac was made with Python's `hmac`.
    #[test]
    fn a_token_request_is_signed_as_ably_says() {
        let mut nonce = [0; 16];
        nonce[0] = 1;
        let capability = json!({"makegood:abc:*": ["history", "subscribe"]});
        let request = ably().token_request(&capability, "ann", nonce, Millis(1_777_636_800_250));
        assert_eq!(request.mac, "DUEAEpKV6q9xRk1ZYV/6kf9AETRHQn0XhMfUmKQdYOc=");
        let told = serde_json::to_value(&request).unwrap();
        assert_eq!(told["keyName"], "appid.keyid");
        assert_eq!((&told["ttl"], &told["clientId"]), (&json!(3_600_000), &json!("ann")));
        assert_eq!(
            (&told["timestamp"], &told["nonce"]),
            (&json!(1_777_636_800_250_u64), &json!("01000000000000000000000000000000"))
        );
    }

    #[test]
    fn a_capability_is_for_ones_own_channels_and_an_operators_for_all() {
        let own = capability(Some("ann"));
        let pattern = own.as_object().unwrap().keys().next().unwrap().strip_suffix('*').unwrap().to_owned();
        assert!(channel("ann", &saga()).starts_with(&pattern));
        assert!(!channel("eve", &saga()).starts_with(&pattern));
        assert!(!channel("ann", &saga()).contains("ann:"), "names are nobody's business");
        assert_eq!(capability(None), json!({"makegood:*": ["history", "subscribe"]}));
        assert_eq!(channel("ann", &saga()), format!("makegood:49915e0d7d4b402e3017d010bc1c0e83:{}", saga()));
    }

    #[test]
    fn a_refusal_is_told_in_ablys_words() {
        let answer = |status: u16, body: &'static str| {
            published(&http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
        };
        assert_eq!(answer(201, "{}"), Ok(()));
        let said = answer(401, r#"{"error":{"code":40101,"message":"invalid credentials"}}"#).unwrap_err().0;
        assert!(said.contains("401") && said.contains("40101 invalid credentials"), "{said}");
        assert!(answer(503, "away").unwrap_err().0.contains("away"));
    }
}
