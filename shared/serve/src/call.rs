//! One call: what is known of its key decides, and what becomes of it is written down.
//!
//! | known of the key | a do | an undo |
//! |---|---|---|
//! | nothing | acts | leaves a tombstone |
//! | begun, its end unknown | acts, told that it is not the first | undoes what may be there |
//! | done | the same output; other parameters are refused | undoes |
//! | refused | the same refusal | leaves a tombstone |
//! | undo begun, its end unknown | in progress | undoes, told that it is not the first |
//! | undone | refused | the same answer |
//!
//! "Begun" is written before the tool is called, so that a process that dies midway leaves no key that looks new.

use std::pin::Pin;
use std::sync::Arc;

use axum::http::StatusCode;
use makegood_core::saga::Refusal;
use makegood_core::tool::Definition;
use makegood_tools::{Act, Attempt, Done, NotDone, Undo};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::book::{Entry, Lost, Seen, Store, Taken};
use crate::problem::Problem;

pub(crate) type Answer = Result<Value, Problem>;
type Future<T> = Pin<Box<dyn std::future::Future<Output = T> + Send>>;

/// A tool whose types are forgotten: what the addresses call.
pub(crate) trait Served: Send + Sync {
    fn takes_key(&self) -> bool;
    fn act(self: Arc<Self>, key: String, params: Value) -> Future<Answer>;
    fn undo(self: Arc<Self>, key: String) -> Future<Answer>;
    fn status(self: Arc<Self>, key: String) -> Future<Answer>;
}

/// A tool that only reads: it has no keys.
pub(crate) struct Reading<T> {
    pub(crate) tool: T,
    pub(crate) definition: Definition,
}

impl<T: Act> Served for Reading<T> {
    fn takes_key(&self) -> bool {
        false
    }

    fn act(self: Arc<Self>, key: String, params: Value) -> Future<Answer> {
        Box::pin(async move {
            let input = read::<T>(&self.definition, &params)?;
            let said = self.tool.act(&Attempt { key, again: false }, input).await;
            said.map_err(|not| not_done(&self.definition, not)).and_then(|output| write(&output))
        })
    }

    fn undo(self: Arc<Self>, _key: String) -> Future<Answer> {
        Box::pin(async move { Err(not_undoable(&self.definition)) })
    }

    fn status(self: Arc<Self>, _key: String) -> Future<Answer> {
        let detail = format!("{} has no effect, so nothing is remembered of it.", self.definition.name);
        Box::pin(async move { Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_status", detail)) })
    }
}

/// Undoes with a tool; there is none where nothing can be undone.
pub(crate) type Undoing<T> = fn(Arc<T>, Attempt, Value, Option<Value>) -> Future<Result<bool, NotDone>>;

/// The [`Undo`] of a tool, with what was stored in place of its types.
pub(crate) fn undoing<T: Undo>() -> Undoing<T> {
    |tool, attempt, input, output| {
        Box::pin(async move {
            // They were written by the same types; a later build of the tool may have others.
            let stored = |error: serde_json::Error| NotDone::Unknown(format!("what is stored of the do: {error}"));
            let input = serde_json::from_value(input).map_err(stored)?;
            let output = output.map(serde_json::from_value).transpose().map_err(stored)?;
            tool.undo(&attempt, Done { input, output }).await
        })
    }
}

/// A tool that changes something.
pub(crate) struct Acting<T, S> {
    pub(crate) tool: Arc<T>,
    pub(crate) store: Arc<S>,
    pub(crate) definition: Definition,
    pub(crate) undoing: Option<Undoing<T>>,
}

impl<T: Act, S: Store> Served for Acting<T, S> {
    fn takes_key(&self) -> bool {
        true
    }

    fn act(self: Arc<Self>, key: String, params: Value) -> Future<Answer> {
        Box::pin(async move {
            let (mut claim, entry) = self.take(&key).await?;
            let again = match entry {
                None => false,
                Some(Entry::Begun { input }) if input == params => true,
                Some(Entry::Done { input, output }) if input == params => return Ok(output),
                Some(Entry::Begun { .. } | Entry::Done { .. }) => {
                    let detail = "This key was used with other parameters. Nothing was changed; use a new key.";
                    return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", detail));
                }
                Some(Entry::Refused { refusal }) => return Err(refusal.into()),
                Some(Entry::Undoing { .. }) => return Err(Problem::in_progress()),
                Some(Entry::Undone { .. }) => {
                    let detail = "This key was undone, so it is not done any more. Use a new key.";
                    return Err(Problem::new(StatusCode::GONE, "undone", detail));
                }
            };
            let input = match read::<T>(&self.definition, &params) {
                Ok(input) => input,
                Err(refusal) => {
                    self.write(&mut claim, Some(&Entry::Refused { refusal: refusal.clone() })).await?;
                    return Err(refusal.into());
                }
            };
            self.write(&mut claim, Some(&Entry::Begun { input: params.clone() })).await?;
            match self.tool.act(&Attempt { key, again }, input).await {
                Ok(output) => {
                    let output = write(&output)?;
                    self.write(&mut claim, Some(&Entry::Done { input: params, output: output.clone() })).await?;
                    Ok(output)
                }
                Err(NotDone::Refused(refusal)) => {
                    self.write(&mut claim, Some(&Entry::Refused { refusal: refusal.clone() })).await?;
                    Err(refusal.into())
                }
                // Of an earlier attempt this says nothing: that one may have acted.
                Err(NotDone::Later(after)) if again => Err(Problem::later(after)),
                Err(NotDone::Later(after)) => {
                    self.write(&mut claim, None).await?;
                    Err(Problem::later(after))
                }
                Err(unknown @ NotDone::Unknown(_)) => Err(not_done(&self.definition, unknown)),
            }
        })
    }

    fn undo(self: Arc<Self>, key: String) -> Future<Answer> {
        Box::pin(async move {
            let Some(undoing) = self.undoing else { return Err(not_undoable(&self.definition)) };
            let (mut claim, entry) = self.take(&key).await?;
            let (input, output, again) = match entry.clone() {
                None | Some(Entry::Refused { .. }) => {
                    self.write(&mut claim, Some(&Entry::Undone { found: false })).await?;
                    return Ok(undone(false));
                }
                Some(Entry::Undone { found }) => return Ok(undone(found)),
                Some(Entry::Begun { input }) => (input, None, false),
                Some(Entry::Done { input, output }) => (input, Some(output), false),
                Some(Entry::Undoing { input, output }) => (input, output, true),
            };
            let begun = Entry::Undoing { input: input.clone(), output: output.clone() };
            self.write(&mut claim, Some(&begun)).await?;
            match undoing(Arc::clone(&self.tool), Attempt { key, again }, input, output).await {
                Ok(found) => {
                    self.write(&mut claim, Some(&Entry::Undone { found })).await?;
                    Ok(undone(found))
                }
                Err(not @ (NotDone::Refused(_) | NotDone::Later(_))) => {
                    // It stands as it stood.
                    self.write(&mut claim, entry.as_ref()).await?;
                    Err(not_done(&self.definition, not))
                }
                Err(unknown @ NotDone::Unknown(_)) => Err(not_done(&self.definition, unknown)),
            }
        })
    }

    fn status(self: Arc<Self>, key: String) -> Future<Answer> {
        Box::pin(async move {
            let seen = self.store.look(&self.definition.name, &key).await;
            Ok(match seen.map_err(|lost| self.lost(&lost))? {
                Seen::Busy => json!({"state": "in_progress"}),
                Seen::Entry(None) => json!({"state": "none"}),
                Seen::Entry(Some(Entry::Done { output, .. })) => json!({"state": "done", "output": output}),
                Seen::Entry(Some(Entry::Refused { refusal: Refusal { code, detail } })) => {
                    json!({"state": "refused", "code": code, "detail": detail})
                }
                Seen::Entry(Some(Entry::Undone { .. })) => json!({"state": "undone"}),
                // Nobody is at work on it, so that to wait would be in vain: who repeats the call finds out.
                Seen::Entry(Some(Entry::Begun { .. } | Entry::Undoing { .. })) => return Err(Problem::unknown()),
            })
        })
    }
}

impl<T, S: Store> Acting<T, S> {
    async fn take(&self, key: &str) -> Result<(S::Claim, Option<Entry>), Problem> {
        match self.store.take(&self.definition.name, key).await.map_err(|lost| self.lost(&lost))? {
            Taken::Yours { claim, entry } => Ok((claim, entry)),
            Taken::Busy => Err(Problem::in_progress()),
        }
    }

    async fn write(&self, claim: &mut S::Claim, entry: Option<&Entry>) -> Result<(), Problem> {
        self.store.write(claim, entry).await.map_err(|lost| self.lost(&lost))
    }

    fn lost(&self, lost: &Lost) -> Problem {
        tracing::error!(tool = self.definition.name, error = %lost, "what is known of a key cannot be read or written");
        Problem::unknown()
    }
}

/// The parameters, by the schema and then by the type: the schema names the place.
fn read<T: Act>(definition: &Definition, params: &Value) -> Result<T::Input, Refusal> {
    let violations = definition.input.check(params);
    if violations.is_empty() {
        return typed(params).map_err(|error| invalid(format!("The parameters: {error}.")));
    }
    let places = violations.iter().map(|violation| format!("{}: {}", violation.path, violation.message));
    let places: Vec<String> = places.take(5).collect();
    Err(invalid(format!("The parameters do not hold: {}.", places.join("; "))))
}

fn invalid(detail: String) -> Refusal {
    Refusal { code: "invalid_params".to_owned(), detail }
}

fn typed<I: DeserializeOwned>(params: &Value) -> Result<I, serde_json::Error> {
    I::deserialize(params)
}

fn write<O: Serialize>(output: &O) -> Answer {
    serde_json::to_value(output).map_err(|error| {
        tracing::error!(%error, "what a tool gave is not JSON");
        Problem::unknown()
    })
}

fn not_done(definition: &Definition, not: NotDone) -> Problem {
    match not {
        NotDone::Refused(refusal) => refusal.into(),
        NotDone::Later(after) => Problem::later(after),
        NotDone::Unknown(why) => {
            tracing::error!(tool = definition.name, error = why, "a call ended, and how is not known");
            Problem::unknown()
        }
    }
}

fn undone(found: bool) -> Value {
    json!({ "undone": found })
}

fn not_undoable(definition: &Definition) -> Problem {
    let detail = format!("{} cannot be undone.", definition.name);
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not_undoable", detail)
}
