//! The limits at a door: two isolates, each with its own memory, in front of one Redis, which is the emulated one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use axum::Router;
use makegood_cloud::Redis;
use makegood_core::error::Code;
use makegood_core::guard::Scope;
use makegood_core::time::Millis;
use makegood_edge::futures_util::FutureExt;
use makegood_edge::gateway::api_keys::{Holder, key_of};
use makegood_edge::gateway::{Request as Sent, Response};
use makegood_edge::host::{Client, json};
use makegood_edge::limits::{Class, Visit, admit, by_address};
use makegood_edge::problem::problem;
use makegood_edge::{Bytes, FetchError, Host, Level, Reply, Request, Settings, http};
use tower::ServiceExt as _;

const NOW: u64 = 1_790_000_000_000;

/// One isolate.
#[derive(Clone)]
struct Isolate {
    redis: Router,
    settings: Rc<BTreeMap<&'static str, String>>,
    memory: Rc<makegood_edge::Isolate>,
    clock: Rc<Cell<u64>>,
    /// How often Redis was asked, and whether it answers.
    asked: Rc<Cell<u32>>,
    away: Rc<Cell<bool>>,
    log: Rc<RefCell<Vec<String>>>,
}

impl Isolate {
    fn with(limits: &str, more: &[(&'static str, &str)]) -> Self {
        let mut settings: BTreeMap<&'static str, String> = [
            ("redis_rest_url", "http://redis.test"),
            ("redis_rest_token", "secret"),
            ("allow_anonymous", "true"),
            ("limits", limits),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into();
        settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self {
            redis: Redis::embedded().router("secret"),
            settings: Rc::new(settings),
            memory: memory(),
            clock: Rc::new(Cell::new(NOW)),
            asked: Rc::default(),
            away: Rc::default(),
            log: Rc::default(),
        }
    }

    /// Another with the same Redis, which remembers nothing of what this one does.
    fn beside(&self) -> Self {
        Self { memory: memory(), asked: Rc::default(), ..self.clone() }
    }

    /// One request, from its beginning to its end.
    async fn serve(&self, classes: &[Class], token: Option<&str>, from: &str) -> Reply {
        let mut request = Request::new(Bytes::new());
        request.extensions_mut().insert(Client(from.parse().unwrap()));
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let visit = Visit::begin(&mut request);
        let settings = Settings::read(self).unwrap();
        let admitted = admit(&request, self, &settings, classes, Scope::Read).await;
        visit.end(self, admitted.map_or_else(|error| problem(self, &error), |_| json(200, &())))
    }
}

impl Host for Isolate {
    async fn fetch(&self, request: Sent, _: Millis) -> Result<Response, FetchError> {
        self.asked.set(self.asked.get() + 1);
        if self.away.get() {
            return Err(FetchError::Unknown("nobody answers".to_owned()));
        }
        let (parts, body) = request.into_parts();
        let request = http::Request::from_parts(parts, axum::body::Body::from(body));
        let (parts, body) = self.redis.clone().oneshot(request).await.unwrap().into_parts();
        Ok(http::Response::from_parts(parts, axum::body::to_bytes(body, usize::MAX).await.unwrap()))
    }

    fn now(&self) -> Millis {
        Millis(self.clock.get())
    }

    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    async fn sleep(&self, span: Millis) {
        self.clock.set(self.clock.get() + span.0);
    }

    fn log(&self, level: Level, line: &str) {
        self.log.borrow_mut().push(format!("{level:?} {line}"));
    }

    fn isolate(&self) -> Rc<makegood_edge::Isolate> {
        Rc::clone(&self.memory)
    }
}

/// Of an isolate that has just begun, and knows these two.
fn memory() -> Rc<makegood_edge::Isolate> {
    makegood_edge::Isolate::knowing(["ana", "ben"].map(|name| (key_of(name), Holder::user(name))))
}

fn token(user: &str) -> String {
    key_of(user)
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

const FEW: &str = r#"{"execute": {"rate": 1, "per_s": 3600, "burst": 3}, "failed": {"rate": 1, "per_s": 3600, "burst": 2},
    "throttle_ms": 0}"#;

#[tokio::test]
async fn two_isolates_let_in_what_one_would_and_remember_who_was_refused() {
    let first = Isolate::with(FEW, &[]);
    let second = first.beside();
    let (ana, ben) = (token("ana"), token("ben"));
    let mut left = Vec::new();
    for isolate in [&first, &second, &first] {
        let reply = isolate.serve(&[Class::Execute], Some(&ana), "192.0.2.1").await;
        assert_eq!(reply.status(), 200);
        assert_eq!(header(&reply, "ratelimit-policy"), "\"execute\";q=1;w=3600;makegood-burst=3");
        left.push(header(&reply, "ratelimit").to_owned());
    }
    assert_eq!(left, ["\"execute\";r=2;t=7200", "\"execute\";r=1;t=3600", "\"execute\";r=0;t=3600"]);
    let refused = second.serve(&[Class::Execute], Some(&ana), "198.51.100.1").await;
    assert_eq!((refused.status().as_u16(), header(&refused, "ratelimit")), (429, "\"execute\";r=0;t=3600"));
    assert_eq!(header(&refused, "retry-after"), "3600");

    // From now on this isolate knows.
    let before = second.asked.get();
    for _ in 0..100 {
        let refused = second.serve(&[Class::Execute], Some(&ana), "192.0.2.1").await;
        assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (429, "3600"));
    }
    assert_eq!(second.asked.get(), before, "whoever goes on knocking costs no round trip");
    assert_eq!(second.serve(&[Class::Execute], Some(&ben), "192.0.2.1").await.status(), 200);
    assert!(!first.log.borrow().iter().any(|line| line.contains("ana") || line.contains("192.0.2")));
}

#[tokio::test]
async fn several_limits_are_one_question_and_all_or_none_is_charged() {
    let isolate = Isolate::with(FEW, &[]);
    let ana = token("ana");
    let both = [Class::Execute, Class::Api];
    for _ in 0..3 {
        assert_eq!(isolate.serve(&both, Some(&ana), "192.0.2.1").await.status(), 200);
    }
    assert_eq!(isolate.asked.get(), 4, "one round trip each, and one more that brought the script");
    assert_eq!(isolate.serve(&both, Some(&ana), "192.0.2.1").await.status(), 429);
    let reading = isolate.serve(&[Class::Api], Some(&ana), "192.0.2.1").await;
    let left = header(&reading, "ratelimit").to_owned();
    assert!(left.starts_with("\"api\";r=16;") || left.starts_with("\"api\";r=17;"), "the refusal was charged: {left}");
}

#[tokio::test]
async fn who_is_not_let_in_counts_by_address_and_a_good_token_is_never_refused_for_it() {
    let isolate = Isolate::with(FEW, &[]);
    let mut statuses = Vec::new();
    for guess in ["a.b.c", "d.e.f", "g.h.i", "j.k.l"] {
        statuses.push(isolate.serve(&[Class::Api], Some(guess), "192.0.2.1").await.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 429, 429]);
    assert_eq!(isolate.serve(&[Class::Api], Some("a.b.c"), "192.0.2.2").await.status(), 401);
    assert_eq!(isolate.serve(&[Class::Api], Some(&token("ana")), "192.0.2.1").await.status(), 200);
}

#[tokio::test]
async fn nobody_in_particular_counts_by_address() {
    let isolate = Isolate::with(FEW, &[]);
    for _ in 0..3 {
        assert_eq!(isolate.serve(&[Class::Execute], None, "2001:db8::1").await.status(), 200);
    }
    assert_eq!(isolate.serve(&[Class::Execute], None, "2001:db8::2").await.status(), 429, "the same network");
    assert_eq!(isolate.serve(&[Class::Execute], None, "2001:db8:0:1::1").await.status(), 200);
}

#[tokio::test]
async fn without_redis_the_fallback_holds_and_redis_is_asked_once_a_second() {
    for (fallback, wanted) in [("isolate", [200, 200, 200, 429]), ("open", [200; 4]), ("closed", [503; 4])] {
        let isolate = Isolate::with(FEW, &[("limits_fallback", fallback)]);
        isolate.away.set(true);
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let reply = isolate.serve(&[Class::Execute], Some(&token("ana")), "192.0.2.1").await;
            let told = if fallback == "closed" { "" } else { fallback };
            assert_eq!(header(&reply, "makegood-limits"), told);
            statuses.push(reply.status().as_u16());
        }
        assert_eq!(statuses, wanted, "{fallback}");
        assert_eq!(isolate.asked.get(), 1, "{fallback}");
        isolate.clock.set(NOW + 1_001);
        isolate.away.set(false);
        let ben = isolate.serve(&[Class::Execute], Some(&token("ben")), "192.0.2.1").await;
        assert_eq!((ben.status().as_u16(), header(&ben, "makegood-limits")), (200, ""), "{fallback}");
    }
}

#[tokio::test]
async fn in_the_shadow_everybody_is_let_in_and_the_log_tells() {
    let isolate = Isolate::with(FEW, &[("limits_mode", "shadow")]);
    for _ in 0..8 {
        let reply = isolate.serve(&[Class::Execute], Some(&token("ana")), "192.0.2.1").await;
        assert_eq!((reply.status().as_u16(), header(&reply, "ratelimit")), (200, ""));
    }
    let log = isolate.log.borrow();
    let told: Vec<&String> = log.iter().filter(|line| line.contains("would have been refused")).collect();
    assert_eq!(told.len(), 1, "once, and not for each: {log:?}");
}

#[tokio::test]
async fn a_burst_is_held_back_before_it_is_refused() {
    let isolate = Isolate::with("{}", &[]);
    let mut held = Vec::new();
    for _ in 0..11 {
        let before = isolate.clock.get();
        let reply = isolate.serve(&[Class::Chat], Some(&token("ana")), "192.0.2.1").await;
        held.push((reply.status().as_u16(), isolate.clock.get() - before));
    }
    assert!(held[..5].iter().all(|(status, span)| (*status, *span) == (200, 0)), "{held:?}");
    assert!(held[9].0 == 200 && (100..=250).contains(&held[9].1), "{held:?}");
    assert_eq!(held[10], (429, 0), "{held:?}");
}

#[tokio::test]
async fn limits_that_are_off_ask_nobody() {
    let isolate = Isolate::with("off", &[]);
    for _ in 0..200 {
        assert_eq!(isolate.serve(&[Class::Chat], Some(&token("ana")), "192.0.2.1").await.status(), 200);
    }
    assert_eq!(isolate.asked.get(), 0);
}

/// Slow answers make an isolate propose less; the other hears of it by its own next question.
#[tokio::test]
async fn what_one_isolate_measures_the_other_keeps_to() {
    let limits = r#"{"api": {"rate": 100000, "per_s": 60, "burst": 1000}, "throttle_ms": 0}"#;
    let first = Isolate::with(limits, &[]);
    let second = first.beside();
    let round = |took: u64| {
        let first = first.clone();
        async move {
            for _ in 0..20 {
                let mut request = Request::new(Bytes::new());
                request.extensions_mut().insert(Client([192, 0, 2, 1].into()));
                let visit = Visit::begin(&mut request);
                let settings = Settings::read(&first).unwrap();
                by_address(&request, &first, &settings, Class::Api).await.unwrap();
                first.clock.set(first.clock.get() + took);
                drop(visit.end(&first, json(200, &())));
                first.clock.set(first.clock.get() + 60);
            }
        }
    };
    for _ in 0..5 {
        round(20).await;
    }
    for _ in 0..8 {
        round(100).await;
    }
    second.clock.set(first.clock.get());
    let quota = |reply: &Reply| -> u64 {
        let policy = header(reply, "ratelimit-policy").split(';').nth(1).unwrap_or_default();
        policy.trim_start_matches("q=").parse().unwrap()
    };
    let fresh = second.serve(&[Class::Api], None, "192.0.2.9").await;
    assert_eq!(quota(&fresh), 100_000, "it has not heard yet");
    let told = second.serve(&[Class::Api], None, "192.0.2.9").await;
    assert!(quota(&told) < 60_000, "{:?}", told.headers());
    assert!(quota(&told) >= 10_000, "{:?}", told.headers());
}

#[test]
fn a_refusal_is_a_problem_with_its_own_code() {
    let isolate = Isolate::with("off", &[]);
    let error = makegood_core::error::Error::new(Code::RateLimited, "You come too often. Come again in 3 s.");
    let reply = async { problem(&isolate, &error) }.now_or_never().unwrap();
    assert_eq!((reply.status().as_u16(), header(&reply, "content-type")), (429, "application/problem+json"));
}
