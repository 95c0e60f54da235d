//! Set commands (`t_set.c`).

use bytes::Bytes;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};

use super::{
    Outcome, Reply,
    fault::Fault,
    keys::ScanOptions,
    number,
    store::{Set, Store},
    table::Row,
};

pub const COMMANDS: &[Row] = &[
    ("SADD", -3, sadd),
    ("SREM", -3, srem),
    ("SMEMBERS", 2, |s, a| Ok(members(s.read::<Set>(&a[0])?.cloned().unwrap_or_default()))),
    ("SISMEMBER", 3, |s, a| Ok(contains(s, &a[0], &a[1])?.into())),
    ("SMISMEMBER", -3, smismember),
    ("SCARD", 2, |s, a| Ok(Reply::count(s.read::<Set>(&a[0])?.map_or(0, Set::len)))),
    ("SPOP", -2, spop),
    ("SRANDMEMBER", -2, srandmember),
    ("SMOVE", 4, smove),
    ("SINTER", -2, |s, a| Ok(members(inter(s, a)?))),
    ("SUNION", -2, |s, a| Ok(members(union(s, a)?))),
    ("SDIFF", -2, |s, a| Ok(members(diff(s, a)?))),
    ("SINTERSTORE", -3, |s, a| {
        let set = inter(s, &a[1..])?;
        Ok(keep(s, &a[0], set))
    }),
    ("SUNIONSTORE", -3, |s, a| {
        let set = union(s, &a[1..])?;
        Ok(keep(s, &a[0], set))
    }),
    ("SDIFFSTORE", -3, |s, a| {
        let set = diff(s, &a[1..])?;
        Ok(keep(s, &a[0], set))
    }),
    ("SSCAN", -3, sscan),
];

fn members(set: Set) -> Reply {
    Reply::Array(set.into_iter().map(Reply::Bulk).collect())
}

fn contains(store: &Store, key: &[u8], member: &Bytes) -> Result<bool, Fault> {
    Ok(store.read::<Set>(key)?.is_some_and(|set| set.contains(member)))
}

fn sadd(store: &mut Store, args: &[Bytes]) -> Outcome {
    let added = store.edit_or_create(&args[0], |set: &mut Set| {
        args[1..].iter().filter(|member| set.insert((*member).clone())).count()
    })?;
    Ok(Reply::count(added))
}

fn srem(store: &mut Store, args: &[Bytes]) -> Outcome {
    let removed =
        store.edit(&args[0], |set: &mut Set| args[1..].iter().filter(|member| set.remove(*member)).count())?;
    Ok(Reply::count(removed.unwrap_or(0)))
}

fn smismember(store: &mut Store, args: &[Bytes]) -> Outcome {
    let set = store.read::<Set>(&args[0])?;
    let has = |member| Reply::from(set.is_some_and(|set| set.contains(member)));
    Ok(Reply::Array(args[1..].iter().map(has).collect()))
}

fn spop(store: &mut Store, args: &[Bytes]) -> Outcome {
    let count = match args {
        [_] => None,
        [_, count] => Some(number::count(count)?),
        _ => return Err(Fault::SYNTAX),
    };
    let taken = store.edit(&args[0], |set: &mut Set| {
        let chosen = set.iter().cloned().choose_multiple(&mut rand::rng(), count.unwrap_or(1));
        for member in &chosen {
            set.remove(member);
        }
        chosen
    })?;
    let mut taken = taken.unwrap_or_default().into_iter();
    Ok(match count {
        None => Reply::bulk_or_nil(taken.next()),
        Some(_) => Reply::Array(taken.map(Reply::Bulk).collect()),
    })
}

fn srandmember(store: &mut Store, args: &[Bytes]) -> Outcome {
    let count = match args {
        [_] => None,
        [_, count] => Some(number::integer(count)?),
        _ => return Err(Fault::SYNTAX),
    };
    let all: Vec<Bytes> = store.read::<Set>(&args[0])?.into_iter().flatten().cloned().collect();
    let mut rng = rand::rng();
    let Some(count) = count else {
        return Ok(Reply::bulk_or_nil(all.choose(&mut rng).cloned()));
    };
    let amount = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let chosen: Vec<Bytes> = if count >= 0 {
        all.choose_multiple(&mut rng, amount).cloned().collect()
    } else if amount > 1 << 20 {
        return Err(Fault::new("ERR value is out of range"));
    } else {
        (0..amount).filter_map(|_| all.choose(&mut rng).cloned()).collect()
    };
    Ok(Reply::Array(chosen.into_iter().map(Reply::Bulk).collect()))
}

fn smove(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (source, target, member) = (&args[0], &args[1], &args[2]);
    if !store.contains(source) {
        return Ok(false.into());
    }
    let present = contains(store, source, member)?;
    store.read::<Set>(target)?;
    if source == target || !present {
        return Ok(present.into());
    }
    store.edit(source, |set: &mut Set| set.remove(member))?;
    store.edit_or_create(target, |set: &mut Set| set.insert(member.clone()))?;
    Ok(true.into())
}

/// The sets at `keys`, an absent one being empty; all types are checked.
fn operands<'a>(store: &'a Store, keys: &[Bytes]) -> Result<Vec<Option<&'a Set>>, Fault> {
    keys.iter().map(|key| store.read::<Set>(key)).collect()
}

fn inter(store: &Store, keys: &[Bytes]) -> Result<Set, Fault> {
    let sets = operands(store, keys)?;
    let Some(sets) = sets.into_iter().collect::<Option<Vec<&Set>>>() else {
        return Ok(Set::new());
    };
    let in_all = |member: &&Bytes| sets.iter().all(|set| set.contains(*member));
    Ok(sets[0].iter().filter(in_all).cloned().collect())
}

fn union(store: &Store, keys: &[Bytes]) -> Result<Set, Fault> {
    let sets = operands(store, keys)?;
    Ok(sets.into_iter().flatten().flatten().cloned().collect())
}

fn diff(store: &Store, keys: &[Bytes]) -> Result<Set, Fault> {
    let sets = operands(store, keys)?;
    let (first, others) = (sets[0], &sets[1..]);
    let elsewhere = |member: &Bytes| others.iter().flatten().any(|set| set.contains(member));
    let members = first.into_iter().flatten();
    Ok(members.filter(|member| !elsewhere(member)).cloned().collect())
}

fn keep(store: &mut Store, target: &Bytes, set: Set) -> Reply {
    let len = set.len();
    if len == 0 {
        store.remove(target);
    } else {
        store.put(target, set);
    }
    Reply::count(len)
}

/// All in one page, as Redis itself does for small sets.
fn sscan(store: &mut Store, args: &[Bytes]) -> Outcome {
    ScanOptions::cursor(&args[1])?;
    let Some(set) = store.read::<Set>(&args[0])? else {
        return Ok(ScanOptions::last_page(Vec::new()));
    };
    let options = ScanOptions::parse(&args[2..], false)?;
    let items = set.iter().filter(|member| options.matches(member)).cloned();
    Ok(ScanOptions::last_page(items.map(Reply::Bulk).collect()))
}
