//! `/approve`: what people are asked, by a link.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::fake::{Database, Fake, Got, START, exchange, get, id, journal, node, send, story};
use makegood_edge::gateway::links;
use makegood_edge::http::Method;
use makegood_edge::serde_json::{Value, json};

const TOKEN: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";
const HASH: u64 = 0xabcd;
const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
/// An hour after the saga began; the fake's clock stands at two minutes.
const LATER: u64 = START + 3_600_000;

fn tool(name: &str, title: &str, class: &str, cost: i64) -> Value {
    json!({"name": name, "version": "1", "title": title, "description": format!("{title}, in a sentence."), "class": class,
        "repeat": {"keyed": {"ttl_ms": 1000}}, "status": true, "fence": true, "timeout_ms": 1000, "estimate_ms": 10,
        "cost_minor": cost, "input": {"type": "object"}, "output": {"type": "object"}})
}

/// A dinner whose ride waits for two of three: a table before it, a message after it.
fn dinner() -> Value {
    let mut dinner = story(1, "olga", "forward");
    dinner["title"] = json!("Dinner at Luigi's");
    let mut ride =
        node(2, "ride", "request_ride", "compensatable", &[1], &json!({"pickup": "Home", "to": "$table.address"}));
    ride["approval"] = json!({"by": ["ann", "bob", "cid"], "quorum": 2, "question": "Is a ride worth it?"});
    dinner["nodes"] = json!([
        node(0, "weather", "forecast", "query", &[], &json!({"city": "Rome"})),
        node(1, "table", "book_table", "compensatable", &[], &json!({"party_size": 4})),
        ride,
        node(3, "text", "send_message", "pivot", &[2], &json!({"to": "Sam"})),
    ]);
    dinner["journal"] = facts(&[]);
    dinner
}

fn facts(more: &[(u64, Value)]) -> Value {
    let asked = json!({"type": "asked", "node": 2, "hash": HASH, "until": LATER,
        "params": {"pickup": "Home", "passengers": 4, "vip": false, "guests": ["Ann", "Bob"]}});
    let mut facts = vec![
        (1, json!({"type": "done", "node": 0, "attempt": 1, "took": 1, "output": {}})),
        (2, json!({"type": "started", "node": 1, "attempt": 1})),
        (3, json!({"type": "done", "node": 1, "attempt": 1, "took": 1, "output": {"address": "Via Roma 4"}})),
        (4, asked),
    ];
    facts.extend(more.iter().cloned());
    let facts: Vec<(u64, u32, Value)> = facts.into_iter().map(|(at, fact)| (at, 1, fact)).collect();
    journal(&facts)
}

fn link(expires_at: u64, approve: Option<bool>) -> Value {
    json!({"saga": id(1), "node": 2, "params": format!("{HASH:016x}"), "stands_for": "ann", "made_by": "olga",
        "expires_at": expires_at, "approve": approve})
}

fn host(story: Value, link: Value) -> Fake {
    let tools = json!({
        "forecast": tool("forecast", "Look at the weather", "query", 0),
        "book_table": tool("book_table", "Book a table", "compensatable", 0),
        "request_ride": tool("request_ride", "Request a ride", "compensatable", 1850),
        "send_message": tool("send_message", "Send a message", "pivot", 0),
    });
    let links = BTreeMap::from([(links::hash(TOKEN), link)]);
    Fake { links: Rc::new(links), tools: Rc::new(tools), ..Fake::with(vec![story]) }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn bring(host: &Fake, token: &str) -> Got {
    exchange(host, Method::POST, "/approve", &[FORM], &format!("token={token}"))
}

fn page_of(story: Value) -> Got {
    bring(&host(story, link(LATER, None)), TOKEN)
}

#[test]
fn what_is_fetched_is_the_same_for_everybody_and_says_nothing() {
    let host = host(dinner(), link(LATER, None));
    let got = get(&host, "/approve");
    assert_eq!(got.status(), 200);
    assert!(got.holds("method=\"post\" action=\"/approve\"") && !got.holds("Luigi"));
    assert_eq!(get(&host, &format!("/approve?token={TOKEN}")).text, got.text, "a token in an address is not heeded");
    let head = send(&host, Method::HEAD, "/approve", None);
    assert_eq!((head.status(), head.text.as_str()), (200, ""));
    for address in [format!("/approve/{TOKEN}"), "/approve/x".to_owned()] {
        let lost = get(&host, &address);
        assert_eq!(lost.status(), 404, "{address}");
        assert!(lost.header("content-type").starts_with("text/html") && !lost.holds(TOKEN));
    }
}

#[test]
fn the_page_says_what_will_happen_and_what_becomes_of_the_rest() {
    let got = page_of(dinner());
    assert_eq!(got.status(), 200, "{}", got.text);
    for part in [
        "<bdi>Is a ride worth it?</bdi>",
        "Asked by <strong><bdi>olga</bdi></strong>",
        "What will be done: <bdi>Request a ride</bdi> <code><bdi>ride</bdi></code>",
        "<dt>Pickup</dt><dd><bdi>Home</bdi></dd>",
        "<dt>Passengers</dt><dd>4</dd>",
        "<dt>Vip</dt><dd>no</dd>",
        "<li><bdi>Ann</bdi></li><li><bdi>Bob</bdi></li>",
        "&quot;passengers&quot;: 4",
        "It can be undone",
        "18.50.",
        "You decide as <strong><bdi>ann</bdi></strong>",
        "made by <bdi>olga</bdi>",
        "2 must agree; 0 have so far.",
        "2026-05-01 13:00:00 UTC",
        "for another 58 min 0 s",
        "name=\"decision\" value=\"approve\"",
        "name=\"decision\" value=\"reject\"",
    ] {
        assert!(got.holds(part), "{part} in {}", got.text);
    }
    let section = |title: &str| {
        let (_, after) = got.text.split_once(title).unwrap_or_else(|| panic!("{title}"));
        after.split("</section>").next().unwrap_or_default().to_owned()
    };
    let (before, after, undone) = (
        section("What was done before"),
        section("What follows if you agree"),
        section("What is undone if you refuse"),
    );
    assert!(before.contains("Look at the weather") && before.contains("Book a table"), "{before}");
    assert!(!before.contains("Request a ride") && !before.contains("Send a message"), "{before}");
    assert!(
        after.contains("Send a message") && after.contains("cannot be undone") && !after.contains("ride"),
        "{after}"
    );
    assert!(undone.contains("Book a table") && !undone.contains("weather") && !undone.contains("ride"), "{undone}");
}

#[test]
fn the_page_counts_those_who_agreed_and_offers_nobody_a_second_yes() {
    let mut one = dinner();
    one["journal"] = facts(&[(5, json!({"type": "decided", "node": 2, "by": "bob", "approve": true}))]);
    let got = page_of(one);
    assert!(got.holds("2 must agree; 1 has so far: <bdi>bob</bdi>.") && got.holds("value=\"approve\""), "{}", got.text);
    let mut role = dinner();
    role["nodes"][2]["approval"]["by"] = json!(["ann", "role:approver"]);
    assert!(page_of(role).holds("Asked are <bdi>ann</bdi>, everybody who is an approver, but for who asks."));
    let mut own = dinner();
    own["journal"] = facts(&[(5, json!({"type": "decided", "node": 2, "by": "ann", "approve": true}))]);
    let got = page_of(own);
    assert!(got.holds("has agreed already") && !got.holds("value=\"approve\"") && got.holds("value=\"reject\""));
}

#[test]
fn a_point_of_no_return_says_so_and_a_tool_that_has_changed_has_no_price() {
    let mut pivot = dinner();
    pivot["nodes"][2]["class"] = json!("pivot");
    pivot["nodes"][2]["version"] = json!("0");
    let got = page_of(pivot);
    assert!(got.holds("class=\"warn\">It cannot be undone.") && got.holds("the tool has changed"), "{}", got.text);
}

#[test]
fn a_phone_shows_it_without_a_script_and_nothing_can_run() {
    let host = host(dinner(), link(LATER, None));
    let (form, question) = (get(&host, "/approve"), bring(&host, TOKEN));
    for got in [&form, &question] {
        assert!(got.holds("name=\"viewport\" content=\"width=device-width, initial-scale=1\""));
        assert!(got.holds("name=\"color-scheme\" content=\"light dark\""));
        let policy = got.header("content-security-policy");
        for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        // What a form of ours needs to be known as ours; elsewhere nothing is said.
        assert_eq!((got.header("referrer-policy"), got.header("cache-control")), ("same-origin", "no-store"));
    }
    assert!(form.header("content-security-policy").contains("script-src 'self'"));
    assert!(!question.header("content-security-policy").contains("script-src") && !question.holds("<script"));
    let style = get(&host, "/approve/approve.css");
    assert!(style.holds("min-height: 3.5rem") && style.holds("prefers-color-scheme: dark"));
    assert!(get(&host, "/approve/approve.js").header("content-type").starts_with("text/javascript"));
}

#[test]
fn another_sites_page_is_not_heard() {
    let host = host(dinner(), link(LATER, None));
    let body = format!("token={TOKEN}");
    for headers in [
        [FORM, ("origin", "https://evil.example")],
        [FORM, ("sec-fetch-site", "cross-site")],
        [FORM, ("origin", "null")],
    ] {
        let got = exchange(&host, Method::POST, "/approve", &headers, &body);
        assert_eq!(got.status(), 403, "{headers:?}");
        assert!(!got.holds("Luigi") && got.header("content-type").starts_with("text/html"));
    }
    let ours = [FORM, ("host", "ours.test"), ("origin", "http://ours.test"), ("sec-fetch-site", "same-origin")];
    assert_eq!(exchange(&host, Method::POST, "/approve", &ours, &body).status(), 200);
}

#[test]
fn a_link_that_decides_nothing_says_why_on_a_page_of_its_own() {
    let told = |story: Value, link: Value| {
        let got = bring(&host(story, link), TOKEN);
        assert!(!got.holds("<form") && !got.holds(TOKEN), "{}", got.text);
        let title = got.text.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>"));
        (got.status(), title.map(|(title, _)| title.to_owned()).unwrap_or_default())
    };
    let open = || link(LATER, None);
    let is = |status: u16, title: &str| (status, title.to_owned());
    assert_eq!(told(dinner(), link(START, None)), is(410, "This link has expired"));
    for approve in [true, false] {
        assert_eq!(told(heard(approve), link(LATER, Some(approve))), is(409, "This link was used"));
        assert_eq!(told(heard(approve), link(START, Some(approve))), is(409, "This link was used"));
    }

    let mut decided = dinner();
    let yes = |by: &str| json!({"type": "decided", "node": 2, "by": by, "approve": true});
    decided["journal"] = facts(&[(5, yes("bob")), (6, yes("cid"))]);
    assert_eq!(told(decided.clone(), open()), is(409, "This was decided already"), "and not begun yet");
    decided["journal"] =
        facts(&[(5, yes("bob")), (6, yes("cid")), (7, json!({"type": "started", "node": 2, "attempt": 1}))]);
    assert_eq!(told(decided, open()), is(409, "This was decided already"));

    let mut cancelled = dinner();
    cancelled["phase"] = json!("made_good");
    let cause = json!({"type": "unwinding", "cause": {"why": "cancelled", "by": "olga"}});
    cancelled["journal"] = facts(&[(5, cause)]);
    assert_eq!(told(cancelled.clone(), open()), is(409, "This was called off"));
    assert!(bring(&host(cancelled, open()), TOKEN).holds("It was cancelled by olga."));

    let mut other = open();
    other["params"] = json!("0000000000000001");
    assert_eq!(told(dinner(), other), is(409, "This has changed"));
    let replanned = json!({"type": "replanned", "by": "olga", "epoch": 1, "from": 4, "kept": [0, 1], "retired": []});
    let mut dropped = dinner();
    dropped["journal"] = facts(&[(5, replanned)]);
    assert_eq!(told(dropped, open()), is(409, "This has changed"));

    let host = host(dinner(), open());
    for token in ["", "nonsense", &TOKEN[1..], &TOKEN.to_uppercase()] {
        let got = bring(&host, token);
        assert_eq!(got.status(), 404, "{token}");
        assert!(got.holds("This is no link of ours"));
    }
    assert_eq!(exchange(&host, Method::POST, "/approve", &[FORM], "token=%ff").status(), 400);
    let down = bring(&Fake { database: Database::Down, ..host }, TOKEN);
    assert_eq!((down.status(), down.header("retry-after")), (503, "1"));
    assert!(!down.holds("secret") && down.header("content-type").starts_with("text/html"));
}

/// The dinner, with the word of the link in its journal.
fn heard(approve: bool) -> Value {
    let note = format!("Fine. (By the link {}, which olga made.)", &links::hash(TOKEN)[..12]);
    let mut heard = dinner();
    heard["journal"] =
        facts(&[(5, json!({"type": "decided", "node": 2, "by": "ann", "approve": approve, "note": note}))]);
    heard
}

#[test]
fn a_link_that_was_used_says_what_stands_and_what_can_be_done_about_it() {
    let told = |approve: bool| bring(&host(heard(approve), link(LATER, Some(approve))), TOKEN).text;
    let yes = told(true);
    assert!(yes.contains("ann agreed with it, at 2026-05-01 12:00:00 UTC. That stands"), "{yes}");
    assert!(yes.contains("ask olga, whose it is, to cancel it, or an operator"), "{yes}");
    let no = told(false);
    assert!(no.contains("ann refused with it, at 2026-05-01 12:00:00 UTC. That stands"), "{no}");
    assert!(no.contains("ask olga, whose it is, to start it again"), "{no}");
}

#[test]
fn a_link_that_was_used_and_not_heard_offers_the_same_again_and_nothing_else() {
    let mut anothers_word = dinner();
    anothers_word["journal"] = facts(&[(5, json!({"type": "decided", "node": 2, "by": "bob", "approve": true}))]);
    for (approve, offered, other) in [(true, "approve", "reject"), (false, "reject", "approve")] {
        for story in [dinner(), anothers_word.clone()] {
            let got = bring(&host(story, link(LATER, Some(approve))), TOKEN);
            assert_eq!(got.status(), 200, "{}", got.text);
            assert!(got.holds("It can say the same again, and nothing else."), "{}", got.text);
            let button = |value: &str| got.holds(&format!("name=\"decision\" value=\"{value}\""));
            assert!(button(offered) && !button(other), "{}", got.text);
        }
    }
}

#[test]
fn whatever_a_tool_or_a_user_wrote_is_text_and_nothing_is_hidden_in_it() {
    let mut evil = dinner();
    evil["title"] = json!(EVIL);
    evil["owner"] = json!(EVIL);
    for ix in 0..4 {
        evil["nodes"][ix]["id"] = json!(EVIL);
    }
    evil["nodes"][2]["approval"]["question"] = json!(EVIL);
    evil["nodes"][2]["approval"]["by"] = json!([EVIL]);
    evil["journal"][3]["record"]["params"] =
        json!({EVIL: EVIL, "amount": "10\u{202e}001", "deep": {EVIL: [EVIL, {EVIL: 1}]}});
    let mut link = link(LATER, None);
    (link["stands_for"], link["made_by"]) = (json!(EVIL), json!(EVIL));
    let mut host = host(evil, link);
    let mut tools = (*host.tools).clone();
    for name in ["forecast", "book_table", "request_ride", "send_message"] {
        (tools[name]["title"], tools[name]["description"]) = (json!(EVIL), json!(EVIL));
    }
    host.tools = Rc::new(tools);
    let got = bring(&host, TOKEN);
    assert_eq!(got.status(), 200);
    assert!(got.text.matches("&lt;script&gt;alert(1)").count() > 15, "{}", got.text);
    for alive in ["<script", "<img", "\u{202e}", " style=", "onerror=alert(1)>"] {
        assert!(!got.holds(alive), "{alive} in {}", got.text);
    }
    assert!(got.holds("10[U+202E]001"));
}

#[test]
fn no_log_has_a_token() {
    let host = host(dinner(), link(LATER, None));
    bring(&host, TOKEN);
    bring(&Fake { database: Database::Down, ..host.clone() }, TOKEN);
    assert!(!host.log.borrow().is_empty(), "the outage is told");
    assert!(!host.log.borrow().iter().any(|line| line.contains(TOKEN)), "{:?}", host.log);
}
