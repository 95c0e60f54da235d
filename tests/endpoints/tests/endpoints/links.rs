//! Links: somebody who is not signed in decides about one step, once, and about what was shown.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use makegood_endpoints::platform::{Answer, Options, Platform, answer};
use makegood_endpoints::services::Services;
use makegood_endpoints::{database, journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

fn table(approval: &Value) -> Value {
    json!({"summary": "A table", "steps": [{"id": "table", "tool": "book_restaurant_table", "approval": approval,
        "params": {"restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}}]})
}

/// Starts a plan whose step `table` waits for people.
async fn asking(platform: &Platform, plan: &Value) -> String {
    let id = journal::execute(platform, plan).await;
    until_asked(platform, &id).await;
    id
}

async fn until_asked(platform: &Platform, id: &str) -> Value {
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = journal::status(platform, id).await;
        let step = saga["steps"].as_array().unwrap().iter().find(|step| step["id"] == "table").unwrap().clone();
        (step["standing"] == "asking").then_some(step)
    });
    found.await.unwrap_or_else(|| panic!("nobody is asked about {id}"))
}

async fn make(platform: &Platform, id: &str, body: &Value, token: Option<&str>) -> Answer {
    let mut request = platform.request("POST", &format!("/api/execute/{id}/links")).json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    answer(request).await
}

/// A link's token, made by the saga's owner.
async fn link(platform: &Platform, id: &str, stands_for: &str) -> String {
    let made = make(platform, id, &json!({"step": "table", "for": stands_for}), None).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["token"].as_str().unwrap().to_owned()
}

async fn decide(platform: &Platform, token: &str, approve: bool, note: &str) -> Answer {
    let body = json!({"token": token, "approve": approve, "note": note});
    // As a page elsewhere would have a browser send it: there is nobody signed in to be abused.
    answer(platform.request("POST", "/api/execute/decisions").json(&body)).await
}

async fn look(platform: &Platform, token: &str) -> Answer {
    answer(platform.request("POST", "/api/execute/decisions/look").json(&json!({"token": token}))).await
}

/// Asserts the one answer that there is for whatever is no link that can decide.
fn assert_spent(refused: &Answer) {
    assert_eq!((refused.status, &refused.json()["code"]), (404, &json!("not_found")), "{refused:?}");
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("This link is none"), "{refused:?}");
}

/// One of three links is used by two at once, who say different things.
async fn two_at_once_decide_once(platform: &Platform) {
    let id = asking(platform, &table(&json!({"by": ["ann", "bob"], "quorum": 2}))).await;
    let token = link(platform, &id, "ann").await;
    let answers = join_all((0..8).map(|n| decide(platform, &token, n % 2 == 0, ""))).await;
    let heard: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(heard.len(), 4, "those who said what the first said: {answers:?}");
    assert!(heard.iter().all(|answer| answer.text == heard[0].text), "{answers:?}");
    answers.iter().filter(|answer| answer.status != 200).for_each(assert_spent);
    let decided = journal::records(platform, &id).await.into_iter().filter(|record| record["type"] == "decided");
    let decided: Vec<Value> = decided.collect();
    assert_eq!(decided.len(), 1, "{decided:?}");
    assert_eq!((&decided[0]["by"], &decided[0]["approve"]), (&json!("ann"), &heard[0].json()["approve"]));
}

#[tokio::test]
async fn a_link_decides_once_and_says_the_same_to_who_asks_again() {
    let platform = Platform::start(Options::default()).await;
    let id = asking(&platform, &table(&json!({"by": ["ann", "bob"], "quorum": 2, "question": "Worth it?"}))).await;
    let (ann, bob) = (link(&platform, &id, "ann").await, link(&platform, &id, "bob").await);
    let shown = look(&platform, &ann).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    let shown = shown.json();
    assert_eq!(
        [&shown["title"], &shown["step"], &shown["tool"], &shown["question"], &shown["for"]],
        ["A table", "table", "book_restaurant_table", "Worth it?", "ann"]
    );
    assert_eq!((&shown["params"]["party_size"], shown["expires_at"].is_u64()), (&json!(2), true));
    let first = decide(&platform, &ann, true, "Fine.").await;
    assert_eq!((first.status, &first.json()["for"]), (200, &json!("ann")), "{first:?}");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0], "one of two");
    let again = decide(&platform, &ann, true, "Fine.").await;
    assert_eq!((again.status, &again.text), (200, &first.text), "the answer was lost");
    // Who was not answered may not know what they noted. What was noted first stands.
    assert_eq!(decide(&platform, &ann, true, "Something else.").await.status, 200);
    assert_spent(&decide(&platform, &ann, false, "Fine.").await);
    assert_spent(&look(&platform, &ann).await);
    // Another link for the same person is no second voice, and does not pass for one.
    let second = link(&platform, &id, "ann").await;
    let refused = decide(&platform, &second, true, "Fine.").await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("conflict")), "{refused:?}");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0], "still one of two");
    assert_eq!(decide(&platform, &bob, true, "").await.status, 200);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(town::active(&platform).await, [1, 0, 0, 0, 0, 0]);
    let remarks = saga["steps"][0]["remarks"].as_array().unwrap();
    assert_eq!((&remarks[0]["by"], &remarks[1]["by"], remarks.len()), (&json!("ann"), &json!("bob"), 2));
    let note = remarks[0]["note"].as_str().unwrap();
    assert!(note.starts_with("Fine. (By the link ") && note.ends_with(", which anonymous made.)"), "{note}");
    let again = decide(&platform, &ann, true, "Fine.").await;
    assert_eq!((again.status, &again.text), (200, &first.text), "and after the saga has come to rest");
}

#[tokio::test]
async fn two_who_use_a_link_at_once_decide_once() {
    two_at_once_decide_once(&Platform::start(Options::default()).await).await;
}

#[tokio::test]
async fn two_who_use_a_link_at_once_decide_once_on_real_postgres_and_redis() {
    let Some(services) = tokio::task::spawn_blocking(Services::start).await.unwrap() else {
        println!("left out: MAKEGOOD_NO_SYSTEM_SERVICES=1");
        return;
    };
    let environment = [("DATABASE_URL", &services.database_url), ("REDIS_URL", &services.redis_url)];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.clone())).to_vec();
    two_at_once_decide_once(&Platform::start(Options { environment, ..Options::default() }).await).await;
}

#[tokio::test]
async fn who_says_no_by_a_link_has_what_stands_before_undone() {
    let platform = Platform::start(Options::default()).await;
    let mut plan = table(&json!({}));
    plan["steps"][0]["after"] = json!(["ride"]);
    plan["steps"].as_array_mut().unwrap().push(json!({"id": "ride", "tool": "request_ride", "params": {
        "pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}}));
    let id = asking(&platform, &plan).await;
    assert_eq!(town::active(&platform).await, [0, 1, 0, 0, 0, 0]);
    // Nobody is named: whoever the owner sends it to.
    let token = link(&platform, &id, "Aunt Sally").await;
    assert_eq!(decide(&platform, &token, false, "Too dear.").await.status, 200);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!((&saga["phase"], &saga["undone"]), (&json!("made_good"), &json!(["ride"])), "{saga:#}");
    let cause = saga["cause"].as_str().unwrap();
    assert!(cause.contains("Aunt Sally did not agree: Too dear."), "{cause}");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
    assert_eq!(decide(&platform, &token, false, "Too dear.").await.status, 200, "said again");
}

#[tokio::test]
async fn what_is_no_link_or_none_any_more_decides_nothing() {
    let platform = Platform::start(Options::default()).await;
    let id = asking(&platform, &table(&json!({}))).await;
    let good = link(&platform, &id, "ann").await;
    let brief = make(&platform, &id, &json!({"step": "table", "for": "ann", "expires_ms": 1}), None).await;
    let brief = brief.json()["token"].as_str().unwrap().to_owned();
    let mut other = good.clone();
    other.replace_range(..1, if good.starts_with('0') { "1" } else { "0" });
    tokio::time::sleep(Duration::from_millis(5)).await;
    for token in ["", "nonsense", "' or 1=1 --", &good[1..], &good.to_uppercase(), &other, &brief] {
        if token != good {
            assert_spent(&decide(&platform, token, true, "").await);
            assert_spent(&look(&platform, token).await);
        }
    }
    let in_address = platform.request("GET", &format!("/api/execute/decisions?token={good}"));
    assert_eq!(answer(in_address).await.status, 405, "a token does not belong into an address");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
    // Decided by the owner: the link has nothing left to decide, and no more can be made.
    let yes = json!({"step": "table"});
    let agreed = answer(platform.request("POST", &format!("/api/execute/{id}/approve")).json(&yes)).await;
    assert!(agreed.status < 300, "{agreed:?}");
    for refused in [look(&platform, &good).await, decide(&platform, &good, false, "").await] {
        assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("conflict")), "{refused:?}");
    }
    let late = make(&platform, &id, &json!({"step": "table", "for": "ann"}), None).await;
    assert_eq!((late.status, &late.json()["code"]), (409, &json!("conflict")), "{late:?}");
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "completed");
}

#[tokio::test]
async fn a_link_is_about_the_parameters_that_it_was_made_for() {
    let platform = Platform::start(Options::default()).await;
    let plan = table(&json!({}));
    let id = asking(&platform, &plan).await;
    let token = link(&platform, &id, "ann").await;
    let mut other = plan.clone();
    other["steps"][0]["params"]["party_size"] = json!(4);
    let replanned = platform.request("POST", &format!("/api/execute/{id}/replan")).json(&json!({"plan": other}));
    let replanned = answer(replanned).await;
    assert!(replanned.status < 300, "{replanned:?}");
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = journal::status(&platform, &id).await;
        let mut steps = saga["steps"].as_array().unwrap().clone().into_iter();
        steps.find(|step| step["standing"] == "asking" && step["params"]["party_size"] == 4)
    });
    found.await.expect("people are asked about the new one");
    for refused in [look(&platform, &token).await, decide(&platform, &token, true, "").await] {
        assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("conflict")), "{refused:?}");
    }
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
    let token = link(&platform, &id, "ann").await;
    assert_eq!(decide(&platform, &token, true, "").await.status, 200);
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "completed");
}

/// A saga whose step waits for ann, because its tool demands that and not its plan.
async fn asked_by_its_tool(platform: &Platform) -> String {
    let demanding = "select makegood.register_tool((definition::jsonb || '{\"version\": \"next\", \"approval\": \
                     {\"by\": [\"ann\"]}}')::json, 1) from makegood.tool \
                     where name = 'book_restaurant_table' and current";
    assert_eq!(database::scalar(platform, demanding).await.as_deref(), Some("t"));
    let mut plan = table(&json!({}));
    plan["steps"][0].as_object_mut().unwrap().remove("approval");
    asking(platform, &plan).await
}

#[tokio::test]
async fn nobody_hands_out_a_voice_that_is_not_theirs_to_hand_out() {
    let platform = Platform::start(Options::default()).await;
    let (ann, eve) = (platform.token("ann").await, platform.token("eve").await);
    let id = asking(&platform, &table(&json!({"by": ["ann", "bob"], "quorum": 2}))).await;
    let to = |name: &str| json!({"step": "table", "for": name});
    let refused = async |body: Value, token: Option<&str>, status: u16, code: &str| {
        let refused = make(&platform, &id, &body, token).await;
        assert_eq!((refused.status, &refused.json()["code"]), (status, &json!(code)), "{body} {refused:?}");
    };
    refused(to("eve"), None, 400, "invalid_request").await;
    refused(to(""), None, 400, "invalid_request").await;
    refused(json!({"step": "nothing", "for": "ann"}), None, 400, "invalid_request").await;
    refused(json!({"step": "table", "for": "ann", "expires_ms": 0}), None, 400, "invalid_request").await;
    refused(to("ann"), Some(&eve), 404, "not_found").await;
    refused(to("bob"), Some(&ann), 403, "forbidden").await;
    assert_eq!(make(&platform, &id, &to("ann"), Some(&ann)).await.status, 201, "her own voice is hers to hand out");

    // What a tool demands is not for the owner to get round.
    let id = asked_by_its_tool(&platform).await;
    let theirs = make(&platform, &id, &to("ann"), None).await;
    assert_eq!((theirs.status, &theirs.json()["code"]), (403, &json!("forbidden")), "{theirs:?}");
    let hers = make(&platform, &id, &to("ann"), Some(&ann)).await;
    assert_eq!(hers.status, 201, "{hers:?}");
    assert_eq!(decide(&platform, hers.json()["token"].as_str().unwrap(), true, "").await.status, 200);
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "completed");
}

#[tokio::test]
async fn a_tool_that_is_taken_out_of_use_keeps_what_it_demands() {
    let platform = Platform::start(Options::default()).await;
    let ann = platform.token("ann").await;
    let to_ann = json!({"step": "table", "for": "ann"});
    let id = asked_by_its_tool(&platform).await;
    // One that only its plan asks about: of this the owner may hand out the voice, while it is known to be so.
    let own = json!({"id": "table", "tool": "bench_effect", "params": {"n": 1}, "approval": {"by": ["ann"]}});
    let own = asking(&platform, &json!({"summary": "Own", "steps": [own]})).await;
    assert_eq!(make(&platform, &own, &to_ann, None).await.status, 201);

    for tool in ["book_restaurant_table", "bench_effect"] {
        let removed = database::scalar(&platform, &format!("select makegood.remove_tool('{tool}')")).await;
        assert_eq!(removed.as_deref(), Some("t"), "{tool}");
    }
    for saga in [&id, &own] {
        let theirs = make(&platform, saga, &to_ann, None).await;
        assert_eq!((theirs.status, &theirs.json()["code"]), (403, &json!("forbidden")), "{theirs:?}");
        let approve = platform.request("POST", &format!("/api/execute/{saga}/approve")).json(&json!({"step": "table"}));
        let approve = answer(approve).await;
        assert_eq!((approve.status, &approve.json()["code"]), (403, &json!("forbidden")), "{approve:?}");
    }
    let back = "select makegood.register_tool_3(definition, 2) from makegood.tool where name = 'bench_effect'";
    assert_eq!(database::scalar(&platform, back).await.as_deref(), Some("t"));
    assert_eq!(make(&platform, &own, &to_ann, None).await.status, 201, "it is known again that it demands nothing");

    // Ann is heard, and then the saga holds on for its tool.
    let hers = make(&platform, &id, &to_ann, Some(&ann)).await;
    assert_eq!(hers.status, 201, "{hers:?}");
    assert_eq!(decide(&platform, hers.json()["token"].as_str().unwrap(), true, "").await.status, 200);
    let paused = poll(PATIENCE, Duration::from_millis(50), || async {
        Some(journal::status(&platform, &id).await).filter(|saga| saga["paused"].is_string())
    });
    assert_eq!(paused.await.expect("it holds on")["phase"], "forward");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
    let resumed = platform.request("POST", &format!("/api/execute/{id}/resume")).json(&json!({}));
    assert!(answer(resumed).await.status < 300);
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "completed");
    assert_eq!(town::active(&platform).await, [1, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn no_copy_of_the_data_holds_a_token() {
    let mut platform = Platform::start(Options::default()).await;
    let id = asking(&platform, &table(&json!({"by": ["ann", "bob"], "quorum": 2}))).await;
    let (used, unused) = (link(&platform, &id, "ann").await, link(&platform, &id, "bob").await);
    assert_eq!(look(&platform, &used).await.status, 200);
    assert_eq!(decide(&platform, &used, true, "").await.status, 200);
    let hash = database::scalar(&platform, "select hash from makegood.link limit 1").await.unwrap();
    platform.interrupt().await;
    let folder = platform.data().parent().unwrap().to_owned();
    let found = [&used, &unused, &hash].map(|word| holds(&folder, word.as_bytes()));
    assert_eq!(found, [false, false, true], "the hash is there, and in no file or log a token");
}

/// Whether some file under a folder holds these bytes.
pub fn holds(folder: &Path, word: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.metadata() {
            Ok(kind) if kind.is_dir() => holds(&path, word),
            Ok(_) => std::fs::read(&path).is_ok_and(|bytes| bytes.windows(word.len()).any(|part| part == word)),
            Err(_) => false,
        }
    })
}
