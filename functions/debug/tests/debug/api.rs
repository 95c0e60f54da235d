//! `/api/debug`: what programs get.

use crate::fake::{Database, Fake, START, get, id, send, story, unwound};
use makegood_edge::core::guard::Role;
use makegood_edge::http::Method;
use makegood_edge::serde_json::{Value, json};

#[test]
fn health_is_ok_where_the_database_answers() {
    let got = send(&Fake::with(vec![]), Method::GET, "/api/debug/health", None);
    assert_eq!(got.status(), 200);
    let expected = json!({
        "status": "ok", "database": {"ok": true, "took_ms": 0}, "version": "0.1.0", "region": "fra",
    });
    assert_eq!(got.json(), expected);
    assert_eq!(got.header("cache-control"), "no-store");
}

#[test]
fn health_is_degraded_where_the_database_is_down_or_silent_and_tells_nobody_why() {
    for database in [Database::Down, Database::Silent] {
        let host = Fake { database, ..Fake::with(vec![]) };
        let got = get(&host, "/api/debug/health");
        assert_eq!(got.status(), 503);
        assert_eq!(got.json()["status"], "degraded");
        assert_eq!(got.json()["database"]["ok"], false);
        assert!(!got.holds("secret") && !got.holds("postgres"));
        let log = host.log.borrow();
        let causes = log.iter().filter(|line| !line.contains("answered method=")).count();
        assert_eq!(causes, 1, "the log has the cause: {log:?}");
    }
}

#[test]
fn a_saga_names_its_trace_and_the_trace_has_its_spans() {
    let host = Fake::with(vec![unwound()]);
    let saga = get(&host, &format!("/api/debug/sagas/{}", id(1))).json();
    let trace = saga["trace_id"].as_str().unwrap_or_default().to_owned();
    let got = get(&host, &format!("/api/debug/traces/{trace}")).json();
    let spans = &got["resourceSpans"][0]["scopeSpans"][0]["spans"];
    let all = spans.as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(all.iter().all(|span| span["traceId"] == trace), "{spans}");
    assert_eq!((&spans[0]["name"], &spans[0]["status"]), (&json!("saga"), &json!({"code": 2})));
    assert!(all.iter().any(|span| span["name"].as_str().is_some_and(|name| name.starts_with("undo "))), "{spans}");
    assert_eq!(got["resourceSpans"][0]["resource"]["attributes"][2]["value"]["stringValue"], "fra");
}

#[test]
fn a_callers_trace_has_all_of_its_sagas_that_one_may_see() {
    let caller = |mut story: Value| {
        story["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        story
    };
    let stories = [story(1, "ana", "completed"), story(2, "ana", "forward"), story(3, "bob", "completed")];
    let host = Fake::with(stories.map(caller).into());
    let roots = |user: &str| {
        let address = "/api/debug/traces/0af7651916cd43dd8448eb211c80319c";
        let got = send(&host, Method::GET, address, Some(user)).json();
        got["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((roots("ana"), roots("bob"), roots("olga")), (2, 1, 3));
    let saga = get(&host, &format!("/api/debug/sagas/{}", id(1))).json();
    assert_eq!(saga["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    let unknown = send(&host, Method::GET, "/api/debug/traces/1af7651916cd43dd8448eb211c80319c", Some("ana"));
    assert_eq!((unknown.status(), &unknown.json()["code"]), (404, &json!("not_found")));
    let wrong = send(&host, Method::GET, "/api/debug/traces/nonsense", Some("ana"));
    assert_eq!((wrong.status(), &wrong.json()["code"]), (400, &json!("invalid_id")));
}

/// Ten sagas of ana's, a second apart, and one of bob's.
fn eleven() -> Fake {
    let mut stories: Vec<Value> = (0..10).map(|number| story(number, "ana", "completed")).collect();
    for (second, story) in (0..).zip(&mut stories) {
        story["created_at"] = json!(START + second * 1_000);
    }
    stories.push(story(99, "bob", "forward"));
    Fake::with(stories)
}

#[test]
fn the_list_is_paged_from_the_newest_to_the_oldest() {
    let host = eleven();
    let (mut seen, mut next) = (Vec::new(), String::new());
    for _ in 0..4 {
        let got = send(&host, Method::GET, &format!("/api/debug/sagas?limit=4{next}"), Some("ana")).json();
        let ids = got["sagas"].as_array().into_iter().flatten().map(|line| line["id"].clone());
        seen.extend(ids);
        let Some(before) = got["next_before"].as_u64() else {
            break;
        };
        next = format!("&before={before}");
    }
    let expected: Vec<Value> = (0..10).rev().map(|number| json!(id(number))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn sagas_of_one_millisecond_are_each_on_one_page() {
    let mut stories: Vec<Value> = (0..7).map(|number| story(number, "ana", "completed")).collect();
    stories[0]["created_at"] = json!(START + 1);
    stories[6]["created_at"] = json!(START - 1);
    let host = Fake::with(stories);
    let (mut seen, mut next) = (Vec::new(), String::new());
    for _ in 0..7 {
        let got = send(&host, Method::GET, &format!("/api/debug/sagas?limit=2{next}"), Some("ana")).json();
        seen.extend(got["sagas"].as_array().into_iter().flatten().map(|line| line["id"].clone()));
        let Some(before) = got["next_before"].as_u64() else {
            break;
        };
        let saga = got["next_saga"].as_str().map(|saga| format!("&saga={saga}")).unwrap_or_default();
        next = format!("&before={before}{saga}");
    }
    let expected: Vec<Value> = [0, 5, 4, 3, 2, 1, 6].into_iter().map(|number| json!(id(number))).collect();
    assert_eq!(seen, expected);
}

#[test]
fn callers_list_their_own_sagas_only() {
    let host = eleven();
    let own = send(&host, Method::GET, "/api/debug/sagas?owner=bob", Some("bob"));
    assert_eq!(own.json()["sagas"][0]["id"], json!(id(99)));
    let anothers = send(&host, Method::GET, "/api/debug/sagas?owner=ana", Some("bob"));
    assert_eq!((anothers.status(), anothers.json()["code"].clone()), (403, json!("forbidden")));
    let nobody = Fake { anonymous_role: Role::User, ..host.clone() };
    assert_eq!(get(&nobody, "/api/debug/sagas?owner=ana").status(), 403);
    assert_eq!(send(&host, Method::GET, "/api/debug/sagas?owner=*", Some("bob")).status(), 403);
    assert_eq!(send(&host, Method::GET, "/api/debug/webhooks?owner=ana", Some("bob")).status(), 403);
    let nobodys = get(&host, "/api/debug/sagas");
    assert_eq!(nobodys.json(), json!({"owner": "anonymous", "sagas": [], "next_before": null}));
}

#[test]
fn operators_list_anybodys_and_everybodys() {
    let host = eleven();
    let listed = |query: &str| {
        let got = send(&host, Method::GET, &format!("/api/debug/sagas?limit=100{query}"), Some("olga")).json();
        (got["owner"].clone(), got["sagas"].as_array().map(Vec::len))
    };
    assert_eq!(listed(""), (json!("olga"), Some(0)));
    assert_eq!(listed("&owner=ana"), (json!("ana"), Some(10)));
    assert_eq!(listed("&owner=*"), (json!("*"), Some(11)));
    let anothers = send(&host, Method::GET, &format!("/api/debug/sagas/{}", id(99)), Some("olga"));
    assert_eq!(anothers.json()["story"]["owner"], "bob");
}

#[test]
fn the_list_is_of_a_phase_and_of_a_tool_where_that_is_asked_for() {
    let host = Fake::with(vec![unwound(), story(2, "anonymous", "completed"), story(3, "bob", "completed")]);
    let listed = |query: &str| {
        let got = get(&host, &format!("/api/debug/sagas{query}")).json();
        got["sagas"].as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("?phase=completed"), [id(2)]);
    assert_eq!(listed("?tool=ride.book"), [id(1)]);
    assert_eq!(listed("?tool=ride.book&phase=completed"), [""; 0]);
    assert_eq!(listed("?owner=*&phase=completed").len(), 2);
}

#[test]
fn counts_are_the_callers_own_or_an_operators() {
    let host = Fake::with(vec![story(1, "ana", "completed"), story(2, "bob", "completed")]);
    let counted = |query: &str, user: &str| {
        let got = send(&host, Method::GET, &format!("/api/debug/counts{query}"), Some(user));
        (got.status(), got.json()["owner"].clone(), got.json()["counts"]["phases"]["completed"].clone())
    };
    assert_eq!(counted("", "ana"), (200, json!("ana"), json!(1)));
    assert_eq!(counted("?owner=*", "olga"), (200, json!("*"), json!(2)));
    assert_eq!(counted("?owner=bob", "ana").0, 403);
    assert_eq!(counted("?owner=*", "ana").0, 403);
    // Two days are today and yesterday; what no saga is in is none.
    let counts = get(&host, "/api/debug/counts?days=2").json()["counts"].clone();
    assert_eq!(counts["tools"][0]["took"], json!(START + 120_000 - 24 * 3_600_000));
    assert_eq!((&counts["phases"]["stuck"], &counts["causes"]["budget"]), (&json!(0), &json!(0)));
}

#[test]
fn a_saga_comes_with_its_report() {
    let got = get(&Fake::with(vec![unwound()]), &format!("/api/debug/sagas/{}", id(1))).json();
    assert_eq!(got["story"]["phase"], "made_good");
    assert_eq!(got["story"]["journal"].as_array().map(Vec::len), Some(20));
    assert_eq!(got["report"]["undone"], json!(["deposit", "table"]));
    assert_eq!(got["report"]["cause"], "Step `ride` was refused (no_driver): No driver is free at 18:30.");
}

#[test]
fn a_foreign_saga_is_as_unknown_as_none() {
    let host = Fake::with(vec![story(1, "ana", "completed")]);
    let foreign = send(&host, Method::GET, &format!("/api/debug/sagas/{}", id(1)), Some("bob"));
    let unknown = send(&host, Method::GET, &format!("/api/debug/sagas/{}", id(2)), Some("bob"));
    assert_eq!((foreign.status(), foreign.json()["code"].clone()), (404, json!("not_found")));
    assert_eq!(foreign.text, unknown.text);
    assert_eq!(foreign.header("content-type"), "application/problem+json");
}

#[test]
fn what_makes_no_sense_is_a_problem() {
    let host = Fake::with(vec![]);
    let cases = [
        (Method::GET, "/api/debug", 404, "not_found"),
        (Method::GET, "/api/debug/sagas/a/b", 404, "not_found"),
        (Method::POST, "/api/debug/sagas/a/b", 404, "not_found"),
        (Method::GET, "/api/debug/sagas/nonsense", 400, "invalid_id"),
        (Method::GET, "/api/debug/sagas?limit=0", 400, "invalid_request"),
        (Method::GET, "/api/debug/sagas?limit=many", 400, "invalid_request"),
        (Method::GET, "/api/debug/sagas?phase=done", 400, "invalid_request"),
        (Method::GET, "/api/debug/counts?days=0", 400, "invalid_request"),
        (Method::GET, "/api/debug/sagas?before=-1", 400, "invalid_request"),
        (Method::GET, "/api/debug/sagas?owner=%ff", 400, "invalid_request"),
        (Method::POST, "/api/debug/sagas", 405, "method_not_allowed"),
        (Method::DELETE, "/api/debug/health", 405, "method_not_allowed"),
    ];
    for (method, address, status, code) in cases {
        let got = send(&host, method, address, None);
        assert_eq!((got.status(), got.json()["code"].as_str()), (status, Some(code)), "{address}");
        assert_eq!(got.header("allow"), if status == 405 { "GET, HEAD" } else { "" });
    }
}

#[test]
fn an_outage_is_told_without_its_cause() {
    let host = Fake { database: Database::Down, ..Fake::with(vec![]) };
    let got = get(&host, "/api/debug/sagas");
    assert_eq!((got.status(), got.header("retry-after")), (503, "1"));
    assert!(!got.holds("secret"));
}

#[test]
fn a_head_is_a_get_without_its_body() {
    let host = Fake::with(vec![unwound()]);
    for address in ["/api/debug/health", "/api/debug/sagas", "/debug", "/debug/debug.css"] {
        let (head, got) = (send(&host, Method::HEAD, address, None), get(&host, address));
        assert_eq!(head.reply.headers(), got.reply.headers());
        assert_eq!((head.status(), head.text.as_str()), (200, ""));
    }
}

#[test]
fn who_did_what_is_told_to_operators_only() {
    let host = Fake::with(vec![]);
    let got = get(&host, "/api/audit?limit=7&before=9");
    assert_eq!((got.status(), got.json()["head"]["seq"].as_u64()), (200, Some(9)));
    assert_eq!(got.json()["entries"], json!([]));
    assert_eq!(get(&host, "/api/audit?limit=0").status(), 400);
    let got = send(&host, Method::GET, "/api/audit", Some("ana"));
    assert_eq!((got.status(), got.json()["code"].as_str()), (403, Some("forbidden")));
}

#[test]
fn what_models_cost_is_told_to_who_used_them() {
    let got = send(&Fake::with(vec![]), Method::GET, "/api/debug/models?days=7", Some("ana"));
    let day = json!({"day": "2026-05-01", "model": "small", "requests": 2, "tokens_in": 300, "tokens_out": 40, "cost_nanos": 120_000});
    assert_eq!(got.json(), json!({"owner": "ana", "days": [day], "cost_nanos": 120_000}));
    assert_eq!(get(&Fake::with(vec![]), "/api/debug/models?days=0").status(), 400);
}
