//! Who listens: subscribers of channels and patterns, and monitors. Whoever
//! hung up, or reads so slowly that much is waiting, is forgotten.

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{Outcome, Reply, glob, store::Store, table::Row};
use crate::redis::feed::{Event, Feed};

pub const COMMANDS: &[Row] = &[("PUBLISH", 3, publish)];

/// How many events may wait for a listener.
const WAITING: usize = 4096;

#[derive(Default)]
pub struct Hub(Vec<(Feed, Sender<Event>)>);

impl Hub {
    pub fn listen(&mut self, feed: Feed) -> Receiver<Event> {
        let (sender, receiver) = channel(WAITING);
        self.0.retain(|(_, sender)| !sender.is_closed());
        self.0.push((feed, sender));
        receiver
    }

    /// Sends to each listener what `event` makes for it; how many got it.
    fn send(&mut self, event: impl Fn(&Feed) -> Option<Event>) -> usize {
        let mut reached = 0;
        self.0.retain(|(feed, sender)| match event(feed) {
            Some(event) => {
                let sent = sender.try_send(event).is_ok();
                reached += usize::from(sent);
                sent
            }
            None => !sender.is_closed(),
        });
        reached
    }

    /// Shows a command to those who monitor. `from` is an address, or `lua`.
    pub fn observe(&mut self, now: i64, from: &str, command: &[Bytes]) {
        if self.0.is_empty() {
            return;
        }
        self.send(|feed| match feed {
            Feed::Monitor => {
                let mut text = format!("{}.{:06} [0 {from}]", now / 1000, now % 1000 * 1000);
                for word in command {
                    text.push_str(&quoted(word));
                }
                Some(Event::Monitored(text.into()))
            }
            Feed::Channel(_) | Feed::Pattern(_) => None,
        });
    }
}

fn publish(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (channel, message) = (&args[0], &args[1]);
    let reached = store.hub.send(|feed| match feed {
        Feed::Channel(name) if name == channel => Some(Event::Message(message.clone())),
        Feed::Pattern(pattern) if glob::matches(pattern, channel) => {
            Some(Event::Matched(channel.clone(), message.clone()))
        }
        Feed::Channel(_) | Feed::Pattern(_) | Feed::Monitor => None,
    });
    Ok(Reply::count(reached))
}

/// As `sdscatrepr` writes it, after a space.
fn quoted(word: &[u8]) -> String {
    let mut text = String::from(" \"");
    for byte in word {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            7 => text.push_str("\\a"),
            8 => text.push_str("\\b"),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    text
}
