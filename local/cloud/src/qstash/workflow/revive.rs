//! Runs that failed, once more: from where they failed, or from their beginning; and their failure callbacks.

use std::{io, sync::Arc};

use http::HeaderMap;

use super::{
    Change, Waiter,
    link::{Link, Part},
    run::{Begun, CallState, End, FailureCall, Run},
    submit::{self, Refused},
};
use crate::{
    qstash::{
        history::Phase,
        message::{Instructions, Message},
        publish,
        record::{DeadLetter, Record},
        state::State,
        timer::Wake,
    },
    text::random_id,
};

/// From where a failed run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The step that failed; what came before is not done again.
    Resume,
    /// The beginning, with the same payload.
    Restart,
}

/// Why it does not.
#[derive(Debug)]
pub enum Trouble {
    Unwritten(io::Error),
    Refused(Refused),
    /// There is no such dead letter, or it is of no run.
    Missing,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Unwritten(error)
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Refused(Refused::Bad(why))
    }
}

impl State {
    /// Has a failed run go on as a new one, in place of its dead letter. `overrides`: headers that hold from
    /// now on in place of the trigger's.
    ///
    /// # Errors
    /// See [`Trouble`]; then nothing has changed.
    pub fn run_again(
        &mut self,
        letter: &DeadLetter,
        again: Again,
        overrides: &HeaderMap,
    ) -> Result<Arc<Begun>, Trouble> {
        let (run, end) = self.failed_run(letter)?;
        let now = self.now();
        let begun = Arc::new(Begun {
            id: random_id("wfr_"),
            url: run.begun.url.clone(),
            created_at: now,
            headers: submit::overridden(&run.begun, overrides),
            // Whoever invoked it has been told that it failed.
            invoker: None,
        });
        let mut records = vec![Record::DeadGone { dlq_id: letter.dlq_id.clone() }];
        let (messages, waiters) = match again {
            Again::Restart => {
                let first = run.steps.first().ok_or(Trouble::Missing)?;
                let headers = begun.header_map();
                let mut how = publish::instructions(&headers, now)?;
                how.failure_callback = None;
                (vec![part(&begun, Part::First(begun.clone()), &run.begun.url, first.body.clone(), how, now)], vec![])
            }
            Again::Resume => {
                self.check_children(run, end)?;
                let unfinished: Vec<&Arc<Message>> = std::iter::once(&letter.message).chain(&end.unfinished).collect();
                let open = |id: &str| unfinished.iter().any(|message| message.id == id);
                records.push(Record::Workflow(Change::Run(begun.clone())));
                let steps = run.steps.iter().filter(|step| !open(&step.message_id)).cloned();
                let kept = |step| Record::Workflow(Change::Step { run: begun.id.clone(), step });
                records.extend(steps.map(kept));
                let messages = unfinished.iter().map(|old| moved(&begun, old, overrides, now));
                let waiters = end.waiters.iter().map(|old| Waiter {
                    id: random_id("msg_"),
                    run: begun.id.clone(),
                    ..Waiter::clone(old)
                });
                (messages.collect::<Result<_, _>>()?, waiters.map(Arc::new).collect::<Vec<_>>())
            }
        };
        records.extend(waiters.iter().cloned().map(|waiter| Record::Workflow(Change::Wait(waiter))));
        // The run has to be there before its messages are.
        self.commit_and_release(records, messages.into_iter().map(Arc::new).collect())?;
        for waiter in waiters {
            self.timers.set(waiter.deadline, Wake::Event(waiter.id.clone()));
        }
        Ok(begun)
    }

    fn failed_run(&self, letter: &DeadLetter) -> Result<(&Run, &End), Trouble> {
        let link = letter.message.workflow.as_ref().ok_or(Trouble::Missing)?;
        let run = self.workflows.run(&link.run).ok_or(Trouble::Missing)?;
        Ok((run, run.end.as_ref().ok_or(Trouble::Missing)?))
    }

    /// A run that waited for others when it failed cannot hear of them any more.
    fn check_children(&self, run: &Run, end: &End) -> Result<(), Trouble> {
        let waited_for = |child: &&Run| {
            child.begun.invoker.as_ref().is_some_and(|invoker| invoker.run == run.begun.id)
                && child.end.as_ref().is_none_or(|its| its.at > end.at)
        };
        match self.workflows.latest().into_iter().find(waited_for) {
            None => Ok(()),
            Some(child) => Err(format!(
                "the run waited for '{}' when it failed; this emulator can restart it, not resume it",
                child.begun.id
            )
            .into()),
        }
    }

    fn commit_and_release(&mut self, mut records: Vec<Record>, messages: Vec<Arc<Message>>) -> io::Result<()> {
        records.extend(messages.iter().cloned().map(Record::Put));
        self.commit(records)?;
        self.release(messages);
        Ok(())
    }

    /// Tells of a failure once more, where telling failed.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn call_failure_again(&mut self, letter: &DeadLetter) -> Result<Arc<Begun>, Trouble> {
        let (run, _) = self.failed_run(letter)?;
        let begun = run.begun.clone();
        let call = run.failure_call.as_ref().ok_or_else(|| "the run has no failure callback".to_owned())?;
        if call.state != CallState::Failed {
            return Err(format!("the failure callback has not failed, it is {}", call.state.name()).into());
        }
        let old = &call.message;
        let mut message = Message::new(old.url.clone(), old.body.clone(), old.how.clone(), self.now());
        message.workflow.clone_from(&old.workflow);
        let message = Arc::new(message);
        let call = FailureCall { message: message.clone(), state: CallState::InProgress, outcome: None };
        let change = Record::Workflow(Change::FailureCall { run: begun.id.clone(), call });
        self.conclude(vec![message], vec![change])?;
        Ok(begun)
    }

    /// Gives up telling of a failure.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn cancel_failure_call(&mut self, letter: &DeadLetter) -> Result<(), Trouble> {
        let (run, _) = self.failed_run(letter)?;
        let call = run.failure_call.clone().filter(|call| call.state == CallState::InProgress);
        let call = call.ok_or_else(|| "no failure callback is in progress".to_owned())?;
        let change = Change::FailureCall {
            run: run.begun.id.clone(),
            call: FailureCall { state: CallState::Canceled, ..call.clone() },
        };
        self.commit(vec![Record::Done { id: call.message.id.clone() }, Record::Workflow(change)])?;
        self.note(Phase::Cancelled, &call.message);
        Ok(())
    }
}

fn part(begun: &Begun, part: Part, url: &str, body: bytes::Bytes, how: Instructions, now: u64) -> Message {
    let mut message = Message::new(url.to_owned(), body, how, now);
    message.workflow = Some(Link { run: begun.id.clone(), part });
    message
}

/// A message of a failed run as one of the run that goes on; what slept sleeps until its time.
fn moved(begun: &Arc<Begun>, old: &Message, overrides: &HeaderMap, now: u64) -> Result<Message, Trouble> {
    let given = publish::instructions(overrides, now)?;
    let mut how = old.how.clone();
    let says = |name: &str| overrides.contains_key(name);
    let is_call = matches!(old.workflow.as_ref().map(|link| &link.part), Some(Part::Call));
    if !is_call {
        if says("upstash-retries") {
            how.retries = given.retries;
        }
        if says("upstash-retry-delay") {
            how.retry_delay = given.retry_delay;
        }
        if says("upstash-flow-control-key") {
            how.flow = given.flow;
        }
    }
    if says("upstash-label") {
        how.labels = given.labels;
    }
    if let Some(callback) = &mut how.callback
        && let Some(link) = &mut callback.workflow
    {
        link.run.clone_from(&begun.id);
    }
    how.delay = given.delay;
    let link = match old.workflow.as_ref().map(|link| &link.part) {
        Some(Part::First(_)) | None => Part::First(begun.clone()),
        Some(part @ (Part::Step | Part::Call | Part::CallResult | Part::Failure)) => part.clone(),
    };
    let mut message = part(begun, link, &old.url, old.body.clone(), how, now);
    message.not_before = message.not_before.max(old.not_before);
    Ok(message)
}
