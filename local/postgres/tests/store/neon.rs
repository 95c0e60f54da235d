//! The Neon protocol, over either back end, called in process as the host does.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use makegood_postgres::Postgres;
use serde_json::{Value, json};
use tower::ServiceExt;

pub async fn run(db: &Postgres) {
    eprintln!("  neon");
    raw_text_and_arrays_are_passed_on(db).await;
    converted_objects_follow_the_types(db).await;
    a_batch_commits_or_rolls_back_as_one(db).await;
    batch_headers_set_the_transaction_and_come_back(db).await;
    a_postgres_error_is_a_400_with_every_key(db).await;
    bad_requests_are_told_what_is_wrong(db).await;
    a_body_beyond_ten_mebibytes_is_refused(db).await;
    an_answer_beyond_ten_mebibytes_is_refused(db).await;
    the_preflight_names_what_is_allowed(db).await;
    a_client_that_hangs_up_harms_nobody(db).await;
}

const RAW_ARRAYS: [(&str, &str); 2] = [("Neon-Raw-Text-Output", "true"), ("Neon-Array-Mode", "true")];

async fn post(db: &Postgres, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, HeaderMap, Value) {
    let mut request = Request::post("/sql");
    if headers.iter().all(|(name, _)| *name != "Neon-Connection-String") {
        request = request.header("Neon-Connection-String", with_password(db.connection_string()));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = db.router().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    assert_eq!(parts.headers["access-control-allow-origin"], "*");
    assert_eq!(parts.headers["content-type"], "application/json");
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
}

/// As the JavaScript client does, which adds a parameter of its own.
fn with_password(url: &str) -> String {
    format!("{url}?application_name=pkg%3Anpm%2F%2540neondatabase%2Fserverless")
}

async fn raw_text_and_arrays_are_passed_on(db: &Postgres) {
    let query = json!({
        "query": "select $1::int as n, $2::bool as b, null as x, $3::int[] as a",
        "params": [7, true, [1, 2]],
    });
    let (status, _, body) = post(db, &RAW_ARRAYS, query.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["rows"], json!([["7", "t", null, "{1,2}"]]));
    assert_eq!(body["command"], "SELECT");
    assert_eq!(body["rowCount"], 1);
    assert_eq!(body["rowAsArray"], true);
    let field = json!({
        "name": "n", "dataTypeID": 23, "tableID": 0, "columnID": 0, "dataTypeSize": 4,
        "dataTypeModifier": -1, "format": "text",
    });
    assert_eq!(body["fields"][0], field);

    let overridden = json!({"query": "select 1 as one", "arrayMode": false});
    let (_, _, body) = post(db, &RAW_ARRAYS, overridden.to_string()).await;
    assert_eq!(body["rows"], json!([{"one": "1"}]));
    assert_eq!(body["rowAsArray"], false);
}

async fn converted_objects_follow_the_types(db: &Postgres) {
    let query = json!({
        "query": "select 7 as i, 7::int8 as big, 1.5::float8 as f, 'NaN'::float4 as nan, true as b, \
                  '{\"k\": [1]}'::jsonb as j, array['a', null] as a, 1.10::numeric as n, 1 as twice, \
                  2 as twice",
    });
    let (_, _, body) = post(db, &[], query.to_string()).await;
    let expected = json!([{
        "i": 7, "big": "7", "f": 1.5, "nan": "NaN", "b": true, "j": {"k": [1]}, "a": ["a", null],
        "n": "1.10", "twice": 2,
    }]);
    assert_eq!(body["rows"], expected);
    let ddl = json!({"query": "create table if not exists neon_ddl (x int)"});
    let (_, _, body) = post(db, &[], ddl.to_string()).await;
    assert_eq!((&body["command"], &body["rowCount"]), (&json!("CREATE"), &json!(null)));
}

async fn a_batch_commits_or_rolls_back_as_one(db: &Postgres) {
    let batch = json!({"queries": [
        {"query": "create table pair (x int)"},
        {"query": "insert into pair values ($1)", "params": ["1"]},
        {"query": "insert into pair values ($1)", "params": ["2"]},
        {"query": "select x from pair order by x", "arrayMode": true},
    ]});
    let (status, _, body) = post(db, &[], batch.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["results"][2]["command"], "INSERT");
    assert_eq!(body["results"][3]["rows"], json!([[1], [2]]));
    assert_eq!(body["results"].as_array().unwrap().len(), 4);

    let failing = json!({"queries": [
        {"query": "insert into pair values (3)"},
        {"query": "insert into pair values ($1)", "params": ["three"]},
        {"query": "insert into pair values (4)"},
    ]});
    for _ in 0..2 {
        let (status, _, body) = post(db, &[], failing.to_string()).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("22P02")));
    }
    assert_eq!(crate::suite::first(db, "select count(*) from pair").await, "2");

    db.batch("alter table pair add column y int").await.unwrap();
    let stale = json!({"queries": [
        {"query": "insert into pair values (5)"},
        {"query": "select * from pair where x = 5"},
    ]});
    for columns in [2, 3] {
        let (status, _, body) = post(db, &[], stale.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let fields = body["results"][1]["fields"].as_array().unwrap();
        assert_eq!(fields.len(), columns);
        db.batch("alter table pair add column if not exists z int").await.unwrap();
    }
    assert_eq!(crate::suite::first(db, "select count(*) from pair where x = 5").await, "2");
    db.batch("drop table pair").await.unwrap();
}

async fn batch_headers_set_the_transaction_and_come_back(db: &Postgres) {
    let headers = [
        ("Neon-Batch-Isolation-Level", "Serializable"),
        ("Neon-Batch-Read-Only", "true"),
        ("Neon-Batch-Deferrable", "true"),
        RAW_ARRAYS[0],
    ];
    let show = json!({"queries": [{"query": "select current_setting('transaction_isolation') as i, \
        current_setting('transaction_read_only') as r, \
        current_setting('transaction_deferrable') as d"}]});
    let (_, echoed, body) = post(db, &headers, show.to_string()).await;
    let expected = json!([{"i": "serializable", "r": "on", "d": "on"}]);
    assert_eq!(body["results"][0]["rows"], expected);
    for (name, value) in &headers[..3] {
        assert_eq!(echoed[*name], *value);
    }
    let wrong = [("Neon-Batch-Isolation-Level", "serializable")];
    let (status, _, body) = post(db, &wrong, show.to_string()).await;
    assert_eq!((status, &body["message"]), (StatusCode::BAD_REQUEST, &json!("invalid isolation level")));
}

async fn a_postgres_error_is_a_400_with_every_key(db: &Postgres) {
    let (status, _, body) = post(db, &[], r#"{"query": "select nothing"}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!((&body["code"], &body["position"]), (&json!("42703"), &json!("8")));
    assert!(body["line"].is_string() && body["detail"].is_null());
    let mut keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "message",
        "code",
        "detail",
        "hint",
        "position",
        "internalPosition",
        "internalQuery",
        "severity",
        "where",
        "table",
        "column",
        "schema",
        "dataType",
        "constraint",
        "file",
        "line",
        "routine",
    ];
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected);
}

async fn bad_requests_are_told_what_is_wrong(db: &Postgres) {
    let query = r#"{"query": "select 1"}"#;
    let own = db.connection_string();
    let host = own.find('@').unwrap();
    let user = own["postgres://".len()..].split(':').next().unwrap();
    let wrong_password = format!("postgres://{user}:wrong{}", &own[host..]);
    let wrong_database = format!("{}/elsewhere", &own[..own.rfind('/').unwrap()]);
    let cases = [
        (wrong_password.as_str(), query, format!("password authentication failed for user '{user}'")),
        (&wrong_database, query, "database \"elsewhere\" does not exist".to_owned()),
        ("mysql://a:b@c/d", query, "invalid connection string".to_owned()),
        (own, "{", "could not parse the HTTP request body".to_owned()),
        (own, r#"{"sql": "select 1"}"#, "could not parse the HTTP request body".to_owned()),
    ];
    for (connection, body, message) in cases {
        let headers = [("Neon-Connection-String", connection)];
        let (status, _, body) = post(db, &headers, body.to_owned()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(body["message"].as_str().unwrap().starts_with(&message), "{body}");
        assert!(body.as_object().unwrap().contains_key("routine"));
    }
    let request = Request::post("/sql").body(Body::from(query)).unwrap();
    let response = db.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

async fn a_body_beyond_ten_mebibytes_is_refused(db: &Postgres) {
    let body = format!(r#"{{"query": "select 1", "params": ["{}"]}}"#, "x".repeat(10 << 20));
    let (status, _, body) = post(db, &[], body).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{body}");
}

async fn an_answer_beyond_ten_mebibytes_is_refused(db: &Postgres) {
    let query = r#"{"query": "select repeat('x', 11000000)"}"#;
    let (status, _, body) = post(db, &[], query).await;
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE, "{body}");
}

async fn the_preflight_names_what_is_allowed(db: &Postgres) {
    let request = Request::options("/sql").body(Body::empty()).unwrap();
    let response = db.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["allow"], "OPTIONS, POST");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let allowed = response.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("Neon-Connection-String"));
}

async fn a_client_that_hangs_up_harms_nobody(db: &Postgres) {
    let slow = r#"{"queries": [{"query": "select pg_sleep(0.05)"}, {"query": "select 1"}]}"#;
    for _ in 0..20 {
        let call = post(db, &[], slow);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(5), call).await;
    }
    assert_eq!(crate::suite::first(db, "select 'fine'").await, "fine");
}
