//! One saga in short: how it stands, and a line for every step.

use makegood_core::time::Millis;

use super::figures::{LONGEST, count, line, moment};
use super::reader::{Colour, Look, Reader};
use super::table::{Cell, table};
use super::view::{Op, Phase, Standing, Step, View};

/// The saga and its steps.
pub fn show(view: &View, reader: &Reader) -> String {
    let head = ["  STEP", "STANDING", "ATTEMPTS", "TOOL", "TOOK"].map(|name| Cell::painted(name, Colour::Grey));
    let row = |step: &Step| {
        let look = Look::of(step);
        [
            Cell::painted(look.sign, look.colour).and(Cell::plain(format!(" {}", line(&step.id, LONGEST)))),
            Cell::painted(look.word, look.colour),
            Cell::plain(attempts(step)),
            Cell::plain(line(&step.tool, LONGEST)),
            Cell::plain(took(step)),
        ]
    };
    let rows: Vec<_> = std::iter::once(head).chain(view.steps.iter().map(row)).collect();
    format!("{}\n\n{}", headline(view, reader), table(&rows, reader))
}

/// Which saga it is, and how it stands, in three lines.
pub fn headline(view: &View, reader: &Reader) -> String {
    let word = if view.is_paused() { "paused" } else { view.phase.word() };
    let phase = reader.paint(view.phase.colour(), word);
    let priority = view.priority.as_ref().map(|priority| format!("  {} priority", line(priority, LONGEST)));
    let priority = priority.unwrap_or_default();
    let title = if view.title.trim().is_empty() { "(untitled)".to_owned() } else { line(&view.title, LONGEST) };
    format!("{}  {phase}{priority}\n{title}\n{} {}", line(&view.saga, LONGEST), verdict(view), times(view, reader))
}

fn verdict(view: &View) -> String {
    let done = view.count(Standing::Done);
    let all = count(view.steps.len(), "step");
    match view.phase {
        Phase::Forward if view.is_paused() => format!("It is paused: {done} of {all} done."),
        Phase::Forward => format!("It is under way: {done} of {all} done."),
        Phase::Unwinding => format!("It is being undone: {} undone so far.", count(view.undone.len(), "step")),
        Phase::Completed if done == view.steps.len() => format!("It is completed: {all} done."),
        Phase::Completed => {
            let skipped = view.count(Standing::Skipped);
            // Another plan, or an alternative, took their place.
            let replaced = view.steps.len().saturating_sub(done + skipped);
            let others =
                [(skipped, "passed over"), (replaced, "replaced")].into_iter().filter(|(number, _)| *number > 0);
            let others: String = others.map(|(number, what)| format!(", {number} {what}")).collect();
            format!("It is completed: {done} of {all} done{others}.")
        }
        Phase::MadeGood => "It was made good: nothing of it is left.".to_owned(),
        Phase::Stuck => "It is stuck: some of it can go neither forward nor back without a person.".to_owned(),
        Phase::Other => "How it stands cannot be told by this version of the command.".to_owned(),
    }
}

fn times(view: &View, reader: &Reader) -> String {
    let begun = moment(view.created_at, reader.now);
    let calls = count(usize::try_from(view.counters.calls).unwrap_or(usize::MAX), "call");
    if view.phase.at_rest() {
        let lasted = view.updated_at.since(view.created_at).in_words();
        return format!("Begun {begun}, at rest after {lasted} and {calls}.");
    }
    let again = view.wake_at.filter(|at| *at > reader.now);
    let again = again.map(|at| format!(" Looked after again {}.", moment(at, reader.now))).unwrap_or_default();
    format!("Begun {begun}, {calls} so far.{again}")
}

/// `1 do, 2 undo`, as far as there are any.
fn attempts(step: &Step) -> String {
    let told = [(Op::Do, "do"), (Op::Status, "status"), (Op::Undo, "undo")].map(|(op, name)| (step.tries(op), name));
    let told: Vec<String> = told.into_iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    if told.is_empty() { "–".to_owned() } else { told.join(", ") }
}

/// The time in calls, all attempts together.
fn took(step: &Step) -> String {
    let mut known = step.attempts.iter().filter_map(|attempt| attempt.took).peekable();
    match known.peek() {
        Some(_) => known.fold(Millis(0), |sum, took| sum + took).in_words(),
        None => "–".to_owned(),
    }
}
