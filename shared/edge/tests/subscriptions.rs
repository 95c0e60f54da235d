//! Telling subscribers: in order, as far as they take it, signed, and nowhere inside. Database, queue and receivers are
//! made up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bytes::Bytes;
use futures_util::FutureExt;
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_edge::host::{FetchError, Host, Level};
use makegood_edge::subscriptions::{Means, bring, trial};
use makegood_edge::{Isolate, Settings};
use makegood_gateway::subscriptions::{DISABLE, FAIL, Row, SETTLE, TAKE};
use serde_json::{Value, json};

const NOW: u64 = 1_777_636_800_000;
const DAY: u64 = 24 * 3_600_000;

/// What was brought to somebody: where, under which id, and how it was signed.
#[derive(Clone, Debug, PartialEq)]
struct Brought {
    url: String,
    id: String,
    kind: String,
    signature: String,
}

type Written = (String, Vec<Value>);

#[derive(Clone)]
struct World {
    values: Rc<BTreeMap<&'static str, &'static str>>,
    /// What there is to be told.
    taken: Rc<Value>,
    /// What receivers answer, in turn, each with how long it wants to be left alone; in the end all is taken.
    answers: Rc<RefCell<VecDeque<(u16, &'static str)>>>,
    brought: Rc<RefCell<Vec<Brought>>>,
    /// What was written: the statement, and its parameters.
    written: Rc<RefCell<Vec<Written>>>,
    /// What the queue was given: what tells it apart, and not before when.
    words: Rc<RefCell<Vec<(String, String)>>>,
    /// Until when whoever took nothing is left alone.
    shut_until: Option<u64>,
    isolate: Rc<Isolate>,
}

impl Host for World {
    async fn fetch(
        &self,
        request: makegood_gateway::Request,
        _timeout: Millis,
    ) -> Result<makegood_gateway::Response, FetchError> {
        let header = |name: &str| {
            let value = request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            value.unwrap_or_default()
        };
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let rows =
            |answer: &Value| Ok(http::Response::new(Bytes::from(json!({"rows": [[answer.to_string()]]}).to_string())));
        match request.uri().host() {
            Some("db.test") => {
                let statement = body["query"].as_str().unwrap().to_owned();
                if statement == TAKE {
                    return rows(&self.taken);
                }
                let params = body["params"].as_array().unwrap().clone();
                let answer = match statement.as_str() {
                    SETTLE => json!(if params[4].is_null() { "more" } else { "told" }),
                    // When it is due again: as was asked, or when its subscriber is left alone no more.
                    FAIL => match self.shut_until {
                        Some(until) => json!(until),
                        None => json!(params[6].as_str().unwrap().parse::<u64>().unwrap()),
                    },
                    _ => json!(true),
                };
                self.written.borrow_mut().push((statement, params));
                rows(&answer)
            }
            Some("queue.test") => {
                assert!(request.uri().path().ends_with("/api/subscriptions/bring"), "{}", request.uri());
                assert_eq!(body, json!({"saga": saga()}));
                self.words.borrow_mut().push((header("upstash-deduplication-id"), header("upstash-not-before")));
                Ok(http::Response::new(Bytes::from_static(b"{}")))
            }
            Some("silent.test") => std::future::pending().await,
            _ => {
                let is_ably = request.uri().host() == Some("ably.test");
                self.brought.borrow_mut().push(Brought {
                    url: request.uri().to_string(),
                    id: if is_ably { body["id"].as_str().unwrap().to_owned() } else { header("webhook-id") },
                    kind: body[if is_ably { "name" } else { "type" }].as_str().unwrap().to_owned(),
                    signature: header("webhook-signature"),
                });
                let (status, after) = self.answers.borrow_mut().pop_front().unwrap_or((204, ""));
                let mut response = http::Response::builder().status(status);
                if !after.is_empty() {
                    response = response.header("retry-after", after);
                }
                Ok(response.body(Bytes::new()).unwrap())
            }
        }
    }

    fn now(&self) -> Millis {
        Millis(NOW)
    }

    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| (*value).to_owned())
    }

    async fn sleep(&self, _span: Millis) {
        std::future::pending::<()>().await;
    }

    fn log(&self, _level: Level, _line: &str) {}

    fn isolate(&self) -> Rc<Isolate> {
        Rc::clone(&self.isolate)
    }
}

fn saga() -> SagaId {
    SagaId::new(Millis(1), [0; 10])
}

fn row() -> Value {
    json!({
        "id": "sub_1", "owner": "ann", "kind": "webhook", "everyone": false, "url": "https://hooks.test/in", "types": [],
        "state": "active", "why": null, "generation": 1, "previous_until": null, "failing_since": null,
        "last_error": null, "created_at": 1, "updated_at": 1,
    })
}

/// A subscriber that was told nothing yet of a saga with two records.
fn cursor() -> Value {
    json!({
        "subscription": row(), "seq": 0, "upto": 2, "tries": 0, "failing_since": null,
        "journal": [
            {"seq": 2_000_001, "record": {"type": "skipped", "node": 0, "why": "no", "at": 2, "inv": 1}},
            {"seq": 2_000_002, "record": {"type": "completed", "at": 3, "inv": 1}},
        ],
    })
}

fn world(cursors: &[Value], answers: &[(u16, &'static str)]) -> World {
    let values = BTreeMap::from([
        ("database_http_url", "https://db.test/sql"),
        ("qstash_url", "https://queue.test"),
        ("public_url", "https://me.test"),
        ("subscription_key", "the deployment's own key"),
        ("ably_url", "https://ably.test"),
        ("ably_key", "app.id:hush"),
    ]);
    let node = json!({"ix": 0, "id": "a", "tool": "t", "version": "1", "class": "query"});
    World {
        values: Rc::new(values),
        taken: Rc::new(json!({
            "owner": "ann", "title": "T", "message": null, "reading": null, "created_at": 1, "nodes": [node],
            "cursors": cursors,
        })),
        answers: Rc::new(RefCell::new(answers.iter().copied().collect())),
        brought: Rc::default(),
        written: Rc::default(),
        words: Rc::default(),
        shut_until: None,
        isolate: Rc::default(),
    }
}

/// One run.
fn run(world: &World) {
    let settings = Settings::read(world).unwrap();
    bring(world, &settings, &saga()).now_or_never().unwrap().unwrap();
}

impl World {
    fn ids(&self) -> Vec<String> {
        self.brought.borrow().iter().map(|one| one.id.clone()).collect()
    }

    /// The parameters of the only statement of that kind.
    fn of(&self, statement: &str) -> Vec<Value> {
        let written = self.written.borrow();
        let mut all = written.iter().filter(|(known, _)| known == statement);
        let (_, params) = all.next().unwrap_or_else(|| panic!("no {statement} in {written:?}"));
        assert!(all.next().is_none(), "{written:?}");
        params.clone()
    }

    fn has(&self, statement: &str) -> bool {
        self.written.borrow().iter().any(|(known, _)| known == statement)
    }
}

fn id(seq: u64) -> String {
    format!("{}_{seq}", saga())
}

#[test]
fn events_are_brought_in_order_and_what_was_taken_is_written() {
    let world = world(&[cursor()], &[]);
    run(&world);
    assert_eq!(world.ids(), [id(1), id(2_000_001), id(2_000_002)]);
    let settled = world.of(SETTLE);
    assert_eq!((&settled[3], &settled[4], &settled[5]), (&json!("2000002"), &json!("2"), &json!("true")));
    assert!(world.words.borrow().is_empty(), "there is no more");
}

#[test]
fn nothing_overtakes_what_was_not_taken() {
    let world = world(&[cursor()], &[(204, ""), (500, "")]);
    run(&world);
    assert_eq!(world.ids(), [id(1), id(2_000_001)]);
    let failed = world.of(FAIL);
    assert_eq!((&failed[3], &failed[4]), (&json!("1"), &json!("1")), "one was taken, and the next was tried once");
    assert_eq!(failed[6], json!((NOW + 2_000).to_string()));
    assert_eq!(failed[7], "its address answered 500");
    let words = world.words.borrow();
    assert_eq!(words.len(), 1, "{words:?}");
    assert_eq!(words[0].1, ((NOW + 2_000) / 1_000).to_string(), "the queue says it again then");
}

#[test]
fn a_cursor_that_is_tried_again_begins_where_it_failed_and_heeds_retry_after() {
    let mut late = cursor();
    (late["seq"], late["tries"], late["failing_since"]) = (json!(1), json!(3), json!(NOW - 1_000));
    let world = world(&[late], &[(429, "300")]);
    run(&world);
    assert_eq!(world.ids(), [id(2_000_001)], "what was taken is not brought again");
    let failed = world.of(FAIL);
    assert_eq!((&failed[4], &failed[5]), (&json!("4"), &json!((NOW - 1_000).to_string())));
    assert_eq!(failed[6], json!((NOW + 300_000).to_string()));
}

#[test]
fn the_queue_says_it_again_when_its_subscriber_is_left_alone_no_more() {
    let world = World { shut_until: Some(NOW + 15_000), ..world(&[cursor()], &[(503, "9")]) };
    run(&world);
    let failed = world.of(FAIL);
    assert_eq!((&failed[8], &failed[9]), (&json!("false"), &json!("9000")), "nothing was taken, and it asks for time");
    assert_eq!(world.words.borrow()[0].1, ((NOW + 15_000) / 1_000).to_string());
}

#[test]
fn who_is_silent_does_not_hold_up_what_is_left_for_others() {
    let mut silent = cursor();
    (silent["subscription"]["id"], silent["subscription"]["url"]) = (json!("sub_2"), json!("https://silent.test/in"));
    let world = world(&[silent, cursor()], &[(204, ""), (500, "")]);
    let settings = Settings::read(&world).unwrap();
    assert!(bring(&world, &settings, &saga()).now_or_never().is_none(), "one of them has not answered yet");
    assert_eq!(world.of(FAIL)[0], "sub_1");
    assert_eq!(world.words.borrow().len(), 1, "and the queue knows of the other already");
}

#[test]
fn those_who_do_not_fit_into_one_run_are_told_in_another() {
    let mut world = world(&[cursor()], &[]);
    let mut taken = (*world.taken).clone();
    taken["rest"] = json!(true);
    world.taken = Rc::new(taken);
    run(&world);
    assert_eq!(world.words.borrow().len(), 1);
}

#[test]
fn of_whom_nothing_was_taken_for_five_days_no_single_event_need_be_so_old() {
    let mut fresh = cursor();
    fresh["subscription"]["failing_since"] = json!(NOW - 5 * DAY);
    let given_up = world(&[fresh.clone()], &[(500, "")]);
    run(&given_up);
    assert!(given_up.has(DISABLE));
    let taken = world(&[fresh.clone()], &[(204, ""), (500, "")]);
    run(&taken);
    assert!(!taken.has(DISABLE), "something was taken meanwhile");
    assert_eq!(taken.of(FAIL)[8], "true");
    // There is no address of Ably's to give up.
    (fresh["subscription"]["id"], fresh["subscription"]["kind"]) = (json!("ably"), json!("ably"));
    let ably = world(&[fresh], &[(503, "")]);
    run(&ably);
    assert!(ably.has(FAIL) && !ably.has(DISABLE));
}

#[test]
fn an_address_that_is_gone_is_not_called_again() {
    let world = world(&[cursor()], &[(204, ""), (410, "")]);
    run(&world);
    assert_eq!(world.ids().len(), 2);
    assert_eq!(world.of(FAIL)[3], "1", "what was taken before is written");
    let disabled = world.of(DISABLE);
    assert_eq!((&disabled[0], &disabled[1]), (&json!("sub_1"), &json!("its address answered 410 Gone")));
    assert!(world.words.borrow().is_empty());
}

#[test]
fn who_takes_nothing_for_five_days_is_disabled_and_not_a_moment_before() {
    for (since, disabled) in [(NOW - 5 * DAY, true), (NOW - 5 * DAY + 1, false)] {
        let mut old = cursor();
        (old["tries"], old["failing_since"]) = (json!(20), json!(since));
        let world = world(&[old], &[(500, "")]);
        run(&world);
        assert_eq!(world.has(DISABLE), disabled);
        if disabled {
            assert_eq!(world.of(DISABLE)[1], "an event was not taken for 5 days; at last: its address answered 500");
        } else {
            assert_eq!(world.of(FAIL)[6], json!((NOW + 6 * 3_600_000).to_string()), "six hours at most");
        }
    }
}

#[test]
fn nothing_inside_is_called_unless_the_installation_lets_it() {
    for url in ["https://10.0.0.7/in", "http://hooks.test/in", "https://vault.internal/", "https://hooks.test:8443/"] {
        let mut inside = cursor();
        inside["subscription"]["url"] = json!(url);
        let strict = world(&[inside.clone()], &[]);
        run(&strict);
        assert_eq!(strict.ids(), [""; 0], "{url}");
        assert_eq!(strict.of(FAIL)[7], "its address was not reached", "and it is not said where that is");
        let mut values = (*strict.values).clone();
        values.insert("subscriptions_inside", "true");
        let open = World { values: Rc::new(values), ..world(&[inside], &[]) };
        run(&open);
        assert_eq!(open.ids().len(), 3, "{url}");
    }
}

#[test]
fn a_redirect_is_a_refusal() {
    let world = world(&[cursor()], &[(307, "")]);
    run(&world);
    assert_eq!(world.ids(), [id(1)]);
    assert_eq!(world.of(FAIL)[7], "its address answered 307");
}

#[test]
fn what_nobody_asked_for_is_passed_over() {
    let mut few = cursor();
    few["subscription"]["types"] = json!(["makegood.saga.completed.v1"]);
    let world = world(&[few], &[]);
    run(&world);
    assert_eq!(world.ids(), [id(2_000_002)]);
    assert_eq!(world.of(SETTLE)[3], "2000002");
    let mut none = cursor();
    none["subscription"]["types"] = json!(["makegood.approval.*"]);
    let world = self::world(&[none], &[]);
    run(&world);
    assert_eq!(world.ids(), [""; 0]);
    assert_eq!(world.of(SETTLE)[5], "false", "that it was told nothing says nothing of how it stands");
}

#[test]
fn while_secrets_rotate_both_sign() {
    let mut two = cursor();
    two["subscription"]["generation"] = json!(2);
    two["subscription"]["previous_until"] = json!(NOW + 1);
    let both = world(&[two.clone()], &[]);
    run(&both);
    two["subscription"]["previous_until"] = json!(NOW);
    let one = world(&[two], &[]);
    run(&one);
    let signatures =
        |world: &World| world.brought.borrow()[0].signature.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (both, one) = (signatures(&both), signatures(&one));
    assert_eq!((both.len(), one.len()), (2, 1));
    assert_eq!(both[0], one[0], "the newest first");
    assert_ne!(both[0], both[1]);
}

#[test]
fn more_than_a_page_is_told_in_the_next_run() {
    let mut long = cursor();
    let record = |place: u64| json!({"seq": 2_000_000 + place, "record": {"type": "skipped", "node": 0, "why": "no", "at": 2, "inv": 1}});
    long["journal"] = (1..=50).map(record).collect();
    long["more"] = json!(true);
    let world = world(&[long], &[]);
    run(&world);
    assert_eq!(world.ids().len(), 51);
    let settled = world.of(SETTLE);
    assert_eq!((&settled[3], &settled[4]), (&json!("2000050"), &Value::Null), "there may be more");
    assert_eq!(world.words.borrow().len(), 1);
}

#[test]
fn ably_is_told_under_the_same_ids_and_its_absence_holds_nobody_up() {
    let mut ably = cursor();
    (ably["subscription"]["id"], ably["subscription"]["kind"]) = (json!("ably"), json!("ably"));
    let well = world(&[ably.clone()], &[]);
    run(&well);
    assert_eq!(well.ids(), [id(1), id(2_000_001), id(2_000_002)]);
    let brought = well.brought.borrow();
    assert!(brought[0].url.starts_with("https://ably.test/channels/makegood%3A"), "{}", brought[0].url);
    assert!(brought[0].url.ends_with(&format!("%3A{}/messages", saga())), "{}", brought[0].url);
    assert_eq!(brought[0].kind, "makegood.saga.started.v1");

    let away = world(&[ably, cursor()], &[(503, "")]);
    run(&away);
    let told: Vec<String> = away
        .brought
        .borrow()
        .iter()
        .filter(|one| one.url == "https://hooks.test/in")
        .map(|one| one.id.clone())
        .collect();
    assert_eq!(told, [id(1), id(2_000_001), id(2_000_002)]);
    assert_eq!(away.of(FAIL)[0], "ably");
    assert_eq!(away.of(SETTLE)[0], "sub_1");
}

#[test]
fn a_trial_is_signed_and_says_what_came_of_it() {
    let subscription: Row = serde_json::from_value(row()).unwrap();
    let tried = |answers: &[(u16, &'static str)]| {
        let world = world(&[], answers);
        let settings = Settings::read(&world).unwrap();
        let tried = trial(&world, &settings, &subscription).now_or_never().unwrap().unwrap();
        assert_eq!(world.ids(), std::slice::from_ref(&tried.id));
        assert!(world.brought.borrow()[0].signature.starts_with("v1,"));
        assert!(world.written.borrow().is_empty(), "it changes nothing");
        (tried.taken, tried.why)
    };
    assert_eq!(tried(&[]), (true, None));
    assert_eq!(tried(&[(500, "")]), (false, Some("its address answered 500".to_owned())));
    assert_eq!(tried(&[(410, "")]), (false, Some("its address answered 410 Gone".to_owned())));
}

#[test]
fn without_a_key_there_are_no_secrets() {
    let host = World { values: Rc::default(), ..world(&[], &[]) };
    let means = Means::read(&host).unwrap();
    assert_eq!(means.secret("sub_1", 1).unwrap_err().code().as_str(), "unavailable");
    assert!(means.ably.is_none());
    let host =
        World { values: Rc::new(BTreeMap::from([("ably_url", "https://a.test"), ("ably_key", "hush")])), ..host };
    assert!(Means::read(&host).is_err(), "a key that is none is told");
}
