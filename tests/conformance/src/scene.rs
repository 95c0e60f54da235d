//! Where the checks play: calls under fresh keys, what may go wrong with them on their way, and a book
//! of what is to be undone afterwards.
//!
//! A call is made and its answer is read by the gateway's codec, so that the kit judges exactly as
//! the engine does. What a call means for a tool is not decided here: see [`checks`](crate::checks).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use makegood_core::id::{SagaId, idempotency_key};
use makegood_core::saga::{Answer, Call, Op, Outcome, resolve};
use makegood_core::tool::Class;
use makegood_gateway::{Request, Response, tool};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::Kit;
use crate::sample::{Params, vary};
use crate::transport::{Broken, Transport};
use crate::verdict::{Fault, Left};

/// How often a call is sent again that the tool asks to send later.
const MAX_DEFERRED: u32 = 6;

/// The longest that the kit waits because a tool says so.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// How long, beyond the tool's own timeout, an open outcome may stay open.
const PATIENCE: Duration = Duration::from_millis(500);

/// One run over one tool.
pub(crate) struct Scene<'k, T> {
    pub(crate) kit: &'k Kit<T>,
    saga: SagaId,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    keys: u32,
    effects: Vec<Effect>,
    left: Vec<Left>,
    timed_out: Vec<Op>,
}

/// What is known of one key, for the cleaning up.
#[derive(Clone)]
struct Effect {
    tool: String,
    key: String,
    params: Params,
    /// More than one where the tool acted again.
    outputs: Vec<Value>,
    may_stand: bool,
}

/// A key, and the parameters to use it with.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) key: String,
    pub(crate) params: Params,
    pub(crate) refused: Option<Params>,
    pub(crate) other: Option<Params>,
}

impl Subject {
    /// The same key with other parameters.
    pub(crate) fn with(&self, params: &Params) -> Self {
        Self { params: params.clone(), ..self.clone() }
    }
}

impl<'k, T: Transport> Scene<'k, T> {
    pub(crate) fn new(kit: &'k Kit<T>, saga: SagaId) -> Self {
        Self { kit, saga, book: Mutex::default() }
    }

    /// A key that was never used, with everything in place that the sample wants before it.
    pub(crate) async fn fresh(&self) -> Result<Subject, Fault> {
        let sample = &self.kit.sample;
        let mut outputs = BTreeMap::new();
        let lost = |what: &str, came: String| {
            Fault::new(
                format!("The sample's {what} was made ready"),
                "that it can be called",
                came,
                "nothing can be said about the tool before the sample holds",
            )
        };
        for before in &sample.before {
            let what = format!("`before` step {}", before.id);
            let params = resolve(&before.params, &|step| outputs.get(step))
                .map_err(|reference| lost(&what, format!("{reference}, which refers to nothing")))?;
            let said = self.call(&before.tool, Op::Do, &self.key(), &params, None).await;
            let Outcome::Ok(Answer::Output(output)) = said else {
                return Err(lost(&what, told(&said)));
            };
            outputs.insert(before.id.clone(), output);
        }
        let resolved = |what: &str, params: &Params| {
            resolve(params, &|step| outputs.get(step))
                .map_err(|reference| lost(what, format!("{reference}, which refers to nothing")))
        };
        let params = resolved("`params`", &sample.params)?;
        let refused = sample.refused.as_ref().map(|refused| resolved("`refused`", refused)).transpose()?;
        let other = match &sample.other {
            Some(other) => Some(resolved("`other`", other)?),
            None => vary(&params, &self.kit.definition.input),
        };
        Ok(Subject { key: self.key(), params, refused, other })
    }

    pub(crate) async fn act(&self, subject: &Subject) -> Outcome {
        self.call(self.tool(), Op::Do, &subject.key, &subject.params, None).await
    }

    pub(crate) async fn undo(&self, subject: &Subject, output: Option<&Value>) -> Outcome {
        self.call(self.tool(), Op::Undo, &subject.key, &subject.params, output).await
    }

    /// What the tool says has become of a key, once it knows.
    pub(crate) async fn status(&self, subject: &Subject) -> Outcome {
        self.settled(async || self.call(self.tool(), Op::Status, &subject.key, &subject.params, None).await).await
    }

    /// Repeats a do while its outcome is open.
    pub(crate) async fn settled_act(&self, subject: &Subject) -> Outcome {
        self.settled(async || self.act(subject).await).await
    }

    /// Repeats an undo while its outcome is open.
    pub(crate) async fn settled_undo(&self, subject: &Subject, output: Option<&Value>) -> Outcome {
        self.settled(async || self.undo(subject, output).await).await
    }

    /// Sends a call and throws the answer away: for the tool all went well, for a saga nothing came.
    pub(crate) async fn lose(&self, op: Op, subject: &Subject, output: Option<&Value>) {
        drop(self.call(self.tool(), op, &subject.key, &subject.params, output).await);
    }

    /// Points in time within a call of this tool, from just begun to nearly done.
    pub(crate) async fn moments(&self) -> Result<Vec<Duration>, Fault> {
        let mut shortest = Duration::MAX;
        for _ in 0..2 {
            let subject = self.fresh().await?;
            let begun = Instant::now();
            self.done(&subject).await?;
            shortest = shortest.min(begun.elapsed());
        }
        // Closer together at the beginning: there the tool reads and marks the key.
        Ok([0, 1, 2, 4, 8, 16, 24].into_iter().map(|part| shortest * part / 32).collect())
    }

    /// Sends a call and hangs up after a while, whatever the tool is doing then; at once for zero.
    pub(crate) async fn hang_up(&self, op: Op, subject: &Subject, output: Option<&Value>, after: Duration) {
        self.note(self.tool(), op, &subject.key, &subject.params, None);
        let call = self.call(self.tool(), op, &subject.key, &subject.params, output);
        if after.is_zero() {
            drop(call.now_or_never());
        } else {
            drop(timeout(after, call).await);
        }
    }

    /// A do that succeeds, where the check is about something that comes after it.
    pub(crate) async fn done(&self, subject: &Subject) -> Result<Value, Fault> {
        match self.act(subject).await {
            Outcome::Ok(Answer::Output(output)) => Ok(output),
            said @ (Outcome::Ok(_) | Outcome::Refused(_) | Outcome::Later { .. } | Outcome::Unknown { .. }) => {
                Err(Fault::new(
                    "A do with the sample's `params` was sent under a fresh key",
                    "its output, as before",
                    told(&said),
                    "either the sample succeeds only a few times, or the tool's keys get in each other's way",
                ))
            }
        }
    }

    /// Sends a request that no engine would make.
    pub(crate) async fn raw(
        &self,
        verb: &str,
        key: Option<&str>,
        body: impl Into<bytes::Bytes>,
    ) -> Result<Response, Broken> {
        let url = format!("{}/{}/{verb}", self.kit.base.trim_end_matches('/'), self.tool());
        let mut request = http::Request::post(url).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(body.into()).map_err(|error| Broken::NotSent(error.to_string()))?;
        self.kit.transport.exchange(request, self.timeout()).await
    }

    /// Notes that a call may have acted which should not have.
    pub(crate) fn suspect(&self, subject: &Subject) {
        self.note(self.tool(), Op::Do, &subject.key, &subject.params, None);
    }

    /// Notes an effect for which there is no key to undo it by.
    pub(crate) fn leave(&self, why: &str) {
        self.book().left.push(Left { tool: self.tool().to_owned(), key: "(none)".to_owned(), why: why.to_owned() });
    }

    /// The operations that took too long so far.
    pub(crate) fn timed_out(&self) -> Vec<Op> {
        self.book().timed_out.clone()
    }

    /// The tool's title, to say what would be carried out twice.
    pub(crate) fn deed(&self) -> String {
        format!("“{}”", self.kit.definition.title)
    }

    /// Undoes whatever may stand, the latest first.
    pub(crate) async fn clean_up(&self) {
        let effects = std::mem::take(&mut self.book().effects);
        for effect in effects.into_iter().rev().filter(|effect| effect.may_stand) {
            if let Err(why) = self.take_back(&effect).await {
                self.book().left.push(Left { tool: effect.tool, key: effect.key, why });
            }
        }
        self.book().effects.clear();
    }

    /// What could not be undone.
    pub(crate) fn into_left(self) -> Vec<Left> {
        self.book.into_inner().unwrap_or_else(PoisonError::into_inner).left
    }

    async fn take_back(&self, effect: &Effect) -> Result<(), String> {
        let definition = &self.kit.definition;
        if effect.tool == definition.name && definition.class != Class::Compensatable {
            return if definition.class == Class::Query { Ok(()) } else { Err("which cannot be undone".to_owned()) };
        }
        if self.kit.sample.before.iter().any(|before| before.tool == effect.tool && !before.undo) {
            return Ok(());
        }
        let outputs: Vec<_> = match effect.outputs.as_slice() {
            [] => vec![None],
            outputs => outputs.iter().map(Some).collect(),
        };
        for output in outputs {
            let undo = async || self.call(&effect.tool, Op::Undo, &effect.key, &effect.params, output).await;
            match self.settled(undo).await {
                Outcome::Ok(_) => {}
                Outcome::Refused(refusal) => return Err(format!("whose undo was refused ({})", refusal.code)),
                Outcome::Later { .. } | Outcome::Unknown { .. } => {
                    return Err("whose undo failed, so that it may stand".to_owned());
                }
            }
        }
        Ok(())
    }

    /// Asks until the outcome is not open any more, or for as long as patience lasts.
    async fn settled(&self, ask: impl AsyncFn() -> Outcome) -> Outcome {
        let end = Instant::now() + self.timeout() + PATIENCE;
        let mut wait = Duration::from_millis(10);
        loop {
            let said = ask().await;
            let open = matches!(
                said,
                Outcome::Unknown { .. } | Outcome::Later { .. } | Outcome::Ok(Answer::InProgress { .. })
            );
            if !open || Instant::now() >= end {
                return said;
            }
            sleep(wait).await;
            wait = (wait * 2).min(PATIENCE);
        }
    }

    /// One call, sent again only where the tool says that nothing was done yet.
    async fn call(&self, tool: &str, op: Op, key: &str, params: &Params, output: Option<&Value>) -> Outcome {
        let call = Call {
            node: 0,
            op,
            round: 0,
            attempt: 1,
            tool: tool.to_owned(),
            key: key.to_owned(),
            params: params.clone(),
            output: output.cloned(),
            timeout: self.kit.definition.timeout_ms,
            trace: String::new(),
            fingerprint: 0,
            limits: Vec::new(),
            rate: None,
            secrets: serde_json::Map::new(),
            hosts: Vec::new(),
            mcp: self.kit.definition.mcp.clone().map(Box::new),
        };
        let mut tries = 0;
        loop {
            let said = match tool::request(&self.kit.base, &call) {
                Ok(request) => self.exchange(op, request).await,
                Err(error) => return open("unsendable", format!("the call cannot be made: {error}")),
            };
            tries += 1;
            if let Outcome::Later { after, .. } = &said
                && tries < MAX_DEFERRED
            {
                let asked = after.map(|after| Duration::from_millis(after.0));
                sleep(asked.unwrap_or(Duration::from_millis(50) * tries).min(MAX_WAIT)).await;
                continue;
            }
            self.note(tool, op, key, params, Some(&said));
            return said;
        }
    }

    async fn exchange(&self, op: Op, request: Request) -> Outcome {
        match self.kit.transport.exchange(request, self.timeout()).await {
            Ok(response) => tool::outcome(op, &response),
            Err(Broken::NotSent(reason)) => Outcome::Later { after: None, code: "not_sent".to_owned(), reason },
            Err(Broken::TimedOut) => {
                self.book().timed_out.push(op);
                open("no_answer", format!("no answer within {}", self.kit.definition.timeout_ms))
            }
            Err(Broken::Cut(reason)) => open("no_answer", reason),
        }
    }

    /// Enters a call into the book; without an outcome, before it is known.
    fn note(&self, tool: &str, op: Op, key: &str, params: &Params, said: Option<&Outcome>) {
        let mut book = self.book();
        let known = book.effects.iter().position(|effect| effect.tool == tool && effect.key == key);
        let known = known.unwrap_or_else(|| {
            book.effects.push(Effect {
                tool: tool.to_owned(),
                key: key.to_owned(),
                params: params.clone(),
                outputs: Vec::new(),
                may_stand: false,
            });
            book.effects.len() - 1
        });
        let effect = &mut book.effects[known];
        match (op, said) {
            (Op::Do, Some(Outcome::Ok(Answer::Output(output)))) => {
                effect.may_stand = true;
                if !effect.outputs.contains(output) {
                    effect.outputs.push(output.clone());
                }
            }
            (Op::Do, None | Some(Outcome::Ok(_) | Outcome::Unknown { .. })) => effect.may_stand = true,
            // One undo takes back one effect; where a tool acted twice, it is undone again.
            (Op::Undo, Some(Outcome::Ok(Answer::InProgress { .. }))) => {}
            (Op::Undo, Some(Outcome::Ok(_))) => effect.may_stand = effect.outputs.len() > 1,
            (Op::Do, Some(Outcome::Refused(_) | Outcome::Later { .. })) | (Op::Undo | Op::Status, _) => {}
        }
    }

    fn key(&self) -> String {
        let mut book = self.book();
        book.keys += 1;
        idempotency_key(&self.saga, 0, book.keys)
    }

    fn tool(&self) -> &'k str {
        &self.kit.definition.name
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.kit.definition.timeout_ms.0)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An outcome, as a part of a sentence.
pub(crate) fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(Answer::Output(output)) => format!("the output {}", shown(output)),
        Outcome::Ok(Answer::Undone { found: true }) => "`undone: true`".to_owned(),
        Outcome::Ok(Answer::Undone { found: false }) => "`undone: false`".to_owned(),
        Outcome::Ok(Answer::WasDone(output)) => format!("the state done with the output {}", shown(output)),
        Outcome::Ok(Answer::WasRefused(refusal)) => format!("the state refused ({})", refusal.code),
        Outcome::Ok(Answer::WasUndone) => "the state undone".to_owned(),
        Outcome::Ok(Answer::InProgress { .. }) => "in_progress, again and again".to_owned(),
        Outcome::Ok(Answer::NeverSeen) => "the state none".to_owned(),
        Outcome::Refused(refusal) => format!("the refusal {} ({})", refusal.code, refusal.detail.trim_end_matches('.')),
        Outcome::Later { reason, .. } => format!("“later”, again and again ({reason})"),
        Outcome::Unknown { reason, .. } => format!("no clear answer ({reason})"),
    }
}

/// Whether the tool said that it is still working on the key: an open outcome, but an honest one.
pub(crate) const fn in_progress(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Ok(Answer::InProgress { .. }))
}

fn open(code: &str, reason: String) -> Outcome {
    Outcome::Unknown { code: code.to_owned(), reason }
}

/// An answer that only its status is asked of, as a part of a sentence.
pub(crate) fn told_raw(answer: &Result<Response, Broken>) -> String {
    match answer {
        Ok(response) => format!("the status {}", response.status()),
        Err(Broken::NotSent(reason)) => format!("no connection ({reason})"),
        Err(Broken::TimedOut) => "no answer in time".to_owned(),
        Err(Broken::Cut(reason)) => format!("half an answer ({reason})"),
    }
}

/// A value, short enough for a line.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
