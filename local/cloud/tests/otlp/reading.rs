//! Reading: traces by id and by what is in them, log records by trace and time.

use axum::Router;
use makegood_cloud::{
    Otlp,
    otlp::{Options, Search, parse_traceql},
};
use serde_json::{Value, json};

use super::{JSON, TRACE, accept, call, get, post, receiver, request, span};

/// A trace's id that ends so.
fn id(end: u8) -> String {
    format!("{end:032x}")
}

/// A query, encoded.
fn encoded(path: &str, pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// Three traces: of a shop with a payment that fails, of a café, and one whose root has not come.
async fn town() -> Router {
    let router = receiver();
    let mut order = span(&id(1), "0000000000000001", "POST /orders", 100);
    order["endTimeUnixNano"] = json!("105000000000");
    order["attributes"] = json!([{"key": "http.response.status_code", "value": {"intValue": "500"}}]);
    let mut pay = span(&id(1), "0000000000000002", "pay", 101);
    pay["parentSpanId"] = json!("0000000000000001");
    pay["kind"] = json!(3);
    pay["status"] = json!({"code": 2});
    pay["attributes"] = json!([
        {"key": "amount", "value": {"doubleValue": 12.5}}, {"key": "retried", "value": {"boolValue": true}},
        {"key": "note", "value": {"stringValue": "a \"b\""}},
    ]);
    accept(&router, request("shop", json!([order, pay]))).await;
    accept(&router, request("cafe", json!([span(&id(2), "0000000000000003", "GET /menu", 200)]))).await;
    let mut orphan = span(&id(3), "0000000000000004", "later", 300);
    orphan["parentSpanId"] = json!("0000000000000009");
    accept(&router, request("shop", json!([orphan]))).await;
    router
}

async fn search(router: &Router, pairs: &[(&str, &str)]) -> Vec<Value> {
    let answer = get(router, &encoded("/api/search", pairs)).await;
    assert_eq!((answer.status.as_u16(), answer.media.as_str()), (200, JSON), "{pairs:?}: {}", answer.text());
    let traces = answer.json()["traces"].clone();
    traces.as_array().unwrap().clone()
}

async fn ids(router: &Router, pairs: &[(&str, &str)]) -> Vec<String> {
    let traces = search(router, pairs).await;
    traces.iter().map(|trace| trace["traceID"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_search_tells_of_each_trace_what_tempo_tells() {
    let router = town().await;
    let found = search(&router, &[("q", "{ span.amount > 12 && status = error }")]).await;
    let expected = json!([{
        "traceID": "1", "rootServiceName": "shop", "rootTraceName": "POST /orders",
        "startTimeUnixNano": "100000000000", "durationMs": 5000,
        "spanSets": [{"matched": 1, "spans": [{
            "spanID": "0000000000000002", "name": "pay", "startTimeUnixNano": "101000000000",
            "durationNanos": "1000000000", "attributes": [{"key": "amount", "value": {"doubleValue": 12.5}}],
        }]}],
    }]);
    assert_eq!(json!(found), expected);
    let all = search(&router, &[]).await;
    assert_eq!(all.len(), 3);
    assert!(all[0].get("spanSets").is_none());
    assert_eq!(all[0]["rootServiceName"], "<root span not yet received>");
}

#[tokio::test]
async fn conditions_hold_of_one_span() {
    let router = town().await;
    for (query, expected) in [
        ("{}", &["3", "2", "1"][..]),
        (r#"{ resource.service.name = "shop" }"#, &["3", "1"]),
        (r#"{ .service.name != "shop" }"#, &["2"]),
        (r#"{ span.service.name = "shop" }"#, &[]),
        (r#"{ name = "pay" && span.amount = 12.5 && .retried = true && kind = client }"#, &["1"]),
        (r#"{ span.note = "a \"b\"" }"#, &["1"]),
        ("{ span.http.response.status_code >= 500 }", &["1"]),
        ("{ span.http.response.status_code = \"500\" }", &[]),
        ("{ span.http.response.status_code = 500 && span.amount > 1 }", &[]),
        ("{ span.missing != 1 }", &[]),
        ("{ duration > 1s }", &["1"]),
        ("{ duration < 2s }", &["3", "2", "1"]),
        ("{ traceDuration > 1s && name = \"pay\" }", &["1"]),
        (r#"{ rootName = "GET /menu" }"#, &["2"]),
        ("{ status = unset }", &["3", "2", "1"]),
    ] {
        assert_eq!(ids(&router, &[("q", query)]).await, expected, "{query}");
    }
}

#[tokio::test]
async fn tags_times_and_durations_narrow() {
    let router = town().await;
    for (pairs, expected) in [
        (&[("tags", "service.name=shop")][..], &["3", "1"][..]),
        (&[("tags", "service.name=shop http.response.status_code=500 amount=12.5")], &["1"]),
        (&[("tags", r#"name="GET /menu""#)], &["2"]),
        (&[("tags", "error=true")], &["1"]),
        (&[("tags", "status.code=ok")], &[]),
        (&[("minDuration", "1500ms")], &["1"]),
        (&[("maxDuration", "1s")], &["3", "2"]),
        (&[("start", "104"), ("end", "250")], &["2", "1"]),
        (&[("start", "106")], &["3", "2"]),
        (&[("end", "150")], &["1"]),
        (&[("limit", "2")], &["3", "2"]),
        (&[("tags", "")], &["3", "2", "1"]),
    ] {
        assert_eq!(ids(&router, pairs).await, expected, "{pairs:?}");
    }
    let spans = search(&router, &[("q", "{ resource.service.name = \"shop\" }"), ("spss", "1")]).await;
    let set = &spans[1]["spanSets"][0];
    assert_eq!((set["spans"].as_array().unwrap().len(), &set["matched"]), (1, &json!(2)));
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_by_name() {
    let router = town().await;
    for (pairs, named) in [
        (&[("q", "{ name =~ \"p.*\" }")][..], "`=~`"),
        (&[("q", "{} | count() > 1")], "`|`"),
        (&[("q", "{"), ("limit", "1")], "its end"),
        (&[("q", "{}"), ("tags", "a=b")], "can't specify tags and q"),
        (&[("tags", "a")], "invalid tags"),
        (&[("limit", "0")], "invalid limit"),
        (&[("limit", "many")], "invalid limit"),
        (&[("start", "5"), ("end", "5")], "start must be before end"),
        (&[("minDuration", "1")], "invalid minDuration"),
        (&[("minDuration", "2s"), ("maxDuration", "1s")], "invalid maxDuration"),
        (&[("spss", "-1")], "invalid spss"),
    ] {
        let answer = get(&router, &encoded("/api/search", pairs)).await;
        assert_eq!(answer.status, 400, "{pairs:?}");
        assert!(answer.text().contains(named), "{pairs:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_trace_is_found_by_its_id_however_it_is_written() {
    let router = town().await;
    for written in ["1", "0001", &id(1)] {
        assert_eq!(get(&router, &format!("/api/v2/traces/{written}")).await.status, 200, "{written}");
    }
    for (written, status) in [("f", 404), ("xyz", 400), (&"1".repeat(33), 400), ("", 404)] {
        for path in ["/api/traces/", "/api/v2/traces/"] {
            assert_eq!(get(&router, &format!("{path}{written}")).await.status, status, "{written}");
        }
    }
    assert_eq!(call(&router, "POST", "/api/traces/1", &[], "").await.status, 404);
}

#[tokio::test]
async fn a_trace_grows_and_a_span_that_comes_twice_is_once() {
    let router = receiver();
    let first = span(TRACE, "0000000000000001", "first", 1);
    accept(&router, request("a", json!([first]))).await;
    accept(&router, request("a", json!([first, span(TRACE, "0000000000000002", "second", 2)]))).await;
    accept(&router, request("b", json!([span(TRACE, "0000000000000003", "third", 3)]))).await;
    let batches = get(&router, &format!("/api/traces/{TRACE}")).await.json()["batches"].clone();
    let names: Vec<&Value> = batches
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|batch| batch["scopeSpans"].as_array().unwrap())
        .flat_map(|scope| scope["spans"].as_array().unwrap())
        .map(|span| &span["name"])
        .collect();
    assert_eq!(names, ["first", "second", "third"]);
    assert_eq!(batches[2]["resource"]["attributes"][0]["value"]["stringValue"], "b");
}

#[tokio::test]
async fn log_records_are_read_by_trace_and_time() {
    let router = receiver();
    let record = |time: &str, trace: &str, text: &str| {
        json!({
            "timeUnixNano": time, "observedTimeUnixNano": "9", "traceId": trace, "spanId": "", "severityNumber": 17,
            "severityText": "ERROR", "eventName": "e", "body": {"stringValue": text},
            "attributes": [{"key": "n", "value": {"intValue": 1}}],
        })
    };
    let records = json!([record("5", TRACE, "five"), record("7", "", "seven"), record("0", TRACE, "nine")]);
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]});
    let scopes = json!([{"scope": {"name": "tests"}, "logRecords": records}]);
    let body = json!({"resourceLogs": [{"resource": resource, "scopeLogs": scopes}]});
    assert_eq!(post(&router, "/v1/logs", JSON, body.to_string()).await.text(), "{}");
    let texts = async |query: &str| -> Vec<String> {
        let answer = get(&router, &format!("/api/logs{query}")).await.json();
        let logs = answer["logs"].as_array().unwrap();
        logs.iter().map(|entry| entry["body"]["stringValue"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts("").await, ["nine", "seven", "five"]);
    assert_eq!(texts("?limit=1").await, ["nine"]);
    assert_eq!(texts("?since=7").await, ["nine", "seven"]);
    assert_eq!(texts(&format!("?trace={TRACE}&since=6")).await, ["nine"]);
    let five = get(&router, &format!("/api/logs?trace={TRACE}")).await.json()["logs"][1].clone();
    let expected = json!({
        "timeUnixNano": "5", "traceId": TRACE, "spanId": null, "severityNumber": 17, "severityText": "ERROR",
        "eventName": "e", "body": {"stringValue": "five"}, "attributes": [{"key": "n", "value": {"intValue": "1"}}],
        "resource": resource, "scope": {"name": "tests"},
    });
    assert_eq!(five, expected);
    for wrong in ["?limit=0", "?limit=1001", "?since=now", "?trace=x", "?q=a"] {
        assert_eq!(get(&router, &format!("/api/logs{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn readers_find_the_names_of_attributes_and_that_it_is_ready() {
    let router = town().await;
    let names = get(&router, "/api/search/tags").await.json();
    assert_eq!(names["tagNames"], json!(["amount", "http.response.status_code", "note", "retried", "service.name"]));
    let scopes = get(&router, "/api/v2/search/tags").await.json();
    assert_eq!(scopes["scopes"][0], json!({"name": "resource", "tags": ["service.name"]}));
    assert_eq!(get(&router, "/api/echo").await.text(), "echo");
    assert_eq!(get(&router, "/ready").await.text(), "ready");
}

#[tokio::test]
async fn what_is_asked_over_http_can_be_asked_of_the_library() {
    let otlp = Otlp::open(Options::default()).unwrap();
    accept(&otlp.router(), request("a", json!([span(TRACE, "0000000000000001", "first", 1)]))).await;
    let conditions = parse_traceql("{ name = \"first\" }").unwrap();
    let found = otlp.search(&Search { conditions, ..Search::default() });
    assert_eq!((found.len(), found[0].root_service_name.as_str()), (1, "a"));
    let id = 0x5b8e_fff7_9803_8103_d269_b633_813f_c60c_u128.to_be_bytes();
    assert_eq!(otlp.trace(&id).unwrap().spans().next().unwrap().1.name, "first");
    assert_eq!(otlp.trace(&[1; 16]), None);
    assert_eq!(otlp.counts().spans, 1);
}
