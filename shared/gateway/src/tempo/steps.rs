//! How the steps of a saga stand, by what its spans say.

use std::collections::BTreeMap;

use makegood_core::saga::{Op, Report, Standing, StepReport};
use makegood_core::tool::Class;
use makegood_core::trace::{HELD, Span, SpanId, Status, What};
use serde_json::Value;

use super::told::{Note, named};

/// What a step without a partner has for a tool, in the plan.
const WAIT: &str = "(wait)";
const GATHER: &str = "(gather)";

/// How the steps stand; numbers them, in the order in which they began.
pub fn report(spans: &mut [Span], notes: &BTreeMap<[u8; 8], Note>) -> Report {
    let none = Note::default();
    let note = |id: SpanId| notes.get(&id.0).unwrap_or(&none);
    let mut waits: Vec<[u8; 8]> = Vec::new();
    waits.extend(
        spans.iter().filter(|span| ends_step(span, note(span.id))).filter_map(|span| span.parent.map(|id| id.0)),
    );
    waits.sort_unstable();
    let (mut steps, mut places) = (Vec::new(), BTreeMap::new());
    for (ix, span) in (0..).zip(spans.iter_mut().filter(|span| span.what == What::Step)) {
        span.node = Some(ix);
        places.insert(span.id.0, steps.len());
        let without = if waits.binary_search(&span.id.0).is_ok() { WAIT } else { GATHER };
        steps.push(step(ix, span, note(span.id), without));
    }
    let cause = spans.first().and_then(|root| note(root.id).text("makegood.cause"));
    let cause = cause.map(|cause| format!("It turned round: `{cause}`."));
    let back = cause.is_some();
    let mut report =
        Report { steps, cause, back, paused: None, replanned: Vec::new(), undone: Vec::new(), left: Vec::new() };
    let mut undos: Vec<&Span> = spans.iter().filter(|span| span.what == What::Undo).collect();
    undos.sort_by_key(|undo| undo.end);
    for undo in undos {
        let place = undo.links.iter().find_map(|link| places.get(&link.0));
        if let Some(step) = place.and_then(|place| report.steps.get_mut(*place)) {
            take_back(step, undo, note(undo.id));
            if matches!(step.standing, Standing::Undone | Standing::Fenced) {
                report.undone.push(step.id.clone());
            }
        }
    }
    report
}

/// Of a wait: it is all that its step is, and no pause between two calls.
fn ends_step(span: &Span, note: &Note) -> bool {
    span.what == What::Wait && note.text("makegood.wait").is_some_and(|kind| ["timer", "event"].contains(&kind))
}

fn step(ix: u32, span: &Span, note: &Note, without: &str) -> StepReport {
    let held = note.flag(HELD) == Some(true);
    let standing = match (span.status, span.end) {
        (Status::Error, _) if held => Standing::Held,
        (Status::Error, _) => Standing::Refused,
        (Status::Ok, _) => Standing::Done,
        (Status::Unset, _) if note.flag("makegood.skipped") == Some(true) => Standing::Skipped,
        (Status::Unset, Some(_)) => Standing::Abandoned,
        (Status::Unset, None) => Standing::Running,
    };
    let code = note.text("error.type");
    StepReport {
        ix,
        id: span.name.clone(),
        tool: note.text("gen_ai.tool.name").unwrap_or(without).to_owned(),
        class: note.text("makegood.class").and_then(named).unwrap_or(Class::Query),
        standing,
        after: Vec::new(),
        params: Value::Null,
        output: None,
        code: code.map(str::to_owned),
        detail: Some(&span.message).filter(|said| !said.is_empty() && Some(said.as_str()) != code).cloned(),
        attempts: Vec::new(),
        brought_by: None,
        wait: None,
        held: held.then_some(Op::Do),
        approval: None,
        remarks: Vec::new(),
    }
}

/// What its undo makes of a step.
fn take_back(step: &mut StepReport, undo: &Span, note: &Note) {
    step.standing = match undo.status {
        Status::Ok if note.flag("makegood.found") == Some(false) => Standing::Fenced,
        Status::Ok => Standing::Undone,
        Status::Error => Standing::Held,
        Status::Unset => Standing::Undoing,
    };
    if undo.status == Status::Error {
        step.held = Some(Op::Undo);
        step.code = note.text("error.type").map(str::to_owned);
        step.detail = Some(undo.message.clone()).filter(|said| !said.is_empty() && Some(said) != step.code.as_ref());
    }
}
