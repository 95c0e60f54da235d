//! Makes a trace of a journal, record by record.

use std::collections::BTreeSet;

use super::context::Context;
use super::id::{SpanId, Tag, TraceId};
use super::maker::{Maker, fail, forgive, number_of, set, succeed, text, written};
use super::{ARGUMENTS, Attribute, HELD, RESULT, Status, Trace, What};
use crate::id::SagaId;
use crate::proposal::Provenance;
use crate::saga::{Cause, Fact, NEVER_SEEN, Node, Op, Phase, Record, Wait};
use crate::time::Millis;

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

impl Maker<'_> {
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
                let step = self.step(of, at);
                // A person may have had it asked for anew.
                self.spans[step].end = None;
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
                set(&mut self.spans[held], HELD, Attribute::Flag(true));
                self.spans[held].end = None;
                // Only a do is asked for anew under another key.
                self.tracks[of].refused &= *op == Op::Do;
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
                    (track.round, track.refused, track.anew) = (track.round.saturating_add(1), false, true);
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
        spans.sort_by_key(|span| (span.start, span.what.depth()));
        let id = self.about.context.map_or_else(|| TraceId::of(self.about.saga), |context| context.trace);
        Trace { id, remote_parent: self.about.context.map(|context| context.parent), spans }
    }

    /// Ends the calls that nobody will answer any more: others have left since, their step has ended, or the saga
    /// rests.
    fn end_lost(&mut self) {
        for track in std::mem::take(&mut self.tracks) {
            let over = |op: Op| {
                let whole = if op == Op::Undo { track.undo } else { track.step };
                self.about.phase.at_rest() || whole.is_some_and(|place| self.spans[place].end.is_some())
            };
            let last = track.flights.len().saturating_sub(1);
            let lost = track.flights.iter().enumerate().filter(|(place, flight)| {
                *place < last || over(flight.op) || self.spans[flight.span].inv != self.newest
            });
            for span in lost.map(|(_, flight)| flight.span).collect::<Vec<usize>>() {
                // Of a call without an answer no more is known than that its invocation waited for one.
                let own = self.spans[span].inv.and_then(|inv| self.invocation(inv).ok());
                let end = own.and_then(|nth| self.spans[self.invocations[nth].1].end);
                let call = &mut self.spans[span];
                call.end = Some(end.unwrap_or(call.start).max(call.start));
                fail(call, "lost", "No answer to it is in the journal.");
            }
        }
    }
}
