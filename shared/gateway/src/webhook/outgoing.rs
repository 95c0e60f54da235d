//! What is brought to subscribers: an event, signed as Standard Webhooks says, and what their answers mean.
//!
//! A subscription's secret is derived from the deployment's key, the subscription's id and a number that counts its
//! secrets. So none is stored, none can be read from the database, and each can be made again to sign with.

use http::header::{CONTENT_TYPE, HeaderValue};
use makegood_core::time::Millis;
use serde_json::Value;

use super::signature::{Algorithm, Encoding, make};
use super::standard::STANDARD;
use super::{LARGEST_BODY, Secret};
use crate::ably::without_data;
use crate::tool::retry_after;
use crate::{Malformed, Request, Response, post};

/// What stands before a secret, so that one is known where it has no business.
const MARK: &str = "whsec_";
/// CloudEvents over HTTP, in the structured mode.
const EVENT: &str = "application/cloudevents+json";

/// The bytes of a subscription's secret: 32, of the 24 to 64 that there may be. `None` where the deployment has no key.
fn derived(key: &str, subscription: &str, generation: u32) -> Option<Vec<u8>> {
    let generation = generation.to_string();
    let parts: [&[u8]; 4] = [b"makegood subscription ", subscription.as_bytes(), b" ", generation.as_bytes()];
    let made = make(Algorithm::Sha256, &Secret::Shared(key.as_bytes().to_vec()), &parts);
    (!key.is_empty() && !made.is_empty()).then_some(made)
}

/// A subscription's secret, as its owner is told it once. `None` where the deployment has no key to derive it from.
#[must_use]
pub fn secret(key: &str, subscription: &str, generation: u32) -> Option<String> {
    derived(key, subscription, generation).map(|bytes| format!("{MARK}{}", Encoding::Base64.encode(&bytes)))
}

/// What an event is known by wherever it is brought: the same in every attempt, and another's for every other. No point
/// is in it, for points divide what is signed.
#[must_use]
pub fn id(saga: &impl std::fmt::Display, seq: u64) -> String {
    format!("{saga}_{seq}")
}

/// Makes the request that brings an event. It has a signature for each of the generations, the newest first. An event that
/// is longer than what we take ourselves names where it can be read: `at`.
///
/// # Errors
/// Where the address is none, or the deployment has no key.
pub fn bring(
    (url, id, event, at): (&str, &str, &Value, &str),
    (key, subscription, generations): (&str, &str, &[u32]),
    now: Millis,
) -> Result<Request, Malformed> {
    let mut body = event.to_string().into_bytes();
    if body.len() > LARGEST_BODY {
        body = without_data(event, at).to_string().into_bytes();
    }
    let seconds = (now.0 / 1000).to_string();
    let mut signatures = String::new();
    for generation in generations {
        let secret = derived(key, subscription, *generation)
            .ok_or_else(|| Malformed("there is no `subscription_key` to sign with".to_owned()))?;
        let parts: [&[u8]; 5] = [id.as_bytes(), b".", seconds.as_bytes(), b".", &body];
        let made = make(Algorithm::Sha256, &Secret::Shared(secret), &parts);
        if !signatures.is_empty() {
            signatures.push(' ');
        }
        signatures += &format!("v1,{}", Encoding::Base64.encode(&made));
    }
    let headers =
        [(STANDARD.id, id), (STANDARD.timestamp, seconds.as_str()), (STANDARD.signature, signatures.as_str())];
    let mut request = post(url, &headers, body)?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(EVENT));
    Ok(request)
}

/// What a subscriber's answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// 2xx.
    Taken,
    /// 410: nothing is to be brought there ever again.
    Gone,
    /// Anything else. A redirect is an answer like it, and is not followed.
    Refused { status: u16, after: Option<Millis> },
}

#[must_use]
pub fn heard(response: &Response) -> Heard {
    match response.status().as_u16() {
        200..=299 => Heard::Taken,
        410 => Heard::Gone,
        status => Heard::Refused { status, after: retry_after(response) },
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::super::{Delivery, Distrust, Scheme, Trust, verify};
    use super::*;

    const KEY: &str = "the deployment's own key";
    const NOW: Millis = Millis(1_777_636_800_250);

    fn trust(secrets: &[String]) -> Trust {
        let bytes = |secret: &String| Encoding::Base64.decode(secret.strip_prefix(MARK).unwrap()).unwrap();
        let secrets = secrets.iter().map(|secret| Secret::Shared(bytes(secret))).collect();
        Trust { scheme: Scheme::Standard, secrets, tolerance: Millis(300_000), plain: None }
    }

    fn brought(generations: &[u32]) -> Request {
        let event = json!({"type": "makegood.saga.completed.v1"});
        bring(("https://a.test/in", "sg_1_7", &event, "https://me.test/e"), (KEY, "sub_1", generations), NOW).unwrap()
    }

    fn verified(request: &Request, secrets: &[String]) -> Result<String, Distrust> {
        let delivery = Delivery { headers: request.headers(), body: request.body(), url: "https://a.test/in" };
        verify(&trust(secrets), &delivery, NOW).map(|verified| verified.key)
    }

    /// That of the specification's libraries: `msg_p5jXN8AQM9LWM0D4loKWxJek`.
    #[test]
    fn what_is_signed_is_what_standard_webhooks_signs() {
        let secret = Secret::Shared(Encoding::Base64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let parts: [&[u8]; 5] =
            [b"msg_p5jXN8AQM9LWM0D4loKWxJek", b".", b"1614265330", b".", br#"{"test": 2432232314}"#];
        let made = Encoding::Base64.encode(&make(Algorithm::Sha256, &secret, &parts));
        assert_eq!(made, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// Made with Python's `hmac`.
    #[test]
    fn a_secret_is_what_another_hand_derives() {
        assert_eq!(secret(KEY, "sub_1", 1).as_deref(), Some("whsec_bKK3hT+pyOKMYLZNTIuvuBe6kHf5Y282hO1xc51BBnM="));
        assert_eq!(brought(&[1]).headers()["webhook-signature"], "v1,YR8+3aSaTl4RYQX0NIevF0yBtYclwSdb3GCAzFGqLXY=");
    }

    #[test]
    fn a_receiver_verifies_with_the_secret_that_it_was_told() {
        let request = brought(&[1]);
        assert_eq!(request.headers()["webhook-id"], "sg_1_7");
        assert_eq!(request.headers()["webhook-timestamp"], "1777636800");
        assert_eq!(request.headers().get_all("content-type").iter().count(), 1);
        assert_eq!(request.headers()["content-type"], "application/cloudevents+json");
        let told = secret(KEY, "sub_1", 1).unwrap();
        assert_eq!(verified(&request, &[told]), Ok("sg_1_7".to_owned()));
        for other in [secret("another key", "sub_1", 1), secret(KEY, "sub_2", 1), secret(KEY, "sub_1", 2)] {
            assert_eq!(verified(&request, &[other.unwrap()]), Err(Distrust::Signature));
        }
    }

    #[test]
    fn while_secrets_rotate_both_verify() {
        let request = brought(&[3, 2]);
        let signatures = request.headers()["webhook-signature"].to_str().unwrap();
        assert_eq!(signatures.split(' ').filter(|one| one.starts_with("v1,")).count(), 2);
        for generation in [2, 3] {
            assert!(verified(&request, &[secret(KEY, "sub_1", generation).unwrap()]).is_ok(), "{generation}");
        }
        assert!(verified(&request, &[secret(KEY, "sub_1", 1).unwrap()]).is_err());
    }

    #[test]
    fn what_is_longer_than_receivers_take_names_where_it_can_be_read() {
        let body = |length: usize| -> Value {
            let event = json!({"type": "t", "id": "7", "data": {"output": "x".repeat(length)}});
            let to = ("https://a.test/in", "sg_1_7", &event, "https://me.test/e");
            serde_json::from_slice(bring(to, (KEY, "sub_1", &[1]), NOW).unwrap().body()).unwrap()
        };
        assert_eq!(body(LARGEST_BODY), json!({"type": "t", "id": "7", "dataref": "https://me.test/e"}));
        assert!(body(LARGEST_BODY - 1_000)["data"]["output"].is_string());
    }

    #[test]
    fn without_a_key_nothing_is_signed() {
        assert_eq!(secret("", "sub_1", 1), None);
        assert!(bring(("https://a.test/", "i", &json!({}), ""), ("", "sub_1", &[1]), NOW).is_err());
    }

    #[test]
    fn only_2xx_is_taken_and_only_410_is_for_ever() {
        let said = |status: u16, after: Option<&str>| {
            let mut response = http::Response::builder().status(status);
            if let Some(after) = after {
                response = response.header("retry-after", after);
            }
            heard(&response.body(Bytes::new()).unwrap())
        };
        assert_eq!((said(200, None), said(204, None), said(410, None)), (Heard::Taken, Heard::Taken, Heard::Gone));
        for status in [301, 302, 400, 404, 500] {
            assert_eq!(said(status, None), Heard::Refused { status, after: None });
        }
        assert_eq!(said(429, Some("7")), Heard::Refused { status: 429, after: Some(Millis(7_000)) });
        assert_eq!(said(503, Some("soon")), Heard::Refused { status: 503, after: None });
    }
}
