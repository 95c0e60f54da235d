//! `XREAD` and `XREADGROUP`, without `BLOCK`, which REST cannot do.

use bytes::Bytes;

use super::{
    Fault, Outcome, Reply, Store, Stream,
    groups::no_group,
    id::Id,
    number,
    stream::{Group, Pending, shown},
};

/// Upstash's own limit for one consumer.
const MAX_PENDING: usize = 1000;

struct Reader {
    group: Bytes,
    consumer: Bytes,
}

#[derive(Default)]
struct Request<'a> {
    reader: Option<Reader>,
    count: usize,
    no_ack: bool,
    keys: &'a [Bytes],
    ids: &'a [Bytes],
}

#[derive(Clone, Copy)]
enum From {
    After(Id),
    /// `>`, what the group was not given yet.
    New,
}

pub fn xread(store: &mut Store, args: &[Bytes]) -> Outcome {
    let request = parse(args, false)?;
    let mut found = Vec::new();
    let starts = request.keys.iter().zip(request.ids).map(|(key, id)| match (store.read::<Stream>(key)?, &id[..]) {
        (stream, b"$") => Ok(stream.map_or(Id::ZERO, |stream| stream.last)),
        (_, b">") => Err(Fault::new(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
        )),
        _ => Id::parse(id),
    });
    let starts = starts.collect::<Result<Vec<_>, Fault>>()?;
    for (key, start) in request.keys.iter().zip(starts) {
        let (Some(stream), Some(start)) = (store.read::<Stream>(key)?, start.next()) else {
            continue;
        };
        let range = stream.entries.range(start..).take(request.count);
        let entries: Vec<Reply> = range.map(|(id, fields)| shown(*id, fields)).collect();
        if !entries.is_empty() {
            found.push(Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Array(entries)]));
        }
    }
    Ok(if found.is_empty() { Reply::Nil } else { Reply::Array(found) })
}

pub fn xreadgroup(store: &mut Store, args: &[Bytes]) -> Outcome {
    let request = parse(args, true)?;
    let Some(reader) = &request.reader else {
        return Err(Fault::new("ERR Missing GROUP option for XREADGROUP"));
    };
    let starts = request.keys.iter().zip(request.ids).map(|(key, id)| {
        let stream = store.read::<Stream>(key)?;
        if stream.is_none_or(|stream| !stream.groups.contains_key(&reader.group)) {
            return Err(no_group(key, &reader.group, " in XREADGROUP with GROUP option"));
        }
        match &id[..] {
            b">" => Ok(From::New),
            b"$" => Err(Fault::new(
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this \
                 consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return \
                 an empty result set.",
            )),
            _ => Ok(From::After(Id::parse(id)?)),
        }
    });
    let starts = starts.collect::<Result<Vec<_>, Fault>>()?;
    let now = store.now();
    let mut found = Vec::new();
    for (key, start) in request.keys.iter().zip(starts) {
        let entries = store.edit(key, |stream: &mut Stream| serve(stream, key, reader, start, &request, now))?;
        if let Some(Some(entries)) = entries.transpose()? {
            found.push(Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Array(entries)]));
        }
    }
    Ok(if found.is_empty() { Reply::Nil } else { Reply::Array(found) })
}

fn serve(
    stream: &mut Stream,
    key: &[u8],
    reader: &Reader,
    start: From,
    request: &Request<'_>,
    now: i64,
) -> Result<Option<Vec<Reply>>, Fault> {
    // The group is taken out, for entries are read meanwhile.
    let Some(mut group) = stream.groups.remove(&reader.group) else {
        return Ok(None);
    };
    let served = match start {
        From::New => fresh(stream, key, &mut group, reader, request, now),
        From::After(id) => Ok(Some(history(stream, &mut group, reader, id, request.count, now))),
    };
    stream.groups.insert(reader.group.clone(), group);
    served
}

fn fresh(
    stream: &Stream,
    key: &[u8],
    group: &mut Group,
    reader: &Reader,
    request: &Request<'_>,
    now: i64,
) -> Result<Option<Vec<Reply>>, Fault> {
    let chosen: Vec<Id> = match group.last.next() {
        Some(start) => stream.entries.range(start..).take(request.count).map(|(id, _)| *id).collect(),
        None => Vec::new(),
    };
    if chosen.is_empty() {
        return Ok(None);
    }
    let pending = group.pending_of(&reader.consumer);
    let wanted = if request.count == usize::MAX { chosen.len() } else { request.count };
    if !request.no_ack && pending.saturating_add(wanted) > MAX_PENDING {
        return Err(format!(
            "ERR XReadGroup is cancelled. Pending Entries List limit per consumer is about to be reached. \
             Limit: {MAX_PENDING}, Current PEL size: {pending}, Requested Read: {wanted}, Key: {}, Group: {}, \
             Consumer: {}.",
            String::from_utf8_lossy(key),
            String::from_utf8_lossy(&reader.group),
            String::from_utf8_lossy(&reader.consumer),
        )
        .into());
    }
    group.meet(&reader.consumer, now);
    let mut entries = Vec::with_capacity(chosen.len());
    for id in chosen {
        group.last = id;
        group.read = match group.read {
            Some(read) if !stream.has_gaps_from(id) => Some(read + 1),
            Some(_) | None => stream.distance(id),
        };
        if !request.no_ack {
            let pending = Pending { consumer: reader.consumer.clone(), delivered: now, times: 1 };
            group.pending.insert(id, pending);
        }
        entries.extend(stream.entry(id));
    }
    Ok(Some(entries))
}

/// What the consumer was given after `id` and did not acknowledge.
fn history(stream: &Stream, group: &mut Group, reader: &Reader, id: Id, count: usize, now: i64) -> Vec<Reply> {
    group.meet(&reader.consumer, now);
    let Some(start) = id.next() else {
        return Vec::new();
    };
    let own = group.pending.range_mut(start..).filter(|(_, pending)| pending.consumer == reader.consumer);
    let shown = own.take(count).map(|(id, pending)| match stream.entry(*id) {
        Some(entry) => {
            pending.delivered = now;
            pending.times += 1;
            entry
        }
        None => Reply::Array(vec![(*id).into(), Reply::Nil]),
    });
    shown.collect()
}

fn parse(args: &[Bytes], grouped: bool) -> Result<Request<'_>, Fault> {
    let mut request = Request { count: usize::MAX, ..Request::default() };
    let mut i = 0;
    while i < args.len() {
        let more = args.len() - 1 - i;
        match args[i].to_ascii_uppercase().as_slice() {
            b"COUNT" if more > 0 => {
                i += 1;
                // Zero, and less, is no limit.
                let count = usize::try_from(number::integer(&args[i])?).unwrap_or(0);
                request.count = if count == 0 { usize::MAX } else { count };
            }
            b"STREAMS" if more > 0 => {
                let rest = &args[i + 1..];
                if !rest.len().is_multiple_of(2) {
                    let (name, symbol) = if grouped { ("XREADGROUP", '>') } else { ("XREAD", '$') };
                    return Err(format!(
                        "ERR Unbalanced {name} list of streams: for each stream key an ID or '{symbol}' must be \
                         specified."
                    )
                    .into());
                }
                (request.keys, request.ids) = rest.split_at(rest.len() / 2);
                break;
            }
            b"GROUP" if more > 1 => {
                if !grouped {
                    return Err(only_grouped("GROUP"));
                }
                request.reader = Some(Reader { group: args[i + 1].clone(), consumer: args[i + 2].clone() });
                i += 2;
            }
            b"NOACK" => {
                if !grouped {
                    return Err(only_grouped("NOACK"));
                }
                request.no_ack = true;
            }
            _ => return Err(Fault::SYNTAX),
        }
        i += 1;
    }
    if request.keys.is_empty() {
        return Err(Fault::SYNTAX);
    }
    Ok(request)
}

fn only_grouped(option: &str) -> Fault {
    format!("ERR The {option} option is only supported by XREADGROUP. You called XREAD instead.").into()
}
