//! Keys, the bounded history, and the emulator's own fault switch.

use serde_json::{Value, json};

use super::{
    Answer, Call, Refusal,
    filter::{EVENTS, Filter},
    ok,
};
use crate::qstash::{faults::Faults, history::Event, record::Record};

const PAGE: usize = 100;

pub fn keys(call: &Call) -> Answer {
    let keys = call.courier.state().keys.clone();
    ok(json!({ "current": keys.current, "next": keys.next }))
}

pub fn rotate(call: &Call) -> Answer {
    {
        let mut state = call.courier.state();
        let rotated = state.keys.rotated();
        state.commit(vec![Record::Keys(rotated)])?;
    }
    keys(call)
}

/// `under`: as the SDK asks for `events`, and the documentation for `logs`.
pub fn events(call: &Call, under: &str) -> Answer {
    let count = call.query("count").first().and_then(|text| text.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    // The client begins with the present time.
    let before = match call.query("cursor").first() {
        None => u64::MAX,
        Some(cursor) => cursor.parse().map_err(|_| Refusal::bad("cursor is a time in milliseconds since 1970"))?,
    };
    let filter = Filter::parse(call, &EVENTS)?;
    let wanted = |event: &Event| {
        event.time <= before && filter.allows("state", event.phase.name()) && filter.fits_at(&event.message, event.time)
    };
    let (events, next) = call.courier.state().history.page(wanted, count);
    let cursor = next.map_or(String::new(), |time| time.to_string());
    ok(json!({ under: events, "cursor": cursor }))
}

pub fn faults(call: &Call) -> Answer {
    ok(json!(call.courier.state().faults))
}

/// Changes the fields that are given.
pub fn set_faults(call: &Call) -> Answer {
    let (Value::Object(given), Value::Object(mut fields)) = (call.json()?, json!(call.courier.state().faults)) else {
        return Err(Refusal::bad("faults are an object"));
    };
    fields.extend(given);
    let changed: Result<Faults, _> = serde_json::from_value(Value::Object(fields));
    let changed = changed.map_err(|error| Refusal::bad(error.to_string()))?;
    call.courier.state().faults = changed.check().map_err(Refusal::bad)?;
    faults(call)
}
