//! Calls to addresses in which somebody else has a part: what is not let out reaches nobody, and what is let out is
//! read alike by every parser that our platforms have.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::routing::any;
use bytes::Bytes;
use makegood_core::guard::outbound::public;
use makegood_core::time::Millis;
use makegood_edge::host::FetchError;
use makegood_edge::mcp::list;
use makegood_edge::native::Native;
use makegood_edge::outbound::{Bound, fetch};
use makegood_gateway::mcp::Server;

/// What every text here is put together of: four of these.
const PIECES: [&str; 22] = [
    "a.com",
    "a",
    "com",
    ".",
    "..",
    "/",
    "//",
    "\\",
    "@",
    ":",
    "443",
    "?",
    "#",
    "127.0.0.1",
    "0x7f.1",
    "127.1",
    "[::1]",
    "[2606:4700::1]",
    "%2e",
    "xn--a",
    "_",
    "-",
];

#[test]
fn what_is_let_out_leads_to_the_same_host_for_every_parser() {
    let mut let_out = 0;
    let count = PIECES.len();
    for number in 0..count.pow(4) {
        let digits = [number, number / count, number / count.pow(2), number / count.pow(3)];
        let text: String = digits.iter().map(|digit| PIECES[digit % count]).collect();
        let text = format!("https://{text}");
        if public(&text).is_err() {
            continue;
        }
        let_out += 1;
        // That of browsers and Workers, which knows numbers in every spelling.
        let Ok(url) = reqwest::Url::parse(&text) else { continue };
        // That of Spin and of every request here.
        let Ok(uri) = text.parse::<http::Uri>() else { continue };
        assert_eq!(url.host_str(), uri.host(), "{text}");
        assert_eq!((url.port_or_known_default(), url.username()), (Some(443), ""), "{text}");
        assert_eq!(public(&format!("https://{}/", url.host_str().unwrap())), Ok(()), "{text}");
        assert_eq!(public(&uri.to_string()), Ok(()), "{text}");
    }
    assert!(let_out > 1_000, "{let_out}");
}

/// A server that counts who comes, and sends everybody elsewhere.
async fn server(place: String) -> (String, Arc<AtomicUsize>) {
    let visits = Arc::new(AtomicUsize::new(0));
    let count = visits.clone();
    let elsewhere = any(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let place = place.clone();
        async move { (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, place)]) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(elsewhere)).await });
    (url, visits)
}

fn to(url: &str) -> http::Request<Bytes> {
    http::Request::get(url).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn a_call_that_leaves_its_bound_reaches_nobody() {
    let host = Native::new(BTreeMap::new());
    let (url, visits) = server("/".to_owned()).await;
    let tools = format!("{url}/tools");
    for (bound, place) in [
        (Bound::Below(&tools), format!("{url}/tools/../admin/do")),
        (Bound::Below(&tools), format!("{url}/toolsmith/do")),
        (Bound::Below("https://tools.example"), format!("{url}/do")),
        (Bound::Below(""), format!("{url}/do")),
        (Bound::Public, format!("{url}/hook")),
        (Bound::Public, url.replace("http://127.0.0.1", "https://localhost")),
        (Bound::Public, "http://169.254.169.254/latest/meta-data/".to_owned()),
    ] {
        let answer = fetch(&host, bound, to(&place), Millis(2_000)).await;
        let refused = matches!(&answer, Err(FetchError::NotSent(why)) if why.contains("not let out"));
        assert!(refused, "{bound:?} {place}: {answer:?}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    // The operator's own address is called, this machine's as well.
    let answer = fetch(&host, Bound::Below(&tools), to(&format!("{tools}/book/do")), Millis(2_000)).await.unwrap();
    assert_eq!((answer.status(), visits.load(Ordering::SeqCst)), (StatusCode::TEMPORARY_REDIRECT, 1));
}

#[tokio::test]
async fn where_a_server_sends_us_nobody_goes() {
    let host = Native::new(BTreeMap::new());
    let (inside, reached) = server("/".to_owned()).await;
    let (url, visits) = server(format!("{inside}/latest/meta-data/")).await;
    let listed = list(&host, &Server { url: format!("{url}/mcp"), token: "t0k3n".to_owned() }).await;
    assert!(listed.is_err(), "{listed:?}");
    assert!(visits.load(Ordering::SeqCst) > 0, "it was asked");
    assert_eq!(reached.load(Ordering::SeqCst), 0, "and not followed");
}
