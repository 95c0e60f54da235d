//! What follows from an attempt's outcome (sheet: "Retry rules"), and the
//! operator's verbs: cancel, retry a dead letter.

use std::{io, mem, sync::Arc};

use rand::Rng as _;

use super::{
    attempt::Outcome,
    backoff, callback,
    faults::Faults,
    history::{Event, Phase},
    message::{Callback, Message},
    record::{DeadLetter, Record},
    state::State,
    timer::Wake,
};
use crate::text::random_id;

/// How long a message waits when its outcome could not be written.
const UNWRITTEN_PAUSE: u64 = 1_000;

impl State {
    /// Takes note of what came of an attempt.
    pub fn settle(&mut self, id: &str, outcome: Outcome) {
        self.in_flight.remove(id);
        let Some(stored) = self.messages.get_mut(id) else {
            return;
        };
        let (message, retried) = (stored.message.clone(), stored.retried);
        if let Some(flow) = message.how.flow.as_ref()
            && mem::take(&mut stored.gated)
        {
            if let Some(gate) = self.gates.get_mut(&flow.key) {
                gate.leave();
            }
            self.advance_gate(&flow.key);
        }

        let written = if outcome.is_success() {
            self.succeeded(&message, retried, outcome)
        } else if self.is_void(&message) {
            // Its run has ended meanwhile.
            self.conclude(Vec::new(), vec![Record::Done { id: message.id.clone() }])
        } else if outcome.is_final() || retried >= message.how.retries {
            self.died(&message, retried, outcome)
        } else {
            self.failed(&message, retried, outcome)
        };
        if let Err(error) = written {
            tracing::error!(%error, id, "an outcome could not be stored; the message comes again");
            self.again(id, UNWRITTEN_PAUSE);
        }
        if let Some(slot) = message.slot() {
            self.advance_queue(&slot.queue);
        }
    }

    fn succeeded(&mut self, message: &Arc<Message>, retried: u32, outcome: Outcome) -> io::Result<()> {
        let lost = Faults::happens(self.faults.drop_ack);
        if let Some(stored) = self.messages.get_mut(&message.id)
            && lost
            && !mem::replace(&mut stored.ack_dropped, true)
        {
            let pause = rand::rng().random_range(1..=1_000);
            self.again(&message.id, pause);
            return Ok(());
        }
        let report = self.report(message.how.callback.as_deref(), message, &outcome, retried, None);
        let mut end = vec![Record::Done { id: message.id.clone() }];
        end.extend(self.failure_call_ended(message, &outcome));
        self.conclude(report.into_iter().collect(), end)?;
        self.log(Phase::Delivered, message, outcome, None);
        Ok(())
    }

    fn failed(&mut self, message: &Arc<Message>, retried: u32, outcome: Outcome) -> io::Result<()> {
        let now = self.now();
        let expression = message.how.retry_delay.as_deref();
        let due = now + backoff::delay(retried, expression, &outcome.header_map(), now);
        let report = self.report(message.how.callback.as_deref(), message, &outcome, retried, None);
        let id = message.id.clone();
        let retry = Record::Retry { id, retried: retried + 1, due };
        self.conclude(report.into_iter().collect(), vec![retry])?;
        self.log(Phase::Error, message, outcome, None);
        let event =
            Event { time: now, phase: Phase::Retry, message: message.clone(), outcome: None, next_delivery: Some(due) };
        self.history.note(event);
        self.arrive(&message.id);
        Ok(())
    }

    fn died(&mut self, message: &Arc<Message>, retried: u32, outcome: Outcome) -> io::Result<()> {
        if let Some(link) = &message.workflow {
            return self.died_of_run(link, message, retried, outcome);
        }
        let dlq_id = random_id("dlq_");
        let (how, id) = (&message.how, Some(dlq_id.as_str()));
        let reports = [
            self.report(how.callback.as_deref(), message, &outcome, retried, None),
            self.report(how.failure_callback.as_deref(), message, &outcome, retried, id),
        ];
        let letter = Arc::new(DeadLetter {
            dlq_id: dlq_id.clone(),
            message: message.clone(),
            outcome: Arc::new(outcome.clone()),
            order: self.died + 1,
        });
        let done = Record::Done { id: message.id.clone() };
        let end = vec![Record::Dead(letter), done];
        self.conclude(reports.into_iter().flatten().collect(), end)?;
        self.log(Phase::Failed, message, outcome, None);
        Ok(())
    }

    pub(super) fn report(
        &self,
        callback: Option<&Callback>,
        source: &Message,
        outcome: &Outcome,
        retried: u32,
        dlq_id: Option<&str>,
    ) -> Option<Arc<Message>> {
        let callback = callback?;
        let body = callback::body(source, outcome, retried, dlq_id);
        let report = callback::report(callback, source, &body, self.now());
        (!self.is_void(&report)).then(|| Arc::new(report))
    }

    /// Commits an outcome together with its reports, which come first so that
    /// they hold the queue's place before their source leaves it.
    pub(super) fn conclude(&mut self, reports: Vec<Arc<Message>>, end: Vec<Record>) -> io::Result<()> {
        let mut records: Vec<Record> = reports.iter().cloned().map(Record::Put).collect();
        records.extend(end);
        self.commit(records)?;
        self.release(reports);
        Ok(())
    }

    /// Delivers a message once more, without counting that as a retry.
    fn again(&mut self, id: &str, pause: u64) {
        let due = self.now() + pause;
        if let Some(stored) = self.messages.get_mut(id) {
            stored.due = due;
            self.timers.set(due, Wake::Message(id.to_owned()));
        }
    }

    pub(super) fn log(&mut self, phase: Phase, message: &Arc<Message>, outcome: Outcome, next: Option<u64>) {
        self.history.note(Event {
            time: self.now(),
            phase,
            message: message.clone(),
            outcome: Some(Arc::new(outcome)),
            next_delivery: next,
        });
    }

    /// Ends a message that has not come to its end; false if there is none.
    ///
    /// # Errors
    /// When that could not be written.
    pub fn cancel(&mut self, id: &str) -> io::Result<bool> {
        let Some(message) = self.message(id).cloned() else {
            return Ok(false);
        };
        self.commit(vec![Record::Done { id: id.to_owned() }])?;
        self.note(Phase::Cancelled, &message);
        if let Some(slot) = message.slot() {
            self.advance_queue(&slot.queue);
        }
        if let Some(flow) = &message.how.flow {
            self.advance_gate(&flow.key);
        }
        Ok(true)
    }

    /// Publishes a dead letter again, as a new message.
    ///
    /// # Errors
    /// When that could not be written.
    pub fn revive(&mut self, dlq_id: &str) -> io::Result<Option<String>> {
        let Some(letter) = self.dead.iter().find(|l| l.dlq_id == dlq_id).cloned() else {
            return Ok(None);
        };
        let old = &letter.message;
        let mut how = old.how.clone();
        how.delay = 0;
        how.dedup = None;
        let mut message = Message::new(old.url.clone(), old.body.clone(), how, self.now());
        message.schedule_id.clone_from(&old.schedule_id);
        message.member.clone_from(&old.member);
        let message = Arc::new(message);
        let gone = Record::DeadGone { dlq_id: dlq_id.to_owned() };
        self.conclude(vec![message.clone()], vec![gone])?;
        Ok(Some(message.id.clone()))
    }
}
