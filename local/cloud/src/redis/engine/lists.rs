//! List commands (`t_list.c`), the blocking ones aside.

use bytes::Bytes;

use super::{
    Outcome, Reply,
    fault::Fault,
    number,
    store::{List, Store},
    table::Row,
};

pub const COMMANDS: &[Row] = &[
    ("LPUSH", -3, |s, a| push(s, a, Side::Left)),
    ("RPUSH", -3, |s, a| push(s, a, Side::Right)),
    ("LPUSHX", -3, |s, a| push_existing(s, a, Side::Left)),
    ("RPUSHX", -3, |s, a| push_existing(s, a, Side::Right)),
    ("LPOP", -2, |s, a| pop(s, a, Side::Left, "lpop")),
    ("RPOP", -2, |s, a| pop(s, a, Side::Right, "rpop")),
    ("LLEN", 2, |s, a| Ok(Reply::count(s.read::<List>(&a[0])?.map_or(0, List::len)))),
    ("LRANGE", 4, lrange),
    ("LINDEX", 3, lindex),
    ("LSET", 4, lset),
    ("LREM", 4, lrem),
    ("LTRIM", 4, ltrim),
    ("LINSERT", 5, linsert),
    ("LMOVE", 5, lmove),
    ("RPOPLPUSH", 3, |s, a| shift(s, &a[0], &a[1], Side::Right, Side::Left)),
];

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn parse(word: &[u8]) -> Result<Self, Fault> {
        match word.to_ascii_uppercase().as_slice() {
            b"LEFT" => Ok(Self::Left),
            b"RIGHT" => Ok(Self::Right),
            _ => Err(Fault::SYNTAX),
        }
    }

    fn put(self, list: &mut List, item: Bytes) {
        match self {
            Self::Left => list.push_front(item),
            Self::Right => list.push_back(item),
        }
    }

    fn take(self, list: &mut List) -> Option<Bytes> {
        match self {
            Self::Left => list.pop_front(),
            Self::Right => list.pop_back(),
        }
    }
}

fn push(store: &mut Store, args: &[Bytes], side: Side) -> Outcome {
    let len = store.edit_or_create(&args[0], |list: &mut List| {
        for item in &args[1..] {
            side.put(list, item.clone());
        }
        list.len()
    })?;
    Ok(Reply::count(len))
}

fn push_existing(store: &mut Store, args: &[Bytes], side: Side) -> Outcome {
    if store.read::<List>(&args[0])?.is_none() {
        return Ok(Reply::Int(0));
    }
    push(store, args, side)
}

fn pop(store: &mut Store, args: &[Bytes], side: Side, name: &str) -> Outcome {
    match args {
        [key] => {
            let item = store.edit(key, |list: &mut List| side.take(list))?;
            Ok(Reply::bulk_or_nil(item.flatten()))
        }
        [key, count] => {
            let count = number::count(count)?;
            let items = store.edit(key, |list: &mut List| {
                let count = count.min(list.len());
                (0..count).filter_map(|_| side.take(list)).map(Reply::Bulk).collect()
            })?;
            Ok(items.map_or(Reply::Nil, Reply::Array))
        }
        _ => Err(Fault::arity(name)),
    }
}

fn lrange(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (start, stop) = (number::integer(&args[1])?, number::integer(&args[2])?);
    let Some(list) = store.read::<List>(&args[0])? else {
        return Ok(Reply::Array(Vec::new()));
    };
    let items = list.range(number::span(start, stop, list.len()));
    Ok(Reply::Array(items.cloned().map(Reply::Bulk).collect()))
}

fn position(list: &List, index: i64) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => (index < list.len()).then_some(index),
        Err(_) => list.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn lindex(store: &mut Store, args: &[Bytes]) -> Outcome {
    let Some(list) = store.read::<List>(&args[0])? else {
        return Ok(Reply::Nil);
    };
    let index = number::integer(&args[1])?;
    let item = position(list, index).and_then(|at| list.get(at));
    Ok(Reply::bulk_or_nil(item.cloned()))
}

fn lset(store: &mut Store, args: &[Bytes]) -> Outcome {
    let set = store.edit(&args[0], |list: &mut List| {
        let at = position(list, number::integer(&args[1])?).ok_or(Fault::INDEX)?;
        list[at] = args[2].clone();
        Ok(Reply::OK)
    })?;
    set.unwrap_or(Err(Fault::NO_KEY))
}

fn lrem(store: &mut Store, args: &[Bytes]) -> Outcome {
    let count = number::integer(&args[1])?;
    let limit = match count {
        0 => usize::MAX,
        _ => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
    };
    let removed = store.edit(&args[0], |list: &mut List| {
        let is_match = |at: &usize| list[*at] == args[2];
        let mut hits: Vec<usize> = if count < 0 {
            (0..list.len()).rev().filter(is_match).take(limit).collect()
        } else {
            (0..list.len()).filter(is_match).take(limit).collect()
        };
        hits.sort_unstable();
        for at in hits.iter().rev() {
            list.remove(*at);
        }
        hits.len()
    })?;
    Ok(Reply::count(removed.unwrap_or(0)))
}

fn ltrim(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (start, stop) = (number::integer(&args[1])?, number::integer(&args[2])?);
    store.edit(&args[0], |list: &mut List| {
        let kept = number::span(start, stop, list.len());
        list.truncate(kept.end);
        list.drain(..kept.start);
    })?;
    Ok(Reply::OK)
}

fn linsert(store: &mut Store, args: &[Bytes]) -> Outcome {
    let after = match args[1].to_ascii_uppercase().as_slice() {
        b"BEFORE" => 0,
        b"AFTER" => 1,
        _ => return Err(Fault::SYNTAX),
    };
    let len = store.edit(&args[0], |list: &mut List| {
        let Some(at) = list.iter().position(|item| *item == args[2]) else {
            return Reply::Int(-1);
        };
        list.insert(at + after, args[3].clone());
        Reply::count(list.len())
    })?;
    Ok(len.unwrap_or(Reply::Int(0)))
}

fn lmove(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (from, to) = (Side::parse(&args[2])?, Side::parse(&args[3])?);
    shift(store, &args[0], &args[1], from, to)
}

fn shift(store: &mut Store, source: &Bytes, target: &Bytes, from: Side, to: Side) -> Outcome {
    if store.read::<List>(source)?.is_none() {
        return Ok(Reply::Nil);
    }
    store.read::<List>(target)?;
    if source == target {
        let item = store.edit(source, |list: &mut List| {
            let item = from.take(list);
            if let Some(item) = &item {
                to.put(list, item.clone());
            }
            item
        })?;
        return Ok(Reply::bulk_or_nil(item.flatten()));
    }
    let item = store.edit(source, |list: &mut List| from.take(list))?.flatten();
    if let Some(item) = &item {
        store.edit_or_create(target, |list: &mut List| to.put(list, item.clone()))?;
    }
    Ok(Reply::bulk_or_nil(item))
}
