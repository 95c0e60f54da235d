//! What is kept of a conversation. It is stored, so its words are an API: a field is added with a default, and none
//! changes its meaning.

use makegood_core::id::SagaId;
use makegood_core::intent::{MAX_SAID, Said};
use makegood_core::saga::Budget;
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::Exchange;

/// A conversation ends so long after its last message.
pub const LASTS: Millis = Millis::from_secs(24 * 60 * 60);
/// So many an owner has; the one that was not touched for longest goes first.
pub const MOST: u32 = 100;
/// So many of its questions a model is told again.
pub const MOST_QUESTIONS: usize = 4;
/// The texts that are kept of one, in bytes.
const MOST_BYTES: usize = 16 * 1024;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The name of the user's time zone. The database reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// East of Greenwich, in minutes, where it was said as a number and not by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_minutes: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What the next saga may spend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The messages of which none is carried out yet, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
    /// The question that they led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// What a model asked of the last of these messages, and of which it waits for the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Exchange>,
    /// The plan that waits for a yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
    /// The messages that the saga's plan was made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<Said>,
    /// The saga's step that its owner is asked about before anything happens, where a model made the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// Queries give what that step is made with: its owner is shown what it asks, before a yes counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// The hash of the parameters that they were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// What was asked of a saga last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Wish>,
    /// The last message that had a key and started nothing, where an earlier build wrote this: what is answered under
    /// keys has rows of its own by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Answered>,
}

/// A plan that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Of the plan. The plan itself is read again from what was said: of one that is another now nothing is done.
    pub hash: String,
    /// It takes the place of the saga's plan, and starts none of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes: bool,
}

/// An answer that was given under a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    pub key: String,
    pub message: String,
    /// `None` where it is what became of a wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<(u16, Value)>,
    /// That wish; the database writes into it what became of it. Without one it is the conversation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Wish>,
}

/// Something that is asked of a saga. The queue brings it to the function that carries sagas on, for as often as it
/// takes; what became of it is written here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// When it was said: no two of a conversation have the same.
    pub at: Millis,
    pub saga: SagaId,
    pub what: What,
    /// The messages that say it, of [`State::said`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Said>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub became: Option<Act>,
    /// Why it could not be, in words, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// All of it is to be undone.
    Cancel,
    /// It is to go on with another plan, which whoever carries it out reads.
    Change(Value),
    /// Whether the step that waits for its owner may be made.
    Decide {
        step: String,
        approve: bool,
        /// The parameters that it is about, by their hash, where they were shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<u64>,
    },
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It is being undone, or goes on with the other plan, or has heard the decision.
    Heard,
    /// All of it was done already.
    Completed,
    /// None of it was left.
    MadeGood,
    /// It was being undone already.
    Unwinding,
    /// Its point of no return was behind it.
    Past,
    /// It needs a person first.
    Stuck,
    /// No step waited for it.
    Unasked,
    /// It had not asked when the yes was said.
    Early,
    /// The plan was refused.
    Refused,
}

impl Act {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Completed => "completed",
            Self::MadeGood => "made_good",
            Self::Unwinding => "unwinding",
            Self::Past => "past",
            Self::Stuck => "stuck",
            Self::Unasked => "unasked",
            Self::Early => "early",
            Self::Refused => "refused",
        }
    }
}

impl Wish {
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.became.is_none()
    }
}

impl State {
    /// All that a message is read against, oldest first.
    #[must_use]
    pub fn earlier(&self) -> Vec<Said> {
        self.made.iter().chain(&self.said).cloned().collect()
    }

    /// What a model asked of the last messages of which none is carried out.
    #[must_use]
    pub fn questions(&self) -> &[Exchange] {
        let open = self.said.len().saturating_sub(self.wished());
        self.questions.get(self.questions.len().saturating_sub(open)..).unwrap_or_default()
    }

    /// How many messages wait for what becomes of a wish.
    #[must_use]
    pub fn wished(&self) -> usize {
        let open = self.wish.as_ref().filter(|wish| wish.is_open());
        open.map_or(0, |wish| wish.messages.len().min(self.said.len()))
    }

    /// The step of this saga that waits for its owner, as far as is known.
    #[must_use]
    pub fn waits(&self, saga: &SagaId) -> Option<&String> {
        let decides = |wish: &&Wish| wish.saga == *saga && matches!(wish.what, What::Decide { .. });
        let became = self.wish.as_ref().filter(decides).and_then(|wish| wish.became);
        self.confirm.as_ref().filter(|_| matches!(became, None | Some(Act::Early)))
    }

    /// Nothing is open any more, but for what is wished of a saga.
    pub fn close(&mut self) {
        self.said.truncate(self.wished());
        self.questions.clear();
        (self.asked, self.shown, self.budget) = (None, None, None);
    }
}

/// Whether so many messages can be kept, and read again as they were meant.
#[must_use]
pub fn fit(messages: &[Said]) -> bool {
    messages.len() <= MAX_SAID && messages.iter().map(|said| said.text.len()).sum::<usize>() <= MOST_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_earlier_build_wrote_is_read() {
        let first: State = serde_json::from_value(json!({})).unwrap();
        assert_eq!(first, State::default());
        let kept = json!({"zone": "Europe/Berlin", "locale": "de", "said": [{"text": "Hallo", "at": 5, "utc_offset_minutes": 60}],
            "shown": {"hash": "0f"}});
        let state: State = serde_json::from_value(kept).unwrap();
        assert_eq!((state.said.len(), state.shown.map(|shown| shown.changes)), (1, Some(false)));
    }

    #[test]
    fn what_became_of_a_wish_is_written_as_it_is_read() {
        for act in [
            Act::Heard,
            Act::Completed,
            Act::MadeGood,
            Act::Unwinding,
            Act::Past,
            Act::Stuck,
            Act::Unasked,
            Act::Early,
            Act::Refused,
        ] {
            assert_eq!(json!(act), act.as_str());
        }
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let said = |text: String| Said { text, at: Millis(0), utc_offset_minutes: 0 };
        assert!(fit(&vec![said("make it six".to_owned()); MAX_SAID]));
        assert!(!fit(&vec![said("make it six".to_owned()); MAX_SAID + 1]));
        assert!(!fit(&vec![said("x".repeat(4_000)); 5]));
    }
}
