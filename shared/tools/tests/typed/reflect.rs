//! From a catalogue, as a PostgreSQL answered it, to files that compile.
//!
//! `shop/catalogue.json` is what PostgreSQL 15 says of `shop/things.sql`; the town's own tables are reflected from
//! a live database, in `local/town/tests/reflected`. To write the files anew:
//! `UPDATE_GOLDEN=1 cargo test -p makegood-tools --test typed reflect`.

use std::path::Path;

use makegood_tools::reflect::{Catalogue, File, Folder, Unreflectable, Wanted, files};
use makegood_tools::{schemars, within};
use serde_json::{Value, json};

#[path = "shop/mod.rs"]
mod shop;

use shop::things::{Colour, ThingsInput, ThingsRow};

const ANSWER: &str = include_str!("shop/catalogue.json");

fn wanted() -> Wanted {
    Wanted { tables: vec!["shop.things".to_owned()], filled: vec!["made".to_owned()] }
}

fn folder() -> Folder {
    Folder::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/typed/shop"))
}

fn reflected(answer: &Value) -> Vec<File> {
    files(&Catalogue::read(&answer.to_string()).unwrap(), &wanted()).unwrap()
}

fn answer() -> Value {
    serde_json::from_str(ANSWER).unwrap()
}

#[test]
fn the_files_that_are_checked_in_are_those_of_the_catalogue() {
    let files = reflected(&answer());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        folder().write(&files).unwrap();
    }
    let diff = folder().compare(&files).unwrap();
    assert!(diff.is_empty(), "{diff}");
}

fn properties(side: &str) -> Value {
    let name = format!("things.{side}.json");
    let file = reflected(&answer()).into_iter().find(|file| file.name == name).unwrap();
    let schema: Value = serde_json::from_str(&file.text).unwrap();
    schema["properties"].clone()
}

#[test]
fn what_a_database_checks_is_in_the_schema() {
    let input = properties("input");
    assert_eq!(input["type"], json!({"type": "string", "enum": ["plain", "fancy"], "default": "plain"}));
    assert_eq!(input["code"], json!({"type": "string", "maxLength": 5}));
    assert_eq!(input["share"], json!({"type": ["integer", "null"], "minimum": 0, "maximum": 100}));
    assert_eq!(input["colour"], json!({"type": "string", "enum": ["red", "dark blue", "Self"]}));
    assert_eq!(
        input["price"],
        json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1_000_000.0, "multipleOf": 0.01,
               "description": "What it costs, in euros"})
    );
    assert_eq!(input["tags"], json!({"type": "array", "items": {"type": "string"}, "maxItems": 3}));
    assert_eq!(input["note"], json!({"type": ["string", "null"], "minLength": 1, "maxLength": 20}));
    assert_eq!(input["high"], json!({"type": "integer", "minimum": -3, "exclusiveMaximum": 10}));
    assert_eq!(input["span"], json!({}));
    for filled in ["id", "twice", "made"] {
        assert_eq!(input[filled], Value::Null, "{filled} is not the caller's to say");
    }
    assert_eq!(properties("row")["made"], json!({"type": "string", "format": "date-time"}));
    assert_eq!(properties("row")["sizes"]["items"]["type"], json!(["integer", "null"]), "an array may hold NULL");
}

#[test]
fn what_a_schema_cannot_say_is_said_in_a_comment() {
    let file = reflected(&answer()).into_iter().find(|file| file.name == "things.rs").unwrap();
    for note in [
        "    // Not in the schema: (VALUE ~ '^[A-Z]+$'::text)",
        "// Not in the schema: (low < high)",
        "    // Not in the schema: left out, it is '{}'::text[]",
        "// Not in the schema: ((price < 100.5) OR (colour = 'red'::shop.colour))",
        "    // Not in the schema: the type pg_catalog.int8range, of which any JSON is taken here",
    ] {
        assert!(file.text.contains(note), "{note}\n{}", file.text);
    }
}

/// The catalogue, in which a column is something else.
fn with_column(name: &str, change: impl Fn(&mut Value)) -> Value {
    let mut answer = answer();
    let columns = answer["tables"][0]["columns"].as_array_mut().unwrap();
    change(columns.iter_mut().find(|column| column["name"] == name).unwrap());
    answer
}

#[test]
fn no_comment_is_code_that_would_be_run() {
    let comment = "In euros, as `1.50`:\n```\npanic!()\n```\n - ~~~rust\n\tpanic!()\n    panic!()\n> ````\n";
    let mut answer = with_column("price", |column| column["comment"] = json!(comment));
    answer["tables"][0]["comment"] = json!(comment);
    let file = reflected(&answer).into_iter().find(|file| file.name == "things.rs").unwrap();
    assert!(file.text.contains("    /// In euros, as `1.50`:\n    /// \\`\\`\\`\n    /// panic!()\n"), "{}", file.text);
    let documented = file.text.lines().filter_map(|line| line.trim_start().strip_prefix("///"));
    for line in documented {
        assert!(!line.contains("```") && !line.contains("~~~") && !line.starts_with("  "), "{line}");
    }
    // The schema has the comment as it is.
    let schema = reflected(&answer).into_iter().find(|file| file.name == "things.input.json").unwrap();
    let schema: Value = serde_json::from_str(&schema.text).unwrap();
    assert_eq!(schema["properties"]["price"]["description"], json!(comment.trim()));
}

#[test]
fn the_length_of_bytes_is_not_that_of_their_digits() {
    let mut answer = with_column("note", |column| {
        column["type"] = json!(17);
        column["modifier"] = json!(-1);
    });
    let mut bytes = answer["types"]["25"].clone();
    bytes["name"] = json!("bytea");
    answer["types"]["17"] = bytes;
    for check in answer["tables"][0]["checks"].as_array_mut().unwrap() {
        if check["name"] == "things_note_check" {
            check["expression"] = json!("(length(note) <= 4)");
        }
    }
    let files = reflected(&answer);
    let text = |name: &str| files.iter().find(|file| file.name == name).unwrap().text.clone();
    let input: Value = serde_json::from_str(&text("things.input.json")).unwrap();
    assert_eq!(input["properties"]["note"], json!({"type": ["string", "null"]}));
    assert!(text("things.rs").contains("    // Not in the schema: (length(note) <= 4)\n"), "{}", text("things.rs"));
}

#[test]
fn the_types_read_and_write_what_their_schemas_allow() {
    let input = schemars::schema_for!(ThingsInput).to_value();
    let least = json!({"code": "AB", "colour": "dark blue", "price": 9.5, "low": 1, "high": 2});
    let typed: ThingsInput = serde_json::from_value(least.clone()).unwrap();
    assert_eq!(typed.colour, Colour::DarkBlue);
    assert_eq!(serde_json::to_value(&typed).unwrap(), least);
    assert_eq!(within(input).unwrap().check(&least), []);

    let row = within(schemars::schema_for!(ThingsRow).to_value()).unwrap();
    let written = json!({"Odd Name": {"a": 1}, "code": "AB", "colour": "Self", "day": null, "high": 2, "id": 1,
        "key": null, "low": 1, "made": "2026-11-23T19:00:00+00:00", "note": null, "price": 9.5, "ratio": 0.5,
        "share": null, "sizes": [1, null], "span": "[1,2)", "tags": [], "twice": 2, "type": "plain"});
    assert_eq!(row.check(&written), []);
    let typed: ThingsRow = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), written);
}

#[test]
fn the_order_of_columns_and_the_numbers_of_types_make_no_difference() {
    let mut other = answer();
    let text = other.to_string().replace("16591", "99991");
    other = serde_json::from_str(&text).unwrap();
    other["tables"][0]["columns"].as_array_mut().unwrap().sort_by_key(|column| column["name"].to_string());
    assert_ne!(other, answer());
    assert_eq!(reflected(&other), reflected(&answer()));
}

#[test]
fn a_drift_is_shown_as_a_diff_that_people_can_read() {
    let mut renamed = answer();
    let columns = renamed["tables"][0]["columns"].as_array_mut().unwrap();
    let price = columns.iter_mut().find(|column| column["name"] == "price").unwrap();
    price["name"] = json!("cost");
    let diff = folder().compare(&reflected(&renamed)).unwrap();
    assert!(diff.contains("things.rs (checked in)\n+++ "), "{diff}");
    for line in ["\n-    pub price: f64,", "\n+    pub cost: f64,", "\n-    \"price\": {", "\n+    \"cost\": {"] {
        assert!(diff.contains(line), "{line}\n{diff}");
    }
}

#[test]
fn a_table_that_is_reflected_no_more_leaves_no_file_and_other_files_stay() {
    let place = std::env::temp_dir().join(format!("makegood-reflected-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    let (folder, files) = (Folder::new(&place), reflected(&answer()));
    assert!(folder.compare(&files).unwrap().contains("+    pub price: f64,"), "a folder that is not there is empty");
    assert_eq!(folder.write(&files).unwrap().len(), files.len());
    assert_eq!(folder.write(&files).unwrap(), Vec::<String>::new());
    std::fs::write(place.join("mine.rs"), "// by hand").unwrap();
    let fewer: Vec<File> = files.into_iter().filter(|file| file.name == "mod.rs").collect();
    assert!(folder.compare(&fewer).unwrap().contains("-pub struct ThingsInput {"));
    assert_eq!(folder.write(&fewer).unwrap(), ["things.input.json", "things.row.json", "things.rs"]);
    assert!(place.join("mine.rs").exists());
    std::fs::remove_dir_all(&place).unwrap();
}

#[test]
fn what_is_not_there_is_named() {
    let catalogue = Catalogue::read(ANSWER).unwrap();
    let of = |table: &str, filled: &str| {
        let wanted = Wanted { tables: vec![table.to_owned()], filled: vec![filled.to_owned()] };
        files(&catalogue, &wanted).unwrap_err()
    };
    assert_eq!(of("shop.thing", "id"), Unreflectable::NoTable("shop.thing".to_owned()));
    assert_eq!(of("shop.things", "ids"), Unreflectable::NoColumn("ids".to_owned()));
    assert!(Catalogue::read("{}").unwrap_err().to_string().contains("tables"));
}
