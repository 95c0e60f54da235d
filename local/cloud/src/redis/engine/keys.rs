//! Commands on keys of any type, deadlines, and the few that need no key
//! (`db.c`, `expire.c`).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytes::Bytes;

use super::{
    Outcome, Reply,
    fault::Fault,
    glob, number,
    store::{Store, Value},
    table::Row,
};

pub const COMMANDS: &[Row] = &[
    ("PING", -1, ping),
    ("ECHO", 2, |_, a| Ok(Reply::Bulk(a[0].clone()))),
    ("TIME", 1, time),
    ("DEL", -2, del),
    ("UNLINK", -2, del),
    ("EXISTS", -2, exists),
    ("TOUCH", -2, exists),
    ("TYPE", 2, type_of),
    ("KEYS", 2, keys),
    ("SCAN", -2, scan),
    ("DBSIZE", 1, |s, _| Ok(Reply::count(s.len()))),
    ("FLUSHDB", -1, flush),
    ("FLUSHALL", -1, flush),
    ("RENAME", 3, rename),
    ("RENAMENX", 3, renamenx),
    ("EXPIRE", -3, |s, a| expire(s, a, Deadline::In(1000), "expire")),
    ("PEXPIRE", -3, |s, a| expire(s, a, Deadline::In(1), "pexpire")),
    ("EXPIREAT", -3, |s, a| expire(s, a, Deadline::At(1000), "expireat")),
    ("PEXPIREAT", -3, |s, a| expire(s, a, Deadline::At(1), "pexpireat")),
    ("TTL", 2, |s, a| Ok(ttl(s, a, |left| left.saturating_add(500) / 1000))),
    ("PTTL", 2, |s, a| Ok(ttl(s, a, |left| left))),
    ("EXPIRETIME", 2, |s, a| Ok(expiretime(s, a, |at| at.saturating_add(500) / 1000))),
    ("PEXPIRETIME", 2, |s, a| Ok(expiretime(s, a, |at| at))),
    ("PERSIST", 2, persist),
];

/// How an expiry argument is meant; the number is milliseconds per unit.
#[derive(Clone, Copy)]
pub enum Deadline {
    In(i64),
    At(i64),
}

impl Deadline {
    /// The unit of `EX`, `PX`, `EXAT`, `PXAT`.
    pub fn named(word: &[u8]) -> Option<Self> {
        match word {
            b"EX" => Some(Self::In(1000)),
            b"PX" => Some(Self::In(1)),
            b"EXAT" => Some(Self::At(1000)),
            b"PXAT" => Some(Self::At(1)),
            _ => None,
        }
    }

    /// Unix milliseconds, or `None` where they do not fit.
    fn resolve(self, now: i64, amount: i64) -> Option<i64> {
        match self {
            Self::In(unit) => amount.checked_mul(unit)?.checked_add(now),
            Self::At(unit) => amount.checked_mul(unit),
        }
    }

    /// The deadline `amount` asks for; only positive amounts are allowed.
    pub fn after(self, store: &Store, amount: &[u8], command: &str) -> Result<i64, Fault> {
        let amount = number::integer(amount)?;
        self.resolve(store.now(), amount).filter(|_| amount > 0).ok_or_else(|| Fault::expire_time(command))
    }
}

fn ping(_: &mut Store, args: &[Bytes]) -> Outcome {
    match args {
        [] => Ok(Reply::Status("PONG".into())),
        [message] => Ok(Reply::Bulk(message.clone())),
        _ => Err(Fault::arity("ping")),
    }
}

fn time(store: &mut Store, _: &[Bytes]) -> Outcome {
    let (seconds, micros) = (store.now() / 1000, store.now() % 1000 * 1000);
    let texts = [seconds.to_string(), micros.to_string()];
    Ok(Reply::Array(texts.into_iter().map(Reply::bulk).collect()))
}

fn del(store: &mut Store, args: &[Bytes]) -> Outcome {
    Ok(Reply::count(args.iter().filter(|key| store.remove(key)).count()))
}

fn exists(store: &mut Store, args: &[Bytes]) -> Outcome {
    Ok(Reply::count(args.iter().filter(|key| store.contains(key)).count()))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Hash(_) => "hash",
        Value::List(_) => "list",
        Value::Set(_) => "set",
        Value::Zset(_) => "zset",
        Value::Stream(_) => "stream",
    }
}

fn type_of(store: &mut Store, args: &[Bytes]) -> Outcome {
    Ok(Reply::Status(store.value(&args[0]).map_or("none", type_name).into()))
}

fn keys(store: &mut Store, args: &[Bytes]) -> Outcome {
    let matching = store.keys().filter(|(key, _)| glob::matches(&args[0], key));
    Ok(Reply::Array(matching.map(|(key, _)| Reply::Bulk(key.clone())).collect()))
}

/// The options of `SCAN` and its kin.
pub struct ScanOptions {
    pattern: Option<Bytes>,
    count: usize,
    type_name: Option<Vec<u8>>,
}

impl ScanOptions {
    pub fn cursor(text: &[u8]) -> Result<u64, Fault> {
        let cursor = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
        cursor.ok_or(Fault::new("ERR invalid cursor"))
    }

    /// `keys` says that the key space is scanned, which allows `TYPE`.
    pub fn parse(words: &[Bytes], keys: bool) -> Result<Self, Fault> {
        let mut options = Self { pattern: None, count: 10, type_name: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words.next().ok_or(Fault::SYNTAX)?;
            match word.to_ascii_uppercase().as_slice() {
                b"MATCH" => options.pattern = Some(value.clone()),
                b"COUNT" => {
                    options.count = match number::integer(value)? {
                        1.. => number::count(value)?,
                        _ => return Err(Fault::SYNTAX),
                    }
                }
                b"TYPE" if keys => options.type_name = Some(value.to_ascii_lowercase()),
                _ => return Err(Fault::SYNTAX),
            }
        }
        Ok(options)
    }

    pub fn matches(&self, name: &[u8]) -> bool {
        self.pattern.as_ref().is_none_or(|p| glob::matches(p, name))
    }

    /// A reply that ends the iteration.
    pub fn last_page(items: Vec<Reply>) -> Reply {
        Reply::Array(vec![Reply::bulk("0"), Reply::Array(items)])
    }
}

/// Walks the keys in the order of a hash, which is the cursor: a key that
/// lives through the whole iteration is always seen.
fn scan(store: &mut Store, args: &[Bytes]) -> Outcome {
    let cursor = ScanOptions::cursor(&args[0])?;
    let options = ScanOptions::parse(&args[1..], true)?;
    let place = |key: &Bytes| {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        // 53 bits survive JSON; zero is kept free for start and end.
        (hasher.finish() >> 11) | 1
    };
    let mut ahead: Vec<(u64, &Bytes, &Value)> =
        store.keys().map(|(key, value)| (place(key), key, value)).filter(|(at, ..)| *at > cursor).collect();
    ahead.sort_unstable_by_key(|(at, ..)| *at);
    // Keys that share a place must share a page.
    let mut end = options.count.min(ahead.len());
    while end > 0 && end < ahead.len() && ahead[end].0 == ahead[end - 1].0 {
        end += 1;
    }
    let next = if end < ahead.len() { ahead[end - 1].0 } else { 0 };
    let wanted = options.type_name.as_deref();
    let page = ahead[..end]
        .iter()
        .filter(|(_, key, _)| options.matches(key))
        .filter(|(.., value)| wanted.is_none_or(|t| t == type_name(value).as_bytes()))
        .map(|(_, key, _)| Reply::Bulk((*key).clone()))
        .collect();
    Ok(Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(page)]))
}

fn flush(store: &mut Store, args: &[Bytes]) -> Outcome {
    match args {
        [] => {}
        [mode] if mode.eq_ignore_ascii_case(b"async") || mode.eq_ignore_ascii_case(b"sync") => {}
        _ => return Err(Fault::SYNTAX),
    }
    store.clear();
    Ok(Reply::OK)
}

fn rename(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (value, deadline) = store.take(&args[0]).ok_or(Fault::NO_KEY)?;
    store.put_until(&args[1], value, deadline);
    Ok(Reply::OK)
}

fn renamenx(store: &mut Store, args: &[Bytes]) -> Outcome {
    if !store.contains(&args[0]) {
        return Err(Fault::NO_KEY);
    }
    if store.contains(&args[1]) {
        return Ok(false.into());
    }
    rename(store, args).map(|_| true.into())
}

#[derive(Default)]
struct ExpireConditions {
    if_none: bool,
    if_some: bool,
    if_later: bool,
    if_sooner: bool,
}

fn expire_conditions(words: &[Bytes]) -> Result<ExpireConditions, Fault> {
    let mut when = ExpireConditions::default();
    for word in words {
        match word.to_ascii_uppercase().as_slice() {
            b"NX" => when.if_none = true,
            b"XX" => when.if_some = true,
            b"GT" => when.if_later = true,
            b"LT" => when.if_sooner = true,
            _ => {
                let word = String::from_utf8_lossy(word);
                return Err(format!("ERR Unsupported option {word}").into());
            }
        }
    }
    if when.if_none && (when.if_some || when.if_later || when.if_sooner) {
        return Err(Fault::new("ERR NX and XX, GT or LT options at the same time are not compatible"));
    }
    if when.if_later && when.if_sooner {
        return Err(Fault::new("ERR GT and LT options at the same time are not compatible"));
    }
    Ok(when)
}

fn expire(store: &mut Store, args: &[Bytes], unit: Deadline, name: &str) -> Outcome {
    let when = expire_conditions(&args[2..])?;
    let amount = number::integer(&args[1])?;
    let at = unit.resolve(store.now(), amount);
    let at = at.ok_or_else(|| Fault::expire_time(name))?;
    let Some(current) = store.deadline(&args[0]) else {
        return Ok(false.into());
    };
    // A key without a deadline counts as living forever.
    let refused = when.if_none && current.is_some()
        || when.if_some && current.is_none()
        || when.if_later && current.is_none_or(|current| at <= current)
        || when.if_sooner && current.is_some_and(|current| at >= current);
    if refused {
        return Ok(false.into());
    }
    if at <= store.now() {
        store.remove(&args[0]);
    } else {
        store.set_deadline(&args[0], Some(at));
    }
    Ok(true.into())
}

fn ttl(store: &Store, args: &[Bytes], unit: fn(i64) -> i64) -> Reply {
    Reply::Int(match store.deadline(&args[0]) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => unit((at - store.now()).max(0)),
    })
}

fn expiretime(store: &Store, args: &[Bytes], unit: fn(i64) -> i64) -> Reply {
    Reply::Int(match store.deadline(&args[0]) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => unit(at),
    })
}

fn persist(store: &mut Store, args: &[Bytes]) -> Outcome {
    let had_one = store.deadline(&args[0]).flatten().is_some();
    store.set_deadline(&args[0], None);
    Ok(had_one.into())
}
