//! An honest partner passes whatever it declares; each flaw is found, and by the right check.

use futures_util::future::join_all;
use makegood_conformance::{Outcome, Verdict};

use crate::partner::{Flaw, Partner, definition, kit};

async fn verdict_on(flaw: Flaw, class: &str) -> Verdict {
    kit(&Partner::new(flaw, class), definition(class, true, true, true)).run().await.unwrap()
}

fn alone(flaw: Flaw, class: &str) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(verdict_on(flaw, class))
}

#[tokio::test]
async fn an_honest_partner_passes_whatever_it_declares() {
    let mut runs = Vec::new();
    for class in ["query", "compensatable", "pivot", "retriable"] {
        for bits in 0..8 {
            let (keyed, status, fence) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
            runs.push(async move {
                let partner = Partner::new(Flaw::None, class);
                let verdict = kit(&partner, definition(class, keyed, status, fence)).run().await.unwrap();
                assert!(verdict.passed(), "{class} {keyed} {status} {fence}\n{verdict}");
                (class, partner, verdict)
            });
        }
    }
    for (class, partner, verdict) in join_all(runs).await {
        let stays = matches!(class, "pivot" | "retriable");
        assert_eq!(verdict.left.len(), partner.standing(), "{verdict}");
        assert_eq!(stays, partner.standing() > 0, "{verdict}");
    }
}

#[tokio::test]
async fn what_a_partner_does_not_declare_is_not_asked_of_it() {
    let modest = definition("compensatable", false, false, false);
    let verdict = kit(&Partner::new(Flaw::None, "compensatable"), modest).run().await.unwrap();
    let not_asked = |name| matches!(verdict.of(name), Some(Outcome::NotAsked(_)));
    assert!(not_asked("a_repeat_gives_the_same_output"));
    assert!(not_asked("status_of_an_unused_key_is_none"));
    assert!(not_asked("a_late_do_meets_a_tombstone"));
    assert!(not_asked("what_cannot_be_undone_says_so"));
    assert_eq!(verdict.of("an_undo_takes_back_what_was_done"), Some(&Outcome::Passed));
}

#[tokio::test]
async fn a_full_declaration_has_every_check_asked_of_some_class() {
    let (undoable, pivot, query) = tokio::join!(
        verdict_on(Flaw::None, "compensatable"),
        verdict_on(Flaw::None, "pivot"),
        verdict_on(Flaw::None, "query"),
    );
    for check in &undoable.checks {
        let asked = [&undoable, &pivot, &query].iter().any(|verdict| verdict.of(check.name) == Some(&Outcome::Passed));
        assert!(asked, "{}", check.name);
    }
}

/// What a partner that fails at repeats fails at.
const REPEATS: &[&str] = &[
    "a_repeat_gives_the_same_output",
    "a_lost_do_is_answered_by_its_repeat",
    "a_do_cut_off_midway_is_settled_by_its_repeat",
    "many_dos_at_once_act_once",
    "other_parameters_under_a_used_key_never_act_anew",
];

/// What a partner that cannot say no fails at.
const REFUSALS: &[&str] = &["a_refusal_is_repeated", "a_refusal_stays_when_it_would_succeed_now"];

/// What a partner fails at that cannot undo what was not done.
const TOMBSTONES: &[&str] = &[
    "an_undo_of_nothing_succeeds",
    "a_late_do_meets_a_tombstone",
    "an_undo_after_a_refusal_leaves_a_tombstone",
    "an_undo_that_races_its_do_wins",
    "status_of_a_tombstone_is_undone",
];

/// Every flaw, in whom, the check that is meant for it, and those that may fail with it.
const FLAWS: &[(Flaw, &str, &str, &[&str])] = &[
    (Flaw::FailsAlways, "compensatable", "a_do_succeeds", &[]),
    (Flaw::SchemaTooNarrow, "compensatable", "the_sample_fits_the_input_schema", &[]),
    (Flaw::OutputOfAnotherShape, "compensatable", "the_output_fits_its_schema", &[]),
    (Flaw::QueryAnswersOnce, "query", "a_query_answers_again", &[]),
    (Flaw::NoIdempotency, "compensatable", "a_repeat_gives_the_same_output", REPEATS),
    (Flaw::NoIdempotency, "pivot", "a_repeat_gives_the_same_output", REPEATS),
    (Flaw::AnotherOutputOnRepeat, "compensatable", "a_repeat_gives_the_same_output", REPEATS),
    (Flaw::KeyMarkedWithoutResult, "compensatable", "a_lost_do_is_answered_by_its_repeat", REPEATS),
    (Flaw::KeyMarkedForGoodWhenCutOff, "compensatable", "a_do_cut_off_midway_is_settled_by_its_repeat", &[]),
    (Flaw::ChecksThenActs, "retriable", "many_dos_at_once_act_once", &[]),
    (Flaw::OtherParamsActAnew, "compensatable", "other_parameters_under_a_used_key_never_act_anew", &[]),
    (Flaw::RefusesWith500, "compensatable", "the_refused_sample_is_refused", REFUSALS),
    (Flaw::RefusalsVary, "compensatable", "a_refusal_is_repeated", &[]),
    (Flaw::RefusalNotStored, "compensatable", "a_refusal_stays_when_it_would_succeed_now", &[]),
    (Flaw::MalformedIs500, "query", "malformed_json_is_refused", &[]),
    (Flaw::MissingParamsHaveDefaults, "compensatable", "missing_parameters_are_refused", &[]),
    (Flaw::RefusesButActs, "compensatable", "missing_parameters_are_refused", &[]),
    (Flaw::MissingKeyTaken, "compensatable", "a_missing_key_is_refused", &[]),
    (Flaw::UndoOfThePivotIs500, "pivot", "what_cannot_be_undone_says_so", &[]),
    (Flaw::UndoOfThePivotIsFeigned, "retriable", "what_cannot_be_undone_says_so", &[]),
    (
        Flaw::UndoDoesNothing,
        "compensatable",
        "an_undo_takes_back_what_was_done",
        &[
            "a_do_after_its_undo_does_not_act",
            "an_undo_finds_a_do_whose_answer_was_lost",
            "an_undo_that_races_its_do_wins",
            "status_of_an_undo_is_undone",
        ],
    ),
    (
        Flaw::UndoNotIdempotent,
        "compensatable",
        "a_second_undo_succeeds",
        &[
            "a_second_undo_succeeds",
            "a_lost_undo_is_answered_by_its_repeat",
            "an_undo_cut_off_midway_is_settled_by_its_repeat",
        ],
    ),
    (
        Flaw::UndoNotIdempotent,
        "compensatable",
        "a_lost_undo_is_answered_by_its_repeat",
        &[
            "a_second_undo_succeeds",
            "a_lost_undo_is_answered_by_its_repeat",
            "an_undo_cut_off_midway_is_settled_by_its_repeat",
        ],
    ),
    (Flaw::UndoMarkedForGoodWhenCutOff, "compensatable", "an_undo_cut_off_midway_is_settled_by_its_repeat", &[]),
    (
        Flaw::UndoForgetsTheKey,
        "compensatable",
        "a_do_after_its_undo_does_not_act",
        &["an_undo_that_races_its_do_wins", "status_of_an_undo_is_undone"],
    ),
    (Flaw::UndoOfUnknownIsAnError, "compensatable", "an_undo_of_nothing_succeeds", TOMBSTONES),
    (Flaw::NoTombstone, "compensatable", "a_late_do_meets_a_tombstone", TOMBSTONES),
    (Flaw::NoTombstoneAfterRefusal, "compensatable", "an_undo_after_a_refusal_leaves_a_tombstone", &[]),
    (Flaw::UndoNeedsTheOutput, "compensatable", "an_undo_finds_a_do_whose_answer_was_lost", TOMBSTONES),
    (Flaw::UndoOverlooksARunningDo, "compensatable", "an_undo_that_races_its_do_wins", &[]),
    (Flaw::StatusOfUnknownIs404, "compensatable", "status_of_an_unused_key_is_none", &[]),
    (
        Flaw::StatusAlwaysNone,
        "pivot",
        "status_tells_a_do_whose_answer_was_lost",
        &["status_of_a_do_is_done_with_its_output", "status_of_a_refusal_is_refused"],
    ),
    (Flaw::StatusWithAnotherOutput, "compensatable", "status_of_a_do_is_done_with_its_output", &[]),
    (Flaw::StatusForgetsRefusals, "retriable", "status_of_a_refusal_is_refused", &[]),
    (Flaw::StatusForgetsUndos, "compensatable", "status_of_an_undo_is_undone", &["an_undo_that_races_its_do_wins"]),
    (
        Flaw::StatusForgetsTombstones,
        "compensatable",
        "status_of_a_tombstone_is_undone",
        &["an_undo_that_races_its_do_wins"],
    ),
    (Flaw::StatusIsSlow, "compensatable", "every_answer_comes_in_time", &[]),
];

#[test]
fn each_flaw_is_found_by_the_check_that_is_meant_for_it() {
    // Each has a thread of its own, so that they do not disturb each other's races.
    let runs: Vec<_> = FLAWS.iter().map(|(flaw, class, ..)| std::thread::spawn(|| alone(*flaw, class))).collect();
    for ((flaw, class, meant, also), run) in FLAWS.iter().zip(runs) {
        let verdict = run.join().unwrap();
        let failed: Vec<_> = verdict.failed().map(|(name, _)| name).collect();
        assert!(failed.contains(meant), "{flaw:?} in a {class} got past {meant}\n{verdict}");
        for name in failed {
            assert!(name == *meant || also.contains(&name), "{flaw:?} in a {class} is blamed by {name}\n{verdict}");
        }
    }
}

#[tokio::test]
async fn every_check_is_shown_to_fail() {
    let every = verdict_on(Flaw::None, "compensatable").await;
    for check in every.checks {
        assert!(FLAWS.iter().any(|(_, _, meant, _)| *meant == check.name), "no flaw is meant for {}", check.name);
    }
}

#[tokio::test]
async fn a_failure_is_told_in_plain_words() {
    let verdict = verdict_on(Flaw::NoTombstone, "compensatable").await;
    let told = verdict.to_string();
    assert!(
        told.contains(
            "An undo was sent before its do, and then the do arrived after all. Expected was a refusal of the do; \
             what came was the output {\"id\":"
        ),
        "{told}"
    );
    assert!(
        told.contains(
            "This matters: a duplicate that was late on its way would carry out “Count” after the saga had made \
             everything good."
        ),
        "{told}"
    );
}

#[tokio::test]
async fn where_no_do_succeeds_one_sentence_says_so() {
    let verdict = verdict_on(Flaw::FailsAlways, "compensatable").await;
    assert_eq!(verdict.failed().count(), 1);
    assert!(verdict.to_string().contains("see that the address is right"), "{verdict}");
}
