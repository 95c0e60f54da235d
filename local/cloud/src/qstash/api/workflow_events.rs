//! `/v2/wait`, `/v2/notify`, `/v2/waiters`, and the addresses that webhooks are given.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, Refusal, ok};
use crate::{
    qstash::{
        duration,
        message::{self, Headers},
        publish,
        workflow::{Waiter, headers_of, submit},
    },
    text::random_id,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wait {
    url: String,
    timeout: String,
    #[serde(default)]
    timeout_headers: BTreeMap<String, Vec<String>>,
    step: Value,
}

pub fn wait(call: &Call, event: &str) -> Answer {
    publish::check_length("event id", event).map_err(Refusal::bad)?;
    let wait: Wait =
        serde_json::from_value(call.json()?).map_err(|error| Refusal::bad(format!("not a wait: {error}")))?;
    let run = submit::run_id(&call.headers).ok_or_else(|| Refusal::bad("a wait needs Upstash-Workflow-RunId"))?;
    if !wait.step.is_object() {
        return Err(Refusal::bad("the step of a wait is an object"));
    }
    let timeout = duration::parse(&wait.timeout);
    let timeout = timeout.ok_or_else(|| Refusal::bad("timeout is a duration such as 10s or 1h30m"))?;
    if timeout > publish::MAX_DELAY {
        return Err(Refusal::over_quota("the timeout exceeds the 7 days of this plan"));
    }
    let url = publish::address(&wait.url).map_err(Refusal::bad)?;
    call.courier.with(|state| {
        let headers = headers_of(&wait.timeout_headers);
        submit::check_later(&state.workflows, &run, &url, &headers, state.now())?;
        let deadline = state.now().saturating_add(timeout);
        let (id, event, step) = (random_id("msg_"), event.to_owned(), wait.step);
        Ok::<_, Refusal>(state.wait(Waiter { id, run, event, url, headers, deadline, step })?)
    })?;
    ok(json!({}))
}

/// Whoever waits for it hears of it. With a run, it is kept where that does not wait for it yet.
pub fn notify(call: &Call, run: Option<&str>, event: &str) -> Answer {
    let told = tell(call, run, event, &call.body)?;
    Ok((StatusCode::CREATED, told))
}

fn tell(call: &Call, run: Option<&str>, event: &str, data: &Bytes) -> Result<Value, Refusal> {
    publish::check_length("event id", event).map_err(Refusal::bad)?;
    let limit = call.courier.max_message_bytes;
    if data.len() > limit {
        let text = format!("the event has {} bytes, the limit is {limit}", data.len());
        return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let told = call.courier.with(|state| {
        if let Some(run) = run.filter(|run| state.workflows.under_way(run).is_none()) {
            return Err(Refusal::from(submit::ended(run)));
        }
        let told = state.notify(run, event, data)?;
        let told = told.into_iter().map(|(waiter, message)| {
            let created = state.workflows.run(&waiter.run).map(|run| run.begun.created_at);
            json!({
                "waiter": waiter.to_json(),
                "messageId": message,
                "error": "",
                "workflowRunId": waiter.run,
                "workflowCreatedAt": created,
            })
        });
        Ok(told.collect::<Vec<_>>())
    })?;
    Ok(json!(told))
}

pub fn waiters(call: &Call, event: &str) -> Answer {
    let state = call.courier.state();
    ok(state.workflows.waiting_for(event, None).iter().map(|waiter| waiter.to_json()).collect())
}

#[derive(Deserialize)]
struct Token {
    #[serde(rename = "UserID")]
    user: String,
}

/// A stranger's request, which a workflow gets to see whole.
pub fn hook(call: &Call, user: &str, run: &str, event: &str) -> Answer {
    let token = STANDARD.decode(&call.courier.token).ok();
    let ours = token.and_then(|token| serde_json::from_slice::<Token>(&token).ok()).map(|token| token.user);
    if ours.as_deref() != Some(user) {
        return Err(Refusal::missing("webhook"));
    }
    let host = call.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let request = json!({
        "method": call.method.as_str(),
        "header": message::header_map(&pairs(&call.headers)),
        "body": STANDARD.encode(&call.body),
        "proto": "http",
        "host": host,
        "url": format!("/v2/{}", call.rest),
    });
    tell(call, Some(run), event, &request.to_string().into())?;
    ok(json!({}))
}

fn pairs(headers: &HeaderMap) -> Headers {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}
