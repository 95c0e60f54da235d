//! What the console's pages show of what the database holds.

use makegood_edge::Settings;
use makegood_edge::breakers::Standing;
use makegood_edge::core::guard::rates::Rates;
use makegood_edge::core::time::Millis;
use makegood_edge::dependencies::Answered;
use makegood_edge::gateway::audit;
use makegood_edge::gateway::console::{Places, Spot};
use makegood_edge::native::Native;
use makegood_edge::serde_json::{Value, from_value, json};

use super::{dependencies, frame, limits, people, queue, security, tools};
use crate::page::Page;

const SAGA: &str = "sg_01k00000000000000000000000";
const NOW: Millis = Millis(10_000_000);
/// What somebody would like to have run.
const HOSTILE: &str = "<script>alert(1)</script>";

/// The page, which has nothing hostile in it.
fn shown(page: Page) -> String {
    let text = page.body.into_string();
    assert!(!text.contains("<script"), "{text}");
    text
}

fn waking(wake_at: u64, more: &Value) -> Value {
    let mut saga = json!({"id": SAGA, "owner": "ann", "title": HOSTILE, "phase": "forward", "wake_at": wake_at,
        "updated_at": 9_000_000, "sweeps": 2, "idle_wakes": 1});
    saga.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    saga
}

fn waits(oldest: Option<u64>, overdue: u64, lists: &Value) -> queue::Told {
    let mut queue = json!({"oldest": oldest, "overdue": overdue, "sagas": [], "waiting": [], "waiting_in_all": 0, "dead": [], "subscribers": [],
            "subscribers_in_all": 0});
    queue.as_object_mut().unwrap().extend(lists.as_object().unwrap().clone());
    queue::told(from_value(queue).unwrap(), NOW, 2)
}

fn queue_page(told: &queue::Told) -> String {
    shown(queue::page(told, &Places::default(), false))
}

#[test]
fn an_empty_queue_says_what_would_stand_there() {
    let text = queue_page(&waits(None, 0, &json!({})));
    for part in ["Nothing is overdue", "every saga has come to rest", "There are none.", "/v2/dlq", "<dd>0 ms</dd>"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<table"), "{text}");
}

#[test]
fn who_waits_too_long_is_told_of_by_more_than_a_colour() {
    let late = waits(Some(NOW.0 - 180_000), 1, &json!({"sagas": [waking(NOW.0 - 180_000, &json!({}))]}));
    let text = queue_page(&late);
    assert_eq!(late.age, Millis(180_000));
    for part in ["Sagas are not woken", "3 min 0 s overdue", "makegood doctor", "&lt;script&gt;"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // Within the time that the sweep takes, nothing is wrong.
    let text = queue_page(&waits(Some(NOW.0 - 30_000), 1, &json!({"sagas": [waking(NOW.0 + 5_000, &json!({}))]})));
    assert!(text.contains("Nothing is overdue") && text.contains("in 5.0 s"), "{text}");
}

#[test]
fn a_list_that_is_longer_than_its_page_leads_on_and_shows_no_more() {
    let sagas: Vec<Value> = [1, 2, 3].into_iter().map(|at| waking(NOW.0 + at, &json!({}))).collect();
    let dead: Vec<Value> = [9, 8, 7].into_iter().map(letter).collect();
    let told = waits(None, 0, &json!({"sagas": sagas, "dead": dead}));
    assert_eq!((told.queue.sagas.len(), told.queue.dead.len()), (2, 2));
    assert_eq!(told.next_dead, Some(Spot { at: Millis(8), mark: "github/k8".to_owned() }));
    let text = queue_page(&told);
    assert!(text.contains(&format!("?after={}&amp;saga={SAGA}", NOW.0 + 2)), "{text}");
    assert!(text.contains("?before=8&amp;letter=github%2Fk8#dead"), "{text}");
    let whole = waits(None, 0, &json!({"sagas": &sagas[..2], "dead": &dead[..2]}));
    assert!(whole.next.is_none() && whole.next_dead.is_none());
}

fn letter(at: u64) -> Value {
    json!({"source": "github", "key": format!("k{at}"), "owner": "ann", "id": HOSTILE, "kind": "push", "received_at": at,
        "rule": "text", "saga": null, "tries": 3, "why": format!("It fits no plan: {HOSTILE}"), "settled_at": at})
}

#[test]
fn dead_letters_other_work_and_subscribers_stand_there_with_what_to_do() {
    let told = waits(
        None,
        0,
        &json!({"waiting": [work("schedule/daily")], "dead": [letter(7)],
        "subscribers": [subscriber("sub_1", "disabled"), subscriber("sub_2", "active")]}),
    );
    let text = queue_page(&told);
    for part in [
        "A schedule that the queue does not know",
        "It fits no plan",
        "given up",
        "POST /api/subscriptions/sub_1/enable",
        "tried again",
        "in 15.0 s",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("/sub_2/enable"), "it is tried again by itself: {text}");
}

/// A schedule that is due a second from now.
fn work(mark: &str) -> Value {
    json!({"what": "schedule", "name": "daily", "owner": "ann", "saga": null, "since": NOW.0 - 5_000,
        "due_at": NOW.0 + 1_000, "tries": 0, "mark": mark})
}

fn subscriber(id: &str, state: &str) -> Value {
    json!({"id": id, "owner": "ann", "kind": "webhook", "url": "https://hooks.test/in", "state": state,
        "failing_since": 5, "shut_until": NOW.0 + 15_000, "updated_at": 6, "why": "it answers 500", "behind": 4})
}

#[test]
fn what_a_list_has_besides_its_first_page_is_counted_and_led_to() {
    let work: Vec<Value> = ["a", "b", "c"].into_iter().map(|id| work(&format!("schedule/{id}"))).collect();
    let subscribers: Vec<Value> = ["s3", "s2", "s1"].into_iter().map(|id| subscriber(id, "disabled")).collect();
    let lists = json!({"waiting": work, "waiting_in_all": 7, "subscribers": subscribers, "subscribers_in_all": 1_000});
    let told = waits(None, 0, &lists);
    assert_eq!((told.queue.waiting.len(), told.queue.subscribers.len()), (2, 2));
    let text = queue_page(&told);
    for part in [
        "And 5 besides: “Later” leads to them.".to_owned(),
        format!("href=\"?due={}&amp;work=schedule%2Fb#waiting\"", NOW.0 + 1_000),
        "And 998 or more besides: “Older” leads to them.".to_owned(),
        "href=\"?changed=6&amp;subscriber=s2#subscribers\"".to_owned(),
    ] {
        assert!(text.contains(&part), "{part} in {text}");
    }
    // On the page that they lead to, which is the last one.
    let from = Places { work: told.next_work.unwrap(), ..Places::default() };
    let rest = waits(None, 0, &json!({"waiting": &work[2..], "waiting_in_all": 7}));
    let text = shown(queue::page(&rest, &from, false));
    assert!(text.contains("7 in all, on all pages.") && text.contains("href=\"/debug/queue#waiting\""), "{text}");
    assert!(!text.contains("besides") && !text.contains("rel=\"next\""), "{text}");
    let over = shown(queue::page(&waits(None, 0, &json!({})), &from, false));
    assert!(over.contains("There are no more.") && !over.contains("There is none."), "{over}");
    // Where a page has all there is nothing to say.
    let whole = waits(None, 0, &json!({"waiting": &work[..2], "waiting_in_all": 2}));
    assert!(!queue_page(&whole).contains("besides"));
}

fn step(standing: &str, more: &Value) -> Value {
    let mut step = json!({"saga": SAGA, "node": 1, "step": "text", "tool": "send_message", "class": "pivot",
        "standing": standing, "changed_at": 5, "owner": "ann", "title": "An evening", "phase": "forward",
        "since": NOW.0 - 60_000, "until": null, "params": {}, "approval": null, "agreed": [], "op": null, "code": null,
        "detail": null});
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

fn people_page(steps: &[Value]) -> String {
    let steps = from_value(json!(steps)).unwrap();
    shown(people::page(&people::told(steps, NOW, 2), false, false))
}

#[test]
fn who_is_asked_what_and_until_when_stands_beside_the_step() {
    let asked = step(
        "asking",
        &json!({"until": NOW.0 + 60_000, "params": {"text": HOSTILE}, "agreed": ["bob"],
            "approval": {"by": ["bob", "role:approver"], "quorum": 2, "question": "Send it?"}}),
    );
    let text = people_page(&[asked]);
    for part in [
        "send_message",
        &format!("href=\"/debug/sagas/{SAGA}#step-1\""),
        "&lt;script&gt;",
        "another 1 min 0 s",
        "bob, whoever is an approver",
        "1 of 2 agreed: bob",
        "Send it?",
        "A step stands here that can go neither forward nor back",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn what_is_held_says_what_with_and_what_leads_on() {
    let held = step("held", &json!({"op": "undo", "code": "gone", "detail": format!("No such table. {HOSTILE}")}));
    let text = people_page(&[held]);
    for part in ["needs a person", "its undo", "<code>gone</code>", &format!("/debug/sagas/{SAGA}#deeds")] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.contains("\"approval\"") || text.contains("&quot;approval&quot;"), "how one is asked for: {text}");
}

#[test]
fn the_next_page_of_people_begins_after_the_last_step() {
    let steps: Vec<Value> = (0..3).map(|node| step("asking", &json!({"node": node}))).collect();
    let text = people_page(&steps);
    assert!(text.contains(&format!("?after=5&amp;saga={SAGA}&amp;node=1")), "{text}");
    assert!(!text.contains("#step-2"), "{text}");
}

fn settings(limits: &str) -> Settings {
    let mut settings = Settings::read(&Native::new(Default::default())).unwrap();
    settings.limits = Rates::read(limits).unwrap();
    settings
}

fn breaker(name: &str, stands: &'static str, until: Option<u64>) -> Standing {
    let until = until.map(Millis);
    Standing { name: name.to_owned(), stands, calls: 4, failed: 3, slow: 0, until, by: None }
}

#[test]
fn an_open_breaker_stands_first_and_says_when_it_is_tried() {
    let all = vec![breaker("a_tool", "closed", None), breaker("b_tool", "open", Some(NOW.0 + 2_000))];
    let told = limits::Told { guarded: true, breakers: all };
    let text = shown(limits::page(Some(&told), &settings(""), NOW, false));
    for part in ["1 of 2 not closed", "in 2.0 s", "makegood breakers open"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.find("b_tool") < text.find("a_tool"), "{text}");
}

#[test]
fn limits_are_shown_as_they_are_set_and_without_redis_the_rest_is() {
    let text = shown(limits::page(None, &settings(r#"{"chat": {"rate": 5, "per_s": 1, "burst": 2}}"#), NOW, false));
    for part in ["Not known", "5 a second", "100 a minute", "each instance counts for itself"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let told = limits::Told { guarded: false, breakers: Vec::new() };
    let text = shown(limits::page(Some(&told), &settings("off"), NOW, false));
    assert!(text.contains("No limits") && text.contains("everything is called"), "{text}");
    let told = limits::Told { guarded: true, breakers: Vec::new() };
    assert!(shown(limits::page(Some(&told), &settings(""), NOW, false)).contains("None is known"));
}

fn tool(name: &str, more: &Value) -> Value {
    let mut tool = json!({"name": name, "version": "1", "current": true, "refused": null, "registered_at": 1,
        "looked_at": null, "title": HOSTILE, "class": "compensatable", "server": null,
        "concurrency": [{"limit": 3, "per": "user"}], "rate": {"calls": 10, "per_ms": 1_000}, "timeout_ms": 5_000,
        "approval": false, "calls": 4, "done": 2, "refused_calls": 1, "no_answer": 1, "undone": 0, "took": 400});
    tool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    tool
}

fn tools_page(all: &[Value], breakers: Option<Vec<Standing>>) -> String {
    let tools = from_value(json!(all)).unwrap();
    shown(tools::page(&tools::Told { tools, more: true, breakers, since: Millis(0), turned: false }))
}

#[test]
fn a_tool_has_its_class_its_bounds_its_breaker_and_its_calls() {
    let known = vec![breaker("pay", "open", None), breaker("mcp.travel", "half_open", None)];
    let all = [
        tool("pay", &json!({})),
        tool("ride", &json!({"server": "travel", "current": false, "refused": "its input has changed"})),
        tool("text", &json!({"current": false, "refused": "removed", "calls": 0})),
    ];
    let text = tools_page(&all, Some(known));
    for part in [
        "can be undone",
        "3 at once for a user",
        "10 in 1.0 s",
        "5.0 s a call",
        "100 ms",
        "half open",
        "waits for approval",
        "its input has changed",
        "makegood tools add",
        "out of use",
        "?after=text",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(tools_page(&all, None).contains("not known"));
}

#[test]
fn without_tools_the_page_says_how_one_is_registered() {
    let none = tools::Told { tools: Vec::new(), more: false, breakers: None, since: Millis(0), turned: false };
    assert!(shown(tools::page(&none)).contains("makegood tools add"));
}

fn health(database: bool, redis: bool, oldest: u64) -> String {
    let answered = |ok| Answered { ok, took: Millis(3) };
    let sizes = json!({"server": "17.5 (Debian)", "migration": "makegood/0030_console_pages", "bytes": 12_345,
        "oldest": oldest, "tables": [{"name": "saga", "lines": 1_234, "bytes": 9_000}]});
    let told = dependencies::Told {
        now: NOW,
        region: "local".to_owned(),
        database: answered(database),
        sizes: database.then(|| from_value(sizes).unwrap()),
        redis: Answered { took: Millis(900), ..answered(redis) },
        issuer: None,
    };
    shown(dependencies::page(&told, false))
}

#[test]
fn health_says_of_each_how_it_answered_and_what_to_do() {
    let well = health(true, true, NOW.0);
    for part in [
        "well",
        "slowly",
        "none is configured",
        "nothing is overdue",
        "makegood/0030_console_pages",
        "12.3 kB",
        "17.5<",
    ] {
        assert!(well.contains(part), "{part} in {well}");
    }
    assert!(health(true, true, NOW.0 - 600_000).contains("nobody is woken"));
    let ill = health(false, false, 0);
    assert!(ill.matches("</span>does not answer<").count() == 2 && ill.contains("makegood doctor"), "{ill}");
}

#[test]
fn what_somebody_was_not_let_do_stands_out_and_leads_to_the_saga() {
    let row = |seq: u64, outcome: &str| {
        json!({"seq": seq, "at": 1_000, "who": HOSTILE, "verb": "saga.cancel", "target": format!("{SAGA}/text"),
            "origin": "192.0.2.1", "outcome": outcome, "previous": "0", "hash": "1"})
    };
    let log: audit::Page = from_value(json!({
        "entries": [row(3, "refused: forbidden"), row(2, "ok")], "head": {"seq": 3, "hash": "1"},
    }))
    .unwrap();
    let text = shown(security::page(&log, false, false));
    for part in ["✗", "refused: forbidden", &format!("/debug/sagas/{SAGA}\""), "?before=2", "makegood audit verify"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let none = from_value(json!({"entries": [], "head": null})).unwrap();
    assert!(shown(security::page(&none, false, false)).contains("Nobody has done anything yet"));
}

#[test]
fn a_full_page_stays_light() {
    let sagas: Vec<Value> = (0..26).map(|at| waking(at, &json!({"title": "<".repeat(500)}))).collect();
    let letters: Vec<Value> = (0..26)
        .map(|at| {
            let mut letter = letter(at);
            letter["why"] = json!("<".repeat(500));
            letter
        })
        .collect();
    let work: Vec<Value> = (0..26).map(|at| work(&format!("schedule/{at}"))).collect();
    let queue = json!({"oldest": 0, "overdue": 1_000, "sagas": sagas, "waiting": work, "waiting_in_all": 26, "dead": letters,
        "subscribers": [], "subscribers_in_all": 0});
    let told = queue::told(from_value(queue).unwrap(), NOW, 25);
    let weight = queue_page(&told).len();
    assert!(weight < 100_000, "{weight}");
    let asking: Vec<Value> =
        (0..26).map(|node| step("asking", &json!({"node": node, "params": {"text": "<".repeat(5_000)}}))).collect();
    let told = people::told(from_value(json!(asking)).unwrap(), NOW, 25);
    let weight = shown(people::page(&told, false, false)).len();
    assert!(weight < 100_000, "{weight}");
}

#[test]
fn the_script_makes_no_markup_of_text_and_puts_verbs_to_execute_alone() {
    let script = frame::SCRIPT;
    for word in ["innerHTML", "outerHTML =", "insertAdjacentHTML", "document.write", "eval(", "cookie"] {
        assert!(!script.contains(word), "{word}");
    }
    assert_eq!(script.matches("fetch(").count(), 1);
    assert!(script.contains("fetch(`/api/execute/${encodeURIComponent(saga)}/${verb}`"));
}
