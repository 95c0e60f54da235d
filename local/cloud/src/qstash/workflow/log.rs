//! What a run looks like to whoever asks for its log.

use serde_json::{Map, Value, json};

use super::run::{End, EndState, Run, Step};
use crate::qstash::{
    attempt::Outcome,
    message::{self, CALLER_IP, Message},
    record::DeadLetter,
    redact,
    state::{State, Stored},
};

/// A run with its steps, as `client.logs` shows it.
pub fn to_json(run: &Run, state: &State) -> Value {
    let begun = &run.begun;
    let mut told = json!({
        "workflowRunId": begun.id,
        "workflowUrl": begun.url,
        "workflowState": run.state(),
        "workflowRunCreatedAt": begun.created_at,
        "workflowRunCallerIp": CALLER_IP,
        "steps": steps(run, state),
    });
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            told[name] = value;
        }
    };
    let labels = begun.labels();
    put("label", json!(labels.first()));
    if !labels.is_empty() {
        put("labels", json!(labels));
    }
    put("flowControlKey", json!(begun.flow_key()));
    if let Some(invoker) = &begun.invoker {
        put(
            "invoker",
            json!({
                "workflowRunId": invoker.run,
                "workflowUrl": invoker.url,
                "workflowRunCreatedAt": invoker.created_at,
            }),
        );
    }
    if let Some(end) = &run.end {
        put("workflowRunCompletedAt", json!(end.at));
        put("workflowRunResponse", json!(end.response));
        put("dlqId", json!(end.dlq_id));
        put("failureFunction", failure_function(run, end, state));
    }
    told
}

/// One after the other, those that were planned together in one group, and at the end what is to come.
fn steps(run: &Run, state: &State) -> Vec<Value> {
    let mut groups: Vec<(&str, Vec<Value>)> = Vec::new();
    let hidden = run.begun.hides_bodies();
    for (at, step) in run.steps.iter().enumerate() {
        let Some((mut shown, concurrent)) = shown(step, at) else {
            continue;
        };
        if hidden && let Some(out) = shown.get("out").and_then(Value::as_str) {
            shown["out"] = json!(redact::mark(out.as_bytes()));
        }
        if !concurrent {
            groups.push(("sequential", vec![shown]));
            continue;
        }
        // A result takes the place of its plan.
        let id = |shown: &Value| shown.get("targetStep").or(shown.get("stepId")).cloned();
        let same = groups.iter_mut().filter(|(kind, _)| *kind == "parallel").flat_map(|(_, group)| group);
        match same.into_iter().find(|known| id(known) == id(&shown)) {
            Some(known) => *known = shown,
            None => match groups.last_mut() {
                Some(("parallel", group)) if together(group, &shown) => group.push(shown),
                Some(_) | None => groups.push(("parallel", vec![shown])),
            },
        }
    }
    let next = next(run, state);
    if !next.is_empty() {
        groups.push(("next", next));
    }
    groups.into_iter().map(|(kind, steps)| json!({ "type": kind, "steps": steps })).collect()
}

/// Plans of one batch come one after the other, as many as each says.
fn together(group: &[Value], shown: &Value) -> bool {
    let size = shown["concurrent"].as_u64().unwrap_or_default();
    group.iter().all(|known| known["concurrent"] == shown["concurrent"]) && (group.len() as u64) < size
}

/// A step, and whether it is one of several at a time.
fn shown(step: &Step, at: usize) -> Option<(Value, bool)> {
    let mut shown = Map::new();
    let mut concurrent = false;
    if at == 0 {
        shown.insert("stepName".into(), json!("init"));
        shown.insert("stepType".into(), json!("Initial"));
        shown.insert("stepId".into(), json!(0));
        shown.insert("concurrent".into(), json!(1));
        shown.insert("out".into(), json!(String::from_utf8_lossy(&step.body)));
        shown.insert("state".into(), json!("STEP_SUCCESS"));
    } else {
        let Value::Object(content) = step.content()? else {
            return None;
        };
        let planned = content.get("targetStep").is_some_and(|id| !id.is_null());
        concurrent = content.get("concurrent").and_then(Value::as_u64).is_some_and(|count| count > 1);
        shown = content;
        let state = if planned && shown.get("stepId") == Some(&json!(0)) { "STEP_PROGRESS" } else { "STEP_SUCCESS" };
        shown.insert("state".into(), json!(state));
        if state == "STEP_SUCCESS" {
            shown.remove("targetStep");
        }
    }
    shown.insert("callType".into(), json!(step.call_type));
    shown.insert("messageId".into(), json!(step.message_id));
    shown.insert("createdAt".into(), json!(step.created_at));
    shown.insert("headers".into(), json!({}));
    Some((Value::Object(shown), concurrent))
}

/// What is under way or waits; or what a failed run failed at.
fn next(run: &Run, state: &State) -> Vec<Value> {
    if let Some(letter) = run.end.as_ref().and_then(|end| letter(end, state)) {
        let error = errors(&letter.outcome, run.end.as_ref().map_or(0, |end| end.at));
        let retries = letter.message.how.retries;
        return vec![under_way(&letter.message, "STEP_FAILED", retries, json!([error]))];
    }
    if run.end.is_some() {
        return Vec::new();
    }
    let live = run.live.iter().filter_map(|id| state.stored(id)).map(|stored| {
        let Stored { message, retried, due, .. } = stored;
        let progress = if *retried > 0 { "STEP_RETRY" } else { "STEP_PROGRESS" };
        let mut told = under_way(message, progress, *retried, Value::Null);
        told["nextDeliveryTime"] = json!(due);
        told
    });
    let waiters = state.workflows.waiters.values().filter(|waiter| waiter.run == run.begun.id).map(|waiter| {
        json!({
            "messageId": waiter.id,
            "stepName": waiter.step["stepName"],
            "stepType": waiter.step["stepType"],
            "state": "STEP_PROGRESS",
            "retries": 0,
            "waitEventId": waiter.event,
            "waitTimeoutDeadline": waiter.deadline,
        })
    });
    live.chain(waiters).collect()
}

fn under_way(message: &Message, state: &str, retries: u32, errors: Value) -> Value {
    let mut told = json!({ "messageId": message.id, "state": state, "retries": retries });
    let content: Option<Value> = serde_json::from_slice(&message.body).ok();
    if let Some(name) = content.as_ref().and_then(|content| content.get("stepName")) {
        told["stepName"] = name.clone();
    }
    if let Some(expression) = &message.how.retry_delay {
        told["retryDelay"] = json!(expression);
    }
    if !errors.is_null() {
        told["errors"] = errors;
    }
    told
}

fn errors(outcome: &Outcome, at: u64) -> Value {
    json!({
        "error": outcome.error.as_deref().unwrap_or(""),
        "body": String::from_utf8_lossy(&outcome.body),
        "headers": message::header_map(&outcome.headers),
        "status": outcome.status,
        "time": at,
    })
}

fn letter<'a>(end: &End, state: &'a State) -> Option<&'a DeadLetter> {
    let id = end.dlq_id.as_deref().filter(|_| end.state == EndState::Failed)?;
    state.dead.iter().map(AsRef::as_ref).find(|letter| letter.dlq_id == id)
}

fn failure_function(run: &Run, end: &End, state: &State) -> Value {
    let Some(call) = &run.failure_call else {
        return Value::Null;
    };
    let mut told = json!({
        "messageId": call.message.id,
        "url": call.message.url,
        "state": call.state.name(),
        "dlqId": end.dlq_id,
        "maxRetries": call.message.how.retries,
    });
    if let Some(letter) = letter(end, state) {
        told["failHeaders"] = message::header_map(&letter.outcome.headers);
        told["failStatus"] = json!(letter.outcome.status);
        told["failResponse"] = json!(String::from_utf8_lossy(&letter.outcome.body));
    }
    if let Some(outcome) = &call.outcome {
        told["responseStatus"] = json!(outcome.status);
        told["responseHeaders"] = message::header_map(&outcome.headers);
        told["responseBody"] = json!(String::from_utf8_lossy(&outcome.body));
    }
    told
}
