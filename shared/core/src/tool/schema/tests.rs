use serde_json::{Value, json};

use super::Schema;
use super::keywords::MAX_VIOLATIONS;

fn schema(value: Value) -> Schema {
    serde_json::from_value(value).unwrap()
}

fn refusal(value: Value) -> String {
    serde_json::from_value::<Schema>(value).unwrap_err().to_string()
}

fn paths(schema: &Schema, value: &Value) -> Vec<String> {
    schema.check(value).into_iter().map(|violation| violation.path).collect()
}

fn table() -> Schema {
    schema(json!({
        "type": "object",
        "title": "A table",
        "properties": {
            "restaurant": { "type": "string", "minLength": 1, "maxLength": 80 },
            "date": { "type": "string", "format": "date" },
            "time": { "type": "string", "format": "time" },
            "party_size": { "type": "integer", "minimum": 1, "maximum": 20 },
            "guests": { "type": "array", "items": { "type": "string" }, "uniqueItems": true, "maxItems": 3 },
        },
        "required": ["restaurant", "date"],
        "additionalProperties": false,
    }))
}

#[test]
fn a_valid_value_has_no_violations() {
    let value = json!({ "restaurant": "Luigi's", "date": "2026-12-24", "time": "19:00", "party_size": 4.0 });
    assert_eq!(table().check(&value), []);
}

#[test]
fn each_violation_names_its_place_and_what_is_expected() {
    let value = json!({ "date": "2026-02-30", "time": "25:00", "party_size": 21, "a/b": 1, "guests": ["x", 1] });
    let found = table().check(&value);
    let expected = [
        ("/restaurant", "is required"),
        ("/a~1b", "is not a known field"),
        ("/date", "must be a date such as 2026-12-24"),
        ("/guests/1", "must be text"),
        ("/party_size", "must be at most 20"),
        ("/time", "must be a time such as 19:30"),
    ];
    let found: Vec<_> = found.iter().map(|v| (v.path.as_str(), v.message.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_unsupported_keyword_is_refused_by_name() {
    assert!(refusal(json!({ "type": "string", "pattern": "^a+$" })).contains("`pattern`"));
    assert!(refusal(json!({ "properties": { "a": { "$ref": "#" } } })).contains("`$ref`"));
    assert!(refusal(json!({ "additionalProperties": { "anyOf": [] } })).contains("`anyOf`"));
    assert!(refusal(json!({ "format": "ipv4" })).contains("`ipv4`"));
    assert!(refusal(json!({ "multipleOf": 0 })).contains("multipleOf"));
}

#[test]
fn a_schema_comes_back_as_it_was_written() {
    let source = json!({
        "type": ["object", "null"], "default": null, "examples": [1],
        "properties": { "a": { "const": null }, "b": { "enum": ["x", 2] } },
        "additionalProperties": { "type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5 },
    });
    assert_eq!(serde_json::to_value(schema(source.clone())).unwrap(), source);
    assert_eq!(serde_json::to_value(Schema::any()).unwrap(), json!({}));
}

#[test]
fn a_schema_nests_32_levels_and_no_more() {
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "items": inner }));
    assert!(serde_json::from_value::<Schema>(nested(32)).is_ok());
    assert!(refusal(nested(33)).contains("at most 32 levels"));
}

#[test]
fn a_deep_value_is_checked_only_as_far_as_the_schema_goes() {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(paths(&schema(json!({ "items": { "items": { "type": "string" } } })), &deep), ["/0/0"]);
}

#[test]
fn reports_stay_short_whatever_the_value() {
    let many: Value = (0..100_000).map(Value::from).collect();
    let found = schema(json!({ "items": { "type": "string" }, "uniqueItems": true })).check(&many);
    assert_eq!(found.len(), MAX_VIOLATIONS);
}

#[test]
fn references_resolve_through_properties_and_indices() {
    let output = schema(json!({ "properties": {
        "restaurants": { "items": { "properties": { "name": { "type": "string" } } } },
        "prices": { "additionalProperties": { "type": "integer" } },
    } }));
    assert!(output.field(&[]).is_some());
    assert!(output.field(&["restaurants", "0", "name"]).is_some());
    assert!(output.field(&["prices", "pizza"]).is_some());
    assert!(output.field(&["restaurants", "name"]).is_none());
    assert!(output.field(&["nothing"]).is_none());
    assert!(Schema::any().field(&["anything"]).is_none());
}

#[test]
fn numbers_compare_exactly_where_floats_would_not() {
    let limit = schema(json!({ "maximum": 9_007_199_254_740_992_u64 }));
    assert_eq!(limit.check(&json!(9_007_199_254_740_993_u64)).len(), 1);
    let cents = schema(json!({ "multipleOf": 0.01, "exclusiveMaximum": 1 }));
    assert_eq!(cents.check(&json!(0.07)), []);
    assert_eq!(cents.check(&json!(1)).len(), 1);
    assert_eq!(cents.check(&json!(0.005)).len(), 1);
    assert_eq!(schema(json!({ "multipleOf": 3 })).check(&json!(i64::MIN)).len(), 1);
}

#[test]
fn every_amount_in_cents_is_a_multiple_of_a_cent_and_nothing_between_is() {
    let cents = schema(json!({ "multipleOf": 0.01 }));
    assert_eq!(cents.check(&json!(111_848.18)), []);
    // From a cent to ten thousand millions, every place of the decimal system many times over.
    let (mut amount, mut steps) = (1_u64, 0);
    while amount <= 1_000_000_000_000 {
        let written = format!("{}.{:02}", amount / 100, amount % 100);
        for text in [written.clone(), format!("-{written}")] {
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(cents.check(&value), [], "{text}");
        }
        for beyond in ["5", "1", "9"] {
            let text = format!("{written}{beyond}");
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(cents.check(&value).len(), 1, "{text}");
        }
        amount += 1 + amount / 997;
        steps += 1;
    }
    assert!(steps > 10_000, "{steps}");
    for (step, value) in [(0.01, 1e-300), (0.01, 0.0099), (1e-300, 1e300)] {
        assert_eq!(schema(json!({ "multipleOf": step })).check(&json!(value)).len(), 1, "{value} by {step}");
    }
    assert_eq!(cents.check(&json!(0)), []);
}

#[test]
fn a_schema_that_allows_nothing_says_where() {
    for (fault, place) in [
        (json!({ "properties": { "a": { "minimum": 3, "maximum": 2 } } }), "/a"),
        (json!({ "items": { "exclusiveMinimum": 2, "exclusiveMaximum": 2 } }), "/*"),
        (json!({ "additionalProperties": { "minLength": 2, "maxLength": 1 } }), "/*"),
        (json!({ "minItems": 2, "maxItems": 1 }), ""),
        (json!({ "enum": [] }), ""),
        (json!({ "type": [] }), ""),
        (json!({ "required": ["a"], "additionalProperties": false }), "/a"),
    ] {
        let places: Vec<String> = schema(fault.clone()).faults().into_iter().map(|fault| fault.path).collect();
        assert_eq!(places, [place], "{fault}");
    }
    assert_eq!(table().faults(), []);
    assert_eq!(schema(json!({ "minimum": 2, "maximum": 2, "minLength": 1, "maxLength": 1 })).faults(), []);
    assert!(table().takes_objects() && Schema::any().takes_objects());
    assert!(!schema(json!({ "type": ["string", "null"] })).takes_objects());
}

#[test]
fn equal_numbers_are_equal_items_constants_and_choices() {
    assert_eq!(schema(json!({ "uniqueItems": true })).check(&json!([1, 1.0])).len(), 1);
    assert_eq!(schema(json!({ "const": [3] })).check(&json!([3.0])), []);
    assert_eq!(schema(json!({ "enum": [1, 2] })).check(&json!(3)).len(), 1);
    assert_eq!(schema(json!({ "const": null })).check(&json!(0)).len(), 1);
}

#[test]
fn formats_accept_what_their_standards_do() {
    let valid = [
        ("date", vec!["2024-02-29", "0001-01-01"]),
        ("time", vec!["19:30", "19:30:05.5+02:00", "23:59:60Z"]),
        ("date-time", vec!["2026-12-24T19:30:00Z", "2026-12-24t19:30:00.123-05:30"]),
        ("email", vec!["a@b.example", "first.last+tag@mail.example.org"]),
    ];
    let invalid = [
        ("date", vec!["2023-02-29", "20240101"]),
        ("time", vec!["7pm", "24:00", "12:60", "12:00:61", "12:00+24:00", "-1:00"]),
        ("date-time", vec!["2026-12-24T19:30:00", "2026-12-24 19:30:00Z"]),
        ("email", vec!["a@b", "two@at@signs.example"]),
    ];
    for (format, texts) in valid {
        for text in texts {
            assert_eq!(schema(json!({ "format": format })).check(&json!(text)), [], "{text}");
        }
    }
    for (format, texts) in invalid {
        for text in texts {
            assert_eq!(schema(json!({ "format": format })).check(&json!(text)).len(), 1, "{text}");
        }
    }
    for odd in ["", "é", "1é:30", "19:30+é0:00", "-", "+", "19:30Zé", "T", "@", "é@é.é"] {
        for format in ["date", "time", "date-time", "email"] {
            let _ = schema(json!({ "format": format })).check(&json!(odd));
        }
    }
}
