//! An entry in the user's calendar.

use serde_json::Value;

use super::Kind;
use super::draft::{Draft, said};
use super::planner::{ENTRY_MINUTES, TABLE_MINUTES};
use super::times::Clock;
use super::work::{Work, ask_when, spoken};
use crate::civil::DateTime;

use super::times::{self, Habit};
use super::when::When;
use super::words::Words;

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub when: When,
    pub minutes: Option<u32>,
    pub subject: Subject,
    pub location: Option<String>,
    /// Whether a place belongs to what it is called was assumed.
    pub unsure: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Titled(String),
    /// What was arranged before: `it`, `the dinner`.
    Arranged,
    Ride,
    Unsaid,
}

/// The title stands `from` a word on: behind the verb, where there is one.
pub(super) fn read(words: &mut Words, now: DateTime, from: usize) -> Entry {
    let quoted = (0..words.len()).find_map(|at| words.quoted(at)).map(str::to_owned);
    if let Some(at) = words.find(&["calendar", "diary", "agenda"]) {
        let owner = usize::from(at > 0 && words.is(at - 1, &["my", "the", "our"]));
        let into = usize::from(at > owner && words.is(at - owner - 1, &["to", "in", "into", "on"]));
        words.take(at - owner - into..at + 1);
    }
    let mut begin = None;
    let minutes = times::duration(words).or_else(|| until(words, &mut begin)).or_else(|| own_length(words));
    let remind = words.is(0, &["remind"]) || words.has(&["reminder"]);
    let evening = words.has(&["evening", "night", "tonight"]);
    let mut when = When::read(words, now, Habit::Errand);
    if let Some(clock) = begin.as_mut().filter(|clock| evening && clock.assumed && clock.time.hour() < 12) {
        clock.time = clock.time.wrapping_add_hours(12);
    }
    when.time = when.time.or_value(begin);
    // What is to be remembered keeps its place, unless it is that of the reminder: `book a table at Luigi's`.
    let unsure = words.is(0, &["remind"]) && location(&mut words.clone()).is_some();
    let location = if words.is(0, &["remind"]) { None } else { location(words) };
    let subject = match quoted {
        Some(title) if !title.trim().is_empty() => {
            let at = (0..words.len()).find(|at| words.quoted(*at).is_some()).unwrap_or_default();
            words.take(at..at + 1);
            Subject::Titled(title.trim().to_owned())
        }
        Some(_) | None => subject(words, remind, from),
    };
    let minutes = minutes.or(remind.then_some(15));
    Entry { when, minutes, subject, location, unsure }
}

/// `a 30 minute meeting`.
fn own_length(words: &mut Words) -> Option<u32> {
    let (at, (minutes, length)) = (0..words.len()).find_map(|at| Some((at, times::span(words, at)?)))?;
    if at > 0 && words.is(at - 1, &["in", "within", "after"]) {
        return None;
    }
    words.take(at..at + length);
    Some(minutes)
}

fn location(words: &mut Words) -> Option<String> {
    let at = words.find(&["at"])?;
    let range = words.phrase(at + 1, &[]);
    let text = words.phrase_text(range.clone())?;
    words.take(at..range.end);
    Some(text)
}

/// `from 2pm to 3pm`: takes both, and says when it begins.
fn until(words: &mut Words, begin: &mut Option<Clock>) -> Option<u32> {
    let from = words.find(&["from", "between"])?;
    let joins: &[&str] = if words.at(from) == "between" { &["and"] } else { &["to", "until", "till", "-", "–"] };
    let to = (from + 2..words.len().min(from + 5)).find(|at| words.is(*at, joins))?;
    let (minutes, end, clock) = times::between(words, from + 1, to)?;
    *begin = Some(clock);
    words.take(from..end);
    Some(minutes)
}

fn subject(words: &mut Words, remind: bool, from: usize) -> Subject {
    let mut at = from;
    while words.is(
        at,
        &[
            "me", "us", "to", "a", "an", "the", "about", "in", "up", "of", "event", "that", "called", "titled",
            "another", ":", "for", "reminder", "please",
        ],
    ) || (at < words.len() && (!words.is_free(at) || words.at(at) == ","))
    {
        if words.is(at, &["that"]) && !remind {
            break;
        }
        at += 1;
    }
    let arranged =
        ["it", "this", "that", "dinner", "booking", "reservation", "table", "everything", "them", "both", "details"];
    let alone =
        !words.is_free(at + 1) || words.is(at + 1, &["to", "in", "on", "please", "there"]) || words.is_mark(at + 1);
    if words.is(at, &arranged) && (alone || words.is(at, &["it", "this", "that"])) {
        return Subject::Arranged;
    }
    if words.is(at, &["ride", "taxi", "cab"]) && alone {
        return Subject::Ride;
    }
    let end = (at..words.len())
        .find(|at| !words.is_free(*at) || words.is_mark(*at) || words.is(*at, &["please"]))
        .unwrap_or(words.len());
    let mut end = end;
    while end > at && words.is(end - 1, &["at", "on", "for", "to", "in", "and", "from", "by", ","]) {
        end -= 1;
    }
    // What is to be remembered keeps the article that the grammar dropped: `die Bank anzurufen`.
    let whole = words.text_between(at, end).trim().trim_start_matches([',', ':']).trim_start();
    let title = if remind && !whole.is_empty() { whole } else { words.text(at..end).trim() };
    if !super::unread::open(words, at..end).is_empty() {
        return Subject::Titled(title.to_owned());
    }
    words.take(at..end);
    match title {
        "" => Subject::Unsaid,
        title => Subject::Titled(title.to_owned()),
    }
}

impl Work<'_, '_> {
    pub fn entry(&self, at: usize, id: &str, entry: &Entry) -> Draft {
        let mut draft = Draft::new(Kind::Schedule, "The calendar entry");
        let table = self.table_near(at);
        let ride =
            self.drafts.iter().flatten().find_map(|draft| {
                draft.steps.iter().find(|step| step.tool == "request_ride").map(|step| (draft, step))
            });
        let mut when = entry.when.clone();
        let mut minutes = ENTRY_MINUTES;
        let arranged = matches!(entry.subject, Subject::Arranged | Subject::Unsaid);
        match (&entry.subject, table, ride) {
            (Subject::Titled(title), _, _) => {
                draft.subject = format!("The calendar entry “{title}”");
                draft.set("title", said(title));
            }
            (Subject::Arranged | Subject::Unsaid, Some(table), _) => {
                draft.set("title", said(&format!("Table at {}", table.name)));
                draft.set("location", format!("${}.address", table.step));
                when.date = when.date.or(|| table.when.date.clone());
                when.time = when.time.or(|| table.when.time.clone());
                minutes = TABLE_MINUTES;
            }
            (Subject::Ride | Subject::Arranged, _, Some((ride, step))) => {
                draft.set("title", "Ride");
                let text = |name| step.params.get(name).and_then(Value::as_str);
                when.date = when.date.or_value(text("date").and_then(|date| date.parse().ok()));
                let time = text("time").and_then(|time| time.parse().ok());
                when.time = when.time.or_value(time.map(|time| Clock {
                    time,
                    next_day: false,
                    assumed: false,
                    approximate: false,
                }));
                minutes = ENTRY_MINUTES / 2;
                draft.assumed += u32::from(!ride.gaps.is_empty());
            }
            (Subject::Unsaid | Subject::Arranged | Subject::Ride, None | Some(_), None | Some(_)) => {
                draft.ask("title", "what is it called");
            }
        }
        if !arranged || table.is_none() {
            when.date = when.date.or_value(self.other_date(at));
        }
        if let Some(location) = &entry.location {
            draft.set("location", said(location));
        }
        let when = when.settle(self.planner.now);
        let known_elsewhere = arranged && table.is_some();
        let table_known = table.is_some_and(|table| table.when.moment().is_some());
        if known_elsewhere && !table_known {
            // What the table still lacks is asked for there.
            for (name, value) in [
                ("date", when.date.known().map(ToString::to_string)),
                ("time", when.time.known().map(|clock| times::spoken(clock.time))),
            ] {
                if let Some(value) = value {
                    draft.set(name, value);
                }
            }
        } else {
            ask_when(&mut draft, &when);
        }
        draft.assumed += entry.when.assumptions() + u32::from(entry.unsure);
        draft.set("duration_minutes", entry.minutes.unwrap_or(minutes));
        if let Some(title) = draft.parameters.get("title").and_then(Value::as_str).map(str::to_owned) {
            draft.summary = format!("put “{title}” in the calendar");
            if !known_elsewhere && let Some(moment) = when.moment() {
                draft.told = Some(format!("{} on {}.", title.trim(), spoken(moment)));
            }
        }
        draft.step(id, "add_calendar_event");
        if entry.subject == Subject::Ride || (arranged && table.is_none()) {
            let ride = ride.map(|(_, step)| step.id.clone());
            if let (Some(ride), Some(step)) = (ride, draft.steps.last_mut()) {
                step.after.push(ride);
            }
        }
        draft
    }
}
