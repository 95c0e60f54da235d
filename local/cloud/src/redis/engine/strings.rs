//! String commands (`t_string.c`).

use bytes::{Bytes, BytesMut};

use super::{Outcome, Reply, fault::Fault, keys::Deadline, long_double, number, store::Store, table::Row};

pub const COMMANDS: &[Row] = &[
    ("GET", 2, get),
    ("SET", -3, set),
    ("SETNX", 3, setnx),
    ("SETEX", 4, |s, a| set_for(s, a, Deadline::In(1000), "setex")),
    ("PSETEX", 4, |s, a| set_for(s, a, Deadline::In(1), "psetex")),
    ("GETSET", 3, getset),
    ("GETDEL", 2, getdel),
    ("GETEX", -2, getex),
    ("MGET", -2, mget),
    ("MSET", -3, mset),
    ("MSETNX", -3, msetnx),
    ("INCR", 2, |s, a| add(s, &a[0], 1)),
    ("DECR", 2, |s, a| add(s, &a[0], -1)),
    ("INCRBY", 3, |s, a| add(s, &a[0], number::integer(&a[1])?)),
    ("DECRBY", 3, decrby),
    ("INCRBYFLOAT", 3, incrbyfloat),
    ("APPEND", 3, append),
    ("STRLEN", 2, strlen),
    ("GETRANGE", 4, getrange),
    ("SETRANGE", 4, setrange),
];

/// Upstash's limit for a record; Redis's own is 512 MB.
const MAX_BYTES: usize = 100 << 20;

fn text(store: &Store, key: &[u8]) -> Result<Option<Bytes>, Fault> {
    Ok(store.read::<Bytes>(key)?.cloned())
}

fn get(store: &mut Store, args: &[Bytes]) -> Outcome {
    Ok(Reply::bulk_or_nil(text(store, &args[0])?))
}

#[derive(Default)]
struct SetOptions {
    if_absent: bool,
    if_present: bool,
    get: bool,
    keep: bool,
    deadline: Option<i64>,
}

fn set_options(store: &Store, words: &[Bytes]) -> Result<SetOptions, Fault> {
    let mut options = SetOptions::default();
    let mut expiry = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let upper = word.to_ascii_uppercase();
        match upper.as_slice() {
            b"NX" if !options.if_present => options.if_absent = true,
            b"XX" if !options.if_absent => options.if_present = true,
            b"GET" => options.get = true,
            b"KEEPTTL" if expiry.is_none() => options.keep = true,
            b"EX" | b"PX" | b"EXAT" | b"PXAT" if expiry.is_none() && !options.keep => {
                let value = words.next().ok_or(Fault::SYNTAX)?;
                expiry = Deadline::named(&upper).map(|unit| (unit, value));
            }
            _ => return Err(Fault::SYNTAX),
        }
    }
    if let Some((unit, value)) = expiry {
        options.deadline = Some(unit.after(store, value, "set")?);
    }
    Ok(options)
}

fn set(store: &mut Store, args: &[Bytes]) -> Outcome {
    let options = set_options(store, &args[2..])?;
    let (key, value) = (&args[0], &args[1]);
    let old = options.get.then(|| text(store, key)).transpose()?;
    let exists = store.contains(key);
    let allowed = !(options.if_absent && exists || options.if_present && !exists);
    if allowed && options.keep {
        store.update(key, value.clone());
    } else if allowed {
        store.put_until(key, value.clone(), options.deadline);
    }
    Ok(match old {
        Some(old) => Reply::bulk_or_nil(old),
        None if allowed => Reply::OK,
        None => Reply::Nil,
    })
}

fn setnx(store: &mut Store, args: &[Bytes]) -> Outcome {
    let absent = !store.contains(&args[0]);
    if absent {
        store.put(&args[0], args[1].clone());
    }
    Ok(absent.into())
}

fn set_for(store: &mut Store, args: &[Bytes], unit: Deadline, name: &str) -> Outcome {
    let deadline = unit.after(store, &args[1], name)?;
    store.put_until(&args[0], args[2].clone(), Some(deadline));
    Ok(Reply::OK)
}

fn getset(store: &mut Store, args: &[Bytes]) -> Outcome {
    let old = text(store, &args[0])?;
    store.put(&args[0], args[1].clone());
    Ok(Reply::bulk_or_nil(old))
}

fn getdel(store: &mut Store, args: &[Bytes]) -> Outcome {
    let old = text(store, &args[0])?;
    store.remove(&args[0]);
    Ok(Reply::bulk_or_nil(old))
}

fn getex(store: &mut Store, args: &[Bytes]) -> Outcome {
    let upper = args.get(1).map(|word| word.to_ascii_uppercase());
    let change = match (upper.as_deref(), args.get(2), args.len()) {
        (None, _, _) => None,
        (Some(b"PERSIST"), None, _) => Some(None),
        (Some(unit), Some(value), 3) => {
            let unit = Deadline::named(unit).ok_or(Fault::SYNTAX)?;
            Some(Some((unit, value)))
        }
        (Some(_), _, _) => return Err(Fault::SYNTAX),
    };
    let Some(value) = text(store, &args[0])? else {
        return Ok(Reply::Nil);
    };
    match change {
        None => {}
        Some(None) => store.set_deadline(&args[0], None),
        Some(Some((unit, amount))) => {
            let deadline = unit.after(store, amount, "getex")?;
            store.set_deadline(&args[0], Some(deadline));
        }
    }
    Ok(Reply::Bulk(value))
}

fn mget(store: &mut Store, args: &[Bytes]) -> Outcome {
    // A key of another type counts as absent here.
    let value = |key| Reply::bulk_or_nil(text(store, key).ok().flatten());
    Ok(Reply::Array(args.iter().map(|key| value(key)).collect()))
}

fn mset(store: &mut Store, args: &[Bytes]) -> Outcome {
    if !args.len().is_multiple_of(2) {
        return Err(Fault::arity("mset"));
    }
    for pair in args.chunks_exact(2) {
        store.put(&pair[0], pair[1].clone());
    }
    Ok(Reply::OK)
}

fn msetnx(store: &mut Store, args: &[Bytes]) -> Outcome {
    if !args.len().is_multiple_of(2) {
        return Err(Fault::arity("msetnx"));
    }
    let free = !args.chunks_exact(2).any(|pair| store.contains(&pair[0]));
    if free {
        mset(store, args)?;
    }
    Ok(free.into())
}

fn add(store: &mut Store, key: &Bytes, by: i64) -> Outcome {
    let current = match store.read::<Bytes>(key)? {
        Some(text) => number::integer(text)?,
        None => 0,
    };
    let sum = current.checked_add(by).ok_or(Fault::OVERFLOW)?;
    store.update(key, Bytes::from(sum.to_string()));
    Ok(Reply::Int(sum))
}

fn decrby(store: &mut Store, args: &[Bytes]) -> Outcome {
    let by = number::integer(&args[1])?;
    let negated = by.checked_neg();
    let negated = negated.ok_or(Fault::new("ERR decrement would overflow"))?;
    add(store, &args[0], negated)
}

fn incrbyfloat(store: &mut Store, args: &[Bytes]) -> Outcome {
    let current = text(store, &args[0])?.unwrap_or(Bytes::from_static(b"0"));
    let sum = long_double::add(&current, &args[1]).ok_or(Fault::NOT_FLOAT)?;
    let sum = Bytes::from(sum.ok_or(Fault::NOT_FINITE)?);
    store.update(&args[0], sum.clone());
    Ok(Reply::Bulk(sum))
}

fn append(store: &mut Store, args: &[Bytes]) -> Outcome {
    let mut value = BytesMut::from(text(store, &args[0])?.unwrap_or_default());
    if value.len() + args[1].len() > MAX_BYTES {
        return Err(Fault::TOO_LONG);
    }
    value.extend_from_slice(&args[1]);
    let len = value.len();
    store.update(&args[0], value.freeze());
    Ok(Reply::count(len))
}

fn strlen(store: &mut Store, args: &[Bytes]) -> Outcome {
    Ok(Reply::count(text(store, &args[0])?.map_or(0, |t| t.len())))
}

fn getrange(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (start, stop) = (number::integer(&args[1])?, number::integer(&args[2])?);
    let value = text(store, &args[0])?.unwrap_or_default();
    // Unlike everywhere else, a stop before the first byte means the first.
    if start < 0 && stop < 0 && start > stop {
        return Ok(Reply::bulk(Bytes::new()));
    }
    let len = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let stop = if stop < 0 { stop.saturating_add(len).max(0) } else { stop };
    Ok(Reply::Bulk(value.slice(number::span(start, stop, value.len()))))
}

fn setrange(store: &mut Store, args: &[Bytes]) -> Outcome {
    let offset = number::integer(&args[1])?;
    let offset = usize::try_from(offset).map_err(|_| Fault::new("ERR offset is out of range"))?;
    let old = text(store, &args[0])?.unwrap_or_default();
    let patch = &args[2];
    if patch.is_empty() {
        return Ok(Reply::count(old.len()));
    }
    let end = offset.saturating_add(patch.len());
    if end > MAX_BYTES {
        return Err(Fault::TOO_LONG);
    }
    let mut value = BytesMut::from(old);
    if value.len() < end {
        value.resize(end, 0);
    }
    value[offset..end].copy_from_slice(patch);
    let len = value.len();
    store.update(&args[0], value.freeze());
    Ok(Reply::count(len))
}
