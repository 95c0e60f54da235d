//! `/debug`: what people get.

use crate::fake::{Database, Fake, Got, START, get, id, journal, node, send, story, unwound};
use makegood_edge::http::Method;
use makegood_edge::serde_json::{Value, json};

fn page(story: Value) -> Got {
    let id = story["id"].as_str().unwrap_or_default().to_owned();
    get(&Fake::with(vec![story]), &format!("/debug/sagas/{id}"))
}

/// The places of these parts, in order of appearance.
fn in_order(text: &str, parts: &[&str]) -> bool {
    let mut rest = text;
    parts.iter().all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn an_unwound_saga_says_why_and_in_which_order() {
    let got = page(unwound());
    assert_eq!(got.status(), 200);
    assert!(in_order(
        &got.text,
        &[
            "made good",
            "Book a table for 4 at Luigi's",
            "Step <code>ride</code> was refused (no_driver): No driver is free at 18:30.",
            "Undone in this order:",
            "<code>deposit</code>",
            "<code>table</code>",
            "Never begun",
            "<code>text</code>",
        ],
    ));
}

#[test]
fn the_chart_has_a_band_for_each_invocation_and_a_bar_for_each_call() {
    let got = page(unwound());
    for band in ["invocation 1, from", "invocation 2, from", "invocation 3, from"] {
        assert!(got.holds(band), "{band}");
    }
    for bar in [
        "ride, do 3: refused after 221 ms, invocation 2: No driver is free at 18:30.",
        "ride, do 2: no answer after 90 ms, invocation 1: no answer within 90 ms",
        "table, undo 2: ok after 109 ms, invocation 3",
        "8.3 s in which nothing happened; not to scale",
    ] {
        assert!(got.holds(&format!("<title>{bar}")), "{bar}");
    }
    assert_eq!(got.text.matches("<rect class=\"bar undo\" rx").count(), 2);
}

#[test]
fn the_journal_stands_there_as_text() {
    let got = page(unwound());
    assert!(in_order(
        &got.text,
        &["id=\"journal\"", "From here on it is undone", "undo of <code>deposit</code> begins"]
    ));
    assert!(got.holds("<td class=\"number\">9\u{202f}240</td>"));
}

#[test]
fn whatever_was_written_is_text_and_nothing_more() {
    const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut evil = story(1, "anonymous", "stuck");
    evil["title"] = json!(EVIL);
    evil["message"] = json!(EVIL);
    evil["nodes"] = json!([node(0, EVIL, EVIL, "compensatable", &[], &json!({EVIL: EVIL}))]);
    evil["journal"] = journal(&[
        (1, 1, json!({"type": "done", "node": 0, "attempt": 1, "took": 1, "output": {EVIL: EVIL}})),
        (2, 1, json!({"type": "refused", "node": 0, "attempt": 2, "took": 1, "code": EVIL, "detail": EVIL})),
        (3, 1, json!({"type": "held", "node": 0, "op": "undo", "code": EVIL, "detail": EVIL})),
        (4, 1, json!({"type": "unwinding", "cause": {"why": "cancelled", "by": EVIL}})),
    ]);
    let host = Fake::with(vec![evil]);
    for address in ["/debug/sagas".to_owned(), format!("/debug/sagas/{}", id(1))] {
        let got = get(&host, &address);
        assert_eq!(got.status(), 200);
        assert!(got.holds("&lt;script&gt;alert(1)"));
        assert!(
            !got.holds("<script>") && !got.holds("<img") && !got.holds(" style=") && !got.holds(" onerror=alert(1)>")
        );
        assert_eq!(got.text.matches("<script").count(), 1, "ours");
    }
}

#[test]
fn every_page_has_a_policy_that_lets_nothing_run_but_our_own_script() {
    let host = Fake::with(vec![unwound()]);
    let none = "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; \
                base-uri 'none'";
    let ours = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; \
                trusted-types 'none'";
    let saga = format!("/debug/sagas/{}", id(1));
    for (address, expected) in [("/debug", ours), (saga.as_str(), ours), ("/debug/nowhere", none)] {
        let got = get(&host, address);
        assert_eq!(got.header("content-security-policy"), expected);
        assert_eq!(got.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert_eq!(got.header("cache-control"), "no-store");
    }
    for name in ["debug.css", "console.css"] {
        assert_eq!(get(&host, &format!("/debug/{name}")).header("content-type"), "text/css; charset=utf-8");
    }
    assert_eq!(get(&host, "/debug/console.js").header("content-type"), "text/javascript; charset=utf-8");
}

#[test]
fn a_trace_that_nobody_knows_is_not_found_and_its_files_are_there() {
    let host = Fake::with(vec![unwound()]);
    let unknown = get(&host, &format!("/debug/traces/{}", "1".repeat(32)));
    assert!(unknown.status() == 404 && unknown.holds("You have no saga of such a trace."), "{}", unknown.text);
    assert_eq!(get(&host, "/debug/traces/nonsense").status(), 400);
    assert_eq!(get(&host, &format!("/debug/traces/{}?from=x", "1".repeat(32))).status(), 400);
    assert_eq!(send(&host, Method::GET, &format!("/debug/traces/{}", "1".repeat(32)), Some("ana")).status(), 403);
    assert_eq!(send(&host, Method::HEAD, "/debug/waterfall.js", None).status(), 200);
    assert_eq!(get(&host, "/debug/waterfall.js").header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(get(&host, "/debug/waterfall.css").header("content-type"), "text/css; charset=utf-8");
}

#[test]
fn refusals_are_pages_too() {
    let host = Fake::with(vec![story(1, "ana", "completed")]);
    let unknown = get(&host, &format!("/debug/sagas/{}", id(2)));
    assert!(unknown.status() == 404 && unknown.holds("You have no such saga."));
    assert_eq!(get(&host, "/debug/sagas/x").status(), 400);
    let posted = send(&host, Method::POST, "/debug/sagas", None);
    assert_eq!((posted.status(), posted.header("allow")), (405, "GET, HEAD"));
    let down = get(&Fake { database: Database::Down, ..host }, "/debug");
    assert_eq!((down.status(), down.header("retry-after")), (503, "1"));
    assert!(!down.holds("secret"));
}

#[test]
fn an_empty_list_teaches_the_first_command() {
    let host = Fake::with(vec![]);
    let got = get(&host, "/debug");
    assert!(got.holds("curl -N http://127.0.0.1:3000/api/chat") && !got.holds("Bearer"));
    assert!(send(&host, Method::GET, "/debug", Some("olga")).holds("Bearer $TOKEN"));
    assert!(get(&host, "/debug/sagas?before=5").holds("There are no older ones."));
}

#[test]
fn the_list_leads_to_older_sagas() {
    let stories = (0..3).map(|number| {
        let mut story = story(number, "anonymous", "forward");
        story["created_at"] = json!(START + u64::from(number));
        story
    });
    let got = get(&Fake::with(stories.collect()), "/debug/sagas?limit=2");
    assert!(in_order(&got.text, &["Saga 2", "Saga 1", &format!("?before={}&amp;limit=2", START + 1)]));
    assert!(!got.holds("Saga 0"));
}

#[test]
fn the_list_leads_to_ready_made_views_and_stays_with_what_was_asked_for() {
    let host = Fake::with(vec![story(1, "ana", "completed"), story(2, "ana", "completed"), story(3, "ana", "stuck")]);
    let person = get(&host, "/debug/sagas?phase=person");
    assert!(
        person.holds("<a href=\"/debug/sagas?phase=person\" aria-current=\"true\">Needs a person</a>"),
        "{}",
        person.text
    );
    assert!(person.holds("Saga 3") && !person.holds("Saga 2") && person.holds("stuck: table"), "{}", person.text);
    let got =
        get(&host, "/debug/sagas?owner=ana&phase=completed&limit=1&text=Saga&from=2026-05-01&to=2026-05-01T12:00");
    assert!(got.holds("value=\"completed\" selected") && !got.holds("Saga 3"), "{}", got.text);
    let next = format!(
        "?before={START}&amp;saga={}&amp;limit=1&amp;owner=ana&amp;phase=completed&amp;text=Saga&amp;from=2026-05-01&amp;to=2026-05-01T12%3A00",
        id(2)
    );
    assert!(got.holds(&next), "{}", got.text);
    let none = get(&host, "/debug/sagas?tool=book+a%26b");
    assert!(none.holds("There are none.") && none.holds("value=\"book a&amp;b\""), "{}", none.text);
    assert!(get(&host, "/debug/sagas?phase=person&owner=bob").holds("No saga needs a person."));
}

#[test]
fn the_list_is_of_a_time_of_creation_or_of_the_last_change() {
    let mut late = story(2, "ana", "completed");
    late["updated_at"] = json!(START + 110_000);
    let mut old = story(1, "ana", "completed");
    (old["created_at"], old["updated_at"]) = (json!(START - 7_200_000), json!(START - 7_200_000));
    let mut slow = story(3, "ana", "completed");
    (slow["created_at"], slow["updated_at"]) = (json!(START - 7_200_000), json!(START + 100_000));
    let host = Fake::with(vec![old, late, slow]);
    let shown = |query: &str| {
        let got = get(&host, &format!("/debug/sagas?{query}"));
        assert_eq!(got.status(), 200, "{query}");
        [1, 2, 3].map(|number| got.holds(&format!("Saga {number}")))
    };
    assert_eq!(shown("span=hour"), [false, true, false]);
    assert_eq!(shown("span=hour&by=changed"), [false, true, true]);
    assert_eq!(shown("from=2026-05-01"), [true, true, true]);
    assert_eq!(shown("to=2026-05-01T10:30"), [true, false, true]);
    assert_eq!(shown("to=2026-05-01T10:30&by=changed"), [true, false, false]);
    for wrong in ["span=year", "from=yesterday", "by=luck", "phase=over"] {
        let got = get(&host, &format!("/debug/sagas?{wrong}"));
        assert!(got.status() == 400 && got.holds("<code>invalid_request</code>"), "{wrong}: {}", got.text);
    }
}

#[test]
fn a_text_that_not_all_were_looked_at_for_says_so_and_leads_on() {
    let got = get(&Fake::with(vec![story(1, "ana", "completed")]), "/debug/sagas?text=common");
    assert!(got.holds("were looked at") && got.holds(&format!("?before={START}&amp;text=common")), "{}", got.text);
}

#[test]
fn what_can_be_done_stands_behind_dialogs_and_as_commands() {
    let mut stuck = unwound();
    stuck["phase"] = json!("stuck");
    let held = json!({"type": "held", "node": 1, "op": "undo", "code": "gone", "detail": "The till is shut."});
    let mut records = stuck["journal"].as_array().cloned().unwrap_or_default();
    records.truncate(records.len() - 2);
    let mut record = held;
    (record["at"], record["inv"]) = (json!(START + 9_900), json!(3));
    records.push(json!({"seq": 90, "record": record}));
    stuck["journal"] = json!(records);
    let got = page(stuck);
    assert!(
        in_order(&got.text, &["What you can do", "Try it again", "It is undone by hand", "<dialog id=\"deed-1-0\""]),
        "{}",
        got.text
    );
    assert!(got.holds(&format!("makegood saga retry {} table", id(1))), "{}", got.text);
    assert!(got.holds(&format!("makegood saga resolve {} table --not-done", id(1))), "{}", got.text);
    assert!(got.holds("&quot;done&quot;:false") && !got.holds("&quot;done&quot;:true"), "{}", got.text);
    assert!(!got.holds("It is done</button>") && !got.holds("Cancel it"), "{}", got.text);
    assert!(!page(unwound()).holds("What you can do"), "it is over");
}

#[test]
fn the_plan_stands_in_layers_and_the_world_as_far_as_it_is_known() {
    let got = page(unwound());
    let parts = [
        "<ol class=\"layers\"><li><ul>",
        "<code>weather</code>",
        "<code>table</code>",
        "</ul></li><li><ul>",
        "<code>deposit</code>",
        "<code>ride</code>",
        "</ul></li><li><ul>",
        "<code>text</code>",
        "In the world",
        "Taken back",
        "<code>table</code>",
        "restaurant.book",
    ];
    assert!(in_order(&got.text, &parts), "{}", got.text);
    assert!(!got.holds("<dt>Stands</dt>"), "{}", got.text);
}

#[test]
fn a_page_of_the_list_weighs_less_than_a_hundred_kilobytes_with_all_that_it_brings() {
    let host = Fake::with((0..50).map(|number| story(number, "somebody with a long name", "stuck")).collect());
    let parts = ["/debug/sagas", "/debug/debug.css", "/debug/console.css", "/debug/console.js"];
    let weight: usize = parts.map(|part| get(&host, part).text.len()).iter().sum();
    assert!(weight < 100_000, "{weight} bytes");
}

#[test]
fn a_page_looks_again_only_while_it_is_asked_to_and_there_is_something_to_see() {
    let host = Fake::with(vec![story(1, "anonymous", "forward"), story(2, "anonymous", "completed")]);
    let again = |number: u8, query: &str| {
        get(&host, &format!("/debug/sagas/{}{query}", id(number))).holds("http-equiv=\"refresh\"")
    };
    assert!(again(1, "?follow=1"));
    assert!(!again(1, ""));
    assert!(!again(2, "?follow=1"));
}

#[test]
fn odd_journals_are_shown_as_far_as_they_go() {
    assert!(page(story(1, "anonymous", "forward")).holds("Nothing is written yet"));

    let mut planless = unwound();
    planless["nodes"] = json!([]);
    let got = page(planless);
    assert_eq!(got.status(), 200);
    assert!(got.holds("<code>#3</code> is <span class=\"refused\">refused</span>"));

    let mut backwards = unwound();
    backwards["created_at"] = json!(START + 1_000_000);
    backwards["updated_at"] = json!(0);
    assert_eq!(page(backwards).status(), 200);
}

#[test]
fn a_journal_of_thousands_is_drawn_in_part_and_says_so() {
    let nodes: Vec<Value> =
        (0..500).map(|ix| node(ix, &format!("step{ix}"), "town.do", "query", &[], &json!({}))).collect();
    let records: Vec<_> = (0..3_000_u32)
        .map(|n| {
            let fact = json!({"type": "done", "node": n % 500, "attempt": n / 500 + 1, "took": 5, "output": n});
            (u64::from(n) * 10, n / 100 + 1, fact)
        })
        .collect();
    let mut long = story(1, "anonymous", "completed");
    long["nodes"] = json!(nodes);
    long["journal"] = journal(&records);
    let got = page(long);
    assert_eq!(got.text.matches("<rect class=\"bar done\" rx").count(), 400);
    assert!(got.holds("The first 400 of 3000 calls are drawn"));
    assert!(got.holds("The first 2\u{202f}000 of them"));
    assert!(got.text.len() < 2_000_000, "{} bytes", got.text.len());
}

#[test]
fn what_a_model_read_says_how() {
    let mut told = story(1, "anonymous", "completed");
    assert!(!page(told.clone()).holds("How it was read"));
    told["reading"] = json!({"by": "offline"});
    assert!(!page(told.clone()).holds("How it was read"), "there is nothing to say");
    let asked = |model: &str, round: &str, outcome: &str| json!({"model": model, "round": round, "outcome": outcome, "took_ms": 900, "tokens_in": 10, "cost_nanos": 5_000});
    let violation = json!({"step": "t<b>", "rule": "parameters", "path": "/people", "message": "must be at most 20"});
    told["reading"] = json!({
        "by": "model", "model": "large", "why": "Nothing was found.", "prompt": "plan.1", "cache": "miss",
        "asked": [asked("small", "plan", "http_429"), asked("large", "plan", "answered"), asked("large", "repair", "answered")],
        "violations": [violation], "confirm": "table", "tokens_in": 30, "cost_nanos": 15_000, "took_ms": 2_700,
    });
    let got = page(told);
    let parts = [
        "How it was read",
        "By the model <code>large</code>",
        "before <code>table</code> was agreed to",
        "http_429",
        "to mend it",
        "step `t&lt;b&gt;`, rule parameters, at /people: must be at most 20",
        "Not in the cache.",
        "0.000015",
        "plan.1",
    ];
    assert!(in_order(&got.text, &parts), "{}", got.text);
}
