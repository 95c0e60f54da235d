//! The document and the code: neither has what the other lacks.

use std::collections::BTreeSet;

use makegood_edge::routes::ROUTES;
use makegood_openapi::{document, files, operations};
use serde_json::Value;

fn made() -> Value {
    document(&operations())
}

#[test]
fn what_is_checked_in_is_what_the_code_makes() {
    for (name, text) in files() {
        let path = format!("{}/../../functions/debug/src/{name}", env!("CARGO_MANIFEST_DIR"));
        let there = std::fs::read_to_string(&path).unwrap();
        // Not assert_eq: both would be printed whole.
        if there != text {
            let line = there.lines().zip(text.lines()).position(|(there, made)| there != made);
            panic!("{name} is not what the code makes, from line {line:?} on: run `cargo run -p makegood-openapi`");
        }
    }
}

/// Every address and method that the functions' routers know.
fn served() -> BTreeSet<(String, String)> {
    fn of<O: Copy>(addresses: &[makegood_edge::addresses::Address<O>]) -> Vec<(String, String)> {
        let all = addresses.iter().flat_map(|one| one.methods.iter().map(|(method, _)| (one.path, *method)));
        all.filter(|(_, method)| *method != "HEAD")
            .map(|(path, method)| (path.to_owned(), method.to_lowercase()))
            .collect()
    }
    [
        of(&makegood_chat::ADDRESSES),
        of(&makegood_intent::ADDRESSES),
        of(&makegood_execute::ADDRESSES),
        of(&makegood_webhook::ADDRESSES),
        of(&makegood_debug::ADDRESSES),
    ]
    .concat()
    .into_iter()
    .collect()
}

#[test]
fn every_address_of_the_code_is_in_the_document_and_no_other() {
    let document = made();
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())))
        .collect();
    assert_eq!(described, served());
}

#[test]
fn every_route_of_the_platforms_leads_to_something_that_is_described() {
    let leads = |route: &str, path: &str| match route.strip_suffix("/...") {
        None => path == route,
        Some(base) => path == base || path.starts_with(&format!("{base}/")),
    };
    let served = served();
    for (route, function) in ROUTES {
        assert!(served.iter().any(|(path, _)| leads(route, path)), "{route} of {function}");
    }
    for (path, method) in served {
        assert!(ROUTES.iter().any(|(route, _)| leads(route, &path)), "{method} {path} is reached by no route");
    }
}

#[test]
fn operations_have_names_of_their_own_and_lead_to_ones_that_there_are() {
    let operations = operations();
    let ids: BTreeSet<&str> = operations.iter().map(|one| one.operation.id).collect();
    assert_eq!(ids.len(), operations.len(), "{ids:?}");
    for one in &operations {
        let says = &one.operation;
        assert!(!says.summary.is_empty() && !says.summary.ends_with('.'), "{}", says.id);
        assert!(!says.answers.is_empty() || says.id == "receiveWebhook", "{} never answers", says.id);
        for (operation, _, _) in says.answers.iter().flat_map(|answer| &answer.links) {
            assert!(ids.contains(operation), "{} leads to {operation}", says.id);
        }
        let named = one.path.split('/').filter(|piece| piece.starts_with('{')).count();
        let described = says.parameters.iter().filter(|one| one.required).count();
        assert_eq!(named, described, "the parameters of {}", one.path);
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(at) = fields.get("$ref").and_then(Value::as_str) {
                    found.insert(at.to_owned());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = made();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    let names: BTreeSet<String> = found.iter().map(|at| at.rsplit('/').next().unwrap().to_owned()).collect();
    for at in &found {
        assert!(document.pointer(&at[1..]).is_some(), "{at} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(names.contains(name), "nothing refers to the schema {name}");
    }
}

#[test]
fn the_page_has_every_operation_and_nothing_from_elsewhere() {
    let [_, (_, page)] = files();
    for one in operations() {
        assert!(page.contains(&format!("id=\"{}\"", one.operation.id)), "{}", one.operation.id);
    }
    for foreign in ["http://", "https://", "<script", "style=", "onclick"] {
        let lower = page.to_lowercase();
        let mut all = lower.match_indices(foreign).map(|(at, _)| &lower[at..]);
        // The dialect of the schemas, and an address in an example, which nothing follows.
        let known =
            |at: &str| ["https://json-schema.org", "https://hooks.example.com/"].iter().any(|is| at.starts_with(is));
        assert!(all.all(known), "{foreign}");
    }
}
