//! What spans are made with: which there are, and which of them are open.

use serde_json::{Map, Value};

use super::id::{SpanId, Tag};
use super::spans::About;
use super::track::{Flight, Track};
use super::{ARGUMENTS, Attribute, HELD, Span, Status, TITLE, What};
use crate::saga::{CallId, Fact, Op, Record};
use crate::time::Millis;
use crate::tool::Class;

/// A trace in the making. Nodes are named by their places in the plan, spans by theirs among the spans.
pub(super) struct Maker<'a> {
    pub about: &'a About<'a>,
    /// In the order in which they were made; the first is the root.
    pub spans: Vec<Span>,
    pub tracks: Vec<Track>,
    /// The invocations by their numbers, each with the place of its span.
    pub invocations: Vec<(u32, usize)>,
    /// The last that was not known before.
    pub newest: Option<u32>,
    /// The place of the span of its being paused.
    pub pause: Option<usize>,
    pub pauses: u32,
    pub last: Millis,
}

impl<'a> Maker<'a> {
    pub fn new(about: &'a About<'a>) -> Self {
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
            newest: None,
            pause: None,
            pauses: 0,
            last: about.created_at,
        }
    }

    /// Notes that an invocation was at work.
    pub fn invoke(&mut self, record: &Record) {
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
        let place = match self.invocation(inv) {
            Ok(nth) => self.invocations[nth].1,
            Err(nth) => {
                let id = SpanId::of(self.about.saga, Tag::Invocation, [inv, 0, 0, 0]);
                let place = self.begin(id, 0, What::Invocation, format!("invocation {inv}"), from, Some(inv));
                self.spans[place].attributes.push(("makegood.invocation", number_of(inv.into())));
                self.invocations.insert(nth, (inv, place));
                self.newest = Some(inv);
                place
            }
        };
        let span = &mut self.spans[place];
        span.start = span.start.min(from);
        span.end = Some(span.end.map_or(record.at, |end| end.max(record.at)));
    }

    /// Where an invocation is among them, or would be.
    pub fn invocation(&self, inv: u32) -> Result<usize, usize> {
        self.invocations.binary_search_by_key(&inv, |(known, _)| *known)
    }

    pub fn begin(
        &mut self,
        id: SpanId,
        parent: usize,
        what: What,
        name: String,
        at: Millis,
        inv: Option<u32>,
    ) -> usize {
        let parent = self.spans.get(parent).map(|parent| parent.id);
        self.spans.push(Span { inv, ..span(id, parent, what, name, at) });
        self.spans.len() - 1
    }

    /// The span of a step, which is there from here on.
    pub fn step(&mut self, of: usize, at: Millis) -> usize {
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
    pub fn undo(&mut self, of: usize, at: Millis) -> usize {
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

    pub fn describe(&mut self, place: usize, of: usize) {
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
    pub fn leave(&mut self, of: usize, op: Op, number: u32, at: Millis, inv: u32) -> usize {
        let (node, track) = (&self.about.nodes[of], &mut self.tracks[of]);
        // A round begins with a do. An undo before that is of what was refused in the round before.
        if std::mem::take(&mut track.anew) && op == Op::Undo {
            track.round = track.round.saturating_sub(1);
        }
        let round = track.round;
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
    pub fn answer(&mut self, of: usize, op: Option<Op>, number: u32, took: Millis, record: &Record) -> Option<usize> {
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
    pub fn wait(&mut self, of: usize, kind: &'static str, record: &Record, until: Option<Millis>) -> usize {
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

    pub fn end_wait(&mut self, of: usize, at: Millis) {
        if let Some(place) = self.tracks[of].wait.take() {
            self.spans[place].end = Some(at);
        }
    }

    pub fn end_pause(&mut self, at: Millis) {
        if let Some(place) = self.pause.take() {
            self.spans[place].end = Some(at);
        }
    }

    /// People are asked; where they were asked before, that question is over.
    pub fn ask(&mut self, of: usize, record: &Record, params: &Map<String, Value>) {
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

    pub fn decide(&mut self, of: usize, at: Millis, approve: bool) {
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
    pub fn end_question(&mut self, of: usize, at: Millis, why: Option<(&str, &str)>) {
        if let Some(place) = self.tracks[of].approval.take() {
            self.spans[place].end = Some(at);
            if let Some((code, detail)) = why {
                fail(&mut self.spans[place], code, detail);
            }
        }
    }

    /// Nothing is waited for any more at these nodes; what is under way there is heard to its end.
    pub fn drop_what_waits(&mut self, at: Millis, dropped: impl Fn(u32) -> bool) {
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

pub(super) fn span(id: SpanId, parent: Option<SpanId>, what: What, name: String, start: Millis) -> Span {
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
pub(super) fn fail(span: &mut Span, code: &str, detail: &str) {
    span.status = Status::Error;
    forgive(span);
    detail.clone_into(&mut span.message);
    set(span, "error.type", text(code));
}

/// A name comes once.
pub(super) fn set(span: &mut Span, name: &'static str, value: Attribute) {
    span.attributes.retain(|(known, _)| *known != name);
    span.attributes.push((name, value));
}

pub(super) fn succeed(span: &mut Span, at: Millis) {
    forgive(span);
    (span.end, span.status) = (Some(at), Status::Ok);
}

/// What was said of a failure does not count any more.
pub(super) fn forgive(span: &mut Span) {
    span.message.clear();
    span.attributes.retain(|(name, _)| !["error.type", HELD].contains(name));
}

pub(super) fn written(params: &Map<String, Value>) -> Attribute {
    Attribute::Text(serde_json::to_string(params).unwrap_or_default())
}

pub(super) fn text(text: &str) -> Attribute {
    Attribute::Text(text.to_owned())
}

pub(super) fn number_of(number: u64) -> Attribute {
    Attribute::Number(i64::try_from(number).unwrap_or(i64::MAX))
}
