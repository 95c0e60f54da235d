//! `/v2/dlq`: messages that failed for good, newest first.

use http::StatusCode;
use serde_json::json;

use super::{Answer, Call, Refusal, ok};
use crate::qstash::record::Record;

const PAGE: usize = 100;

/// The cursor is the number of entries already shown.
pub fn list(call: &Call) -> Answer {
    let number = |name: &str| call.query(name).first().and_then(|text| text.parse().ok());
    let (skip, count) = (number("cursor").unwrap_or(0), number("count").unwrap_or(PAGE).clamp(1, PAGE));
    let state = call.courier.state();
    let shown = state.dead.iter().rev().skip(skip).take(count);
    let messages: Vec<_> = shown.map(|letter| letter.to_json()).collect();
    let next = skip + messages.len();
    let cursor = if next < state.dead.len() { next.to_string() } else { String::new() };
    ok(json!({ "messages": messages, "cursor": cursor }))
}

pub fn show(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    let letter = state.dead.iter().find(|letter| letter.dlq_id == id);
    ok(letter.ok_or_else(|| Refusal::missing("dlq message"))?.to_json())
}

pub fn delete_one(call: &Call, id: &str) -> Answer {
    show(call, id)?;
    delete(call, &[id.to_owned()])
}

pub fn delete(call: &Call, ids: &[String]) -> Answer {
    if ids.is_empty() {
        return Err(Refusal::bad("name the entries with dlqIds; other filters are not offered yet"));
    }
    let mut state = call.courier.state();
    let known = ids.iter().filter(|id| state.dead.iter().any(|letter| letter.dlq_id == **id));
    let records: Vec<_> = known.map(|id| Record::DeadGone { dlq_id: id.clone() }).collect();
    let deleted = records.len();
    state.commit(records)?;
    ok(json!({ "deleted": deleted, "cursor": "" }))
}

pub fn retry(call: &Call, ids: &[String]) -> Answer {
    if ids.is_empty() {
        return Err(Refusal::bad("name the entries with dlqIds; other filters are not offered yet"));
    }
    let revived = ids.iter().map(|id| call.courier.with(|state| state.revive(id)));
    let revived = revived.collect::<Result<Vec<_>, _>>()?;
    let responses: Vec<_> = revived.iter().flatten().map(|id| json!({ "messageId": id })).collect();
    if responses.is_empty() {
        return Err(Refusal::missing("dlq message"));
    }
    Ok((StatusCode::CREATED, json!({ "responses": responses, "cursor": "" })))
}
