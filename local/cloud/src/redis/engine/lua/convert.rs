//! Values between Redis and Lua (RESP2, as of Redis 7).

use bytes::Bytes;
use mlua::{Lua, Result, Table, Value};

use super::{Reply, general, raised};

/// How deep a script's reply may nest, and of how many values it may consist.
const DEPTH: usize = 100;
const VALUES: usize = 4_000_000;

pub fn to_lua(lua: &Lua, reply: Reply) -> Result<Value> {
    Ok(match reply {
        Reply::Status(text) => Value::Table(single(lua, "ok", &text)?),
        Reply::Error(text) => Value::Table(single(lua, "err", &text)?),
        Reply::Int(n) => Value::Number(to_number(n)),
        Reply::Bulk(bytes) => Value::String(lua.create_string(&bytes)?),
        Reply::Nil => Value::Boolean(false),
        Reply::Array(items) => {
            let items = items.into_iter().map(|item| to_lua(lua, item)).collect::<Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(items)?)
        }
    })
}

pub fn single(lua: &Lua, field: &str, text: &str) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set(field, text)?;
    Ok(table)
}

/// Lua 5.1 has doubles only: what exceeds 53 bits is rounded, in Redis too.
#[expect(clippy::cast_precision_loss, reason = "the same loss as in Redis")]
fn to_number(n: i64) -> f64 {
    n as f64
}

/// A number, which the binding tells apart from one without a fraction.
pub fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_i64().map(to_number))
}

/// One argument of `redis.call`.
pub fn to_argument(value: &Value) -> Option<Bytes> {
    if let Value::String(text) = value {
        return Some(Bytes::copy_from_slice(&text.as_bytes()));
    }
    number(value).map(|number| general::print(number, 17).into())
}

/// What a script returned, as a reply.
pub fn to_reply(value: &Value) -> Result<Reply> {
    let mut budget = VALUES;
    nested(value, DEPTH, &mut budget)
}

fn nested(value: &Value, depth: usize, budget: &mut usize) -> Result<Reply> {
    *budget = budget.saturating_sub(1);
    if depth == 0 || *budget == 0 {
        return Err(raised::table("ERR reached lua stack limit"));
    }
    if let Value::String(text) = value {
        return Ok(Reply::Bulk(Bytes::copy_from_slice(&text.as_bytes())));
    }
    if let Value::Boolean(yes) = value {
        return Ok(if *yes { Reply::Int(1) } else { Reply::Nil });
    }
    if let Some(number) = number(value) {
        return Ok(Reply::Int(truncated(number)));
    }
    // Functions, threads and the rest have no form on the wire.
    let Value::Table(table) = value else {
        return Ok(Reply::Nil);
    };
    of_table(table, depth, budget)
}

/// As C's conversion does on x86: what does not fit becomes the least integer.
#[expect(clippy::cast_possible_truncation, reason = "truncation is what Redis documents")]
fn truncated(number: f64) -> i64 {
    if (-9.3e18..9.223_372_036_854_775e18).contains(&number) { number as i64 } else { i64::MIN }
}

fn of_table(table: &Table, depth: usize, budget: &mut usize) -> Result<Reply> {
    let one_line = |text: &mlua::String| text.to_string_lossy().replace(['\r', '\n'], " ");
    let field = |name: &str| table.raw_get::<Value>(name);
    if let Value::String(text) = field("err")? {
        return Ok(Reply::Error(one_line(&text)));
    }
    if let Value::String(text) = field("ok")? {
        return Ok(Reply::Status(one_line(&text).into()));
    }
    if let Some(number) = number(&field("double")?) {
        return Ok(Reply::bulk(general::print(number, 17)));
    }
    if let Value::Table(map) = field("map")? {
        let mut items = Vec::new();
        for pair in map.pairs::<Value, Value>() {
            let (name, value) = pair?;
            items.push(nested(&name, depth - 1, budget)?);
            items.push(nested(&value, depth - 1, budget)?);
        }
        return Ok(Reply::Array(items));
    }
    if let Value::Table(set) = field("set")? {
        let members = set.pairs::<Value, Value>().map(|pair| nested(&pair?.0, depth - 1, budget));
        return Ok(Reply::Array(members.collect::<Result<_>>()?));
    }
    if let Value::String(digits) = field("big_number")? {
        return Ok(Reply::bulk(one_line(&digits)));
    }
    let mut items = Vec::new();
    for i in 1_i64.. {
        let item: Value = table.raw_get(i)?;
        if item.is_nil() || *budget == 0 {
            break;
        }
        items.push(nested(&item, depth - 1, budget)?);
    }
    Ok(Reply::Array(items))
}
