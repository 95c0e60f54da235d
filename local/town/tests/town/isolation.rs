//! Sagas do not know of each other: what one has done, another sees before it is final. What keeps them
//! from spoiling each other's work is here, with the partners.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::setting::{Said, Town, all, payment, table};

const BOOK: &str = "book_restaurant_table";
const CHANGE: &str = "change_reservation";

/// Books a table for four that seats six.
async fn booked(town: &Town, key: &str) -> String {
    for n in 0..4 {
        town.act(BOOK, &format!("fill:0:{n}"), table("Luigi's", "19:00", 4)).await;
    }
    let said = town.act(BOOK, key, table("Luigi's", "19:00", 4)).await;
    assert_eq!(said.body["table"], 8, "{said:?}");
    said.body["reservation_id"].as_str().unwrap().to_owned()
}

async fn read(town: &Town, booking: &str) -> (Value, Value) {
    let said = town.ask("get_reservation", json!({ "reservation_id": booking })).await;
    assert_eq!(said.status, 200, "{said:?}");
    (said.body["generation"].clone(), said.body["party_size"].clone())
}

async fn change(town: &Town, key: &str, booking: &str, generation: &Value, party: u32) -> Said {
    let asked = json!({ "reservation_id": booking, "generation": generation, "party_size": party });
    town.act(CHANGE, key, asked).await
}

/// Whether a table for ten is free at Luigi's, where there is one.
async fn a_table_for_ten_is_free(town: &Town) -> bool {
    let asked = json!({ "restaurant": "Luigi's", "date": "2026-11-23", "time": "19:00", "party_size": 10 });
    town.ask("get_availability", asked).await.body["available"] == true
}

/// Lost update: the second write would not know of the first.
pub async fn of_two_changes_made_from_one_reading_one_is_refused(town: Town) {
    let booking = booked(&town, "a:0:t").await;
    let (generation, _) = read(&town, &booking).await;
    let calls = (0..20).map(|n| {
        let (town, booking, generation) = (town.clone(), booking.clone(), generation.clone());
        async move { change(&town, &format!("s{n}:0:c"), &booking, &generation, 1 + n % 6).await }
    });
    let answers = all(calls).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|said| said.status == 200);
    assert_eq!(done.len(), 1, "{answers:?}");
    assert!(refused.iter().all(|said| said.code() == "changed_since"), "{answers:?}");
    assert_eq!(read(&town, &booking).await, (json!(2), done[0].body["party_size"].clone()));
}

/// Fuzzy read: what was true when a saga looked is not any more when it acts.
pub async fn what_was_read_and_has_changed_since_is_not_written_over(town: Town) {
    let booking = booked(&town, "a:0:t").await;
    let (generation, _) = read(&town, &booking).await;
    assert_eq!(change(&town, "b:0:c", &booking, &generation, 5).await.status, 200);
    let late = change(&town, "a:0:c", &booking, &generation, 2).await;
    assert_eq!((late.status, late.code()), (409, "changed_since"));
    assert_eq!(read(&town, &booking).await, (json!(2), json!(5)), "nothing was written");
    let again = change(&town, "a:0:c", &booking, &json!(2), 2).await;
    assert_eq!(again, late, "a refusal stands");
    let anew = change(&town, "a:1:c", &booking, &json!(2), 2).await;
    assert_eq!((anew.status, &anew.body["was"]), (200, &json!(5)), "whoever has read it anew may");
    let crowd = change(&town, "c:0:c", &booking, &json!(3), 7).await;
    assert_eq!((crowd.status, crowd.code()), (409, "table_too_small"));
    town.undo(BOOK, "a:0:t").await;
    let gone = change(&town, "d:0:c", &booking, &json!(3), 1).await;
    assert_eq!((gone.status, gone.code()), (409, "cancelled"));
}

/// Dirty read: what a saga has seen was never final. There are as many guests as at first, and yet it is
/// not what was read.
pub async fn a_change_that_was_taken_back_is_not_what_was_read(town: Town) {
    let booking = booked(&town, "a:0:t").await;
    change(&town, "b:0:c", &booking, &json!(1), 6).await;
    let dirty = read(&town, &booking).await;
    assert_eq!(dirty, (json!(2), json!(6)));
    assert_eq!(town.undo(CHANGE, "b:0:c").await.body, json!({ "undone": true }));
    assert_eq!(read(&town, &booking).await, (json!(3), json!(4)));
    for (n, (generation, _)) in [dirty, (json!(1), json!(4))].iter().enumerate() {
        let said = change(&town, &format!("c:0:{n}"), &booking, generation, 2).await;
        assert_eq!((said.status, said.code()), (409, "changed_since"));
    }
}

/// Lost update by an undo: it knows what stood before, but not what came after.
pub async fn an_undo_takes_back_its_own_change_and_no_later_one(town: Town) {
    let booking = booked(&town, "a:0:t").await;
    change(&town, "b:0:c", &booking, &json!(1), 5).await;
    change(&town, "c:0:c", &booking, &json!(2), 6).await;
    let undo = town.undo(CHANGE, "b:0:c").await;
    assert_eq!((undo.status, undo.code()), (409, "changed_since"));
    assert_eq!(read(&town, &booking).await, (json!(3), json!(6)), "the later change stands");
    assert_eq!(town.status(CHANGE, "b:0:c").await["state"], "done");
    // Once the later one is out of the way, whoever has the undo retried has it done.
    town.undo(CHANGE, "c:0:c").await;
    assert_eq!(town.undo(CHANGE, "b:0:c").await.body, json!({ "undone": true }));
    assert_eq!(read(&town, &booking).await.1, json!(4));
    // Of a booking that is gone, nothing is left to change back.
    change(&town, "d:0:c", &booking, &json!(5), 6).await;
    town.undo(BOOK, "a:0:t").await;
    assert_eq!(town.undo(CHANGE, "d:0:c").await.body, json!({ "undone": false }));
}

pub async fn changes_of_one_saga_are_taken_back_the_last_first(town: Town) {
    let booking = booked(&town, "a:0:t").await;
    for (n, party) in [5, 6, 2].into_iter().enumerate() {
        let (generation, _) = read(&town, &booking).await;
        assert_eq!(change(&town, &format!("b:0:{n}"), &booking, &generation, party).await.status, 200);
    }
    for (n, party) in [(2, 6), (1, 5), (0, 4)] {
        assert_eq!(town.undo(CHANGE, &format!("b:0:{n}")).await.body, json!({ "undone": true }));
        assert_eq!(read(&town, &booking).await.1, json!(party));
    }
}

/// Semantic lock: what a saga that is not at rest holds is taken, for everybody, and never shown as free.
pub async fn a_pending_table_is_seen_as_taken_and_given_free_by_its_undo_only(town: Town) {
    assert!(a_table_for_ten_is_free(&town).await);
    town.act(BOOK, "a:0:t", table("Luigi's", "19:00", 10)).await;
    assert!(!a_table_for_ten_is_free(&town).await);
    let other = town.act(BOOK, "b:0:t", table("Luigi's", "19:00", 10)).await;
    assert_eq!((other.status, other.code()), (409, "table_unavailable"), "the other is refused, and does not wait");
    let smaller = town.act(BOOK, "b:0:s", table("Luigi's", "19:00", 8)).await;
    assert_eq!(smaller.body["table"], 10, "or is given the next");
    // The fence of the one that was refused gives nothing free that is not its own.
    assert_eq!(town.undo(BOOK, "b:0:t").await.body, json!({ "undone": false }));
    assert!(!a_table_for_ten_is_free(&town).await);
    let world = town.world().await;
    let holder = world["reservations"].as_array().unwrap().iter().find(|one| one["table"] == 12).unwrap();
    assert_eq!(holder["saga"], "a", "it says who holds it");
    town.undo(BOOK, "a:0:t").await;
    assert!(a_table_for_ten_is_free(&town).await);
}

pub async fn a_table_whose_undo_was_refused_stays_taken_until_a_person_has_it_undone(town: Town) {
    town.act(BOOK, "a:0:t", table("Luigi's", "19:00", 10)).await;
    let refuses = json!({ "tool": BOOK, "op": "undo", "kind": "refuse", "count": 1 });
    assert_eq!(town.fault(refuses).await.status, 201);
    let undo = town.undo(BOOK, "a:0:t").await;
    assert!((400..500).contains(&undo.status), "{undo:?}");
    assert!(!a_table_for_ten_is_free(&town).await, "a stuck saga still holds it");
    assert_eq!(town.act(BOOK, "b:0:t", table("Luigi's", "19:00", 10)).await.code(), "table_unavailable");
    assert_eq!(town.undo(BOOK, "a:0:t").await.body, json!({ "undone": true }));
    assert_eq!(town.act(BOOK, "b:1:t", table("Luigi's", "19:00", 10)).await.status, 200);
}

/// Held money is pending: only what is held can be taken, by one, and what was let go by none.
pub async fn money_that_is_held_is_taken_by_one_and_let_go_by_its_own_undo(town: Town) {
    let held = town.act("authorise_payment", "a:0:p", payment(4_200)).await.body;
    let id = json!({ "payment_id": held["payment_id"] });
    let calls = (0..20).map(|n| {
        let (town, id) = (town.clone(), id.clone());
        async move { town.act("capture_payment", &format!("s{n}:0:c"), id).await }
    });
    let answers = all(calls).await;
    assert_eq!(answers.iter().filter(|said| said.status == 200).count(), 1);
    assert!(answers.iter().all(|said| said.status == 200 || said.code() == "captured"));
    // Another's undo leaves it alone.
    assert_eq!(town.undo("authorise_payment", "b:0:p").await.body, json!({ "undone": false }));
    assert_eq!(town.world().await["payments"][0]["state"], "captured");
}

/// Commutative: an undo takes away what its do added, rather than putting back a sum that was read, so
/// that sums come out the same however sagas are mixed.
pub async fn what_is_left_does_not_depend_on_the_order_of_dos_and_undos(town: Town) {
    let amount = |saga: u32| 100 + i64::from(saga);
    let key = |round: u32, saga: u32| format!("s{saga}:{round}:p");
    // Sagas with an odd number are made good. As one after the other, nested, and crossed; all at once at last.
    let orders: [&[(u32, bool)]; 3] = [
        &[(1, true), (1, false), (2, true), (3, true), (3, false), (4, true)],
        &[(1, true), (2, true), (3, true), (4, true), (3, false), (1, false)],
        &[(3, false), (4, true), (1, true), (3, true), (2, true), (1, false)],
    ];
    let mut sums = BTreeSet::new();
    for (round, order) in (0..).zip(orders) {
        for (saga, forward) in order {
            if *forward {
                town.act("authorise_payment", &key(round, *saga), payment(amount(*saga))).await;
            } else {
                town.undo("authorise_payment", &key(round, *saga)).await;
            }
        }
        sums.insert(held_in(&town, round).await);
    }
    let sagas = (1..=4_u32).map(|saga| {
        let town = town.clone();
        async move {
            town.act("authorise_payment", &key(9, saga), payment(amount(saga))).await;
            if saga % 2 == 1 {
                town.undo("authorise_payment", &key(9, saga)).await;
            }
        }
    });
    all(sagas).await;
    sums.insert(held_in(&town, 9).await);
    assert_eq!(sums, BTreeSet::from([amount(2) + amount(4)]));
}

async fn held_in(town: &Town, round: u32) -> i64 {
    let world = town.world().await;
    let payments = world["payments"].as_array().unwrap();
    let of_round = payments.iter().filter(|one| one["key"].as_str().unwrap().contains(&format!(":{round}:")));
    of_round.map(|one| one["amount_minor"].as_i64().unwrap()).sum()
}
