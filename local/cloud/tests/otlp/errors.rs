//! What is wrong is refused in the request's own type, and what is right beside it is kept.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use makegood_cloud::{
    Otlp,
    otlp::{Options, TracesData},
};
use prost::Message as _;
use serde_json::{Value, json};

use super::{Answer, JSON, PROTOBUF, TRACE, accept, call, get, message, post, receiver, request, span};

/// `google.rpc.Status`, and `PartialSuccess`, which have the same form.
#[derive(Clone, PartialEq, prost::Message)]
struct Numbered {
    #[prost(int64, tag = "1")]
    number: i64,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<Numbered>,
}

fn refused(answer: &Answer, status: u16, media: &str, code: i64) {
    assert_eq!((answer.status.as_u16(), answer.media.as_str()), (status, media), "{}", answer.text());
    let (number, message) = match media {
        JSON => {
            let body = answer.json();
            (body["code"].as_i64().unwrap(), body["message"].as_str().unwrap().to_owned())
        }
        _ => {
            let status = Numbered::decode(answer.body.clone()).unwrap();
            (status.number, status.message)
        }
    };
    assert_eq!(number, code, "{message}");
    assert!(!message.is_empty());
}

#[tokio::test]
async fn nonsense_is_refused_as_a_whole() {
    let router = receiver();
    let in_span = |name: &str, value: Value| {
        let mut span = span(TRACE, "eee19b7ec3c1b174", "n", 1);
        span[name] = value;
        request("s", json!([span]))
    };
    let value = |value: Value| in_span("attributes", json!([{"key": "a", "value": value}]));
    for body in [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        r#"{"resourceSpans":{}}"#.to_owned(),
        r#"{"resourceSpans":[[]]}"#.to_owned(),
        r#"{"resourceSpans":[]} {}"#.to_owned(),
        in_span("traceId", json!("W47/95gDgQPSabYzgT/GDA==")),
        in_span("traceId", json!("5b8")),
        in_span("kind", json!("SPAN_KIND_SERVER")),
        in_span("kind", json!(1.5)),
        in_span("startTimeUnixNano", json!("-1")),
        in_span("startTimeUnixNano", json!("soon")),
        in_span("droppedEventsCount", json!(4_294_967_296_u64)),
        in_span("name", json!(7)),
        value(json!({"intValue": "9223372036854775808"})),
        value(json!({"intValue": 1.5})),
        value(json!({"doubleValue": "many"})),
        value(json!({"bytesValue": "!"})),
        value(json!({"stringValue": "a", "boolValue": true})),
        value(json!("a")),
        value(json!({"arrayValue": [{"stringValue": "a"}]})),
    ] {
        refused(&post(&router, "/v1/traces", JSON, body.clone()).await, 400, JSON, 3);
        assert_eq!(get(&router, &format!("/api/traces/{TRACE}")).await.status, 404, "{body} was kept");
    }
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        refused(&post(&router, path, JSON, r#"{"a":"#).await, 400, JSON, 3);
        refused(&post(&router, path, PROTOBUF, vec![0x0a, 0xff]).await, 400, PROTOBUF, 3);
        refused(&post(&router, path, PROTOBUF, "{}").await, 400, PROTOBUF, 3);
    }
    accept(&router, request("s", json!([span(TRACE, "eee19b7ec3c1b174", "n", 1)]))).await;
}

#[tokio::test]
async fn what_is_nested_too_deeply_is_refused() {
    let router = receiver();
    let mut deep = json!({"stringValue": "a"});
    for _ in 0..60 {
        deep = json!({"arrayValue": {"values": [deep]}});
    }
    let mut span = span(TRACE, "eee19b7ec3c1b174", "n", 1);
    span["attributes"] = json!([{"key": "a", "value": deep}]);
    refused(&post(&router, "/v1/traces", JSON, request("s", json!([span]))).await, 400, JSON, 3);
    // A list in a list in the body of a record.
    let deep = (0..200).fold(Vec::new(), |inner: Vec<u8>, _| framed(0x2a, &framed(0x0a, &inner)));
    let logs = framed(0x0a, &framed(0x12, &framed(0x12, &framed(0x2a, &deep))));
    refused(&post(&router, "/v1/logs", PROTOBUF, logs).await, 400, PROTOBUF, 3);
}

/// A field that holds a message.
fn framed(tag: u8, message: &[u8]) -> Vec<u8> {
    let mut field = vec![tag];
    prost::encoding::encode_varint(message.len() as u64, &mut field);
    field.extend_from_slice(message);
    field
}

#[tokio::test]
async fn the_rest_of_a_request_is_kept_and_the_rejected_are_counted() {
    let router = receiver();
    let good = span(TRACE, "eee19b7ec3c1b174", "good", 1);
    let with = |name: &str, value: Value| {
        let mut span = good.clone();
        span["name"] = json!("bad");
        span[name] = value;
        span
    };
    let bad = [
        with("traceId", json!("5b8eff")),
        with("traceId", json!("0".repeat(32))),
        with("traceId", json!("")),
        with("spanId", json!("ee")),
        with("spanId", json!("0".repeat(16))),
        with("parentSpanId", json!("eeee")),
        with("links", json!([{"traceId": TRACE, "spanId": "01"}])),
    ];
    let mut spans = bad.to_vec();
    spans.insert(3, good);
    let answer = post(&router, "/v1/traces", JSON, request("s", json!(spans))).await;
    assert_eq!(answer.status, 200);
    let partial = &answer.json()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "7");
    assert_eq!(partial["errorMessage"], r#"span "bad": its trace id is not 16 bytes with one that is not zero"#);
    let kept = get(&router, &format!("/api/traces/{TRACE}")).await.json();
    let spans = kept["batches"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!((spans.len(), &spans[0]["name"]), (1, &json!("good")));

    let bad = TracesData {
        resource_spans: [message(&[1; 15], &[2; 8], "short"), message(&[1; 16], &[0; 8], "zero")]
            .into_iter()
            .flat_map(|data| data.resource_spans)
            .collect(),
    };
    let answer = post(&router, "/v1/traces", PROTOBUF, bad.encode_to_vec()).await;
    assert_eq!((answer.status.as_u16(), answer.media.as_str()), (200, PROTOBUF));
    let partial = Response::decode(answer.body).unwrap().partial_success.unwrap();
    assert_eq!(partial.number, 2);
    assert!(partial.message.starts_with("span \"short\": "));
    let counts = get(&router, "/v1/_emulator/counts").await.json();
    assert_eq!((&counts["spans"], &counts["rejectedSpans"]), (&json!(1), &json!(9)));
}

#[tokio::test]
async fn a_log_record_with_half_an_id_is_rejected() {
    let router = receiver();
    let records = json!([{"traceId": "5b8e", "body": {"stringValue": "bad"}}, {"spanId": "01"}, {"severityNumber": 9}]);
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    let answer = post(&router, "/v1/logs", JSON, body.to_string()).await.json();
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "2");
    let logs = get(&router, "/api/logs").await.json();
    assert_eq!((logs["logs"].as_array().unwrap().len(), &logs["logs"][0]["severityNumber"]), (1, &json!(9)));
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_and_after_it_is_decompressed() {
    let router = receiver();
    let plain = vec![b' '; (64 << 20) + 1];
    refused(&post(&router, "/v1/traces", JSON, plain.clone()).await, 413, JSON, 8);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&plain).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    refused(&call(&router, "POST", "/v1/traces", &headers, bomb).await, 413, PROTOBUF, 8);
}

#[tokio::test]
async fn a_trace_that_grows_too_large_takes_no_more() {
    let router = Otlp::open(Options { max_trace_bytes: 200, ..Options::default() }).unwrap().router();
    accept(&router, request("s", json!([span(TRACE, "0000000000000001", "first", 1)]))).await;
    let more = json!([span(TRACE, "0000000000000002", &"x".repeat(200), 1), span(TRACE, "0000000000000003", "y", 1)]);
    let answer = post(&router, "/v1/traces", JSON, request("s", more)).await.json();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "2");
    assert!(answer["partialSuccess"]["errorMessage"].as_str().unwrap().starts_with("TRACE_TOO_LARGE"));
    let other = "0".repeat(31) + "1";
    accept(&router, request("s", json!([span(&other, "0000000000000002", "other", 1)]))).await;
}

#[tokio::test]
async fn one_resource_of_very_many_traces_does_not_become_gigabytes() {
    let otlp = Otlp::open(Options::default()).unwrap();
    let spans = (1..=200).map(|trace| span(&format!("{trace:032x}"), "0000000000000001", "n", 1)).collect();
    let heavy = request(&"x".repeat(1 << 20), spans);
    let answer = post(&otlp.router(), "/v1/traces", JSON, heavy).await.json();
    // As many as fit in 32 MiB.
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "169");
    assert!(answer["partialSuccess"]["errorMessage"].as_str().unwrap().contains("send fewer traces at once"));
    assert_eq!(otlp.number_of_traces(), 31);
}

#[tokio::test]
async fn other_types_methods_encodings_and_paths_are_refused() {
    let router = receiver();
    for media in ["text/plain", "application/grpc", ""] {
        let answer = post(&router, "/v1/traces", media, "{}").await;
        assert_eq!((answer.status.as_u16(), answer.media.as_str()), (415, "text/plain; charset=utf-8"));
        assert!(answer.text().contains("application/x-protobuf"));
    }
    assert_eq!(call(&router, "POST", "/v1/logs", &[], "{}").await.status, 415);
    assert_eq!(get(&router, "/v1/traces").await.status, 405);
    let headers = |encoding| [("content-type", JSON), ("content-encoding", encoding)];
    refused(&call(&router, "POST", "/v1/traces", &headers("br"), "{}").await, 400, JSON, 3);
    refused(&call(&router, "POST", "/v1/traces", &headers("gzip"), "{}").await, 400, JSON, 3);
    assert_eq!(post(&router, "/v1/profiles", JSON, "{}").await.status, 404);
    assert_eq!(get(&router, "/").await.status, 404);
}
