//! What a message is to a workflow run.

use std::sync::Arc;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::run::Begun;

/// Which run a message belongs to, and as what. Stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    pub run: String,
    pub part: Part,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The first one; the run begins with it.
    First(Arc<Begun>),
    /// A result or a plan, that takes the run on.
    Step,
    /// A request of `context.call`, to a third party.
    Call,
    /// What came of that request, for the workflow to make a step of.
    CallResult,
    /// Tells the workflow that its run has failed.
    Failure,
}

impl Part {
    /// What the protocol calls it, where it is among the run's steps.
    pub const fn call_type(&self) -> Option<&'static str> {
        match self {
            Self::First(_) | Self::Step => Some("step"),
            Self::Call => Some("toCallback"),
            Self::CallResult => Some("fromCallback"),
            Self::Failure => None,
        }
    }
}

/// The link that a call's callback is to have, from the headers of the call.
pub fn of_callback(headers: &HeaderMap) -> Option<Link> {
    let text = |name: &str| headers.get(format!("upstash-callback-workflow-{name}"))?.to_str().ok();
    let from_callback = text("calltype").is_some_and(|kind| kind.eq_ignore_ascii_case("fromCallback"));
    from_callback.then(|| text("runid")).flatten().map(|run| Link { run: run.to_owned(), part: Part::CallResult })
}
