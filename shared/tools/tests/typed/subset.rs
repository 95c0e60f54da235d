//! What schemars writes is brought into the subset that is checked, or refused with its place.

use makegood_core::time::Millis;
use makegood_tools::{About, Query, Repeat, Shape, Tool, definition, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

fn brought(schema: Value) -> Value {
    serde_json::to_value(within(schema).unwrap()).unwrap()
}

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
#[serde(rename_all = "snake_case")]
enum Sky {
    /// Not a cloud
    Clear,
    Overcast,
}

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
struct Forecast {
    sky: Sky,
    tomorrow: Option<Sky>,
    #[serde(rename = "high-c")]
    high: i16,
    hours: Option<Hours>,
}

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
struct Hours {
    sunny: f64,
}

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
struct Place {
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    code: String,
    kind: Kind,
}

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
enum Kind {
    Town { people: u32 },
    Sea,
}

struct Weather<I>(std::marker::PhantomData<I>);

impl<I: Shape + JsonSchema + serde::de::DeserializeOwned + Send + 'static> Tool for Weather<I> {
    type Input = I;
    type Output = Forecast;
    type Class = Query;

    fn about() -> About {
        About::new("weather", "1", "Weather", "Forecasts.")
    }

    fn class() -> Query {
        Query { repeat: Repeat::Keyed { ttl_ms: Millis(1) } }
    }
}

#[test]
fn enums_and_options_are_said_in_the_words_of_the_subset() {
    let output = serde_json::to_value(definition::<Weather<Hours>>().unwrap().output).unwrap();
    let properties = &output["properties"];
    assert_eq!(properties["sky"], json!({"type": "string", "enum": ["overcast", "clear"]}));
    assert_eq!(properties["tomorrow"], json!({"type": ["string", "null"], "enum": ["overcast", "clear", null]}));
    assert_eq!(properties["high-c"], json!({"type": "integer", "minimum": -32_768, "maximum": 32_767}));
    assert_eq!(properties["hours"]["type"], json!(["object", "null"]));
    assert_eq!(properties["hours"]["properties"]["sunny"], json!({"type": "number"}));
}

#[test]
fn a_schema_outside_of_the_subset_names_every_place_of_both_sides() {
    let error = definition::<Weather<Place>>().unwrap_err().to_string();
    assert_eq!(
        error,
        "the schema has what cannot be checked\n  \
         weather input /properties/code: `pattern` is not checked: functions have no regular expressions. \
         Say `length`, and have the tool refuse.\n  \
         weather input /properties/kind: `oneOf` is not checked; an enum without fields is, and so is an `Option`. \
         Use a struct."
    );
}

#[test]
fn what_holds_itself_is_refused() {
    #[derive(Serialize, Deserialize, JsonSchema, Shape)]
    struct Tree {
        below: Vec<Tree>,
    }
    let error = definition::<Weather<Tree>>().unwrap_err().to_string();
    assert!(error.contains("/properties/below/items: the type holds itself"), "{error}");
}

#[test]
fn nothing_is_dropped_in_silence() {
    for schema in [
        json!({"type": "string", "format": "uuid"}),
        json!({"not": {"type": "string"}}),
        json!({"type": "array", "prefixItems": []}),
        json!({"properties": {"a": false}}),
        json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        json!({"oneOf": [{"const": 1}, {"const": "a"}]}),
        json!({"deprecated": true}),
        json!({"type": "object", "minProperties": 1}),
        json!({"multipleOf": 0}),
    ] {
        assert!(within(schema.clone()).is_err(), "{schema}");
    }
    assert_eq!(
        brought(json!({"type": "integer", "format": "uint8", "maximum": 255})),
        json!({"type": "integer", "maximum": 255})
    );
}
