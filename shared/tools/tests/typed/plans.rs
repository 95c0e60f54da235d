//! A typed plan is the plan that would be written by hand, and holds where that one holds.

use std::collections::BTreeMap;

use makegood_core::saga::{Limits, Plan, freeze};
use makegood_core::time::Millis;
use makegood_core::tool::{Definition, Retry};
use makegood_tools::{Arg, Draft, Step};
use serde_json::json;

use crate::definitions::declared;
use crate::town::{
    BookRestaurantTable, BookingArgs, JourneyArgs, MessageArgs, RequestRide, SearchArgs, SearchRestaurants,
    SendMessage, ann_and_bob,
};

fn tools() -> BTreeMap<String, Definition> {
    let read = |(name, tool)| (name, serde_json::from_value(tool).unwrap());
    declared().into_iter().map(read).collect()
}

fn dinner(restaurant: impl Into<Arg<String>>) -> BookingArgs {
    BookingArgs {
        restaurant: restaurant.into(),
        date: "2031-05-01".into(),
        time: "19:00".into(),
        party_size: 4.into(),
        name: "Ann".into(),
    }
}

fn home_to(destination: impl Into<Arg<String>>) -> JourneyArgs {
    JourneyArgs {
        pickup: "Home".into(),
        destination: destination.into(),
        date: "2031-05-01".into(),
        time: "18:30".into(),
        passengers: 4.into(),
    }
}

/// The plan that docs/PLANS.md begins with, all of whose fields the draft has words for.
#[test]
fn the_plan_of_the_documentation_is_the_same_when_it_is_typed() {
    let by_hand = json!({"summary": "Dinner, if it is not too dear", "steps": [
      {"id": "table", "tool": "book_restaurant_table",
       "params": {"restaurant": "Luigi's", "date": "2031-05-01", "time": "19:00", "party_size": 4, "name": "Ann"}},
      {"id": "ride", "tool": "request_ride",
       "approval": {"by": ["ann", "bob"], "quorum": 2, "question": "A ride, at 15?"},
       "params": {"pickup": "Home", "destination": "$table.address", "date": "2031-05-01", "time": "18:30",
                  "passengers": 4}},
      {"id": "soon", "wait": {"until": 1_935_410_400_000_u64}, "after": ["table"]},
      {"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "$table.reservation_id"},
       "after": ["soon"], "when": {"left": "$table.party_size", "is": ">", "right": 2}},
    ]});

    let mut draft = Draft::new("Dinner, if it is not too dear");
    let table = draft.add(Step::<BookRestaurantTable>::new("table", dinner("Luigi's")));
    draft.add(Step::<RequestRide>::new("ride", home_to(&table.output.address)).approval(ann_and_bob()));
    let soon = draft.wait_until("soon", Millis(1_935_410_400_000));
    draft.order(&table, &soon);
    draft.add(
        Step::<SendMessage>::new(
            "text",
            MessageArgs { to: "Sam".into(), text: Arg::from(&table.output.reservation_id) },
        )
        .after(&soon)
        .when(table.output.party_size.more_than(2)),
    );
    let typed = draft.build().unwrap();

    let by_hand: Plan = serde_json::from_value(by_hand).unwrap();
    assert_eq!(typed, by_hand);
    assert_eq!(serde_json::to_string(&typed).unwrap(), serde_json::to_string(&by_hand).unwrap());
    let nodes = freeze(&typed, &tools(), Limits::default()).unwrap();
    assert_eq!(nodes.iter().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["table", "ride", "soon", "text"]);
}

#[test]
fn lists_alternatives_and_policies_are_those_that_would_be_written_by_hand() {
    let retry = Retry { attempts: 3, base_ms: Millis(100), cap_ms: Millis(1_000), never: Vec::new() };
    let by_hand = json!({"summary": "", "steps": [
      {"id": "found", "tool": "search_restaurants", "params": {"party_size": 4}},
      {"id": "tables", "tool": "book_restaurant_table",
       "params": {"restaurant": "$item.name", "date": "2031-05-01", "time": "19:00", "party_size": 4, "name": "Ann"},
       "each": {"in": "$found.restaurants", "most": 8, "concurrency": 2},
       "when": {"left": "$item.seats", "is": "in", "right": [20, 40]}},
      {"id": "ride", "tool": "request_ride", "params": {"pickup": "Home", "destination": "$tables.0.address",
        "date": "2031-05-01", "time": "18:30", "passengers": 4},
       "or": [{"params": {"pickup": "Home", "destination": "$found.first.address",
        "date": "2031-05-01", "time": "18:30", "passengers": 4}}], "escalate": true,
       "approval": {"when": {"left": "$params.destination", "is": "!=", "right": "Home"}},
       "retry": {"attempts": 3, "base_ms": 100, "cap_ms": 1_000}},
    ]});

    let mut draft = Draft::new("");
    let found =
        draft.add(Step::<SearchRestaurants>::new("found", SearchArgs { cuisine: Arg::none(), party_size: 4.into() }));
    let mut seats = None;
    let tables = Step::<BookRestaurantTable, _>::each("tables", &found.output.restaurants, |item| {
        seats = Some(item.seats.is_in(vec![20, 40]));
        dinner(&item.name)
    });
    let tables = draft.add(tables.most(8).concurrency(2).when(seats.unwrap()));
    let first = tables.output.at(0).present();
    draft.add(
        Step::<RequestRide>::new("ride", home_to(&first.address))
            .or::<RequestRide>(home_to(&found.output.first.address))
            .escalate()
            .approval_when(Default::default(), |params| params.destination.differs_from("Home"))
            .retry(retry),
    );
    let typed = draft.build().unwrap();
    assert_eq!(typed, serde_json::from_value(by_hand).unwrap());
    freeze(&typed, &tools(), Limits::default()).unwrap();
}

/// Types do not know the bounds of a schema; the same checks as for every plan do.
#[test]
fn what_types_cannot_know_is_refused_before_the_plan_runs() {
    let mut draft = Draft::new("");
    draft.add(Step::<BookRestaurantTable>::new("table", BookingArgs { party_size: 21.into(), ..dinner("Luigi's") }));
    let refused = freeze(&draft.build().unwrap(), &tools(), Limits::default()).unwrap_err();
    assert!(refused.to_string().contains("/party_size: must be at most 20"), "{refused}");
}
