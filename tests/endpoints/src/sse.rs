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

/// An event with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    pub id: u64,
    pub data: Value,
}

/// The numbered events of a stream, as far as it has come: what is not whole yet is none.
#[must_use]
pub fn numbered(stream: &str) -> Vec<Numbered> {
    let whole = stream.rfind("\n\n").map_or("", |end| &stream[..end]);
    let read = |block: &str| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let (id, data) = (field("id")?, field("data")?);
        let data = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error} in {block}"));
        Some(Numbered { id: id.parse().unwrap_or_else(|error| panic!("{error} in {block}")), data })
    };
    whole.split("\n\n").filter_map(read).collect()
}
