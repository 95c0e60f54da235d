//! The queue: publishing wakes, keeping schedules, and telling a real delivery from a forged one.

use http::{HeaderMap, Method};
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};

use crate::jwt::{self, Distrust};
use crate::{Malformed, Request, Response, excerpt, post, request};

/// Where the queue is.
#[derive(Clone, Debug)]
pub struct Queue {
    pub url: String,
    pub token: String,
    pub current_key: String,
    pub next_key: String,
}

/// A message to be delivered to one of our own functions.
#[derive(Clone, Debug)]
pub struct Publish<'a> {
    /// The exact address; the signature is made over it.
    pub destination: &'a str,
    pub body: Vec<u8>,
    /// Repeats within ten minutes are dropped by the queue.
    pub deduplication: &'a str,
    /// Not before this time.
    pub at: Option<Millis>,
    /// The longest a delivery may take.
    pub timeout: Millis,
    /// Where in which trace it is, as a `traceparent`: the delivery brings it.
    pub trace: Option<&'a str>,
}

/// The queue's own first retry comes after 12 s, so ours is said with every message: fast at first,
/// a minute at most. When it gives up, the sweeper goes on.
const RETRIES: &str = "5";
const RETRY_DELAY: &str = "min(60000, 500 * pow(2, retried))";

/// The longest that a message is held back; longer timers hop.
pub const LONGEST_DELAY: Millis = Millis::from_secs(6 * 24 * 3600);

/// Makes the request that publishes one message.
///
/// # Errors
/// Where the configured address is not a URL.
pub fn publish(queue: &Queue, message: Publish<'_>, now: Millis) -> Result<Request, Malformed> {
    let url = format!("{}/v2/publish/{}", queue.url.trim_end_matches('/'), message.destination);
    let token = bearer(queue);
    let timeout = format!("{}s", message.timeout.as_secs_ceil());
    let later = message.at.filter(|at| *at > now).map(|at| at.min(now + LONGEST_DELAY));
    let not_before = later.map(|at| at.as_secs_ceil().to_string());
    let mut headers = vec![
        ("authorization", token.as_str()),
        ("upstash-deduplication-id", message.deduplication),
        ("upstash-retries", RETRIES),
        ("upstash-retry-delay", RETRY_DELAY),
        ("upstash-timeout", &timeout),
    ];
    if let Some(not_before) = &not_before {
        headers.push(("upstash-not-before", not_before));
    }
    if let Some(trace) = message.trace {
        headers.push(("upstash-forward-traceparent", trace));
    }
    post(&url, &headers, message.body)
}

/// Reads the answer to a publish: taken over (now or before), or not.
///
/// # Errors
/// Where the queue did not take the message.
pub fn published(response: &Response) -> Result<(), Malformed> {
    if response.status().is_success() {
        return Ok(());
    }
    Err(Malformed(format!("the queue answered {} {}", response.status(), excerpt(response.body()))))
}

/// A message that is to be produced by the clock.
#[derive(Clone, Debug)]
pub struct Schedule<'a> {
    /// What the queue knows it by: under an id that there is, the new one takes the place of the old.
    pub id: &'a str,
    pub cron: &'a str,
    /// The exact address; the signature is made over it.
    pub destination: &'a str,
    pub body: Vec<u8>,
    /// The longest a delivery may take.
    pub timeout: Millis,
}

/// Nobody sweeps for a firing that was given up, so it is tried for longer than a wake: 10 s, 40 s,
/// 160 s, then ten minutes twice.
const FIRING_RETRY_DELAY: &str = "min(600000, 10000 * pow(4, retried))";

/// Makes the request that creates a schedule, or overwrites it whole: a paused one is paused no longer.
///
/// # Errors
/// Where the configured address is not a URL.
pub fn schedule(queue: &Queue, schedule: Schedule<'_>) -> Result<Request, Malformed> {
    let timeout = format!("{}s", schedule.timeout.as_secs_ceil());
    let headers = [
        ("authorization", bearer(queue)),
        ("upstash-cron", schedule.cron.to_owned()),
        ("upstash-schedule-id", schedule.id.to_owned()),
        ("upstash-retries", RETRIES.to_owned()),
        ("upstash-retry-delay", FIRING_RETRY_DELAY.to_owned()),
        ("upstash-timeout", timeout),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    post(&schedules(queue, schedule.destination), &headers, schedule.body)
}

/// What can be asked of a schedule that there is. Each may be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Show,
    Pause,
    Resume,
    Delete,
}

/// Makes the request that asks something of a schedule.
///
/// # Errors
/// Where the configured address is not a URL.
pub fn ask(queue: &Queue, id: &str, ask: Ask) -> Result<Request, Malformed> {
    let (method, path) = match ask {
        Ask::Show => (Method::GET, id.to_owned()),
        Ask::Pause => (Method::POST, format!("{id}/pause")),
        Ask::Resume => (Method::POST, format!("{id}/resume")),
        Ask::Delete => (Method::DELETE, id.to_owned()),
    };
    request(method, &schedules(queue, &path), &[("authorization", &bearer(queue))], Vec::new())
}

/// What the queue says about a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is there, or was made or changed as asked.
    There { paused: bool },
    /// There is none by that id.
    Missing,
    /// It cannot be made as it is, however often it is asked for.
    Refused,
}

/// Reads the answer to [`schedule`] and [`ask`].
///
/// # Errors
/// Where the queue said neither yes nor no: it may or may not have done it.
pub fn answered(response: &Response) -> Result<Word, Malformed> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown {
        #[serde(default)]
        is_paused: bool,
    }
    match response.status().as_u16() {
        200..=299 => {
            // Only one that is shown says how it stands.
            let shown: Shown = serde_json::from_slice(response.body()).unwrap_or_default();
            Ok(Word::There { paused: shown.is_paused })
        }
        404 => Ok(Word::Missing),
        400 | 422 => Ok(Word::Refused),
        _ => Err(Malformed(format!("the queue answered {} {}", response.status(), excerpt(response.body())))),
    }
}

fn schedules(queue: &Queue, rest: &str) -> String {
    format!("{}/v2/schedules/{rest}", queue.url.trim_end_matches('/'))
}

fn bearer(queue: &Queue) -> String {
    format!("Bearer {}", queue.token)
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: u64,
    nbf: u64,
    body: String,
}

/// Seconds by which two clocks may differ.
const SKEW: u64 = 5;

/// Checks that the queue, and nobody else, sent this body to `address`. The address is the
/// configured public one, never the `Host` header: gateways rewrite that.
///
/// # Errors
/// [`Distrust`], for the log; the sender is told only that the signature is not valid.
pub fn verify(queue: &Queue, headers: &HeaderMap, address: &str, body: &[u8], now: Millis) -> Result<(), Distrust> {
    let signature =
        headers.get("upstash-signature").and_then(|value| value.to_str().ok()).ok_or(Distrust::Malformed)?;
    let claims: Claims = jwt::verify(signature, &[&queue.current_key, &queue.next_key])?;
    let seconds = now.0 / 1000;
    if claims.exp.saturating_add(SKEW) <= seconds || claims.nbf > seconds.saturating_add(SKEW) {
        return Err(Distrust::Time);
    }
    let hash = jwt::body_hash(body);
    let same_body = claims.body.trim_end_matches('=') == hash.trim_end_matches('=');
    if claims.iss != "Upstash" || claims.sub != address || !same_body {
        return Err(Distrust::Claims);
    }
    Ok(())
}

/// How often this message was delivered before.
#[must_use]
pub fn retried(headers: &HeaderMap) -> u32 {
    headers.get("upstash-retried").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// What stays the same over all attempts to deliver one message, and is another's for every other. It is
/// not among what is signed.
#[must_use]
pub fn message_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("upstash-message-id")?.to_str().ok()?;
    (!id.is_empty() && id.len() <= 100).then_some(id)
}

/// The most that one page of dead messages has.
const PAGE: usize = 100;

/// Asks for the messages that were given up, at most a page of them.
///
/// # Errors
/// Where the configured address is not a URL.
pub fn dead_letters(queue: &Queue) -> Result<Request, Malformed> {
    let url = format!("{}/v2/dlq?count={PAGE}", queue.url.trim_end_matches('/'));
    request(Method::GET, &url, &[("authorization", &bearer(queue))], Vec::new())
}

/// How many there are; of more than a page, as many as a page has.
///
/// # Errors
/// Where the queue did not tell.
pub fn counted_dead_letters(response: &Response) -> Result<usize, Malformed> {
    #[derive(Deserialize)]
    struct Page {
        messages: Vec<serde::de::IgnoredAny>,
    }
    let unclear = || Malformed(format!("the queue answered {} {}", response.status(), excerpt(response.body())));
    if !response.status().is_success() {
        return Err(unclear());
    }
    let page: Page = serde_json::from_slice(response.body()).map_err(|_| unclear())?;
    Ok(page.messages.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn queue() -> Queue {
        Queue { url: "http://q".into(), token: "t".into(), current_key: "now".into(), next_key: "soon".into() }
    }

    fn signed(key: &str, change: impl FnOnce(&mut serde_json::Value)) -> HeaderMap {
        let mut claims = json!({
            "iss": "Upstash", "sub": "http://me/step", "exp": 1300, "nbf": 1000, "iat": 1000,
            "jti": "jwt_1", "body": jwt::body_hash(b"{}"),
        });
        change(&mut claims);
        HeaderMap::from_iter([("upstash-signature".parse().unwrap(), jwt::sign(&claims, key).parse().unwrap())])
    }

    fn check(headers: &HeaderMap, at: u64) -> Result<(), Distrust> {
        verify(&queue(), headers, "http://me/step", b"{}", Millis::from_secs(at))
    }

    #[test]
    fn both_keys_are_good_while_they_rotate() {
        assert_eq!(check(&signed("now", |_| {}), 1100), Ok(()));
        assert_eq!(check(&signed("soon", |_| {}), 1100), Ok(()));
        assert_eq!(check(&signed("old", |_| {}), 1100), Err(Distrust::Signature));
        assert_eq!(check(&HeaderMap::new(), 1100), Err(Distrust::Malformed));
    }

    #[test]
    fn a_delivery_for_another_place_body_or_time_is_refused() {
        assert_eq!(
            check(&signed("now", |claims| claims["sub"] = json!("http://me/other")), 1100),
            Err(Distrust::Claims)
        );
        assert_eq!(check(&signed("now", |claims| claims["iss"] = json!("Me")), 1100), Err(Distrust::Claims));
        assert_eq!(check(&signed("now", |claims| claims["body"] = json!("x")), 1100), Err(Distrust::Claims));
        assert_eq!(check(&signed("now", |_| {}), 1400), Err(Distrust::Time));
        assert_eq!(check(&signed("now", |_| {}), 900), Err(Distrust::Time));
    }

    #[test]
    fn the_destination_is_never_normalised() {
        let message = Publish {
            destination: "http://me//a?b=1",
            body: Vec::new(),
            deduplication: "s:1:0",
            at: Some(Millis(10_001)),
            timeout: Millis(9_500),
            trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        };
        let request = publish(&queue(), message, Millis(5_000)).unwrap();
        let brought = &request.headers()["upstash-forward-traceparent"];
        assert_eq!(brought, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert_eq!(request.uri(), "http://q/v2/publish/http://me//a?b=1");
        assert_eq!(request.headers()["upstash-not-before"], "11");
        assert_eq!(request.headers()["upstash-timeout"], "10s");
    }

    #[test]
    fn a_schedule_is_made_under_its_id_and_asked_for_by_it() {
        let wanted = Schedule {
            id: "s",
            cron: "CRON_TZ=Europe/Berlin 0 9 * * 1",
            destination: "http://me/scheduled",
            body: b"{}".to_vec(),
            timeout: Millis(15_000),
        };
        let request = schedule(&queue(), wanted).unwrap();
        assert_eq!(request.uri(), "http://q/v2/schedules/http://me/scheduled");
        assert_eq!(request.headers()["upstash-schedule-id"], "s");
        assert_eq!(request.headers()["upstash-cron"], "CRON_TZ=Europe/Berlin 0 9 * * 1");
        let asked = [Ask::Show, Ask::Pause, Ask::Resume, Ask::Delete].map(|what| {
            let request = ask(&queue(), "s", what).unwrap();
            format!("{} {}", request.method(), request.uri().path())
        });
        let paths = [
            "GET /v2/schedules/s",
            "POST /v2/schedules/s/pause",
            "POST /v2/schedules/s/resume",
            "DELETE /v2/schedules/s",
        ];
        assert_eq!(asked, paths);
    }

    #[test]
    fn the_queues_yes_no_and_silence_about_a_schedule_are_told_apart() {
        let answer = |status: u16, body: &'static str| {
            answered(&http::Response::builder().status(status).body(body.as_bytes().into()).unwrap())
        };
        assert_eq!(answer(200, r#"{"scheduleId":"s","isPaused":true}"#), Ok(Word::There { paused: true }));
        assert_eq!(answer(200, ""), Ok(Word::There { paused: false }));
        assert_eq!(answer(404, "{}"), Ok(Word::Missing));
        assert_eq!(answer(400, "{}"), Ok(Word::Refused));
        for status in [301, 401, 429, 500] {
            assert!(answer(status, "{}").is_err(), "{status}");
        }
    }

    #[test]
    fn dead_letters_are_counted_and_what_is_no_answer_is_none() {
        let asked = dead_letters(&queue()).unwrap();
        assert_eq!((asked.method(), asked.uri().to_string().as_str()), (&Method::GET, "http://q/v2/dlq?count=100"));
        let answer = |status: u16, body: &'static str| {
            counted_dead_letters(&http::Response::builder().status(status).body(body.as_bytes().into()).unwrap())
        };
        assert_eq!(answer(200, r#"{"messages":[{"dlqId":"1"},{"dlqId":"2"}],"cursor":"c"}"#), Ok(2));
        assert_eq!(answer(200, r#"{"messages":[]}"#), Ok(0));
        for (status, body) in [(401, r#"{"messages":[]}"#), (200, "{}"), (200, "")] {
            assert!(answer(status, body).is_err(), "{status} {body}");
        }
    }
}
