//! Reads server-sent events (WHATWG HTML, section 9.2), as far as this platform writes them.

use serde_json::Value;

/// One event with its name and its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub data: Value,
}

/// All events of a stream that has ended.
#[must_use]
pub fn events(stream: &str) -> Vec<Event> {
    stream.split("\n\n").filter_map(event).collect()
}

/// `None` for a comment.
fn event(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>().join("\n")
    };
    let data = field("data");
    (!data.is_empty()).then(|| Event {
        name: field("event"),
        data: serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error} in {block}")),
    })
}
