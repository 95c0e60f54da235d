//! `/v2/dlq`: messages that failed for good, newest first.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use super::{
    Answer, Call, Refusal,
    filter::{DEAD, Filter},
    ok,
};
use crate::qstash::{
    record::{DeadLetter, Record},
    state::State,
};

const PAGE: usize = 100;

/// Those that fit, newest first, from a place on, and the next place. The cursor is the number of the last
/// one that was shown: what dies meanwhile has a higher one, and is not met on the way.
fn page(
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

fn messages(call: &Call, state: &State) -> Result<(Vec<Arc<DeadLetter>>, String), Refusal> {
    let filter = Filter::parse(call, &DEAD)?;
    // There are no workflows here, and so none that failed.
    let of_workflows = filter.values("source").iter().any(|source| source == "workflow");
    page(call, state, &filter, |letter| {
        !of_workflows
            && filter.allows("responseStatus", &letter.outcome.status.to_string())
            && filter.fits(&letter.message)
    })
}

pub fn list(call: &Call) -> Answer {
    let state = call.courier.state();
    let (page, cursor) = messages(call, &state)?;
    let messages: Vec<_> = page.iter().map(|letter| letter.to_json()).collect();
    ok(json!({ "messages": messages, "cursor": cursor }))
}

pub fn show(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    let letter = state.dead.iter().find(|letter| letter.dlq_id == id);
    ok(letter.ok_or_else(|| Refusal::missing("dlq message"))?.to_json())
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
    let (page, cursor) = messages(call, &state)?;
    let records: Vec<_> = page.iter().map(|letter| Record::DeadGone { dlq_id: letter.dlq_id.clone() }).collect();
    state.commit(records)?;
    ok(json!({ "deleted": page.len(), "cursor": cursor }))
}

pub fn retry_one(call: &Call, id: &str) -> Answer {
    let revived = call.courier.with(|state| state.revive(id))?.ok_or_else(|| Refusal::missing("dlq message"))?;
    Ok((StatusCode::CREATED, json!({ "responses": [{ "messageId": revived }], "cursor": "" })))
}

/// Publishes a page of those that fit again.
pub fn retry(call: &Call) -> Answer {
    let (revived, cursor) = call.courier.with(|state| {
        let (page, cursor) = messages(call, state)?;
        let revived = page.iter().map(|letter| state.revive(&letter.dlq_id));
        Ok::<_, Refusal>((revived.collect::<Result<Vec<_>, _>>()?, cursor))
    })?;
    if revived.is_empty() && !call.query("dlqIds").is_empty() {
        return Err(Refusal::missing("dlq message"));
    }
    let responses: Vec<_> = revived.iter().flatten().map(|id| json!({ "messageId": id })).collect();
    Ok((StatusCode::CREATED, json!({ "responses": responses, "cursor": cursor })))
}
