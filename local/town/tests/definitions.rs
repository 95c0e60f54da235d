//! What the town declares must be what the engine reads.

use makegood_core::tool::Definition;
use serde_json::json;

#[test]
fn every_definition_is_one_of_the_engines() {
    for definition in makegood_town::definitions() {
        let name = definition["name"].clone();
        let read: Result<Definition, _> = serde_json::from_value(definition);
        assert!(read.is_ok(), "{name}: {read:?}");
    }
}

#[test]
fn names_are_unique_and_every_property_is_described() {
    let definitions = makegood_town::definitions();
    let mut names: Vec<_> = definitions.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 17);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 17);
    for tool in &definitions {
        for side in ["input", "output"] {
            assert_eq!(tool[side]["additionalProperties"], json!(false));
            for (name, property) in tool[side]["properties"].as_object().unwrap() {
                let told = property["description"].is_string()
                    || property["items"].is_object()
                    || property["properties"].is_object();
                assert!(told, "{} {side} {name}", tool["name"]);
            }
        }
    }
}
