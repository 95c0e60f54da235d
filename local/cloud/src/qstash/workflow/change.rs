//! The journal's vocabulary for runs, beside the messages that carry most of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    event::{Notice, Waiter},
    run::{Begun, End, FailureCall, Step},
};

/// What changes about runs. Stored: a new shape needs a new name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A run that begins without its first message, because it goes on from another.
    Run(Arc<Begun>),
    /// A step whose message is gone.
    Step {
        run: String,
        step: Arc<Step>,
    },
    End {
        run: String,
        end: End,
    },
    FailureCall {
        run: String,
        call: FailureCall,
    },
    /// The workflow turned out to have nobody to tell of a failure.
    FailureCallGone {
        run: String,
    },
    Wait(Arc<Waiter>),
    WaitGone {
        id: String,
    },
    Notice(Notice),
    /// The oldest one of this event.
    NoticeGone {
        run: String,
        event: String,
    },
}
