//! Which verbs are offered when, and how what others wrote stands among them.

use makegood_edge::core::guard::Role;
use makegood_edge::core::saga::{Gather, Node, Report, report};
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::Story;
use makegood_edge::serde_json::{Value, from_str, from_value, json};
use maud::html;

use super::another::plan;
use super::deeds::section;
use super::offer::{of_saga, of_step, word};

fn operator() -> Principal {
    Principal { role: Role::Operator, ..Principal::new("olga".to_owned()) }
}

/// A saga of ann's: a table, a payment after which there is no way back, and a text.
fn told(phase: &str, facts: Vec<Value>) -> (Story, Report) {
    let node = |ix: u32, id: &str, class: &str, deps: &[u32]| json!({"ix": ix, "id": id, "tool": format!("town.{id}"), "version": "1", "class": class, "deps": deps});
    let mut text = node(2, "text", "retriable", &[1]);
    text["approval"] = json!({"by": ["bob"], "question": "Send it?"});
    let journal = facts.into_iter().enumerate().map(|(place, mut fact)| {
        (fact["inv"], fact["at"]) = (json!(1), json!(place));
        json!({"seq": 2_000_000 + place, "record": fact})
    });
    let story: Story = from_value(json!({
        "id": "sg_01k00000000000000000000000", "owner": "ann", "title": "Dinner", "message": null, "phase": phase,
        "version": 3, "created_at": 0, "updated_at": 4_000, "wake_at": null,
        "nodes": [node(0, "table", "compensatable", &[]), node(1, "payment", "pivot", &[0]), text],
        "journal": journal.collect::<Vec<_>>(),
        "counters": {"invocations": 1, "commits": 1, "calls": 1, "bytes_read": 1, "bytes_written": 1, "sweeps": 0},
    }))
    .unwrap();
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    (story, report)
}

fn started(node: u32) -> Value {
    json!({"type": "started", "node": node, "attempt": 1})
}

fn done(node: u32) -> Value {
    json!({"type": "done", "node": node, "attempt": 1, "took": 1, "output": {}})
}

fn held(node: u32, op: &str, code: &str) -> Value {
    json!({"type": "held", "node": node, "op": op, "code": code, "detail": "Nobody answers."})
}

fn turned() -> Value {
    json!({"type": "unwinding", "cause": {"why": "cancelled", "by": "ann"}})
}

/// The buttons that are offered: those of a step, then those of the whole.
fn offered(
    (story, report): &(Story, Report),
    step: usize,
    reader: &Principal,
) -> (Vec<&'static str>, Vec<&'static str>) {
    let of_step = of_step(story, report, &report.steps[step], reader);
    let labels = |offers: Vec<super::offer::Offer>| offers.iter().map(|offer| offer.label).collect();
    (labels(of_step), labels(of_saga(story, report)))
}

#[test]
fn an_undo_that_is_open_is_tried_again_or_was_made_by_hand() {
    let stuck = told("stuck", vec![started(0), done(0), turned(), held(0, "undo", "gone")]);
    assert_eq!(offered(&stuck, 0, &operator()), (vec!["Try it again", "It is undone by hand"], vec![]));
}

#[test]
fn what_may_have_happened_is_not_tried_again_and_a_person_says_what_became_of_it() {
    let stuck = told("stuck", vec![started(0), done(0), started(1), held(1, "do", "unknown_outcome")]);
    assert_eq!(offered(&stuck, 1, &operator()), (vec!["It is done", "It did not happen"], vec![]));
}

#[test]
fn what_stands_after_the_point_of_no_return_must_be_done() {
    let stuck = told("stuck", vec![started(0), done(0), started(1), done(1), started(2), held(2, "do", "gone")]);
    assert_eq!(offered(&stuck, 2, &operator()), (vec!["Try it again", "It is done"], vec![]));
}

#[test]
fn what_is_stuck_before_it_can_still_be_called_off() {
    let stuck = told("stuck", vec![started(0), held(0, "do", "gone")]);
    let of_step = vec!["Try it again", "It is done", "It did not happen"];
    assert_eq!(offered(&stuck, 0, &operator()), (of_step, vec!["Give it another plan", "Cancel it"]));
}

#[test]
fn what_goes_forward_is_paused_resumed_and_called_off_until_there_is_no_way_back() {
    let whole = |phase, facts| offered(&told(phase, facts), 0, &operator()).1;
    assert_eq!(whole("forward", vec![started(0)]), ["Pause", "Cancel it"]);
    let paused = json!({"type": "paused", "by": "ann", "why": ""});
    assert_eq!(whole("forward", vec![paused]), ["Resume", "Give it another plan", "Cancel it"]);
    assert_eq!(whole("forward", vec![started(0), done(0), started(1), done(1)]), ["Pause"]);
    for phase in ["unwinding", "completed", "made_good"] {
        assert!(whole(phase, vec![started(0), done(0)]).is_empty(), "{phase}");
    }
}

#[test]
fn another_plan_is_offered_where_nothing_is_under_way_and_there_is_a_way_back() {
    let is_offered = |phase, facts| {
        let (story, report) = told(phase, facts);
        of_saga(&story, &report).iter().any(|offer| offer.verb == "replan")
    };
    let failed =
        json!({"type": "unsettled", "node": 0, "op": "do", "attempt": 1, "took": 1, "reason": "503", "again": 9});
    let asked = json!({"type": "asked", "node": 2, "params": {}, "hash": 1, "until": 9});
    for (phase, facts) in [
        ("forward", vec![]),
        ("forward", vec![started(0), done(0), asked]),
        ("forward", vec![started(0), held(0, "do", "gone")]),
        ("stuck", vec![started(0), held(0, "do", "gone")]),
    ] {
        assert!(is_offered(phase, facts.clone()), "{phase}: {facts:?}");
    }
    for (phase, facts) in [
        // Its calls are not settled, or what became of them is not known.
        ("forward", vec![started(0)]),
        ("forward", vec![started(0), failed]),
        ("forward", vec![started(0), held(0, "do", "no_answer")]),
        ("stuck", vec![started(0), held(0, "do", "unknown_outcome")]),
        ("stuck", vec![started(0), done(0), held(0, "undo", "gone")]),
        // There is no way back, or it is taken already.
        ("forward", vec![started(0), done(0), started(1), done(1)]),
        ("stuck", vec![started(0), done(0), started(1), held(1, "do", "gone")]),
        ("stuck", vec![started(0), turned(), held(0, "do", "gone")]),
        ("unwinding", vec![started(0), done(0), turned()]),
        ("completed", vec![]),
        ("made_good", vec![]),
    ] {
        assert!(!is_offered(phase, facts.clone()), "{phase}: {facts:?}");
    }
}

#[test]
fn another_plan_takes_the_place_of_the_one_that_was_seen() {
    let replaces = |facts| {
        let (story, report) = told("forward", facts);
        let offers = of_saga(&story, &report);
        offers.iter().find(|offer| offer.verb == "replan").map(|offer| offer.body.clone())
    };
    assert_eq!(replaces(vec![]), Some(json!({"replaces": 0})));
    let another =
        json!({"type": "replanned", "by": "olga", "note": "", "epoch": 1, "from": 3, "kept": [0, 1, 2], "retired": []});
    assert_eq!(replaces(vec![another]), Some(json!({"replaces": 1})));
}

#[test]
fn the_dialog_begins_with_the_whole_plan_as_it_stands() {
    let (mut story, report) = told("forward", vec![started(0), done(0)]);
    let text = plan(&story).unwrap_or_default();
    let expected = json!({"summary": "Dinner", "steps": [
        {"id": "table", "tool": "town.table", "params": {}, "after": []},
        {"id": "payment", "tool": "town.payment", "params": {}, "after": []},
        {"id": "text", "tool": "town.text", "params": {}, "after": ["payment"],
         "approval": {"by": ["bob"], "quorum": 1, "within_ms": 86_400_000, "question": "Send it?"}},
    ]});
    assert_eq!(from_str::<Value>(&text).unwrap(), expected, "{text}");
    let page = section(&story, &report, &operator()).into_string();
    let escaped = html! { (text) }.into_string();
    assert!(page.contains(&escaped) && page.contains("Its own stands below"), "{page}");
    // One that is too long is not cut: half a plan would undo the other half.
    story.nodes[0].params.insert("body".to_owned(), json!("<".repeat(12_000)));
    let page = section(&story, &report, &operator()).into_string();
    assert!(
        plan(&story).is_none() && page.contains("write all of it") && page.contains("data-json></textarea>"),
        "{page}"
    );
}

#[test]
fn a_plan_that_would_do_again_what_nobody_changed_does_not_stand_there() {
    let (story, _) = told("forward", vec![started(0), done(0)]);
    assert!(plan(&story).is_some());
    let (mut passed, _) =
        told("forward", vec![started(0), done(0), json!({"type": "skipped", "node": 1, "why": "no"})]);
    assert_eq!(plan(&passed), None, "what was passed over");
    passed.journal.pop();
    assert!(plan(&passed).is_some());
    for change in [
        |node: &mut Node| node.replaceable = true,
        |node: &mut Node| node.instead_of = vec![0],
        |node: &mut Node| node.gather = Some(Gather::First(vec![0])),
    ] {
        let (mut story, _) = told("forward", vec![started(0), done(0)]);
        change(&mut story.nodes[1]);
        assert_eq!(plan(&story), None);
    }
}

#[test]
fn a_cancel_names_what_it_undoes_and_what_may_keep_it_from_that() {
    let (story, report) = told("forward", vec![started(0), done(0), started(1)]);
    let offers = of_saga(&story, &report);
    let says = offers.iter().find(|offer| offer.verb == "cancel").map(|offer| offer.says.as_str()).unwrap_or_default();
    assert!(says.contains("undone, the latest first: table.") && says.contains("point of no return"), "{says}");
}

#[test]
fn only_who_is_asked_can_agree_and_that_to_what_is_shown() {
    let hash = 0x1234_5678_9abc_def0_u64;
    let asked = json!({"type": "asked", "node": 2, "params": {"to": "Sam"}, "hash": hash, "until": 9});
    let asks = told("forward", vec![started(0), done(0), started(1), done(1), asked]);
    assert_eq!(offered(&asks, 2, &operator()).0, Vec::<&str>::new());
    assert_eq!(offered(&asks, 2, &Principal::new("ann".to_owned())).0, Vec::<&str>::new(), "somebody else is named");
    let bob = Principal::new("bob".to_owned());
    assert_eq!(offered(&asks, 2, &bob).0, ["Approve", "Reject"]);
    let page = section(&asks.0, &asks.1, &bob).into_string();
    assert!(page.contains("123456789abcdef0") && page.contains("&quot;to&quot;: &quot;Sam&quot;"), "{page}");
    assert!(section(&asks.0, &asks.1, &operator()).into_string().contains("for others to do"));
}

#[test]
fn whatever_was_written_is_text_and_for_a_shell_one_word() {
    let (mut story, _) = told("stuck", vec![started(0), held(0, "do", "gone")]);
    story.nodes[0].id = "<b>\"x' $(reboot)".to_owned();
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    let page = section(&story, &report, &operator()).into_string();
    assert!(!page.contains("<b>") && page.contains("&lt;b&gt;&quot;x'\\'' $(reboot)'"), "{page}");
    for (text, said) in [("table", "table"), ("id[0]", "'id[0]'"), ("", "''"), ("-x", "'-x'"), ("a'b", "'a'\\''b'")] {
        assert_eq!(word(text), said);
    }
}
