//! `/mcp` as other agents see it, in both eras, over a journal that knows one tool.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::Cell;
use std::rc::Rc;

use makegood_edge::core::id::SagaId;
use makegood_edge::core::time::Millis;
use makegood_edge::futures_util::FutureExt;
use makegood_edge::gateway::api_keys::{Holder, key_of};
use makegood_edge::gateway::{Request as Sent, Response, store};
use makegood_edge::host::{FetchError, Level};
use makegood_edge::http::{self, Method};
use makegood_edge::serde_json::{self, Value, json};
use makegood_edge::{Body, Bytes, Host, Isolate, Request};

const NOW: u64 = 1_777_636_800_000;

/// Its journal answers, or does not.
#[derive(Clone, Default)]
struct Fake {
    is_down: Rc<Cell<bool>>,
}

fn id() -> SagaId {
    SagaId::new(Millis(NOW), [1; 10])
}

fn answer(query: &Value) -> Value {
    match query["query"].as_str().unwrap_or_default() {
        store::TOOLS => json!({ "look": {
            "name": "look", "version": "1", "title": "Look", "description": "Looks.", "class": "query",
            "repeat": "never", "status": false, "fence": false, "timeout_ms": 1000, "estimate_ms": 100,
            "input": { "type": "object", "required": ["at"], "properties": { "at": { "type": "string" } } }, "output": {},
        }}),
        store::CREATE => json!({ "id": id(), "created": query["params"][2].is_null(), "same": true }),
        _ => Value::Null,
    }
}

impl Host for Fake {
    async fn fetch(&self, request: Sent, _: Millis) -> Result<Response, FetchError> {
        if self.is_down.get() {
            return Err(FetchError::Unknown("nobody answers".to_owned()));
        }
        let body = match request.uri().host() {
            Some("db.test") => {
                let answer = Some(answer(&serde_json::from_slice(request.body()).unwrap()));
                json!({ "rows": [[answer.filter(|answer| !answer.is_null()).map(|answer| answer.to_string())]] })
            }
            _ => json!({ "messageId": "m" }),
        };
        Ok(http::Response::new(Bytes::from(body.to_string())))
    }

    fn now(&self) -> Millis {
        Millis(NOW)
    }

    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        let value = match name {
            "database_http_url" => "https://db.test/sql",
            "qstash_url" => "https://queue.test",
            "public_url" => "https://me.test",
            "limits" => "off",
            _ => return None,
        };
        Some(value.to_owned())
    }

    async fn sleep(&self, _: Millis) {}

    fn isolate(&self) -> Rc<Isolate> {
        Isolate::knowing([(key_of("ada"), Holder::user("ada"))])
    }

    fn log(&self, _: Level, _: &str) {}
}

/// What came back: the status, the headers and the message.
struct Answered(http::StatusCode, http::HeaderMap, Value);

fn send(host: &Fake, method: Method, headers: &[(&str, &str)], body: &str) -> Answered {
    let token = key_of("ada");
    let mut request = Request::new(Bytes::from(body.to_owned()));
    *request.method_mut() = method;
    *request.uri_mut() = "/mcp".parse().unwrap();
    let usual = [
        ("authorization", format!("Bearer {token}")),
        ("accept", "application/json, text/event-stream".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    for (name, value) in usual.iter().map(|(name, value)| (*name, value.as_str())).chain(headers.iter().copied()) {
        request.headers_mut().insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    let reply = makegood_execute::handle(request, host.clone()).now_or_never().unwrap();
    let (parts, body) = reply.into_parts();
    let Body::Full(bytes) = body else { panic!("a stream") };
    Answered(parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap_or_default())
}

fn modern(host: &Fake, method: &str, mut params: Value) -> Answered {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    });
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method), ("mcp-name", name.as_str())];
    let message = json!({ "jsonrpc": "2.0", "id": "m", "method": method, "params": params });
    send(host, Method::POST, &headers, &message.to_string())
}

fn legacy(host: &Fake, method: &str, params: Value) -> Answered {
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    send(host, Method::POST, &[("mcp-protocol-version", "2025-06-18")], &message.to_string())
}

const ERAS: [fn(&Fake, &str, Value) -> Answered; 2] = [modern, legacy];

fn call(era: fn(&Fake, &str, Value) -> Answered, host: &Fake, name: &str, arguments: Value) -> Value {
    let Answered(status, _, message) = era(host, "tools/call", json!({ "name": name, "arguments": arguments }));
    assert_eq!(status, 200, "{message}");
    message
}

#[test]
fn each_era_is_spoken_to_in_its_own_words() {
    let host = Fake::default();
    let Answered(_, _, told) = modern(&host, "server/discover", json!({}));
    assert_eq!(told["result"]["supportedVersions"], json!(["2026-07-28"]));
    let Answered(_, headers, opened) =
        legacy(&host, "initialize", json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {} }));
    assert_eq!((&opened["id"], &opened["result"]["protocolVersion"]), (&json!(7), &json!("2025-06-18")));
    assert!(!headers.contains_key("mcp-session-id"), "there is nothing to keep");
    for era in ERAS {
        let Answered(_, _, listed) = era(&host, "tools/list", json!({}));
        let names: Vec<&str> =
            listed["result"]["tools"].as_array().unwrap().iter().filter_map(|tool| tool["name"].as_str()).collect();
        assert_eq!(names, ["list_tools", "start_saga", "saga_status", "approve", "reject", "cancel_saga"]);
    }
    let Answered(_, _, listed) = modern(&host, "tools/list", json!({}));
    assert_eq!(listed["result"]["resultType"], "complete");
    assert!(listed["result"]["ttlMs"].is_u64());
}

#[test]
fn a_plan_is_started_as_over_http() {
    let plan = |at: Value| json!({ "plan": { "steps": [{ "id": "a", "tool": "look", "params": { "at": at } }] } });
    for era in ERAS {
        let host = Fake::default();
        let started = &call(era, &host, "start_saga", plan(json!("here")))["result"];
        assert_eq!(started["structuredContent"]["saga"], json!(id()));
        assert_eq!(started["structuredContent"]["created"], true);
        let known = call(era, &host, "list_tools", json!({}));
        assert_eq!(known["result"]["structuredContent"]["tools"][0]["name"], "look");
        for (name, arguments, code) in [
            ("start_saga", plan(json!(7)), "invalid_parameters"),
            ("start_saga", json!({ "plan": { "steps": [{ "id": "a", "tool": "gone" }] } }), "unknown_tool"),
            ("start_saga", json!({ "message": "Book a table" }), "invalid_request"),
            ("saga_status", json!({ "saga": id() }), "not_found"),
            ("saga_status", json!({ "saga": "../step" }), "invalid_request"),
            ("saga_status", json!({}), "invalid_request"),
            ("approve", json!({ "saga": id(), "step": "a" }), "not_found"),
            ("cancel_saga", json!({ "saga": id(), "force": true }), "invalid_request"),
            ("list_tools", json!({ "all": true }), "invalid_request"),
        ] {
            let refused = &call(era, &host, name, arguments.clone())["result"];
            let text = refused["content"][0]["text"].as_str().unwrap_or_default();
            assert!(refused["isError"] == true && text.starts_with(code), "{name} {arguments}: {refused}");
        }
        assert_eq!(call(era, &host, "step", json!({}))["error"]["code"], -32602);
    }
}

#[test]
fn the_key_of_another_agent_is_the_sagas_key() {
    let params = json!({
        "name": "start_saga", "_meta": { "makegood/idempotencyKey": "theirs" },
        "arguments": { "plan": { "steps": [{ "id": "a", "tool": "look", "params": { "at": "here" } }] } },
    });
    let Answered(_, _, message) = legacy(&Fake::default(), "tools/call", params);
    assert_eq!(message["result"]["structuredContent"]["created"], false, "the journal was given the key: {message}");
}

#[test]
fn what_may_have_been_done_is_no_refusal() {
    let plan = json!({ "plan": { "steps": [{ "id": "a", "tool": "look", "params": { "at": "here" } }] } });
    for era in ERAS {
        let host = Fake::default();
        host.is_down.set(true);
        let message = call(era, &host, "start_saga", plan.clone());
        assert_eq!(message["error"]["code"], -32603, "{message}");
    }
}

#[test]
fn nobody_is_let_in_without_a_token() {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    let Answered(status, headers, _) = send(&Fake::default(), Method::POST, &[("authorization", "Bearer x")], &message);
    assert_eq!((status.as_u16(), headers["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
}

#[test]
fn what_is_no_message_is_told_so() {
    let host = Fake::default();
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    } } });
    let list = list.to_string();
    let prompts = list.replace("tools/list", "prompts/list");
    let later = list.replace("2026-07-28", "2027-01-01");
    let right = ("mcp-protocol-version", "2026-07-28");
    for (headers, body, status, code) in [
        (vec![], "{", 400, -32700),
        (vec![], "[]", 400, -32600),
        (vec![], r#"{"id":1,"method":"ping"}"#, 400, -32600),
        (vec![("accept", "application/json")], "{}", 406, -32000),
        (vec![("content-type", "text/plain")], "{}", 415, -32000),
        (vec![("mcp-protocol-version", "1999-01-01")], r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, 400, -32000),
        (vec![], list.as_str(), 400, -32020),
        (vec![right], list.as_str(), 400, -32020),
        (vec![("mcp-protocol-version", "2027-01-01"), ("mcp-method", "tools/list")], later.as_str(), 400, -32022),
        (vec![right, ("mcp-method", "prompts/list")], prompts.as_str(), 404, -32601),
        (vec![], r#"{"jsonrpc":"2.0","id":1,"method":"prompts/list"}"#, 200, -32601),
    ] {
        let Answered(got, _, message) = send(&host, Method::POST, &headers, body);
        assert_eq!((got.as_u16(), message["error"]["code"].as_i64()), (status, Some(code)), "{body} {headers:?}");
    }
    let notified = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(send(&host, Method::POST, &[], notified).0, 202);
    for method in [Method::GET, Method::DELETE] {
        let Answered(status, headers, _) = send(&host, method, &[], "");
        assert_eq!((status.as_u16(), headers["allow"].to_str().unwrap()), (405, "POST"));
    }
}
