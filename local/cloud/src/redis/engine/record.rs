//! A record of the append-only file: the commands of one unit, all of which
//! are replayed or none, or, where it was rewritten, one key as it stood.

use bytes::{Buf as _, BufMut as _, Bytes};

use super::{
    store::{Hash, List, Set, Value},
    streams::packed,
    zset::Zset,
};
use crate::redis::Command;

const COMMANDS: u8 = b'C';
const ENTRY: u8 = b'E';
const GONE: u8 = b'G';

/// What a record says.
pub enum Record {
    /// What ran at a time.
    Commands(i64, Vec<Command>),
    /// A key with its value and its deadline.
    Entry(Bytes, Value, Option<i64>),
    /// A key that is no more.
    Gone(Bytes),
}

/// `commands`, as [`super::effects`] notes them.
pub fn of_commands(now: i64, commands: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(commands.len() + 9);
    out.put_u8(COMMANDS);
    out.put_i64_le(now);
    out.extend_from_slice(commands);
    out
}

/// The key as it stands; `None` where it does not exist.
pub fn of_entry(key: &[u8], entry: Option<(&Value, Option<i64>)>) -> Vec<u8> {
    let mut out = Vec::new();
    let Some((value, deadline)) = entry else {
        out.put_u8(GONE);
        put(&mut out, key);
        return out;
    };
    out.put_u8(ENTRY);
    put(&mut out, key);
    // There is no deadline before 1970.
    out.put_i64_le(deadline.unwrap_or(i64::MIN));
    put_value(&mut out, value);
    out
}

/// Reads a record; `None` where it is none.
pub fn read(mut record: &[u8]) -> Option<Record> {
    let from = &mut record;
    let read = match from.try_get_u8().ok()? {
        COMMANDS => {
            let now = from.try_get_i64_le().ok()?;
            let mut commands = Vec::new();
            while from.has_remaining() {
                commands.push(several(from, get)?);
            }
            Record::Commands(now, commands)
        }
        ENTRY => {
            let key = get(from)?;
            let deadline = from.try_get_i64_le().ok()?;
            Record::Entry(key, value(from)?, (deadline != i64::MIN).then_some(deadline))
        }
        GONE => Record::Gone(get(from)?),
        _ => return None,
    };
    record.is_empty().then_some(read)
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => {
            out.put_u8(b's');
            put(out, text);
        }
        Value::Hash(hash) => {
            out.put_u8(b'h');
            out.put_u32_le(length(hash.len()));
            for (name, value) in hash {
                put(out, name);
                put(out, value);
            }
        }
        Value::List(list) => {
            out.put_u8(b'l');
            out.put_u32_le(length(list.len()));
            list.iter().for_each(|item| put(out, item));
        }
        Value::Set(set) => {
            out.put_u8(b'm');
            out.put_u32_le(length(set.len()));
            set.iter().for_each(|member| put(out, member));
        }
        Value::Zset(zset) => {
            out.put_u8(b'z');
            out.put_u32_le(length(zset.len()));
            for (member, score) in zset.iter() {
                put(out, member);
                out.put_f64_le(score);
            }
        }
        Value::Stream(stream) => {
            out.put_u8(b'x');
            packed::put(out, stream);
        }
    }
}

fn value(from: &mut &[u8]) -> Option<Value> {
    Some(match from.try_get_u8().ok()? {
        b's' => Value::String(get(from)?),
        b'h' => Value::Hash(several::<_, Hash>(from, |from| Some((get(from)?, get(from)?)))?),
        b'l' => Value::List(several::<_, List>(from, get)?),
        b'm' => Value::Set(several::<_, Set>(from, get)?),
        b'z' => {
            let members: Vec<(Bytes, f64)> = several(from, |from| Some((get(from)?, from.try_get_f64_le().ok()?)))?;
            let mut zset = Zset::default();
            members.iter().for_each(|(member, score)| zset.insert(member, *score));
            Value::Zset(zset)
        }
        b'x' => Value::Stream(packed::get(from)?),
        _ => return None,
    })
}

/// Nothing in the store is as long as four gigabytes.
pub fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// A text, with its length before it.
pub fn put(out: &mut Vec<u8>, text: &[u8]) {
    out.put_u32_le(length(text.len()));
    out.extend_from_slice(text);
}

pub fn get(from: &mut &[u8]) -> Option<Bytes> {
    let len = usize::try_from(from.try_get_u32_le().ok()?).ok()?;
    let (text, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(Bytes::copy_from_slice(text))
}

/// As many items as the number before them says.
pub fn several<T, C: FromIterator<T>>(from: &mut &[u8], item: impl Fn(&mut &[u8]) -> Option<T>) -> Option<C> {
    let count = from.try_get_u32_le().ok()?;
    (0..count).map(|_| item(from)).collect()
}
