//! What is registered for a tool in Rust is what the town declares in JSON.

use std::collections::BTreeMap;
use std::path::Path;

use makegood_core::tool::Definition;
use makegood_tools::{Tool, definition};
use serde_json::{Value, json};

use crate::town::{BookRestaurantTable, RequestRide, SearchRestaurants, SendMessage};

/// The town's own declarations; its tests keep the file as the town has them.
pub fn declared() -> BTreeMap<String, Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/eval/data/tools.json");
    let all: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    all.into_iter().map(|tool| (tool["name"].as_str().unwrap().to_owned(), tool)).collect()
}

fn ours<T: Tool>() -> Value {
    serde_json::to_value(definition::<T>().unwrap()).unwrap()
}

#[test]
fn a_definition_in_rust_is_the_one_in_json() {
    let declared = declared();
    assert_eq!(ours::<BookRestaurantTable>(), declared["book_restaurant_table"]);
    assert_eq!(ours::<RequestRide>(), declared["request_ride"]);
    assert_eq!(ours::<SendMessage>(), declared["send_message"]);
}

/// An `Option` may be `null` as well, which the town's own JSON does not allow; all else is the same.
#[test]
fn an_option_may_be_left_out_or_null() {
    let mut search = ours::<SearchRestaurants>();
    for field in ["cuisine", "party_size"] {
        let kind = &mut search["input"]["properties"][field]["type"];
        assert_eq!(kind.as_array_mut().unwrap().pop(), Some(json!("null")));
        *kind = kind[0].take();
    }
    search["input"]["required"] = json!([]);
    assert_eq!(search, declared()["search_restaurants"]);
}

#[test]
fn a_definition_comes_back_from_json_as_it_was() {
    let definition = definition::<BookRestaurantTable>().unwrap();
    let text = serde_json::to_string(&definition).unwrap();
    assert_eq!(serde_json::from_str::<Definition>(&text).unwrap(), definition);
    assert_eq!(definition.check(), Ok(()));
}
