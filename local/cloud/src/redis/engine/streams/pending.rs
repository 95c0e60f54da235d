//! What was delivered and not acknowledged: `XACK`, `XPENDING`, `XCLAIM`,
//! `XAUTOCLAIM`.

use bytes::Bytes;

use super::{
    Fault, Outcome, Reply, Store, Stream,
    groups::no_group,
    id::Id,
    number,
    stream::{Group, Pending},
    wide,
};

pub fn xack(store: &mut Store, args: &[Bytes]) -> Outcome {
    if store.read::<Stream>(&args[0])?.is_none_or(|stream| !stream.groups.contains_key(&args[1])) {
        return Ok(Reply::Int(0));
    }
    let ids = Id::all(&args[2..])?;
    let known = store.edit(&args[0], |stream: &mut Stream| {
        let group = stream.groups.get_mut(&args[1]);
        group.map_or(0, |group| ids.iter().filter(|id| group.pending.remove(id).is_some()).count())
    })?;
    Ok(Reply::count(known.unwrap_or(0)))
}

fn group_of<'a>(store: &'a Store, key: &Bytes, group: &Bytes) -> Result<&'a Group, Fault> {
    let stream = store.read::<Stream>(key)?;
    stream.and_then(|stream| stream.groups.get(group)).ok_or_else(|| no_group(key, group, ""))
}

pub fn xpending(store: &mut Store, args: &[Bytes]) -> Outcome {
    if args.len() == 2 {
        return Ok(summary(group_of(store, &args[0], &args[1])?));
    }
    if !(5..=8).contains(&args.len()) {
        return Err(Fault::SYNTAX);
    }
    let (idle, words) = match args[2].eq_ignore_ascii_case(b"idle") {
        true => (number::integer(&args[3])?, &args[4..]),
        false => (0, &args[2..]),
    };
    let ([start, end, count] | [start, end, count, _]) = words else {
        return Err(Fault::SYNTAX);
    };
    let count = usize::try_from(number::integer(count)?).unwrap_or(0);
    let (start, end) = (Id::start(start)?, Id::end(end)?);
    let group = group_of(store, &args[0], &args[1])?;
    if start > end {
        return Ok(Reply::Array(Vec::new()));
    }
    let now = store.now();
    let wanted = group.pending.range(start..=end).filter(|(_, pending)| {
        words.get(3).is_none_or(|consumer| pending.consumer == *consumer) && now - pending.delivered >= idle
    });
    let rows = wanted.take(count).map(|(id, pending)| {
        let idle = Reply::Int((now - pending.delivered).max(0));
        Reply::Array(vec![(*id).into(), Reply::Bulk(pending.consumer.clone()), idle, wide(pending.times)])
    });
    Ok(Reply::Array(rows.collect()))
}

fn summary(group: &Group) -> Reply {
    let (Some((first, _)), Some((last, _))) = (group.pending.first_key_value(), group.pending.last_key_value()) else {
        return Reply::Array(vec![Reply::Int(0), Reply::Nil, Reply::Nil, Reply::Nil]);
    };
    let consumers = group.consumers.keys().map(|name| (name, group.pending_of(name)));
    let rows = consumers
        .filter(|(_, pending)| *pending > 0)
        .map(|(name, pending)| Reply::Array(vec![Reply::Bulk(name.clone()), Reply::bulk(pending.to_string())]));
    Reply::Array(vec![Reply::count(group.pending.len()), (*first).into(), (*last).into(), Reply::Array(rows.collect())])
}

/// How entries are to be claimed.
struct Claim {
    min_idle: i64,
    delivered: i64,
    times: Option<u64>,
    force: bool,
    just_id: bool,
    last: Id,
}

impl Claim {
    fn new(min_idle: &[u8], now: i64, command: &str) -> Result<Self, Fault> {
        let min_idle = number::canonical(min_idle)
            .ok_or_else(|| Fault::from(format!("ERR Invalid min-idle-time argument for {command}")))?;
        let min_idle = min_idle.max(0);
        Ok(Self { min_idle, delivered: now, times: None, force: false, just_id: false, last: Id::ZERO })
    }

    fn options(&mut self, words: &[Bytes], now: i64) -> Result<(), Fault> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word.to_ascii_uppercase();
            let mut value = |name: &str| {
                let value = words.next().and_then(|word| number::canonical(word));
                value.ok_or_else(|| Fault::from(format!("ERR Invalid {name} option argument for XCLAIM")))
            };
            match name.as_slice() {
                b"FORCE" => self.force = true,
                b"JUSTID" => self.just_id = true,
                b"IDLE" => self.delivered = now.saturating_sub(value("IDLE")?),
                b"TIME" => self.delivered = value("TIME")?,
                b"RETRYCOUNT" => self.times = u64::try_from(value("RETRYCOUNT")?).ok(),
                b"LASTID" => self.last = Id::parse(words.next().ok_or(Fault::SYNTAX)?)?,
                _ => {
                    let given = String::from_utf8_lossy(word);
                    return Err(format!("ERR Unrecognized XCLAIM option '{given}'").into());
                }
            }
        }
        if !(0..=now).contains(&self.delivered) {
            self.delivered = now;
        }
        Ok(())
    }

    /// Hands a pending entry to `consumer`, unless it is too young.
    fn take(&self, pending: &mut Pending, consumer: &Bytes, now: i64) -> bool {
        if now - pending.delivered < self.min_idle {
            return false;
        }
        pending.consumer = consumer.clone();
        pending.delivered = self.delivered;
        match self.times {
            Some(times) => pending.times = times,
            None => pending.times += u64::from(!self.just_id),
        }
        true
    }

    fn shown(&self, stream: &Stream, id: Id) -> Reply {
        if self.just_id { id.into() } else { stream.entry(id).unwrap_or(Reply::Nil) }
    }
}

pub fn xclaim(store: &mut Store, args: &[Bytes]) -> Outcome {
    group_of(store, &args[0], &args[1])?;
    let now = store.now();
    let mut claim = Claim::new(&args[3], now, "XCLAIM")?;
    let ids: Vec<Id> = args[4..].iter().map_while(|word| Id::parse(word).ok()).collect();
    claim.options(&args[4 + ids.len()..], now)?;
    with_group(store, args, |stream, group| {
        group.last = group.last.max(claim.last);
        let consumer = &args[2];
        let mut claimed = Vec::new();
        for id in ids {
            if !stream.entries.contains_key(&id) {
                group.pending.remove(&id);
                continue;
            }
            if claim.force && !group.pending.contains_key(&id) {
                let pending = Pending { consumer: consumer.clone(), delivered: now - claim.min_idle, times: 1 };
                group.pending.insert(id, pending);
            }
            if group.pending.get_mut(&id).is_some_and(|pending| claim.take(pending, consumer, now)) {
                claimed.push(claim.shown(stream, id));
                group.meet(consumer, now);
            }
        }
        Reply::Array(claimed)
    })
}

pub fn xautoclaim(store: &mut Store, args: &[Bytes]) -> Outcome {
    let now = store.now();
    let mut claim = Claim::new(&args[3], now, "XAUTOCLAIM")?;
    let start = Id::start(&args[4])?;
    let mut count = 100;
    let mut words = args[5..].iter();
    while let Some(word) = words.next() {
        match (word.to_ascii_uppercase().as_slice(), words.len()) {
            (b"COUNT", 1..) => {
                let given = words.next().and_then(|word| number::canonical(word)).and_then(|n| usize::try_from(n).ok());
                count = given.filter(|count| *count > 0).ok_or(Fault::new("ERR COUNT must be > 0"))?;
            }
            (b"JUSTID", _) => claim.just_id = true,
            _ => return Err(Fault::SYNTAX),
        }
    }
    group_of(store, &args[0], &args[1])?;
    with_group(store, args, |stream, group| {
        // So many are looked at, be they claimed or not.
        let mut attempts = count.saturating_mul(10);
        let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
        let ids: Vec<Id> = group.pending.range(start..).map(|(id, _)| *id).collect();
        let mut next = Id::ZERO;
        for id in ids {
            if attempts == 0 || count == 0 {
                next = id;
                break;
            }
            attempts -= 1;
            if !stream.entries.contains_key(&id) {
                group.pending.remove(&id);
                deleted.push(id.into());
                count -= 1;
            } else if group.pending.get_mut(&id).is_some_and(|pending| claim.take(pending, &args[2], now)) {
                claimed.push(claim.shown(stream, id));
                group.meet(&args[2], now);
                count -= 1;
            }
        }
        Reply::Array(vec![next.into(), Reply::Array(claimed), Reply::Array(deleted)])
    })
}

/// Edits a group that was found to exist, beside its stream.
fn with_group(store: &mut Store, args: &[Bytes], edit: impl FnOnce(&Stream, &mut Group) -> Reply) -> Outcome {
    let reply = store.edit(&args[0], |stream: &mut Stream| {
        let mut group = stream.groups.remove(&args[1])?;
        let reply = edit(stream, &mut group);
        stream.groups.insert(args[1].clone(), group);
        Some(reply)
    })?;
    Ok(reply.flatten().unwrap_or(Reply::Nil))
}
