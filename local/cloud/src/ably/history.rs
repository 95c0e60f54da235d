//! The past of a channel, page by page.

use std::sync::Arc;

use super::{Inner, channel::Stored, fault::Fault};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

pub struct Page {
    pub messages: Vec<Arc<Stored>>,
    /// `(rel, link)`.
    pub links: Vec<(&'static str, String)>,
}

struct Window {
    start: u64,
    end: u64,
    limit: usize,
    forwards: bool,
    /// The place of the last message of the page before.
    cursor: Option<u64>,
}

pub fn page(inner: &Inner, channel: &str, query: &[(String, String)]) -> Result<Page, Fault> {
    let window = Window::read(query)?;
    let mut messages = inner.channels().messages(channel, inner.clock.now());
    messages.retain(|stored| (window.start..=window.end).contains(&stored.timestamp));
    if !window.forwards {
        messages.reverse();
    }
    if let Some(cursor) = window.cursor {
        messages.retain(|stored| if window.forwards { stored.at > cursor } else { stored.at < cursor });
    }
    let more = messages.len() > window.limit;
    messages.truncate(window.limit);
    let mut links = vec![("first", window.link(None)), ("current", window.link(window.cursor))];
    if let Some(last) = messages.last().filter(|_| more) {
        links.push(("next", window.link(Some(last.at))));
    }
    Ok(Page { messages, links })
}

impl Window {
    fn read(query: &[(String, String)]) -> Result<Self, Fault> {
        let named = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |name: &str| match named(name) {
            None | Some("") => Ok(None),
            Some(text) => {
                text.parse::<u64>().map(Some).map_err(|_| Fault::parameter(format!("invalid {name}: {text}")))
            }
        };
        let limit = number("limit")?.map_or(Ok(DEFAULT_LIMIT), |limit| {
            usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| Fault::parameter(format!("the limit must lie between 1 and {MAX_LIMIT}")))
        })?;
        let forwards = match named("direction") {
            None | Some("backwards") => false,
            Some("forwards") => true,
            Some(other) => return Err(Fault::parameter(format!("invalid direction: {other}"))),
        };
        let (start, end) = (number("start")?.unwrap_or(0), number("end")?.unwrap_or(u64::MAX));
        if start > end {
            return Err(Fault::parameter("the start lies after the end"));
        }
        Ok(Self { start, end, limit, forwards, cursor: number("cursor")? })
    }

    fn link(&self, cursor: Option<u64>) -> String {
        let direction = if self.forwards { "forwards" } else { "backwards" };
        let mut link = format!("./messages?start={}&limit={}&direction={direction}", self.start, self.limit);
        if self.end != u64::MAX {
            link.push_str(&format!("&end={}", self.end));
        }
        if let Some(cursor) = cursor {
            link.push_str(&format!("&cursor={cursor}"));
        }
        link
    }
}
