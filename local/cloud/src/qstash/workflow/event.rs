//! Events: who waits for one, and what was said before anybody waited.

use std::{collections::BTreeMap, io, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Change, submit};
use crate::qstash::{
    attempt,
    message::{self, Headers, Message},
    record::Record,
    state::State,
    timer::Wake,
};

/// A step of a run that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiter {
    pub id: String,
    pub run: String,
    pub event: String,
    pub url: String,
    /// With which its step is to be submitted.
    pub headers: Headers,
    pub deadline: u64,
    /// The step that the event completes.
    pub step: Value,
}

/// An event that came before its waiter, which only a run's own can.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    pub run: String,
    pub event: String,
    #[serde(with = "message::body_text")]
    pub data: Bytes,
}

impl Waiter {
    /// The step's body once the waiting is over; `None` says that it was in vain.
    fn completed(&self, data: Option<&[u8]>) -> Bytes {
        let mut step = self.step.clone();
        step["waitEventId"] = json!(self.event);
        step["waitTimeout"] = json!(data.is_none());
        if let Some(data) = data {
            step["out"] = json!(STANDARD.encode(data));
        }
        step.to_string().into()
    }

    pub fn to_json(&self) -> Value {
        json!({
            "url": self.url,
            "deadline": self.deadline / 1000,
            "headers": message::header_map(&self.headers),
            "timeoutUrl": self.url,
            "timeoutBody": null,
            "timeoutHeaders": message::header_map(&self.headers),
        })
    }
}

impl State {
    /// Has a step wait, or lets it go on with what has been said already.
    ///
    /// # Errors
    /// When that could not be written.
    pub fn wait(&mut self, waiter: Waiter) -> io::Result<()> {
        let same = |known: &Arc<Waiter>| known.run == waiter.run && known.step["stepId"] == waiter.step["stepId"];
        let done = self.workflows.run(&waiter.run).is_none_or(|run| run.has(&waiter.step["stepId"]));
        if done || self.workflows.waiters.values().any(same) {
            // The delivery that asks was made twice.
            return Ok(());
        }
        let notices = &self.workflows.notices;
        let said = notices.iter().find(|notice| notice.run == waiter.run && notice.event == waiter.event).cloned();
        match said {
            Some(Notice { run, event, data }) => {
                let used = Change::NoticeGone { run, event };
                self.proceed(&waiter, Some(&data), vec![used]).map(drop)
            }
            None => {
                self.commit(vec![Record::Workflow(Change::Wait(Arc::new(waiter.clone())))])?;
                self.timers.set(waiter.deadline, Wake::Event(waiter.id));
                Ok(())
            }
        }
    }

    /// Tells all who wait, or those of one run; what nobody of that run waits for is kept for it.
    ///
    /// # Errors
    /// When that could not be written.
    pub fn notify(&mut self, run: Option<&str>, event: &str, data: &Bytes) -> io::Result<Vec<(Arc<Waiter>, String)>> {
        let waiters = self.workflows.waiting_for(event, run);
        let mut told = Vec::with_capacity(waiters.len());
        for waiter in waiters {
            let gone = Change::WaitGone { id: waiter.id.clone() };
            let message = self.proceed(&waiter, Some(data), vec![gone])?;
            told.push((waiter, message));
        }
        if let Some(run) = run.filter(|_| told.is_empty()) {
            let notice = Notice { run: run.to_owned(), event: event.to_owned(), data: data.clone() };
            self.commit(vec![Record::Workflow(Change::Notice(notice))])?;
        }
        Ok(told)
    }

    /// A waiter's time has come.
    pub fn give_up_waiting(&mut self, id: &str) {
        let Some(waiter) = self.workflows.waiters.get(id).cloned() else {
            return;
        };
        if waiter.deadline > self.now() {
            return;
        }
        let gone = Change::WaitGone { id: id.to_owned() };
        if let Err(error) = self.proceed(&waiter, None, vec![gone]) {
            tracing::error!(%error, run = waiter.run, "the end of a wait could not be stored; it is tried again");
            self.timers.set(self.now() + 1_000, Wake::Event(id.to_owned()));
        }
    }

    /// Takes a run on from a step that waited; the message that does.
    fn proceed(&mut self, waiter: &Waiter, data: Option<&[u8]>, changes: Vec<Change>) -> io::Result<String> {
        let message = self.continuation(&waiter.run, &waiter.url, &waiter.headers, waiter.completed(data))?;
        let id = message.id.clone();
        self.conclude(vec![message], changes.into_iter().map(Record::Workflow).collect())?;
        Ok(id)
    }

    /// The message that brings a step into a run from our side.
    pub(super) fn continuation(
        &self,
        run: &str,
        url: &str,
        headers: &Headers,
        body: Bytes,
    ) -> io::Result<Arc<Message>> {
        let run = self.workflows.run(run).ok_or_else(|| io::Error::other("a run that is not known cannot go on"))?;
        let message = submit::step(&run.begun, url, &header_map(headers), body, self.now());
        // The headers were read before they were kept.
        message.map(Arc::new).map_err(|refused| io::Error::other(format!("{refused:?}")))
    }
}

/// `{"Name": ["value"]}` as headers.
pub fn headers_of(map: &BTreeMap<String, Vec<String>>) -> Headers {
    let pairs = map.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

pub fn header_map(headers: &Headers) -> HeaderMap {
    headers.iter().filter_map(|(name, value)| attempt::header(name, value)).collect()
}
