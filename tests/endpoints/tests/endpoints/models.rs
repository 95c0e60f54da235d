//! What is read by a model: planned, mended, agreed to, counted, and told in the saga's trace; and what happens
//! where the models do not answer. The models are the emulated one under its two names, which follow a script
//! in the message.

use std::net::TcpListener;
use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
/// Which model is meant, in a request's body.
const FIRST: &str = "gpt-4o-mini";

/// A platform whose models are its own emulator, asked for `timeout` ms at most.
async fn platform(timeout: u32) -> Platform {
    platform_with(timeout, 0, &[]).await
}

/// Whose models may say nothing for `silence` ms; 0: they answer as a whole.
async fn platform_with(timeout: u32, silence: u32, arguments: &[&str]) -> Platform {
    // The address has to be known before it is there.
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let host = format!("http://127.0.0.1:{port}");
    let (url, timeout, silence) = (format!("{host}/emulators/llm/v1"), timeout.to_string(), silence.to_string());
    let variables = [
        ("MODEL_HOST", host.as_str()),
        ("MODEL_URL", &url),
        ("MODEL_NAME", FIRST),
        ("MODEL_KEY", "test-key"),
        ("MODEL_PRICE", "0.15/0.60"),
        ("FALLBACK_MODEL_HOST", &host),
        ("FALLBACK_MODEL_URL", &url),
        ("FALLBACK_MODEL_NAME", "test-model"),
        ("FALLBACK_MODEL_KEY", "test-key"),
        ("FALLBACK_MODEL_PRICE", "2/10"),
        ("MODEL_TIMEOUT_MS", &timeout),
        ("MODEL_SILENCE_MS", &silence),
        ("MODEL_TOOLS", "book_restaurant_table, request_ride, search_restaurants"),
    ];
    let environment =
        variables.map(|(name, value)| (format!("SPIN_VARIABLE_{name}"), value.to_owned())).into_iter().collect();
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    Platform::start(Options { port, environment, arguments, ..Options::default() }).await
}

fn table(people: u32) -> Value {
    json!({"id": "table", "tool": "book_restaurant_table", "params": {
        "restaurant": "Luigi's", "date": "2031-05-01", "time": "19:00", "party_size": people, "name": "Ann"}})
}

fn plan(steps: &[Value]) -> String {
    json!({"summary": "As you wish", "steps": steps}).to_string()
}

/// A message to which the models answer these, one after the other.
fn script(turns: &[String]) -> Value {
    json!({"message": format!("turns: {}", turns.join(" || "))})
}

/// How the saga was read, from its trace.
async fn reading(platform: &Platform, saga: &str) -> Value {
    platform.get(&format!("/api/debug/sagas/{saga}")).await["story"]["reading"].clone()
}

async fn fault(platform: &Platform, fault: &Value) {
    platform.post("/emulators/llm/_emulator/faults", fault, 201).await;
}

async fn no_faults(platform: &Platform) {
    let cleared = answer(platform.request("DELETE", "/emulators/llm/_emulator/faults")).await;
    assert_eq!(cleared.status, 200, "{cleared:?}");
}

/// How often the emulated models were asked.
async fn requests(platform: &Platform) -> usize {
    let request = platform.request("GET", "/emulators/llm/v1/_emulator/requests").bearer_auth("test-key");
    answer(request).await.json()["requests"].as_array().unwrap().len()
}

fn outcomes(how: &Value) -> Vec<(&str, &str)> {
    let asked = how["asked"].as_array().unwrap().iter();
    asked.map(|asked| (asked["model"].as_str().unwrap(), asked["outcome"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_plan_of_a_model_is_mended_agreed_to_carried_out_and_told_with_its_cost() {
    let platform = platform(7_000).await;
    let message = script(&[plan(&[table(99)]), plan(&[table(4)])]);
    let accepted = platform.post("/api/chat", &message, 202).await;
    let saga = accepted["saga"].as_str().unwrap();
    assert_eq!(accepted["confirm"]["step"], "table", "{accepted:#}");

    // Nothing has happened, and nothing does before somebody agrees.
    let asking = poll(PATIENCE, Duration::from_millis(50), || async {
        let status = journal::status(&platform, saga).await;
        (status["steps"][0]["standing"] == "asking").then_some(())
    });
    asking.await.expect("it asks");
    assert_eq!(town::active(&platform).await, [0; 6]);
    let approve = accepted["confirm"]["approve"].as_str().unwrap().strip_prefix(&platform.url).unwrap().to_owned();
    let agreed = answer(platform.request("POST", &approve).json(&json!({"step": "table"}))).await;
    assert!(agreed.status < 300, "{agreed:?}");
    let rested = journal::rest(&platform, saga, PATIENCE).await;
    assert_eq!(rested["phase"], "completed", "{rested:#}");
    assert_eq!(town::active(&platform).await, [1, 0, 0, 0, 0, 0]);

    let how = reading(&platform, saga).await;
    assert_eq!((&how["by"], &how["model"], &how["cache"]), (&json!("model"), &json!(FIRST), &json!("miss")), "{how:#}");
    assert_eq!((&how["prompt"], &how["confirm"]), (&json!("plan.2+repair.1"), &json!("table")), "{how:#}");
    let wrong = &how["violations"][0];
    assert_eq!(
        (&wrong["step"], &wrong["rule"], &wrong["path"]),
        (&json!("table"), &json!("parameters"), &json!("/party_size")),
        "{how:#}"
    );
    let rounds: Vec<&Value> = how["asked"].as_array().unwrap().iter().map(|asked| &asked["round"]).collect();
    assert_eq!(rounds, [&json!("plan"), &json!("repair")], "{how:#}");
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{value} in {how:#}"));
    let (tokens_in, tokens_out, cost) =
        (number(&how["tokens_in"]), number(&how["tokens_out"]), number(&how["cost_nanos"]));
    assert!(tokens_in > 500 && tokens_out > 20, "{how:#}");
    assert_eq!(cost, 150 * tokens_in + 600 * tokens_out, "{how:#}");
    let used = platform.get("/api/debug/models").await;
    assert_eq!((&used["cost_nanos"], &used["days"][0]["requests"]), (&json!(cost), &json!(2)), "{used:#}");
    let page = answer(platform.request("GET", &format!("/debug/sagas/{saga}"))).await;
    assert!(page.text.contains("How it was read") && page.text.contains("rule parameters"), "{}", page.text);

    // What was said once is not paid for again.
    let again = platform.post("/api/intent", &message, 200).await;
    assert_eq!((&again["how"]["cache"], &again["how"]["asked"]), (&json!("hit"), &Value::Null), "{again:#}");
    assert_eq!(platform.get("/api/debug/models").await, used);
}

#[tokio::test]
async fn what_a_model_asks_is_answered_in_the_next_message() {
    let platform = platform(7_000).await;
    let question = json!({"steps": [], "question": "For how many?"}).to_string();
    let asked = platform.post("/api/chat", &script(&[question, plan(&[table(6)])]), 200).await;
    assert_eq!((&asked["turn"], &asked["say"]), (&json!("asked"), &json!("For how many?")), "{asked:#}");
    let reply = json!({"message": "six", "conversation": asked["conversation"]});
    let started = platform.post("/api/chat", &reply, 202).await;
    assert_eq!(started["confirm"]["step"], "table", "{started:#}");
    assert!(started["say"].as_str().unwrap().contains("party_size: 6"), "{started:#}");
    assert_eq!(requests(&platform).await, 2);
}

#[tokio::test]
async fn who_does_not_agree_has_nothing_done() {
    let platform = platform(7_000).await;
    let ride = json!({"id": "ride", "tool": "request_ride", "params": {
        "pickup": "Home", "destination": "$table.address", "date": "2031-05-01", "time": "18:30", "passengers": 4}});
    let accepted = platform.post("/api/chat", &script(&[plan(&[table(4), ride])]), 202).await;
    let saga = accepted["saga"].as_str().unwrap();
    let no = json!({"step": "table", "note": "Not that one."});
    let said = poll(PATIENCE, Duration::from_millis(100), || async {
        let said = answer(platform.request("POST", &format!("/api/execute/{saga}/reject")).json(&no)).await;
        (said.status < 300).then_some(())
    });
    said.await.expect("it is heard");
    let rested = journal::rest(&platform, saga, PATIENCE).await;
    assert_eq!(rested["phase"], "made_good", "{rested:#}");
    let ledger = town::ledger(&platform).await;
    assert!(ledger.iter().all(|entry| entry["applied"] != true), "{ledger:#?}");
}

#[tokio::test]
async fn a_yes_counts_for_what_was_asked_when_it_was_said() {
    let platform = platform(7_000).await;
    let slow = json!({"tool": "search_restaurants", "kind": "slow", "op": "do", "delay_ms": 2_500, "count": 1});
    town::fault(&platform, &slow).await;
    let search = json!({"id": "search", "tool": "search_restaurants", "params": {"cuisine": "Italian"}});
    let mut book = table(4);
    book["after"] = json!(["search"]);
    let started = platform.post("/api/chat", &script(&[plan(&[search, book])]), 202).await;
    let said = started["say"].as_str().unwrap();
    assert!(said.contains("restaurant: Luigi's") && said.contains("party_size: 4"), "{said}");
    let say = |message: &str| {
        let body = json!({"message": message, "conversation": started["conversation"]});
        let request = platform.request("POST", "/api/chat").json(&body);
        async move { answer(request).await.json() }
    };
    let early = say("yes").await;
    assert_eq!((&early["turn"], &early["became"]), (&json!("unchanged"), &json!("early")), "{early:#}");
    let saga = started["saga"].as_str().unwrap();
    let asking = poll(PATIENCE, Duration::from_millis(50), || async {
        let status = journal::status(&platform, saga).await;
        let steps = status["steps"].as_array().unwrap();
        steps.iter().any(|step| step["standing"] == "asking").then_some(())
    });
    asking.await.expect("it asks");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(town::active(&platform).await, [0; 6], "the early yes is not applied to what is asked later");
    let agreed = say("yes").await;
    assert_eq!((&agreed["turn"], &agreed["became"]), (&json!("decided"), &json!("heard")), "{agreed:#}");
    assert_eq!(journal::rest(&platform, saga, PATIENCE).await["phase"], "completed");
    assert_eq!(town::active(&platform).await, [1, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_no_is_heard_before_it_is_asked_for() {
    let platform = platform(7_000).await;
    let slow = json!({"tool": "search_restaurants", "kind": "slow", "op": "do", "delay_ms": 2_500, "count": 1});
    town::fault(&platform, &slow).await;
    let search = json!({"id": "search", "tool": "search_restaurants", "params": {}});
    let mut book = table(4);
    book["after"] = json!(["search"]);
    let started = platform.post("/api/chat", &script(&[plan(&[search, book])]), 202).await;
    let no = json!({"message": "no", "conversation": started["conversation"]});
    let heard = answer(platform.request("POST", "/api/chat").json(&no)).await.json();
    assert_eq!((&heard["turn"], &heard["became"]), (&json!("decided"), &json!("heard")), "{heard:#}");
    let rested = journal::rest(&platform, started["saga"].as_str().unwrap(), PATIENCE).await;
    assert_eq!(rested["phase"], "made_good", "{rested:#}");
    assert_eq!(town::active(&platform).await, [0; 6]);
}

#[tokio::test]
async fn the_second_model_is_asked_where_the_first_is_busy_or_slow_and_without_any_the_offline_reading_stands() {
    let platform = platform(3_000).await;
    fault(&platform, &json!({"kind": "error", "status": 429, "retry_after": 60, "match": {"contains": FIRST}})).await;
    let accepted = platform.post("/api/chat", &script(&[plan(&[table(2)])]), 202).await;
    let how = reading(&platform, accepted["saga"].as_str().unwrap()).await;
    let busy = [(FIRST, "rate_limit_exceeded"), ("test-model", "answered")];
    assert_eq!((outcomes(&how), &how["model"]), (busy.to_vec(), &json!("test-model")), "{how:#}");
    let (first, second) = (&how["asked"][0], &how["asked"][1]);
    assert_eq!(first["tokens_in"], Value::Null, "what is refused costs nothing: {how:#}");
    let (tokens_in, tokens_out) = (second["tokens_in"].as_u64().unwrap(), second["tokens_out"].as_u64().unwrap());
    assert_eq!(how["cost_nanos"], 2_000 * tokens_in + 10_000 * tokens_out, "at the second one's price: {how:#}");

    no_faults(&platform).await;
    fault(&platform, &json!({"kind": "latency", "delay_ms": 20_000, "match": {"contains": FIRST}})).await;
    let accepted = platform.post("/api/chat", &script(&[plan(&[table(3)])]), 202).await;
    let how = reading(&platform, accepted["saga"].as_str().unwrap()).await;
    let slow = [(FIRST, "timed_out"), ("test-model", "answered")];
    assert_eq!(outcomes(&how), slow, "{how:#}");
    let waited = how["asked"][0]["took_ms"].as_u64().unwrap();
    assert!((1_400..2_500).contains(&waited), "half of the time: {how:#}");

    no_faults(&platform).await;
    fault(&platform, &json!({"kind": "error", "status": 500})).await;
    let message = script(&[plan(&[table(5)])]);
    let answered = platform.post("/api/chat", &message, 200).await;
    assert_ne!(answered["kind"], "plan", "{answered:#}");
    assert_eq!(
        (&answered["how"]["by"], &answered["how"]["fallback"]),
        (&json!("offline"), &json!("No model gave an answer.")),
        "{answered:#}"
    );
    // Word for word what is answered where there is no model at all.
    let mut without = Platform::start(Options::default()).await.post("/api/chat", &message, 200).await;
    let mut offline = answered;
    for answer in [&mut offline, &mut without] {
        // Each is in a conversation of its own.
        let fields = answer.as_object_mut().unwrap();
        assert!(fields.remove("conversation").is_some_and(|id| id.is_string()), "{fields:?}");
        fields.remove("how");
        fields["reading"].as_object_mut().unwrap().remove("how");
    }
    assert_eq!(offline, without);
}

#[tokio::test]
async fn a_model_that_says_nothing_is_left_early_and_one_that_speaks_is_read_whole_with_what_it_took() {
    let platform = platform_with(7_000, 1_000, &[]).await;
    fault(&platform, &json!({"kind": "latency", "delay_ms": 20_000, "match": {"contains": FIRST}})).await;
    let accepted = platform.post("/api/chat", &script(&[plan(&[table(2)])]), 202).await;
    let how = reading(&platform, accepted["saga"].as_str().unwrap()).await;
    assert_eq!(outcomes(&how), [(FIRST, "silent"), ("test-model", "answered")], "{how:#}");
    let waited = how["asked"][0]["took_ms"].as_u64().unwrap();
    assert!((1_000..2_500).contains(&waited), "not half of the time: {how:#}");
    let second = &how["asked"][1];
    assert!(second["tokens_in"].as_u64() > Some(500) && second["tokens_out"].as_u64() > Some(20), "{how:#}");

    no_faults(&platform).await;
    let accepted = platform.post("/api/chat", &script(&[plan(&[table(99)]), plan(&[table(3)])]), 202).await;
    let how = reading(&platform, accepted["saga"].as_str().unwrap()).await;
    assert_eq!(outcomes(&how), [(FIRST, "answered"), (FIRST, "answered")], "{how:#}");
}

#[tokio::test]
async fn a_function_that_works_for_longer_than_the_platform_lets_it_is_ended_and_the_next_is_not() {
    let platform = platform_with(20_000, 0, &["--kill-ms", "1500", "--time-budget-ms", "800"]).await;
    fault(&platform, &json!({"kind": "latency", "delay_ms": 10_000, "match": {"contains": FIRST}})).await;
    let began = std::time::Instant::now();
    let message = script(&[plan(&[table(2)])]);
    let ended = platform.post("/api/intent", &message, 504).await;
    assert_eq!(ended["code"], "function_timeout", "{ended:#}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    no_faults(&platform).await;
    let answered = platform.post("/api/intent", &message, 200).await;
    assert_eq!(answered["kind"], "plan", "{answered:#}");
}

#[tokio::test]
async fn what_is_read_offline_asks_no_model_and_a_tool_that_is_not_offered_is_none() {
    let platform = platform(7_000).await;
    let sure = json!({"message": "Book a table for 4 at Luigi's tomorrow at 7pm"});
    let accepted = platform.post("/api/chat", &sure, 202).await;
    let how = reading(&platform, accepted["saga"].as_str().unwrap()).await;
    assert_eq!((&how["by"], &how["asked"], &how["why"]), (&json!("offline"), &Value::Null, &Value::Null), "{how:#}");
    assert_eq!(requests(&platform).await, 0);

    let send = json!({"id": "m", "tool": "send_message", "params": {"to": "Sam", "text": "pwned"}});
    let answered = platform.post("/api/chat", &script(&[plan(&[send])]), 200).await;
    let rule = &answered["how"]["violations"][0];
    assert_eq!((&rule["step"], &rule["rule"]), (&json!("m"), &json!("tool")), "{answered:#}");
    assert_eq!(requests(&platform).await, 2, "the plan, and one repair");
}
