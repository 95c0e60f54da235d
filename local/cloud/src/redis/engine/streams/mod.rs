//! Stream commands (`t_stream.c`): entries here, readers in [`read`], groups
//! in [`groups`], what is pending in [`pending`].

mod groups;
mod id;
mod info;
pub mod packed;
mod pending;
mod read;
mod stream;
mod trim;

use bytes::Bytes;

use super::{
    Outcome, Reply,
    fault::Fault,
    number,
    store::Store,
    table::{Part, Row},
};
pub use groups::PARTS as GROUP_PARTS;
use id::{Id, NewId};
pub use info::PARTS as INFO_PARTS;
pub use stream::Stream;
use trim::Options;

pub const COMMANDS: &[Row] = &[
    ("XADD", -5, xadd),
    ("XLEN", 2, |s, a| Ok(Reply::count(s.read::<Stream>(&a[0])?.map_or(0, |stream| stream.entries.len())))),
    ("XRANGE", -4, |s, a| xrange(s, a, false)),
    ("XREVRANGE", -4, |s, a| xrange(s, a, true)),
    ("XDEL", -3, xdel),
    ("XTRIM", -4, xtrim),
    ("XSETID", -3, xsetid),
    ("XREAD", -4, read::xread),
    ("XREADGROUP", -7, read::xreadgroup),
    ("XGROUP", -2, groups::xgroup),
    ("XACK", -4, pending::xack),
    ("XPENDING", -3, pending::xpending),
    ("XCLAIM", -6, pending::xclaim),
    ("XAUTOCLAIM", -6, pending::xautoclaim),
    ("XINFO", -2, info::xinfo),
];

fn xadd(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (options, taken) = Options::parse(&args[1..], true)?;
    let fields = &args[1 + taken..];
    if fields.is_empty() || !fields.len().is_multiple_of(2) {
        return Err(Fault::arity("xadd"));
    }
    let new = options.id.ok_or(Fault::SYNTAX)?;
    if matches!(new, NewId::Exact(Id::ZERO)) {
        return Err(Fault::new("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let now = store.now();
    let last = match store.read::<Stream>(&args[0])? {
        None if options.no_create => return Ok(Reply::Nil),
        None => Id::ZERO,
        Some(stream) => stream.last,
    };
    if last == Id::MAX {
        let text = "ERR The stream has exhausted the last possible ID, unable to add more items";
        return Err(Fault::new(text));
    }
    let id = new.after(last, now);
    let text = "ERR The ID specified in XADD is equal or smaller than the target stream top item";
    let id = id.ok_or(Fault::new(text))?;
    store.edit_or_create(&args[0], |stream: &mut Stream| {
        stream.append(id, fields.to_vec());
        options.apply(stream);
    })?;
    Ok(id.into())
}

fn xrange(store: &mut Store, args: &[Bytes], reverse: bool) -> Outcome {
    let (start, end) = if reverse { (&args[2], &args[1]) } else { (&args[1], &args[2]) };
    let (start, end) = (Id::start(start)?, Id::end(end)?);
    let mut count = None;
    for pair in args[3..].chunks(2) {
        let [word, number] = pair else {
            return Err(Fault::SYNTAX);
        };
        if !word.eq_ignore_ascii_case(b"count") {
            return Err(Fault::SYNTAX);
        }
        count = Some(usize::try_from(number::integer(number)?).unwrap_or(0));
    }
    let Some(stream) = store.read::<Stream>(&args[0])? else {
        return Ok(Reply::Array(Vec::new()));
    };
    if count == Some(0) {
        return Ok(Reply::Nil);
    }
    if start > end {
        return Ok(Reply::Array(Vec::new()));
    }
    let range = stream.entries.range(start..=end).map(|(id, fields)| stream::shown(*id, fields));
    let count = count.unwrap_or(usize::MAX);
    Ok(Reply::Array(if reverse { range.rev().take(count).collect() } else { range.take(count).collect() }))
}

fn xdel(store: &mut Store, args: &[Bytes]) -> Outcome {
    if store.read::<Stream>(&args[0])?.is_none() {
        return Ok(Reply::Int(0));
    }
    let ids = Id::all(&args[1..])?;
    let deleted =
        store.edit(&args[0], |stream: &mut Stream| ids.into_iter().filter(|id| stream.delete(*id)).count())?;
    Ok(Reply::count(deleted.unwrap_or(0)))
}

fn xtrim(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (options, _) = Options::parse(&args[1..], false)?;
    let trimmed = store.edit(&args[0], |stream: &mut Stream| options.apply(stream))?;
    Ok(Reply::count(trimmed.unwrap_or(0)))
}

fn xsetid(store: &mut Store, args: &[Bytes]) -> Outcome {
    let id = Id::parse(&args[1])?;
    let (mut added, mut max_deleted) = (None, None);
    for pair in args[2..].chunks(2) {
        match (pair[0].to_ascii_uppercase().as_slice(), pair.get(1)) {
            (b"ENTRIESADDED", Some(value)) => {
                let value = u64::try_from(number::integer(value)?);
                added = Some(value.map_err(|_| Fault::new("ERR entries_added must be positive"))?);
            }
            (b"MAXDELETEDID", Some(value)) => {
                let value = Id::parse(value)?;
                if id < value {
                    let text = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
                    return Err(Fault::new(text));
                }
                max_deleted = Some(value);
            }
            _ => return Err(Fault::SYNTAX),
        }
    }
    let stream = store.read::<Stream>(&args[0])?.ok_or(Fault::NO_KEY)?;
    if stream.entries.last_key_value().is_some_and(|(top, _)| id < *top) {
        return Err(Fault::new("ERR The ID specified in XSETID is smaller than the target stream top item"));
    }
    let length = u64::try_from(stream.entries.len()).unwrap_or(u64::MAX);
    if added.is_some_and(|added| !stream.entries.is_empty() && added < length) {
        let text = "ERR The entries_added specified in XSETID is smaller than the target stream length";
        return Err(Fault::new(text));
    }
    store.edit(&args[0], |stream: &mut Stream| {
        stream.last = id;
        stream.added = added.unwrap_or(stream.added);
        // Zero leaves it as it is.
        stream.max_deleted = max_deleted.filter(|id| *id != Id::ZERO).unwrap_or(stream.max_deleted);
    })?;
    Ok(Reply::OK)
}

/// A count that may exceed what a reply can hold.
fn wide(n: u64) -> Reply {
    Reply::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
