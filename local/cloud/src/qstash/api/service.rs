//! Keys, the bounded history, and what only the emulator has: a fault switch, and a clock to put forward.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answer, Call, Refusal,
    filter::{EVENTS, Filter},
    ok,
};
use crate::qstash::{duration, faults::Faults, history::Event, record::Record};

const PAGE: usize = 100;
/// How far the clock is put forward at once.
const LONGEST_LEAP: u64 = 366 * 86_400_000;

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

/// The time here, and by how much it is ahead, in milliseconds.
pub fn clock(call: &Call) -> Answer {
    let state = call.courier.state();
    ok(json!({ "now": state.now(), "ahead": state.clock.skipped() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: String,
}

/// Lets time pass, which does not come back.
pub fn advance(call: &Call) -> Answer {
    let Advance { advance } =
        serde_json::from_value(call.json()?).map_err(|error| Refusal::bad(format!("not how to put it on: {error}")))?;
    let millis = duration::parse(&advance).filter(|millis| *millis <= LONGEST_LEAP);
    let millis = millis.ok_or_else(|| Refusal::bad("advance is a duration such as 10s or 1h30m, up to 366d"))?;
    call.courier.advance(millis)?;
    clock(call)
}
