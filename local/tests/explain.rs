//! What `makegood saga` prints. Every `explain/*.json` is an answer of the API, and the `.txt` beside
//! it what becomes of it; `UPDATE_GOLDEN=1` writes the texts anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use axum::Json;
use axum::http::StatusCode;
use makegood_core::saga::{Node, Op, Phase, Record, Standing, report};
use makegood_core::time::Millis;
use makegood_core::tool::Class;
use makegood_local::saga::ListSagas;
use makegood_local::saga::explain::explain;
use makegood_local::saga::listing::listing;
use makegood_local::saga::reader::Reader;
use makegood_local::saga::show::show;
use makegood_local::saga::view::{self, View};
use serde::Serialize;
use serde_json::{Value, json};

/// Twenty minutes after the sagas in the files have begun.
const NOW: Millis = Millis(1_790_000_000_000 + 1_200_000);

const SAGA: &str = "sg_01kbqz4v7e3n8m2c9r5xw6ty0a";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn view(name: &str) -> View {
    serde_json::from_str(&read(&format!("{name}.json"))).unwrap()
}

fn reader() -> Reader {
    Reader { now: NOW, ..Reader::default() }
}

fn is_golden(name: &str, text: &str) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == format!("{text}\n"), "{name} was:\n{golden}\nand is now:\n{text}");
}

fn is_explained_as_written(name: &str) {
    is_golden(&format!("{name}.txt"), &explain(&view(name), &reader()));
}

#[test]
fn a_completed_saga_is_a_tree_and_nothing_more() {
    is_explained_as_written("completed");
}

#[test]
fn one_that_was_made_good_names_its_cause_and_the_order_of_undoing() {
    is_explained_as_written("made_good");
}

#[test]
fn one_that_is_being_undone_tells_how_far_it_is() {
    is_explained_as_written("unwinding");
}

#[test]
fn one_that_is_stuck_on_its_undo_names_the_undo_cause_and_what_a_person_can_say() {
    is_explained_as_written("stuck_undo");
}

#[test]
fn one_that_is_stuck_going_forward_is_not_said_to_be_undone() {
    let step =
        |id: &str, class: &str, standing: &str| json!({"id": id, "tool": "t", "class": class, "standing": standing});
    let mut ride = step("ride", "compensatable", "held");
    (ride["held"], ride["code"], ride["detail"]) = (json!("do"), json!("no_driver"), json!("No driver is free."));
    let steps = [step("table", "compensatable", "done"), ride, step("pay", "pivot", "abandoned")];
    let mut told = json!({"saga": SAGA, "phase": "stuck", "created_at": NOW.0, "updated_at": NOW.0, "back": false, "steps": steps,
        "cause": "Step `ride` cannot go on (no_driver): No driver is free.", "left": [{"step": "ride"}, {"step": "table"}]});
    let explained = |told: &Value| explain(&serde_json::from_value(told.clone()).unwrap(), &reader());
    let text = explained(&told);
    for part in
        ["First cause: Step `ride`", "If it happened, say what it gave:", "If it did not happen:", "Or have it tried"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("Undo cause") && !text.contains("Do it by hand"), "{text}");
    // The same steps, where it was being undone: what became of the ride is what keeps it from that.
    told["back"] = json!(true);
    assert!(explained(&told).contains("Undo cause: What became of step `ride` is not known"));
}

#[test]
fn behind_the_point_of_no_return_only_done_can_be_said() {
    is_explained_as_written("stuck_pivot");
}

#[test]
fn a_pivot_that_nobody_knows_of_is_either_and_is_not_tried_again() {
    is_explained_as_written("stuck_at_the_pivot");
}

#[test]
fn who_is_asked_sees_what_they_decide_about_and_both_commands() {
    is_explained_as_written("approval");
}

#[test]
fn a_paused_one_says_how_it_goes_on_and_which_event_it_waits_for() {
    is_explained_as_written("paused");
}

#[test]
fn steps_that_were_passed_over_say_why() {
    is_explained_as_written("skipped");
}

#[test]
fn one_that_was_given_another_plan_says_by_whom_and_which_steps_are_of_the_old_one() {
    is_explained_as_written("replanned");
}

#[test]
fn a_wide_plan_with_shared_parents_shows_every_step_once() {
    is_explained_as_written("wide");
    let text = read("wide.txt");
    for step in view("wide").steps {
        let lines = text.lines().filter(|line| line.split_whitespace().any(|word| word == step.tool));
        let own = lines.filter(|line| line.split("also after").next().unwrap().contains(&format!(" {} ", step.id)));
        assert_eq!(own.count(), 1, "{}", step.id);
    }
}

#[test]
fn show_has_a_line_for_every_step() {
    is_golden("stuck_undo.show.txt", &show(&view("stuck_undo"), &reader()));
    is_golden("approval.show.txt", &show(&view("approval"), &reader()));
}

#[test]
fn the_list_lines_up_and_says_how_to_go_on() {
    let list: view::Listing = serde_json::from_str(&read("list.json")).unwrap();
    let mut asked = ListSagas { limit: 20, before: None, saga: None, phase: None, tool: None };
    is_golden("list.txt", &listing(&list, &asked, &reader()));
    (asked.phase, asked.tool) = (Some("stuck".to_owned()), Some("pay".to_owned()));
    let narrowed = listing(&list, &asked, &reader());
    assert!(narrowed.ends_with("makegood saga list --before 1789810000000 --phase stuck --tool pay"), "{narrowed}");
    let within = json!({"sagas": [], "next_before": 7, "next_saga": SAGA});
    let mut within: view::Listing = serde_json::from_value(within).unwrap();
    within.sagas.clone_from(&list.sagas);
    let narrowed = listing(&within, &asked, &reader());
    assert!(narrowed.ends_with(&format!("list --before 7 --saga {SAGA} --phase stuck --tool pay")), "{narrowed}");
    let none = serde_json::from_value(json!({"sagas": [], "next_before": null})).unwrap();
    assert_eq!(listing(&none, &asked, &reader()), "There are no such sagas of yours.");
}

#[test]
fn commands_name_an_installation_that_is_elsewhere_and_colours_are_only_added() {
    let elsewhere = Reader { url: Some("http://10.0.0.7:3000".to_owned()), ..reader() };
    let text = explain(&view("approval"), &elsewhere);
    let commands = text.lines().filter(|line| line.trim_start().starts_with("makegood"));
    assert_eq!(commands.filter(|line| line.ends_with(" --url http://10.0.0.7:3000")).count(), 4);

    let coloured = explain(&view("stuck_undo"), &Reader { colours: true, ..reader() });
    let mut plain = String::new();
    for (turn, piece) in coloured.split('\u{1b}').enumerate() {
        plain += if turn == 0 { piece } else { piece.split_once('m').unwrap().1 };
    }
    assert_ne!(coloured, plain);
    assert_eq!(plain, explain(&view("stuck_undo"), &reader()));
}

#[test]
fn every_word_that_the_engine_uses_is_known_here() {
    fn told<T: Serialize>(word: T) -> Value {
        serde_json::to_value(word).unwrap()
    }
    let standings = [
        Standing::Pending,
        Standing::Running,
        Standing::Waiting,
        Standing::Queued,
        Standing::Asking,
        Standing::Skipped,
        Standing::Done,
        Standing::Refused,
        Standing::Undoing,
        Standing::Undone,
        Standing::Fenced,
        Standing::Abandoned,
        Standing::Held,
    ];
    for standing in standings {
        let known: view::Standing = serde_json::from_value(told(standing)).unwrap();
        assert_ne!(known, view::Standing::Other, "{standing:?}");
    }
    for phase in [Phase::Forward, Phase::Unwinding, Phase::Completed, Phase::MadeGood, Phase::Stuck] {
        let known: view::Phase = serde_json::from_value(told(phase)).unwrap();
        assert_ne!(known, view::Phase::Other, "{phase:?}");
    }
    for class in [Class::Query, Class::Compensatable, Class::Pivot, Class::Retriable] {
        let known: view::Class = serde_json::from_value(told(class)).unwrap();
        assert_ne!(known, view::Class::Other, "{class:?}");
    }
    for op in [Op::Do, Op::Status, Op::Undo] {
        let known: view::Op = serde_json::from_value(told(op)).unwrap();
        assert_ne!(known, view::Op::Other, "{op:?}");
    }
}

#[test]
fn a_report_of_the_engine_is_understood_whole() {
    let nodes = json!([
        {"ix": 0, "id": "find", "tool": "find", "version": "1", "class": "query"},
        {"ix": 1, "id": "pay", "tool": "pay", "version": "1", "class": "pivot", "deps": [0],
         "approval": {"by": ["bob", "carol"], "quorum": 2, "question": "Pay?"}},
    ]);
    let records = json!([
        {"at": 5, "inv": 1, "type": "started", "node": 0, "attempt": 1},
        {"at": 9, "inv": 1, "type": "done", "node": 0, "attempt": 1, "took": 4, "output": null},
        {"at": 9, "inv": 1, "type": "asked", "node": 1, "params": {"minor": 5}, "hash": 255, "until": 99},
        {"at": 10, "inv": 2, "type": "decided", "node": 1, "by": "bob", "approve": true},
        {"at": 11, "inv": 2, "type": "paused", "by": "ana", "why": ""},
    ]);
    let nodes: Vec<Node> = serde_json::from_value(nodes).unwrap();
    let records: Vec<Record> = serde_json::from_value(records).unwrap();
    let mut told = serde_json::to_value(report(&nodes, Phase::Forward, &records)).unwrap();
    told.as_object_mut().unwrap().extend(
        json!({"saga": "sg_1", "phase": "forward", "title": "Pay", "created_at": 1, "updated_at": 2, "wake_at": 99})
            .as_object()
            .unwrap()
            .clone(),
    );
    let view: View = serde_json::from_value(told).unwrap();
    let [find, pay] = view.steps.as_slice() else { panic!("{view:?}") };
    assert_eq!((find.standing, find.output.is_some(), find.tries(view::Op::Do)), (view::Standing::Done, true, 1));
    assert_eq!((pay.asks().unwrap().hash.as_str(), pay.agreed()), ("00000000000000ff", vec!["bob"]));
    assert_eq!(view.paused.as_deref(), Some("It was paused by ana."));
}

fn makegood(line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_makegood"));
    command.args(line.split(' ')).env_remove("MAKEGOOD_URL").env_remove("MAKEGOOD_TOKEN");
    command.output().unwrap()
}

#[test]
fn the_exit_status_tells_a_failure_from_a_misuse() {
    // Nobody listens there, and no other test comes to.
    let free = "127.0.0.1:1";
    let silent = makegood(&format!("saga list --url http://{free}"));
    assert_eq!(silent.status.code(), Some(1));
    let said = String::from_utf8(silent.stderr).unwrap();
    assert_eq!(
        said,
        format!(
            "makegood: Nothing answers at http://{free}. Start it with `makegood up`, or say where it is with --url.\n"
        )
    );
    for misuse in [
        "saga",
        "saga show",
        "saga resolve 1 pay",
        "saga resolve 1 pay --done --not-done",
        "saga list --phase done",
        "saga list --tool a&b",
        "saga list --before 7 --saga nonsense",
        "saga list --saga sg_01kbqz4v7e3n8m2c9r5xw6ty0a",
    ] {
        assert_eq!(makegood(misuse).status.code(), Some(2), "{misuse}");
    }
}

/// An installation with the saga of `approval.json` and no other.
async fn installation() -> String {
    use axum::routing::{get, post};
    let told = |text: String| get(move || async move { text });
    let mut list: Value = serde_json::from_str(&read("list.json")).unwrap();
    list["next_before"] = Value::Null;
    let decided = |Json(asked): Json<Value>| async move {
        let hashed = asked == json!({"step": "tell", "hash": "00000000000000ff", "note": ""});
        if hashed {
            (StatusCode::ACCEPTED, json!({"saga": SAGA, "phase": "forward", "version": 7}).to_string())
        } else {
            let problem = json!({"title": "Something else was first", "detail": "It was decided.", "code": "conflict"});
            (StatusCode::CONFLICT, problem.to_string())
        }
    };
    let router = axum::Router::new()
        .route("/api/debug/sagas", told(list.to_string()))
        .route(&format!("/api/execute/{SAGA}"), told(read("approval.json")))
        .route(&format!("/api/execute/{SAGA}/approve"), post(decided));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_explain_prints_can_be_typed_and_answers_the_question() {
    let url = installation().await;
    let said = |line: &str| {
        let output = makegood(line);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout) + &text(output.stderr))
    };
    // The end of the id is enough to find it.
    let (status, text) = said(&format!("saga explain ty0a --url {url}"));
    assert_eq!(status, Some(0), "{text}");
    let shown = text.lines().map(str::trim).find(|line| line.contains("approve") && line.contains(" tell "));
    let command = shown.unwrap().strip_prefix("makegood ").unwrap();
    assert_eq!(said(command), (Some(0), format!("Your yes to `tell` counts: {SAGA} is under way.\n")));

    let again = said(&format!("saga approve {SAGA} tell --url {url}"));
    assert_eq!(again, (Some(1), "makegood: Something else was first: It was decided. (conflict)\n".to_owned()));
    let (_, raw) = said(&format!("saga show sg_01kbqz4 --json --url {url}"));
    assert_eq!(raw.trim_end(), read("approval.json").trim_end());
}
