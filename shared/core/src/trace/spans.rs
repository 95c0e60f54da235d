//! Makes a trace of a journal, record by record.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::context::Context;
use super::id::{SpanId, Tag, TraceId};
use super::track::{Flight, Track};
use super::{ARGUMENTS, Attribute, RESULT, Span, Status, TITLE, Trace, What};
use crate::id::SagaId;
use crate::proposal::Provenance;
use crate::saga::{CallId, Cause, Fact, NEVER_SEEN, Node, Op, Phase, Record, Wait};
use crate::time::Millis;
use crate::tool::Class;

/// A saga, as far as its spans need it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub saga: &'a SagaId,
    pub title: &'a str,
    pub phase: Phase,
    pub created_at: Millis,
    /// Of all of its plans.
    pub nodes: &'a [Node],
    /// How the plan was made, where it was made of a message.
    pub reading: Option<&'a Provenance>,
    /// What its caller came with.
    pub context: Option<Context>,
}

/// The trace of a saga whose journal this is.
#[must_use]
pub fn of<'a>(about: &About<'_>, journal: impl IntoIterator<Item = &'a Record>) -> Trace {
    let mut maker = Maker::new(about);
    maker.read();
    for record in journal {
        maker.tell(record);
    }
    maker.finish()
}

struct Maker<'a> {
    about: &'a About<'a>,
    /// In the order in which they were made; the first is the root.
    spans: Vec<Span>,
    tracks: Vec<Track>,
    /// The places of the invocations' spans.
    invocations: Vec<usize>,
    /// The place of the span of its being paused.
    pause: Option<usize>,
    pauses: u32,
    last: Millis,
}

impl<'a> Maker<'a> {
    fn new(about: &'a About<'a>) -> Self {
        let parent = about.context.map(|context| context.parent);
        let mut root = span(SpanId::of_saga(about.saga), parent, What::Saga, "saga".to_owned(), about.created_at);
        root.attributes = vec![
            ("gen_ai.operation.name", text("invoke_workflow")),
            ("makegood.saga", text(about.saga.as_str())),
            (TITLE, text(about.title)),
            ("makegood.phase", text(about.phase.as_str())),
        ];
        Self {
            about,
            spans: vec![root],
            tracks: vec![Track::default(); about.nodes.len()],
            invocations: Vec::new(),
            pause: None,
            pauses: 0,
            last: about.created_at,
        }
    }

    /// The models that were asked for the plan, one after the other and before the saga was there.
    fn read(&mut self) {
        let Some(reading) = self.about.reading.filter(|reading| !reading.asked.is_empty()) else { return };
        let mut at = self.about.created_at - Millis(reading.took_ms);
        self.spans[0].start = at;
        for (number, asked) in (0..).zip(&reading.asked) {
            let id = SpanId::of(self.about.saga, Tag::Model, [number, 0, 0, 0]);
            let place = self.begin(id, 0, What::Model, format!("chat {}", asked.model), at, None);
            at = (at + Millis(asked.took_ms)).min(self.about.created_at);
            let model = &mut self.spans[place];
            model.attributes = vec![
                ("gen_ai.operation.name", text("chat")),
                ("gen_ai.request.model", text(&asked.model)),
                ("gen_ai.usage.input_tokens", number_of(asked.tokens_in)),
                ("gen_ai.usage.output_tokens", number_of(asked.tokens_out)),
                ("makegood.cost_nanos", number_of(asked.cost_nanos)),
            ];
            if asked.outcome == "answered" {
                model.status = Status::Ok;
            } else {
                fail(model, &asked.outcome, "");
            }
            model.end = Some(at);
        }
    }

    fn tell(&mut self, record: &Record) {
        let at = record.at;
        self.last = self.last.max(at);
        self.invoke(record);
        match &record.fact {
            Fact::Unwinding { cause } => {
                self.drop_what_waits(at, |_| true);
                let why = match cause {
                    Cause::Step { code, .. } => code.as_str(),
                    Cause::Cancelled { .. } => "cancelled",
                    Cause::Deadline => "deadline",
                    Cause::Budget { .. } => "budget",
                };
                set(&mut self.spans[0], "makegood.cause", text(why));
            }
            Fact::Replanned { from, kept, epoch, .. } => {
                self.drop_what_waits(at, |ix| ix < *from && !kept.contains(&ix));
                set(&mut self.spans[0], "makegood.epoch", number_of((*epoch).into()));
            }
            Fact::Paused { .. } => {
                let id = SpanId::of(self.about.saga, Tag::Wait, [u32::MAX, self.pauses, 0, 0]);
                self.pauses += 1;
                let place = self.begin(id, 0, What::Wait, "wait paused".to_owned(), at, Some(record.inv));
                self.spans[place].attributes.push(("makegood.wait", text("paused")));
                self.pause = Some(place);
            }
            Fact::Resumed { .. } => self.end_pause(at),
            Fact::Received { .. } | Fact::Yielded { .. } => {}
            Fact::Completed | Fact::MadeGood | Fact::Stuck { .. } => self.end_pause(at),
            Fact::Started { .. }
            | Fact::Done { .. }
            | Fact::Refused { .. }
            | Fact::Unsettled { .. }
            | Fact::UndoStarted { .. }
            | Fact::Undone { .. }
            | Fact::Held { .. }
            | Fact::Waiting { .. }
            | Fact::Queued { .. }
            | Fact::Shut { .. }
            | Fact::Skipped { .. }
            | Fact::Asked { .. }
            | Fact::Decided { .. }
            | Fact::Retried { .. }
            | Fact::Resolved { .. } => {
                // Nodes lie in the order of their numbers, and none is missing.
                let Some(ix) = record.fact.node() else { return };
                let place = usize::try_from(ix).unwrap_or(usize::MAX);
                if self.about.nodes.get(place).is_some_and(|node| node.ix == ix) {
                    self.tell_of(place, record);
                }
            }
        }
    }

    /// What a record says of a node. `of`: the node's place in the plan.
    fn tell_of(&mut self, of: usize, record: &Record) {
        let (at, inv) = (record.at, record.inv);
        match &record.fact {
            Fact::Started { attempt, round, params, .. } => {
                self.step(of, at);
                self.end_wait(of, at);
                let track = &mut self.tracks[of];
                (track.round, track.asking, track.refused) = (*round, false, false);
                let span = self.leave(of, Op::Do, *attempt, at, inv);
                let params = written(params.as_ref().unwrap_or(&self.about.nodes[of].params));
                self.spans[span].attributes.push((ARGUMENTS, params));
            }
            Fact::Done { attempt, took, output, .. } => {
                if let Some(call) = self.answer(of, None, *attempt, *took, record) {
                    self.spans[call].status = Status::Ok;
                    self.spans[call].attributes.push((RESULT, Attribute::Text(output.to_string())));
                }
                let step = self.step(of, at);
                self.end_wait(of, at);
                self.end_question(of, at, None);
                succeed(&mut self.spans[step], at);
                self.tracks[of].asking = false;
            }
            Fact::Refused { attempt, took, code, detail, .. } => {
                if let Some(call) = self.answer(of, None, *attempt, *took, record) {
                    fail(&mut self.spans[call], code, detail);
                }
                let step = self.step(of, at);
                self.end_wait(of, at);
                self.end_question(of, at, Some((code.as_str(), detail.as_str())));
                fail(&mut self.spans[step], code, detail);
                self.spans[step].end = Some(at);
                let track = &mut self.tracks[of];
                (track.asking, track.refused) = (false, true);
            }
            Fact::Unsettled { op, attempt, took, reason, again, .. } => {
                if let Some(call) = self.answer(of, Some(*op), *attempt, *took, record) {
                    fail(&mut self.spans[call], "no_answer", reason);
                }
                match op {
                    Op::Do => self.tracks[of].asking = *again == Some(at),
                    Op::Status => self.tracks[of].asking = reason != NEVER_SEEN,
                    Op::Undo => {}
                }
                if let Some(until) = again.filter(|until| *until > at) {
                    self.wait(of, "retry", record, Some(until));
                }
            }
            Fact::UndoStarted { attempt, .. } => {
                self.undo(of, at);
                self.end_wait(of, at);
                self.leave(of, Op::Undo, *attempt, at, inv);
            }
            Fact::Undone { attempt, took, found, .. } => {
                let undo = self.undo(of, at - *took);
                if let Some(call) = self.answer(of, Some(Op::Undo), *attempt, *took, record) {
                    self.spans[call].status = Status::Ok;
                }
                self.end_wait(of, at);
                succeed(&mut self.spans[undo], at);
                set(&mut self.spans[undo], "makegood.found", Attribute::Flag(*found));
            }
            Fact::Held { op, code, detail, .. } => {
                self.end_wait(of, at);
                let held = if *op == Op::Undo { self.undo(of, at) } else { self.step(of, at) };
                fail(&mut self.spans[held], code, detail);
                self.spans[held].end = None;
            }
            Fact::Waiting { until, .. } => {
                self.step(of, at);
                let kind = match &self.about.nodes[of].wait {
                    Some(Wait::Event { .. }) => "event",
                    Some(Wait::ForMs(_) | Wait::Until(_)) | None => "timer",
                };
                self.wait(of, kind, record, Some(*until));
            }
            Fact::Queued { .. } => {
                self.step(of, at);
                self.wait(of, "turn", record, None);
            }
            Fact::Shut { name, .. } => {
                if self.tracks[of].undo.is_none() {
                    self.step(of, at);
                }
                let wait = self.wait(of, "breaker", record, None);
                set(&mut self.spans[wait], "makegood.breaker", text(name));
            }
            Fact::Skipped { .. } => {
                // One that was never begun has no span.
                self.end_wait(of, at);
                self.end_question(of, at, None);
                if let Some(step) = self.tracks[of].step {
                    self.spans[step].end = Some(at);
                    set(&mut self.spans[step], "makegood.skipped", Attribute::Flag(true));
                }
            }
            Fact::Asked { params, .. } => self.ask(of, record, params),
            Fact::Decided { approve, .. } => self.decide(of, at, *approve),
            Fact::Retried { .. } => {
                let track = &mut self.tracks[of];
                if track.refused {
                    (track.round, track.refused) = (track.round.saturating_add(1), false);
                }
                for place in [track.step, track.undo].into_iter().flatten() {
                    let span = &mut self.spans[place];
                    if span.status == Status::Error {
                        forgive(span);
                        (span.end, span.status) = (None, Status::Unset);
                    }
                }
            }
            // What that means for it is told by the record that follows.
            Fact::Resolved { .. } => {}
            Fact::Received { .. }
            | Fact::Paused { .. }
            | Fact::Resumed { .. }
            | Fact::Replanned { .. }
            | Fact::Unwinding { .. }
            | Fact::Yielded { .. }
            | Fact::Completed
            | Fact::MadeGood
            | Fact::Stuck { .. } => {}
        }
    }

    fn finish(mut self) -> Trace {
        let rest = self.about.phase.at_rest().then_some(self.last);
        self.end_lost();
        let earliest = self.spans.iter().map(|span| span.start).min().unwrap_or(self.about.created_at);
        for span in &mut self.spans {
            span.end = span.end.or(rest).map(|end| end.max(span.start));
        }
        let root = &mut self.spans[0];
        root.start = earliest;
        match self.about.phase {
            Phase::Completed => root.status = Status::Ok,
            Phase::MadeGood | Phase::Stuck => fail(root, self.about.phase.as_str(), ""),
            Phase::Forward | Phase::Unwinding => {}
        }
        // One number may come twice, where a person has had a step tried again under its key.
        let mut seen = BTreeSet::new();
        let mut spans = self.spans;
        for span in &mut spans {
            while !seen.insert(span.id.0) {
                span.id = span.id.again();
            }
        }
        spans.sort_by_key(|span| (span.start, depth(span.what)));
        let id = self.about.context.map_or_else(|| TraceId::of(self.about.saga), |context| context.trace);
        Trace { id, remote_parent: self.about.context.map(|context| context.parent), spans }
    }

    /// Ends the calls that nobody will answer any more: others have left since, their step has ended, or the saga rests.
    fn end_lost(&mut self) {
        let newest = self.invocations.last().and_then(|place| self.spans[*place].inv);
        for track in std::mem::take(&mut self.tracks) {
            let over = |op: Op| {
                let whole = if op == Op::Undo { track.undo } else { track.step };
                self.about.phase.at_rest() || whole.is_some_and(|place| self.spans[place].end.is_some())
            };
            let last = track.flights.len().saturating_sub(1);
            let lost =
                track.flights.iter().enumerate().filter(|(place, flight)| {
                    *place < last || over(flight.op) || self.spans[flight.span].inv != newest
                });
            for span in lost.map(|(_, flight)| flight.span).collect::<Vec<usize>>() {
                // Of a call without an answer no more is known than that its invocation waited for one.
                let own = self.invocations.iter().find(|place| self.spans[**place].inv == self.spans[span].inv);
                let end = own.and_then(|place| self.spans[*place].end);
                let call = &mut self.spans[span];
                call.end = Some(end.unwrap_or(call.start).max(call.start));
                fail(call, "lost", "No answer to it is in the journal.");
            }
        }
    }

    /// Notes that an invocation was at work.
    fn invoke(&mut self, record: &Record) {
        let from = match &record.fact {
            Fact::Done { took, .. } | Fact::Refused { took, .. } | Fact::Unsettled { took, .. } => record.at - *took,
            Fact::Undone { took, .. } => record.at - *took,
            Fact::Started { .. }
            | Fact::UndoStarted { .. }
            | Fact::Held { .. }
            | Fact::Waiting { .. }
            | Fact::Queued { .. }
            | Fact::Shut { .. }
            | Fact::Skipped { .. }
            | Fact::Asked { .. }
            | Fact::Decided { .. }
            | Fact::Retried { .. }
            | Fact::Resolved { .. }
            | Fact::Received { .. }
            | Fact::Paused { .. }
            | Fact::Resumed { .. }
            | Fact::Replanned { .. }
            | Fact::Unwinding { .. }
            | Fact::Yielded { .. }
            | Fact::Completed
            | Fact::MadeGood
            | Fact::Stuck { .. } => record.at,
        };
        let inv = record.inv;
        let known = self.invocations.iter().rev().copied().find(|place| self.spans[*place].inv == Some(inv));
        let place = known.unwrap_or_else(|| {
            let id = SpanId::of(self.about.saga, Tag::Invocation, [inv, 0, 0, 0]);
            let place = self.begin(id, 0, What::Invocation, format!("invocation {inv}"), from, Some(inv));
            self.spans[place].attributes.push(("makegood.invocation", number_of(inv.into())));
            self.invocations.push(place);
            place
        });
        let span = &mut self.spans[place];
        span.start = span.start.min(from);
        span.end = Some(span.end.map_or(record.at, |end| end.max(record.at)));
    }

    fn begin(&mut self, id: SpanId, parent: usize, what: What, name: String, at: Millis, inv: Option<u32>) -> usize {
        let parent = self.spans.get(parent).map(|parent| parent.id);
        self.spans.push(Span { inv, ..span(id, parent, what, name, at) });
        self.spans.len() - 1
    }

    /// The span of a step, which is there from here on; and open again, where it was ended.
    fn step(&mut self, of: usize, at: Millis) -> usize {
        if let Some(place) = self.tracks[of].step {
            self.spans[place].start = self.spans[place].start.min(at);
            return place;
        }
        let node = &self.about.nodes[of];
        let id = SpanId::of(self.about.saga, Tag::Step, [node.ix, 0, 0, 0]);
        let place = self.begin(id, 0, What::Step, node.id.clone(), at, None);
        self.describe(place, of);
        self.tracks[of].step = Some(place);
        place
    }

    /// The same of its undo.
    fn undo(&mut self, of: usize, at: Millis) -> usize {
        if let Some(place) = self.tracks[of].undo {
            self.spans[place].start = self.spans[place].start.min(at);
            return place;
        }
        let node = &self.about.nodes[of];
        let id = SpanId::of(self.about.saga, Tag::Undo, [node.ix, 0, 0, 0]);
        let place = self.begin(id, 0, What::Undo, format!("undo {}", node.id), at, None);
        self.describe(place, of);
        let step = self.tracks[of].step.map(|step| self.spans[step].id);
        self.spans[place].links.extend(step);
        self.tracks[of].undo = Some(place);
        place
    }

    fn describe(&mut self, place: usize, of: usize) {
        let (span, node) = (&mut self.spans[place], &self.about.nodes[of]);
        span.node = Some(node.ix);
        span.attributes.push(("makegood.step", text(&node.id)));
        if node.has_partner() {
            span.attributes.push(("gen_ai.tool.name", text(&node.tool)));
            let class = match node.class {
                Class::Query => "query",
                Class::Compensatable => "compensatable",
                Class::Pivot => "pivot",
                Class::Retriable => "retriable",
            };
            span.attributes.push(("makegood.class", text(class)));
        }
    }

    /// A call has left, or was found to have.
    fn leave(&mut self, of: usize, op: Op, number: u32, at: Millis, inv: u32) -> usize {
        let (node, round) = (&self.about.nodes[of], self.tracks[of].round);
        let (whole, what) = match op {
            Op::Undo => (self.undo(of, at), What::UndoAttempt),
            Op::Do | Op::Status => (self.step(of, at), What::Attempt),
        };
        let (name, told) = match op {
            Op::Do => (format!("execute_tool {}", node.tool), "do"),
            Op::Status => (format!("status {}", node.tool), "status"),
            Op::Undo => (format!("undo {}", node.tool), "undo"),
        };
        let call = CallId { node: node.ix, op, round, attempt: number, fingerprint: 0 };
        let place = self.begin(SpanId::of_call(self.about.saga, call), whole, what, name, at, Some(inv));
        let span = &mut self.spans[place];
        span.node = Some(node.ix);
        span.attributes = vec![
            ("gen_ai.operation.name", text("execute_tool")),
            ("gen_ai.tool.name", text(&node.tool)),
            ("gen_ai.tool.type", text("function")),
            ("makegood.op", text(told)),
            ("makegood.attempt", number_of(number.into())),
        ];
        if round > 0 {
            span.attributes.push(("makegood.round", number_of(round.into())));
        }
        self.tracks[of].flights.push(Flight { op, number, span: place });
        place
    }

    /// A call was answered: its span ends. A wait's end, and what a person said, are no calls.
    fn answer(&mut self, of: usize, op: Option<Op>, number: u32, took: Millis, record: &Record) -> Option<usize> {
        if number == 0 {
            return None;
        }
        let began = record.at - took;
        let (op, known) = self.tracks[of].answered(op, number);
        let place = known.unwrap_or_else(|| {
            let place = self.leave(of, op, number, began, record.inv);
            self.tracks[of].flights.retain(|flight| flight.span != place);
            place
        });
        if let Some(wait) = self.tracks[of].wait {
            // No record tells when a repeat left, so its answer ends the wait before it.
            let began = began.max(self.spans[wait].start);
            self.end_wait(of, began);
        }
        let call = &mut self.spans[place];
        (call.start, call.end, call.inv) = (began, Some(record.at), Some(record.inv));
        Some(place)
    }

    /// A wait begins, where it is not the one that is on.
    fn wait(&mut self, of: usize, kind: &'static str, record: &Record, until: Option<Millis>) -> usize {
        let known = self.tracks[of]
            .wait
            .filter(|place| until.is_none() && self.spans[*place].attributes.contains(&("makegood.wait", text(kind))));
        if let Some(place) = known {
            return place;
        }
        self.end_wait(of, record.at);
        let (ix, track) = (self.about.nodes[of].ix, &mut self.tracks[of]);
        let id = SpanId::of(self.about.saga, Tag::Wait, [ix, track.waits, 0, 0]);
        track.waits += 1;
        let whole = track.undo.or(track.step).unwrap_or_default();
        let place = self.begin(id, whole, What::Wait, format!("wait {kind}"), record.at, Some(record.inv));
        let span = &mut self.spans[place];
        span.node = Some(ix);
        span.attributes.push(("makegood.wait", text(kind)));
        if let Some(until) = until {
            span.attributes.push(("makegood.until", number_of(until.0)));
        }
        self.tracks[of].wait = Some(place);
        place
    }

    fn end_wait(&mut self, of: usize, at: Millis) {
        if let Some(place) = self.tracks[of].wait.take() {
            self.spans[place].end = Some(at);
        }
    }

    fn end_pause(&mut self, at: Millis) {
        if let Some(place) = self.pause.take() {
            self.spans[place].end = Some(at);
        }
    }

    /// People are asked; where they were asked before, that question is over.
    fn ask(&mut self, of: usize, record: &Record, params: &Map<String, Value>) {
        let step = self.step(of, record.at);
        self.end_wait(of, record.at);
        self.end_question(of, record.at, None);
        let (node, track) = (&self.about.nodes[of], &mut self.tracks[of]);
        let id = SpanId::of(self.about.saga, Tag::Approval, [node.ix, track.questions, 0, 0]);
        (track.questions, track.agreed) = (track.questions + 1, 0);
        let name = format!("approval {}", node.id);
        let place = self.begin(id, step, What::Approval, name, record.at, Some(record.inv));
        let span = &mut self.spans[place];
        span.node = Some(node.ix);
        span.attributes.push((ARGUMENTS, written(params)));
        if let Some(approval) = &node.approval {
            span.attributes.push(("makegood.quorum", number_of(approval.quorum.into())));
        }
        self.tracks[of].approval = Some(place);
    }

    fn decide(&mut self, of: usize, at: Millis, approve: bool) {
        let quorum = self.about.nodes[of].approval.as_ref().map_or(1, |approval| approval.quorum);
        let track = &mut self.tracks[of];
        track.agreed += u32::from(approve);
        if approve && track.agreed < quorum {
            return;
        }
        if let Some(place) = track.approval.take() {
            let span = &mut self.spans[place];
            (span.end, span.status) = (Some(at), Status::Ok);
            span.attributes.push(("makegood.approved", Attribute::Flag(approve)));
        }
    }

    /// Ends a question that nobody decided.
    fn end_question(&mut self, of: usize, at: Millis, why: Option<(&str, &str)>) {
        if let Some(place) = self.tracks[of].approval.take() {
            self.spans[place].end = Some(at);
            if let Some((code, detail)) = why {
                fail(&mut self.spans[place], code, detail);
            }
        }
    }

    /// Nothing is waited for any more at these nodes; what is under way there is heard to its end.
    fn drop_what_waits(&mut self, at: Millis, dropped: impl Fn(u32) -> bool) {
        for of in 0..self.tracks.len() {
            if !dropped(self.about.nodes[of].ix) {
                continue;
            }
            self.end_question(of, at, None);
            if self.tracks[of].undo.is_none() {
                self.end_wait(of, at);
            }
            let track = &self.tracks[of];
            if let Some(step) = track.step
                && track.flights.is_empty()
            {
                let end = &mut self.spans[step].end;
                *end = end.or(Some(at));
            }
        }
    }
}

fn span(id: SpanId, parent: Option<SpanId>, what: What, name: String, start: Millis) -> Span {
    Span {
        id,
        parent,
        what,
        name,
        start,
        end: None,
        status: Status::Unset,
        message: String::new(),
        node: None,
        inv: None,
        attributes: Vec::new(),
        links: Vec::new(),
    }
}

/// Says what went wrong; what was said before of it does not count any more.
fn fail(span: &mut Span, code: &str, detail: &str) {
    span.status = Status::Error;
    forgive(span);
    detail.clone_into(&mut span.message);
    set(span, "error.type", text(code));
}

/// A name comes once.
fn set(span: &mut Span, name: &'static str, value: Attribute) {
    span.attributes.retain(|(known, _)| *known != name);
    span.attributes.push((name, value));
}

fn succeed(span: &mut Span, at: Millis) {
    forgive(span);
    (span.end, span.status) = (Some(at), Status::Ok);
}

/// What was said of a failure does not count any more.
fn forgive(span: &mut Span) {
    span.message.clear();
    span.attributes.retain(|(name, _)| *name != "error.type");
}

fn written(params: &Map<String, Value>) -> Attribute {
    Attribute::Text(serde_json::to_string(params).unwrap_or_default())
}

fn text(text: &str) -> Attribute {
    Attribute::Text(text.to_owned())
}

fn number_of(number: u64) -> Attribute {
    Attribute::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

const fn depth(what: What) -> u8 {
    match what {
        What::Saga => 0,
        What::Invocation | What::Step | What::Undo | What::Model => 1,
        What::Attempt | What::UndoAttempt | What::Wait | What::Approval => 2,
    }
}
