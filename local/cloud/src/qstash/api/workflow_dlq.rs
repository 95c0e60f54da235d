//! `/v2/workflows/dlq`: runs that failed, which can go on, begin anew, or be told of once more.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{
    Answer, Call, Refusal, dlq,
    filter::{DEAD_RUNS, Filter},
    ok,
};
use crate::qstash::{
    message::CALLER_IP,
    record::{DeadLetter, Record},
    state::State,
    workflow::{Again, Run, Trouble},
};

const MORE: [&str; 8] =
    ["dlqIds", "fromDate", "toDate", "label", "callerIp", "flowControlKey", "url", "responseStatus"];

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Unwritten(error) => error.into(),
            Trouble::Refused(refused) => refused.into(),
            Trouble::Missing => Self::missing("workflow dlq message"),
        }
    }
}

/// The run whose failing left this letter.
fn run<'a>(state: &'a State, letter: &DeadLetter) -> Option<&'a Run> {
    state.workflows.run(&letter.message.workflow.as_ref()?.run)
}

/// A dead letter, with what is known of its run if it is of one.
pub fn to_json(state: &State, letter: &DeadLetter) -> Value {
    let mut told = letter.to_json();
    if let Some(run) = run(state, letter) {
        told.insert("workflowRunId".into(), json!(run.begun.id));
        told.insert("workflowUrl".into(), json!(run.begun.url));
        told.insert("workflowCreatedAt".into(), json!(run.begun.created_at));
        if let Some(call) = &run.failure_call {
            let outcome = call.outcome.as_ref();
            told.insert("failureCallback".into(), json!(call.message.url));
            told.insert("failureFunctionState".into(), json!(call.state.name()));
            let info = json!({
                "state": call.state.name(),
                "responseStatus": outcome.map(|outcome| outcome.status),
                "responseBody": outcome.map(|outcome| String::from_utf8_lossy(&outcome.body)),
            });
            told.insert("failureCallbackInfo".into(), info);
        }
    }
    Value::Object(told)
}

/// Whether a letter is of a run that fits.
pub fn fits(state: &State, letter: &DeadLetter, filter: &Filter) -> bool {
    let Some(run) = run(state, letter) else {
        return false;
    };
    let failure_call = run.failure_call.as_ref().map_or("", |call| call.state.name());
    filter.allows("workflowUrl", &run.begun.url)
        && filter.allows("workflowRunId", &run.begun.id)
        && filter.allows("workflowCreatedAt", &run.begun.created_at.to_string())
        && filter.allows("failureFunctionState", failure_call)
}

fn letters(call: &Call, state: &State) -> Result<(Vec<Arc<DeadLetter>>, String), Refusal> {
    let filter = Filter::of(call, &[&MORE[..], &DEAD_RUNS[..]].concat())?;
    dlq::page(call, state, &filter, |letter| {
        let labels = run(state, letter).map(|run| run.begun.labels()).unwrap_or_default();
        let key = run(state, letter).and_then(|run| run.begun.flow_key()).unwrap_or_default();
        let labelled = filter.values("label");
        let limit = |name: &str| filter.values(name).first().and_then(|text| text.parse::<u64>().ok());
        let at = run(state, letter).and_then(|run| run.end.as_ref()).map_or(0, |end| end.at);
        fits(state, letter, &filter)
            && (labelled.is_empty() || labelled.iter().any(|label| labels.contains(label)))
            && filter.allows("flowControlKey", &key)
            && filter.allows("callerIp", CALLER_IP)
            && filter.allows("url", &letter.message.url)
            && filter.allows("responseStatus", &letter.outcome.status.to_string())
            && limit("fromDate").is_none_or(|from| at >= from)
            && limit("toDate").is_none_or(|to| at <= to)
    })
}

fn letter(state: &State, id: &str) -> Result<Arc<DeadLetter>, Refusal> {
    let known = state.dead.iter().find(|letter| letter.dlq_id == id && letter.message.workflow.is_some());
    known.cloned().ok_or_else(|| Trouble::Missing.into())
}

pub fn list(call: &Call) -> Answer {
    let state = call.courier.state();
    let (page, cursor) = letters(call, &state)?;
    let messages: Vec<Value> = page.iter().map(|letter| to_json(&state, letter)).collect();
    ok(json!({ "messages": messages, "cursor": cursor }))
}

pub fn show(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    ok(to_json(&state, &*letter(&state, id)?))
}

pub fn delete_one(call: &Call, id: &str) -> Answer {
    let mut state = call.courier.state();
    letter(&state, id)?;
    state.commit(vec![Record::DeadGone { dlq_id: id.to_owned() }])?;
    ok(json!({ "deleted": 1 }))
}

/// Removes a page of those that fit.
pub fn delete(call: &Call) -> Answer {
    let mut state = call.courier.state();
    let (page, cursor) = letters(call, &state)?;
    let gone = page.iter().map(|letter| Record::DeadGone { dlq_id: letter.dlq_id.clone() });
    state.commit(gone.collect())?;
    ok(json!({ "deleted": page.len(), "cursor": cursor }))
}

/// Has a page of those that fit go on.
pub fn again(call: &Call, again: Again) -> Answer {
    let (runs, cursor) = call.courier.with(|state| {
        let (page, cursor) = letters(call, state)?;
        if page.is_empty() && !call.query("dlqIds").is_empty() {
            return Err(Trouble::Missing.into());
        }
        let runs = page.iter().map(|letter| one_again(state, letter, again, &call.headers));
        Ok::<_, Refusal>((runs.collect::<Result<Vec<_>, _>>()?, cursor))
    })?;
    ok(json!({ "workflowRuns": runs, "cursor": cursor }))
}

pub fn again_one(call: &Call, again: Again, id: &str) -> Answer {
    let run = call.courier.with(|state| {
        let letter = letter(state, id)?;
        one_again(state, &letter, again, &call.headers)
    })?;
    ok(run)
}

fn one_again(state: &mut State, letter: &DeadLetter, again: Again, overrides: &HeaderMap) -> Result<Value, Refusal> {
    let begun = state.run_again(letter, again, overrides)?;
    Ok(json!({ "workflowRunId": begun.id, "workflowCreatedAt": begun.created_at }))
}

pub fn call_failure_again(call: &Call, id: &str) -> Answer {
    let begun = call.courier.with(|state| {
        let letter = letter(state, id)?;
        Ok::<_, Refusal>(state.call_failure_again(&letter)?)
    })?;
    ok(json!({ "workflowRunId": begun.id, "workflowCreatedAt": begun.created_at }))
}

pub fn cancel_failure_call(call: &Call, id: &str) -> Answer {
    call.courier.with(|state| {
        let letter = letter(state, id)?;
        Ok::<_, Refusal>(state.cancel_failure_call(&letter)?)
    })?;
    Ok((StatusCode::FOUND, json!({})))
}
