//! What is answered to what.

use std::sync::Arc;

use makegood_cloud::{
    Model,
    llm::{Call, Chat, Options, Reply},
};
use serde_json::{Value, json};

use super::{ask, call, choice, complete, model, send, text};

fn tools() -> Value {
    let parameters = json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}});
    json!([
        {"type": "function", "function": {"name": "weather", "parameters": parameters}},
        {"type": "function", "function": {"name": "time"}},
    ])
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer() {
    let (model, body) = (model(), ask("calls: weather {} | time {}", json!({"tools": tools()})));
    let (_, mut first) = complete(&model, &body).await;
    let (_, mut again) = complete(&self::model(), &body).await;
    first["created"] = Value::Null;
    again["created"] = Value::Null;
    assert_eq!(first, again);
    let (_, other) = complete(&model, &ask("calls: weather {}", json!({}))).await;
    assert_ne!(first["id"], other["id"]);
}

#[tokio::test]
async fn directives_are_followed() {
    let model = model();
    let said = choice(&model, &ask("echo: Hallo, Welt", json!({}))).await;
    assert_eq!(said["message"]["content"], "Hallo, Welt");
    assert_eq!(said["finish_reason"], "stop");
    let refused = choice(&model, &ask("refuse", json!({}))).await;
    assert!(refused["message"]["content"].is_null() && refused["message"]["refusal"].is_string());
    let long = choice(&model, &ask("long: 10", json!({}))).await;
    assert_eq!(long["message"]["content"], "one two three four five six seven eight one two");
    assert_eq!(choice(&model, &ask("json", json!({}))).await["message"]["content"], r#"{"ok":true}"#);
    let unoffered = choice(&model, &ask(r#"call: nobody {"a":1}"#, json!({"tools": tools()}))).await;
    assert_eq!(unoffered["message"]["tool_calls"][0]["function"], json!({"name": "nobody", "arguments": r#"{"a":1}"#}));
    assert_eq!(unoffered["finish_reason"], "tool_calls");
    let (status, wrong) = complete(&model, &ask("fail: maybe", json!({}))).await;
    assert_eq!((status.as_u16(), &wrong["error"]["param"]), (400, &json!("messages[0].content")));
}

#[tokio::test]
async fn a_script_of_several_turns_goes_on_with_the_conversation() {
    let model = model();
    let script = "<message a1>\nturns: {\"n\":1} || {\"n\":2}\n</message a1>";
    let said = |spoken: &[&str]| {
        let mut messages =
            vec![json!({"role": "system", "content": "Be brief."}), json!({"role": "user", "content": script})];
        for text in spoken {
            messages.push(json!({"role": "assistant", "content": text}));
            messages.push(json!({"role": "user", "content": "That is wrong, for this reason: none."}));
        }
        json!({"model": "test-model", "messages": messages})
    };
    let answers = [said(&[]), said(&["1"]), said(&["1", "2"])];
    for (body, answer) in answers.iter().zip([r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":2}"#]) {
        assert_eq!(choice(&model, body).await["message"]["content"], answer);
    }
    let mut other = said(&["1"]);
    other["messages"][3]["content"] = json!("echo: now this");
    assert_eq!(choice(&model, &other).await["message"]["content"], "now this");
}

#[tokio::test]
async fn results_of_tools_are_repeated() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "time", "arguments": "{}"}});
    let body = json!({"model": "test-model", "messages": [
        {"role": "user", "content": "calls: time {} | time {}"},
        {"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": "noon"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "one"}]},
    ]});
    assert_eq!(choice(&model(), &body).await["message"]["content"], "tool said: noon | one");
}

#[tokio::test]
async fn a_choice_of_tools_is_kept_to() {
    let model = model();
    let forced = |choice: Value| ask("hello", json!({"tools": tools(), "tool_choice": choice}));
    let required = choice(&model, &forced(json!("required"))).await;
    assert_eq!(
        required["message"]["tool_calls"][0]["function"],
        json!({"name": "weather", "arguments": r#"{"city":""}"#})
    );
    let named = choice(&model, &forced(json!({"type": "function", "function": {"name": "time"}}))).await;
    assert_eq!(named["message"]["tool_calls"][0]["function"]["name"], "time");
    let none = ask("call: time {}", json!({"tools": tools(), "tool_choice": "none"}));
    assert!(choice(&model, &none).await["message"]["tool_calls"].is_null());
    let one = ask("calls: time {} | weather {}", json!({"tools": tools(), "parallel_tool_calls": false}));
    assert_eq!(choice(&model, &one).await["message"]["tool_calls"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn answers_are_cut_where_the_request_says() {
    let model = model();
    let short = choice(&model, &ask("long: 50", json!({"max_tokens": 3}))).await;
    assert_eq!((&short["message"]["content"], &short["finish_reason"]), (&json!("one two thre"), &json!("length")));
    let stopped = choice(&model, &ask("long: 50", json!({"stop": [" four", " three"]}))).await;
    assert_eq!((&stopped["message"]["content"], &stopped["finish_reason"]), (&json!("one two"), &json!("stop")));
    let (_, three) = complete(&model, &ask("echo: hi", json!({"n": 3}))).await;
    assert_eq!(three["choices"].as_array().unwrap().len(), 3);
    assert_eq!(three["usage"]["completion_tokens"], 3);
}

#[tokio::test]
async fn a_planner_answers_what_is_not_scripted() {
    let planner = |chat: &Chat| {
        (chat.last_user_text() == "plan").then(|| {
            Reply::Calls(vec![Call { name: chat.tools[0].name.clone(), arguments: "{\"city\":\"Oslo\"}".to_owned() }])
        })
    };
    let model = Model::new(Options { planner: Some(Arc::new(planner)), ..Options::default() }).router();
    let planned = choice(&model, &ask("plan", json!({"tools": tools()}))).await;
    assert_eq!(planned["message"]["tool_calls"][0]["function"]["arguments"], "{\"city\":\"Oslo\"}");
    assert_eq!(choice(&model, &ask("echo: plan", json!({}))).await["message"]["content"], "plan");
    assert_eq!(choice(&model, &ask("other", json!({}))).await["message"]["content"], "You said: other");
}

#[tokio::test]
async fn a_stream_is_the_answer_in_pieces() {
    let body = ask("echo: a b c d e", json!({"stream": true, "stream_options": {"include_usage": true}}));
    let response = send(&model(), "POST", "/v1/chat/completions", body.to_string()).await;
    let (whole, ended) = text(response).await;
    assert!(ended);
    let events: Vec<&str> = whole.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect();
    let (done, chunks) = events.split_last().unwrap();
    assert_eq!(*done, "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let said: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, "a b c d e");
    let usage = chunks.last().unwrap();
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(5)));
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_their_shape() {
    let model = model();
    for (path, body, status, code) in [
        ("/v1/chat/completions", "{", 400, Value::Null),
        ("/v1/chat/completions", "[]", 400, Value::Null),
        ("/v1/chat/completions", "{}", 400, json!("missing_required_parameter")),
        ("/v1/nothing", "{}", 404, json!("unknown_url")),
        ("/v1/models", "{}", 405, json!("method_not_supported")),
        ("/v1/embeddings", r#"{"model":"text-embedding-3-small","input":""}"#, 400, Value::Null),
        ("/v1/embeddings", r#"{"model":"test-model","input":"x"}"#, 404, json!("model_not_found")),
    ] {
        let response = send(&model, "POST", path, body.to_owned()).await;
        assert_eq!(response.status().as_u16(), status, "{path} {body}");
        let answer: Value = serde_json::from_str(&text(response).await.0).unwrap();
        assert_eq!(answer["error"]["code"], code, "{path} {body}");
        assert!(answer["error"]["message"].is_string() && answer["error"]["type"].is_string());
    }
    let large = send(&model, "POST", "/v1/chat/completions", " ".repeat((10 << 20) + 1)).await;
    assert_eq!(large.status(), 413);
    let (status, _) = call(&model, "GET", "/v1/models/gpt-4o-mini", &Value::Null).await;
    assert_eq!(status, 200);
}
