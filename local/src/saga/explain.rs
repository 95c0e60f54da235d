//! One saga in full: the tree of its plan, why it turned round, why an undo is held, in which order
//! it was undone, and what it wants of people.

use super::answers::answers;
use super::figures::{LONGEST, count, line, moment, names};
use super::reader::{Colour, Look, Reader};
use super::show::headline;
use super::table::{Cell, table};
use super::tree::{self, Row};
use super::view::{Op, Phase, Standing, Step, View};

/// The whole explanation: paragraphs with an empty line between them.
pub fn explain(view: &View, reader: &Reader) -> String {
    let mut paragraphs =
        vec![headline(view, reader), tree(view, reader), plans(view, reader), causes(view, reader), undone(view)];
    paragraphs.extend(answers(view, reader));
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

fn tree(view: &View, reader: &Reader) -> String {
    let row = |row: &Row<'_>| {
        let step = view.steps.get(row.place)?;
        let look = Look::of(step);
        let name = format!(" {}", line(&step.id, LONGEST));
        Some([
            Cell::painted(&row.margin, Colour::Grey).and(Cell::painted(look.sign, look.colour)).and(Cell::plain(name)),
            Cell::painted(look.word, look.colour),
            Cell::plain(line(&step.tool, LONGEST)),
            Cell::plain(notes(step, &row.also_after)),
        ])
    };
    let rows: Vec<_> = tree::rows(&view.steps).iter().filter_map(row).collect();
    table(&rows, reader)
}

fn notes(step: &Step, also_after: &[&str]) -> String {
    let order = (!also_after.is_empty()).then(|| format!("also after {}", names(also_after)));
    let last = step.attempts.last();
    let said = match step.standing {
        Standing::Refused | Standing::Held | Standing::Fenced | Standing::Skipped => said(step),
        Standing::Waiting | Standing::Undoing => match (step.event(), last) {
            (Some(event), _) => Some(format!("for the event {event}")),
            (None, Some(last)) if !last.detail.is_empty() => Some(format!("{}: {}", last.outcome, last.detail)),
            (None, _) => None,
        },
        Standing::Pending
        | Standing::Running
        | Standing::Queued
        | Standing::Asking
        | Standing::Done
        | Standing::Undone
        | Standing::Abandoned
        | Standing::Other => None,
    };
    let notes: Vec<String> = order.into_iter().chain(said.map(|said| line(&said, LONGEST))).collect();
    notes.join("; ")
}

/// `no_driver: No driver is free.`
fn said(step: &Step) -> Option<String> {
    let said: Vec<&str> = [&step.code, &step.detail].into_iter().flatten().map(String::as_str).collect();
    (!said.is_empty()).then(|| said.join(": "))
}

/// Who had it go on with another plan.
fn plans(view: &View, reader: &Reader) -> String {
    let told = view.replanned.iter().map(|remark| {
        let note = if remark.note.is_empty() { String::new() } else { format!(": {}", line(&remark.note, LONGEST)) };
        let by = line(&remark.by, LONGEST);
        format!("{} by {by}, {}{note}", reader.paint(Colour::Grey, "Another plan:"), moment(remark.at, reader.now))
    });
    told.collect::<Vec<_>>().join("\n")
}

fn causes(view: &View, reader: &Reader) -> String {
    let first = view.cause.iter().map(|cause| ("First cause:", line(cause, 2 * LONGEST)));
    let held = view.steps.iter().filter(|step| step.standing == Standing::Held && view.back);
    let undo = held.map(|step| ("Undo cause:", undo_cause(step)));
    let told = first.chain(undo).map(|(what, why)| format!("{} {why}", reader.paint(Colour::Red, what)));
    told.collect::<Vec<_>>().join("\n")
}

/// Why a held step keeps a saga from being undone.
fn undo_cause(step: &Step) -> String {
    let code = step.code.as_deref().map(|code| format!(" ({})", line(code, LONGEST))).unwrap_or_default();
    let detail = step.detail.as_deref().map(|detail| format!(": {}", line(detail, LONGEST))).unwrap_or_default();
    let id = line(&step.id, LONGEST);
    if step.undo_is_open() {
        let tries = match step.tries(Op::Undo) {
            0 | 1 => String::new(),
            tries => format!(" after {}", count(tries, "try")),
        };
        format!("Step `{id}` could not be undone{tries}{code}{detail}")
    } else {
        format!("What became of step `{id}` is not known{code}{detail}")
    }
}

fn undone(view: &View) -> String {
    if view.undone.is_empty() {
        return String::new();
    }
    let head = if view.phase == Phase::Unwinding { "Undone so far, in this order:" } else { "Undone, in this order:" };
    let row = |(place, id): (usize, &String)| {
        let how = view.step(id).map(how).unwrap_or_default();
        [Cell::plain(format!("  {}.", place + 1)), Cell::plain(line(id, LONGEST)), Cell::plain(how)]
    };
    let rows: Vec<_> = view.undone.iter().enumerate().map(row).collect();
    format!("{head}\n{}", table(&rows, &Reader::default()))
}

fn how(step: &Step) -> String {
    if step.standing == Standing::Fenced {
        return "had had no effect; a late one is kept out".to_owned();
    }
    let by_hand = step.remarks.last().filter(|remark| remark.what == "resolved as not done");
    if let Some(remark) = by_hand {
        return format!("by hand, says {}", line(&remark.by, LONGEST));
    }
    let undo = step.attempts.iter().rev().find(|attempt| attempt.op == Op::Undo);
    undo.and_then(|undo| undo.took).map(|took| format!("in {}", took.in_words())).unwrap_or_default()
}
