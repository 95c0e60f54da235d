//! Bad input: each is answered with problem details (RFC 9457) and a stable code, changes nothing,
//! and tells nothing of what is inside.

use std::time::{SystemTime, UNIX_EPOCH};

use makegood_cloud::Issuer;
use makegood_endpoints::platform::{Answer, Options, Platform, answer};
use makegood_endpoints::{journal, town};
use makegood_gateway::jwt;
use serde_json::{Value, json};

const SAGA: &str = "sg_01k0000000000000000000zzzz";

/// A platform that watches what it tells and whether it changes.
struct Fortress {
    platform: Platform,
    secrets: Value,
}

impl Fortress {
    async fn build() -> Self {
        let platform = Platform::start(Options::default()).await;
        let secrets = std::fs::read_to_string(platform.data().join("secrets.json")).unwrap();
        Self { platform, secrets: serde_json::from_str(&secrets).unwrap() }
    }

    fn secret(&self, name: &str) -> &str {
        self.secrets[name].as_str().unwrap()
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.platform.request("POST", path)
    }

    /// Sends it and asserts that it is refused as it should be.
    async fn refuses(&self, request: reqwest::RequestBuilder, status: u16, code: &str) -> Answer {
        let told = format!("{request:?}");
        let answer = answer(request).await;
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (status, "application/problem+json"),
            "{told}: {answer:?}"
        );
        let problem = answer.json();
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{told}: {answer:?}");
        for name in ["type", "title", "detail"] {
            assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {answer:?}");
        }
        self.says_nothing_of_the_inside(&answer.text);
        answer
    }

    fn says_nothing_of_the_inside(&self, text: &str) {
        let folded = text.to_lowercase();
        let data = self.platform.data().display().to_string();
        let words = [
            "postgres",
            "sqlstate",
            "select ",
            "insert into",
            "create_saga",
            "emulators",
            "upstash",
            "panicked",
            "wasm",
            ".rs",
            &data,
        ];
        let secrets = self.secrets.as_object().unwrap().values().map(|secret| secret.as_str().unwrap().to_lowercase());
        for word in words.map(str::to_lowercase).into_iter().chain(secrets) {
            assert!(!folded.contains(&word), "it says {word:?}: {text}");
        }
    }

    /// What could have changed.
    async fn state(&self) -> (usize, Value) {
        (journal::list(&self.platform).await.len(), town::world(&self.platform).await)
    }

    /// A delivery as the queue would sign it, with `change` made to its claims.
    fn delivery(&self, path: &str, body: &str, key: &str, change: impl FnOnce(&mut Value)) -> reqwest::RequestBuilder {
        let now = seconds();
        let mut claims = json!({
            "iss": "Upstash", "sub": format!("{}{path}", self.platform.url), "exp": now + 300, "nbf": now, "iat": now,
            "jti": "jwt_1", "body": jwt::body_hash(body.as_bytes()),
        });
        change(&mut claims);
        self.post(path).header("upstash-signature", jwt::sign(&claims, key)).body(body.to_owned())
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn step(id: &str, after: &[&str]) -> Value {
    json!({"id": id, "tool": "bench_effect", "params": {"n": 1}, "after": after})
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_and_changes_nothing() {
    let fortress = Fortress::build().await;
    let before = fortress.state().await;
    for path in ["/api/chat", "/api/intent", "/api/execute"] {
        for body in ["", "{", "nonsense", "{\"a", "\u{0}", "[1,"] {
            fortress.refuses(fortress.post(path).body(body), 400, "invalid_json").await;
        }
        fortress.refuses(fortress.post(path).body(vec![0xff, 0xfe]), 400, "invalid_json").await;
        for body in
            ["null", "[]", "1", "{}", "\"book a table\"", r#"["Book a table for 4 at Luigi's tomorrow at 7pm",null,0]"#]
        {
            fortress.refuses(fortress.post(path).body(body), 400, "invalid_request").await;
        }
        // The longer ones are refused long before they are sent, and the refusal is read all the same.
        for length in [1 << 20, 4 << 20, 12 << 20] {
            let long = format!("{{\"message\":\"{}\"}}", "a".repeat(length));
            fortress.refuses(fortress.post(path).body(long), 413, "body_too_large").await;
        }
    }
    for path in ["/api/chat", "/api/intent"] {
        for body in [
            json!({"message": 7}),
            json!({"message": null}),
            json!({"message": "  "}),
            json!({"message": "Book a table for 4 at Luigi's tomorrow at 7pm \0"}),
            json!({"message": "Book a table", "key": ""}),
            json!({"message": "Book a table", "key": "k".repeat(201)}),
            json!({"message": "Book a table", "utc_offset_minutes": 100_000}),
            json!({"message": "Book a table", "utc_offset_minutes": "east"}),
            json!({"message": "Book a table", "unheard_of": true}),
        ] {
            fortress.refuses(fortress.post(path).json(&body), 400, "invalid_request").await;
        }
    }
    assert_eq!(fortress.state().await, before);
}

#[tokio::test]
async fn a_plan_that_cannot_be_carried_out_is_refused_whole() {
    let fortress = Fortress::build().await;
    let before = fortress.state().await;
    let long: Vec<Value> = (0..1_001).map(|n| step(&format!("s{n}"), &[])).collect();
    let wide = json!({"id": "a", "tool": "send_message", "params": {"to": "Sam", "text": "a".repeat(300 * 1024)}});
    let with = |params: Value| json!([{"id": "a", "tool": "bench_effect", "params": params}]);
    let table = |params: Value| json!([{"id": "a", "tool": "book_restaurant_table", "params": params}]);
    let gated = |gate: Value| {
        let mut step = step("a", &[]);
        step.as_object_mut().unwrap().extend(gate.as_object().unwrap().clone());
        json!([step])
    };
    let cases = [
        (400, "invalid_request", json!([{"id": "a", "tool": "bench_effect", "params": {"n": 1}, "unheard_of": 1}])),
        (400, "invalid_request", json!([{"id": "a", "tool": "bench_effect", "params": [1]}])),
        (400, "invalid_request", json!([{"id": 1, "tool": "bench_effect"}])),
        (400, "invalid_request", json!([{"tool": "bench_effect"}])),
        (400, "invalid_request", json!("all of it")),
        // PostgreSQL has no such character.
        (400, "invalid_request", with(json!({"n": 1, "after": "\0"}))),
        (422, "invalid_plan", json!([])),
        (422, "invalid_plan", json!([step("", &[])])),
        (422, "invalid_plan", json!([step("a b", &[])])),
        (422, "invalid_plan", json!([step("a", &[]), step("a", &[])])),
        (422, "invalid_plan", json!([step("a", &["a"])])),
        (422, "invalid_plan", json!([step("a", &["b"]), step("b", &["c"]), step("c", &["a"])])),
        (422, "invalid_plan", json!([step("a", &["nobody"])])),
        (422, "invalid_plan", with(json!({"n": "$nobody.n"}))),
        (
            422,
            "invalid_plan",
            json!([step("a", &[]), {"id": "b", "tool": "bench_effect", "params": {"n": "$a.nothing"}}]),
        ),
        // Waits, conditions and approvals.
        (400, "invalid_request", json!([{"id": "a", "wait": {"for_ever": true}}])),
        (400, "invalid_request", json!([{"id": "a", "wait": {"for_ms": -1}}])),
        (422, "invalid_plan", json!([{"id": "a", "tool": "bench_effect", "wait": {"for_ms": 1}}])),
        (422, "invalid_plan", json!([{"id": "a", "wait": {"for_ms": 1}, "params": {"n": 1}}])),
        (422, "invalid_plan", json!([{"id": "a", "wait": {"for_ms": 40_000_000_000_u64}}])),
        (422, "invalid_plan", json!([{"id": "a", "wait": {"event": {"name": "", "within_ms": 1}}}])),
        (422, "invalid_plan", gated(json!({"when": {"left": "$nobody.n", "is": "==", "right": 1}}))),
        (400, "invalid_request", gated(json!({"when": {"left": 1, "is": "=", "right": 1}}))),
        (422, "invalid_plan", gated(json!({"approval": {"quorum": 0}}))),
        (422, "invalid_plan", gated(json!({"approval": {"quorum": 2}}))),
        (422, "invalid_plan", gated(json!({"approval": {"by": ["ann", "ann"], "quorum": 2}}))),
        (422, "invalid_plan", gated(json!({"retry": {"attempts": 0, "base_ms": 1, "cap_ms": 1}}))),
        (
            422,
            "invalid_plan",
            json!([
                {"id": "a", "tool": "send_message", "params": {"to": "Sam", "text": "One"}},
                {"id": "b", "tool": "send_message", "params": {"to": "Sam", "text": "Two"}, "approval": {}},
            ]),
        ),
        (422, "unknown_tool", json!([{"id": "a", "tool": "launch_rocket"}])),
        (422, "unknown_tool", json!([{"id": "a", "tool": "../../etc/passwd"}])),
        (422, "invalid_parameters", with(json!({}))),
        (422, "invalid_parameters", with(json!({"n": "one"}))),
        (422, "invalid_parameters", with(json!({"n": 1, "unheard_of": 2}))),
        (
            422,
            "invalid_parameters",
            table(
                json!({"restaurant": "Luigi's", "date": "2031-02-30", "time": "19:00", "party_size": 4, "name": "A"}),
            ),
        ),
        (
            422,
            "invalid_parameters",
            table(
                json!({"restaurant": "Luigi's", "date": "2031-02-20", "time": "25:00", "party_size": 4, "name": "A"}),
            ),
        ),
        (
            422,
            "invalid_parameters",
            table(
                json!({"restaurant": "Luigi's", "date": "2031-02-20", "time": "19:00", "party_size": 21, "name": "A"}),
            ),
        ),
        (422, "plan_too_large", json!(long)),
        (422, "plan_too_large", json!([wide])),
    ];
    for (status, code, steps) in cases {
        let body = json!({"plan": {"summary": "Bad", "steps": steps}});
        fortress.refuses(fortress.post("/api/execute").json(&body), status, code).await;
    }
    let several = json!([step("a", &["nobody"]), {"id": "b", "tool": "launch_rocket"}]);
    let request = fortress.post("/api/execute").json(&json!({"plan": {"steps": several}}));
    let problem = fortress.refuses(request, 422, "invalid_plan").await.json();
    let told: Vec<(&str, &str)> = problem["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (fault["step"].as_str().unwrap(), fault["rule"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("a", "order"), ("b", "tool")]);
    let good = json!([step("a", &[])]);
    for body in [
        json!({"plan": {"steps": good, "unheard_of": 1}}),
        json!({"plan": {"steps": good}, "unheard_of": 1}),
        json!({"plan": {"steps": good}, "key": ""}),
        json!({"plan": {"steps": good}, "key": 7}),
        json!({"plan": {"steps": good}, "key": "\0"}),
        json!({"plan": {"steps": good, "summary": "\0"}}),
        json!({"plan": {"steps": good}, "key": "k".repeat(201)}),
    ] {
        fortress.refuses(fortress.post("/api/execute").json(&body), 400, "invalid_request").await;
    }
    assert_eq!(fortress.state().await, before);
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_refused_by_every_function() {
    let fortress = Fortress::build().await;
    let before = fortress.state().await;
    for path in [
        "/nothing",
        "/api",
        "/api/nothing",
        "/api/chat/more",
        "/api/intent/more",
        "/api/execute/step/more/still",
        "/api/debug/nothing",
        "/api/debug/sagas/a/b",
        "/demo/nothing",
    ] {
        fortress.refuses(fortress.platform.request("GET", path), 404, "not_found").await;
    }
    fortress.refuses(fortress.post("/api/webhook/stripe").body("{}"), 404, "not_found").await;
    for (method, path) in [
        ("GET", "/api/chat"),
        ("PUT", "/api/chat"),
        ("GET", "/api/intent"),
        ("DELETE", "/api/intent"),
        ("GET", "/api/execute"),
        ("GET", "/api/execute/step"),
        ("GET", "/api/execute/sweep"),
        ("PATCH", "/api/execute"),
        ("GET", "/api/webhook/stripe"),
        ("PUT", "/api/subscriptions"),
        ("GET", "/api/subscriptions/bring"),
        ("POST", "/api/debug/health"),
        ("DELETE", "/api/debug/sagas"),
        ("GET", "/demo/tools/request_ride/do"),
        ("PUT", "/demo/faults"),
    ] {
        fortress.refuses(fortress.platform.request(method, path), 405, "method_not_allowed").await;
    }
    for (method, path) in [("DELETE", format!("/api/execute/{SAGA}")), ("GET", format!("/api/execute/{SAGA}/cancel"))] {
        fortress.refuses(fortress.platform.request(method, &path), 405, "method_not_allowed").await;
    }
    // Pages refuse as pages.
    for (path, status) in
        [("/debug/nothing", 404), ("/debug/sagas/sg_nonsense", 400), (&format!("/debug/sagas/{SAGA}"), 404)]
    {
        let page = answer(fortress.platform.request("GET", path)).await;
        assert_eq!((page.status, page.content_type.starts_with("text/html")), (status, true), "{path}: {page:?}");
        fortress.says_nothing_of_the_inside(&page.text);
    }
    assert_eq!(fortress.state().await, before);
}

#[tokio::test]
async fn only_the_queue_may_call_back() {
    let fortress = Fortress::build().await;
    let plan = json!({"summary": "One step", "steps": [step("a", &[])]});
    let id = journal::execute(&fortress.platform, &plan).await;
    let rested = journal::rest(&fortress.platform, &id, std::time::Duration::from_secs(20)).await;
    let before = fortress.state().await;
    let key = fortress.secret("qstash_current_key");
    let wake = json!({"saga": id, "version": rested["version"]}).to_string();
    let firing = r#"{"schedule":"sc_01k0000000000000000000zzzz"}"#;
    let word = r#"{"conversation":"cv_01k0000000000000000000zzzz","owner":"ann","at":1}"#;
    let news = r#"{"saga":"sg_01k0000000000000000000zzzz"}"#;
    for (path, body) in [
        ("/api/execute/step", wake.as_str()),
        ("/api/execute/sweep", ""),
        ("/api/execute/scheduled", firing),
        ("/api/execute/wish", word),
        ("/api/subscriptions/bring", news),
    ] {
        let refused = async |request: reqwest::RequestBuilder| {
            fortress.refuses(request, 401, "bad_signature").await;
        };
        let signed = |key: &str, change: fn(&mut Value)| fortress.delivery(path, body, key, change);
        refused(fortress.post(path).body(body.to_owned())).await;
        refused(fortress.post(path).body(body.to_owned()).header("upstash-signature", "nonsense")).await;
        refused(fortress.post(path).body(body.to_owned()).bearer_auth(fortress.secret("qstash_token"))).await;
        refused(signed("another key", |_| {})).await;
        refused(signed("", |_| {})).await;
        refused(signed(fortress.secret("jwt"), |_| {})).await;
        refused(signed(key, |claims| claims["body"] = json!(jwt::body_hash(b"another body")))).await;
        refused(signed(key, |claims| claims["sub"] = json!("http://127.0.0.1:3000/api/elsewhere"))).await;
        refused(signed(key, |claims| claims["iss"] = json!("Somebody"))).await;
        refused(signed(key, |claims| claims["exp"] = json!(claims["nbf"].as_u64().unwrap() - 60))).await;
        refused(signed(key, |claims| claims["nbf"] = json!(claims["exp"]))).await;
        let other = if path.ends_with("step") { "/api/execute/sweep" } else { "/api/execute/step" };
        let elsewhere = fortress.delivery(other, body, key, |_| {}).build().unwrap();
        refused(fortress.post(path).body(body.to_owned()).headers(elsewhere.headers().clone())).await;
    }
    // What is signed well and makes no sense is refused for that reason, or taken and dropped.
    let body = r#"{"saga":"nonsense","version":1}"#;
    fortress.refuses(fortress.delivery("/api/execute/step", body, key, |_| {}), 400, "invalid_request").await;
    let unknown = json!({"saga": SAGA, "version": 1}).to_string();
    for key in [key, fortress.secret("qstash_next_key")] {
        let taken = answer(fortress.delivery("/api/execute/step", &unknown, key, |_| {})).await;
        assert!([200, 503].contains(&taken.status), "{taken:?}");
    }
    assert_eq!(fortress.state().await, before);
    assert_eq!(journal::status(&fortress.platform, &id).await, rested);
}

#[tokio::test]
async fn nobody_sees_or_changes_the_saga_of_another() {
    let fortress = Fortress::build().await;
    let (platform, ana, eve) =
        (&fortress.platform, fortress.platform.token("ana").await, fortress.platform.token("eve").await);
    let body = json!({"plan": {"summary": "Ana's", "steps": [step("a", &[])]}, "key": "the same key"});
    let owned = answer(platform.request("POST", "/api/execute").bearer_auth(&ana).json(&body)).await.json();
    let id = owned["saga"].as_str().unwrap();
    let path = format!("/api/execute/{id}");
    let mine = answer(platform.request("GET", &path).bearer_auth(&ana)).await;
    assert_eq!(mine.status, 200, "{mine:?}");

    // Another's saga is refused in the very words of one that never was.
    let never = fortress
        .refuses(platform.request("GET", &format!("/api/execute/{SAGA}")).bearer_auth(&eve), 404, "not_found")
        .await;
    for path in [path.clone(), format!("/api/debug/sagas/{id}")] {
        let other = fortress.refuses(platform.request("GET", &path).bearer_auth(&eve), 404, "not_found").await;
        assert_eq!(other.text, never.text);
    }
    fortress.refuses(platform.request("POST", &format!("{path}/cancel")).bearer_auth(&eve), 404, "not_found").await;
    fortress.refuses(platform.request("GET", "/api/debug/sagas?owner=ana").bearer_auth(&eve), 403, "forbidden").await;
    for id in ["nonsense", "sg_", "sg_01K0000000000000000000ZZZZ", "sg_'%20or%201=1", "%2e%2e"] {
        let answer = answer(platform.request("GET", &format!("/api/execute/{id}")).bearer_auth(&eve)).await;
        assert!(
            [400, 404].contains(&answer.status) && answer.content_type == "application/problem+json",
            "{id}: {answer:?}"
        );
        fortress.says_nothing_of_the_inside(&answer.text);
    }

    // A key is its owner's: Eve's request under it makes a saga of her own.
    let other = answer(platform.request("POST", "/api/execute").bearer_auth(&eve).json(&body)).await.json();
    assert_eq!(other["created"], true);
    assert_ne!(other["saga"], owned["saga"]);
    let seen = answer(platform.request("GET", "/api/debug/sagas").bearer_auth(&eve)).await.json();
    let seen: Vec<&Value> = seen["sagas"].as_array().unwrap().iter().map(|saga| &saga["id"]).collect();
    assert_eq!(seen, [&other["saga"]]);
    assert_eq!(journal::list(platform).await, [Value::Null; 0], "and who is nobody has none");
}

#[tokio::test]
async fn a_bad_token_is_refused_and_so_is_the_page_of_another_site() {
    let fortress = Fortress::build().await;
    let before = fortress.state().await;
    let body = json!({"message": "Book a table for 4 at Luigi's tomorrow at 7pm"});
    let key = fortress.secret("jwt");
    let issuer = Issuer::new(&format!("{}/emulators/issuer", fortress.platform.url), key);
    let good = json!({"sub": "ana", "exp": seconds() + 600});
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEiLCJleHAiOjk5OTk5OTk5OTl9.";
    let tokens = [
        "Bearer".to_owned(),
        "Bearer nonsense".to_owned(),
        "Basic YW5hOmFuYQ==".to_owned(),
        format!("Bearer {unsigned}"),
        format!("Bearer {}", jwt::sign(&good, "another key")),
        format!("Bearer {}", jwt::sign(&good, fortress.secret("qstash_current_key"))),
        format!("Bearer {}", jwt::sign(&good, key)),
        format!("Bearer {}", issuer.sign(json!({"sub": "ana", "exp": seconds() - 10}))),
        format!("Bearer {}", issuer.sign(json!({"sub": "ana"}))),
        format!("Bearer {}", issuer.sign(json!({"sub": "", "exp": seconds() + 600}))),
        format!("Bearer {}", issuer.sign(json!({"sub": "anonymous", "exp": seconds() + 600}))),
        format!("Bearer {}", Issuer::new(&issuer.url, "another secret").sign(good.clone())),
        format!("Bearer {}", Issuer::new("https://evil.example", key).sign(good.clone())),
        "Bearer mk_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".to_owned(),
    ];
    for token in tokens {
        for path in ["/api/chat", "/api/intent", "/api/execute"] {
            let request = fortress.post(path).header("authorization", &token).json(&body);
            fortress.refuses(request, 401, "unauthenticated").await;
        }
        for path in ["/api/debug/sagas", &format!("/api/execute/{SAGA}")] {
            let request = fortress.platform.request("GET", path).header("authorization", &token);
            fortress.refuses(request, 401, "unauthenticated").await;
        }
    }
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        for path in ["/api/chat", "/api/intent", "/api/execute"] {
            fortress.refuses(fortress.post(path).header(name, value).json(&body), 403, "forbidden").await;
        }
        let request = fortress.platform.request("GET", "/api/debug/sagas").header(name, value);
        fortress.refuses(request, 403, "forbidden").await;
    }
    // Rebinding: the right address under a name that is not ours.
    let request = fortress.post("/api/chat").header("host", "evil.example").json(&body);
    fortress.refuses(request, 403, "forbidden").await;
    assert_eq!(fortress.state().await, before);

    let ours = fortress.post("/api/intent").header("origin", &fortress.platform.url).json(&body);
    assert_eq!(answer(ours).await.status, 200, "our own page may");
}
