//! An answer as a client sees it: what was understood and what became of it, for programs in fields and for people
//! in `say`. docs/INTENTS.md has the fields.

use makegood_core::id::{ConversationId, SagaId};
use makegood_core::intent::Band;
use serde::Serialize;
use serde_json::{Value, json};

use super::Heard;
use super::state::{Act, What};

/// What a message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// A saga was started.
    Started,
    /// A plan waits for a yes.
    Confirm,
    /// Something is asked back.
    Asked,
    /// Nothing was understood, or there is nothing to do about it.
    Unclear,
    /// The user said what not to do.
    Refused,
    /// What was open is given up.
    Dropped,
    /// The saga was asked to go on with another plan.
    Changed,
    /// The saga was asked to be undone.
    Cancelled,
    /// The saga was told yes or no.
    Decided,
    /// What was asked of the saga cannot be any more, or not now.
    Unchanged,
}

impl Turn {
    pub const fn of(what: &What) -> Self {
        match what {
            What::Cancel => Self::Cancelled,
            What::Change(_) => Self::Changed,
            What::Decide { .. } => Self::Decided,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub turn: Turn,
    pub band: Band,
    pub say: String,
    /// The reading, as [`Outcome::preview`](crate::reading::Outcome::preview) shows it.
    pub preview: Option<Value>,
    pub conversation: Option<ConversationId>,
    pub saga: Option<SagaId>,
    /// Whether this message started it, of a start.
    pub created: Option<bool>,
    /// The step that its owner is asked about first.
    pub confirm: Option<String>,
    /// What became of what was asked of the saga.
    pub became: Option<Act>,
    pub public_url: String,
}

impl Answer {
    pub fn new(turn: Turn, band: Band, public_url: &str, conversation: Option<ConversationId>) -> Self {
        Self {
            status: 200,
            turn,
            band,
            say: String::new(),
            preview: None,
            conversation,
            saga: None,
            created: None,
            confirm: None,
            became: None,
            public_url: public_url.to_owned(),
        }
    }

    pub fn body(&self) -> Value {
        // Where nothing was started the reading's fields stand beside it as well.
        let mut body = self.preview.clone().filter(|_| self.created.is_none()).unwrap_or_else(|| json!({}));
        let reading = self.preview.as_ref();
        if let Some(reading) = reading {
            body["reading"] = reading.clone();
            for (field, value) in [
                ("plan", &reading["plan"]),
                ("question", &reading["question"]),
                ("missing", &reading["details"]["missing"]),
            ] {
                if !value.is_null() {
                    body[field] = value.clone();
                }
            }
        }
        body["turn"] = json!(self.turn);
        body["band"] = json!(self.band);
        body["say"] = json!(self.say);
        if let Some(conversation) = &self.conversation {
            body["conversation"] = json!(conversation);
        }
        if let Some(saga) = &self.saga {
            let status = format!("{}/api/execute/{saga}", self.public_url);
            if let Some(step) = &self.confirm {
                // A model read it: nothing has an effect before its sender agrees.
                let verb = |verb: &str| format!("{status}/{verb}");
                body["confirm"] = json!({"step": step, "approve": verb("approve"), "reject": verb("reject")});
            }
            body["saga"] = json!(saga);
            body["status_url"] = json!(status);
        }
        if let Some(created) = self.created {
            body["created"] = json!(created);
        }
        if let Some(became) = self.became {
            body["became"] = json!(became);
        }
        body
    }

    /// `follows`: the saga's progress is worth telling.
    pub fn heard(self, started: bool) -> Heard {
        let acted = started || matches!(self.became, Some(Act::Heard)) || self.status == 202;
        Heard {
            status: self.status,
            body: self.body(),
            follows: self.saga.clone().filter(|_| acted),
            conversation: self.conversation,
            started,
        }
    }
}
