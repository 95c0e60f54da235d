//! Another agent, which speaks the Model Context Protocol to `/mcp`.

use std::sync::Arc;
use std::time::Duration;

use makegood_endpoints::platform::answer;
use makegood_endpoints::poll;
use serde_json::{Value, json};

use crate::case::Case;
use crate::site::{PATIENCE, Site};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("another agent starts a saga by MCP, asks how it stands, and agrees to a step", agent),
        Case::new("an agent without a good token is told so", stranger),
    ]
}

/// What a tool answered, as data.
async fn call(site: &Site, name: &str, arguments: Value) -> Value {
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": {"name": name, "arguments": arguments}});
    let request = site.post("/mcp", &message).header("mcp-protocol-version", "2025-06-18");
    let answered = answer(request.header("accept", "application/json, text/event-stream")).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let result = answered.json()["result"].clone();
    assert_ne!(result["isError"], true, "{result:#}");
    result["structuredContent"].clone()
}

async fn agent(site: Arc<Site>) {
    let tools = call(&site, "list_tools", json!({})).await;
    assert!(tools["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "send_message"), "{tools:#}");

    let text = json!({"id": "text", "tool": "send_message", "approval": {"question": "Send it?"},
        "params": {"to": "Sam", "text": "See you"}});
    let started = call(&site, "start_saga", json!({"plan": {"summary": "A text", "steps": [text]}})).await;
    let saga = started["saga"].as_str().unwrap();
    let (site, known) = (&site, json!({"saga": saga}));
    let stands = async |wanted: &'static str| {
        let found = poll(PATIENCE, Duration::from_millis(200), || async {
            let status = call(site, "saga_status", known.clone()).await;
            (status.to_string().contains(wanted)).then_some(())
        });
        assert!(found.await.is_some(), "it is never {wanted}: {:#}", call(site, "saga_status", known.clone()).await);
    };
    stands("\"asking\"").await;
    assert_eq!(site.active().await, [0; 6], "it asks first");
    call(site, "approve", json!({"saga": saga, "step": "text"})).await;
    stands("\"completed\"").await;
    assert_eq!(site.active().await, [0, 0, 1, 0, 0, 0]);
}

async fn stranger(site: Arc<Site>) {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let refused = answer(site.post("/mcp", &message).bearer_auth("not.a.token")).await;
    assert_eq!(refused.status, 401, "{refused:?}");
}
