//! Hash commands (`t_hash.c`).

use bytes::Bytes;

use super::{
    Outcome, Reply,
    fault::Fault,
    keys::ScanOptions,
    long_double, number,
    store::{Hash, Store},
    table::Row,
};

pub const COMMANDS: &[Row] = &[
    ("HSET", -4, hset),
    ("HMSET", -4, |s, a| hset_as(s, a, "hmset").map(|_| Reply::OK)),
    ("HSETNX", 4, hsetnx),
    ("HGET", 3, hget),
    ("HMGET", -3, hmget),
    ("HGETALL", 2, |s, a| flat(s, a, |k, v| vec![k, v])),
    ("HKEYS", 2, |s, a| flat(s, a, |k, _| vec![k])),
    ("HVALS", 2, |s, a| flat(s, a, |_, v| vec![v])),
    ("HDEL", -3, hdel),
    ("HLEN", 2, |s, a| Ok(Reply::count(s.read::<Hash>(&a[0])?.map_or(0, Hash::len)))),
    ("HEXISTS", 3, |s, a| Ok(field(s, a)?.is_some().into())),
    ("HSTRLEN", 3, |s, a| Ok(Reply::count(field(s, a)?.map_or(0, |v| v.len())))),
    ("HINCRBY", 4, hincrby),
    ("HINCRBYFLOAT", 4, hincrbyfloat),
    ("HSCAN", -3, hscan),
];

fn field(store: &Store, args: &[Bytes]) -> Result<Option<Bytes>, Fault> {
    let hash = store.read::<Hash>(&args[0])?;
    Ok(hash.and_then(|hash| hash.get(&args[1])).cloned())
}

fn hset(store: &mut Store, args: &[Bytes]) -> Outcome {
    hset_as(store, args, "hset").map(Reply::count)
}

fn hset_as(store: &mut Store, args: &[Bytes], name: &str) -> Result<usize, Fault> {
    if args.len().is_multiple_of(2) {
        return Err(Fault::arity(name));
    }
    store.edit_or_create(&args[0], |hash: &mut Hash| {
        let pairs = args[1..].chunks_exact(2);
        let added = pairs.map(|pair| hash.insert(pair[0].clone(), pair[1].clone()));
        added.filter(Option::is_none).count()
    })
}

fn hsetnx(store: &mut Store, args: &[Bytes]) -> Outcome {
    let absent = field(store, args)?.is_none();
    if absent {
        hset_as(store, args, "hsetnx")?;
    }
    Ok(absent.into())
}

fn hget(store: &mut Store, args: &[Bytes]) -> Outcome {
    Ok(Reply::bulk_or_nil(field(store, args)?))
}

fn hmget(store: &mut Store, args: &[Bytes]) -> Outcome {
    let hash = store.read::<Hash>(&args[0])?;
    let value = |name| Reply::bulk_or_nil(hash.and_then(|hash| hash.get(name)).cloned());
    Ok(Reply::Array(args[1..].iter().map(value).collect()))
}

fn flat(store: &Store, args: &[Bytes], pick: fn(Bytes, Bytes) -> Vec<Bytes>) -> Outcome {
    let pairs = store.read::<Hash>(&args[0])?.into_iter().flatten();
    let items = pairs.flat_map(|(name, value)| pick(name.clone(), value.clone()));
    Ok(Reply::Array(items.map(Reply::Bulk).collect()))
}

fn hdel(store: &mut Store, args: &[Bytes]) -> Outcome {
    let removed =
        store.edit(&args[0], |hash: &mut Hash| args[1..].iter().filter(|name| hash.remove(*name).is_some()).count())?;
    Ok(Reply::count(removed.unwrap_or(0)))
}

fn hincrby(store: &mut Store, args: &[Bytes]) -> Outcome {
    let by = number::integer(&args[2])?;
    let current = match field(store, args)? {
        Some(text) => number::canonical(&text).ok_or(Fault::new("ERR hash value is not an integer"))?,
        None => 0,
    };
    let sum = current.checked_add(by).ok_or(Fault::OVERFLOW)?;
    replace(store, args, sum.to_string().into())?;
    Ok(Reply::Int(sum))
}

fn hincrbyfloat(store: &mut Store, args: &[Bytes]) -> Outcome {
    number::float(&args[2]).ok_or(Fault::NOT_FLOAT)?;
    let current = field(store, args)?.unwrap_or(Bytes::from_static(b"0"));
    let sum = long_double::add(&current, &args[2]).ok_or(Fault::new("ERR hash value is not a float"))?;
    let sum = Bytes::from(sum.ok_or(Fault::NOT_FINITE)?);
    replace(store, args, sum.clone())?;
    Ok(Reply::Bulk(sum))
}

fn replace(store: &mut Store, args: &[Bytes], value: Bytes) -> Result<(), Fault> {
    store.edit_or_create(&args[0], |hash: &mut Hash| {
        hash.insert(args[1].clone(), value);
    })
}

/// All in one page, as Redis itself does for small hashes.
fn hscan(store: &mut Store, args: &[Bytes]) -> Outcome {
    ScanOptions::cursor(&args[1])?;
    let Some(hash) = store.read::<Hash>(&args[0])? else {
        return Ok(ScanOptions::last_page(Vec::new()));
    };
    let options = ScanOptions::parse(&args[2..], false)?;
    let matching = hash.iter().filter(|(name, _)| options.matches(name));
    let items = matching.flat_map(|(name, value)| [name.clone(), value.clone()]);
    Ok(ScanOptions::last_page(items.map(Reply::Bulk).collect()))
}
