//! Server-sent events (WHATWG HTML, section 9.2) out of pieces as they come, as far as the functions write them.

use serde_json::Value;

/// One event with its name and its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub data: Value,
}

/// What has come of an event that is not whole yet.
#[derive(Debug, Default)]
pub struct Events(Vec<u8>);

impl Events {
    /// The events that are whole with this piece. What is none, a comment or data that is no JSON, is left out.
    pub fn take(&mut self, piece: &[u8]) -> Vec<Event> {
        self.0.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.0.windows(2).position(|window| window == b"\n\n") {
            let block: Vec<u8> = self.0.drain(..end + 2).collect();
            events.extend(event(&String::from_utf8_lossy(&block)));
        }
        events
    }
}

fn event(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>().join("\n")
    };
    Some(Event { name: field("event"), data: serde_json::from_str(&field("data")).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let stream = "event: saga\ndata: {\"a\":\"é\"}\n\n: still here\n\nevent: end\ndata: 1\n\nevent: cut\nda";
        let expected = [
            Event { name: "saga".to_owned(), data: json!({"a": "é"}) },
            Event { name: "end".to_owned(), data: json!(1) },
        ];
        for length in 1..stream.len() {
            let mut events = Events::default();
            let told: Vec<Event> = stream.as_bytes().chunks(length).flat_map(|piece| events.take(piece)).collect();
            assert_eq!(told, expected, "{length}");
        }
    }
}
