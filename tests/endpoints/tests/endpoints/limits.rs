//! Who comes too often is told so, and when to come again; nobody else notices, and the queue is let in always.

use std::time::{Duration, Instant};

use makegood_endpoints::platform::{Options, Platform};
use makegood_endpoints::poll;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

/// Platforms with these limits, and otherwise as much as anybody wants.
async fn limited(limits: &Value, more: &[(&str, &str)]) -> Platform {
    let mut all = json!({"throttle_ms": 0, "adaptive": "off"});
    for class in ["chat", "intent", "execute", "api", "webhook", "failed"] {
        all[class] = json!({"rate": 1_000_000, "burst": 100_000});
    }
    for (class, limit) in limits.as_object().unwrap() {
        all[class] = limit.clone();
    }
    let mut environment = vec![("SPIN_VARIABLE_LIMITS".to_owned(), all.to_string())];
    environment.extend(more.iter().map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), (*value).to_owned())));
    Platform::start(Options { environment, ..Options::default() }).await
}

/// So slowly that nothing comes back while a test runs.
fn few(burst: u32) -> Value {
    json!({"rate": 1, "per_s": 3_600, "burst": burst})
}

fn plan() -> Value {
    json!({"plan": {"summary": "One step", "steps": [{"id": "s", "tool": "bench_effect", "params": {"n": 1}}]}})
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

/// It is a refusal as it should be.
async fn refused(response: Response, name: &str) {
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (429, "application/problem+json"));
    let again: u64 = header(&response, "retry-after").parse().unwrap();
    assert!((1..=3_600).contains(&again), "{again}");
    let told = format!("\"{name}\";r=0;t={again}");
    assert!(header(&response, "ratelimit").split(", ").any(|limit| limit == told), "{response:?}");
    let problem: Value = response.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&json!("rate_limited"), &json!(429)));
    assert!(problem["detail"].as_str().unwrap().contains(&format!("{again} s")), "{problem}");
}

async fn completed(platform: &Platform, saga: &str, token: &str) {
    let path = format!("/api/execute/{saga}");
    let rest = poll(Duration::from_secs(20), Duration::from_millis(100), || async {
        let status = send(platform.request("GET", &path).bearer_auth(token)).await;
        let status: Value = status.json().await.unwrap();
        (status["phase"] == "completed").then_some(())
    });
    assert!(rest.await.is_some(), "{saga} is not completed");
}

#[tokio::test]
async fn a_user_who_comes_too_often_is_refused_and_nobody_else_is() {
    let platform = limited(&json!({"execute": few(3), "chat": [{"rate": 60, "burst": 50}, few(1)]}), &[]).await;
    let [ana, ben] = [platform.token("ana").await, platform.token("ben").await];
    let start = |token: &str| platform.request("POST", "/api/execute").bearer_auth(token).json(&plan());
    let mut saga = String::new();
    for left in [2, 1, 0] {
        let response = send(start(&ana)).await;
        assert_eq!(response.status().as_u16(), 202);
        assert_eq!(header(&response, "ratelimit-policy"), "\"execute\";q=1;w=3600;makegood-burst=3");
        let within = if left == 0 { 3_600 } else { left * 3_600 };
        assert_eq!(header(&response, "ratelimit"), format!("\"execute\";r={left};t={within}"));
        let body: Value = response.json().await.unwrap();
        saga = body["saga"].as_str().unwrap().to_owned();
    }
    refused(send(start(&ana)).await, "execute").await;
    // From this isolate's own memory, or from Redis again: the answer is the same.
    refused(send(start(&ana)).await, "execute").await;
    assert_eq!(send(start(&ben)).await.status().as_u16(), 202);
    assert_eq!(send(start("nonsense")).await.status().as_u16(), 401);
    // What reads is another kind of request, and what the queue brings is none.
    completed(&platform, &saga, &ana).await;

    // Of several limits each is told, and on a stream too.
    let say = || {
        let request = platform.request("POST", "/api/chat").bearer_auth(&ana).header("accept", "text/event-stream");
        send(request.json(&json!({"message": "Book a table at Luigi's tomorrow at 7pm"})))
    };
    let stream = say().await;
    assert_eq!((stream.status().as_u16(), header(&stream, "content-type")), (200, "text/event-stream"));
    assert_eq!(header(&stream, "ratelimit"), "\"chat\";r=49;t=49, \"chat-2\";r=0;t=3600");
    let response = say().await;
    assert_eq!(response.status().as_u16(), 429);
    assert!(header(&response, "ratelimit").contains("\"chat-2\";r=0;t="), "{response:?}");
}

#[tokio::test]
async fn however_many_instances_there_are_they_let_in_what_one_would() {
    let platform = limited(&json!({"api": {"rate": 20, "per_s": 1, "burst": 30}}), &[]).await;
    let token = platform.token("ana").await;
    let began = Instant::now();
    let ask = || async {
        let mut statuses = Vec::new();
        for _ in 0..15 {
            statuses
                .push(send(platform.request("GET", "/api/debug/models").bearer_auth(&token)).await.status().as_u16());
        }
        statuses
    };
    // No more at once than Redis answers in time on a busy machine: who is not answered counts alone.
    let answers = futures(8, ask).await;
    let most = 20.0_f64.mul_add(began.elapsed().as_secs_f64(), 30.0);
    let count = |status: u16| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!(count(200) + count(429), 120);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let within = count(200) as f64 <= most;
    assert!(within && count(200) >= 30, "{} were let in, of {most}", count(200));
}

/// So many at once.
async fn futures<F: Future<Output = Vec<u16>>>(count: usize, ask: impl Fn() -> F) -> Vec<u16> {
    let mut all = Vec::new();
    for part in futures_util::future::join_all((0..count).map(|_| ask())).await {
        all.extend(part);
    }
    all
}

#[tokio::test]
async fn who_is_not_let_in_counts_by_address_and_the_queue_does_not_count() {
    let platform = limited(&json!({"failed": few(2)}), &[]).await;
    let token = platform.token("ana").await;
    let guess = |secret: &str| send(platform.request("GET", "/api/debug/sagas").bearer_auth(secret));
    for _ in 0..2 {
        assert_eq!(guess("guessed").await.status().as_u16(), 401);
    }
    refused(guess("guessed").await, "failed").await;
    let forged = platform.request("POST", "/api/execute/step").header("upstash-signature", "forged").body("{}");
    refused(send(forged).await, "failed").await;
    // Whoever has a good token is let in all the same, and so is the queue, which comes from the same address.
    assert_eq!(guess(&token).await.status().as_u16(), 200);
    let started = send(platform.request("POST", "/api/execute").bearer_auth(&token).json(&plan())).await;
    let started: Value = started.json().await.unwrap();
    completed(&platform, started["saga"].as_str().unwrap(), &token).await;
}

#[tokio::test]
async fn nobody_in_particular_counts_by_address_which_nobody_can_make_up() {
    let platform = limited(&json!({"intent": few(1), "webhook": few(1)}), &[]).await;
    let ask = |platform: &Platform, from: &str| {
        let request = platform.request("POST", "/api/intent").header("x-forwarded-for", from);
        let request = request.header("spin-client-addr", from).header("cf-connecting-ip", from);
        send(request.json(&json!({"message": "Book a table at Luigi's tomorrow at 7pm"})))
    };
    assert_eq!(ask(&platform, "192.0.2.1").await.status().as_u16(), 200);
    refused(ask(&platform, "192.0.2.2").await, "intent").await;
    let deliver = |source: &str| send(platform.request("POST", &format!("/api/webhook/{source}")).body("{}"));
    assert_eq!(deliver("one").await.status().as_u16(), 404);
    refused(deliver("another").await, "webhook").await;

    let proxied = limited(&json!({"intent": few(1)}), &[("TRUSTED_PROXY_HOPS", "1")]).await;
    assert_eq!(ask(&proxied, "6.6.6.6, 192.0.2.1").await.status().as_u16(), 200);
    assert_eq!(ask(&proxied, "6.6.6.6, 192.0.2.2").await.status().as_u16(), 200);
    refused(ask(&proxied, "7.7.7.7, 192.0.2.1").await, "intent").await;
}

async fn redis_away(platform: &Platform) {
    let fault = json!({"kind": "drop_request", "match": {"contains": "makegood:limit:"}});
    platform.post("/emulators/redis/_emulator/faults", &fault, 201).await;
}

#[tokio::test]
async fn without_redis_each_isolate_counts_for_itself() {
    let platform = limited(&json!({"intent": few(2)}), &[]).await;
    redis_away(&platform).await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let request = platform.request("POST", "/api/intent").json(&json!({"message": "Book a table"}));
        let response = send(request).await;
        let status = response.status().as_u16();
        // What an isolate remembers of a refusal it does not decide again.
        assert!(header(&response, "makegood-limits") == "isolate" || status == 429, "{response:?}");
        statuses.push(status);
    }
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    assert!(platform.complaints().contains("no limits from Redis for now"), "{}", platform.complaints());
}

#[tokio::test]
async fn without_redis_all_or_nobody_is_let_in_where_that_is_wanted() {
    for (fallback, status, told) in [("open", 200, "open"), ("closed", 503, "")] {
        let platform = limited(&json!({"intent": few(1)}), &[("LIMITS_FALLBACK", fallback)]).await;
        redis_away(&platform).await;
        for _ in 0..3 {
            let request = platform.request("POST", "/api/intent").json(&json!({"message": "Book a table"}));
            let response = send(request).await;
            assert_eq!(response.status().as_u16(), status, "{fallback}");
            assert_eq!(header(&response, "makegood-limits"), told);
        }
        let health = send(platform.request("GET", "/api/debug/health")).await;
        assert_eq!(health.status().as_u16(), 200, "{fallback}: the journal is well");
    }
}

#[tokio::test]
async fn in_the_shadow_all_are_let_in_and_the_log_says_who_would_not_have_been() {
    let platform = limited(&json!({"execute": few(1)}), &[("LIMITS_MODE", "shadow")]).await;
    let token = platform.token("ana").await;
    for _ in 0..4 {
        let response = send(platform.request("POST", "/api/execute").bearer_auth(&token).json(&plan())).await;
        assert_eq!(response.status().as_u16(), 202);
        assert_eq!(header(&response, "ratelimit"), "");
    }
    let log = platform.complaints();
    assert!(log.contains("would have been refused by its limit for 3600 s: makegood:limit:execute:"), "{log}");
    assert!(!log.contains("ana"), "it names nobody: {log}");
}

#[tokio::test]
async fn an_agent_that_acts_is_under_both_limits_and_one_question() {
    let platform = limited(&json!({"execute": few(1)}), &[]).await;
    let call = |tool: &str, arguments: &Value| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments}});
        let request = platform.request("POST", "/mcp").header("accept", "application/json, text/event-stream");
        send(request.header("mcp-protocol-version", "2025-06-18").json(&message))
    };
    let first = call("start_saga", &plan()).await;
    assert_eq!(first.status().as_u16(), 200);
    assert!(header(&first, "ratelimit").starts_with("\"execute\";r=0;t=3600, \"api\";r="), "{first:?}");
    refused(call("start_saga", &plan()).await, "execute").await;
    assert_eq!(call("list_tools", &json!({})).await.status().as_u16(), 200, "looking is not acting");
}
