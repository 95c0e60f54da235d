//! Traces made by hand, and what becomes of them on the page.

use makegood_edge::core::saga::report;
use makegood_edge::core::trace::{Attribute, Status, TraceId};
use makegood_edge::gateway::store::PLACES;
use makegood_edge::gateway::tempo::{Given, Told};
use makegood_edge::serde_json::{Value, from_value, json};

use super::*;

const SAGA: u64 = 1;
const NOW: Millis = Millis(5_000);

fn id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

/// Below the saga, and it went well.
fn span(number: u64, what: What, from: u64, to: u64) -> Span {
    Span {
        id: id(number),
        parent: (number != SAGA).then_some(id(SAGA)),
        what,
        name: format!("span {number}"),
        start: Millis(from),
        end: Some(Millis(to)),
        status: Status::Ok,
        message: String::new(),
        node: None,
        inv: None,
        attributes: Vec::new(),
        links: Vec::new(),
    }
}

fn step(number: u64, node: u32, from: u64, to: u64) -> Span {
    Span { node: Some(node), ..span(number, What::Step, from, to) }
}

fn part(number: u64, what: What, of: &Span, from: u64, to: u64) -> Span {
    Span { parent: Some(of.id), node: of.node, ..span(number, what, from, to) }
}

fn undo(number: u64, of: &Span, from: u64, to: u64) -> Span {
    Span { node: of.node, links: vec![of.id], ..span(number, What::Undo, from, to) }
}

fn failed(span: Span, message: &str) -> Span {
    Span { status: Status::Error, message: message.to_owned(), ..span }
}

fn open(span: Span) -> Span {
    Span { end: None, status: Status::Unset, ..span }
}

fn loaded(phase: &str, ids: &[String], facts: Vec<Value>, spans: Vec<Span>) -> Loaded {
    let nodes = ids.iter().enumerate().map(|(ix, id)| {
        json!({"ix": ix, "id": id, "tool": "hotel.book_room", "version": "1", "class": "compensatable",
            "params": {"hotel": "Sole", "night": "2026-05-01", "guests": 2}})
    });
    let nodes: Vec<Value> = nodes.collect();
    let journal = facts.into_iter().enumerate().map(|(place, mut fact)| {
        fact["inv"] = json!(1);
        fact["at"] = fact.get("at").cloned().unwrap_or(json!(0));
        json!({"seq": 2_000_000 + place, "record": fact})
    });
    let journal: Vec<Value> = journal.collect();
    let story: Story = from_value(json!({
        "id": "sg_01k00000000000000000000000", "owner": "ann", "title": "Rooms", "message": null, "phase": phase,
        "version": 3, "created_at": 0, "updated_at": 4_000, "wake_at": null, "nodes": nodes, "journal": journal,
        "counters": {"invocations": 1, "commits": 1, "calls": 1, "bytes_read": 1, "bytes_written": 1, "sweeps": 0},
    }))
    .unwrap();
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    let trace = Trace { id: TraceId([7; 16]), remote_parent: None, spans };
    Loaded { story, report, trace, critical: Vec::new(), others: Vec::new(), origin: Origin::Journal { tempo: false } }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn shown(loaded: &Loaded, asked: &Asked) -> String {
    frame::document("Rooms", false, &page(loaded, asked, NOW))
}

fn first_page(loaded: &Loaded) -> String {
    shown(loaded, &Asked::default())
}

fn row(number: u64) -> String {
    format!("<tr id=\"span-{}\"", id(number))
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

/// A room that was booked, one that was refused, and the first undone at the third attempt.
fn unwound() -> Loaded {
    let room = step(2, 0, 0, 100);
    let other = failed(step(4, 1, 100, 200), "full");
    let back = undo(6, &room, 300, 900);
    let spans = vec![
        span(SAGA, What::Saga, 0, 900),
        part(3, What::Attempt, &room, 0, 100),
        failed(part(5, What::Attempt, &other, 100, 200), "full"),
        failed(part(7, What::UndoAttempt, &back, 300, 400), "no answer within 100 ms"),
        part(8, What::Wait, &back, 400, 800),
        part(9, What::UndoAttempt, &back, 800, 900),
        room,
        other,
        back,
    ];
    let facts = vec![
        json!({"type": "started", "node": 0, "attempt": 1}),
        json!({"type": "done", "node": 0, "attempt": 1, "took": 100, "output": {"reservation": "r_1"}}),
        json!({"type": "refused", "node": 1, "attempt": 1, "took": 100, "code": "full", "detail": "No room."}),
        json!({"type": "undone", "node": 0, "attempt": 2, "took": 100, "found": true}),
    ];
    loaded("made_good", &names(&["room", "other"]), facts, spans)
}

#[test]
fn what_undid_a_step_stands_right_below_it_and_points_back() {
    let page = first_page(&unwound());
    let undo = format!("{} class=\"u\">", row(6));
    assert!(in_order(&page, &[&row(2), &undo, &row(7), &row(8), &row(9), &row(4)]), "{page}");
    let (_, undo) = page.split_once(&undo).unwrap();
    let (undo, _) = undo.split_once("<tr").unwrap();
    // The whole of it; its calls, the failed one hatched; and how long the effect stood, with the head at the end.
    let parts = ["class=\"s\"", "class=\"f\" fill=\"url(#x)\"", "class=\"w\"", "<rect x=", "<line x1="];
    assert!(in_order(undo, &parts), "{undo}");
    assert!(undo.contains("↳ undo") && undo.contains("↺ undone"), "{undo}");
}

#[test]
fn every_span_has_a_row_but_for_the_only_attempt_which_is_drawn_in_its_steps() {
    let loaded = unwound();
    let page = first_page(&loaded);
    for span in &loaded.trace.spans {
        let alone = [3, 5].map(id).contains(&span.id);
        let rows = page.matches(&format!("<tr id=\"span-{}\"", span.id)).count();
        assert_eq!(rows, usize::from(!alone), "{}", span.name);
        // Who asks for it finds it, whichever it is.
        let asked = Asked { span: Some(span.id.to_string()), ..Asked::default() };
        let found = shown(&loaded, &asked).matches(&format!(" id=\"span-{}\"", span.id)).count();
        assert_eq!(found, 1, "{}", span.name);
    }
    assert!(page.contains("<th id=\"step-0\">"), "where the verdict leads to");
}

#[test]
fn what_has_no_span_yet_has_a_row_all_the_same() {
    let loaded = loaded("forward", &names(&["room", "later"]), Vec::new(), vec![open(span(SAGA, What::Saga, 0, 0))]);
    let page = first_page(&loaded);
    assert!(in_order(&page, &[&row(SAGA), "id=\"idle-0\"", "id=\"step-1\">later", "not begun"]), "{page}");
}

#[test]
fn a_bar_of_what_is_under_way_reaches_now() {
    let room = open(step(2, 0, 1_000, 0));
    let call = open(part(3, What::Attempt, &room, 1_000, 0));
    let spans = vec![open(span(SAGA, What::Saga, 0, 0)), room, call];
    let facts = vec![json!({"type": "started", "node": 0, "attempt": 1, "at": 1_000})];
    let page = first_page(&loaded("forward", &names(&["room"]), facts, spans));
    let bar = "<rect class=\"o\" x=\"20%\" width=\"80%\">";
    assert!(page.contains(bar) && page.contains("4.0 s so far"), "{page}");
    assert!(page.contains("<main data-live>") && page.contains("was called 4.0 s ago"), "{page}");
}

#[test]
fn a_wait_is_hatched_and_takes_little_room() {
    let timer = step(2, 0, 100, 60_100);
    let room = step(4, 1, 60_100, 60_200);
    let spans = vec![
        span(SAGA, What::Saga, 0, 60_200),
        part(3, What::Wait, &timer, 100, 60_100),
        part(5, What::Attempt, &room, 60_100, 60_200),
        timer,
        room,
    ];
    let page = first_page(&loaded("completed", &names(&["timer", "room"]), Vec::new(), spans));
    assert!(page.contains("<rect class=\"w\" fill=\"url(#h)\""), "{page}");
    assert!(page.contains("≈ 1 min 0 s"), "{page}");
}

#[test]
fn the_critical_path_is_marked_in_the_bar_and_as_text() {
    let mut loaded = unwound();
    loaded.critical = vec![id(3), id(9)];
    let page = first_page(&loaded);
    // The row says so of its one bar, and of several each does itself.
    assert!(page.contains(&format!("{} class=\"b k\">", row(2))), "{page}");
    assert!(page.contains(&format!("{} class=\"c b k\">", row(9))) && page.contains("<rect class=\"k\" x="), "{page}");
    assert_eq!(page.matches(" ◆").count(), 3, "the step, the undo, and its attempt: {page}");
}

#[test]
fn a_step_opens_to_what_it_was_given_and_gave_its_key_and_its_commits() {
    let page = first_page(&unwound());
    let parts = [
        "<summary>room</summary>",
        "Input<dd>",
        "guests: 2",
        "Output<dd>reservation: r_1",
        "Key<dd>sg_01k00000000000000000000000:0:0",
        "Commits<dd>2",
        "Error<dd>full: No room.",
    ];
    assert!(in_order(&page, &parts), "{page}");
    assert!(page.contains("hotel: Sole") && page.contains("night: 2026-05-01"), "as people write it: {page}");
}

#[test]
fn who_was_woken_up_reads_first_what_is_wrong_and_what_to_do() {
    let mut stuck = unwound();
    let held =
        json!({"at": 1, "inv": 1, "type": "held", "node": 0, "op": "undo", "code": "closed", "detail": "Too late."});
    stuck.story.phase = from_value(json!("stuck")).unwrap();
    stuck.story.journal.push(Entry { seq: 3_000_000, record: from_value(held).unwrap() });
    let records = stuck.story.journal.iter().map(|entry| &entry.record);
    stuck.report = report(&stuck.story.nodes, stuck.story.phase, records);
    let page = first_page(&stuck);
    let parts = [
        "needs a person",
        "Step <code>room</code> cannot go on (closed): Too late.",
        "What to do",
        "Undoing <a href=\"#step-0\"><code>room</code></a> came to nothing (<code>closed</code>)",
        "/retry {&quot;step&quot;:&quot;room&quot;}",
        "/resolve {",
        "&quot;done&quot;:false",
        "<table",
    ];
    assert!(in_order(&page, &parts), "{page}");
    assert!(!first_page(&unwound()).contains("id=\"next\""), "what is over needs nobody");
}

#[test]
fn what_it_waits_for_is_said() {
    let waiting = |fact: Value, wait: Option<Value>| {
        let mut loaded = loaded("forward", &names(&["room"]), vec![fact], vec![open(span(SAGA, What::Saga, 0, 0))]);
        for step in &mut loaded.report.steps {
            step.wait = wait.clone().map(|wait| from_value(wait).unwrap());
        }
        first_page(&loaded)
    };
    let event = Some(json!({"event": {"name": "paid", "within_ms": 9}}));
    let page = waiting(json!({"type": "waiting", "node": 0, "until": 60_000}), event);
    assert!(page.contains("waits for <code>paid</code> from outside, until"), "{page}");
    let page = waiting(json!({"type": "shut", "node": 0, "name": "hotel"}), None);
    assert!(page.contains("the breaker of <code>hotel</code> is open"), "{page}");
    let lost =
        json!({"type": "unsettled", "node": 0, "op": "do", "attempt": 1, "took": 5, "reason": "busy", "again": 60_000});
    let page = waiting(lost, None);
    assert!(page.contains("is tried again") && page.contains("after: busy."), "{page}");
    assert!(page.contains("1 call of its do had no answer"), "{page}");
}

#[test]
fn whatever_was_written_is_text_and_nothing_more() {
    const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let room = Span { name: EVIL.to_owned(), ..failed(step(2, 0, 0, 100), EVIL) };
    let attribute = vec![("gen_ai.request.model", Attribute::Text(EVIL.to_owned()))];
    let spans = vec![
        Span { name: EVIL.to_owned(), ..span(SAGA, What::Saga, 0, 900) },
        Span { name: EVIL.to_owned(), attributes: attribute, ..span(3, What::Model, 0, 1) },
        failed(part(4, What::Attempt, &room, 0, 50), EVIL),
        failed(part(5, What::Attempt, &room, 60, 100), EVIL),
        failed(undo(6, &room, 300, 400), EVIL),
        room,
    ];
    let facts = vec![
        json!({"type": "done", "node": 0, "attempt": 1, "took": 1, "output": {EVIL: EVIL}}),
        json!({"type": "held", "node": 0, "op": "undo", "code": EVIL, "detail": EVIL}),
    ];
    let mut loaded = loaded("stuck", &names(&[EVIL, EVIL]), facts, spans);
    loaded.story.title = EVIL.to_owned();
    loaded.story.owner = EVIL.to_owned();
    let page = first_page(&loaded);
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<img"), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "the one of ours: {page}");
}

#[test]
fn nothing_in_the_page_runs_or_is_styled_in_place_and_the_script_makes_no_markup_of_text() {
    let page = first_page(&unwound());
    for inline in [" style=", "<style", " onclick=", " onload=", " onerror=", "javascript:", "http://", "https://"] {
        assert!(!page.contains(inline), "{inline}");
    }
    assert!(page.contains("<script src=\"/debug/waterfall.js\" defer></script>"));
    for sink in ["innerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "setAttribute(\"on"] {
        assert!(!SCRIPT.contains(sink), "{sink}");
    }
}

#[test]
fn of_what_is_alike_a_few_are_shown_and_all_that_went_wrong() {
    let ids: Vec<String> = (0..30).map(|at| format!("guest[{at}]")).collect();
    let mut spans = vec![span(SAGA, What::Saga, 0, 900)];
    spans.extend((0..30).map(|at| step(100 + u64::from(at), at, 10, 20)));
    spans[21] = failed(spans[21].clone(), "full");
    let loaded = loaded("forward", &ids, Vec::new(), spans);
    let page = first_page(&loaded);
    assert!(in_order(&page, &[&row(100), &row(101), &row(102), &row(120), ">26 more</a>", "of guest"]), "{page}");
    assert_eq!(page.matches("<tr id=\"span-").count(), 5);
    let all = shown(&loaded, &Asked { unfolded: true, ..Asked::default() });
    assert_eq!(all.matches("<tr id=\"span-").count(), 31);
}

#[test]
fn a_page_has_so_many_rows_and_leads_to_the_others() {
    let count = 3_400_u32;
    let ids: Vec<String> = (0..count).map(|at| format!("room_{at}")).collect();
    let mut spans = vec![span(SAGA, What::Saga, 0, 900)];
    for at in 0..count {
        let room = step(10 * u64::from(at) + 10, at, 10, 20);
        spans.push(part(10 * u64::from(at) + 11, What::Attempt, &room, 10, 15));
        spans.push(part(10 * u64::from(at) + 12, What::Wait, &room, 15, 20));
        spans.push(room);
    }
    let loaded = loaded("completed", &ids, Vec::new(), spans);
    assert!(loaded.trace.spans.len() > 10_000);
    let page = first_page(&loaded);
    assert_eq!(page.matches("<tr id=").count(), MOST_LINES);
    assert!(page.contains("href=\"?from=500\"") && page.contains("Rows 1 to 500 of 10\u{202f}201"), "{page}");
    let last = id(10 * u64::from(count));
    let there = shown(&loaded, &Asked { span: Some(last.to_string()), ..Asked::default() });
    assert!(there.contains(&format!("<tr id=\"span-{last}\"")) && !there.contains("rel=\"next\""));
    let beyond = shown(&loaded, &Asked { from: 999_999, ..Asked::default() });
    assert_eq!(beyond.matches("<tr id=").count(), 0);
}

/// A hundred rooms that were booked one after the other, each with a commit before and one after, one in ten at the
/// second try; and then undone, the last first. What they were given and gave is longer than what is shown of it.
fn hundred(undone: bool) -> Loaded {
    let ids: Vec<String> = (0..100).map(|at| format!("book_room_{at}")).collect();
    let mut spans = vec![span(SAGA, What::Saga, 0, if undone { 8_400 } else { 4_200 })];
    let mut facts = Vec::new();
    let mut undos = Vec::new();
    let attributes = |at: u64| {
        let told = format!("sg_01k00000000000000000000000, {at}");
        vec![("makegood.saga", Attribute::Text(told)), ("makegood.epoch", Attribute::Number(1))]
    };
    for at in 0..10 {
        let run = span(2 + at, What::Invocation, 420 * at, 420 * (at + 1));
        spans.push(Span { attributes: attributes(at), ..run });
    }
    for at in 0..100_u32 {
        let (number, from) = (u64::from(at) * 10 + 100, u64::from(at) * 40);
        let room = step(number, at, from, from + 60);
        if at % 10 == 3 {
            spans.push(failed(part(number + 1, What::Attempt, &room, from, from + 12), "503: the partner is busy"));
            spans.push(part(number + 2, What::Wait, &room, from + 12, from + 50));
            spans.push(part(number + 3, What::Attempt, &room, from + 50, from + 60));
        } else {
            spans.push(part(number + 1, What::Attempt, &room, from, from + 60));
        }
        let output = json!({"reservation": format!("reservation_of_the_room_{at}"), "told": "x".repeat(100)});
        facts.push(json!({"type": "started", "node": at, "attempt": 1, "at": from}));
        facts.push(json!({"type": "done", "node": at, "attempt": 1, "took": 60, "output": output, "at": from + 60}));
        if undone {
            let back = 8_400 - from - 60;
            let undo = undo(number + 4, &room, back, back + 50);
            spans.push(part(number + 5, What::UndoAttempt, &undo, back, back + 50));
            spans.push(undo);
            undos.push(json!({"type": "undo_started", "node": at, "attempt": 1, "at": back}));
            undos.push(json!({"type": "undone", "node": at, "attempt": 1, "took": 50, "found": true, "at": back + 50}));
        }
        spans.push(room);
    }
    facts.extend(undos);
    let mut loaded = loaded(if undone { "made_good" } else { "completed" }, &ids, facts, spans);
    for (entry, version) in loaded.story.journal.iter_mut().zip(2..) {
        entry.seq = version * PLACES;
    }
    for step in &mut loaded.report.steps {
        step.params = json!({"hotel": "Sole sul Mare", "night": "2026-05-01", "guests": 2, "wish": "x".repeat(100)});
    }
    let whole = loaded.trace.spans.iter().filter(|span| matches!(span.what, What::Step | What::Undo));
    loaded.critical = whole.map(|span| span.id).collect();
    loaded
}

#[test]
fn the_waterfall_of_a_hundred_steps_weighs_less_than_a_hundred_kilobytes_even_where_all_were_undone() {
    for (undone, rows) in [(false, 141), (true, 241)] {
        let page = first_page(&hundred(undone));
        assert_eq!(page.matches("<summary>book_room_").count(), 100);
        assert_eq!(page.matches("<tr id=").count(), rows, "no row is left out");
        let weight = page.len() + styles().len() + SCRIPT.len();
        assert!(weight < 100_000, "{undone}: {} of {weight} bytes are the page's own", page.len());
    }
}

#[test]
fn of_a_key_that_is_cut_the_saga_has_the_beginning() {
    assert!(first_page(&hundred(false)).contains("Key<dd>sg_01k00000000000000000000000:0:99"));
    let page = first_page(&hundred(true));
    assert!(page.contains("Key<dd>…:0:99") && page.contains("<span class=\"id\">sg_01k00000000000000000000000</span>"));
}

#[test]
fn the_sheet_of_the_waterfall_is_the_frame_and_its_own() {
    let styles = styles();
    assert!(styles.contains(":root {") && styles.contains(".badge {") && styles.contains("#w tr:target"));
    assert!(!styles.contains(".cards"), "what only other pages need stays away");
}

#[test]
fn what_leads_on_keeps_to_the_saga_that_was_chosen() {
    let mut loaded = unwound();
    let other = loaded.story.id.clone();
    loaded.others.push(other.clone());
    let asked = Asked { saga: Some(loaded.story.id.to_string()), ..Asked::default() };
    let page = shown(&loaded, &asked);
    assert!(page.contains(&format!("href=\"?saga={other}\"")), "{page}");
    assert_eq!(Chart::of(&loaded, &asked, NOW, 1).here, format!("?saga={}&", loaded.story.id));
    assert_eq!(Chart::of(&loaded, &Asked::default(), NOW, 1).here, "?");
}

#[test]
fn odd_traces_are_shown_as_far_as_they_go() {
    let empty = loaded("forward", &[], Vec::new(), Vec::new());
    assert!(first_page(&empty).contains("<table"));
    // No step that an undo is of, a parent that nobody knows, and an end before the start.
    let lost = undo(3, &step(2, 0, 0, 1), 50, 40);
    let orphan = Span { parent: Some(id(99)), ..span(4, What::Attempt, 10, u64::MAX) };
    let page = first_page(&loaded("forward", &[], Vec::new(), vec![span(SAGA, What::Saga, 0, 100), lost, orphan]));
    assert!(page.contains(&row(3)) && page.contains(&row(4)), "{page}");
}

/// As Tempo gives a trace of these spans, each with its service; the first is of a saga of ours.
fn from_tempo(spans: Vec<Value>, strange: &str) -> Loaded {
    let ours = json!([
        {"key": "makegood.saga", "value": {"stringValue": "sg_01k00000000000000000000000"}},
        {"key": "makegood.phase", "value": {"stringValue": "made_good"}},
        {"key": "makegood.title", "value": {"stringValue": "Rooms"}},
    ]);
    let mut root = kept(SAGA, None, "saga", 0, 900);
    root["attributes"] = ours;
    let batch = |library: &str, service: &str, spans: Vec<Value>| {
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"scope": {"name": library}, "spans": spans}],
        })
    };
    let body = json!({"batches": [batch("makegood", "makegood", vec![root]), batch(strange, strange, spans)]});
    read(&body, None)
}

fn read(body: &Value, wanted: Option<&str>) -> Loaded {
    let body = body.to_string();
    let given = Given::read(body.as_bytes(), TraceId([7; 16])).unwrap();
    tempo::loaded(Told::of(&given, wanted).unwrap())
}

fn kept(number: u64, parent: Option<u64>, name: &str, from: u64, to: u64) -> Value {
    let nanos = |at: u64| (at * 1_000_000).to_string();
    let mut span = json!({
        "traceId": TraceId([7; 16]).to_string(), "spanId": id(number).to_string(), "name": name,
        "startTimeUnixNano": nanos(from), "endTimeUnixNano": nanos(to),
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = json!(id(parent).to_string());
    }
    span
}

#[test]
fn a_trace_from_tempo_says_so_and_asks_for_nothing_to_be_done() {
    let page = first_page(&from_tempo(vec![kept(2, Some(SAGA), "GET /rooms", 10, 400)], "shop"));
    assert!(
        in_order(&page, &["made good", "Read from Tempo.", "It was made good", &row(2), "GET /rooms", "shop"]),
        "{page}"
    );
    for no_place_here in ["data-live", "/api/execute/", "id=\"next\"", "href=\"/debug/sagas/sg_", "For <strong>"] {
        assert!(!page.contains(no_place_here), "{no_place_here}: {page}");
    }
    assert!(page.contains("href=\"/api/debug/traces/07070707070707070707070707070707?source=tempo\""), "{page}");
    assert!(!first_page(&unwound()).contains("Tempo"), "where there is none");
    let mut journal = unwound();
    journal.origin = Origin::Journal { tempo: true };
    assert!(first_page(&journal).contains("<a href=\"?source=tempo\">As Tempo has it</a>"));
}

#[test]
fn a_trace_without_a_saga_has_rows_and_no_verdict() {
    let spans =
        vec![kept(2, None, "GET /", 0, 100), kept(3, Some(2), "SELECT", 20, 60), kept(4, Some(3), "disk", 30, 40)];
    let page =
        first_page(&read(&json!({"batches": [{"scopeSpans": [{"scope": {"name": "shop"}, "spans": spans}]}]}), None));
    assert!(in_order(&page, &["<h1>GET /</h1>", &row(2), &row(3), &row(4)]), "{page}");
    assert!(!page.contains("class=\"verdict") && !page.contains("class=\"badge"), "{page}");
}

#[test]
fn whatever_others_wrote_is_text_and_no_more_of_it_than_fits() {
    const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut span = kept(2, Some(SAGA), EVIL, 10, 400);
    span["status"] = json!({"code": "STATUS_CODE_ERROR", "message": EVIL});
    let attribute = |name: String| json!({"key": name, "value": {"stringValue": EVIL.repeat(200)}});
    span["attributes"] = (0..60).map(|number| attribute(format!("{EVIL}{number}"))).collect();
    let page = first_page(&from_tempo(vec![span], EVIL));
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<img"), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "the one of ours: {page}");
    assert!(page.len() < 60_000, "{}", page.len());
}

#[test]
fn ten_thousand_spans_one_below_the_other_are_drawn_a_page_at_a_time() {
    let spans = (2..10_000).map(|number| kept(number, Some(number - 1), "deeper", number, 20_000)).collect();
    let loaded = from_tempo(spans, "shop");
    assert_eq!(loaded.trace.spans.len(), 9_999);
    let page = first_page(&loaded);
    assert_eq!(page.matches("<tr id=").count(), MOST_LINES);
    assert!(page.contains("href=\"?source=tempo&amp;from=500\""), "{page}");
    assert!(page.len() < 500_000, "{}", page.len());
}

#[test]
fn times_of_others_may_be_any() {
    let mut first = kept(2, Some(SAGA), "at the first", 0, 1);
    first["startTimeUnixNano"] = json!("0");
    let mut last = kept(3, Some(SAGA), "at the last", 0, 0);
    (last["startTimeUnixNano"], last["endTimeUnixNano"]) = (json!(u64::MAX.to_string()), json!(u64::MAX.to_string()));
    let page = first_page(&from_tempo(vec![first, last, kept(4, Some(3), "before it was called", 5, 6)], "shop"));
    assert!(in_order(&page, &[&row(2), &row(3), &row(4)]), "{page}");
    assert!(!page.contains("NaN") && !page.contains("inf%"), "{page}");
}
