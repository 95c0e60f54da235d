//! Tools in Rust, served, and put to the conformance kit; and what the kit cannot see from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use makegood_conformance::{Kit, Sample, Verdict};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_serve::{Entry, Memory, Server, Store, Taken};
use makegood_tools::{
    About, Act, Attempt, Compensatable, Done, NotDone, Pivot, Query, Repeat, Retriable, Shape, Tool, Undo,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;

const HOUR: Millis = Millis(3_600_000);

/// How long acting takes: long enough to be cut off in the middle of it.
const WORK: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[schemars(range(min = 1, max = 20))]
    seats: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
struct Given {
    seats: u8,
    number: u64,
}

/// What was really done, by key: what a partner's own tables would be.
#[derive(Clone, Default)]
struct House {
    taken: Arc<Mutex<BTreeMap<String, Given>>>,
    given: Arc<Mutex<u64>>,
}

impl House {
    async fn give(&self, attempt: &Attempt, wanted: &Wanted) -> Result<Given, NotDone> {
        if wanted.seats == 13 {
            return Err(NotDone::refused("unlucky", "Not that number. Ask for another."));
        }
        let before = self.taken.lock().unwrap().get(&attempt.key).cloned();
        if let Some(before) = before.filter(|_| attempt.again) {
            return Ok(before);
        }
        let mut given = self.given.lock().unwrap();
        *given += 1;
        let done = Given { seats: wanted.seats, number: *given };
        assert_eq!(self.taken.lock().unwrap().insert(attempt.key.clone(), done.clone()), None, "acted twice");
        Ok(done)
    }

    fn standing(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

macro_rules! tool {
    ($tool:ident $name:literal $class:ident = $promise:expr) => {
        #[derive(Clone, Default)]
        struct $tool(House);

        impl Tool for $tool {
            type Input = Wanted;
            type Output = Given;
            type Class = $class;

            fn about() -> About {
                let about = About::new($name, "1", "Take seats", "Takes seats.");
                About { timeout_ms: Millis(2_000), estimate_ms: Millis(20), ..about }
            }

            fn class() -> $class {
                $promise
            }
        }

        impl Act for $tool {
            async fn act(&self, attempt: &Attempt, wanted: Wanted) -> Result<Given, NotDone> {
                let given = self.0.give(attempt, &wanted).await;
                tokio::time::sleep(WORK).await;
                given
            }
        }
    };
}

tool!(Take "take" Compensatable = Compensatable {
    repeat: Repeat::Keyed { ttl_ms: HOUR }, status: true, fence: true, approval: None,
});
tool!(Pay "pay" Pivot = Pivot { repeat: Repeat::Keyed { ttl_ms: HOUR }, status: true, approval: None });
tool!(Tell "tell" Retriable = Retriable { ttl_ms: HOUR, status: true });

impl Undo for Take {
    async fn undo(&self, attempt: &Attempt, done: Done<Self>) -> Result<bool, NotDone> {
        let stood = self.0.taken.lock().unwrap().remove(&attempt.key);
        assert!(done.output.is_none() || stood == done.output);
        tokio::time::sleep(WORK).await;
        Ok(stood.is_some() || attempt.again)
    }
}

struct Count;

impl Tool for Count {
    type Input = Wanted;
    type Output = Given;
    type Class = Query;

    fn about() -> About {
        About::new("count", "1", "Count", "Counts seats.")
    }

    fn class() -> Query {
        Query { repeat: Repeat::Keyed { ttl_ms: HOUR } }
    }
}

impl Act for Count {
    async fn act(&self, _: &Attempt, wanted: Wanted) -> Result<Given, NotDone> {
        match wanted.seats {
            13 => Err(NotDone::refused("unlucky", "Not that number. Ask for another.")),
            seats => Ok(Given { seats, number: 0 }),
        }
    }
}

fn house(take: &Take, store: &Memory) -> (Router, Vec<Definition>) {
    let server = Server::new(store.clone());
    let server = server.query(Count).unwrap().compensatable(take.clone()).unwrap();
    let server = server.pivot(Pay::default()).unwrap().retriable(Tell::default()).unwrap();
    let definitions = server.definitions().to_vec();
    (Router::new().nest("/tools", server.router()), definitions)
}

async fn verdict(router: &Router, definition: Definition) -> Verdict {
    let sample = json!({"tool": definition, "params": {"seats": 7}, "refused": {"seats": 13}});
    let sample = Sample::read(&sample.to_string()).unwrap();
    let base = "http://house.test/tools".to_owned();
    Kit { transport: router.clone(), base, definition, sample }.run().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_of_each_class_passes_the_conformance_kit() {
    let take = Take::default();
    let (router, definitions) = house(&take, &Memory::default());
    for definition in definitions {
        let name = definition.name.clone();
        let verdict = verdict(&router, definition).await;
        assert!(verdict.passed(), "{verdict}");
        assert_eq!(verdict.left.is_empty(), ["take", "count"].contains(&name.as_str()), "{verdict}");
    }
    assert_eq!(take.0.standing(), 0);
}

async fn send(router: &Router, method: Method, path: &str, key: &str, body: Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(format!("/tools/take/{path}"));
    let request = request.header("idempotency-key", key).body(Body::from(body.to_string())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn undo() -> Value {
    json!({"params": {"seats": 4}, "output": null})
}

/// The process died after the tool had acted, and before that was written down.
#[tokio::test]
async fn a_do_whose_process_died_is_taken_up_again_and_acts_once() {
    let (take, store) = (Take::default(), Memory::default());
    let (router, _) = house(&take, &store);
    let input = json!({"seats": 4});
    let Taken::Yours { mut claim, entry: None } = store.take("take", "k").await.unwrap() else { panic!("taken") };
    store.write(&mut claim, Some(&Entry::Begun { input: input.clone() })).await.unwrap();
    assert_eq!(send(&router, Method::POST, "do", "k", input.clone()).await.1["code"], "in_progress");
    let died = Attempt { key: "k".to_owned(), again: false };
    take.0.give(&died, &Wanted { seats: 4 }).await.unwrap();
    drop(claim);

    assert_eq!(send(&router, Method::GET, "status", "k", Value::Null).await.0, 500);
    assert_eq!(send(&router, Method::POST, "do", "k", json!({"seats": 5})).await.1["code"], "key_reused");
    let (status, output) = send(&router, Method::POST, "do", "k", input.clone()).await;
    assert_eq!((status, output), (200, json!({"seats": 4, "number": 1})));
    assert_eq!(take.0.standing(), 1);
}

/// The same, and it is undone instead.
#[tokio::test]
async fn an_undo_takes_back_a_do_whose_process_died() {
    let (take, store) = (Take::default(), Memory::default());
    let (router, _) = house(&take, &store);
    for (key, acted) in [("acted", true), ("not", false)] {
        let Taken::Yours { mut claim, .. } = store.take("take", key).await.unwrap() else { panic!("taken") };
        store.write(&mut claim, Some(&Entry::Begun { input: json!({"seats": 4}) })).await.unwrap();
        if acted {
            let died = Attempt { key: key.to_owned(), again: false };
            take.0.give(&died, &Wanted { seats: 4 }).await.unwrap();
        }
        drop(claim);
        assert_eq!(send(&router, Method::POST, "undo", key, undo()).await, (200, json!({"undone": acted})));
        assert_eq!(send(&router, Method::POST, "do", key, json!({"seats": 4})).await.0, 410);
    }
    assert_eq!(take.0.standing(), 0);
}

/// A tool whose world can be taken away.
#[derive(Clone, Default)]
struct Moody(Arc<Mutex<Vec<NotDone>>>);

impl Moody {
    fn mood(&self) -> Result<(), NotDone> {
        self.0.lock().unwrap().pop().map_or(Ok(()), Err)
    }
}

impl Tool for Moody {
    type Input = Wanted;
    type Output = Wanted;
    type Class = Compensatable;

    fn about() -> About {
        About::new("take", "1", "Take seats", "Takes seats.")
    }

    fn class() -> Compensatable {
        Take::class()
    }
}

impl Act for Moody {
    async fn act(&self, attempt: &Attempt, wanted: Wanted) -> Result<Wanted, NotDone> {
        self.mood()?;
        Ok(Wanted { seats: wanted.seats + u8::from(attempt.again) })
    }
}

impl Undo for Moody {
    async fn undo(&self, attempt: &Attempt, _: Done<Self>) -> Result<bool, NotDone> {
        self.mood()?;
        Ok(attempt.again)
    }
}

#[tokio::test]
async fn no_later_and_unknown_are_told_apart_and_leave_what_they_say() {
    let tool = Moody::default();
    let server = Server::new(Memory::default()).compensatable(tool.clone()).unwrap();
    let router = Router::new().nest("/tools", server.router());
    let (input, state) =
        (json!({"seats": 4}), async |key| send(&router, Method::GET, "status", key, Value::Null).await);
    let act = async |key, mood: Option<NotDone>| {
        tool.0.lock().unwrap().extend(mood);
        send(&router, Method::POST, "do", key, input.clone()).await
    };
    let take_back = async |key, mood: Option<NotDone>| {
        tool.0.lock().unwrap().extend(mood);
        send(&router, Method::POST, "undo", key, undo()).await
    };
    let later = || Some(NotDone::Later(Duration::from_millis(1_200)));
    let unknown = || Some(NotDone::Unknown("a secret of the log".to_owned()));

    assert_eq!(act("a", later()).await.0, 429);
    assert_eq!(state("a").await, (200, json!({"state": "none"})));
    assert_eq!(act("a", None).await, (200, json!({"seats": 4})), "it was the first");

    let (status, said) = act("b", unknown()).await;
    assert_eq!((status, said.to_string().contains("secret")), (500, false));
    assert_eq!(act("b", later()).await.0, 429);
    assert_eq!(act("b", None).await, (200, json!({"seats": 5})), "the first may have acted");

    assert_eq!(act("c", Some(NotDone::refused("full", "No seats."))).await.1["code"], "full");
    assert_eq!(state("c").await.1["state"], "refused");

    assert_eq!(take_back("b", Some(NotDone::refused("eaten", "Too late."))).await.1["code"], "eaten");
    assert_eq!(state("b").await.1["state"], "done", "a refused undo leaves it as it stands");
    assert_eq!(take_back("b", later()).await.0, 429);
    assert_eq!(take_back("b", unknown()).await.0, 500);
    assert_eq!(act("b", None).await.1["code"], "in_progress");
    assert_eq!(take_back("b", None).await, (200, json!({"undone": true})));
    assert_eq!(act("b", None).await.0, 410);
}

/// What a store keeps is read by later builds.
#[test]
fn what_is_kept_of_a_key_is_plain_json() {
    let kept = json!([
        {"state": "begun", "input": {"seats": 4}},
        {"state": "done", "input": {"seats": 4}, "output": {"seats": 4, "number": 1}},
        {"state": "refused", "refusal": {"code": "full", "detail": "No seats."}},
        {"state": "undoing", "input": {"seats": 4}, "output": null},
        {"state": "undone", "found": true},
    ]);
    let read: Vec<Entry> = serde_json::from_value(kept.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), kept);
}
