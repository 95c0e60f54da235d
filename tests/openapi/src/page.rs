//! The document as a page: readable without a script, with nothing from elsewhere.

use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};

/// The page of a document.
#[must_use]
pub fn page(document: &Value) -> String {
    let info = &document["info"];
    let tags = list(&document["tags"]);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "API · Makegood" }
                link rel="stylesheet" href="/debug/debug.css";
                link rel="stylesheet" href="/debug/docs.css";
                link rel="icon" href="data:,";
            }
            body {
                header {
                    a class="home" href="/debug/sagas" { "Makegood" }
                    span class="muted" { "the API, version " (text(&info["version"])) }
                }
                main {
                    h1 { (text(&info["title"])) " API" }
                    @for paragraph in text(&info["description"]).split("\n\n") { p { (prose(paragraph)) } }
                    p { "For programs: " a href="/api/openapi.json" { "the same as OpenAPI " (text(&document["openapi"])) } }
                    nav aria-label="Groups" {
                        @for tag in tags { a href={ "#" (anchor(text(&tag["name"]))) } { (text(&tag["name"])) } }
                        a href="#schemas" { "Schemas" }
                    }
                    @for tag in tags { (group(document, tag)) }
                    (schemas(document))
                }
            }
        }
    };
    format!("{}\n", page.into_string())
}

fn group(document: &Value, tag: &Value) -> Markup {
    let name = text(&tag["name"]);
    html! {
        section aria-labelledby=(anchor(name)) {
            h2 id=(anchor(name)) { (name) }
            p class="muted" { (prose(text(&tag["description"]))) }
            @for (path, methods) in fields(&document["paths"]) {
                @for (method, operation) in fields(methods) {
                    @if operation["tags"][0] == tag["name"] { (one(path, method, operation)) }
                }
            }
        }
    }
}

fn one(path: &str, method: &str, operation: &Value) -> Markup {
    let id = text(&operation["operationId"]);
    let sent = operation["requestBody"]["content"].as_object();
    let body = sent.and_then(|media| media.values().next()).unwrap_or(&Value::Null);
    html! {
        article id=(id) {
            h3 { code class="method" { (method.to_uppercase()) } " " code { (path) } }
            p { (text(&operation["summary"])) "." }
            @if !operation["description"].is_null() { p { (prose(text(&operation["description"]))) } }
            p class="muted" { (who(operation)) " Operation " code { (id) } "." }
            @if operation["parameters"].is_array() {
                table class="cards" {
                    thead { tr { th scope="col" { "Parameter" } th scope="col" { "In" } th scope="col" { "What" } th scope="col" { "Schema" } } }
                    tbody {
                        @for parameter in list(&operation["parameters"]) {
                            tr {
                                th scope="row" { code { (text(&parameter["name"])) } }
                                td data-label="In" { (text(&parameter["in"])) @if parameter["required"] != true { ", optional" } }
                                td data-label="What" { (prose(text(&parameter["description"]))) }
                                td data-label="Schema" { code { (parameter["schema"].to_string()) } }
                            }
                        }
                    }
                }
            }
            @if !body.is_null() {
                p {
                    "Takes " (named(&body["schema"]))
                    @if operation["requestBody"]["required"] != true { ", or nothing" } "."
                }
                @for (name, example) in fields(&body["examples"]).take(1) {
                    details {
                        summary { "Example: " (name) }
                        pre tabindex="0" { code { (format!("{:#}", example["value"])) } }
                    }
                }
            }
            table class="cards" {
                thead { tr { th scope="col" { "Status" } th scope="col" { "What" } th scope="col" { "As" } } }
                tbody {
                    @for (status, response) in fields(&operation["responses"]) {
                        tr {
                            th scope="row" { (status) }
                            td data-label="What" { (prose(text(&response["description"]))) }
                            td data-label="As" { (content(&response["content"])) }
                        }
                    }
                }
            }
        }
    }
}

fn who(operation: &Value) -> &'static str {
    match operation["security"][0].as_object().and_then(|scheme| scheme.keys().next()).map(String::as_str) {
        Some("bearer") => "For users, with a token or an API key.",
        Some(_) => "For the queue, which signs.",
        None => "For anyone.",
    }
}

fn content(content: &Value) -> Markup {
    html! {
        @for (media, body) in fields(content) {
            div {
                (named(&body["schema"])) " "
                @if media != "application/json" && media != "application/problem+json" { span class="muted" { (media) } }
            }
        }
    }
}

/// A schema by its name, with a link to it.
fn named(schema: &Value) -> Markup {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    let name = reference.and_then(|at| at.rsplit('/').next());
    html! {
        @match name {
            Some(name) => a href={ "#schema-" (name) } { code { (name) } },
            None => span class="muted" { (schema["type"].as_str().unwrap_or("JSON")) },
        }
    }
}

fn schemas(document: &Value) -> Markup {
    html! {
        section aria-labelledby="schemas" {
            h2 id="schemas" { "Schemas" }
            @for (name, schema) in fields(&document["components"]["schemas"]) {
                details id={ "schema-" (name) } {
                    summary { code { (name) } " " (prose(text(&schema["description"]))) }
                    @if !properties(schema).is_empty() { (table(schema)) } @else {
                        pre tabindex="0" { code { (format!("{schema:#}")) } }
                    }
                }
            }
        }
    }
}

fn properties(schema: &Value) -> Vec<(&str, &Value)> {
    fields(&schema["properties"]).collect()
}

fn table(schema: &Value) -> Markup {
    let required = list(&schema["required"]);
    html! {
        table class="cards" {
            thead { tr { th scope="col" { "Field" } th scope="col" { "Type" } th scope="col" { "What" } } }
            tbody {
                @for (name, field) in properties(schema) {
                    tr {
                        th scope="row" {
                            code { (name) }
                            @if !required.iter().any(|one| one == name) { " " span class="muted" { "optional" } }
                        }
                        td data-label="Type" { (kind(field)) }
                        td data-label="What" { (prose(text(&field["description"]))) }
                    }
                }
            }
        }
        @if schema["oneOf"].is_array() { pre tabindex="0" { code { (format!("{:#}", schema["oneOf"])) } } }
    }
}

/// A field's type in a few words.
fn kind(field: &Value) -> Markup {
    let either = field["anyOf"].as_array().or_else(|| field["oneOf"].as_array());
    html! {
        @if let Some(either) = either {
            @for (place, one) in either.iter().enumerate() { @if place > 0 { " or " } (kind(one)) }
        } @else if field["$ref"].is_string() {
            (named(field))
        } @else if field["items"].is_object() {
            "list of " (kind(&field["items"]))
        } @else if let Some(kinds) = field["type"].as_array() {
            (kinds.iter().map(text).collect::<Vec<_>>().join(" or "))
        } @else {
            (field["type"].as_str().unwrap_or("any JSON"))
        }
    }
}

/// A text in which names stand between backticks.
fn prose(written: &str) -> Markup {
    html! {
        @for (place, piece) in written.split('`').enumerate() {
            @if place % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

fn anchor(name: &str) -> String {
    name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}
