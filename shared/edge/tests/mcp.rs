//! Calls of tools of MCP servers in both eras, against the emulated server and one that misbehaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use makegood_cloud::mcp::TestTools;
use makegood_core::saga::{Answer, Call, Op, Outcome, Refusal};
use makegood_core::time::Millis;
use makegood_core::tool::{Companion, Era, Failure, Mcp};
use makegood_edge::mcp::{list, perform};
use makegood_edge::native::Native;
use makegood_gateway::mcp::Server;
use makegood_gateway::mcp::discovery::{draft, pin};
use serde_json::{Value, json};

async fn served(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn host() -> Native {
    Native::new(BTreeMap::new())
}

fn place(era: Era, tool: &str) -> Mcp {
    Mcp {
        server: "x".to_owned(),
        era,
        tool: tool.to_owned(),
        pin: String::new(),
        headers: Vec::new(),
        undo: None,
        status: None,
        failure: Failure::Refused,
    }
}

fn call(op: Op, params: Value) -> Call {
    Call {
        node: 0,
        op,
        round: 0,
        attempt: 1,
        tool: "x_tool".to_owned(),
        key: "key-1".to_owned(),
        params: params.as_object().cloned().unwrap(),
        output: None,
        timeout: Millis(2_000),
        trace: String::new(),
        fingerprint: 0,
        limits: Vec::new(),
        rate: None,
        secrets: serde_json::Map::new(),
        hosts: Vec::new(),
        mcp: None,
    }
}

async fn done(url: &str, mcp: &Mcp, call: &Call) -> Outcome {
    perform(&host(), &json!({ "x": { "url": url, "token": "t0k3n" } }).to_string(), mcp, call).await
}

#[tokio::test]
async fn the_emulated_server_is_listed_and_called_in_both_eras() {
    let url = served(makegood_cloud::Mcp::new(TestTools).router()).await;
    let (era, tools) = list(&host(), &Server { url: url.clone(), token: String::new() }).await.unwrap();
    assert_eq!((era, tools.len()), (Era::Modern, 4));
    for era in [Era::Modern, Era::Legacy] {
        let sum = done(&url, &place(era, "add"), &call(Op::Do, json!({ "a": 2, "b": 40 }))).await;
        assert_eq!(sum, Outcome::Ok(Answer::Output(json!({ "sum": 42 }))), "{era:?}");
        let echo = done(&url, &place(era, "echo"), &call(Op::Do, json!({ "text": "grüße" }))).await;
        assert_eq!(echo, Outcome::Ok(Answer::Output(json!({ "text": "grüße" }))), "{era:?}");
        let fail = done(&url, &place(era, "fail"), &call(Op::Do, json!({ "message": "No." }))).await;
        let refusal = Refusal { code: "tool_failed".to_owned(), detail: "No.".to_owned() };
        assert_eq!(fail, Outcome::Refused(refusal), "{era:?}");
        let gone = done(&url, &place(era, "gone"), &call(Op::Do, json!({}))).await;
        assert!(matches!(&gone, Outcome::Refused(Refusal { code, .. }) if code == "rpc_-32602"), "{era:?} {gone:?}");
        let mut undone = place(era, "wipe");
        undone.undo = Some(Companion {
            tool: "echo".to_owned(),
            arguments: json!({ "text": "$key" }).as_object().cloned().unwrap(),
            headers: Vec::new(),
        });
        let undo = done(&url, &undone, &call(Op::Undo, json!({}))).await;
        assert_eq!(undo, Outcome::Ok(Answer::Undone { found: true }), "{era:?}");
    }
}

#[tokio::test]
async fn what_never_left_had_no_effect() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for era in [Era::Modern, Era::Legacy] {
        let outcome = done(&nowhere, &place(era, "add"), &call(Op::Do, json!({}))).await;
        assert!(matches!(outcome, Outcome::Later { .. }), "{era:?} {outcome:?}");
    }
    let mcp = place(Era::Modern, "add");
    for configured in ["", "{", r#"{"y":{"url":"http://127.0.0.1:1"}}"#] {
        let outcome = perform(&host(), configured, &mcp, &call(Op::Do, json!({}))).await;
        assert!(matches!(&outcome, Outcome::Later { code, .. } if code == "not_sent"), "{configured} {outcome:?}");
    }
    let outcome = done(&nowhere, &mcp, &call(Op::Undo, json!({}))).await;
    assert!(matches!(&outcome, Outcome::Refused(Refusal { code, .. }) if code == "unsendable"), "{outcome:?}");
}

/// A legacy server that notes what it is sent, and does something wrong.
#[derive(Clone)]
struct Wrong {
    what: &'static str,
    heard: Arc<Mutex<Vec<String>>>,
    listed: Arc<AtomicUsize>,
}

impl Wrong {
    fn new(what: &'static str) -> Self {
        Self { what, heard: Arc::default(), listed: Arc::default() }
    }

    async fn url(&self) -> String {
        served(Router::new().route("/", any(answer)).with_state(self.clone())).await
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn answer(State(wrong): State<Wrong>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let method = message["method"].as_str().unwrap_or(parts.method.as_str()).to_owned();
    wrong.heard.lock().unwrap().push(method.clone());
    if parts.headers.get("authorization").is_none_or(|given| given != "Bearer t0k3n") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let result =
        |result: Value| axum::Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response();
    match (method.as_str(), wrong.what) {
        ("initialize", "no session") => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        ("initialize", _) => {
            let mut response = result(json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {} }));
            if wrong.what != "keeps no sessions" {
                response.headers_mut().insert("mcp-session-id", "s1".parse().unwrap());
            }
            response
        }
        ("notifications/initialized" | "notifications/cancelled" | "DELETE", _) => StatusCode::ACCEPTED.into_response(),
        ("server/discover", _) => StatusCode::BAD_REQUEST.into_response(),
        (_, what) if what != "keeps no sessions" && !is_of_session(&parts.headers) => {
            StatusCode::BAD_REQUEST.into_response()
        }
        ("tools/call", "is slow" | "keeps no sessions") => {
            tokio::time::sleep(Duration::from_secs(20)).await;
            StatusCode::OK.into_response()
        }
        ("tools/call", "forgets") => StatusCode::NOT_FOUND.into_response(),
        ("tools/call", "breaks off") => {
            ([("content-type", "text/event-stream")], "data: {\"jsonrpc\":\"2.0\",").into_response()
        }
        ("tools/list", "never ends") => {
            let number = wrong.listed.fetch_add(1, Ordering::SeqCst);
            result(json!({ "tools": [], "nextCursor": number.to_string() }))
        }
        ("tools/list", _) => match message["params"]["cursor"].as_str() {
            None => result(json!({ "tools": [{ "name": "a" }, { "name": "b" }], "nextCursor": "2" })),
            Some("2") => result(json!({ "tools": [{ "name": "c" }] })),
            Some(_) => StatusCode::BAD_REQUEST.into_response(),
        },
        _ => result(json!({ "content": [] })),
    }
}

fn is_of_session(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|given| given == value);
    is("mcp-session-id", "s1") && is("mcp-protocol-version", "2025-06-18")
}

#[tokio::test]
async fn a_session_is_opened_named_and_ended() {
    let wrong = Wrong::new("nothing");
    let outcome = done(&wrong.url().await, &place(Era::Legacy, "t"), &call(Op::Do, json!({}))).await;
    assert_eq!(outcome, Outcome::Ok(Answer::Output(json!({ "text": "" }))));
    assert_eq!(wrong.heard(), ["initialize", "notifications/initialized", "tools/call", "DELETE"]);
}

#[tokio::test]
async fn a_call_that_was_not_made_had_no_effect_and_one_that_was_cut_off_may_have() {
    for (what, is_no_effect) in [
        ("no session", true),
        ("forgets", true),
        ("is slow", false),
        ("breaks off", false),
        ("keeps no sessions", false),
    ] {
        let wrong = Wrong::new(what);
        let call = Call { timeout: Millis(1_500), ..call(Op::Do, json!({})) };
        let began = std::time::Instant::now();
        let outcome = done(&wrong.url().await, &place(Era::Legacy, "t"), &call).await;
        assert!(began.elapsed() < Duration::from_millis(1_900), "{what}");
        match outcome {
            Outcome::Later { .. } => assert!(is_no_effect, "{what}"),
            Outcome::Unknown { .. } => assert!(!is_no_effect, "{what}"),
            other @ (Outcome::Ok(_) | Outcome::Refused(_)) => panic!("{what}: {other:?}"),
        }
        let heard = wrong.heard();
        let last = heard.last().map(String::as_str);
        match what {
            "no session" => assert_eq!(heard, ["initialize"]),
            "keeps no sessions" => assert_eq!(last, Some("notifications/cancelled")),
            _ => assert_eq!(last, Some("DELETE"), "{what}"),
        }
    }
}

#[tokio::test]
async fn all_pages_are_listed_and_a_list_that_does_not_end_is_given_up() {
    let server = async |what| Server { url: Wrong::new(what).url().await, token: "t0k3n".to_owned() };
    let (era, tools) = list(&host(), &server("nothing").await).await.unwrap();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!((era, names), (Era::Legacy, vec!["a", "b", "c"]));
    let endless = list(&host(), &server("never ends").await).await.unwrap_err();
    assert!(endless.0.contains("does not end"), "{endless}");
    let stranger = Server { token: String::new(), ..server("nothing").await };
    assert!(list(&host(), &stranger).await.is_err());
}

/// A modern server that lists a tool a page, and wants an argument of the last in a header too. `pause` is how long it
/// takes for a page; where it is not zero there is always another.
async fn modern(pause: Duration) -> Server {
    let url = served(Router::new().route("/", any(answer_modern)).with_state(pause)).await;
    Server { url, token: "t0k3n".to_owned() }
}

async fn answer_modern(State(pause): State<Duration>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let method = message["method"].as_str().unwrap();
    let fault = |code: i64| {
        let error = json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": code, "message": "no" } });
        (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
    };
    let version = &message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
    if header("mcp-method").as_deref() != Some(method) || header("mcp-protocol-version").as_deref() != version.as_str()
    {
        return fault(-32020);
    }
    let mut result = match method {
        "server/discover" => json!({ "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} } }),
        "tools/list" => {
            tokio::time::sleep(pause).await;
            let cursor = message["params"]["cursor"].as_str();
            match cursor {
                Some(number) if !pause.is_zero() => json!({ "tools": [], "nextCursor": format!("{number}+") }),
                None => json!({ "tools": [{ "name": "book", "inputSchema": {} }], "nextCursor": "eins/zwei ü" }),
                Some("eins/zwei ü") => json!({ "tools": [{ "name": "look" }], "nextCursor": "3" }),
                Some("3") => {
                    let id = json!({ "properties": { "id": { "type": "string", "x-mcp-header": "Id" } } });
                    json!({ "tools": [{ "name": "cancel", "inputSchema": id }] })
                }
                Some(_) => return fault(-32602),
            }
        }
        "tools/call" => {
            let params = &message["params"];
            if params["name"] == "cancel" && header("mcp-param-id").as_deref() != params["arguments"]["id"].as_str() {
                return fault(-32020);
            }
            json!({ "content": [], "structuredContent": { "id": "r1" } })
        }
        _ => return fault(-32601),
    };
    result["resultType"] = "complete".into();
    axum::Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

#[tokio::test]
async fn all_pages_of_a_modern_server_are_listed_in_time_and_what_undoes_a_tool_has_its_headers() {
    let server = modern(Duration::ZERO).await;
    let (era, tools) = list(&host(), &server).await.unwrap();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!((era, names), (Era::Modern, vec!["book", "look", "cancel"]));
    let words = json!({ "tools": { "book": {
        "class": "compensatable", "undo": { "tool": "cancel", "arguments": { "id": "$output.id" } },
    } } });
    let words = serde_json::from_value(words).unwrap();
    let book = draft("x", era, &tools, "book", &words).unwrap().definition.mcp.unwrap();
    assert_eq!(pin(&tools, &book).unwrap(), book.pin);
    let output = json!({ "id": "r1" });
    let did = done(&server.url, &book, &call(Op::Do, json!({}))).await;
    assert_eq!(did, Outcome::Ok(Answer::Output(output.clone())));
    let undo = Call { output: Some(output), ..call(Op::Undo, json!({})) };
    assert_eq!(done(&server.url, &book, &undo).await, Outcome::Ok(Answer::Undone { found: true }));
}

#[tokio::test]
async fn a_server_that_takes_its_time_for_each_page_is_given_up() {
    let server = modern(Duration::from_millis(900)).await;
    let began = std::time::Instant::now();
    let slow = list(&host(), &server).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(8), "{slow}");
    assert!(slow.0.contains("takes too long") || slow.0.contains("does not answer"), "{slow}");
}
