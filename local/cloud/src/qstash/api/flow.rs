//! `/v2/flowControl` and `/v2/globalParallelism`.

use serde_json::json;

use super::{Answer, Call, Refusal, ok};
use crate::qstash::{
    duration,
    flow::{Hold, MAX_PERIOD},
    publish,
    record::Record,
};

pub fn list(call: &Call) -> Answer {
    let state = call.courier.state();
    let now = state.now();
    ok(state.gates.values().map(|gate| gate.to_json(now)).collect())
}

pub fn show(call: &Call, key: &str) -> Answer {
    let state = call.courier.state();
    let gate = state.gates.get(key).ok_or_else(|| Refusal::missing("flow control key"))?;
    ok(gate.to_json(state.now()))
}

pub fn global(call: &Call) -> Answer {
    let state = call.courier.state();
    ok(json!({ "parallelismMax": state.parallelism, "parallelismCount": state.in_flight.len() }))
}

pub fn pause(call: &Call, key: &str, paused: bool) -> Answer {
    change(call, key, |hold| hold.paused = paused)
}

/// Limits that count from now on, whatever messages bring.
pub fn pin(call: &Call, key: &str) -> Answer {
    let number = |name: &str| match call.query(name).first() {
        None => Ok(None),
        Some(text) => {
            let number = text.parse::<usize>().ok().filter(|number| *number > 0);
            number.map(Some).ok_or_else(|| Refusal::bad(format!("{name} must be a whole number above 0")))
        }
    };
    let (parallelism, rate) = (number("parallelism")?, number("rate")?);
    if parallelism.is_none() && rate.is_none() {
        return Err(Refusal::bad("say what to pin: parallelism, or rate with period"));
    }
    let period = match call.query("period").first() {
        None => 1_000,
        Some(text) => {
            let seconds = text.parse::<u64>().ok().map(|seconds| seconds.saturating_mul(1_000));
            let period = seconds.or_else(|| duration::parse(text)).filter(|period| (1..=MAX_PERIOD).contains(period));
            let why = "period must be a number of seconds, or a duration such as 1m, up to 31 days";
            period.ok_or_else(|| Refusal::bad(why))?
        }
    };
    change(call, key, |hold| {
        hold.parallelism = parallelism.or(hold.parallelism);
        hold.rate = rate.map(|rate| (rate, period)).or(hold.rate);
    })
}

pub fn unpin(call: &Call, key: &str) -> Answer {
    let says = |name: &str| call.query(name).first().is_some_and(|text| text == "true");
    let (parallelism, rate) = (says("parallelism"), says("rate"));
    if !parallelism && !rate {
        return Err(Refusal::bad("say what to unpin: parallelism=true, rate=true, or both"));
    }
    change(call, key, |hold| {
        hold.parallelism = hold.parallelism.filter(|_| !parallelism);
        hold.rate = hold.rate.filter(|_| !rate);
    })
}

pub fn reset_rate(call: &Call, key: &str) -> Answer {
    let known = call.courier.with(|state| {
        state.gates.get_mut(key)?.reset_rate();
        state.advance_gate(key);
        Some(())
    });
    known.ok_or_else(|| Refusal::missing("flow control key"))?;
    ok(json!({}))
}

/// A key that no message has come with yet can be told how to behave all the same.
fn change(call: &Call, key: &str, change: impl FnOnce(&mut Hold)) -> Answer {
    publish::check_length("flow-control key", key).map_err(Refusal::bad)?;
    call.courier.with(|state| {
        let mut hold = state.holds.get(key).cloned().unwrap_or_default();
        change(&mut hold);
        state.commit(vec![Record::Hold { key: key.to_owned(), hold }])?;
        state.advance_gate(key);
        Ok::<_, std::io::Error>(())
    })?;
    ok(json!({}))
}
