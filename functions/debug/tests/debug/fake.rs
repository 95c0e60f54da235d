//! A platform whose database knows a few sagas by heart.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use makegood_edge::alerts::PATIENCE;
use makegood_edge::core::guard::Role;
use makegood_edge::core::id::SagaId;
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::api_keys::{Holder, key_of};
use makegood_edge::gateway::{Request as Sent, Response, audit, links, model_use, store, traces, views};
use makegood_edge::http::{Method, Response as Answer};
use makegood_edge::serde_json::{Value, from_slice, json};
use makegood_edge::{Body, Bytes, FetchError, Host, Isolate, Level, Reply, Request};

/// 2026-05-01 12:00:00 UTC: when the sagas here were created.
pub const START: u64 = 1_777_636_800_000;
/// Those who have keys; the last is an operator.
pub const PEOPLE: [&str; 3] = ["ana", "bob", "olga"];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Up,
    Down,
    /// It takes the question and says nothing.
    Silent,
}

/// Where traces are read that the database does not have.
#[derive(Clone)]
pub enum Tempo {
    /// None is configured.
    None,
    Away,
    Answers(u16, Bytes),
}

#[derive(Clone)]
pub struct Fake {
    pub database: Database,
    pub tempo: Tempo,
    pub stories: Rc<Vec<Value>>,
    /// Links by the hash of their token.
    pub links: Rc<BTreeMap<String, Value>>,
    /// Definitions by name.
    pub tools: Rc<Value>,
    pub log: Rc<RefCell<Vec<String>>>,
    /// What who sends no token may do.
    pub anonymous_role: Role,
    pub public_url: &'static str,
}

impl Fake {
    pub fn with(stories: Vec<Value>) -> Self {
        Self {
            database: Database::Up,
            tempo: Tempo::None,
            stories: Rc::new(stories),
            links: Rc::default(),
            tools: Rc::new(json!({})),
            log: Rc::default(),
            anonymous_role: Role::Operator,
            public_url: "",
        }
    }

    /// The store's functions, as far as this crate calls them.
    fn answer(&self, query: &Value) -> Value {
        let param = |place: usize| query["params"][place].as_str();
        let number = |place: usize| param(place).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        if query["query"] == store::FOLLOW {
            let found = self.stories.iter().find(|story| story["id"].as_str() == param(0));
            return found.cloned().unwrap_or(Value::Null);
        }
        if query["query"] == traces::OF_TRACE {
            let of = |story: &&Value| match story["traceparent"].as_str() {
                Some(caller) => param(0).is_some_and(|trace| caller.contains(trace)),
                None => story["id"].as_str() == param(1),
            };
            return self.stories.iter().filter(of).map(|story| story["id"].clone()).collect();
        }
        if query["query"] == links::SHOW {
            return self.links.get(param(0).unwrap_or_default()).cloned().unwrap_or(Value::Null);
        }
        if query["query"] == store::TOOLS {
            return (*self.tools).clone();
        }
        if query["query"] == model_use::LIST {
            let day = |owner: &str| {
                json!([{"day": "2026-05-01", "model": "small", "requests": 2, "tokens_in": 300,
                "tokens_out": 40, "cost_nanos": 120_000, "owner": owner}])
            };
            return day(param(0).unwrap_or_default());
        }
        if query["query"] == audit::LIST {
            return json!({"entries": [], "head": {"seq": number(0), "hash": "0"}});
        }
        let mine = |story: &&Value| param(0).is_none_or(|owner| story["owner"] == owner);
        if query["query"] == views::COUNT {
            let completed = self.stories.iter().filter(mine).filter(|story| story["phase"] == "completed").count();
            return json!({"phases": {"completed": completed}, "paused": 0, "causes": {"step": 1}, "standings": {"held": 1},
                "tools": [{"tool": "book", "calls": 1, "done": 1, "refused": 0, "no_answer": 0, "undone": 0, "fenced": 0,
                    "took": number(1)}], "oldest_unfinished": null});
        }
        assert_eq!(query["query"], views::LIST, "this crate asks nothing else");
        let created = |story: &Value| story["created_at"].as_u64().unwrap_or_default();
        let state = |story: &Value, state: &str| {
            let ended = story["phase"] == "completed" || story["phase"] == "made_good";
            match state {
                "ended" => ended,
                "unfinished" => !ended,
                "person" => story["phase"] == "stuck" && number(12) == PATIENCE.0,
                phase => story["phase"] == phase,
            }
        };
        let wanted = |story: &&Value| {
            let calls = |tool: &str| story["nodes"].as_array().into_iter().flatten().any(|node| node["tool"] == tool);
            let tells = |text: &str| story["title"].as_str().is_some_and(|title| title.contains(text));
            let changed = story["updated_at"].as_u64().unwrap_or_default();
            param(3).is_none_or(|wanted| state(story, wanted))
                && param(4).is_none_or(calls)
                && created(story) >= number(5)
                && param(6).is_none_or(tells)
                && param(7).is_none_or(|_| (number(7)..number(8)).contains(&changed))
        };
        let place = |story: &Value| (created(story), story["id"].as_str().unwrap_or_default().to_owned());
        let from = (number(1), param(11).unwrap_or_default().to_owned());
        let mut found: Vec<&Value> =
            self.stories.iter().filter(mine).filter(wanted).filter(|story| place(story) < from).collect();
        found.sort_by_key(|story| std::cmp::Reverse(place(story)));
        let limit = usize::try_from(number(2)).unwrap_or_default();
        let lines = found.into_iter().take(limit).map(|story| {
            let mut line = story.clone();
            for counter in ["invocations", "commits", "calls"] {
                line[counter] = story["counters"][counter].clone();
            }
            if line["phase"] == "stuck" {
                (line["needs"], line["about"]) = (json!("stuck"), json!("table"));
            }
            line
        });
        // Of a text so few are looked at.
        let upto = param(6).filter(|text| *text == "common").map(|_| START);
        json!({"sagas": lines.collect::<Vec<_>>(), "upto": upto})
    }
}

impl Host for Fake {
    async fn fetch(&self, request: Sent, _: Millis) -> Result<Response, FetchError> {
        if request.uri().host() == Some("tempo.test") {
            return match &self.tempo {
                Tempo::None | Tempo::Away => Err(FetchError::NotSent("tempo.test:3200 refused".to_owned())),
                Tempo::Answers(status, body) => {
                    let mut answer = Answer::new(body.clone());
                    *answer.status_mut() = (*status).try_into().unwrap_or_default();
                    Ok(answer)
                }
            };
        }
        match self.database {
            Database::Up => {
                let query = from_slice(request.body()).unwrap_or_default();
                let answer = Some(self.answer(&query)).filter(|answer| !answer.is_null());
                let rows = json!({"rows": [[answer.map(|answer| answer.to_string())]]});
                Ok(Answer::new(Bytes::from(rows.to_string())))
            }
            Database::Down => Err(FetchError::NotSent("postgres://makegood:secret@db refused".to_owned())),
            Database::Silent => std::future::pending().await,
        }
    }

    fn now(&self) -> Millis {
        Millis(START + 120_000)
    }

    fn random(&self) -> [u8; 16] {
        [0; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        let value = match name {
            "allow_anonymous" => "true",
            "database_http_url" => "http://db.test/sql",
            "anonymous_role" => self.anonymous_role.as_str(),
            "public_url" => self.public_url,
            "region" => "fra",
            "limits" => "off",
            "tempo_url" if !matches!(self.tempo, Tempo::None) => "http://tempo.test",
            _ => return None,
        };
        Some(value.to_owned())
    }

    async fn sleep(&self, _: Millis) {
        if self.database != Database::Silent {
            std::future::pending().await
        }
    }

    fn isolate(&self) -> Rc<Isolate> {
        let holder = |name: &str| {
            let role = if name == "olga" { Role::Operator } else { Role::User };
            (key_of(name), Holder { role, ..Holder::user(name) })
        };
        Isolate::knowing(PEOPLE.map(holder))
    }

    fn log(&self, _: Level, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }
}

/// What came back, with its body as text.
pub struct Got {
    pub reply: Reply,
    pub text: String,
}

impl Got {
    pub fn status(&self) -> u16 {
        self.reply.status().as_u16()
    }

    pub fn header(&self, name: &str) -> &str {
        self.reply.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        from_slice(self.text.as_bytes()).unwrap_or_default()
    }

    pub fn holds(&self, part: &str) -> bool {
        self.text.contains(part)
    }
}

/// Sends a request, as `user` or as nobody.
pub fn send(host: &Fake, method: Method, address: &str, user: Option<&str>) -> Got {
    let bearer = user.map(|user| format!("Bearer {}", key_of(user)));
    let headers: Vec<(&'static str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    exchange(host, method, address, &headers, "")
}

/// Sends a request. Nothing here waits, so that one poll is enough.
pub fn exchange(host: &Fake, method: Method, address: &str, headers: &[(&'static str, &str)], body: &str) -> Got {
    use makegood_edge::futures_util::FutureExt;

    let mut request = Request::new(Bytes::from(body.to_owned()));
    *request.method_mut() = method;
    *request.uri_mut() = address.parse().unwrap_or_else(|_| panic!("{address} is no address"));
    for (name, value) in headers {
        let value = value.parse().unwrap_or_else(|_| panic!("{value} is no header"));
        request.headers_mut().insert(*name, value);
    }
    let reply = makegood_debug::handle(request, host.clone()).now_or_never();
    let Some(reply) = reply else { panic!("{address} waits for something") };
    let text = match reply.body() {
        Body::Full(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::Stream(_) => panic!("{address} answers with a stream"),
    };
    Got { reply, text }
}

pub fn get(host: &Fake, address: &str) -> Got {
    send(host, Method::GET, address, None)
}

pub fn id(number: u8) -> String {
    SagaId::new(Millis(START), [number; 10]).to_string()
}

/// A saga without steps or journal, to be filled in.
pub fn story(number: u8, owner: &str, phase: &str) -> Value {
    json!({
        "id": id(number), "owner": owner, "title": format!("Saga {number}"), "message": null, "phase": phase,
        "version": 3, "created_at": START, "updated_at": START, "wake_at": null,
        "counters": {"invocations": 1, "commits": 2, "calls": 3, "bytes_read": 4096, "bytes_written": 2048, "sweeps": 0},
        "nodes": [], "journal": [],
    })
}

pub fn node(ix: u32, id: &str, tool: &str, class: &str, after: &[u32], params: &Value) -> Value {
    json!({"ix": ix, "id": id, "tool": tool, "version": "1", "class": class, "deps": after, "params": params})
}

/// Records as `(ms since the start, invocation, fact)`.
pub fn journal(records: &[(u64, u32, Value)]) -> Value {
    let entries = records.iter().enumerate().map(|(place, (at, invocation, fact))| {
        let mut record = fact.clone();
        record["at"] = json!(START + at);
        record["inv"] = json!(invocation);
        json!({"seq": place + 1, "record": record})
    });
    entries.collect()
}

/// Dinner, whose ride is refused in the second invocation.
pub fn unwound() -> Value {
    let mut story = story(1, "anonymous", "made_good");
    story["title"] = json!("Table at Luigi's, ride, message to Sam");
    story["message"] =
        json!("Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details");
    story["updated_at"] = json!(START + 9_820);
    story["counters"] =
        json!({"invocations": 3, "commits": 9, "calls": 9, "bytes_read": 18_240, "bytes_written": 7_311, "sweeps": 0});
    story["nodes"] = json!([
        node(0, "weather", "weather.forecast", "query", &[], &json!({"city": "Rome", "day": "2026-05-02"})),
        node(
            1,
            "table",
            "restaurant.book",
            "compensatable",
            &[],
            &json!({"restaurant": "Luigi's", "party": 4, "at": "2026-05-02T19:00"})
        ),
        node(
            2,
            "deposit",
            "payment.authorise",
            "compensatable",
            &[1],
            &json!({"amount_minor": 4_000, "currency": "EUR"})
        ),
        node(3, "ride", "ride.book", "compensatable", &[1], &json!({"to": "$table.address", "at": "2026-05-02T18:30"})),
        node(
            4,
            "text",
            "message.send",
            "retriable",
            &[1, 3],
            &json!({"to": "Sam", "body": "Dinner at $table.at, ride $ride.plate"})
        ),
    ]);
    story["journal"] = journal(&[
        (
            48,
            1,
            json!({"type": "done", "node": 0, "attempt": 1, "took": 41, "output": {"sky": "clear", "celsius": 21}}),
        ),
        (12, 1, json!({"type": "started", "node": 1, "attempt": 1})),
        (
            131,
            1,
            json!({"type": "done", "node": 1, "attempt": 1, "took": 112, "output": {"reservation": "r_81", "address": "Via Roma 4", "at": "19:00"}}),
        ),
        (140, 1, json!({"type": "started", "node": 2, "attempt": 1})),
        (140, 1, json!({"type": "started", "node": 3, "attempt": 1})),
        (
            260,
            1,
            json!({"type": "done", "node": 2, "attempt": 1, "took": 117, "output": {"authorisation": "a_7", "amount_minor": 4_000}}),
        ),
        (
            390,
            1,
            json!({"type": "unsettled", "node": 3, "op": "do", "attempt": 1, "took": 250, "reason": "503: the dispatcher is busy", "again": START + 640}),
        ),
        (
            640,
            1,
            json!({"type": "unsettled", "node": 3, "op": "do", "attempt": 2, "took": 90, "reason": "no answer within 90 ms", "again": START + 9_000}),
        ),
        (645, 1, json!({"type": "yielded", "until": START + 9_000})),
        (9_012, 2, json!({"type": "started", "node": 3, "attempt": 3})),
        (
            9_240,
            2,
            json!({"type": "refused", "node": 3, "attempt": 3, "took": 221, "code": "no_driver", "detail": "No driver is free at 18:30."}),
        ),
        (
            9_240,
            2,
            json!({"type": "unwinding", "cause": {"why": "step", "node": 3, "code": "no_driver", "detail": "No driver is free at 18:30."}}),
        ),
        (9_251, 2, json!({"type": "undo_started", "node": 2, "attempt": 1})),
        (9_251, 2, json!({"type": "undo_started", "node": 1, "attempt": 1})),
        (9_330, 2, json!({"type": "undone", "node": 2, "attempt": 1, "took": 74, "found": true})),
        (
            9_460,
            2,
            json!({"type": "unsettled", "node": 1, "op": "undo", "attempt": 1, "took": 200, "reason": "no answer within 200 ms", "again": START + 9_700}),
        ),
        (9_470, 2, json!({"type": "yielded", "until": START + 9_700})),
        (9_704, 3, json!({"type": "undo_started", "node": 1, "attempt": 2})),
        (9_818, 3, json!({"type": "undone", "node": 1, "attempt": 2, "took": 109, "found": true})),
        (9_820, 3, json!({"type": "made_good"})),
    ]);
    story
}
