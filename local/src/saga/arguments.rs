//! What `makegood saga` is asked.

use clap::{ArgGroup, Args, Subcommand};
use makegood_core::id::SagaId;
use makegood_core::saga::Phase;
use makegood_core::tool::is_name;
use serde_json::Value;

use crate::cli::Answers;

#[derive(Debug, Args)]
pub struct Saga {
    #[command(flatten)]
    pub answers: Answers,
    #[command(subcommand)]
    pub verb: SagaVerb,
}

#[derive(Debug, Subcommand)]
pub enum SagaVerb {
    /// Your sagas, newest first
    List(ListSagas),
    /// How a saga stands, a line for every step
    Show(OneSaga),
    /// Why a saga stands as it does, and what it wants of people
    Explain(OneSaga),
    #[command(flatten)]
    Ask(Ask),
}

/// What changes something.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// Has a saga undone, if it is not past its point of no return
    Cancel(OneSaga),
    /// Has nothing new started; what is under way is settled
    Pause(OneSaga),
    /// Has a paused saga go on
    Resume(OneSaga),
    /// Agrees to a step
    Approve(Decide),
    /// Does not agree to a step, so that the saga is undone
    Reject(Decide),
    /// Brings what a step waits for
    Event(Bring),
    /// Of a stuck saga: has a held step tried again, or all of them
    Retry(Retry),
    /// Of a stuck saga: says what became of a held step
    Resolve(Resolve),
    /// Has a saga go on with another plan, under which what is done and still wanted is kept
    Replan(Replan),
}

#[derive(Debug, Args)]
pub struct ListSagas {
    /// So many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    /// Those begun before this time, in milliseconds since 1970
    #[arg(long, value_name = "MS")]
    pub before: Option<u64>,
    /// Of just that time too, those that stand after this one, as the list says
    #[arg(long, value_name = "ID", requires = "before", value_parser = whole_id)]
    pub saga: Option<String>,
    /// Those in this phase
    #[arg(long, value_parser = Phase::ALL.map(Phase::as_str))]
    pub phase: Option<String>,
    /// Those with a step of this tool
    #[arg(long, value_parser = tool)]
    pub tool: Option<String>,
}

impl ListSagas {
    /// Which sagas these are of all, each as a name and a value; neither has a character that is to be escaped.
    pub fn narrowed(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let given = [("phase", self.phase.as_deref()), ("tool", self.tool.as_deref())];
        given.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

#[derive(Debug, Args)]
pub struct OneSaga {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
}

#[derive(Debug, Args)]
pub struct Decide {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// The step that asks
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Of what was shown: the decision is about that and nothing else [default: whatever is asked now]
    #[arg(long)]
    pub hash: Option<String>,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

#[derive(Debug, Args)]
pub struct Bring {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// What the step waits for
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it brings: the step's output
    #[arg(long, value_name = "JSON", value_parser = json, default_value = "null", allow_hyphen_values = true)]
    pub payload: Value,
    /// Yours: what is brought again under it, after an answer that was lost, is taken once
    #[arg(long)]
    pub key: Option<String>,
}

#[derive(Debug, Args)]
pub struct Retry {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// The step [default: all that are held]
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("verdict").args(["done", "not_done"]).required(true)))]
pub struct Resolve {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// The step that is held
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Its effect is there
    #[arg(long)]
    pub done: bool,
    /// Its effect is not there: it never was, or was taken back by hand
    #[arg(long)]
    pub not_done: bool,
    /// What it gave: later steps may refer to it
    #[arg(long, value_name = "JSON", value_parser = json, conflicts_with = "not_done", allow_hyphen_values = true)]
    pub output: Option<Value>,
    /// How you know, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

#[derive(Debug, Args)]
pub struct Replan {
    /// The saga's id, or enough of its beginning or end
    #[arg(value_name = "SAGA")]
    pub saga: String,
    /// The plan in JSON: `{"summary": …, "steps": …}`
    #[arg(long, value_name = "FILE", value_parser = json_file)]
    pub plan: Value,
    /// Of the saga's plans, the one that you have seen: 0 is the first. Where it has another meanwhile, nothing is done
    #[arg(long, value_name = "N")]
    pub replaces: Option<u32>,
    /// Why, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

/// A name that goes into an address as it is.
fn tool(text: &str) -> Result<String, &'static str> {
    if is_name(text) { Ok(text.to_owned()) } else { Err("no tool has such a name: it is in lower snake case") }
}

fn whole_id(text: &str) -> Result<String, String> {
    SagaId::try_from(text.to_owned()).map(|id| id.to_string()).map_err(|error| error.message().to_owned())
}

fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}

fn json_file(path: &str) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}
