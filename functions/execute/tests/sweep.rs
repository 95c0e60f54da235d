//! The sweep where one of the services that it needs is away.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;
use std::rc::Rc;

use makegood_edge::core::id::SagaId;
use makegood_edge::core::time::Millis;
use makegood_edge::futures_util::FutureExt;
use makegood_edge::gateway::{Request as Sent, Response, alerts, store};
use makegood_edge::host::{FetchError, Level};
use makegood_edge::http;
use makegood_edge::serde_json::{self, Value, json};
use makegood_edge::{Bytes, Host};

const NOW: u64 = 1_777_636_800_000;

/// Its journal answers, and its queue takes nothing.
#[derive(Clone, Default)]
struct WithoutQueue {
    asked: Rc<RefCell<Vec<String>>>,
    said: Rc<RefCell<Vec<(Level, String)>>>,
}

fn id(nth: u8) -> SagaId {
    SagaId::new(Millis(NOW), [nth; 10])
}

fn answer(query: &str) -> Value {
    match query {
        store::SWEEP => json!({ "sagas": [{ "id": id(1), "version": 3, "sweep": 1 }], "schedules": [] }),
        alerts::DUE => json!([{ "saga": id(2), "why": "held", "about": "ride", "phase": "forward", "owner": "ada",
            "title": "An evening", "since": NOW, "said": 0 }]),
        _ => json!(true),
    }
}

impl Host for WithoutQueue {
    async fn fetch(&self, request: Sent, _: Millis) -> Result<Response, FetchError> {
        if request.uri().host() != Some("db.test") {
            return Err(FetchError::NotSent("connection refused".to_owned()));
        }
        let query: Value = serde_json::from_slice(request.body()).unwrap();
        let query = query["query"].as_str().unwrap();
        self.asked.borrow_mut().push(query.to_owned());
        let body = json!({ "rows": [[answer(query).to_string()]] });
        Ok(http::Response::new(Bytes::from(body.to_string())))
    }

    fn now(&self) -> Millis {
        Millis(NOW)
    }

    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        let value = match name {
            "database_http_url" => "https://db.test/sql",
            "qstash_url" => "https://queue.test",
            "public_url" => "https://me.test",
            _ => return None,
        };
        Some(value.to_owned())
    }

    async fn sleep(&self, _: Millis) {}

    fn log(&self, level: Level, line: &str) {
        self.said.borrow_mut().push((level, line.to_owned()));
    }
}

#[test]
fn people_are_told_of_what_needs_them_while_the_queue_is_away() {
    let host = WithoutQueue::default();
    makegood_execute::scheduled(host.clone()).now_or_never().unwrap();
    let said = host.said.borrow();
    let alert = format!("alert: {} held: https://me.test/debug/sagas/{}", id(2), id(2));
    assert!(said.contains(&(Level::Error, alert)), "{said:#?}");
    assert!(said.iter().any(|(_, line)| line.contains("the sweep by the clock failed")), "{said:#?}");
    assert!(host.asked.borrow().iter().any(|query| query == alerts::SAID), "it is noted that they were told");
}
