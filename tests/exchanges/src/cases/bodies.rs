//! Big bodies: up to a mebibyte is taken, with and without a length said beforehand.

use std::sync::Arc;

use futures_util::stream;
use makegood_endpoints::platform::{answer, try_answer};
use reqwest::RequestBuilder;
use serde_json::json;

use super::DINNER;
use crate::case::Case;
use crate::site::Site;

const MEBIBYTE: usize = 1024 * 1024;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a body of one mebibyte is taken, and a longer one is not", with_a_length),
        Case::new("so is one that does not say its length", without_a_length),
    ]
}

/// A request of `length` bytes, most of them blanks.
fn padded(length: usize) -> Vec<u8> {
    let mut body = json!({"message": DINNER}).to_string().into_bytes();
    body.resize(length, b' ');
    body
}

async fn with_a_length(site: Arc<Site>) {
    let whole = answer(site.request("POST", "/api/intent").body(padded(MEBIBYTE))).await;
    assert_eq!((whole.status, &whole.json()["kind"]), (200, &json!("plan")), "{whole:?}");
    for path in ["/api/chat", "/api/intent", "/api/execute"] {
        site.refuses(site.request("POST", path).body(padded(MEBIBYTE + 1)), 413, "body_too_large").await;
        for length in [2 * MEBIBYTE, 8 * MEBIBYTE] {
            refuses_or_hangs_up(site.request("POST", path).body(padded(length))).await;
        }
    }
    assert_eq!(site.get("/api/debug/health").await["status"], "ok");
}

/// What is far too long is not read to its end: who is still sending may find the connection closed
/// before the answer (RFC 9112, section 9.5), or, on Spin, within it. It is not taken, in any case.
pub(super) async fn refuses_or_hangs_up(request: RequestBuilder) {
    match try_answer(request).await {
        // `wrangler dev` has a proxy of its own in front, which says so in its own words.
        Ok(answer) if answer.status == 500 && answer.text.contains("Network connection lost") => {}
        Ok(answer) => {
            assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("body_too_large")), "{answer:?}");
        }
        Err(error) => assert!(!error.is_timeout(), "{error:?}"),
    }
}

async fn without_a_length(site: Arc<Site>) {
    let pieces = |length: usize| {
        let pieces: Vec<_> =
            padded(length).chunks(32 * 1024).map(<[u8]>::to_vec).map(Ok::<_, std::io::Error>).collect();
        site.request("POST", "/api/intent").body(reqwest::Body::wrap_stream(stream::iter(pieces)))
    };
    let whole = answer(pieces(MEBIBYTE)).await;
    assert_eq!((whole.status, &whole.json()["kind"]), (200, &json!("plan")), "{whole:?}");
    site.refuses(pieces(MEBIBYTE + 1), 413, "body_too_large").await;
    refuses_or_hangs_up(pieces(2 * MEBIBYTE)).await;
    assert_eq!(site.get("/api/debug/health").await["status"], "ok");
}
