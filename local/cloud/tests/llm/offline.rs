//! The offline planner as a model: an agent that acts, one answer after the other.

use std::sync::Arc;

use axum::Router;
use makegood_cloud::{
    Clock, Model,
    llm::{OfflinePlanner, Options},
};
use serde_json::{Value, json};

use super::{choice, complete};

const WISH: &str = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";

fn model() -> Router {
    Model::new(Options { planner: Some(Arc::new(OfflinePlanner { clock: Clock::real() })), ..Options::default() })
        .router()
}

/// What is asked at nine on a Saturday.
fn said(text: &str) -> Vec<Value> {
    vec![
        json!({"role": "system", "content": "It is now 2026-11-28T09:00+01:00, in the town. Answer in JSON if asked to."}),
        json!({"role": "user", "content": text}),
    ]
}

fn tools(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"type": "function", "function": {"name": name}})).collect()
}

fn request(messages: &[Value], more: Value) -> Value {
    let mut body = json!({"model": "test-model", "messages": messages});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn a_plan_is_called_step_by_step_to_its_end() {
    let model = model();
    let tools = tools(&["book_restaurant_table", "request_ride", "send_message"]);
    let mut messages = said(WISH);
    let mut called = Vec::new();
    for _ in 0..5 {
        let answer = choice(&model, &request(&messages, json!({"tools": tools}))).await;
        let Some(calls) = answer["message"]["tool_calls"].as_array() else {
            let text = answer["message"]["content"].as_str().unwrap();
            assert!(text.starts_with("Done. Book a table"), "{text}");
            break;
        };
        messages.push(answer["message"].clone());
        for call in calls {
            let name = call["function"]["name"].as_str().unwrap();
            let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            let output = match name {
                "book_restaurant_table" => json!({"reservation_id": "r1", "address": "1 Harbour Street"}),
                _ => json!({"ok": true}),
            };
            messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": output.to_string()}));
            called.push((name.to_owned(), arguments));
        }
    }
    let names: Vec<&str> = called.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["book_restaurant_table", "request_ride", "send_message"]);
    assert_eq!((&called[0].1["date"], &called[0].1["time"]), (&json!("2026-11-29"), &json!("19:00")));
    // What one tool said is what the next is told.
    assert!(called[1].1.as_object().unwrap().values().any(|value| value == "1 Harbour Street"), "{called:?}");
}

#[tokio::test]
async fn a_tool_that_is_not_offered_is_asked_for() {
    let tools = tools(&["book_restaurant_table"]);
    let answer = choice(&model(), &request(&said(WISH), json!({"tools": tools}))).await;
    assert!(answer["message"]["content"].as_str().unwrap().contains("`request_ride`"), "{answer}");
}

#[tokio::test]
async fn an_answer_that_lacks_what_is_needed_ends_it() {
    let tools = tools(&["book_restaurant_table", "request_ride", "send_message"]);
    let mut messages = said(WISH);
    let answer = choice(&model(), &request(&messages, json!({"tools": tools}))).await;
    let id = answer["message"]["tool_calls"][0]["id"].clone();
    messages.push(answer["message"].clone());
    messages.push(json!({"role": "tool", "tool_call_id": id, "content": "fully booked"}));
    let answer = choice(&model(), &request(&messages, json!({"tools": tools}))).await;
    let text = answer["message"]["content"].as_str().unwrap();
    assert!(text.contains("cannot go on") && text.contains("`$table."), "{text}");
}

#[tokio::test]
async fn structured_answers_are_a_reading_or_a_plan() {
    let model = model();
    let answer = choice(&model, &request(&said(WISH), json!({"response_format": {"type": "json_object"}}))).await;
    let reading: Value = serde_json::from_str(answer["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!((&reading["reading"], reading["intents"].as_array().unwrap().len()), (&json!("plan"), 3));
    let steps = json!({"type": "array", "items": {"type": "object"}});
    let plan = json!({"type": "object", "properties": {"summary": {"type": "string"}, "steps": steps},
                      "required": ["summary", "steps"], "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "plan", "strict": true, "schema": plan}});
    let answer = choice(&model, &request(&said(WISH), json!({"response_format": format}))).await;
    let plan: Value = serde_json::from_str(answer["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(plan["steps"][0]["tool"], "book_restaurant_table");
    // Neither fits: the smallest that does.
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
                        "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let answer = choice(&model, &request(&said(WISH), json!({"response_format": format}))).await;
    assert_eq!(answer["message"]["content"], "{\"n\":0}");
}

#[tokio::test]
async fn it_asks_back_and_leaves_the_rest_to_the_script() {
    let model = model();
    let answer = choice(&model, &request(&said("Book a table at Luigi's"), json!({}))).await;
    assert!(answer["message"]["content"].as_str().unwrap().starts_with("Gladly; I only need"), "{answer}");
    let answer = choice(&model, &request(&said(WISH), json!({}))).await;
    assert!(answer["message"]["content"].as_str().unwrap().starts_with("Book a table"), "{answer}");
    let answer = choice(&model, &request(&said("Sing me a song of the sea"), json!({}))).await;
    assert_eq!(answer["message"]["content"], "You said: Sing me a song of the sea");
    let (_, twice) = complete(&model, &request(&said(WISH), json!({}))).await;
    let (_, again) = complete(&model, &request(&said(WISH), json!({}))).await;
    assert_eq!(twice["choices"], again["choices"]);
}
