//! `/v2/messages`.

use serde_json::{Value, json};

use super::{
    Answer, Call, Refusal,
    filter::{CANCEL, Filter},
    ok,
};
use crate::qstash::message::Message;

pub fn show(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    let message = state.message(id).ok_or_else(|| Refusal::missing("message"))?;
    ok(Value::Object(message.to_json()))
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
