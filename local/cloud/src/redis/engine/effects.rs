//! What of a command is recorded, so that the record gives the same data again.
//!
//! A command is recorded where it changed something, which the store notices
//! by itself: none can be forgotten. With it stands the time at which it ran,
//! to which the clock is set again: deadlines, ids of entries and times of
//! delivery come out as they were. A script is recorded as the commands that
//! it ran. What remains is chance, and of that there is only one command.

use std::{borrow::Cow, mem};

use bytes::{BufMut as _, Bytes};

use super::{Outcome, Reply, record, store::Store, table::Handler};

/// Bytes of one record from which on a script changes nothing more.
const MOST: usize = 256 << 20;

/// What was changed and not yet recorded, in the form it has in a record.
#[derive(Default)]
pub struct Effects {
    commands: Vec<u8>,
    wanted: bool,
}

impl Effects {
    /// From now on effects are noted.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// What was noted since the last call, if anything was.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        (!self.commands.is_empty()).then(|| mem::take(&mut self.commands))
    }

    /// Whether so much was changed since the last record that no more may go into it. A record has to stay far below
    /// four gigabytes, and is held in memory several times as it is written.
    pub fn is_full(&self) -> bool {
        self.commands.len() > MOST
    }

    fn note(&mut self, command: &[Bytes], outcome: &Outcome) {
        if !self.wanted {
            return;
        }
        let command = certain(command, outcome);
        self.commands.put_u32_le(record::length(command.len()));
        for word in command.iter() {
            record::put(&mut self.commands, word);
        }
    }
}

/// Has `handler` execute `command`, and notes what that changed.
pub fn run(store: &mut Store, handler: Handler, command: &[Bytes]) -> Outcome {
    let outcome = handler(store, &command[1..]);
    // Of a script nothing is left to note: its commands were.
    if store.take_changed() {
        store.effects.note(command, &outcome);
    }
    outcome
}

/// `command`, with what chance chose in it.
fn certain<'a>(command: &'a [Bytes], outcome: &Outcome) -> Cow<'a, [Bytes]> {
    let mut taken = match outcome {
        Ok(reply) if command[0].eq_ignore_ascii_case(b"SPOP") => members(reply).peekable(),
        Ok(_) | Err(_) => return Cow::Borrowed(command),
    };
    // To take none needs no choice.
    if taken.peek().is_none() {
        return Cow::Borrowed(command);
    }
    [Bytes::from_static(b"SREM"), command[1].clone()].into_iter().chain(taken).collect()
}

/// One member, or several.
fn members(reply: &Reply) -> impl Iterator<Item = Bytes> {
    let all = if let Reply::Array(all) = reply { all } else { std::slice::from_ref(reply) };
    all.iter().filter_map(|member| if let Reply::Bulk(member) = member { Some(member.clone()) } else { None })
}
