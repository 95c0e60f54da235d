//! The schemas of requests and answers, which of some types differ: what may be left out of a request may always be
//! there in an answer. Both stand under `components`; the request's has another name where it is another.

use std::collections::BTreeSet;

use makegood_edge::describe::Shape;
use makegood_edge::schemars::SchemaGenerator;
use makegood_edge::schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

const AT: &str = "#/components/schemas/";
/// What the name of a request's schema ends in where an answer has another by its name.
const GIVEN: &str = "Given";

/// Collects the schemas that operations refer to.
pub struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    pub fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self {
            requests: settings.clone().for_deserialize().into_generator(),
            answers: settings.for_serialize().into_generator(),
        }
    }

    pub fn request(&mut self, shape: Shape) -> Value {
        shape(&mut self.requests).to_value()
    }

    pub fn answer(&mut self, shape: Shape) -> Value {
        shape(&mut self.answers).to_value()
    }

    /// All of them, and the names of those that requests have for themselves.
    pub fn take(mut self) -> (Map<String, Value>, BTreeSet<String>) {
        let requests = self.requests.take_definitions(true);
        let mut all = self.answers.take_definitions(true);
        let mut own: BTreeSet<String> = BTreeSet::new();
        // What refers to a schema that differs differs too.
        loop {
            let differs = |(name, schema): &(&String, &Value)| {
                all.get(*name).is_some_and(|answer| answer != *schema)
                    || (all.contains_key(*name) && refers(schema, &own))
            };
            let found: BTreeSet<String> = requests.iter().filter(differs).map(|(name, _)| name.clone()).collect();
            if found.len() == own.len() {
                break;
            }
            own = found;
        }
        for (name, mut schema) in requests {
            rename(&mut schema, &own);
            let name = if own.contains(&name) { name + GIVEN } else { name };
            all.insert(name, schema);
        }
        all.values_mut().for_each(tidy);
        (all, own)
    }
}

/// That what may be left out is nothing if it is needs no word.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("default").is_some_and(Value::is_null) {
                fields.remove("default");
            }
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn refers(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(fields) => {
            fields.iter().any(|(key, value)| match value.as_str().and_then(|at| at.strip_prefix(AT)) {
                Some(name) if key == "$ref" => names.contains(name),
                Some(_) | None => refers(value, names),
            })
        }
        Value::Array(items) => items.iter().any(|item| refers(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Lets references to schemas that requests have for themselves say so.
pub fn rename(schema: &mut Value, own: &BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = value.as_str().and_then(|at| at.strip_prefix(AT)).filter(|_| key == "$ref");
                match name.filter(|name| own.contains(*name)) {
                    Some(name) => *value = Value::String(format!("{AT}{name}{GIVEN}")),
                    None => rename(value, own),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, own)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
