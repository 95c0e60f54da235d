//! Whole conversations over a host whose database is a few rows, under a clock of its own. Sagas are started and
//! asked things of; they are not carried out.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what is not as expected ends the test")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use makegood_edge::conversation::{Heard, hear, preview};
use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::time::Millis;
use makegood_edge::door::Principal;
use makegood_edge::futures_util::FutureExt;
use makegood_edge::gateway::{Request, Response, conversations, model_use, store};
use makegood_edge::http;
use makegood_edge::reading::Said;
use makegood_edge::serde_json::{self, Value, json};
use makegood_edge::{Bytes, FetchError, Host, Level, Settings};

/// Monday, 23 November 2026, 09:00 UTC.
const NOW: u64 = 1_795_424_400_000;
const TABLE: &str = "Book a table for 4 at Luigi's tomorrow at 7pm";
const EVENING: &str = "Book a table for 4 at Luigi's tomorrow at 7pm and get us a ride there";

type Answers = BTreeMap<(String, String), (String, Value)>;

#[derive(Clone, Default)]
struct Fake {
    rows: Rc<RefCell<BTreeMap<String, Row>>>,
    redis: Rc<RefCell<BTreeMap<String, String>>>,
    redis_is_away: Rc<Cell<bool>>,
    /// The sagas' plans: owner, key, request, steps' parameters, conversation.
    sagas: Rc<RefCell<Vec<Saga>>>,
    /// What was answered under keys: by owner and key, the conversation and the answer.
    answers: Rc<RefCell<Answers>>,
    /// What the queue was told.
    told: Rc<RefCell<Vec<Value>>>,
    /// What the next wishes come to.
    becomes: Rc<RefCell<Option<Value>>>,
    /// Another message of the same conversation comes between the next reading and its writing.
    outruns: Rc<Cell<bool>>,
    opened: Rc<Cell<u32>>,
    /// What the saga's story is.
    story: Rc<RefCell<Value>>,
    has_model: bool,
    /// What the model answers; nothing: it is silent.
    says: Rc<RefCell<VecDeque<&'static str>>>,
    /// What it was sent.
    sent: Rc<RefCell<Vec<Value>>>,
    now: Rc<Cell<u64>>,
    ids: Rc<Cell<u8>>,
}

#[derive(Clone)]
struct Row {
    owner: String,
    version: u32,
    state: Value,
    saga: Option<String>,
    wish_since: Option<u64>,
    expires_at: u64,
}

#[derive(Clone)]
struct Saga {
    id: String,
    owner: String,
    key: Option<String>,
    request: String,
    message: String,
    params: Vec<Value>,
    conversation: String,
}

/// The steps without those that stand in for another where it is refused, and what gathers these.
fn first_choices(nodes: &[Value]) -> impl Iterator<Item = &Value> {
    nodes.iter().filter(|node| node["instead_of"].is_null() && node["gather"].is_null())
}

impl Fake {
    fn new() -> Self {
        let fake = Self::default();
        fake.now.set(NOW);
        fake
    }

    fn with_model(says: &[&'static str]) -> Self {
        let fake = Self { has_model: true, ..Self::new() };
        fake.says.borrow_mut().extend(says);
        fake
    }

    fn try_say(&self, who: &str, body: &Value) -> Result<Heard, Error> {
        let settings = Settings::read(self).unwrap();
        let said: Said = serde_json::from_value(body.clone()).unwrap();
        let principal = Principal::new(who.to_owned());
        hear(self, &settings, &principal, &said).now_or_never().expect("nothing here waits")
    }

    fn say(&self, body: &Value) -> Value {
        self.try_say("ann", body).unwrap_or_else(|error| panic!("{body}: {error}")).body
    }

    /// Says these one after the other in one conversation, and answers with the last answer.
    fn talk(&self, messages: &[&str]) -> Value {
        let mut last = Value::Null;
        for message in messages {
            let conversation = last["conversation"].clone();
            last = self.say(&json!({"message": message, "conversation": conversation}));
        }
        last
    }

    fn row(&self) -> Row {
        self.rows.borrow().values().next().cloned().expect("there is a conversation")
    }

    /// What each started saga's steps have under a name.
    fn started(&self, name: &str) -> Vec<Vec<Value>> {
        self.sagas.borrow().iter().map(|saga| saga.params.iter().map(|params| params[name].clone()).collect()).collect()
    }

    fn answer(&self, sql: &str, params: &[Value]) -> Result<Value, &'static str> {
        let text = |at: usize| params[at].as_str().map(str::to_owned);
        let number = |at: usize| params[at].as_str().and_then(|text| text.parse::<u64>().ok());
        let value = |at: usize| serde_json::from_str::<Value>(params[at].as_str().unwrap()).unwrap();
        Ok(match sql {
            conversations::OPEN => {
                self.opened.set(self.opened.get() + 1);
                let (owner, now) = (text(0).unwrap(), number(4).unwrap());
                let answered = text(2).and_then(|key| self.answers.borrow().get(&(owner.clone(), key)).cloned());
                let id = answered.as_ref().map(|(conversation, _)| conversation.clone()).or(text(1));
                let row = id.and_then(|id| self.rows.borrow().get(&id).cloned());
                let row = row.filter(|row| row.owner == owner && (row.expires_at > now || row.wish_since.is_some()));
                let keyed = text(2).and_then(|key| {
                    let saga = self.sagas.borrow().iter().find(|saga| saga.owner == owner && saga.key.as_ref() == Some(&key)).cloned()?;
                    Some(json!({"saga": saga.id, "request": saga.request, "conversation": saga.conversation, "title": "The title", "confirm": null}))
                });
                let zone =
                    text(3).or_else(|| row.as_ref().and_then(|row| row.state["zone"].as_str().map(str::to_owned)));
                let offset = match zone.as_deref() {
                    None => None,
                    Some("Europe/Berlin") => Some(60),
                    Some(_) => return Err(conversations::NO_SUCH_ZONE),
                };
                let mut conversation = row.map(|row| {
                    json!({"version": row.version, "state": row.state, "saga": row.saga, "wish_since": row.wish_since, "expires_at": row.expires_at})
                });
                // A wish is settled as soon as somebody looks.
                if let (Some(conversation), Some(became)) = (&mut conversation, self.becomes.borrow().as_ref())
                    && conversation["state"]["wish"].is_object()
                {
                    let wish = &mut conversation["state"]["wish"];
                    wish["became"] = became.clone();
                    for (_, answer) in self.answers.borrow_mut().values_mut() {
                        if answer["wish"]["at"] == wish["at"] {
                            answer["wish"] = wish.clone();
                        }
                    }
                }
                let answered =
                    answered.map(|(conversation, answer)| json!({"conversation": conversation, "answer": answer}));
                json!({"conversation": conversation, "keyed": keyed, "answered": answered, "offset_minutes": offset})
            }
            conversations::SAVE => {
                let (id, version, now) = (text(0).unwrap(), number(2).unwrap(), number(5).unwrap());
                let old = self.rows.borrow().get(&id).cloned();
                let fits = old.as_ref().map_or(version == 0, |old| self.fits(old, version, now));
                let owner = text(1).unwrap();
                let keyed = text(8).map(|key| (owner.clone(), key));
                if !fits || keyed.as_ref().is_some_and(|keyed| self.answers.borrow().contains_key(keyed)) {
                    return Ok(json!(0));
                }
                if let Some(keyed) = keyed {
                    self.answers.borrow_mut().insert(keyed, (id.clone(), value(9)));
                }
                let row = Row {
                    owner,
                    version: u32::try_from(version).unwrap() + 1,
                    state: value(3),
                    saga: old.and_then(|old| old.saga),
                    wish_since: number(4),
                    expires_at: number(6).unwrap(),
                };
                self.rows.borrow_mut().insert(id, row);
                json!(version + 1)
            }
            store::TOOLS => tools(),
            model_use::NOTE => json!(true),
            store::FOLLOW => self.story.borrow().clone(),
            _ => self.start(sql, params),
        })
    }

    fn start(&self, sql: &str, params: &[Value]) -> Value {
        assert!(sql.contains("create_saga_3"), "{sql}");
        let text = |at: usize| params[at].as_str().map(str::to_owned);
        let (id, version) = (text(13).unwrap(), text(14).unwrap().parse().unwrap());
        let old = self.rows.borrow().get(&id).cloned();
        if !old.as_ref().map_or(version == 0, |old| self.fits(old, version, self.now.get())) {
            return json!({"lost": true});
        }
        let nodes: Vec<Value> = serde_json::from_str(params[6].as_str().unwrap()).unwrap();
        let saga = Saga {
            id: text(0).unwrap(),
            owner: text(1).unwrap(),
            key: text(2),
            request: text(11).unwrap(),
            message: text(4).unwrap(),
            params: first_choices(&nodes).map(|node| node["params"].clone()).collect(),
            conversation: id.clone(),
        };
        let row = Row {
            owner: saga.owner.clone(),
            version: u32::try_from(version).unwrap() + 1,
            state: serde_json::from_str(params[15].as_str().unwrap()).unwrap(),
            saga: Some(saga.id.clone()),
            wish_since: old.and_then(|old| old.wish_since),
            expires_at: text(16).unwrap().parse().unwrap(),
        };
        let answer = json!({"saga": {"id": saga.id, "created": true, "same": true}, "lost": false, "conversation": id});
        self.rows.borrow_mut().insert(id, row);
        self.sagas.borrow_mut().push(saga);
        answer
    }

    /// Whether a version is still that of the row. Another message may come first, once.
    fn fits(&self, old: &Row, version: u64, now: u64) -> bool {
        if self.outruns.take() {
            for row in self.rows.borrow_mut().values_mut() {
                row.version += 1;
            }
            return false;
        }
        u64::from(old.version) == version && old.expires_at > now
    }
}

impl Host for Fake {
    async fn fetch(&self, request: Request, timeout: Millis) -> Result<Response, FetchError> {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let answer = match request.uri().host().unwrap() {
            "model.test" => {
                self.sent.borrow_mut().push(body);
                let Some(said) = self.says.borrow_mut().pop_front() else {
                    self.now.set(self.now.get() + timeout.0);
                    return Err(FetchError::Unknown("too slow".to_owned()));
                };
                json!({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]})
            }
            "redis.test" if self.redis_is_away.get() => return Err(FetchError::NotSent("no route".to_owned())),
            "redis.test" => {
                let words: Vec<&str> = body.as_array().unwrap().iter().filter_map(Value::as_str).collect();
                let result = match words[..] {
                    ["GET", key] => json!(self.redis.borrow().get(key)),
                    ["SET", key, value, "PX", "3600000"] => {
                        self.redis.borrow_mut().insert(key.to_owned(), value.to_owned());
                        json!("OK")
                    }
                    _ => panic!("{words:?}"),
                };
                json!({"result": result})
            }
            "queue.test" => {
                self.told.borrow_mut().push(body);
                json!({"messageId": "m"})
            }
            "db.test" => {
                let sql = body["query"].as_str().unwrap();
                match self.answer(sql, body["params"].as_array().unwrap()) {
                    Ok(value) => {
                        json!({"rows": [[Some(value).filter(|value| !value.is_null()).map(|value| value.to_string())]]})
                    }
                    Err(code) => {
                        let refused = json!({"message": "no", "code": code}).to_string();
                        return Ok(http::Response::builder().status(400).body(Bytes::from(refused)).unwrap());
                    }
                }
            }
            other => panic!("{other}"),
        };
        Ok(Response::new(Bytes::from(answer.to_string())))
    }

    fn now(&self) -> Millis {
        Millis(self.now.get())
    }

    fn random(&self) -> [u8; 16] {
        self.ids.set(self.ids.get() + 1);
        [self.ids.get(); 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        let value = match name {
            "database_http_url" => "https://db.test/sql",
            "redis_rest_url" => "https://redis.test",
            "qstash_url" => "https://queue.test",
            "public_url" => "https://here.test",
            "model_url" if self.has_model => "https://model.test/v1",
            "model_name" if self.has_model => "large",
            _ => return None,
        };
        Some(value.to_owned())
    }

    async fn sleep(&self, span: Millis) {
        self.now.set(self.now.get() + span.0);
    }

    fn log(&self, _: Level, _: &str) {}
}

fn tools() -> Value {
    let tool = |name: &str, class: &str, output: Value| {
        json!({"name": name, "version": "1", "title": name, "description": "", "class": class,
            "repeat": {"keyed": {"ttl_ms": 1000}}, "status": true, "fence": true, "timeout_ms": 1000, "estimate_ms": 10,
            "input": {"type": "object"}, "output": output})
    };
    let any = json!({"type": "object"});
    json!({
        "book_restaurant_table": tool("book_restaurant_table", "compensatable",
            json!({"type": "object", "properties": {"address": {"type": "string"}}, "required": ["address"]})),
        "request_ride": tool("request_ride", "compensatable", any.clone()),
        "authorise_payment": tool("authorise_payment", "compensatable", json!({"type": "object", "properties": {"payment_id": {"type": "string"}}, "required": ["payment_id"]})),
        "capture_payment": tool("capture_payment", "pivot", any.clone()),
        "send_message": tool("send_message", "pivot", any.clone()),
        "get_weather_data": tool("get_weather_data", "query",
            json!({"type": "object", "properties": {"best": {"type": "string"}}, "required": ["best"]})),
    })
}

#[test]
fn a_question_that_is_answered_later_completes_the_plan() {
    let fake = Fake::new();
    let asked = fake.talk(&["Book a table at Luigi's tomorrow"]);
    assert_eq!(
        (&asked["turn"], &asked["band"], &asked["kind"]),
        (&json!("asked"), &json!("clarify"), &json!("question"))
    );
    let names: Vec<&str> =
        asked["missing"].as_array().unwrap().iter().filter_map(|gap| gap["parameter"].as_str()).collect();
    assert_eq!((names, &asked["question"]), (vec!["party_size", "time"], &asked["say"]), "{asked:#}");
    assert!(fake.sagas.borrow().is_empty());
    let next = |message: &str| fake.say(&json!({"message": message, "conversation": asked["conversation"]}));
    assert_eq!(next("at seven in the evening")["turn"], "asked");
    let done = next("for four");
    assert_eq!(
        (&done["turn"], &done["band"], &done["conversation"]),
        (&json!("started"), &json!("act"), &asked["conversation"]),
        "{done:#}"
    );
    assert_eq!((fake.started("party_size"), fake.started("time")), (vec![vec![json!(4)]], vec![vec![json!("19:00")]]));
    assert_eq!(fake.sagas.borrow()[0].message, "Book a table at Luigi's tomorrow\nat seven in the evening\nfor four");
    let row = fake.row();
    assert_eq!(
        (row.version, row.state["said"].is_null(), row.saga),
        (3, true, done["saga"].as_str().map(str::to_owned))
    );
}

/// Below the band that acts, by four things that are assumed.
const UNSURE: &str = "Bok a tabel for 4 at Luigi's tomorow at 7";

#[test]
fn a_plan_that_is_not_sure_waits_for_a_yes_and_is_carried_out_as_it_was_shown() {
    for (yes, expected) in [("yes", 4), ("Ja, bitte", 4), ("sí", 4), ("make it six", 6)] {
        let fake = Fake::new();
        let shown = fake.talk(&[UNSURE]);
        assert_eq!((&shown["turn"], &shown["band"]), (&json!("confirm"), &json!("confirm")), "{shown:#}");
        assert!(
            shown["plan"]["steps"][0]["params"]["party_size"] == 4 && shown["say"].as_str().unwrap().contains("yes"),
            "{shown:#}"
        );
        assert!(fake.sagas.borrow().is_empty());
        let mut then = fake.say(&json!({"message": yes, "conversation": shown["conversation"]}));
        if then["turn"] == "confirm" {
            // It is no surer for having been corrected.
            assert_eq!(then["plan"]["steps"][0]["params"]["party_size"], expected);
            then = fake.say(&json!({"message": "yes", "conversation": shown["conversation"]}));
        }
        assert_eq!(then["turn"], "started", "{then:#}");
        assert_eq!(fake.started("party_size"), [[json!(expected)]], "{yes}");
    }
    for no in ["no", "nein danke", "forget it", "olvídalo"] {
        let fake = Fake::new();
        let then = fake.talk(&[UNSURE, no]);
        assert_eq!((&then["turn"], fake.sagas.borrow().len()), (&json!("dropped"), 0), "{no}: {then:#}");
        // What was given up is not there for a late yes.
        let late = fake.say(&json!({"message": "yes", "conversation": then["conversation"]}));
        assert_eq!((&late["turn"], fake.sagas.borrow().len()), (&json!("unclear"), 0), "{late:#}");
    }
}

#[test]
fn what_is_said_of_a_saga_is_asked_of_it_and_what_became_of_it_told() {
    for (said, asked, turn) in [
        ("cancel it", json!("cancel"), "cancelled"),
        ("forget it", json!("cancel"), "cancelled"),
        ("Storniere alles", json!("cancel"), "cancelled"),
        ("forget the ride", json!(1), "changed"),
        ("vergiss das Taxi", json!(1), "changed"),
        ("make it six people", json!(2), "changed"),
        ("and text Sam the details", json!(3), "changed"),
    ] {
        let fake = Fake::new();
        let started = fake.talk(&[EVENING]);
        *fake.becomes.borrow_mut() = Some(json!("heard"));
        let then = fake.say(&json!({"message": said, "conversation": started["conversation"]}));
        assert_eq!(
            (&then["turn"], &then["became"], &then["saga"]),
            (&json!(turn), &json!("heard"), &started["saga"]),
            "{said}: {then:#}"
        );
        let state = fake.row().state;
        let what = &state["wish"]["what"];
        assert_eq!(
            what["change"]["steps"].as_array().map_or_else(|| what.clone(), |steps| json!(steps.len())),
            asked,
            "{said}"
        );
        assert_eq!((fake.sagas.borrow().len(), fake.row().wish_since), (1, state["wish"]["at"].as_u64()), "{said}");
        let word = fake.told.borrow().last().cloned().unwrap();
        assert_eq!(
            (&word["conversation"], &word["owner"], &word["at"]),
            (&started["conversation"], &json!("ann"), &state["wish"]["at"])
        );
    }
    for (became, word) in
        [("completed", "completed"), ("past", "no return"), ("stuck", "stuck"), ("made_good", "undone already")]
    {
        let fake = Fake::new();
        let started = fake.talk(&[EVENING]);
        *fake.becomes.borrow_mut() = Some(json!(became));
        let then = fake.say(&json!({"message": "make it six people", "conversation": started["conversation"]}));
        assert_eq!((&then["turn"], &then["became"]), (&json!("unchanged"), &json!(became)), "{then:#}");
        assert!(then["say"].as_str().unwrap().contains(word), "{then:#}");
    }
    // The queue has not come round to it: it stays asked.
    let fake = Fake::new();
    let started = fake.talk(&[EVENING]);
    let heard = fake.try_say("ann", &json!({"message": "cancel it", "conversation": started["conversation"]})).unwrap();
    assert_eq!((heard.status, &heard.body["turn"], heard.body["became"].is_null()), (202, &json!("cancelled"), true));
    assert!(heard.body["say"].as_str().unwrap().contains("stays asked"), "{:#}", heard.body);
}

#[test]
fn a_wish_of_its_own_starts_a_saga_of_its_own_and_the_first_is_left_alone() {
    let fake = Fake::new();
    let then = fake.talk(&[TABLE, "Pay Anna 25 dollars"]);
    assert_eq!((&then["turn"], fake.sagas.borrow().len()), (&json!("started"), 2), "{then:#}");
    assert!(fake.row().state["wish"].is_null());
    // What is not understood is not asked of the saga, and says that it goes on.
    let unread = fake.say(&json!({"message": "wibble the frobnicator", "conversation": then["conversation"]}));
    assert_eq!((&unread["turn"], &unread["saga"]), (&json!("unclear"), &then["saga"]));
    assert!(unread["say"].as_str().unwrap().contains(then["saga"].as_str().unwrap()), "{unread:#}");
}

#[test]
fn a_conversation_is_its_owners_alone_and_ends() {
    let fake = Fake::new();
    let asked = fake.talk(&["Book a table at Luigi's tomorrow"]);
    let next = json!({"message": "at seven", "conversation": asked["conversation"]});
    let error = fake.try_say("bob", &next).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    // The same words as for one that never was.
    let never = json!({"message": "at seven", "conversation": "cv_00000000000000000000000000"});
    assert_eq!(fake.try_say("bob", &never).unwrap_err(), error);
    // Nothing of it was changed, in Redis neither.
    assert_eq!(fake.row().version, 1);
    fake.rows.borrow_mut().values_mut().for_each(|row| row.expires_at = NOW);
    assert_eq!(fake.try_say("ann", &next).unwrap_err().code(), Code::NotFound, "the copy is no conversation");
}

#[test]
fn redis_may_lose_everything_or_be_old_or_away() {
    let ask = |fake: &Fake, conversation: &Value, message: &str| {
        fake.say(&json!({"message": message, "conversation": conversation}))
    };
    for between in ["nothing", "flushed", "old", "away", "nonsense"] {
        let fake = Fake::new();
        let first = fake.talk(&["Book a table at Luigi's tomorrow"]);
        let old = fake.redis.borrow().clone();
        ask(&fake, &first["conversation"], "at seven in the evening");
        match between {
            "flushed" => fake.redis.borrow_mut().clear(),
            "old" => *fake.redis.borrow_mut() = old,
            "away" => fake.redis_is_away.set(true),
            "nonsense" => fake.redis.borrow_mut().values_mut().for_each(|copy| *copy = "{".to_owned()),
            _ => {}
        }
        let opened = fake.opened.get();
        let done = ask(&fake, &first["conversation"], "for four");
        assert_eq!(done["turn"], "started", "{between}: {done:#}");
        assert_eq!(
            (fake.started("party_size"), fake.started("time")),
            (vec![vec![json!(4)]], vec![vec![json!("19:00")]]),
            "{between}"
        );
        assert_eq!(
            fake.opened.get() - opened,
            u32::from(between != "nothing"),
            "{between}: a good copy spares the reading"
        );
    }
}

#[test]
fn of_two_messages_at_once_neither_is_lost() {
    let fake = Fake::new();
    let asked = fake.talk(&["Book a table at Luigi's tomorrow"]);
    fake.outruns.set(true);
    let next = fake.say(&json!({"message": "at seven in the evening", "conversation": asked["conversation"]}));
    assert_eq!(next["turn"], "asked");
    fake.outruns.set(true);
    let done = fake.say(&json!({"message": "for four", "conversation": asked["conversation"]}));
    assert_eq!((&done["turn"], fake.sagas.borrow().len()), (&json!("started"), 1), "{done:#}");
}

#[test]
fn a_message_that_comes_twice_under_its_key_is_answered_twice_and_done_once() {
    let fake = Fake::new();
    let asked = fake.say(&json!({"message": "Book a table at Luigi's tomorrow", "key": "1"}));
    let conversation = &asked["conversation"];
    let time = json!({"message": "at seven in the evening", "key": "2", "conversation": conversation});
    assert_eq!(fake.say(&time), fake.say(&time), "a question is asked again");
    assert_eq!(fake.row().version, 2);
    let four = json!({"message": "for four", "key": "3", "conversation": conversation});
    let (first, again) = (fake.say(&four), fake.say(&four));
    assert_eq!((&first["saga"], &first["created"], &again["created"]), (&again["saga"], &json!(true), &json!(false)));
    assert_eq!((&again["conversation"], fake.sagas.borrow().len()), (conversation, 1));
    *fake.becomes.borrow_mut() = Some(json!("heard"));
    let cancel = json!({"message": "cancel it", "key": "4", "conversation": conversation});
    let (first, again) = (fake.say(&cancel), fake.say(&cancel));
    assert_eq!((&first["turn"], &first["became"], &first["say"]), (&again["turn"], &again["became"], &again["say"]));
    let words = fake.told.borrow().iter().filter(|word| word["at"].is_u64()).count();
    assert_eq!(words, 1, "it was asked of the saga once");
    for (key, message) in [("3", "for five"), ("4", "make it six")] {
        let other = json!({"message": message, "key": key, "conversation": conversation});
        assert_eq!(fake.try_say("ann", &other).unwrap_err().code(), Code::KeyReused, "{key}");
    }
}

#[test]
fn a_key_is_good_for_its_message_whatever_was_said_since() {
    let fake = Fake::new();
    let begins = json!({"message": "Book a table at Luigi's tomorrow", "key": "0"});
    let asked = fake.say(&begins);
    assert_eq!((fake.say(&begins), fake.rows.borrow().len()), (asked, 1), "it began one conversation");

    let fake = Fake::new();
    let started = fake.talk(&[EVENING]);
    *fake.becomes.borrow_mut() = Some(json!("heard"));
    let say = |key: &str, message: &str| {
        fake.say(&json!({"message": message, "key": key, "conversation": started["conversation"]}))
    };
    let first = say("1", "and pay Anna 25 dollars");
    assert_eq!((&first["turn"], &first["became"]), (&json!("changed"), &json!("heard")), "{first:#}");
    assert_eq!(say("2", "make it six people")["turn"], "changed");
    say("3", "wibble the frobnicator");
    let (version, words) = (fake.row().version, fake.told.borrow().len());
    for _ in 0..2 {
        let late = say("1", "and pay Anna 25 dollars");
        for field in ["turn", "became", "say", "saga", "conversation"] {
            assert_eq!(late[field], first[field], "{late:#}");
        }
    }
    assert_eq!((fake.row().version, fake.told.borrow().len()), (version, words), "it was asked of the saga once");
    // Also where the repeat does not say which conversation.
    assert_eq!(fake.say(&json!({"message": "and pay Anna 25 dollars", "key": "1"}))["say"], first["say"]);
    let other = json!({"message": "and pay Ben 25 dollars", "key": "1", "conversation": started["conversation"]});
    assert_eq!(fake.try_say("ann", &other).unwrap_err().code(), Code::KeyReused);
}

#[test]
fn what_an_earlier_build_answered_under_a_key_is_answered_so_still() {
    let fake = Fake::new();
    let asked = fake.talk(&["Book a table at Luigi's tomorrow"]);
    for row in fake.rows.borrow_mut().values_mut() {
        row.state["last"] = json!({"key": "old", "message": "at seven", "answer": [200, {"say": "As it was."}]});
    }
    let again = json!({"message": "at seven", "key": "old", "conversation": asked["conversation"]});
    assert_eq!((&fake.say(&again)["say"], fake.row().version), (&json!("As it was."), 1));
}

#[test]
fn zone_and_locale_are_said_once() {
    let fake = Fake::new();
    // 23:30 in Greenwich, and tomorrow in Berlin.
    fake.now.set(NOW + 14 * 3_600_000 + 1_800_000);
    let asked = fake.say(&json!({"message": "Wie wird das Wetter?", "time_zone": "Europe/Berlin", "locale": "de-DE"}));
    let conversation = &asked["conversation"];
    fake.say(&json!({"message": "How is the weather in Rome today?", "conversation": conversation}));
    assert_eq!(fake.started("date"), [[json!("2026-11-24")]], "{asked:#}");
    let no = fake.say(&json!({"message": "nein", "conversation": conversation}));
    assert!(no["say"].as_str().unwrap().starts_with("Nichts wartet"), "{no:#}");
    // Said again otherwise, it holds from then on; also where the copy is gone.
    fake.say(
        &json!({"message": "How is the weather in Rome today?", "conversation": conversation, "time_zone": "-05:00"}),
    );
    fake.redis.borrow_mut().clear();
    fake.say(&json!({"message": "How is the weather in Rome today?", "conversation": conversation}));
    assert_eq!(fake.started("date")[1..], [[json!("2026-11-23")], [json!("2026-11-23")]]);
    for wrong in [
        json!({"message": "x", "time_zone": "Europe/Nowhere"}),
        json!({"message": "x", "time_zone": "Berlin"}),
        json!({"message": "x", "time_zone": "UTC", "utc_offset_minutes": 0}),
        json!({"message": "x", "locale": "??"}),
    ] {
        assert_eq!(fake.try_say("ann", &wrong).unwrap_err().code(), Code::InvalidRequest, "{wrong}");
    }
}

#[test]
fn more_than_is_kept_is_said_and_nothing_is_done() {
    let fake = Fake::new();
    let asked = fake.talk(&["Book a table at Luigi's tomorrow"]);
    let ask = |message: &str| fake.say(&json!({"message": message, "conversation": asked["conversation"]}));
    let mut last = Value::Null;
    for turn in 0..25 {
        last = ask(if turn % 2 == 0 { "on Friday" } else { "on Saturday" });
    }
    assert!(last["turn"] == "unclear" && last["say"].as_str().unwrap().contains("in one message"), "{last:#}");
    assert!(fake.sagas.borrow().is_empty());
    // A whole wish is none too many.
    assert_eq!(ask(TABLE)["turn"], "started");
}

#[test]
fn a_preview_says_what_would_be_and_writes_nothing() {
    let fake = Fake::new();
    let started = fake.talk(&[EVENING]);
    let before = fake.row();
    let settings = Settings::read(&fake).unwrap();
    let ann = Principal::new("ann".to_owned());
    let look = |body: Value| {
        let said: Said = serde_json::from_value(body).unwrap();
        preview(&fake, &settings, &ann, &said).now_or_never().unwrap().unwrap()
    };
    for (message, turn) in [
        ("forget the ride", "changed"),
        ("cancel it", "cancelled"),
        ("Pay Anna 25 dollars", "started"),
        (UNSURE, "confirm"),
    ] {
        let would = look(json!({"message": message, "conversation": started["conversation"]}));
        assert_eq!(would["turn"], turn, "{message}: {would:#}");
    }
    let alone = look(json!({"message": TABLE}));
    assert_eq!((&alone["kind"], alone["conversation"].is_null()), (&json!("plan"), true), "{alone:#}");
    assert_eq!((fake.row().version, fake.rows.borrow().len(), fake.sagas.borrow().len()), (before.version, 1, 1));
}

/// What no grammar reads, what a model asks of it, and what it plans.
const STRANGE: &str = "Wibble the frobnicator, my dear";
const ASKS: &str = r#"{"steps":[],"question":"For how many?"}"#;
const PLANS: &str = r#"{"steps":[
    {"id":"t","tool":"book_restaurant_table","params":{"restaurant":"Luigi's","party_size":6}},
    {"id":"r","tool":"request_ride","params":{"destination":"$t.address"}}]}"#;

#[test]
fn what_a_model_asks_is_answered_by_the_next_message_and_it_is_told_both() {
    for reply in ["six", "yes", "no", "at seven in the evening"] {
        let fake = Fake::with_model(&[ASKS, PLANS]);
        let asked = fake.talk(&[STRANGE]);
        assert_eq!((&asked["turn"], &asked["say"]), (&json!("asked"), &json!("For how many?")), "{asked:#}");
        let started = fake.say(&json!({"message": reply, "conversation": asked["conversation"]}));
        assert_eq!((&started["turn"], &started["confirm"]["step"]), (&json!("started"), &json!("t")), "{started:#}");
        let sent = fake.sent.borrow();
        let told = sent[1]["messages"].as_array().unwrap();
        let roles: Vec<&str> = told.iter().filter_map(|message| message["role"].as_str()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "user"]);
        for (message, part) in told[1..].iter().zip([STRANGE, "For how many?", reply]) {
            assert!(message["content"].as_str().unwrap().contains(part), "{message:#}");
        }
        assert!(fake.sagas.borrow()[0].message.starts_with(STRANGE));
        assert!(fake.row().state["questions"].is_null(), "it is open no more");
    }
    // Two questions, one after the other.
    let fake = Fake::with_model(&[ASKS, r#"{"steps":[],"question":"Where?"}"#, PLANS]);
    let started = fake.talk(&[STRANGE, "six", "Luigi's"]);
    assert_eq!(started["turn"], "started", "{started:#}");
    assert_eq!(fake.sent.borrow()[2]["messages"].as_array().map(Vec::len), Some(6));
    assert_eq!(fake.sagas.borrow()[0].message, format!("{STRANGE}\nsix\nLuigi's"));
}

#[test]
fn where_no_model_helps_with_the_answer_it_is_what_it_would_be_without_one() {
    let after = |reply: &str| {
        let fake = Fake::with_model(&[ASKS, "{}"]);
        let turn = fake.talk(&[STRANGE, reply])["turn"].clone();
        let asked = fake.sent.borrow().len();
        (turn, asked)
    };
    assert_eq!(after("yes"), (json!("unclear"), 2));
    assert_eq!(after("no"), (json!("dropped"), 2));
    assert_eq!(after("forget it"), (json!("dropped"), 1));
    assert_eq!(after(TABLE), (json!("started"), 1), "a wish of its own is no answer");
}

#[test]
fn however_often_a_message_is_read_a_model_is_asked_once_and_waited_for_once() {
    for (says, turn, span) in [(&[PLANS, PLANS][..], "started", 0), (&[][..], "unclear", 7_000)] {
        let fake = Fake::with_model(&["{}"]);
        let first = fake.talk(&["Hallo?"]);
        let (asked, began) = (fake.sent.borrow().len(), fake.now.get());
        *fake.says.borrow_mut() = says.iter().copied().collect();
        fake.outruns.set(true);
        let read = fake.say(&json!({"message": STRANGE, "conversation": first["conversation"]}));
        assert_eq!((&read["turn"], fake.outruns.get()), (&json!(turn), false), "{read:#}");
        assert_eq!((fake.sent.borrow().len(), fake.now.get()), (asked + 1, began + span));
    }
}

#[test]
fn a_models_plan_is_said_with_what_it_is_made_with_and_waits_for_a_yes_that_came_in_time() {
    let fake = Fake::with_model(&[PLANS]);
    let started = fake.talk(&[STRANGE]);
    let said = started["say"].as_str().unwrap();
    for part in ["restaurant: Luigi's", "party_size: 6", "destination: what “book_restaurant_table” gives (address)"]
    {
        assert!(said.contains(part), "{said}");
    }
    let yes = || fake.say(&json!({"message": "yes", "conversation": started["conversation"]}));
    let words = || fake.told.borrow().iter().filter(|word| word["at"].is_u64()).count();
    *fake.becomes.borrow_mut() = Some(json!("early"));
    let early = yes();
    assert_eq!((&early["turn"], &early["became"], words()), (&json!("unchanged"), &json!("early"), 1), "{early:#}");
    assert!(early["say"].as_str().unwrap().contains("say it again"), "{early:#}");
    *fake.becomes.borrow_mut() = Some(json!("heard"));
    let heard = yes();
    assert_eq!((&heard["turn"], &heard["became"], words()), (&json!("decided"), &json!("heard"), 2), "{heard:#}");
    assert_eq!((&yes()["turn"], words()), (&json!("unclear"), 2), "it has been said");
}

/// A plan whose first effect is made with what a query gives.
const SEEKS: &str = r#"{"steps":[
    {"id":"w","tool":"get_weather_data","params":{}},
    {"id":"t","tool":"book_restaurant_table","params":{"restaurant":"$w.best"}}]}"#;

#[test]
fn what_a_query_gave_is_shown_before_a_yes_to_it_counts() {
    let fake = Fake::with_model(&[SEEKS]);
    let started = fake.talk(&[STRANGE]);
    assert!(started["say"].as_str().unwrap().contains("what “get_weather_data” gives (best)"), "{started:#}");
    let asks = |restaurant: &str, hash: u64| {
        let node = |ix: u32, id: &str, tool: &str, class: &str| json!({"ix": ix, "id": id, "tool": tool, "version": "1", "class": class});
        *fake.story.borrow_mut() = json!({
            "id": started["saga"], "owner": "ann", "title": "", "message": null, "phase": "forward", "version": 3,
            "created_at": NOW, "updated_at": NOW, "wake_at": null,
            "counters": {"invocations": 1, "commits": 2, "calls": 1, "bytes_read": 0, "bytes_written": 0, "sweeps": 0},
            "nodes": [node(0, "w", "get_weather_data", "query"), node(1, "t", "book_restaurant_table", "compensatable")],
            "journal": [{"seq": 1, "record": {"at": NOW, "inv": 1, "type": "asked", "node": 1, "hash": hash,
                "params": {"restaurant": restaurant}, "until": NOW + 3_600_000}}],
        });
    };
    let yes = || fake.say(&json!({"message": "yes", "conversation": started["conversation"]}));
    *fake.becomes.borrow_mut() = Some(json!("heard"));
    for (restaurant, hash) in [("Luigi's", 7), ("Sakura", u64::MAX)] {
        asks(restaurant, hash);
        let shown = yes();
        assert_eq!(shown["turn"], "confirm", "{shown:#}");
        assert!(shown["say"].as_str().unwrap().contains(&format!("restaurant: {restaurant}")), "{shown:#}");
        assert!(fake.row().state["wish"].is_null(), "nothing was agreed to");
    }
    let agreed = yes();
    assert_eq!((&agreed["turn"], &agreed["became"]), (&json!("decided"), &json!("heard")), "{agreed:#}");
    assert_eq!(fake.row().state["wish"]["what"]["decide"]["hash"], u64::MAX);
}
