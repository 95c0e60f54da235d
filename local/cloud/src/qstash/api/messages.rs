//! `/v2/messages`.

use serde_json::{Value, json};

use super::{
    Answer, Call, Refusal,
    filter::{CANCEL, Filter},
    ok,
};

pub fn show(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    let message = state.message(id).ok_or_else(|| Refusal::missing("message"))?;
    ok(Value::Object(message.to_json()))
}

pub fn cancel(call: &Call, id: &str) -> Answer {
    match call.courier.with(|state| state.cancel(id))? {
        true => ok(json!({ "cancelled": 1 })),
        false => Err(Refusal::missing("message")),
    }
}

/// Ends all that fit, which is all there are where nothing is said.
pub fn cancel_many(call: &Call) -> Answer {
    let filter = Filter::parse(call, &CANCEL)?;
    let cancelled = call.courier.with(|state| {
        let fitting = state.messages.values().filter(|stored| filter.fits(&stored.message));
        let ids: Vec<String> = fitting.map(|stored| stored.message.id.clone()).collect();
        ids.iter().try_fold(0_u64, |count, id| Ok::<_, std::io::Error>(count + u64::from(state.cancel(id)?)))
    })?;
    ok(json!({ "cancelled": cancelled }))
}
