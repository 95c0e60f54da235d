//! The channels, and what is remembered of them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use rmpv::Value;

use super::{message::Message, wire::Wire};

/// How many messages of a channel are kept, and for how long.
const MAX_MESSAGES: usize = 1_000;
const MAX_AGE: u64 = 24 * 60 * 60 * 1000;
/// How far back a stream goes that begins in the past.
pub const RESUME: u64 = 2 * 60 * 1000;
/// One more, and the channel without readers that was used least lately goes.
const MAX_CHANNELS: usize = 1_000;

/// A message that was published.
#[derive(Debug)]
pub struct Stored {
    /// Its place among all messages of all channels, from 1.
    pub at: u64,
    /// Unix milliseconds.
    pub timestamp: u64,
    pub channel: Arc<str>,
    pub message: Message,
}

impl Stored {
    pub fn serial(&self) -> String {
        format!("{:014}-{:012}@makegood", self.timestamp, self.at)
    }

    /// As it stands in the history.
    pub fn value(&self, wire: Wire) -> Value {
        let mut fields = self.message.fields(wire);
        fields.extend([
            ("timestamp".into(), self.timestamp.into()),
            ("action".into(), 0.into()),
            ("serial".into(), self.serial().into()),
        ]);
        Value::Map(fields)
    }
}

#[derive(Default)]
struct Channel {
    messages: VecDeque<Arc<Stored>>,
    /// Of the messages that are kept, by their ids.
    by_id: HashMap<String, Arc<Stored>>,
    readers: usize,
    used: u64,
}

impl Channel {
    fn forget(&mut self, before: u64) {
        while self.messages.len() > MAX_MESSAGES
            || self.messages.front().is_some_and(|oldest| oldest.timestamp < before)
        {
            let oldest = self.messages.pop_front();
            if let Some(id) = oldest.as_ref().and_then(|oldest| oldest.message.id.as_ref()) {
                self.by_id.remove(id);
            }
        }
    }
}

#[derive(Default)]
pub struct Channels {
    last: u64,
    channels: HashMap<Arc<str>, Channel>,
}

impl Channels {
    /// The place of the newest message.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Stores a message, unless one of its id is there; gives what is stored.
    pub fn publish(&mut self, name: &str, message: Message, now: u64) -> Arc<Stored> {
        let at = self.last + 1;
        let (name, channel) = self.open(name, now);
        channel.forget(now.saturating_sub(MAX_AGE));
        if let Some(known) = message.id.as_ref().and_then(|id| channel.by_id.get(id)) {
            return known.clone();
        }
        let stored = Arc::new(Stored { at, timestamp: now, channel: name, message });
        if let Some(id) = &stored.message.id {
            channel.by_id.insert(id.clone(), stored.clone());
        }
        channel.messages.push_back(stored.clone());
        channel.forget(0);
        self.last = at;
        stored
    }

    /// What is kept of a channel, oldest first.
    pub fn messages(&mut self, name: &str, now: u64) -> Vec<Arc<Stored>> {
        let Some(channel) = self.channels.get_mut(name) else {
            return Vec::new();
        };
        channel.forget(now.saturating_sub(MAX_AGE));
        channel.messages.iter().cloned().collect()
    }

    /// Messages of several channels after a place, in the order of all, at most so many.
    pub fn after(&self, names: &[String], place: u64, most: usize) -> Vec<Arc<Stored>> {
        let mut found: Vec<Arc<Stored>> = names
            .iter()
            .filter_map(|name| self.channels.get(name.as_str()))
            .flat_map(|channel| {
                let from = channel.messages.partition_point(|stored| stored.at <= place);
                channel.messages.range(from..).take(most).cloned()
            })
            .collect();
        found.sort_unstable_by_key(|stored| stored.at);
        found.dedup_by_key(|stored| stored.at);
        found.truncate(most);
        found
    }

    pub fn readers(&self, name: &str) -> usize {
        self.channels.get(name).map_or(0, |channel| channel.readers)
    }

    pub fn join(&mut self, names: &[String], now: u64) {
        for name in names {
            self.open(name, now).1.readers += 1;
        }
    }

    pub fn leave(&mut self, names: &[String]) {
        for name in names {
            if let Some(channel) = self.channels.get_mut(name.as_str()) {
                channel.readers = channel.readers.saturating_sub(1);
            }
        }
    }

    fn open(&mut self, name: &str, now: u64) -> (Arc<str>, &mut Channel) {
        if !self.channels.contains_key(name) && self.channels.len() >= MAX_CHANNELS {
            let idle = self.channels.iter().filter(|(_, channel)| channel.readers == 0);
            if let Some(name) = idle.min_by_key(|(_, channel)| channel.used).map(|(name, _)| name.clone()) {
                self.channels.remove(&name);
            }
        }
        let name: Arc<str> = self.channels.get_key_value(name).map_or_else(|| name.into(), |(name, _)| name.clone());
        let channel = self.channels.entry(name.clone()).or_default();
        channel.used = now;
        (name, channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> Message {
        Message { id: Some(id.to_owned()), ..Message::of(None).unwrap() }
    }

    #[test]
    fn no_more_is_kept_than_is_said() {
        let mut channels = Channels::default();
        for i in 0..1_005 {
            channels.publish("a", message(&i.to_string()), 1_000);
        }
        assert_eq!(channels.messages("a", 1_000).len(), 1_000);
        assert_eq!(channels.channels["a"].by_id.len(), 1_000);
        assert_eq!(channels.messages("a", 1_001 + MAX_AGE).len(), 0);
        for i in 0..1_500 {
            channels.publish(&i.to_string(), message("x"), 2_000 + i);
        }
        assert_eq!(channels.channels.len(), MAX_CHANNELS);
    }

    #[test]
    fn an_id_is_stored_once_on_a_channel() {
        let mut channels = Channels::default();
        let first = channels.publish("a", message("x"), 1).at;
        assert_eq!(channels.publish("a", message("x"), 2).at, first);
        assert_ne!(channels.publish("b", message("x"), 3).at, first);
    }
}
