//! `/v2/dlq`: messages that failed for good, newest first.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use super::{
    Answer, Call, Refusal,
    filter::{DEAD, DEAD_RUNS, Filter},
    ok, workflow_dlq,
};
use crate::qstash::{
    record::{DeadLetter, Record},
    state::State,
};

const PAGE: usize = 100;

/// Those that fit, newest first, from a place on, and the next place. The cursor is the number of the last
/// one that was shown: what dies meanwhile has a higher one, and is not met on the way.
pub fn page(
    call: &Call,
    state: &State,
    filter: &Filter,
    fits: impl Fn(&DeadLetter) -> bool,
) -> Result<(Vec<Arc<DeadLetter>>, String), Refusal> {
    let before = match call.query("cursor").first() {
        None => u64::MAX,
        Some(cursor) => cursor.parse().map_err(|_| Refusal::bad("cursor is what the last page came with"))?,
    };
    let count = call.query("count").first().and_then(|text| text.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let named = filter.values("dlqIds");
    let wanted = |letter: &&Arc<DeadLetter>| match named.is_empty() {
        true => fits(letter),
        // Whoever names them says all.
        false => named.contains(&letter.dlq_id),
    };
    let mut fitting = state.dead.iter().rev().filter(|letter| letter.order < before).filter(wanted);
    let page: Vec<Arc<DeadLetter>> = fitting.by_ref().take(count).cloned().collect();
    let last = page.last().map_or(before, |letter| letter.order);
    Ok((page, fitting.next().map_or(String::new(), |_| last.to_string())))
}

/// `more`: filters beside those of every call about dead letters. Of workflows are those that are asked for
/// by a filter only runs have, or by their source.
fn messages(call: &Call, state: &State, more: &[&'static str]) -> Result<(Vec<Arc<DeadLetter>>, String), Refusal> {
    let filter = Filter::parse(call, &[&DEAD, more].concat())?;
    let of_runs = more.iter().any(|name| !filter.values(name).is_empty());
    page(call, state, &filter, |letter| {
        let source = if letter.message.workflow.is_some() { "workflow" } else { "qstash" };
        filter.allows("source", source)
            && filter.allows("responseStatus", &letter.outcome.status.to_string())
            && filter.fits(&letter.message)
            && (!of_runs || workflow_dlq::fits(state, letter, &filter))
    })
}

pub fn list(call: &Call) -> Answer {
    let state = call.courier.state();
    let (page, cursor) = messages(call, &state, &DEAD_RUNS)?;
    let messages: Vec<_> = page.iter().map(|letter| workflow_dlq::to_json(&state, letter)).collect();
    ok(json!({ "messages": messages, "cursor": cursor }))
}

pub fn show(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    let letter = state.dead.iter().find(|letter| letter.dlq_id == id);
    ok(workflow_dlq::to_json(&state, letter.ok_or_else(|| Refusal::missing("dlq message"))?))
}

pub fn delete_one(call: &Call, id: &str) -> Answer {
    let mut state = call.courier.state();
    if !state.dead.iter().any(|letter| letter.dlq_id == id) {
        return Err(Refusal::missing("dlq message"));
    }
    state.commit(vec![Record::DeadGone { dlq_id: id.to_owned() }])?;
    ok(json!({ "deleted": 1 }))
}

/// Removes a page of those that fit.
pub fn delete(call: &Call) -> Answer {
    let mut state = call.courier.state();
    let (page, cursor) = messages(call, &state, &[])?;
    let records: Vec<_> = page.iter().map(|letter| Record::DeadGone { dlq_id: letter.dlq_id.clone() }).collect();
    state.commit(records)?;
    ok(json!({ "deleted": page.len(), "cursor": cursor }))
}

pub fn retry_one(call: &Call, id: &str) -> Answer {
    let revived = call.courier.with(|state| {
        let letter = state.dead.iter().find(|letter| letter.dlq_id == id);
        letter.map_or(Ok(()), |letter| of_no_run(letter))?;
        Ok::<_, Refusal>(state.revive(id)?)
    });
    let revived = revived?.ok_or_else(|| Refusal::missing("dlq message"))?;
    Ok((StatusCode::CREATED, json!({ "responses": [{ "messageId": revived }], "cursor": "" })))
}

/// A run does not go on by one message of it.
fn of_no_run(letter: &DeadLetter) -> Result<(), Refusal> {
    match letter.message.workflow {
        None => Ok(()),
        Some(_) => {
            let text = format!("'{}' is of a workflow run; resume or restart it: /v2/workflows/dlq", letter.dlq_id);
            Err(Refusal::bad(text))
        }
    }
}

/// Publishes a page of those that fit again. Failed runs are left where they are, unless they are named.
pub fn retry(call: &Call) -> Answer {
    let named = !call.query("dlqIds").is_empty();
    let (revived, cursor) = call.courier.with(|state| {
        let (mut page, cursor) = messages(call, state, &[])?;
        if named {
            page.iter().try_for_each(|letter| of_no_run(letter))?;
        }
        page.retain(|letter| letter.message.workflow.is_none());
        let revived = page.iter().map(|letter| state.revive(&letter.dlq_id));
        Ok::<_, Refusal>((revived.collect::<Result<Vec<_>, _>>()?, cursor))
    })?;
    if revived.is_empty() && named {
        return Err(Refusal::missing("dlq message"));
    }
    let responses: Vec<_> = revived.iter().flatten().map(|id| json!({ "messageId": id })).collect();
    Ok((StatusCode::CREATED, json!({ "responses": responses, "cursor": cursor })))
}
