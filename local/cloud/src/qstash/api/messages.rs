//! `/v2/messages`.

use serde_json::{Value, json};

use super::{
    Answer, Call, Refusal,
    filter::{CANCEL, Filter},
    ok,
};
use crate::qstash::{history::Phase, message::Message, state::Stored};

pub fn show(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    let message = state.message(id).ok_or_else(|| Refusal::missing("message"))?;
    ok(Value::Object(message.to_json()))
}

const PAGE: usize = 100;

/// What is under way, latest first. The service has no such list; this is the emulator's own.
pub fn list(call: &Call) -> Answer {
    let count = call.query("count").first().and_then(|text| text.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let state = call.courier.state();
    let told = state.latest(count).into_iter().map(|stored| {
        let Stored { message, retried, due, .. } = stored;
        let active = state.in_flight.contains_key(&message.id);
        let phase = match (active, *retried) {
            (true, _) => Phase::Active,
            (false, 0) => Phase::Created,
            (false, _) => Phase::Retry,
        };
        let mut json = message.to_json();
        json.insert("state".into(), json!(phase.name()));
        json.insert("attempts".into(), json!(retried + u32::from(active)));
        json.insert("nextDeliveryTime".into(), json!((!active).then_some(due)));
        json.insert("workflowRunId".into(), json!(message.workflow.as_ref().map(|link| &link.run)));
        Value::Object(json)
    });
    ok(told.collect())
}

/// A workflow's messages come and go with their run.
fn is_plain(message: &Message) -> bool {
    message.workflow.is_none()
}

pub fn cancel(call: &Call, id: &str) -> Answer {
    let cancelled = call.courier.with(|state| match state.message(id).is_none_or(|message| is_plain(message)) {
        true => Ok(state.cancel(id)?),
        false => Err(Refusal::bad("the message is of a workflow run; cancel that")),
    });
    match cancelled? {
        true => ok(json!({ "cancelled": 1 })),
        false => Err(Refusal::missing("message")),
    }
}

/// Ends all that fit, which is all there are where nothing is said.
pub fn cancel_many(call: &Call) -> Answer {
    let filter = Filter::parse(call, &CANCEL)?;
    let cancelled = call.courier.with(|state| {
        let fitting =
            state.messages.values().filter(|stored| is_plain(&stored.message) && filter.fits(&stored.message));
        let ids: Vec<String> = fitting.map(|stored| stored.message.id.clone()).collect();
        ids.iter().try_fold(0_u64, |count, id| Ok::<_, std::io::Error>(count + u64::from(state.cancel(id)?)))
    })?;
    ok(json!({ "cancelled": cancelled }))
}
