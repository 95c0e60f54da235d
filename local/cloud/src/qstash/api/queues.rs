//! `/v2/queues`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, Refusal, ok};
use crate::qstash::{publish, queue::Queue, record::Record};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Upsert {
    queue_name: String,
    parallelism: Option<usize>,
    paused: Option<bool>,
}

fn to_json(queue: &Queue) -> Value {
    json!({
        "name": queue.config.name,
        "parallelism": queue.config.parallelism,
        "paused": queue.config.paused,
        "lag": queue.lag(),
        "createdAt": queue.config.created_at,
        "updatedAt": queue.config.updated_at,
    })
}

pub fn list(call: &Call) -> Answer {
    ok(call.courier.state().queues.values().map(to_json).collect())
}

pub fn show(call: &Call, name: &str) -> Answer {
    let state = call.courier.state();
    ok(to_json(state.queues.get(name).ok_or_else(|| Refusal::missing("queue"))?))
}

pub fn upsert(call: &Call) -> Answer {
    let wanted: Upsert =
        serde_json::from_value(call.json()?).map_err(|error| Refusal::bad(format!("not a queue: {error}")))?;
    publish::check_name("queue", &wanted.queue_name).map_err(Refusal::bad)?;
    if wanted.parallelism == Some(0) {
        return Err(Refusal::bad("parallelism must be at least 1"));
    }
    change(call, &wanted.queue_name, wanted.parallelism, wanted.paused)
}

pub fn pause(call: &Call, name: &str, paused: bool) -> Answer {
    show(call, name)?;
    change(call, name, None, Some(paused))
}

fn change(call: &Call, name: &str, parallelism: Option<usize>, paused: Option<bool>) -> Answer {
    call.courier.with(|state| {
        let mut config = state.queue_config(name);
        config.parallelism = parallelism.unwrap_or(config.parallelism);
        config.paused = paused.unwrap_or(config.paused);
        config.updated_at = state.now();
        state.commit(vec![Record::Queue(config)])?;
        state.advance_queue(name);
        Ok::<_, std::io::Error>(())
    })?;
    show(call, name)
}

pub fn delete(call: &Call, name: &str) -> Answer {
    show(call, name)?;
    call.courier.with(|state| state.remove_queue(name))?;
    ok(json!({}))
}
