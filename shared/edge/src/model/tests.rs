//! Whole consultations over a host whose models say what a test tells them to, under a clock of its own.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bytes::Bytes;
use futures_util::FutureExt;
use makegood_core::proposal::{By, Cache, Proposal, Provenance, Rule};
use makegood_core::time::Millis;
use makegood_gateway::Response;
use serde_json::{Value, json};

use super::{Consulted, Exchange, Models, Reader, consult};
use crate::host::{FetchError, Host, Level};
use crate::isolate::Isolate;
use crate::settings::Settings;

const GOOD: &str = r#"{"summary":"","steps":[{"id":"t","tool":"book","params":{"people":2}}]}"#;
const BAD: &str = r#"{"summary":"","steps":[{"id":"t","tool":"book","params":{"people":99}}]}"#;

/// What a model does when it is asked.
#[derive(Clone)]
enum Does {
    Says(&'static str),
    Status(u16, &'static [(&'static str, &'static str)]),
    /// It takes so long.
    Takes(u64, &'static str),
    Refuses,
    Cuts,
    Unreachable,
}

#[derive(Clone, Default)]
struct Fake {
    values: Rc<BTreeMap<&'static str, &'static str>>,
    isolate: Rc<Isolate>,
    first: Rc<RefCell<VecDeque<Does>>>,
    second: Rc<RefCell<VecDeque<Does>>>,
    redis: Rc<RefCell<BTreeMap<String, String>>>,
    redis_is_away: Rc<Cell<bool>>,
    /// What a model asked before.
    questions: Rc<RefCell<Vec<Exchange>>>,
    now: Rc<Cell<u64>>,
    slept: Rc<RefCell<Vec<u64>>>,
    /// Host and body of every request.
    sent: Rc<RefCell<Vec<(String, Value)>>>,
    /// The statement that counts what was used.
    noted: Rc<RefCell<Vec<Value>>>,
}

impl Fake {
    fn with(first: &[Does], second: &[Does]) -> Self {
        let values = [
            ("database_http_url", "https://db.test/sql"),
            ("redis_rest_url", "https://redis.test"),
            ("model_url", "https://one.test/v1"),
            ("model_name", "one"),
            ("model_price", "1/2"),
            ("fallback_model_url", "https://two.test/v1"),
            ("fallback_model_name", "two"),
            ("model_timeout_ms", "8000"),
        ];
        let fake = Self { values: Rc::new(values.into()), ..Self::default() };
        fake.first.borrow_mut().extend(first.iter().cloned());
        fake.second.borrow_mut().extend(second.iter().cloned());
        fake
    }

    /// Has a message read.
    fn consult(&self) -> Consulted {
        self.consult_as(|_| {})
    }

    fn consult_as(&self, change: impl Fn(&mut Models)) -> Consulted {
        let settings = Settings::read(self).unwrap();
        let mut models = Models::read(self).unwrap();
        change(&mut models);
        let until = self.now() + models.patience;
        let questions = self.questions.borrow();
        let reader = Reader {
            message: "Do it",
            questions: &questions,
            now: Millis(0),
            utc_offset_minutes: 0,
            user: "Ann",
            until,
            trace: None,
        };
        let consulted = consult(self, &settings, &models, &reader, None, "ann", "because").now_or_never();
        consulted.expect("nothing here waits").unwrap()
    }

    /// How often each model was asked.
    fn asked(&self) -> [usize; 2] {
        let of = |host: &str| self.sent.borrow().iter().filter(|(to, _)| to == host).count();
        [of("one.test"), of("two.test")]
    }

    fn model(&self, does: Option<Does>, timeout: Millis) -> Result<Response, FetchError> {
        let said = |message: Value, finish: &str| {
            json!({"choices": [{"message": message, "finish_reason": finish}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10}})
        };
        let text = |text: &str| said(json!({"content": text}), "stop");
        let mut took = 40;
        let mut response = http::Response::builder();
        let body = match does.expect("a model is asked no oftener than the test says") {
            Does::Says(answer) => text(answer),
            Does::Refuses => said(json!({"content": null, "refusal": "No."}), "stop"),
            Does::Cuts => said(json!({"content": "{\"ste"}), "length"),
            Does::Takes(span, answer) => {
                took = span;
                text(answer)
            }
            Does::Unreachable => return Err(FetchError::NotSent("no route".to_owned())),
            Does::Status(status, headers) => {
                response = response.status(status);
                for (name, value) in headers {
                    response = response.header(*name, *value);
                }
                json!({"error": {"message": "No.", "code": null}})
            }
        };
        self.now.set(self.now.get() + took.min(timeout.0));
        if took > timeout.0 {
            return Err(FetchError::Unknown("too slow".to_owned()));
        }
        Ok(response.body(Bytes::from(body.to_string())).unwrap())
    }

    fn redis(&self, words: &[String]) -> Value {
        match words {
            [get, key] if get == "GET" => json!(self.redis.borrow().get(key)),
            [set, key, value, px, span] if set == "SET" && px == "PX" && span == "3600000" => {
                self.redis.borrow_mut().insert(key.clone(), value.clone());
                json!("OK")
            }
            other => panic!("{other:?}"),
        }
    }
}

fn tools() -> Value {
    let tool = |name: &str| {
        json!({
            "name": name, "version": "1", "title": "To book", "description": "Books.", "class": "compensatable",
            "repeat": {"keyed": {"ttl_ms": 1000}}, "status": true, "fence": true, "timeout_ms": 1000, "estimate_ms": 10,
            "input": {"type": "object", "properties": {"people": {"type": "integer", "maximum": 20}}},
            "output": {"type": "object"},
        })
    };
    json!({"book": tool("book"), "wipe": tool("wipe"), "run_saga": tool("run_saga")})
}

impl Host for Fake {
    fn isolate(&self) -> Rc<Isolate> {
        Rc::clone(&self.isolate)
    }

    async fn fetch(&self, request: makegood_gateway::Request, timeout: Millis) -> Result<Response, FetchError> {
        let to = request.uri().host().unwrap().to_owned();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        self.sent.borrow_mut().push((to.clone(), body.clone()));
        match to.as_str() {
            "one.test" => {
                let does = self.first.borrow_mut().pop_front();
                return self.model(does, timeout);
            }
            "two.test" => {
                let does = self.second.borrow_mut().pop_front();
                return self.model(does, timeout);
            }
            "redis.test" if self.redis_is_away.get() => return Err(FetchError::NotSent("away".to_owned())),
            "redis.test" => {
                let words: Vec<String> = serde_json::from_value(body).unwrap();
                return Ok(Response::new(Bytes::from(json!({"result": self.redis(&words)}).to_string())));
            }
            _ => {}
        }
        let answer = if body["query"] == makegood_gateway::store::TOOLS {
            tools()
        } else {
            assert_eq!(body["query"], makegood_gateway::model_use::NOTE);
            self.noted.borrow_mut().push(serde_json::from_str(body["params"][1].as_str().unwrap()).unwrap());
            json!(true)
        };
        Ok(Response::new(Bytes::from(json!({"rows": [[answer.to_string()]]}).to_string())))
    }

    async fn fetch_pieces(
        &self,
        request: makegood_gateway::Request,
        silence: Millis,
        timeout: Millis,
    ) -> Result<Response, FetchError> {
        let whole = self.fetch(request, silence.min(timeout)).await?;
        if !whole.status().is_success() {
            return Ok(whole);
        }
        let mut body: Value = serde_json::from_slice(whole.body()).unwrap();
        let choice = &mut body["choices"][0];
        choice["delta"] = choice["message"].take();
        let pieces = Bytes::from(format!("data: {body}\n\ndata: [DONE]\n\n"));
        Ok(http::Response::builder().header("content-type", "text/event-stream").body(pieces).unwrap())
    }

    fn now(&self) -> Millis {
        Millis(self.now.get())
    }

    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| (*value).to_owned())
    }

    async fn sleep(&self, span: Millis) {
        self.slept.borrow_mut().push(span.0);
        self.now.set(self.now.get() + span.0);
    }

    fn log(&self, _: Level, _: &str) {}
}

fn outcomes(how: &Provenance) -> Vec<(&str, &str)> {
    how.asked.iter().map(|asked| (asked.model.as_str(), asked.outcome.as_str())).collect()
}

fn is_plan(consulted: &Consulted) -> bool {
    matches!(&consulted.proposal, Some(Proposal::Plan { confirm: Some(step), .. }) if step == "t")
}

#[test]
fn a_model_that_is_away_is_not_waited_for_again_until_it_may_be_back() {
    let away = vec![Does::Unreachable; 5];
    let host = Fake::with(&away, &vec![Does::Says(GOOD); 4]);
    let consult = || {
        let came = host.consult_as(|models| models.cache = Millis(0));
        assert!(matches!(came.proposal, Some(Proposal::Plan { .. })), "{:?}", came.how);
        host.asked()
    };
    assert_eq!(
        [consult(), consult(), consult()],
        [[2, 1], [4, 2], [5, 3]],
        "it is asked twice, until its breaker opens"
    );
    assert_eq!(consult(), [5, 4], "the next is asked at once");
    host.now.set(host.now.get() + 1_000);
    host.first.borrow_mut().push_back(Does::Says(GOOD));
    assert_eq!(consult(), [6, 4]);
}

#[test]
fn a_model_that_says_nothing_is_left_for_the_next_before_its_time_is_up() {
    let host = Fake::with(&[Does::Takes(3_000, GOOD)], &[Does::Says(GOOD)]);
    let streamed = |models: &mut Models| models.chain.iter_mut().for_each(|model| model.silence = Millis(1_500));
    let came = host.consult_as(streamed);
    assert!(is_plan(&came));
    assert_eq!(outcomes(&came.how), [("one", "silent"), ("two", "answered")]);
    assert_eq!((came.how.tokens_in, came.how.tokens_out, came.how.took_ms), (100, 10, 1_540));
    let sent = host.sent.borrow();
    let (_, question) = sent.iter().find(|(to, _)| to == "two.test").unwrap();
    assert_eq!((&question["stream"], &question["stream_options"]["include_usage"]), (&json!(true), &json!(true)));
}

#[test]
fn a_plan_comes_with_what_it_took_and_what_it_cost() {
    let fake = Fake::with(&[Does::Says(GOOD)], &[]);
    let consulted = fake.consult();
    assert!(is_plan(&consulted));
    let how = &consulted.how;
    assert_eq!((how.by, how.model.as_deref(), how.cache), (By::Model, Some("one"), Some(Cache::Miss)));
    assert_eq!((how.confirm.as_deref(), how.fallback.as_deref()), (Some("t"), None));
    // A hundred tokens at 1000 billionths, ten at 2000.
    assert_eq!((how.tokens_in, how.tokens_out, how.cost_nanos, how.took_ms), (100, 10, 120_000, 40));
    let used = json!([{"model": "one", "requests": 1, "tokens_in": 100, "tokens_out": 10, "cost_nanos": 120_000}]);
    assert_eq!(*fake.noted.borrow(), [used]);
    let sent = fake.sent.borrow();
    let (_, question) = sent.iter().find(|(to, _)| to == "one.test").unwrap();
    let system = question["messages"][0]["content"].as_str().unwrap();
    assert!(system.contains(r#""name":"wipe""#) && !system.contains("run_saga"), "{system}");
}

#[test]
fn a_wrong_plan_is_mended_once_by_the_model_that_made_it() {
    let fake = Fake::with(&[Does::Says(BAD), Does::Says(GOOD)], &[]);
    let consulted = fake.consult();
    assert!(is_plan(&consulted));
    let how = &consulted.how;
    assert_eq!(how.violations.len(), 1);
    let wrong = &how.violations[0];
    assert_eq!(
        (wrong.step.as_deref(), wrong.rule, wrong.path.as_deref()),
        (Some("t"), Rule::Parameters, Some("/people"))
    );
    assert_eq!((how.tokens_in, fake.asked()), (200, [2, 0]));
    let sent = fake.sent.borrow();
    let (_, repair) = sent.iter().rfind(|(to, _)| to == "one.test").unwrap();
    assert_eq!(repair["messages"][2]["content"], BAD);
    assert!(repair["messages"][3]["content"].as_str().unwrap().contains("step `t`, rule parameters"));
}

#[test]
fn a_plan_that_stays_wrong_is_none() {
    let fake = Fake::with(&[Does::Says(BAD), Does::Says(BAD)], &[]);
    let consulted = fake.consult();
    assert!(consulted.proposal.is_none());
    assert_eq!(consulted.how.by, By::Offline);
    assert!(consulted.how.fallback.unwrap().contains("still when it was told: step `t`"));
    assert_eq!(fake.asked(), [2, 0]);
    assert!(fake.redis.borrow().is_empty(), "nothing of it is kept");
}

#[test]
fn who_says_when_to_come_again_is_asked_again_then_and_else_the_next_one_is() {
    let soon = Does::Status(429, &[("retry-after", "2")]);
    let fake = Fake::with(&[soon.clone(), Does::Says(GOOD)], &[]);
    assert!(is_plan(&fake.consult()));
    assert_eq!((fake.slept.borrow().as_slice(), fake.asked()), ([2_000].as_slice(), [2, 0]));

    let fake = Fake::with(&[soon.clone(), soon], &[Does::Says(GOOD)]);
    let consulted = fake.consult();
    assert_eq!(consulted.how.model.as_deref(), Some("two"));
    assert_eq!(outcomes(&consulted.how), [("one", "http_429"), ("one", "http_429"), ("two", "answered")]);

    // Half of the time is the second one's: who is away for longer than the first half is not waited for.
    let late = Does::Status(429, &[("retry-after", "5")]);
    let fake = Fake::with(&[late], &[Does::Says(GOOD)]);
    assert!(is_plan(&fake.consult()));
    assert_eq!((fake.slept.borrow().len(), fake.asked()), (0, [1, 1]));

    // A date is not read, and not taken for silence either.
    let dated = Does::Status(503, &[("retry-after", "Fri, 31 Dec 2027 23:59:59 GMT")]);
    let fake = Fake::with(&[dated], &[Does::Says(GOOD)]);
    assert!(is_plan(&fake.consult()));
    assert_eq!((fake.slept.borrow().len(), fake.asked()), (0, [1, 1]));
}

#[test]
fn who_is_too_slow_leaves_half_of_the_time_to_the_next_one() {
    let fake = Fake::with(&[Does::Takes(60_000, GOOD)], &[Does::Takes(3_900, GOOD)]);
    let consulted = fake.consult();
    assert!(is_plan(&consulted));
    assert_eq!(outcomes(&consulted.how), [("one", "timed_out"), ("two", "answered")]);
    assert_eq!((consulted.how.asked[0].took_ms, consulted.how.took_ms), (4_000, 7_900));

    let fake = Fake::with(&[Does::Takes(60_000, GOOD)], &[Does::Takes(60_000, GOOD)]);
    let consulted = fake.consult();
    assert!(consulted.proposal.is_none());
    assert_eq!((consulted.how.fallback.as_deref(), consulted.how.took_ms), (Some("No model gave an answer."), 8_000));
}

#[test]
fn who_cannot_or_will_not_is_not_asked_twice() {
    for (does, outcome) in [
        (Does::Refuses, "refused"),
        (Does::Cuts, "cut_off"),
        (Does::Status(401, &[]), "http_401"),
        (Does::Status(503, &[("x-should-retry", "false")]), "http_503"),
    ] {
        let fake = Fake::with(&[does], &[Does::Says(GOOD)]);
        let consulted = fake.consult();
        assert_eq!(outcomes(&consulted.how), [("one", outcome), ("two", "answered")]);
        assert!(is_plan(&consulted));
    }
    let fake = Fake::with(&[Does::Unreachable, Does::Unreachable], &[Does::Says("{}")]);
    let consulted = fake.consult();
    assert_eq!(outcomes(&consulted.how), [("one", "unreachable"), ("one", "unreachable"), ("two", "answered")]);
    assert!(consulted.proposal.is_none() && consulted.how.fallback.is_some(), "nothing to do is no reading");
}

#[test]
fn the_same_question_is_answered_from_the_cache_and_checked_again() {
    let fake = Fake::with(&vec![Does::Says(GOOD); 4], &[]);
    fake.consult();
    let again = fake.consult();
    assert!(is_plan(&again));
    assert_eq!((again.how.cache, again.how.cost_nanos, again.how.model.as_deref()), (Some(Cache::Hit), 0, Some("one")));
    assert_eq!((fake.asked(), fake.noted.borrow().len()), ([1, 0], 1));
    // The other tool only: another question.
    let other = fake.consult_as(|models| models.tools = vec!["wipe".to_owned()]);
    assert_eq!(other.how.cache, Some(Cache::Miss));
    // The same message as an answer to something: another question.
    let asked = Exchange { message: "A present".to_owned(), question: "For whom?".to_owned() };
    fake.questions.borrow_mut().push(asked);
    assert_eq!(fake.consult().how.cache, Some(Cache::Miss));
}

#[test]
fn what_lies_in_the_cache_is_believed_no_more_than_a_model() {
    let fake = Fake::with(&[Does::Says(GOOD), Does::Says(GOOD)], &[]);
    fake.consult();
    let sly = r#"{"model":"one","answer":"{\"steps\":[{\"id\":\"x\",\"tool\":\"run_saga\"}]}"}"#;
    fake.redis.borrow_mut().values_mut().for_each(|kept| *kept = sly.to_owned());
    let consulted = fake.consult();
    assert!(is_plan(&consulted));
    assert_eq!((consulted.how.cache, fake.asked()), (Some(Cache::Miss), [2, 0]));
}

#[test]
fn redis_away_means_no_cache_and_nothing_else() {
    let fake = Fake::with(&[Does::Says(GOOD), Does::Says(GOOD)], &[]);
    fake.redis_is_away.set(true);
    assert!(is_plan(&fake.consult()));
    assert_eq!(fake.consult().how.cache, Some(Cache::Away));
    assert_eq!(fake.asked(), [2, 0]);
}

#[test]
fn a_tool_that_was_not_offered_is_no_tool() {
    let fake = Fake::with(&[Does::Says(GOOD), Does::Says(GOOD)], &[]);
    let consulted = fake.consult_as(|models| models.tools = vec!["wipe".to_owned()]);
    assert!(consulted.proposal.is_none());
    assert_eq!(consulted.how.violations[0].rule, Rule::Tool);
}
