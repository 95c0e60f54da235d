//! The demo partners: every tool of the town passes, and the town is afterwards as it was.

use makegood_conformance::{Kit, Sample};
use makegood_core::tool::{Class, Definition};
use serde_json::{Value, json};

use crate::setting::{self, Database, Town};

/// Parameters from the town's seed data that succeed as often as they are undone, and some that the
/// town refuses.
fn sample(tool: &str) -> Value {
    let held = json!({
        "id": "held", "tool": "authorise_payment",
        "params": { "payee": "Luigi's", "amount_minor": 4_200, "currency": "EUR" },
    });
    let taken = json!({
        "id": "taken", "tool": "capture_payment", "params": { "payment_id": "$held.payment_id" }, "undo": false,
    });
    let table =
        |restaurant: &str| json!({ "restaurant": restaurant, "date": "2026-11-23", "time": "19:00", "party_size": 4 });
    let booking = |restaurant: &str| {
        let mut booking = table(restaurant);
        booking["name"] = json!("Sam");
        booking
    };
    let ride = |passengers: u32| {
        json!({
            "pickup": "Home", "destination": "1 Harbour Street", "date": "2026-11-23", "time": "18:30",
            "passengers": passengers,
        })
    };
    let delivery = |items: Value| json!({ "vendor": "Bloom", "items": items, "address": "1 Harbour Street" });
    let event =
        |minutes: u32| json!({ "title": "Dinner", "date": "2026-11-23", "time": "19:00", "duration_minutes": minutes });
    let payment = |amount: u32| json!({ "payee": "Luigi's", "amount_minor": amount, "currency": "EUR" });
    let (params, refused, before) = match tool {
        "search_restaurants" => (json!({ "cuisine": "Italian" }), json!({ "cuisine": "Martian" }), json!([])),
        "get_availability" => (table("Sakura"), table("Nowhere"), json!([])),
        "book_restaurant_table" | "join_waitlist" => (booking("Luigi's"), booking("Nowhere"), json!([])),
        "get_reservation" => {
            let table = json!({ "id": "table", "tool": "book_restaurant_table", "params": booking("Luigi's") });
            let (known, unknown) = ("$table.reservation_id", "RES-0");
            (json!({ "reservation_id": known }), json!({ "reservation_id": unknown }), json!([table]))
        }
        "change_reservation" => {
            // For two there are the most tables, and some checks want many at once.
            let mut pair = booking("Luigi's");
            pair["party_size"] = json!(2);
            let table = json!({ "id": "table", "tool": "book_restaurant_table", "params": pair });
            let change = |booking: &str| json!({ "reservation_id": booking, "generation": 1, "party_size": 1 });
            (change("$table.reservation_id"), change("RES-0"), json!([table]))
        }
        "request_ride" => (ride(4), ride(9), json!([])),
        "dispatch_delivery" => (delivery(json!([{ "name": "roses", "quantity": 12 }])), delivery(json!([])), json!([])),
        "add_calendar_event" => (event(120), event(0), json!([])),
        "authorise_payment" => (payment(4_200), payment(200_000), json!([])),
        "capture_payment" => {
            (json!({ "payment_id": "$held.payment_id" }), json!({ "payment_id": "PAY-0" }), json!([held]))
        }
        "refund_payment" => {
            (json!({ "payment_id": "$held.payment_id" }), json!({ "payment_id": "PAY-0" }), json!([held, taken]))
        }
        "send_message" => {
            (json!({ "to": "Sam", "text": "Table for four at seven." }), json!({ "to": "Sam" }), json!([]))
        }
        "get_weather_data" => (
            json!({ "place": "Harbour", "date": "2026-11-23" }),
            json!({ "place": "Harbour", "date": "2026-02-30" }),
            json!([]),
        ),
        "get_route_estimate" => {
            (json!({ "pickup": "Home", "destination": "Luigi's" }), json!({ "pickup": "Home" }), json!([]))
        }
        "bench_effect" | "bench_query" => (json!({ "n": 7 }), json!({ "m": 7 }), json!([])),
        other => panic!("the town has a new tool, {other}: give it a sample"),
    };
    json!({ "tool": tool, "params": params, "refused": refused, "before": before })
}

async fn every_demo_partner_passes(database: Database) {
    let known: Vec<Definition> = makegood_town::definitions()
        .into_iter()
        .map(|definition| serde_json::from_value(definition).unwrap())
        .collect();
    let town = Town::fresh(&database).await;
    for definition in known {
        let sample = Sample::read(&sample(&definition.name).to_string()).unwrap();
        let base = "http://town.test/demo/tools".to_owned();
        let undoable = definition.class == Class::Compensatable;
        let verdict = Kit { transport: town.router.clone(), base, definition, sample }.run().await.unwrap();
        assert!(verdict.passed(), "{verdict}");
        assert!(!undoable || verdict.left.is_empty(), "{verdict}");
    }
    let world = town.world().await;
    for kind in ["reservations", "rides", "deliveries", "events"] {
        assert_eq!(world[kind], json!([]), "{kind}");
    }
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_demo_partner_passes_over_the_embedded_database() {
    every_demo_partner_passes(setting::embedded().await.unwrap()).await;
}

/// The one that shows races; skipped where none is installed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_demo_partner_passes_over_a_real_postgresql() {
    if let Some(database) = setting::real().await {
        every_demo_partner_passes(database).await;
    }
}
