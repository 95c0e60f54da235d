//! Hosts tools that are Wasm components of the world `tool` (`wit/tool.wit`), and makes partners of them as
//! docs/TOOLS.md has them: the engine calls them over HTTP like any other.
//!
//! Each call runs in an instance of its own ([`sandbox`]) and leaves nothing behind there; so what came of a key is kept
//! here ([`keys`]), and a repeat is answered from that. A tool reaches nothing, so whatever it was ended in, it has done
//! nothing that its answer does not say: of a call without an answer nothing is kept, and its undo is a tombstone.
//! Where a tool says itself that it does not know, that is kept, and it is asked.
//!
//! Deliberately absent: anything that a tool could reach. Where something is granted one day, a call that was ended is
//! one of which nobody knows what it did.

mod allowance;
mod http;
mod keys;
mod problem;
pub mod sandbox;
pub mod shelf;
pub mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use makegood_core::depth::too_deep;
use makegood_core::tool::{Class, Repeat};
use makegood_postgres::Postgres;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use keys::{Became, Claim, Keys, Known, Named};
use problem::Problem;
use sandbox::{Broken, Limits, Loaded, Sandbox};
use shelf::{Pin, Shelf};
use world::{Failure, Refusal, State};

pub use self::http::{BASE, Others};
pub use keys::MIGRATIONS;

/// Longer than it takes to say what came of a call.
const SLACK: Duration = Duration::from_secs(5);

/// The answer to a call: JSON, or the problem.
type Answer = Result<Value, Problem>;

pub struct ToolHost {
    sandbox: Arc<Sandbox>,
    shelf: Shelf,
    keys: Keys,
    /// Where compiled code is kept.
    cache: PathBuf,
    /// Code that was asked for before, by its hash.
    loaded: Mutex<BTreeMap<String, Arc<Loaded>>>,
}

/// What a do came to.
enum Outcome {
    Done(Value),
    Refused(Refused),
    /// Nothing was done, and nothing is kept: the problem says why.
    Nothing(Problem),
    /// The tool does not know.
    Unknown,
}

/// A refusal, as it is kept.
#[derive(Serialize, Deserialize)]
struct Refused {
    code: String,
    detail: String,
}

impl From<Refused> for Problem {
    fn from(Refused { code, detail }: Refused) -> Self {
        Self::refused(&code, &detail)
    }
}

impl From<Refusal> for Refused {
    fn from(Refusal { code, detail }: Refusal) -> Self {
        let Problem { code, detail, .. } = Problem::refused(&code, &detail);
        Self { code, detail }
    }
}

impl ToolHost {
    /// `db` must have the [`MIGRATIONS`] by the first call.
    ///
    /// # Errors
    /// Where this machine has no room for another Wasm engine.
    pub fn new(shelf: Shelf, cache: PathBuf, db: Postgres, limits: Limits) -> anyhow::Result<Self> {
        let keys = Keys::new(db, limits.time + sandbox::PATIENCE + SLACK);
        Ok(Self { sandbox: Arc::new(Sandbox::new(limits)?), shelf, keys, cache, loaded: Mutex::default() })
    }

    /// Everything under [`BASE`].
    pub fn router(self, others: Others) -> Router {
        http::router(Arc::new(self), others)
    }

    async fn act(&self, pin: &Pin, on: Named, params: Value) -> Answer {
        let definition = &pin.definition;
        if definition.class == Class::Query {
            return match self.outcome(pin, &on, &params, false).await {
                Outcome::Done(output) => Ok(output),
                Outcome::Refused(refused) => Err(refused.into()),
                Outcome::Nothing(problem) => Err(problem),
                Outcome::Unknown => Err(Problem::unknown()),
            };
        }
        let again = match definition.repeat {
            Repeat::Keyed { .. } => true,
            Repeat::Never => false,
        };
        let (known, claim) = self.keys.begin_do(on, &params, &pin.sha256, again).await?;
        let was_unknown = match known {
            Known::Yours { unknown, .. } => unknown,
            Known::Done { answer } => return kept(&answer),
            Known::Refused { answer } => return Err(kept::<Refused>(&answer)?.into()),
            Known::Undone { .. } => return Err(Problem::undone()),
            Known::KeyReused => return Err(Problem::key_reused()),
            Known::Unknown { .. } => return Err(Problem::unknown()),
            Known::Working => return Err(Problem::in_progress()),
            Known::None => return Err(Problem::internal()),
        };
        match self.outcome(pin, &claim.on, &params, was_unknown).await {
            Outcome::Done(output) => {
                self.settle(&claim, Became::Done(&output.to_string())).await?;
                Ok(output)
            }
            Outcome::Refused(refused) => {
                self.settle(&claim, Became::Refused(&json!(refused).to_string())).await?;
                Err(refused.into())
            }
            Outcome::Nothing(problem) => {
                self.keys.give_up(&claim).await;
                Err(problem)
            }
            Outcome::Unknown => {
                self.settle(&claim, Became::Unknown).await?;
                Err(Problem::unknown())
            }
        }
    }

    /// Has the tool do it. `may_have_acted` says that a do before this one was unknown to it: then nothing but the
    /// tool's own word is a definite no.
    async fn outcome(&self, pin: &Pin, on: &Named, params: &Value, may_have_acted: bool) -> Outcome {
        if let Some(violation) = pin.definition.input.check(params).into_iter().next() {
            let place = if violation.path.is_empty() { "the whole" } else { &violation.path };
            let detail = format!("The parameters do not fit: {place} {}.", violation.message);
            return Outcome::Refused(Refused { code: "invalid_params".to_owned(), detail });
        }
        let tool = match self.as_added(pin).await {
            Ok(tool) => tool,
            Err(Unfit::Broken(broken)) => return Outcome::Nothing((&broken).into()),
            Err(Unfit::Changed(error)) => {
                tracing::error!(tool = on.tool, key = on.key, "refused: {error:#}");
                let Problem { code, detail, .. } = Problem::changed();
                return match may_have_acted {
                    false => Outcome::Refused(Refused { code, detail }),
                    true => Outcome::Nothing(Problem::changed()),
                };
            }
        };
        match self.sandbox.perform(&tool, on.key.clone(), params.to_string()).await {
            Ok(Ok(output)) => match self.output(pin, &output) {
                Ok(output) => Outcome::Done(output),
                Err(why) => {
                    tracing::error!(tool = on.tool, key = on.key, "the tool's output is not taken: {why}");
                    Outcome::Nothing(Problem::bad_answer())
                }
            },
            Ok(Err(Failure::Refused(refusal))) => Outcome::Refused(refusal.into()),
            Ok(Err(Failure::Later(after))) => Outcome::Nothing(Problem::busy(after)),
            Ok(Err(Failure::Unknown(why))) => {
                tracing::error!(tool = on.tool, key = on.key, "the tool does not know whether it acted: {why}");
                Outcome::Unknown
            }
            Err(broken) => {
                tracing::error!(tool = on.tool, key = on.key, "do: {broken}");
                Outcome::Nothing((&broken).into())
            }
        }
    }

    async fn undo(&self, on: Named, params: Value, output: Option<Value>) -> Answer {
        let (known, claim) = self.keys.begin_undo(on).await?;
        let (component, was_asked, gave) = match known {
            Known::Yours { component, params, answer, .. } => (component, params, answer),
            Known::Undone { undone } => return Ok(json!({ "undone": undone })),
            Known::Working => return Err(Problem::in_progress()),
            Known::Unknown { .. } | Known::Done { .. } | Known::Refused { .. } | Known::KeyReused | Known::None => {
                return Err(Problem::internal());
            }
        };
        let params = was_asked.unwrap_or(params).to_string();
        let output = gave.or_else(|| output.map(|output| output.to_string()));
        match self.undone(component, &claim.on, params, output).await {
            Ok(undone) => {
                self.settle(&claim, Became::Undone(undone)).await?;
                Ok(json!({ "undone": undone }))
            }
            Err(problem) => {
                self.keys.give_up(&claim).await;
                Err(problem)
            }
        }
    }

    /// Has the code undo it that did it.
    async fn undone(
        &self,
        component: Option<String>,
        on: &Named,
        params: String,
        output: Option<String>,
    ) -> Result<bool, Problem> {
        let tool = self.code(component.as_deref().unwrap_or_default(), on).await?;
        match self.sandbox.undo(&tool, on.key.clone(), params, output).await {
            Ok(Ok(undone)) => Ok(undone),
            Ok(Err(failure)) => Err(failed(on, "undo", failure)),
            Err(broken) => {
                tracing::error!(tool = on.tool, key = on.key, "undo: {broken}");
                Err((&broken).into())
            }
        }
    }

    async fn status(&self, pin: &Pin, on: Named) -> Answer {
        let component = match self.keys.status(&on).await? {
            Known::Done { answer } => return Ok(json!({ "state": "done", "output": kept::<Value>(&answer)? })),
            Known::Refused { answer } => return Ok(refused(&kept(&answer)?)),
            Known::Undone { .. } => return Ok(json!({ "state": "undone" })),
            Known::Working => return Ok(json!({ "state": "in_progress" })),
            Known::None => return Ok(json!({ "state": "none" })),
            Known::Unknown { component } => component,
            Known::Yours { .. } | Known::KeyReused => return Err(Problem::internal()),
        };
        let tool = self.code(component.as_deref().unwrap_or_default(), &on).await?;
        match self.sandbox.status(&tool, on.key.clone()).await {
            Ok(Ok(State::Done(output))) => match self.output(pin, &output) {
                Ok(output) => Ok(json!({ "state": "done", "output": output })),
                Err(why) => {
                    tracing::error!(tool = on.tool, key = on.key, "the tool's output is not taken: {why}");
                    Err(Problem::bad_answer())
                }
            },
            Ok(Ok(State::Refused(refusal))) => Ok(refused(&refusal.into())),
            Ok(Ok(State::Undone)) => Ok(json!({ "state": "undone" })),
            Ok(Ok(State::InProgress)) => Ok(json!({ "state": "in_progress" })),
            Ok(Ok(State::NeverSeen)) => Ok(json!({ "state": "none" })),
            Ok(Err(failure)) => Err(failed(&on, "status", failure)),
            Err(broken) => {
                tracing::error!(tool = on.tool, key = on.key, "status: {broken}");
                Err((&broken).into())
            }
        }
    }

    /// What the tool gave, if that is what its definition says.
    fn output(&self, pin: &Pin, output: &str) -> anyhow::Result<Value> {
        let most = self.sandbox.limits().answer;
        ensure!(output.len() <= most, "it has {} bytes, and may have {most}", output.len());
        let value: Value = serde_json::from_str(output).context("it is not JSON")?;
        ensure!(!too_deep(&value), "it is nested too deep");
        let violation = pin.definition.output.check(&value).into_iter().next();
        violation.map_or(Ok(value), |violation| {
            anyhow::bail!("it does not fit the schema: {:?} {}", violation.path, violation.message)
        })
    }

    async fn settle(&self, claim: &Claim, became: Became<'_>) -> Result<(), Problem> {
        if self.keys.settle(claim, became).await? {
            return Ok(());
        }
        let Named { tool, key } = &claim.on;
        tracing::warn!(tool, key, "a call of the tool ended after its time; what came of the key is asked for again");
        Err(Problem::in_progress())
    }

    /// The code that is pinned, if it still says of itself what it said when it was added.
    async fn as_added(&self, pin: &Pin) -> Result<Arc<Loaded>, Unfit> {
        if let Some(known) = self.known(&pin.sha256) {
            return Ok(known);
        }
        let tool = self.load(&pin.sha256, &pin.definition.name).await.map_err(Unfit::Changed)?;
        let said = self.sandbox.describe(&tool).await.map_err(|broken| {
            tracing::error!(tool = pin.definition.name, "describe: {broken}");
            Unfit::Broken(broken)
        })?;
        let now = world::definition(&said, &pin.sha256).map_err(Unfit::Changed)?;
        if now != pin.definition {
            return Err(Unfit::Changed(anyhow::anyhow!("it describes itself otherwise than when it was added")));
        }
        self.remember(&pin.sha256, &tool);
        Ok(tool)
    }

    /// The code of this hash, which did something earlier.
    async fn code(&self, sha256: &str, on: &Named) -> Result<Arc<Loaded>, Problem> {
        if let Some(known) = self.known(sha256) {
            return Ok(known);
        }
        self.load(sha256, &on.tool).await.map_err(|error| {
            tracing::error!(tool = on.tool, key = on.key, "the code that did it cannot be had: {error:#}");
            Problem::changed()
        })
    }

    async fn load(&self, sha256: &str, name: &str) -> anyhow::Result<Arc<Loaded>> {
        let (shelf, sandbox, cache) = (self.shelf.clone(), self.sandbox.clone(), self.cache.clone());
        let (sha256, name) = (sha256.to_owned(), name.to_owned());
        let load = move || Ok(Arc::new(sandbox.load(&name, &shelf.code(&sha256)?, Some(&cache))?));
        tokio::task::spawn_blocking(load).await.context("loading it was cut off")?
    }

    fn known(&self, sha256: &str) -> Option<Arc<Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(sha256).cloned()
    }

    fn remember(&self, sha256: &str, tool: &Arc<Loaded>) {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(sha256.to_owned(), tool.clone());
    }
}

/// Why a tool's code is not run.
enum Unfit {
    /// It is not what was added.
    Changed(anyhow::Error),
    Broken(Broken),
}

fn refused(Refused { code, detail }: &Refused) -> Value {
    json!({ "state": "refused", "code": code, "detail": detail })
}

fn failed(on: &Named, verb: &str, failure: Failure) -> Problem {
    match failure {
        Failure::Refused(refusal) => Refused::from(refusal).into(),
        Failure::Later(after) => Problem::busy(after),
        Failure::Unknown(why) => {
            tracing::error!(tool = on.tool, key = on.key, "{verb}: the tool does not know: {why}");
            Problem::unknown()
        }
    }
}

/// What was kept under a key.
fn kept<T: for<'de> Deserialize<'de>>(answer: &str) -> Result<T, Problem> {
    serde_json::from_str(answer).map_err(|error| {
        tracing::error!(%error, "what is kept of a key cannot be read");
        Problem::internal()
    })
}
