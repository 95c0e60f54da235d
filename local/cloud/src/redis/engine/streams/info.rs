//! `XINFO`. `XINFO STREAM key FULL` is refused.

use bytes::Bytes;

use super::{Fault, Outcome, Part, Reply, Store, Stream, groups::no_group_of_key, wide};

pub const PARTS: &[Part] = &[("STREAM", -3), ("GROUPS", 3), ("CONSUMERS", 4)];

pub fn xinfo(store: &mut Store, args: &[Bytes]) -> Outcome {
    let name = args[0].to_ascii_uppercase();
    if args.get(2).is_some_and(|word| name.as_slice() == b"STREAM" && word.eq_ignore_ascii_case(b"full")) {
        return Err(Fault::new("ERR XINFO STREAM FULL is not offered by the embedded engine"));
    }
    let now = store.now();
    let stream = store.read::<Stream>(&args[1])?.ok_or(Fault::NO_KEY)?;
    match name.as_slice() {
        b"STREAM" if args.len() > 2 => {
            Err(Fault::new("ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."))
        }
        b"STREAM" => Ok(about(stream)),
        b"GROUPS" => Ok(groups(stream)),
        _ => consumers(stream, &args[1], &args[2], now),
    }
}

fn fields<const N: usize>(fields: [(&'static str, Reply); N]) -> Reply {
    Reply::Array(fields.into_iter().flat_map(|(name, value)| [Reply::bulk(name), value]).collect())
}

fn about(stream: &Stream) -> Reply {
    let end = |entry: Option<(&super::Id, _)>| entry.and_then(|(id, _)| stream.entry(*id)).unwrap_or(Reply::Nil);
    // A radix tree of nodes of a hundred entries, as it would be in Redis.
    let nodes = stream.entries.len().div_ceil(100);
    fields([
        ("length", Reply::count(stream.entries.len())),
        ("radix-tree-keys", Reply::count(nodes)),
        ("radix-tree-nodes", Reply::count(nodes + 1)),
        ("last-generated-id", stream.last.into()),
        ("max-deleted-entry-id", stream.max_deleted.into()),
        ("entries-added", wide(stream.added)),
        ("recorded-first-entry-id", stream.first().into()),
        ("groups", Reply::count(stream.groups.len())),
        ("first-entry", end(stream.entries.first_key_value())),
        ("last-entry", end(stream.entries.last_key_value())),
    ])
}

fn groups(stream: &Stream) -> Reply {
    let rows = stream.groups.iter().map(|(name, group)| {
        fields([
            ("name", Reply::Bulk(name.clone())),
            ("consumers", Reply::count(group.consumers.len())),
            ("pending", Reply::count(group.pending.len())),
            ("last-delivered-id", group.last.into()),
            ("entries-read", group.read.map_or(Reply::Nil, wide)),
            ("lag", stream.lag(group).map_or(Reply::Nil, Reply::Int)),
        ])
    });
    Reply::Array(rows.collect())
}

fn consumers(stream: &Stream, key: &Bytes, name: &Bytes, now: i64) -> Outcome {
    let group = stream.groups.get(name).ok_or_else(|| no_group_of_key(key, name))?;
    let rows = group.consumers.iter().map(|(name, consumer)| {
        fields([
            ("name", Reply::Bulk(name.clone())),
            ("pending", Reply::count(group.pending_of(name))),
            ("idle", Reply::Int((now - consumer.seen).max(0))),
        ])
    });
    Ok(Reply::Array(rows.collect()))
}
