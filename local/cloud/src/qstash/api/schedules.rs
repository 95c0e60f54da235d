//! `/v2/schedules`.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Call, Refusal, ok, publish::order};
use crate::{
    qstash::{publish, record::Record, schedule::Schedule},
    text::random_id,
};

pub fn create(call: &Call) -> Answer {
    let rest = call.rest.strip_prefix("schedules/").unwrap_or("");
    let cron = publish::cron(&call.headers).map_err(Refusal::bad)?;
    let queue = publish::text(&call.headers, "upstash-queue-name");
    let order = order(call, &call.headers, rest, call.body.clone(), queue)?;
    if !publish::has_scheme(&order.destination) && !call.courier.state().groups.contains_key(&order.destination) {
        return Err(Refusal::missing(&format!("url group '{}'", order.destination)));
    }
    let id = publish::text(&call.headers, "upstash-schedule-id");
    if let Some(id) = &id {
        publish::check_name("schedule", id).map_err(Refusal::bad)?;
    }
    let mut schedule = Schedule {
        id: id.unwrap_or_else(|| random_id("scd_")),
        cron,
        url: order.destination,
        body: order.body,
        how: order.how,
        created_at: order.at,
        // Of one that was overwritten nothing is kept.
        paused: false,
    };
    // Every firing is a message in its own right.
    schedule.how.dedup = None;
    let id = schedule.id.clone();
    call.courier.with(|state| {
        state.commit(vec![Record::Schedule(Arc::new(schedule))])?;
        state.arm(&id);
        Ok::<_, std::io::Error>(())
    })?;
    ok(json!({ "scheduleId": id }))
}

pub fn list(call: &Call) -> Answer {
    let state = call.courier.state();
    let now = state.now();
    ok(state.schedules.values().map(|schedule| schedule.to_json(now)).collect())
}

pub fn show(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    let schedule = state.schedules.get(id).ok_or_else(|| Refusal::missing("schedule"))?;
    ok(schedule.to_json(state.now()))
}

/// Changes nothing about when its next time comes.
pub fn pause(call: &Call, id: &str, paused: bool) -> Answer {
    let mut state = call.courier.state();
    let schedule = state.schedules.get(id).ok_or_else(|| Refusal::missing("schedule"))?;
    let changed = Schedule { paused, ..Schedule::clone(schedule) };
    state.commit(vec![Record::Schedule(Arc::new(changed))])?;
    ok(json!({}))
}

pub fn delete(call: &Call, id: &str) -> Answer {
    show(call, id)?;
    let gone = Record::ScheduleGone { id: id.to_owned() };
    call.courier.state().commit(vec![gone])?;
    ok(json!({}))
}
