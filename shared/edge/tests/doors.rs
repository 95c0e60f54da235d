//! Who asks: keys of issuers that are fetched, kept, rolled and not to be had, API keys, and cookies, over a platform
//! whose clock is set by hand.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::FutureExt;
use makegood_cloud::Issuer;
use makegood_core::error::{Code, Error};
use makegood_core::guard::{Role, Scope, Tier};
use makegood_core::time::Millis;
use makegood_edge::door::{Principal, principal};
use makegood_edge::{Bytes, FetchError, Host, Isolate, Level, Request, Settings, http};
use makegood_gateway::api_keys::{self, key_of};
use makegood_gateway::{Request as Sent, Response, jwt};
use serde_json::{Value, json};

const NOW: u64 = 1_777_636_800_000;
const ISSUER: &str = "https://issuer.test";
const MINUTE: u64 = 60_000;

/// What stands outside of all instances.
struct World {
    now: Cell<u64>,
    /// `None`: it does not answer.
    issuer: RefCell<Option<Issuer>>,
    redis: RefCell<Option<BTreeMap<String, String>>>,
    /// Whom the keys of the database stand for.
    holders: RefCell<BTreeMap<String, Value>>,
    settings: RefCell<BTreeMap<&'static str, String>>,
    /// What was called: hosts.
    called: RefCell<Vec<String>>,
}

/// One instance.
#[derive(Clone)]
struct Instance {
    world: Rc<World>,
    isolate: Rc<Isolate>,
}

impl World {
    fn new() -> Rc<Self> {
        let settings = [
            ("jwks_url", format!("{ISSUER}/.well-known/jwks.json")),
            ("redis_rest_url", "https://redis.test".to_owned()),
            ("database_http_url", "https://db.test/sql".to_owned()),
            ("database_url", "postgres://ada:secret@db.test/makegood".to_owned()),
            ("public_url", "https://me.test".to_owned()),
        ];
        Rc::new(Self {
            now: Cell::new(NOW),
            issuer: RefCell::new(Some(issuer("first"))),
            redis: RefCell::new(Some(BTreeMap::new())),
            holders: RefCell::default(),
            settings: RefCell::new(settings.into()),
            called: RefCell::default(),
        })
    }

    fn instance(self: &Rc<Self>) -> Instance {
        Instance { world: Rc::clone(self), isolate: Rc::default() }
    }

    fn pass(&self, millis: u64) {
        self.now.set(self.now.get() + millis);
    }

    /// How often a host was called since the last look.
    fn calls(&self, host: &str) -> usize {
        let mut called = self.called.borrow_mut();
        let count = called.iter().filter(|one| *one == host).count();
        called.retain(|one| one != host);
        count
    }

    fn set(&self, name: &'static str, value: impl Into<String>) {
        self.settings.borrow_mut().insert(name, value.into());
    }

    /// A token that is good for an hour, by the key of this secret.
    fn token(&self, secret: &str) -> String {
        issuer(secret).sign(json!({"sub": "ada", "exp": self.now.get() / 1000 + 3_600}))
    }
}

fn issuer(secret: &str) -> Issuer {
    Issuer::new(ISSUER, secret)
}

impl Host for Instance {
    async fn fetch(&self, request: Sent, _: Millis) -> Result<Response, FetchError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.world.called.borrow_mut().push(host.clone());
        let away = || FetchError::NotSent("nobody is there".to_owned());
        let answer = match host.as_str() {
            "issuer.test" => self.world.issuer.borrow().as_ref().ok_or_else(away)?.jwks(),
            "redis.test" => {
                let mut redis = self.world.redis.borrow_mut();
                let redis = redis.as_mut().ok_or_else(away)?;
                let words: Vec<String> = serde_json::from_slice(request.body()).unwrap();
                match words[0].as_str() {
                    "GET" => json!({"result": redis.get(&words[1])}),
                    "SET" => {
                        assert_eq!((words[3].as_str(), words[4].as_str()), ("PX", "3600000"));
                        redis.insert(words[1].clone(), words[2].clone());
                        json!({"result": "OK"})
                    }
                    other => panic!("{other} is not asked"),
                }
            }
            "db.test" => {
                let query: Value = serde_json::from_slice(request.body()).unwrap();
                assert_eq!(query["query"], api_keys::USE);
                let found = self.world.holders.borrow().get(query["params"][1].as_str().unwrap()).cloned();
                json!({"rows": [[found.map(|found| found.to_string())]]})
            }
            other => panic!("{other} is not called"),
        };
        Ok(http::Response::new(Bytes::from(answer.to_string())))
    }

    fn now(&self) -> Millis {
        Millis(self.world.now.get())
    }

    fn random(&self) -> [u8; 16] {
        [0; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        self.world.settings.borrow().get(name).cloned()
    }

    async fn sleep(&self, _: Millis) {}

    fn log(&self, _: Level, _: &str) {}

    fn isolate(&self) -> Rc<Isolate> {
        Rc::clone(&self.isolate)
    }
}

impl Instance {
    fn ask(&self, request: &Request, scope: Scope) -> Result<Principal, Error> {
        let settings = Settings::read(self).unwrap();
        principal(self, &settings, request, scope).now_or_never().unwrap()
    }

    fn knows(&self, bearer: &str) -> Result<Principal, Error> {
        self.ask(&request("POST", &[("authorization", &format!("Bearer {bearer}"))]), Scope::Start)
    }

    /// The name, or the error's code.
    fn says(&self, bearer: &str) -> Result<String, Code> {
        self.knows(bearer).map(|principal| principal.name).map_err(|error| error.code())
    }
}

fn request(method: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = http::Request::builder().method(method).uri("/api/chat");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::new()).unwrap()
}

fn ada() -> Result<String, Code> {
    Ok("ada".to_owned())
}

#[test]
fn keys_are_fetched_once_by_all_instances_and_again_after_five_minutes() {
    let world = World::new();
    let (one, other) = (world.instance(), world.instance());
    let token = world.token("first");
    for _ in 0..3 {
        assert_eq!((one.says(&token), other.says(&token)), (ada(), ada()));
    }
    assert_eq!(
        (world.calls("issuer.test"), world.calls("redis.test")),
        (1, 3),
        "one looks, writes, and the other looks"
    );
    world.pass(5 * MINUTE - 1);
    assert_eq!((one.says(&token), world.calls("issuer.test")), (ada(), 0));
    world.pass(1);
    assert_eq!((one.says(&token), world.calls("issuer.test")), (ada(), 1));
    assert_eq!((other.says(&token), world.calls("issuer.test")), (ada(), 0), "from the copy");
}

#[test]
fn rolled_keys_are_found_and_invented_ones_cost_two_fetches_a_minute() {
    let world = World::new();
    let instance = world.instance();
    assert_eq!(instance.says(&world.token("first")), ada());
    *world.issuer.borrow_mut() = Some(issuer("second"));
    world.pass(31_000);
    assert_eq!(instance.says(&world.token("second")), ada(), "a name that is not known has them fetched");
    assert_eq!(instance.says(&world.token("first")), Err(Code::Unauthenticated), "the old key is gone");
    world.calls("issuer.test");
    world.calls("redis.test");
    // Many invented names, at every instance there is, over two minutes.
    let fresh: Vec<Instance> = (0..12).map(|_| world.instance()).collect();
    for second in 0..120 {
        world.pass(1_000);
        let invented = world.token(&format!("invented {second}"));
        assert_eq!(instance.says(&invented), Err(Code::Unauthenticated));
        assert_eq!(fresh[second % 12].says(&invented), Err(Code::Unauthenticated));
    }
    let fetched = world.calls("issuer.test");
    assert!((1..=5).contains(&fetched), "{fetched} fetches");
    assert!(world.calls("redis.test") < 120, "nor does each of them ask Redis");
    assert_eq!(instance.says(&world.token("second")), ada());
}

#[test]
fn without_the_issuer_warm_keys_are_good_for_an_hour_and_cold_ones_are_an_outage() {
    let world = World::new();
    let (warm, token) = (world.instance(), world.token("first"));
    assert_eq!(warm.says(&token), ada());
    *world.issuer.borrow_mut() = None;
    world.pass(59 * MINUTE);
    assert_eq!(warm.says(&token), ada());
    assert_eq!(world.instance().says(&token), ada(), "and where Redis has them");
    *world.redis.borrow_mut() = None;
    assert_eq!(world.instance().says(&token), Err(Code::Unavailable), "and not where nobody has");
    let token = world.token("first");
    world.pass(MINUTE);
    assert_eq!(warm.says(&token), Err(Code::Unavailable));
    world.calls("issuer.test");
    for _ in 0..10 {
        assert_eq!(warm.says(&token), Err(Code::Unavailable));
    }
    assert_eq!(world.calls("issuer.test"), 0, "who does not answer is asked every five seconds");
    *world.issuer.borrow_mut() = Some(issuer("first"));
    world.pass(5_000);
    assert_eq!(warm.says(&token), ada());
}

#[test]
fn a_damaged_copy_and_one_that_is_not_sealed_are_as_none() {
    let world = World::new();
    let name = format!("makegood:jwks:{ISSUER}/.well-known/jwks.json");
    let put = |copy: &str| world.redis.borrow_mut().as_mut().unwrap().insert(name.clone(), copy.to_owned());
    let keys = issuer("evil").jwks().to_string();
    let forged = json!({"url": format!("{ISSUER}/.well-known/jwks.json"), "keys": keys, "fetched": NOW, "tried": NOW});
    for copy in ["", "nonsense", "{}", &forged.to_string(), &jwt::sign(&forged, "another"), &jwt::sign(&forged, "")] {
        put(copy);
        assert_eq!(world.instance().says(&world.token("evil")), Err(Code::Unauthenticated), "{copy}");
        put(copy);
        assert_eq!(world.instance().says(&world.token("first")), ada(), "{copy}");
    }
}

#[test]
fn one_issuers_keys_are_not_taken_for_anothers() {
    let world = World::new();
    let other = "https://other.test";
    let rules = json!({ISSUER: {"prefix": "a:"}, other: {"prefix": "b:", "jwks": "https://issuer.test/other.json"}});
    world.set("issuers", rules.to_string());
    assert_eq!(world.instance().says(&world.token("first")), Ok("a:ada".to_owned()));
    // Whoever writes to Redis puts the one's sealed copy where the other's is looked for.
    let mut redis = world.redis.borrow_mut().take().unwrap();
    let copy = redis.values().next().unwrap().clone();
    redis.insert("makegood:jwks:https://issuer.test/other.json".to_owned(), copy);
    *world.redis.borrow_mut() = Some(redis);
    *world.issuer.borrow_mut() = None;
    let token = Issuer::new(other, "first").sign(json!({"sub": "ada", "exp": NOW / 1000 + 60}));
    assert_eq!(world.instance().says(&token), Err(Code::Unavailable));
}

#[test]
fn nothing_is_fetched_for_what_is_no_token_of_a_trusted_issuer() {
    let world = World::new();
    let instance = world.instance();
    let elsewhere = Issuer::new("https://evil.test", "first").sign(json!({"sub": "ada", "exp": NOW}));
    for token in ["", "nonsense", "a.b.c", &elsewhere, "mk_", "mk_nonsense"] {
        assert_eq!(instance.says(token), Err(Code::Unauthenticated), "{token}");
    }
    assert!(world.called.borrow().is_empty(), "{:?}", world.called);
    world.set("jwks_url", "");
    assert_eq!(instance.says(&world.token("first")), Err(Code::Unauthenticated), "nobody is trusted");
}

#[test]
fn a_token_says_who_comes_with_which_role_and_tier() {
    let world = World::new();
    let claims = json!({"sub": "ada", "exp": NOW / 1000 + 60, "roles": ["approver"], "tier": "premium"});
    let known = world.instance().knows(&issuer("first").sign(claims)).unwrap();
    assert_eq!((known.role, known.tier), (Role::Approver, Tier::Premium));
    assert!(known.reaches("ada") && !known.reaches("bob"));
    assert!(known.needs(Role::Approver).is_ok());
    assert_eq!(known.needs(Role::Operator).unwrap_err().code(), Code::Forbidden);
    let operator = json!({"sub": "ada", "exp": NOW / 1000 + 60, "roles": ["operator"]});
    assert!(world.instance().knows(&issuer("first").sign(operator)).unwrap().reaches("bob"));
}

fn holder(scopes: &str, expires_at: Option<u64>) -> Value {
    json!({"owner": "robot", "role": "user", "tier": "free", "scopes": scopes, "expires_at": expires_at})
}

#[test]
fn an_api_key_does_what_it_was_made_for_until_half_a_minute_after_it_is_revoked() {
    let world = World::new();
    let (instance, key) = (world.instance(), key_of("robot"));
    let hash = api_keys::read(&key).unwrap().1;
    assert_eq!(instance.says(&key), Err(Code::Unauthenticated), "nobody made it yet");
    world.holders.borrow_mut().insert(hash.clone(), holder("read,start", None));
    assert_eq!(instance.says(&key), Ok("robot".to_owned()), "what is no key is not remembered");
    world.calls("db.test");
    for (scope, may) in [(Scope::Read, true), (Scope::Start, true), (Scope::Approve, false), (Scope::Operate, false)] {
        let asked = instance.ask(&request("POST", &[("authorization", &format!("Bearer {key}"))]), scope);
        assert_eq!(asked.map(|_| ()).map_err(|error| error.code()), if may { Ok(()) } else { Err(Code::Forbidden) });
    }
    assert_eq!(world.calls("db.test"), 0, "whom it stands for is remembered");
    world.holders.borrow_mut().clear();
    world.pass(29_999);
    assert!(instance.knows(&key).is_ok());
    assert_eq!(world.instance().says(&key), Err(Code::Unauthenticated), "where it was not used lately it is over");
    world.pass(1);
    assert_eq!(instance.says(&key), Err(Code::Unauthenticated));
}

#[test]
fn an_api_key_ends_with_its_time_even_where_it_is_remembered() {
    let world = World::new();
    let (instance, key) = (world.instance(), key_of("robot"));
    world.holders.borrow_mut().insert(api_keys::read(&key).unwrap().1, holder("start", Some(NOW + 10_000)));
    assert!(instance.knows(&key).is_ok());
    world.holders.borrow_mut().clear();
    world.pass(9_999);
    assert!(instance.knows(&key).is_ok());
    world.pass(1);
    assert_eq!(instance.says(&key), Err(Code::Unauthenticated));
}

#[test]
fn a_cookie_lets_look_and_never_act() {
    let world = World::new();
    let instance = world.instance();
    let cookie = format!("a=b; __session={}; c=d", world.token("first"));
    let with = |method: &str| instance.ask(&request(method, &[("cookie", &cookie)]), Scope::Read);
    assert_eq!(with("GET").unwrap().name, "ada");
    assert_eq!(with("HEAD").unwrap().name, "ada");
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert_eq!(with(method).unwrap_err().code(), Code::Unauthenticated, "{method}");
    }
    let bad = instance.ask(&request("GET", &[("cookie", "__session=nonsense")]), Scope::Read);
    assert_eq!(bad.unwrap_err().code(), Code::Unauthenticated);
    let both = [("cookie", cookie.as_str()), ("authorization", "Bearer nonsense")];
    let both = instance.ask(&request("GET", &both), Scope::Read);
    assert_eq!(both.unwrap_err().code(), Code::Unauthenticated, "a bearer token is what counts");
}

#[test]
fn another_applications_cookie_is_as_none_where_nobody_in_particular_may_look() {
    let world = World::new();
    let instance = world.instance();
    let look = |method: &str, cookie: &str, more: &[(&str, &str)]| {
        let cookie = format!("__session={cookie}");
        let headers = [&[("cookie", cookie.as_str())], more].concat();
        let known = instance.ask(&request(method, &headers), Scope::Read);
        known.map(|principal| (principal.name, principal.role)).map_err(|error| error.code())
    };
    let nobody = || -> Result<(String, Role), Code> { Ok(("anonymous".to_owned(), Role::User)) };
    let claims = json!({"sub": "ada", "roles": ["admin"], "exp": NOW / 1000 + 60});
    let elsewhere = Issuer::new("https://evil.test", "first").sign(claims);
    let others = ["", "nonsense", "a.b.c", "s%3Aabc.def", &elsewhere];
    for other in others {
        assert_eq!(look("GET", other, &[]), Err(Code::Unauthenticated), "where nobody is let in: {other}");
    }
    world.set("allow_anonymous", "true");
    for other in others {
        assert_eq!((look("GET", other, &[]), look("HEAD", other, &[])), (nobody(), nobody()), "{other}");
        let bearer = [("authorization", "Bearer nonsense")];
        assert_eq!(look("GET", other, &bearer), Err(Code::Unauthenticated), "{other}");
        for site in [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")] {
            assert_eq!(look("GET", other, &[site]), Err(Code::Forbidden), "{other}");
        }
    }
    assert!(world.called.borrow().is_empty(), "and nothing is fetched for it: {:?}", world.called);

    // What is one of ours, and no good, is refused.
    let ours = world.token("first");
    assert_eq!(look("GET", &ours, &[]), Ok(("ada".to_owned(), Role::User)));
    let claims = json!({"iss": ISSUER, "sub": "ada", "exp": NOW / 1000 + 60});
    let old = issuer("first").sign(json!({"sub": "ada", "exp": NOW / 1000 - 60}));
    let unsigned = issuer("first").sign_as(&json!({"alg": "none"}), &claims);
    let (signed, _) = ours.rsplit_once('.').unwrap();
    for bad in
        [old, unsigned, issuer("evil").sign(claims), format!("{signed}.AAAA"), signed.to_owned(), key_of("robot")]
    {
        assert_eq!(look("GET", &bad, &[]), Err(Code::Unauthenticated), "{bad}");
    }
    let over = instance.ask(&request("GET", &[("cookie", &format!("__session={signed}."))]), Scope::Read).unwrap_err();
    assert!(over.message().contains("`__session`") && over.message().contains("Sign in again"), "{over:?}");
    // It is heeded for looking only: who acts is nobody in particular, whatever lies in their browser.
    assert_eq!(look("POST", &ours, &[]), nobody());
}

#[test]
fn nobody_in_particular_is_let_in_only_where_that_is_said_and_as_what_is_said() {
    let world = World::new();
    let instance = world.instance();
    let nobody = |headers: &[(&str, &str)]| instance.ask(&request("POST", headers), Scope::Start);
    assert_eq!(nobody(&[]).unwrap_err().code(), Code::Unauthenticated);
    world.set("allow_anonymous", "true");
    assert_eq!(nobody(&[]).unwrap().role, Role::User);
    world.set("anonymous_role", "operator");
    let known = nobody(&[("origin", "https://me.test")]).unwrap();
    assert_eq!((known.name.as_str(), known.role), ("anonymous", Role::Operator));
    for (name, value) in [("origin", "https://evil.test"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(nobody(&[(name, value)]).unwrap_err().code(), Code::Forbidden, "{name}: {value}");
    }
    world.set("anonymous_role", "king");
    assert!(Settings::read(&instance).is_err());
}
