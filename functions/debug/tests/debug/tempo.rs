//! Traces that the database does not have: who is shown what Tempo has of them, and what is said where it has nothing.

use crate::fake::{Fake, Tempo, get, id, send, unwound};
use makegood_edge::Bytes;
use makegood_edge::core::guard::Role;
use makegood_edge::http::Method;
use makegood_edge::serde_json::{Value, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// One span of a shop's.
fn strange() -> Tempo {
    let span = json!({
        "traceId": "CvdlGRbNQ92ESOshHIAxnA==", "spanId": "AAAAAAAAAAI=", "name": "GET /menu", "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": "1777636800000000000", "endTimeUnixNano": "1777636800040000000",
        "status": {"code": "STATUS_CODE_ERROR"},
    });
    answers(200, &json!({"trace": {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "shop"}, "spans": [span]}]}]}}))
}

fn answers(status: u16, body: &Value) -> Tempo {
    Tempo::Answers(status, Bytes::from(body.to_string()))
}

fn with(tempo: Tempo) -> Fake {
    Fake { tempo, anonymous_role: Role::User, ..Fake::with(vec![unwound()]) }
}

#[test]
fn what_the_database_does_not_have_is_read_from_tempo_for_operators() {
    let host = with(strange());
    let told = send(&host, Method::GET, &format!("/api/debug/traces/{TRACE}"), Some("olga"));
    let span = &told.json()["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let expected = json!({
        "traceId": TRACE, "spanId": "0000000000000002", "name": "GET /menu", "kind": 2,
        "startTimeUnixNano": "1777636800000000000", "endTimeUnixNano": "1777636800040000000", "attributes": [],
        "status": {"code": 2},
    });
    assert_eq!((told.status(), span), (200, &expected));
    let page = send(&host, Method::GET, &format!("/debug/traces/{TRACE}"), Some("olga"));
    assert!(page.status() == 200 && page.holds("Read from Tempo.") && page.holds("GET /menu"), "{}", page.text);
    assert_eq!(page.header("cache-control"), "no-store");
}

#[test]
fn nobody_else_learns_that_there_is_such_a_trace() {
    let host = with(strange());
    let address = format!("/api/debug/traces/{TRACE}");
    assert_eq!(send(&host, Method::GET, &address, Some("ana")).status(), 404);
    assert_eq!(send(&host, Method::GET, &format!("{address}?source=tempo"), Some("ana")).status(), 403);
    assert_eq!(send(&host, Method::GET, &format!("/debug/traces/{TRACE}?source=tempo"), Some("ana")).status(), 403);
}

#[test]
fn the_database_is_asked_first_unless_it_is_said_otherwise() {
    let host = with(Tempo::Away);
    let saga = send(&host, Method::GET, &format!("/api/debug/sagas/{}", id(1)), Some("olga")).json();
    let trace = saga["trace_id"].as_str().unwrap_or_default().to_owned();
    for address in [format!("/api/debug/traces/{trace}"), format!("/debug/traces/{trace}")] {
        assert_eq!(send(&host, Method::GET, &address, Some("olga")).status(), 200, "{address}");
        let there = send(&host, Method::GET, &format!("{address}?source=tempo"), Some("olga"));
        assert!(
            there.status() == 503 && there.holds("Tempo, which may have the trace, cannot be reached."),
            "{address}"
        );
        assert_eq!(send(&host, Method::GET, &format!("{address}?source=moon"), Some("olga")).status(), 400);
    }
    let page = send(&host, Method::GET, &format!("/debug/traces/{trace}"), Some("olga"));
    assert!(page.holds("<a href=\"?source=tempo\">As Tempo has it</a>"), "{}", page.text);
}

#[test]
fn where_tempo_has_nothing_it_is_said_why() {
    let long = Tempo::Answers(200, Bytes::from(vec![b' '; (8 << 20) + 1]));
    for (tempo, status, said) in [
        (answers(404, &json!("trace not found")), 404, "You have no saga of such a trace."),
        (answers(200, &json!({"trace": {}})), 404, "You have no saga of such a trace."),
        (answers(500, &json!("hush")), 503, "answered 500"),
        (answers(200, &json!({"rows": ["hush"]})), 404, "You have no saga of such a trace."),
        (answers(200, &json!(["hush"])), 503, "What Tempo gave for the trace cannot be read."),
        (Tempo::Answers(200, Bytes::from_static(b"hush")), 503, "What Tempo gave for the trace cannot be read."),
        (long, 503, "over 8 MiB"),
        (Tempo::Away, 503, "cannot be reached"),
        (Tempo::None, 404, "You have no saga of such a trace."),
    ] {
        let host = with(tempo);
        for address in [format!("/api/debug/traces/{TRACE}"), format!("/debug/traces/{TRACE}")] {
            let got = send(&host, Method::GET, &address, Some("olga"));
            assert!(got.status() == status && got.holds(said) && !got.holds("hush"), "{status} {said}: {}", got.text);
        }
    }
    let host = Fake { anonymous_role: Role::Operator, ..with(Tempo::None) };
    let unset = get(&host, &format!("/api/debug/traces/{TRACE}?source=tempo"));
    assert!(unset.status() == 400 && unset.holds("`tempo_url` is not set"), "{}", unset.text);
}

#[test]
fn a_saga_that_tempo_does_not_have_is_not_found_in_a_trace_that_it_has() {
    let got = send(&with(strange()), Method::GET, &format!("/debug/traces/{TRACE}?saga={}", id(7)), Some("olga"));
    assert!(got.status() == 404 && got.holds("The trace has no such saga."), "{}", got.text);
}
