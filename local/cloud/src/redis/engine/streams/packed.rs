//! A stream as bytes, with all that its groups know ([`super::super::record`]).

use bytes::{Buf as _, BufMut as _};

use super::{
    Stream,
    id::Id,
    stream::{Consumer, Group, Pending},
};
use crate::redis::engine::record::{self, get as text, length, several};

pub fn put(out: &mut Vec<u8>, stream: &Stream) {
    for id in [stream.last, stream.max_deleted] {
        put_id(out, id);
    }
    out.put_u64_le(stream.added);
    out.put_u32_le(length(stream.entries.len()));
    for (id, fields) in &stream.entries {
        put_id(out, *id);
        out.put_u32_le(length(fields.len()));
        fields.iter().for_each(|field| record::put(out, field));
    }
    out.put_u32_le(length(stream.groups.len()));
    for (name, group) in &stream.groups {
        record::put(out, name);
        put_group(out, group);
    }
}

fn put_group(out: &mut Vec<u8>, group: &Group) {
    put_id(out, group.last);
    out.put_u8(u8::from(group.read.is_some()));
    out.put_u64_le(group.read.unwrap_or(0));
    out.put_u32_le(length(group.pending.len()));
    for (id, pending) in &group.pending {
        put_id(out, *id);
        record::put(out, &pending.consumer);
        out.put_i64_le(pending.delivered);
        out.put_u64_le(pending.times);
    }
    out.put_u32_le(length(group.consumers.len()));
    for (name, consumer) in &group.consumers {
        record::put(out, name);
        out.put_i64_le(consumer.seen);
    }
}

pub fn get(from: &mut &[u8]) -> Option<Stream> {
    Some(Stream {
        last: id(from)?,
        max_deleted: id(from)?,
        added: from.try_get_u64_le().ok()?,
        entries: several(from, |from| Some((id(from)?, several(from, text)?)))?,
        groups: several(from, |from| Some((text(from)?, group(from)?)))?,
    })
}

fn group(from: &mut &[u8]) -> Option<Group> {
    let last = id(from)?;
    let known = from.try_get_u8().ok()? == 1;
    let read = from.try_get_u64_le().ok()?;
    Some(Group {
        last,
        read: known.then_some(read),
        pending: several(from, |from| Some((id(from)?, pending(from)?)))?,
        consumers: several(from, |from| Some((text(from)?, Consumer { seen: from.try_get_i64_le().ok()? })))?,
    })
}

fn pending(from: &mut &[u8]) -> Option<Pending> {
    Some(Pending { consumer: text(from)?, delivered: from.try_get_i64_le().ok()?, times: from.try_get_u64_le().ok()? })
}

fn put_id(out: &mut Vec<u8>, id: Id) {
    out.put_u64_le(id.ms);
    out.put_u64_le(id.seq);
}

fn id(from: &mut &[u8]) -> Option<Id> {
    Some(Id { ms: from.try_get_u64_le().ok()?, seq: from.try_get_u64_le().ok()? })
}
