//! Results as Neon's JSON, written straight from the rows: values as raw text or converted by type,
//! rows as objects or arrays.

use crate::rows::{Field, Rows};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// How a result is written.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Values stay PostgreSQL text.
    pub raw: bool,
    /// Rows are arrays, not objects.
    pub arrays: bool,
}

pub(super) fn single(rows: &Rows, shape: Shape) -> impl Serialize {
    Answer {
        fields: rows.fields.iter().map(FieldJson::from).collect(),
        rows: Table { rows, shape },
        command: &rows.command,
        row_count: rows.count,
        row_as_array: shape.arrays,
    }
}

pub(super) fn batch(answers: &[Rows], shapes: impl Iterator<Item = Shape>) -> impl Serialize {
    #[derive(Serialize)]
    struct Batch<T> {
        results: Vec<T>,
    }
    Batch { results: answers.iter().zip(shapes).map(|(rows, shape)| single(rows, shape)).collect() }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    fields: Vec<FieldJson<'a>>,
    rows: Table<'a>,
    command: &'a str,
    row_count: Option<u64>,
    row_as_array: bool,
}

#[derive(Serialize)]
struct FieldJson<'a> {
    name: &'a str,
    #[serde(rename = "dataTypeID")]
    type_oid: u32,
    #[serde(rename = "tableID")]
    table_oid: u32,
    #[serde(rename = "columnID")]
    column: i16,
    #[serde(rename = "dataTypeSize")]
    type_size: i16,
    #[serde(rename = "dataTypeModifier")]
    type_modifier: i32,
    format: &'static str,
}

impl<'a> From<&'a Field> for FieldJson<'a> {
    fn from(field: &'a Field) -> Self {
        Self {
            name: &field.name,
            type_oid: field.type_oid,
            table_oid: field.table_oid,
            column: field.column,
            type_size: field.type_size,
            type_modifier: field.type_modifier,
            format: "text",
        }
    }
}

struct Table<'a> {
    rows: &'a Rows,
    shape: Shape,
}

impl Serialize for Table<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { rows: Rows { fields, rows, .. }, shape } = *self;
        serializer.collect_seq(rows.iter().map(|cells| Row { fields, cells, shape }))
    }
}

struct Row<'a> {
    fields: &'a [Field],
    cells: &'a [Option<String>],
    shape: Shape,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.fields.iter().zip(self.cells).map(|(field, text)| Cell {
            type_oid: if self.shape.raw { oid::TEXT } else { field.type_oid },
            text: text.as_deref(),
        });
        if self.shape.arrays {
            return serializer.collect_seq(cells);
        }
        let mut map = serializer.serialize_map(None)?;
        for (index, (field, cell)) in self.fields.iter().zip(cells).enumerate() {
            // Of columns with one name the last wins.
            if self.fields.iter().skip(index + 1).all(|later| later.name != field.name) {
                map.serialize_entry(&field.name, &cell)?;
            }
        }
        map.end()
    }
}

struct Cell<'a> {
    type_oid: u32,
    text: Option<&'a str>,
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(text) = self.text else {
            return serializer.serialize_none();
        };
        match self.type_oid {
            oid::BOOL => serializer.serialize_bool(text == "t"),
            oid::INT2 | oid::INT4 => match text.parse::<i32>() {
                Ok(number) => serializer.serialize_i32(number),
                Err(_) => serializer.serialize_str(text),
            },
            oid::FLOAT4 | oid::FLOAT8 => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => serializer.serialize_f64(number),
                _ => serializer.serialize_str(text),
            },
            oid::JSON | oid::JSONB => match serde_json::from_str::<&RawValue>(text) {
                Ok(json) => json.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
            array => match oid::element(array).zip(parse_array(text)) {
                Some((type_oid, items)) => ArrayCell { type_oid, items: &items }.serialize(serializer),
                None => serializer.serialize_str(text),
            },
        }
    }
}

struct ArrayCell<'a> {
    type_oid: u32,
    items: &'a [Item],
}

impl Serialize for ArrayCell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let type_oid = self.type_oid;
        let mut list = serializer.serialize_seq(Some(self.items.len()))?;
        for item in self.items {
            match item {
                Item::Text(text) => {
                    list.serialize_element(&Cell { type_oid, text: text.as_deref() })?;
                }
                Item::Nested(items) => list.serialize_element(&ArrayCell { type_oid, items })?,
            }
        }
        list.end()
    }
}

#[derive(Debug, PartialEq)]
enum Item {
    Text(Option<String>),
    Nested(Vec<Item>),
}

/// Reads an array literal such as `[0:1]={a,"b,c",NULL}`; the bounds are dropped and the delimiter is
/// taken to be a comma. `None` if it is no array literal.
fn parse_array(text: &str) -> Option<Vec<Item>> {
    let open = text.find('{')?;
    let (items, rest) = parse_items(text.get(open + 1..)?)?;
    rest.is_empty().then_some(items)
}

/// Reads up to and past the closing brace.
fn parse_items(mut rest: &str) -> Option<(Vec<Item>, &str)> {
    let mut items = Vec::new();
    if let Some(after) = rest.strip_prefix('}') {
        return Some((items, after));
    }
    loop {
        let item;
        (item, rest) = parse_item(rest)?;
        items.push(item);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((items, after));
        }
        rest = rest.strip_prefix(',')?;
    }
}

fn parse_item(rest: &str) -> Option<(Item, &str)> {
    if let Some(nested) = rest.strip_prefix('{') {
        let (items, rest) = parse_items(nested)?;
        return Some((Item::Nested(items), rest));
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut text = String::new();
        let mut characters = quoted.char_indices();
        loop {
            match characters.next()? {
                (end, '"') => return Some((Item::Text(Some(text)), quoted.get(end + 1..)?)),
                (_, '\\') => text.push(characters.next()?.1),
                (_, character) => text.push(character),
            }
        }
    }
    let (text, rest) = rest.split_at(rest.find([',', '}'])?);
    let text = (text != "NULL").then(|| text.to_owned());
    Some((Item::Text(text), rest))
}

/// Type oids of PostgreSQL's catalogue (`pg_type.dat`).
mod oid {
    pub const BOOL: u32 = 16;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const TEXT: u32 = 25;
    pub const JSON: u32 = 114;
    pub const FLOAT4: u32 = 700;
    pub const FLOAT8: u32 = 701;
    pub const JSONB: u32 = 3802;

    /// The element type of a built-in array type; [`TEXT`] for elements that stay text.
    pub fn element(array: u32) -> Option<u32> {
        Some(match array {
            1000 => BOOL,
            1005 => INT2,
            1007 => INT4,
            1021 => FLOAT4,
            1022 => FLOAT8,
            199 => JSON,
            3807 => JSONB,
            // xml, money, bytea, char, name, oidvector and kin, text, tid, xid, cid, bpchar, varchar,
            // int8, geometry, oid, inet, dates and times, intervals, numeric, bits, uuid, ranges.
            143
            | 271
            | 629
            | 651
            | 719
            | 775
            | 791
            | 1001..=1003
            | 1006
            | 1008..=1020
            | 1027
            | 1028
            | 1034
            | 1040
            | 1041
            | 1115
            | 1182
            | 1183
            | 1185
            | 1187
            | 1231
            | 1270
            | 1561
            | 1563
            | 2201
            | 2207..=2211
            | 2287
            | 2949
            | 2951
            | 3221
            | 3643..=3645
            | 3735
            | 3770
            | 3905
            | 3907
            | 3909
            | 3911
            | 3913
            | 3927
            | 4073
            | 4090
            | 4097 => TEXT,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(type_oid: u32, text: &str) -> String {
        serde_json::to_string(&Cell { type_oid, text: Some(text) }).unwrap()
    }

    #[test]
    fn values_are_converted_by_their_type() {
        assert_eq!(converted(oid::BOOL, "t"), "true");
        assert_eq!(converted(oid::INT2, "-7"), "-7");
        assert_eq!(converted(20, "9007199254740993"), r#""9007199254740993""#);
        assert_eq!(converted(oid::FLOAT8, "1.5"), "1.5");
        assert_eq!(converted(oid::FLOAT8, "NaN"), r#""NaN""#);
        assert_eq!(converted(oid::FLOAT4, "-Infinity"), r#""-Infinity""#);
        assert_eq!(converted(oid::JSONB, r#"{"a": 1}"#), r#"{"a": 1}"#);
    }

    #[test]
    fn arrays_are_converted_element_by_element() {
        assert_eq!(converted(1007, "{1,NULL,3}"), "[1,null,3]");
        assert_eq!(converted(1007, "{}"), "[]");
        assert_eq!(converted(1007, "[0:1]={1,2}"), "[1,2]");
        assert_eq!(converted(1007, "{{1,2},{3,4}}"), "[[1,2],[3,4]]");
        assert_eq!(converted(1009, r#"{a,"b,\"c}","NULL",""}"#), r#"["a","b,\"c}","NULL",""]"#);
        assert_eq!(converted(3807, r#"{"{\"a\": 1}"}"#), r#"[{"a": 1}]"#);
    }
}
