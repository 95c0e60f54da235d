//! How runs end, and what follows from that: whoever invoked one gets its result, whoever is told of failures
//! is told, and what it still had under way is dropped.

use std::{io, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Change,
    link::{Link, Part},
    run::{CallState, End, EndState, FailureCall, Run},
    submit,
};
use crate::{
    qstash::{
        attempt::Outcome,
        callback,
        history::Phase,
        message::Message,
        record::{DeadLetter, Record},
        state::State,
    },
    text::random_id,
};

/// By this a workflow says that it has no failure function.
const NO_FAILURE_FUNCTION: &str = "upstash-workflow-failure-callback-notfound";

impl State {
    /// Ends a run that is under way, as its workflow or its owner wishes; false if there is none.
    ///
    /// # Errors
    /// When that could not be written.
    pub fn end_run(&mut self, run: &str, state: EndState, response: Option<String>) -> io::Result<bool> {
        if self.workflows.under_way(run).is_none() {
            return Ok(false);
        }
        let (at, unfinished, waiters) = (self.now(), Vec::new(), Vec::new());
        let end = End { state, at, response, dlq_id: None, unfinished, waiters };
        self.close_run(run, end, Vec::new(), Vec::new())?;
        Ok(true)
    }

    /// One of a run's messages has failed for good.
    pub(in crate::qstash) fn died_of_run(
        &mut self,
        link: &Link,
        message: &Arc<Message>,
        retried: u32,
        outcome: Outcome,
    ) -> io::Result<()> {
        let done = Record::Done { id: message.id.clone() };
        match link.part {
            Part::First(_) | Part::Step | Part::CallResult => self.fail_run(&link.run, message, retried, &outcome)?,
            // The third party's answer is what the workflow wants to know, whatever it is.
            Part::Call => {
                let report = self.report(message.how.callback.as_deref(), message, &outcome, retried, None);
                self.conclude(report.into_iter().collect(), vec![done])?;
            }
            Part::Failure => {
                let mut records = vec![done];
                records.extend(self.failure_call_ended(message, &outcome));
                self.conclude(Vec::new(), records)?;
            }
        }
        self.log(Phase::Failed, message, outcome, None);
        Ok(())
    }

    /// What is to be noted of a failure callback that has come to its end; nothing of other messages.
    pub(in crate::qstash) fn failure_call_ended(&self, message: &Arc<Message>, outcome: &Outcome) -> Option<Record> {
        let link = message.workflow.as_ref().filter(|link| matches!(link.part, Part::Failure))?;
        let run = link.run.clone();
        let none = |(name, value): &(String, String)| name == NO_FAILURE_FUNCTION && value == "true";
        if outcome.is_success() && outcome.headers.iter().any(none) {
            return Some(Record::Workflow(Change::FailureCallGone { run }));
        }
        let state = if outcome.is_success() { CallState::Success } else { CallState::Failed };
        let call = FailureCall { message: message.clone(), state, outcome: Some(Arc::new(outcome.clone())) };
        Some(Record::Workflow(Change::FailureCall { run, call }))
    }

    fn fail_run(&mut self, id: &str, message: &Arc<Message>, retried: u32, outcome: &Outcome) -> io::Result<()> {
        let Some(run) = self.workflows.under_way(id) else {
            return self.conclude(Vec::new(), vec![Record::Done { id: message.id.clone() }]);
        };
        let (now, dlq_id) = (self.now(), random_id("dlq_"));
        let letter = DeadLetter {
            dlq_id: dlq_id.clone(),
            message: message.clone(),
            outcome: Arc::new(outcome.clone()),
            order: self.died + 1,
        };
        let told = self.failure_message(run, message, outcome, retried, &dlq_id).map(Arc::new);
        let others = run.live.iter().filter(|live| **live != message.id);
        let end = End {
            state: EndState::Failed,
            at: now,
            response: None,
            dlq_id: Some(dlq_id),
            unfinished: others.filter_map(|live| self.message(live)).cloned().collect(),
            waiters: self.workflows.waiters.values().filter(|waiter| waiter.run == id).cloned().collect(),
        };
        let mut records = vec![Record::Dead(Arc::new(letter)), Record::Done { id: message.id.clone() }];
        records.extend(told.iter().map(|told| {
            let call = FailureCall { message: told.clone(), state: CallState::InProgress, outcome: None };
            Record::Workflow(Change::FailureCall { run: id.to_owned(), call })
        }));
        self.close_run(id, end, told.into_iter().collect(), records)
    }

    fn failure_message(
        &self,
        run: &Run,
        source: &Message,
        outcome: &Outcome,
        retried: u32,
        dlq_id: &str,
    ) -> Option<Message> {
        let now = self.now();
        let callback = submit::failure_callback(&run.begun, now)?;
        let mut body = callback::body(source, outcome, retried, Some(dlq_id));
        // The SDK reads the run's payload from it.
        let payload = run.steps.first().map(|step| STANDARD.encode(&step.body));
        body["sourceBody"] = json!(payload.unwrap_or_default());
        body["workflowRunId"] = json!(run.begun.id);
        body["workflowCreatedAt"] = json!(run.begun.created_at);
        body["workflowUrl"] = json!(run.begun.url);
        let mut message = Message::new(callback.url, Bytes::from(body.to_string()), callback.how, now);
        message.workflow = Some(Link { run: run.begun.id.clone(), part: Part::Failure });
        message.how.redact = callback::redaction(source);
        Some(message)
    }

    /// Commits a run's end with what goes along with it.
    fn close_run(
        &mut self,
        id: &str,
        end: End,
        mut messages: Vec<Arc<Message>>,
        mut records: Vec<Record>,
    ) -> io::Result<()> {
        let Some(run) = self.workflows.run(id) else {
            return Ok(());
        };
        messages.extend(self.result_for_invoker(run, &end)?);
        // An attempt under way is let finish: it may be the one that ends the run.
        let ends = |live: &&String| {
            let done = |record: &Record| matches!(record, Record::Done { id } if id == *live);
            !self.in_flight.contains_key(*live) && !records.iter().any(done)
        };
        let dropped: Vec<Arc<Message>> =
            run.live.iter().filter(ends).filter_map(|live| self.message(live)).cloned().collect();
        records.extend(dropped.iter().map(|message| Record::Done { id: message.id.clone() }));
        records.push(Record::Workflow(Change::End { run: id.to_owned(), end }));
        self.conclude(messages, records)?;
        for message in dropped {
            self.note(Phase::Cancelled, &message);
            if let Some(flow) = &message.how.flow {
                self.advance_gate(&flow.key);
            }
        }
        Ok(())
    }

    /// The step that takes the invoking run on.
    fn result_for_invoker(&self, run: &Run, end: &End) -> io::Result<Option<Arc<Message>>> {
        let Some(invoker) = &run.begun.invoker else {
            return Ok(None);
        };
        if self.workflows.under_way(&invoker.run).is_none() {
            return Ok(None);
        }
        let mut out = json!({ "workflowRunId": run.begun.id });
        match end.state {
            EndState::Success => out["body"] = json!(end.response),
            EndState::Failed => out["isFailed"] = Value::Bool(true),
            EndState::Canceled => out["isCanceled"] = Value::Bool(true),
        }
        let mut step = invoker.step.clone();
        step["out"] = json!(out.to_string());
        let body = Bytes::from(step.to_string());
        self.continuation(&invoker.run, &invoker.url, &invoker.headers, body).map(Some)
    }
}
