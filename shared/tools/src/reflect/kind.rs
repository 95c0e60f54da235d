//! The types of PostgreSQL, as JSON and as Rust: as `to_jsonb` writes them, and as it reads them again.

use serde_json::{Map, Value, json};

use super::catalogue::{Catalogue, Type};
use super::check::{self, Condition};

/// Any JSON, in Rust.
const JSON: &str = "makegood_tools::Json";

/// What a type is in the two worlds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind {
    /// JSON Schema, without `null`.
    pub schema: Map<String, Value>,
    /// The Rust type, without `Option`.
    pub rust: String,
    /// What both lack.
    pub notes: Vec<String>,
    /// Of its domains.
    pub checks: Vec<Condition>,
    pub not_null: bool,
    /// It is text here and there, so that its length is the same number in both.
    pub is_text: bool,
}

impl Kind {
    fn new(schema: Value, rust: &str) -> Self {
        let schema = match schema {
            Value::Object(schema) => schema,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        };
        Self { schema, rust: rust.to_owned(), notes: Vec::new(), checks: Vec::new(), not_null: false, is_text: false }
    }

    fn noted(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Whether the items of an array may be NULL: PostgreSQL has no word for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Items {
    Present,
    MayBeNull,
}

/// The type with `oid`; `enums` gets the enums that it is made of.
pub(super) fn of<'c>(
    catalogue: &'c Catalogue,
    oid: u64,
    modifier: i64,
    items: Items,
    enums: &mut Vec<&'c Type>,
) -> Kind {
    let Some(kind) = catalogue.kind(oid) else {
        return Kind::new(json!({}), JSON).noted("a type that the catalogue lacks");
    };
    if let Some(base) = kind.base {
        // A domain has its base's length, whatever the column says.
        let mut of_base = of(catalogue, base, kind.modifier, items, enums);
        of_base.checks.extend(check::of_domain(kind));
        of_base.not_null |= kind.not_null;
        return of_base;
    }
    if let Some(element) = kind.element {
        return array(of(catalogue, element, modifier, items, enums), items);
    }
    if kind.kind == "e" {
        if !enums.contains(&kind) {
            enums.push(kind);
        }
        return Kind::new(json!({"type": "string", "enum": kind.labels}), &super::rust::type_name(&kind.name));
    }
    base(kind, modifier)
}

fn array(element: Kind, items: Items) -> Kind {
    let Kind { mut schema, rust, notes, checks, not_null, is_text: _ } = element;
    let mut notes: Vec<String> = notes.into_iter().map(|note| format!("of each item: {note}")).collect();
    notes.extend(checks.into_iter().map(|check| format!("of each item: {}", check.text)));
    let rust = if items == Items::MayBeNull && !not_null {
        or_null(&mut schema);
        format!("Vec<Option<{rust}>>")
    } else {
        format!("Vec<{rust}>")
    };
    let kind = Kind::new(json!({"type": "array", "items": schema}), &rust);
    Kind { notes, ..kind }
}

/// Allows `null` beside what the schema allows.
pub(super) fn or_null(schema: &mut Map<String, Value>) {
    if let Some(kind @ Value::String(_)) = schema.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}

fn base(kind: &Type, modifier: i64) -> Kind {
    let text = || Kind::new(json!({"type": "string"}), "String");
    let whole = |least: Option<i64>, most: Option<i64>, rust| {
        let mut whole = Kind::new(json!({"type": "integer"}), rust);
        whole.schema.extend(least.map(|least| ("minimum".to_owned(), least.into())));
        whole.schema.extend(most.map(|most| ("maximum".to_owned(), most.into())));
        whole
    };
    let format = |format: &str| Kind::new(json!({"type": "string", "format": format}), "String");
    match kind.name.as_str() {
        "bool" => Kind::new(json!({"type": "boolean"}), "bool"),
        "int2" => whole(Some(i16::MIN.into()), Some(i16::MAX.into()), "i16"),
        "int4" => whole(Some(i32::MIN.into()), Some(i32::MAX.into()), "i32"),
        "int8" => whole(None, None, "i64"),
        "float4" => Kind::new(json!({"type": "number"}), "f32"),
        "float8" => Kind::new(json!({"type": "number"}), "f64"),
        "numeric" => numeric(modifier),
        "varchar" | "bpchar" => {
            let mut limited = Kind { is_text: true, ..text() };
            let most = modifier.checked_sub(4).filter(|most| *most > 0);
            limited.schema.extend(most.map(|most| ("maxLength".to_owned(), most.into())));
            limited
        }
        "text" | "citext" | "name" => Kind { is_text: true, ..text() },
        "date" => format("date"),
        "time" | "timetz" => format("time"),
        "timestamptz" => format("date-time"),
        "timestamp" => text().noted("a date and a time without a zone, which no format is for"),
        "uuid" => text().noted("a UUID"),
        "interval" => text().noted("an interval"),
        "inet" | "cidr" => text().noted("a network address"),
        "bytea" => text().noted("bytes, as `\\x` and hexadecimal digits"),
        "json" | "jsonb" => Kind::new(json!({}), JSON),
        _ => {
            let note = format!("the type {}.{}, of which any JSON is taken here", kind.schema, kind.name);
            Kind::new(json!({}), JSON).noted(note)
        }
    }
}

/// `numeric(p, s)` is below 10 to the power of `p - s`, in steps of 10 to the power of `-s`.
fn numeric(modifier: i64) -> Kind {
    let number = Kind::new(json!({"type": "number"}), "f64");
    let Some(packed) = modifier.checked_sub(4).filter(|packed| *packed >= 0) else {
        return number.noted("a decimal of any length, of which JSON's readers keep some 15 digits");
    };
    // The scale is 11 bits with a sign.
    let (precision, scale) = ((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024);
    if scale == 0 && precision <= 18 {
        let mut whole = Kind::new(json!({"type": "integer"}), "i64");
        if let Some(bound) = u32::try_from(precision).ok().and_then(|precision| 10_i64.checked_pow(precision)) {
            whole.schema.insert("exclusiveMinimum".to_owned(), (-bound).into());
            whole.schema.insert("exclusiveMaximum".to_owned(), bound.into());
        }
        return whole;
    }
    let power = |exponent: i64| format!("1e{exponent}").parse::<f64>().ok().map(Value::from);
    let mut number = number;
    if let (Some(bound), Some(step)) = (power(precision - scale), power(-scale)) {
        number.schema.insert("exclusiveMinimum".to_owned(), json!(-bound.as_f64().unwrap_or_default()));
        number.schema.insert("exclusiveMaximum".to_owned(), bound);
        number.schema.insert("multipleOf".to_owned(), step);
    }
    if precision > 15 { number.noted("a decimal, of which JSON's readers keep some 15 digits") } else { number }
}
