//! What can be listened to, and its lines as server-sent events (sheet:
//! "Pub/sub over SSE").

use bytes::Bytes;

use crate::percent;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feed {
    Channel(Bytes),
    Pattern(Bytes),
    Monitor,
}

/// Something that happened on a feed.
pub enum Event {
    Message(Bytes),
    /// The channel that a pattern fits, and the message.
    Matched(Bytes, Bytes),
    /// A line of `MONITOR`.
    Monitored(Bytes),
}

impl Feed {
    /// The feed at a path. A channel may have slashes in it: clients do not
    /// encode its name.
    pub fn at(path: &str) -> Option<Self> {
        let name = |name: &str| Some(Bytes::from(percent::decode(name))).filter(|name| !name.is_empty());
        if let Some(channel) = path.strip_prefix("/subscribe/") {
            return name(channel).map(Self::Channel);
        }
        if let Some(pattern) = path.strip_prefix("/psubscribe/") {
            return name(pattern).map(Self::Pattern);
        }
        (path == "/monitor").then_some(Self::Monitor)
    }

    /// The first line, once the feed is open.
    pub fn greeting(&self) -> Bytes {
        match self {
            Self::Channel(channel) => event(&[b"subscribe", channel, b"1"]),
            Self::Pattern(pattern) => event(&[b"psubscribe", pattern, b"1"]),
            Self::Monitor => event(&[b"\"OK\""]),
        }
    }

    pub fn line(&self, happened: &Event) -> Bytes {
        match (self, happened) {
            (Self::Channel(channel), Event::Message(payload)) => event(&[b"message", channel, payload]),
            (Self::Pattern(pattern), Event::Matched(channel, payload)) => {
                event(&[b"pmessage", pattern, channel, payload])
            }
            (_, Event::Message(line) | Event::Matched(_, line) | Event::Monitored(line)) => event(&[line]),
        }
    }
}

/// A line break in a payload begins another line of the same event.
fn event(parts: &[&[u8]]) -> Bytes {
    let mut out = b"data: ".to_vec();
    for byte in parts.join(&b',') {
        out.push(byte);
        if byte == b'\n' {
            out.extend_from_slice(b"data: ");
        }
    }
    out.extend_from_slice(b"\n\n");
    out.into()
}
