//! `/v2/dlq`: messages that failed for good, newest first.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use super::{Answer, Call, Refusal, filter::Filter, ok};
use crate::qstash::{
    record::{DeadLetter, Record},
    state::State,
};

const PAGE: usize = 100;
const MORE: [&str; 3] = ["dlqIds", "responseStatus", "source"];

/// Those that fit, newest first, from a place on, and the next place. The cursor is the number of entries
/// already shown.
fn page(call: &Call, state: &State, filter: &Filter) -> (Vec<Arc<DeadLetter>>, String) {
    let number = |name: &str| call.query(name).first().and_then(|text| text.parse().ok());
    let (skip, count) = (number("cursor").unwrap_or(0), number("count").unwrap_or(PAGE).clamp(1, PAGE));
    // There are no workflows here, and so none that failed.
    let of_workflows = filter.values("source").iter().any(|source| source == "workflow");
    let fits = |letter: &&Arc<DeadLetter>| {
        !of_workflows
            && filter.allows("dlqIds", &letter.dlq_id)
            && filter.allows("responseStatus", &letter.outcome.status.to_string())
            && filter.fits(&letter.message)
    };
    let mut fitting = state.dead.iter().rev().filter(fits).skip(skip);
    let page: Vec<Arc<DeadLetter>> = fitting.by_ref().take(count).cloned().collect();
    let cursor = fitting.next().map_or(String::new(), |_| (skip + page.len()).to_string());
    (page, cursor)
}

pub fn list(call: &Call) -> Answer {
    let (page, cursor) = page(call, &call.courier.state(), &Filter::parse(call, &MORE)?);
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

/// Removes a page of those that fit; with what is left, the cursor begins anew.
pub fn delete(call: &Call) -> Answer {
    let filter = Filter::parse(call, &MORE)?;
    let mut state = call.courier.state();
    let (page, rest) = page(call, &state, &filter);
    let records: Vec<_> = page.iter().map(|letter| Record::DeadGone { dlq_id: letter.dlq_id.clone() }).collect();
    state.commit(records)?;
    ok(json!({ "deleted": page.len(), "cursor": again(&rest) }))
}

pub fn retry_one(call: &Call, id: &str) -> Answer {
    let revived = call.courier.with(|state| state.revive(id))?.ok_or_else(|| Refusal::missing("dlq message"))?;
    Ok((StatusCode::CREATED, json!({ "responses": [{ "messageId": revived }], "cursor": "" })))
}

/// Publishes a page of those that fit again.
pub fn retry(call: &Call) -> Answer {
    let filter = Filter::parse(call, &MORE)?;
    let (revived, rest) = call.courier.with(|state| {
        let (page, rest) = page(call, state, &filter);
        let revived = page.iter().map(|letter| state.revive(&letter.dlq_id));
        Ok::<_, std::io::Error>((revived.collect::<Result<Vec<_>, _>>()?, rest))
    })?;
    if revived.is_empty() && !filter.values("dlqIds").is_empty() {
        return Err(Refusal::missing("dlq message"));
    }
    let responses: Vec<_> = revived.iter().flatten().map(|id| json!({ "messageId": id })).collect();
    Ok((StatusCode::CREATED, json!({ "responses": responses, "cursor": again(&rest) })))
}

/// What was shown is gone, so what comes next stands at the beginning.
fn again(rest: &str) -> &'static str {
    if rest.is_empty() { "" } else { "0" }
}
