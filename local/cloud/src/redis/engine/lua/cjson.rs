//! The library `cjson`: JSON as Lua tables. Texts and limits are those of
//! lua-cjson 2.1 in Redis; where a text does not parse, only the position is.

use mlua::{Lua, Result, Table, Value};
use serde_json::Value as Json;

use super::{convert, general, raised};

/// Of lua-cjson it is 1000, for which a thread's stack is too small here.
const DEPTH: usize = 128;
/// A longer array with more than half of it missing is refused.
const SPARSE_FROM: usize = 10;

pub fn library(lua: &Lua) -> Result<Table> {
    let cjson = lua.create_table()?;
    cjson.raw_set("null", Value::NULL)?;
    cjson.raw_set(
        "encode",
        lua.create_function(|lua, value: Value| {
            let mut out = Vec::new();
            encode(&value, 0, &mut out)?.map_err(|problem| raised::text(lua, &problem))?;
            lua.create_string(out)
        })?,
    )?;
    cjson.raw_set(
        "decode",
        lua.create_function(|lua, text: mlua::String| {
            let parsed: Json = serde_json::from_slice(&text.as_bytes()).map_err(|error| {
                let place = error.column().max(1);
                raised::text(lua, &format!("Expected value but found invalid token at character {place}"))
            })?;
            decode(lua, &parsed)
        })?,
    )?;
    Ok(cjson)
}

/// The outer result is of Lua itself, the inner one says why there is no JSON.
fn encode(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<std::result::Result<(), String>> {
    if let Value::Table(table) = value {
        if depth >= DEPTH {
            return Ok(Err(format!("Cannot serialise, excessive depth ({})", depth + 1)));
        }
        return match array_length(table)? {
            Some(length) if length > 0 => {
                let items = table.clone().pairs::<Value, Value>().count();
                if length > SPARSE_FROM && length > 2 * items {
                    return Ok(Err("Cannot serialise table: excessively sparse array".to_owned()));
                }
                encode_array(table, length, depth, out)
            }
            Some(_) | None => encode_object(table, depth, out),
        };
    }
    if let Value::String(text) = value {
        encode_text(&text.as_bytes(), out);
    } else if let Some(number) = convert::number(value) {
        if !number.is_finite() {
            return Ok(Err("Cannot serialise number: must not be NaN or Inf".to_owned()));
        }
        out.extend_from_slice(general::print(number, 14).as_bytes());
    } else if let Value::Boolean(yes) = value {
        out.extend_from_slice(if *yes { b"true" } else { b"false" });
    } else if value.is_nil() || value.is_null() {
        out.extend_from_slice(b"null");
    } else {
        return Ok(Err(format!("Cannot serialise {}: type not supported", value.type_name())));
    }
    Ok(Ok(()))
}

/// The highest index of a table that has nothing but positive integer keys.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive integer")]
fn array_length(table: &Table) -> Result<Option<usize>> {
    let mut length = 0;
    for pair in table.clone().pairs::<Value, Value>() {
        match convert::number(&pair?.0) {
            Some(index) if index >= 1.0 && index.fract() == 0.0 => length = length.max(index as usize),
            Some(_) | None => return Ok(None),
        }
    }
    Ok(Some(length))
}

fn encode_array(
    table: &Table,
    length: usize,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<std::result::Result<(), String>> {
    for i in 1..=length {
        out.push(if i == 1 { b'[' } else { b',' });
        if let Err(problem) = encode(&table.raw_get(i)?, depth + 1, out)? {
            return Ok(Err(problem));
        }
    }
    out.push(b']');
    Ok(Ok(()))
}

fn encode_object(table: &Table, depth: usize, out: &mut Vec<u8>) -> Result<std::result::Result<(), String>> {
    out.push(b'{');
    let mut first = true;
    for pair in table.clone().pairs::<Value, Value>() {
        let (name, value) = pair?;
        if !std::mem::replace(&mut first, false) {
            out.push(b',');
        }
        if let Value::String(text) = &name {
            encode_text(&text.as_bytes(), out);
        } else if let Some(number) = convert::number(&name) {
            encode_text(general::print(number, 14).as_bytes(), out);
        } else {
            return Ok(Err("Cannot serialise table: table key must be a number or string".to_owned()));
        }
        out.push(b':');
        if let Err(problem) = encode(&value, depth + 1, out)? {
            return Ok(Err(problem));
        }
    }
    out.push(b'}');
    Ok(Ok(()))
}

fn encode_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' | b'/' => out.extend_from_slice(&[b'\\', *byte]),
            8 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..=31 | 127 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

fn decode(lua: &Lua, json: &Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::NULL,
        Json::Bool(yes) => Value::Boolean(*yes),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) => {
            let items = items.iter().map(|item| decode(lua, item)).collect::<Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(items)?)
        }
        Json::Object(fields) => {
            let table = lua.create_table_with_capacity(0, fields.len())?;
            for (name, value) in fields {
                table.raw_set(name.as_str(), decode(lua, value)?)?;
            }
            Value::Table(table)
        }
    })
}
