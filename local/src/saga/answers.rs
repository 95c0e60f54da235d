//! What a saga wants of people, each with the command that answers it.

use super::figures::{LONGEST, line, moment, names};
use super::reader::{Look, Reader, quoted};
use super::view::{Approval, Class, Phase, Standing, Step, View};

/// A paragraph for each kind of thing that waits for a person; none where nothing does.
pub fn answers(view: &View, reader: &Reader) -> Vec<String> {
    [paused(view, reader), questions(view, reader), events(view, reader), left(view, reader)]
        .into_iter()
        .flatten()
        .collect()
}

fn paused(view: &View, reader: &Reader) -> Option<String> {
    let why = view.paused.as_ref()?;
    let resume = reader.command(&format!("resume {}", view.saga));
    Some(format!("Paused: {} Nothing new is started until:\n  {resume}", line(why, 2 * LONGEST)))
}

fn questions(view: &View, reader: &Reader) -> Option<String> {
    let asked = view.steps.iter().filter_map(|step| Some((step, step.asks()?)));
    let told: Vec<String> = asked.map(|(step, approval)| question(view, step, approval, reader)).collect();
    (!told.is_empty()).then(|| format!("Waiting for approval:\n{}", told.join("\n")))
}

fn question(view: &View, step: &Step, approval: &Approval, reader: &Reader) -> String {
    let (saga, id, hash) = (&view.saga, &step.id, quoted(&approval.hash));
    let mut lines = vec![format!("  {} {id}: {}", Look::of(step).sign, line(&step.tool, LONGEST))];
    if !approval.question.is_empty() {
        lines.push(format!("      {}", line(&approval.question, 2 * LONGEST)));
    }
    lines.push(format!("      With {}", line(&step.params.to_string(), 2 * LONGEST)));
    lines.push(format!("      {}", who(approval, &step.agreed(), reader)));
    lines.push(format!("      {}", reader.command(&format!("approve {saga} {id} --hash {hash}"))));
    lines.push(format!("      {}", reader.command(&format!("reject {saga} {id} --hash {hash} --note 'why not'"))));
    lines.join("\n")
}

fn who(approval: &Approval, agreed: &[&str], reader: &Reader) -> String {
    let by = match approval.by.as_slice() {
        [] => "Its owner decides".to_owned(),
        [one] => format!("{} decides", line(one, LONGEST)),
        several if approval.quorum == 1 => format!("Any one decides of {}", names(several)),
        several => format!("{} must agree of {}", approval.quorum, names(several)),
    };
    let agreed = match agreed {
        [] => String::new(),
        [one] => format!("; {} has agreed", line(one, LONGEST)),
        several => format!("; {} have agreed", names(several)),
    };
    let until = moment(approval.until, reader.now);
    let ends = if approval.until > reader.now { "It expires" } else { "It expired" };
    format!("{by}{agreed}. {ends} {until}.")
}

fn events(view: &View, reader: &Reader) -> Option<String> {
    let tell = |(step, event): (&Step, &str)| {
        let event = quoted(&line(event, 2 * LONGEST));
        let command = reader.command(&format!("event {} {event} --payload '{{}}'", view.saga));
        format!("  {} {}\n      {command}", Look::of(step).sign, step.id)
    };
    let waiting = view.steps.iter().filter_map(|step| Some((step, step.event()?)));
    let told: Vec<String> = waiting.map(tell).collect();
    (!told.is_empty()).then(|| format!("Waiting for an event:\n{}", told.join("\n")))
}

fn left(view: &View, reader: &Reader) -> Option<String> {
    if view.phase != Phase::Stuck {
        return None;
    }
    let left: Vec<&Step> = view.left.iter().filter_map(|left| view.step(&left.step)).collect();
    let (held, others): (Vec<&Step>, Vec<&Step>) = left.into_iter().partition(|step| step.standing == Standing::Held);
    let (done, open): (Vec<&Step>, Vec<&Step>) = others.into_iter().partition(|step| step.standing == Standing::Done);
    let ids = |steps: &[&Step]| names(&steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>());
    let mut lines: Vec<String> = held.iter().map(|step| choices(view, step, reader)).collect();
    if !open.is_empty() {
        lines.push(format!("  Not settled: {}.", ids(&open)));
    }
    if !done.is_empty() {
        let way = if view.is_past_its_pivot() { "not undone any more" } else { "kept until that is settled" };
        lines.push(format!("  Done, and {way}: {}.", ids(&done)));
    }
    (!lines.is_empty()).then(|| format!("Left for a person:\n{}", lines.join("\n")))
}

/// What can be said of a held step. The engine takes an answer only where it fits the way that the
/// saga goes: an undo that is open cannot be answered with "done", nor a step after the point of no
/// return with "not done".
fn choices(view: &View, step: &Step, reader: &Reader) -> String {
    let resolve = |how: &str| reader.command(&format!("resolve {} {} {how}", view.saga, step.id));
    let done = resolve("--done --output '{}'");
    let not_done = resolve("--not-done --note 'how you know'");
    let mut choices = if step.undo_is_open() && view.back {
        vec![("Undo it by hand, then say so:", not_done)]
    } else if view.must_go_on() && step.class != Class::Pivot {
        vec![("Do it by hand, then say so, with what it gave:", done)]
    } else {
        vec![("If it happened, say what it gave:", done), ("If it did not happen:", not_done)]
    };
    // Of an effect that may have happened the engine asks no second time.
    if step.code.as_deref() != Some("unknown_outcome") {
        choices.push(("Or have it tried again:", reader.command(&format!("retry {} {}", view.saga, step.id))));
    }
    let open = if step.undo_is_open() { "its undo is open" } else { "what it does is open" };
    let choices = choices.into_iter().map(|(when, command)| format!("\n      {when}\n        {command}"));
    format!("  {} {}: {open}.{}", Look::of(step).sign, step.id, choices.collect::<String>())
}
