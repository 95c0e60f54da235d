//! Puts the document together (OpenAPI 3.1.1).

use std::collections::BTreeMap;

use makegood_edge::core::error::Code;
use makegood_edge::describe::{Answer, Described, Operation, Parameter, Place, Tag, Who, shape};
use makegood_edge::door::SESSION;
use makegood_edge::problem::title;
use serde_json::{Map, Value, json};

use crate::schemas::{Schemas, rename};

const ABOUT: &str = "Say what you want done: it gets done, or it is made good. A message, or a plan of yours, becomes a \
    durable saga; once it is accepted it is carried out to its end, or what was done of it is undone.\n\n\
    Every refusal is a problem (RFC 9457) with a stable `code` for programs and a sentence for people. Times are \
    milliseconds since 1970, spans are milliseconds. Bodies are JSON of at most 1 MiB, whatever their `Content-Type` \
    says. Fields that an answer does not have today may be in it tomorrow. `HEAD` is `GET` without the body.";

/// The document of some operations.
#[must_use]
pub fn document(operations: &[Described]) -> Value {
    let mut schemas = Schemas::new();
    let code = schemas.answer(shape::<Code>());
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut requests = Vec::new();
    for Described { path, method, operation } in operations {
        let mut written = write(operation, method, &mut schemas);
        if let Some(body) = &operation.body {
            let examples: Map<String, Value> =
                body.examples.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value}))).collect();
            let schema = schemas.request(body.shape);
            written["requestBody"] = json!({
                "required": body.required, "content": {body.media: {"schema": schema, "examples": examples}},
            });
            requests.push((*path, method.to_lowercase()));
        }
        paths.entry(path).or_default().insert(method.to_lowercase(), written);
    }
    let (mut components, own) = schemas.take();
    for (path, method) in requests {
        if let Some(body) = paths.get_mut(path).and_then(|methods| methods.get_mut(&method)) {
            rename(&mut body["requestBody"], &own);
        }
    }
    components.insert("Problem".to_owned(), problem(&code));
    let used = |tag: &Tag| operations.iter().any(|one| one.operation.tag == *tag);
    let tags: Vec<Value> = Tag::ALL
        .into_iter()
        .filter(used)
        .map(|tag| json!({"name": tag.name(), "description": tag.meaning()}))
        .collect();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Makegood", "version": env!("CARGO_PKG_VERSION"), "summary": "Agents that act, durably.",
            "description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/", "description": "The installation that serves this document."}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "Who asks: a token of an issuer that this installation trusts. Where it allows that, \
                        who sends none is `anonymous`.",
                },
                "key": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "mk_<id>_<secret>",
                    "description": "An API key, for machines, in place of a token. It has scopes: without the one that a \
                        request needs, it is refused as `forbidden`.",
                },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": SESSION,
                    "description": "A token, as browsers keep it: by `/debug/login`, or by the application that signs \
                        users in.",
                },
                "queue": {
                    "type": "apiKey", "in": "header", "name": "upstash-signature",
                    "description": "A JWT over the address and the body, by one of the queue's two keys.",
                },
            },
            "schemas": components,
        },
    })
}

fn problem(code: &Value) -> Value {
    json!({
        "type": "object",
        "description": "Why a request was refused (RFC 9457).",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string", "description": "What the code says in a few words."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": code,
            "detail": {"type": "string", "description": "What is wrong with this request, and what to do next."},
            "violations": {
                "type": "array", "items": {"$ref": "#/components/schemas/Violation"},
                "description": "Of a plan that is refused: every rule that it breaks, up to 16, with the step.",
            },
        },
        "example": {
            "type": "about:blank", "title": title(Code::NotFound), "status": 404, "code": "not_found",
            "detail": "You have no such saga.",
        },
    })
}

fn write(operation: &Operation, method: &str, schemas: &mut Schemas) -> Value {
    let mut responses: BTreeMap<u16, Value> = BTreeMap::new();
    for answer in &operation.answers {
        responses.insert(answer.status, answered(answer, schemas));
    }
    for (status, codes) in by_status(&operation.refusals) {
        let refused = refused(&codes, operation.refuses_as);
        match responses.get_mut(&status) {
            None => drop(responses.insert(status, refused)),
            // An address may say the same number in two ways.
            Some(there) => {
                let told = format!("{} {}", text(&there["description"]), text(&refused["description"]));
                there["description"] = json!(told);
                there["content"][operation.refuses_as] = refused["content"][operation.refuses_as].clone();
            }
        }
    }
    let mut written = json!({
        "operationId": operation.id, "tags": [operation.tag.name()], "summary": operation.summary,
        "responses": responses.into_iter().map(|(status, one)| (status.to_string(), one)).collect::<Map<_, _>>(),
        "security": match operation.who {
            Who::Anyone => json!([]),
            // Browsers send a cookie with whatever any page asks for: it is heeded where nothing is changed.
            Who::User if method == "GET" => json!([{"bearer": []}, {"key": []}, {"session": []}]),
            Who::User => json!([{"bearer": []}, {"key": []}]),
            Who::Queue => json!([{"queue": []}]),
        },
    });
    if !operation.meaning.is_empty() {
        written["description"] = json!(operation.meaning);
    }
    if !operation.parameters.is_empty() {
        written["parameters"] = operation.parameters.iter().map(parameter).collect();
    }
    written
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    json!({
        "name": parameter.name, "in": place, "required": parameter.required, "description": parameter.meaning,
        "schema": parameter.schema, "example": parameter.example,
    })
}

fn answered(answer: &Answer, schemas: &mut Schemas) -> Value {
    let mut content = Map::new();
    for (media, shape) in &answer.content {
        content.insert((*media).to_owned(), json!({"schema": schemas.answer(*shape)}));
    }
    let mut written = json!({"description": answer.meaning});
    if !content.is_empty() {
        written["content"] = Value::Object(content);
    }
    if !answer.links.is_empty() {
        let link = |(operation, name, pointer): &(&str, &str, &str)| {
            let from = json!({"operationId": operation, "parameters": {*name: format!("$response.body#{pointer}")}});
            ((*operation).to_owned(), from)
        };
        written["links"] = Value::Object(answer.links.iter().map(link).collect());
    }
    written
}

fn by_status(codes: &[Code]) -> BTreeMap<u16, Vec<Code>> {
    let mut found: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        found.entry(code.status()).or_default().push(*code);
    }
    found
}

fn refused(codes: &[Code], media: &str) -> Value {
    let told: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), title(*code).trim_end_matches('?'))).collect();
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let schema = if media.starts_with("text/") {
        json!({"type": "string"})
    } else {
        json!({"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": names}}}]})
    };
    let mut written = json!({"description": told.join(" "), "content": {media: {"schema": schema}}});
    if codes.contains(&Code::MethodNotAllowed) {
        written["headers"] = json!({"Allow": {
            "required": true, "description": "The methods that there are (RFC 9110, section 10.2.1).",
            "schema": {"type": "string"},
        }});
    }
    if codes.iter().any(|code| code.retry() == makegood_edge::core::error::Retry::After) {
        written["headers"] = json!({"Retry-After": {
            "description": "Seconds, after which the same request may succeed.", "schema": {"type": "integer", "minimum": 0},
        }});
    }
    written
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
