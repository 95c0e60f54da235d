//! What a waterfall is drawn with, made of spans that were read back: one saga with all that is no other saga's. A span
//! counts as ours by the name of its library, which anybody can write: nothing is decided by it but where it is shown.

use std::collections::BTreeMap;

use makegood_core::id::SagaId;
use makegood_core::saga::{Phase, Report};
use makegood_core::time::Millis;
use makegood_core::trace::{Attribute, Span, Status, TITLE, Trace, What};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::steps::report;
use super::wire::{self, Given, Group};

/// The library that writes our spans.
const OURS: &str = "makegood";

/// A trace, as far as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Without attributes, whose names may be any: the notes have them.
    pub trace: Trace,
    /// `None` where it has none of ours.
    pub saga: Option<Saga>,
    /// The other sagas of the trace, the first first.
    pub others: Vec<SagaId>,
    /// How the saga's steps stand, of those that were begun.
    pub report: Report,
    /// Of each span.
    pub notes: BTreeMap<[u8; 8], Note>,
    pub left_out: usize,
    pub partial: bool,
}

/// What the span of a saga says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saga {
    pub id: SagaId,
    pub title: Option<String>,
    pub phase: Phase,
}

/// What else is known of a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// Whose it is; empty: that is not said.
    pub service: String,
    pub attributes: Vec<(String, Attribute)>,
}

impl Note {
    fn value(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        if let Attribute::Text(text) = self.value(name)? { Some(text) } else { None }
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        if let Attribute::Number(number) = self.value(name)? { Some(*number) } else { None }
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        if let Attribute::Flag(flag) = self.value(name)? { Some(*flag) } else { None }
    }
}

impl Told {
    /// The saga that is wanted, or the first. `None` where there is no span, or no such saga.
    #[must_use]
    pub fn of(given: &Given<'_>, wanted: Option<&str>) -> Option<Self> {
        let mut found = Found::of(given);
        found.cut_circles();
        let sagas = found.sagas();
        let chosen = match wanted {
            Some(wanted) => Some(sagas.iter().position(|(_, saga)| saga.id.as_str() == wanted)?),
            None => (!sagas.is_empty()).then_some(0),
        };
        let chosen = chosen.and_then(|nth| sagas.get(nth));
        let root = chosen.map_or_else(|| found.first(), |(place, _)| Some(*place))?;
        let mut others: Vec<SagaId> = Vec::new();
        for (place, saga) in &sagas {
            if *place != root && !others.contains(&saga.id) {
                others.push(saga.id.clone());
            }
        }
        let saga = chosen.map(|(_, saga)| saga.clone());
        let (spans, notes) = found.part(root, saga.is_some());
        let mut trace = Trace { id: given.trace, remote_parent: None, spans };
        if let Some(root) = trace.spans.first_mut() {
            trace.remote_parent = root.parent.take();
        }
        let report = report(&mut trace.spans, &notes);
        Some(Self { trace, saga, others, report, notes, left_out: given.left_out, partial: given.partial })
    }
}

/// Spans, each once, with where they are by their ids.
struct Found {
    spans: Vec<Span>,
    places: BTreeMap<[u8; 8], usize>,
    notes: BTreeMap<[u8; 8], Note>,
}

impl Found {
    fn of(given: &Given<'_>) -> Self {
        let mut found = Self { spans: Vec::new(), places: BTreeMap::new(), notes: BTreeMap::new() };
        for group in &given.groups {
            for read in &group.spans {
                found.add(group, read);
            }
        }
        found
    }

    /// A saga is told again when it rests again: what ended last is the newest.
    fn add(&mut self, group: &Group<'_>, read: &wire::Span<'_>) {
        let attributes = read.attributes.iter().map(wire::Pair::read).collect();
        let note = Note { service: group.service.clone(), attributes };
        let span = made(read, group.library == OURS, &note);
        let id = span.id.0;
        match self.places.get(&id).and_then(|place| self.spans.get_mut(*place)) {
            Some(known) if known.end >= span.end => {}
            Some(known) => {
                *known = span;
                self.notes.insert(id, note);
            }
            None => {
                self.places.insert(id, self.spans.len());
                self.spans.push(span);
                self.notes.insert(id, note);
            }
        }
    }

    fn parent(&self, of: usize) -> Option<usize> {
        let parent = self.spans.get(of)?.parent?;
        self.places.get(&parent.0).copied()
    }

    /// Takes the parent from one of those that are below themselves.
    fn cut_circles(&mut self) {
        // By which walk each was seen first.
        let mut seen: Vec<Option<usize>> = vec![None; self.spans.len()];
        for walk in 0..self.spans.len() {
            let mut at = walk;
            while seen[at].is_none() {
                seen[at] = Some(walk);
                let Some(next) = self.parent(at) else { break };
                if seen[next] == Some(walk) {
                    self.spans[at].parent = None;
                    break;
                }
                at = next;
            }
        }
    }

    /// The sagas, by their start.
    fn sagas(&self) -> Vec<(usize, Saga)> {
        let mut sagas: Vec<(usize, Saga)> = Vec::new();
        for (place, span) in self.spans.iter().enumerate().filter(|(_, span)| span.what == What::Saga) {
            sagas.extend(self.notes.get(&span.id.0).and_then(saga).map(|saga| (place, saga)));
        }
        sagas.sort_by_key(|(place, _)| self.spans[*place].start);
        sagas
    }

    /// The span with which a trace begins that has no saga.
    fn first(&self) -> Option<usize> {
        let tops = (0..self.spans.len()).filter(|place| self.parent(*place).is_none());
        tops.min_by_key(|place| self.spans[*place].start)
    }

    /// What belongs to this root and to no other saga: the root first, then by start.
    fn part(self, root: usize, of_saga: bool) -> (Vec<Span>, BTreeMap<[u8; 8], Note>) {
        let owners = self.owners();
        let is_shown = |place: usize| !of_saga || owners[place].is_none_or(|owner| owner == root);
        let root_id = self.spans[root].id;
        let mut shown: Vec<Span> = Vec::new();
        for (place, span) in self.spans.iter().enumerate().filter(|(place, _)| is_shown(*place)) {
            let mut span = span.clone();
            // Ours stand right below their saga; and there is one that is shown.
            let astray = matches!(span.what, What::Invocation | What::Step | What::Undo | What::Model)
                && self.parent(place).is_some_and(|parent| parent != root);
            if astray || span.what == What::Saga && place != root {
                span.what = What::Other;
            }
            shown.push(span);
        }
        shown.sort_by_key(|span| (span.id != root_id, span.start, span.what.depth()));
        (shown, self.notes)
    }

    /// The saga that each is below, or is.
    fn owners(&self) -> Vec<Option<usize>> {
        let mut owners: Vec<Option<Option<usize>>> = vec![None; self.spans.len()];
        for place in 0..self.spans.len() {
            let (mut path, mut at) = (Vec::new(), Some(place));
            let owner = loop {
                let Some(here) = at else { break None };
                if let Some(known) = owners[here] {
                    break known;
                }
                path.push(here);
                if self.spans[here].what == What::Saga {
                    break Some(here);
                }
                at = self.parent(here);
            };
            for here in path {
                owners[here] = Some(owner);
            }
        }
        owners.into_iter().map(Option::flatten).collect()
    }
}

fn made(read: &wire::Span<'_>, ours: bool, note: &Note) -> Span {
    let what = if ours { what(&read.name, note) } else { What::Other };
    let (start, end) = (millis(read.start), read.end.map(millis));
    let status = match read.code {
        1 => Status::Ok,
        2 => Status::Error,
        _ => Status::Unset,
    };
    // Where words do not leave the house, codes do.
    let code = note.text("error.type").filter(|_| status == Status::Error && what != What::Saga);
    let message = if read.message.is_empty() { code.unwrap_or_default() } else { read.message.as_str() };
    Span {
        id: read.id,
        parent: read.parent.filter(|parent| *parent != read.id),
        what,
        name: read.name.clone(),
        start,
        end: end.map(|end| end.max(start)),
        status,
        message: message.to_owned(),
        node: None,
        inv: note.number("makegood.invocation").and_then(|number| u32::try_from(number).ok()),
        attributes: Vec::new(),
        links: read.links.clone(),
    }
}

const fn millis(nanos: u64) -> Millis {
    Millis(nanos / 1_000_000)
}

/// What a span of ours is of.
fn what(name: &str, note: &Note) -> What {
    if saga(note).is_some() {
        return What::Saga;
    }
    if let Some(op) = note.text("makegood.op") {
        return if op == "undo" { What::UndoAttempt } else { What::Attempt };
    }
    if let Some(step) = note.text("makegood.step") {
        return if name.strip_prefix("undo ") == Some(step) { What::Undo } else { What::Step };
    }
    if note.text("makegood.wait").is_some() {
        What::Wait
    } else if note.number("makegood.invocation").is_some() {
        What::Invocation
    } else if name.starts_with("approval ") {
        What::Approval
    } else if note.text("gen_ai.operation.name") == Some("chat") {
        What::Model
    } else {
        What::Other
    }
}

fn saga(note: &Note) -> Option<Saga> {
    let id = SagaId::try_from(note.text("makegood.saga")?.to_owned()).ok()?;
    let phase = named(note.text("makegood.phase")?)?;
    Some(Saga { id, title: note.text(TITLE).map(str::to_owned), phase })
}

/// A value of an enum by its name.
pub(super) fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}
