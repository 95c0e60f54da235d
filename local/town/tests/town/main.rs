//! The town's conformance kit: every tool, every fault, over the embedded PostgreSQL and, where its
//! binaries are there, over a real one, which alone shows races.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "it says what is left out on this machine")]

mod faults;
mod isolation;
mod keys;
mod money;
mod places;
mod setting;
mod shapes;

/// Runs each scenario over each database, with a fresh town for each.
macro_rules! scenarios {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        const SCENARIOS: &[(&str, setting::Scenario)] = &[
            $((stringify!($name), |town| Box::pin($module::$name(town)))),+
        ];
    };
}

scenarios! {
    keys::a_do_twice_acts_once_and_answers_the_same,
    keys::a_refusal_is_repeated_whatever_the_params,
    keys::a_key_with_other_params_is_refused,
    keys::an_undo_twice_says_the_same,
    keys::an_undo_before_its_do_leaves_a_tombstone,
    keys::a_reset_empties_the_town_and_forgets_no_key,
    keys::an_undo_of_a_refused_do_leaves_a_tombstone,
    keys::status_tells_each_state,
    keys::fifty_at_once_with_one_key_act_once,
    keys::a_do_racing_its_undo_is_undone_or_never_done,
    keys::what_cannot_be_undone_says_so,
    places::a_taken_table_is_taken_until_it_is_given_back,
    places::the_last_table_goes_to_one_of_many,
    places::bookings_overlap_for_two_hours,
    places::a_driver_is_busy_for_an_hour,
    places::restaurants_are_found_by_any_spelling,
    places::availability_follows_the_bookings,
    places::fifty_sagas_in_different_slots_all_succeed,
    money::a_captured_payment_cannot_be_voided,
    money::a_voided_payment_cannot_be_captured,
    money::a_refund_follows_a_capture_once,
    money::too_much_is_refused,
    money::capture_and_void_at_once_agree,
    isolation::of_two_changes_made_from_one_reading_one_is_refused,
    isolation::what_was_read_and_has_changed_since_is_not_written_over,
    isolation::a_change_that_was_taken_back_is_not_what_was_read,
    isolation::an_undo_takes_back_its_own_change_and_no_later_one,
    isolation::changes_of_one_saga_are_taken_back_the_last_first,
    isolation::a_pending_table_is_seen_as_taken_and_given_free_by_its_undo_only,
    isolation::a_table_whose_undo_was_refused_stays_taken_until_a_person_has_it_undone,
    isolation::money_that_is_held_is_taken_by_one_and_let_go_by_its_own_undo,
    isolation::what_is_left_does_not_depend_on_the_order_of_dos_and_undos,
    faults::refuse_is_stored_under_the_key,
    faults::error_and_busy_and_timeout_have_no_effect,
    faults::slow_acts_late_even_when_the_caller_hangs_up,
    faults::a_slow_do_meets_the_tombstone_of_its_undo,
    faults::apply_then_lose_acts,
    faults::duplicate_acts_once,
    faults::undo_and_status_can_fail_too,
    faults::a_count_outlives_a_restart_of_the_host,
    faults::a_seed_decides_which_calls_are_struck,
    faults::a_wrong_fault_is_refused_by_name,
    shapes::the_world_is_json_for_programs_and_a_page_for_people,
    shapes::the_ledger_holds_what_was_applied,
    shapes::bad_requests_are_problems,
    shapes::outputs_fit_their_schemas,
}

fn run(db: impl Future<Output = Option<setting::Database>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(database) = db.await else { return };
        for (name, scenario) in SCENARIOS {
            let town = setting::Town::fresh(&database).await;
            let scenario = tokio::spawn(scenario(town));
            assert!(scenario.await.is_ok(), "{name}");
        }
        database.close().await;
    });
}

#[test]
fn the_town_is_honest_over_the_embedded_database() {
    run(setting::embedded());
}

#[test]
fn the_town_is_honest_over_a_real_postgresql() {
    run(setting::real());
}
