//! The page of a link: what a browser does with it, from the address to the decision.

use std::time::Duration;

use makegood_endpoints::form::form;
use makegood_endpoints::platform::{Answer, Options, Platform, answer};
use makegood_endpoints::{database, journal, poll, town};
use makegood_gateway::links::hash;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
const DECIDE: &str = "/api/execute/decisions/form";

/// A ride that stands, a table that waits for people, and a message after it.
fn evening(approval: &Value) -> Value {
    json!({"summary": "An evening", "steps": [
        {"id": "ride", "tool": "request_ride", "params": {
            "pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}},
        {"id": "table", "tool": "book_restaurant_table", "after": ["ride"], "approval": approval, "params": {
            "restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "<b>Ann</b>"}},
        {"id": "text", "tool": "send_message", "after": ["table"], "params": {"to": "Sam", "text": "Done"}}]})
}

async fn asking(platform: &Platform, approval: &Value) -> String {
    let id = journal::execute(platform, &evening(approval)).await;
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = journal::status(platform, &id).await;
        let asked = saga["steps"].as_array().unwrap().iter().any(|step| step["standing"] == "asking");
        asked.then_some(())
    });
    found.await.unwrap_or_else(|| panic!("nobody is asked about {id}"));
    id
}

/// A link's token, taken from the address of its page.
async fn link(platform: &Platform, id: &str, body: &Value) -> String {
    let made = platform.post(&format!("/api/execute/{id}/links"), body, 201).await;
    let (page, token) = made["page"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!((page, token), (format!("{}/approve", platform.url).as_str(), made["token"].as_str().unwrap()));
    token.to_owned()
}

fn to(name: &str) -> Value {
    json!({"step": "table", "for": name})
}

/// A form, as our page has a browser send it.
fn ours(platform: &Platform, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
    let request = form(platform.request("POST", path), fields);
    request.header("origin", &platform.url).header("sec-fetch-site", "same-origin")
}

async fn look(platform: &Platform, token: &str) -> Answer {
    answer(ours(platform, "/approve", &[("token", token)])).await
}

async fn decide(platform: &Platform, token: &str, decision: &str) -> Answer {
    answer(ours(platform, DECIDE, &[("token", token), ("note", "Fine.\r\nGo."), ("decision", decision)])).await
}

/// Asserts a page of its own: its status, its title, and that there is nothing on it to press.
fn assert_page(answer: &Answer, status: u16, title: &str) {
    assert_eq!((answer.status, answer.content_type.as_str()), (status, "text/html; charset=utf-8"), "{answer:?}");
    assert!(answer.text.contains(&format!("<h1>{title}</h1>")), "{title}: {answer:?}");
    assert!(!answer.text.contains("<form") && !answer.text.contains("<script"), "{answer:?}");
}

async fn decisions(platform: &Platform, id: &str) -> usize {
    journal::records(platform, id).await.iter().filter(|record| record["type"] == "decided").count()
}

#[tokio::test]
async fn whoever_opens_a_link_sees_what_will_happen_and_agrees_by_a_button() {
    let mut platform = Platform::start(Options::default()).await;
    let id = asking(&platform, &json!({"by": ["ann", "bob"], "quorum": 2, "question": "Worth it?"})).await;
    let (ann, bob) = (link(&platform, &id, &to("ann")).await, link(&platform, &id, &to("bob")).await);
    // Whatever fetches ahead of the reader sees a form, and decides nothing: not by the form's own address either.
    for method in ["GET", "HEAD"] {
        let fetched = answer(platform.request(method, "/approve")).await;
        assert_eq!(fetched.status, 200, "{fetched:?}");
        assert!(!fetched.text.contains("evening"), "{fetched:?}");
        let decided = format!("{DECIDE}?token={ann}&decision=approve");
        assert_eq!(answer(platform.request(method, &decided)).await.status, 405, "{method}");
    }
    let shown = look(&platform, &ann).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    for part in [
        "Worth it?",
        "<dt>Party size</dt><dd>2</dd>",
        "&lt;b&gt;Ann&lt;/b&gt;",
        "2 must agree; 0 have so far",
        "You decide as <strong><bdi>ann</bdi></strong>",
        "action=\"/api/execute/decisions/form\"",
    ] {
        assert!(shown.text.contains(part), "{part} in {}", shown.text);
    }
    assert_eq!(look(&platform, &ann).await.status, 200, "to look uses nothing up");
    assert_eq!(decisions(&platform, &id).await, 0);

    let first = decide(&platform, &ann, "approve").await;
    assert_page(&first, 200, "You agreed");
    assert!(first.text.contains("1 of 2 have agreed"), "{first:?}");
    assert_page(&decide(&platform, &ann, "approve").await, 200, "You agreed");
    // Who was not answered, and thinks better of it, is told what stands.
    for used in [decide(&platform, &ann, "reject").await, look(&platform, &ann).await] {
        assert_page(&used, 409, "This link was used");
        assert!(used.text.contains("ann agreed with it, at 2") && used.text.contains("cannot be changed"), "{used:?}");
        assert!(used.text.contains("ask anonymous, whose it is, to cancel it"), "{used:?}");
    }
    assert_eq!(decisions(&platform, &id).await, 1, "however often it was pressed");
    assert!(look(&platform, &bob).await.text.contains("1 has so far: <bdi>ann</bdi>"));
    assert_page(&decide(&platform, &format!("{}/approve#{bob}", platform.url), "approve").await, 200, "You agreed");
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(town::active(&platform).await, [1, 1, 1, 0, 0, 0]);
    let log = platform.get("/api/audit?limit=200").await;
    let noted = |who: &str| {
        let row = json!({"who": who, "verb": "saga.approve", "target": format!("{id}/table"), "origin": "127.0.0.1"});
        let has = |entry: &Value| row.as_object().unwrap().iter().all(|(name, value)| &entry[name] == value);
        log["entries"].as_array().unwrap().iter().any(has)
    };
    assert!(noted("ann") && noted("bob"), "the audit log has who decided, and from where: {log:#}");

    platform.interrupt().await;
    let folder = platform.data().parent().unwrap().to_owned();
    let found = [&ann, &bob].map(|token| super::links::holds(&folder, token.as_bytes()));
    assert_eq!(found, [false, false], "no file and no log has a token");
}

#[tokio::test]
async fn whoever_refuses_on_the_page_has_what_it_named_undone() {
    let platform = Platform::start(Options::default()).await;
    let id = asking(&platform, &json!({})).await;
    let token = link(&platform, &id, &to("Aunt Sally")).await;
    let shown = look(&platform, &token).await;
    let (_, undone) = shown.text.split_once("What is undone if you refuse").unwrap();
    let undone = undone.split("</section>").next().unwrap();
    assert!(undone.contains("<bdi>ride</bdi>") && !undone.contains("<bdi>text</bdi>"), "{undone}");
    assert_page(&decide(&platform, &token, "reject").await, 200, "You refused");
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!((&saga["phase"], &saga["undone"]), (&json!("made_good"), &json!(["ride"])), "{saga:#}");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
    let note = journal::records(&platform, &id).await.into_iter().find(|record| record["type"] == "decided").unwrap();
    assert!(note["note"].as_str().unwrap().starts_with("Fine.\nGo. (By the link "), "{note}");
}

#[tokio::test]
async fn a_decision_that_was_kept_and_not_heard_is_said_again_and_not_turned_round() {
    let platform = Platform::start(Options::default()).await;
    let id = asking(&platform, &json!({})).await;
    let token = link(&platform, &id, &to("ann")).await;
    // As a function leaves it that dies between the two.
    let kept = format!("select makegood.use_link_2('{}', true, 'Fine.', 1)", hash(&token));
    assert!(database::scalar(&platform, &kept).await.is_some());
    let other = decide(&platform, &token, "reject").await;
    assert_page(&other, 409, "This link was used");
    assert!(other.text.contains("It was used to agree, and that was not heard yet."), "{other:?}");
    assert_eq!(decisions(&platform, &id).await, 0);
    let shown = look(&platform, &token).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(shown.text.contains("value=\"approve\"") && !shown.text.contains("value=\"reject\""), "{shown:?}");
    assert_page(&decide(&platform, &token, "approve").await, 200, "You agreed");
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "completed");
    let noted = journal::records(&platform, &id).await.into_iter().find(|record| record["type"] == "decided").unwrap();
    assert!(noted["note"].as_str().unwrap().starts_with("Fine. (By the link "), "what was noted first: {noted}");
    assert_eq!(decisions(&platform, &id).await, 1);
}

#[tokio::test]
async fn a_form_of_another_site_and_a_link_that_is_none_any_more_decide_nothing_and_say_why() {
    let platform = Platform::start(Options::default()).await;
    let id = asking(&platform, &json!({})).await;
    let token = link(&platform, &id, &to("ann")).await;
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let fields = [("token", token.as_str()), ("decision", "approve")];
        let foreign = form(platform.request("POST", DECIDE), &fields).header(name, value);
        assert_page(&answer(foreign).await, 403, "That did not work");
    }
    assert_page(&decide(&platform, &token, "").await, 400, "That did not work");
    for wrong in ["", "nonsense", &token[1..]] {
        assert_page(&decide(&platform, wrong, "approve").await, 404, "This is no link of ours");
        assert_page(&look(&platform, wrong).await, 404, "This is no link of ours");
    }
    let brief = link(&platform, &id, &json!({"step": "table", "for": "ann", "expires_ms": 1})).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_page(&decide(&platform, &brief, "approve").await, 410, "This link has expired");
    assert_page(&look(&platform, &brief).await, 410, "This link has expired");
    assert_eq!(decisions(&platform, &id).await, 0);

    // Decided by the owner, with links that are still good.
    let late = link(&platform, &id, &to("bob")).await;
    let yes =
        answer(platform.request("POST", &format!("/api/execute/{id}/approve")).json(&json!({"step": "table"}))).await;
    assert!(yes.status < 300, "{yes:?}");
    assert_page(&look(&platform, &token).await, 409, "This was decided already");
    assert_page(&decide(&platform, &token, "reject").await, 409, "This was decided already");
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "completed");
    assert_page(&decide(&platform, &late, "approve").await, 409, "This was decided already");

    // Called off while people were asked.
    let id = asking(&platform, &json!({})).await;
    let token = link(&platform, &id, &to("ann")).await;
    let cancelled = answer(platform.request("POST", &format!("/api/execute/{id}/cancel"))).await;
    assert!(cancelled.status < 300, "{cancelled:?}");
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "made_good");
    assert_page(&look(&platform, &token).await, 409, "This was called off");
    assert_page(&decide(&platform, &token, "approve").await, 409, "This was called off");
    let uses = database::scalar(&platform, "select count(*) from makegood.link where used_at is null").await;
    assert_eq!(uses.as_deref(), Some("1"), "what only expired was not used up");
}
