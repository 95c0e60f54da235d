//! What comes in, in either encoding, is what is read.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use makegood_cloud::otlp::{
    AnyValue, ArrayValue, Event, KeyValue, KeyValueList, Link, Resource, Status, TracesData, Value as Any,
};
use prost::Message as _;
use serde_json::{Value, json};

use super::{JSON, PROTOBUF, TRACE, accept, call, get, message, post, receiver, request, span};

/// Attributes of every type, in OTLP's JSON.
fn every_type() -> Value {
    json!([
        {"key": "text", "value": {"stringValue": "zwölf"}},
        {"key": "flag", "value": {"boolValue": false}},
        {"key": "whole", "value": {"intValue": "-9007199254740993"}},
        {"key": "whole as a number", "value": {"intValue": 7}},
        {"key": "real", "value": {"doubleValue": 0.5}},
        {"key": "no number", "value": {"doubleValue": "NaN"}},
        {"key": "endless", "value": {"doubleValue": "-Infinity"}},
        {"key": "bytes", "value": {"bytesValue": "AAH+/w=="}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}, {}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": true}}]}}},
        {"key": "nothing", "value": {}},
        {"key": "later", "value": {"stringValue": "x", "of a later version": [1]}},
    ])
}

/// The same as messages.
fn every_type_in_messages() -> Vec<KeyValue> {
    let of = |value| AnyValue { value };
    let list = vec![of(Some(Any::Text("a".to_owned()))), of(Some(Any::Int(1))), of(None)];
    let map = vec![KeyValue { key: "k".to_owned(), value: Some(of(Some(Any::Bool(true)))) }];
    [
        ("text", Some(Any::Text("zwölf".to_owned()))),
        ("flag", Some(Any::Bool(false))),
        ("whole", Some(Any::Int(-9_007_199_254_740_993))),
        ("whole as a number", Some(Any::Int(7))),
        ("real", Some(Any::Double(0.5))),
        ("no number", Some(Any::Double(f64::NAN))),
        ("endless", Some(Any::Double(f64::NEG_INFINITY))),
        ("bytes", Some(Any::Bytes(vec![0, 1, 254, 255]))),
        ("list", Some(Any::List(ArrayValue { values: list }))),
        ("map", Some(Any::Map(KeyValueList { values: map }))),
        ("nothing", None),
        ("later", Some(Any::Text("x".to_owned()))),
    ]
    .into_iter()
    .map(|(key, value)| KeyValue { key: key.to_owned(), value: Some(of(value)) })
    .collect()
}

/// How Tempo writes them: as protobuf's own JSON does.
fn every_type_as_read() -> Value {
    let mut read = every_type();
    read[3]["value"]["intValue"] = json!("7");
    read[11]["value"] = json!({"stringValue": "x"});
    read
}

fn base64_of(hexadecimal: &str) -> String {
    let digits: Vec<u8> = hexadecimal.bytes().map(|byte| char::from(byte).to_digit(16).unwrap() as u8).collect();
    STANDARD.encode(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>())
}

#[tokio::test]
async fn a_span_in_json_is_read_as_tempo_writes_it() {
    let router = receiver();
    let mut sent = span(TRACE, "EEE19B7EC3C1B174", "order", 1_544_712_660);
    sent["startTimeUnixNano"] = json!(1_544_712_660_000_000_000_u64);
    sent["parentSpanId"] = json!("eee19b7ec3c1b173");
    sent["traceState"] = json!("a=b");
    sent["flags"] = json!(257);
    sent["attributes"] = every_type();
    sent["droppedAttributesCount"] = json!("2");
    sent["events"] = json!([{"timeUnixNano": "1544712660300000000", "name": "paid", "attributes": every_type()}]);
    sent["links"] = json!([{"traceId": "00000000000000000000000000000001", "spanId": "0000000000000002"}]);
    sent["status"] = json!({"code": 2, "message": "no tables"});
    sent["unknown"] = json!({"of": ["a later", "version"]});
    sent["droppedLinksCount"] = Value::Null;
    accept(&router, request("shop", json!([sent]))).await;

    let first = get(&router, &format!("/api/traces/{TRACE}")).await.json();
    let batch = &first["batches"][0];
    assert_eq!(batch["resource"]["attributes"][0]["value"]["stringValue"], "shop");
    assert_eq!(batch["scopeSpans"][0]["scope"], json!({"name": "tests", "version": "1"}));
    let expected = json!({
        "traceId": base64_of(TRACE), "spanId": base64_of("eee19b7ec3c1b174"),
        "parentSpanId": base64_of("eee19b7ec3c1b173"), "traceState": "a=b", "flags": 257,
        "name": "order", "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000",
        "attributes": every_type_as_read(), "droppedAttributesCount": 2,
        "events": [{"timeUnixNano": "1544712660300000000", "name": "paid", "attributes": every_type_as_read()}],
        "links": [{"traceId": "AAAAAAAAAAAAAAAAAAAAAQ==", "spanId": "AAAAAAAAAAI="}],
        "status": {"code": "STATUS_CODE_ERROR", "message": "no tables"},
    });
    assert_eq!(batch["scopeSpans"][0]["spans"], json!([expected]));
    let second = get(&router, &format!("/api/v2/traces/{TRACE}")).await.json();
    assert_eq!(second["trace"], json!({"resourceSpans": first["batches"]}));
}

#[tokio::test]
async fn a_span_in_protobuf_is_read_in_either_encoding() {
    let router = receiver();
    let mut sent = message(&[1; 16], &[2; 8], "order");
    sent.resource_spans[0].resource = Some(Resource { attributes: every_type_in_messages(), ..Resource::default() });
    let span = &mut sent.resource_spans[0].scope_spans[0].spans[0];
    span.kind = 3;
    span.start_time_unix_nano = u64::MAX;
    span.attributes = every_type_in_messages();
    span.events = vec![Event { name: "paid".to_owned(), time_unix_nano: 7, ..Event::default() }];
    span.links = vec![Link { trace_id: vec![3; 16], span_id: vec![4; 8], flags: 1, ..Link::default() }];
    span.status = Some(Status { code: 1, message: String::new() });
    let answer = post(&router, "/v1/traces", PROTOBUF, sent.encode_to_vec()).await;
    assert_eq!((answer.status.as_u16(), answer.media.as_str(), answer.body.len()), (200, PROTOBUF, 0));

    let id = "01".repeat(16);
    let headers = [("accept", "application/protobuf")];
    let read = call(&router, "GET", &format!("/api/traces/{id}"), &headers, "").await;
    assert_eq!(read.media, "application/protobuf");
    // NaN is not equal to itself, so what was encoded is compared.
    assert_eq!(read.body, sent.encode_to_vec());
    let wrapped = call(&router, "GET", &format!("/api/v2/traces/{id}"), &headers, "").await;
    assert_eq!(wrapped.body[0], 0x0a, "field 1 of the answer is the trace");
    assert!(wrapped.body.ends_with(&read.body));

    let batch = &get(&router, &format!("/api/traces/{id}")).await.json()["batches"][0];
    assert_eq!(batch["resource"]["attributes"], every_type_as_read());
    let span = &batch["scopeSpans"][0]["spans"][0];
    assert_eq!((&span["kind"], &span["status"]), (&json!("SPAN_KIND_CLIENT"), &json!({"code": "STATUS_CODE_OK"})));
    assert_eq!((&span["attributes"], &span["links"][0]["flags"]), (&every_type_as_read(), &json!(1)));
    assert_eq!(span["startTimeUnixNano"], u64::MAX.to_string());
}

#[tokio::test]
async fn what_is_compressed_is_read() {
    let router = receiver();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&message(&[1; 16], &[2; 8], "small").encode_to_vec()).unwrap();
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    assert_eq!(call(&router, "POST", "/v1/traces", &headers, gzip.finish().unwrap()).await.status, 200);
    let read = get(&router, &format!("/api/traces/{}", "01".repeat(16))).await.json();
    assert_eq!(read["batches"][0]["scopeSpans"][0]["spans"][0]["name"], "small");
}

#[tokio::test]
async fn an_empty_request_is_taken() {
    let router = receiver();
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        let json = post(&router, path, "application/json; charset=utf-8", "{}").await;
        assert_eq!((json.status.as_u16(), json.text().as_str(), json.media.as_str()), (200, "{}", JSON));
        let protobuf = post(&router, path, PROTOBUF, "").await;
        assert_eq!((protobuf.status.as_u16(), protobuf.body.len()), (200, 0));
    }
    assert_eq!(TracesData::default().encode_to_vec(), b"");
}

#[tokio::test]
async fn metrics_are_counted_and_not_kept() {
    let router = receiver();
    let points = json!({"dataPoints": [{"asInt": "1"}, {"asDouble": 2.5}], "aggregationTemporality": 2});
    let metrics = json!([{"name": "a", "sum": points}, {"name": "b", "gauge": points}, {"name": "c"}]);
    let body = json!({"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": metrics}]}]});
    assert_eq!(post(&router, "/v1/metrics", JSON, body.to_string()).await.text(), "{}");
    // One histogram with one point, which holds a start time.
    let histogram = [&[0x0a, 0x11, 0x12, 0x0f, 0x12, 0x0d, 0x4a, 0x0b, 0x0a, 0x09, 0x11][..], &[7; 8]].concat();
    assert_eq!(post(&router, "/v1/metrics", PROTOBUF, histogram).await.status, 200);
    assert_eq!(get(&router, "/v1/_emulator/counts").await.json()["dataPoints"], 5);
}
