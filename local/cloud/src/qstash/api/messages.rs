//! `/v2/messages/{id}`.

use serde_json::{Value, json};

use super::{Answer, Call, Refusal, ok};

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
