//! The caller's sagas, newest first.

use super::arguments::ListSagas;
use super::figures::{line, moment};
use super::reader::{Colour, Reader};
use super::table::{Cell, table};
use super::view::{Line, Listing};

const LONGEST_TITLE: usize = 44;

/// The list as a table, and how to get at what is older of the same.
pub fn listing(listing: &Listing, asked: &ListSagas, reader: &Reader) -> String {
    let narrowed: String = asked.narrowed().map(|(name, value)| format!(" --{name} {value}")).collect();
    if listing.sagas.is_empty() {
        let such = if narrowed.is_empty() { "" } else { "such " };
        return format!("There are no {such}sagas of yours.");
    }
    let head = ["ID", "PHASE", "TITLE", "BEGUN", "CALLS"].map(|name| Cell::painted(name, Colour::Grey));
    let row = |saga: &Line| {
        [
            Cell::plain(line(&saga.id, LONGEST_TITLE)),
            Cell::painted(saga.phase.word(), saga.phase.colour()),
            Cell::plain(title(&saga.title) + &priority(saga)),
            Cell::plain(moment(saga.created_at, reader.now)),
            Cell::plain(saga.calls.to_string()),
        ]
    };
    let rows: Vec<_> = std::iter::once(head).chain(listing.sagas.iter().map(row)).collect();
    let mut text = table(&rows, reader);
    if let Some(before) = listing.next_before {
        let saga = listing.next_saga.as_ref().map(|saga| format!(" --saga {}", line(saga, LONGEST_TITLE)));
        let older = format!("list --before {}{}{narrowed}", before.0, saga.unwrap_or_default());
        text += &format!("\nOlder ones: {}", reader.command(&older));
    }
    text
}

/// Where it is not the usual one.
fn priority(saga: &Line) -> String {
    let priority = saga.priority.as_ref().map(|priority| format!(" ({})", line(priority, LONGEST_TITLE)));
    priority.unwrap_or_default()
}

/// What a saga is called.
pub fn title(title: &str) -> String {
    if title.trim().is_empty() { "(untitled)".to_owned() } else { line(title, LONGEST_TITLE) }
}
