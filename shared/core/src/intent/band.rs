//! What may be done with a reading: the bands.
//!
//! The thresholds come from messages that the grammar was not made to read (docs/INTENTS.md has the figures): where
//! something was assumed, a plan was wrong too often to be carried out unasked.

use serde::Serialize;

use super::Reading;

/// From here on a plan may be carried out without asking first: nothing in it was assumed.
pub const ACT: f64 = 0.95;

/// From here on a plan is shown, and carried out when the user agrees. Below, it is only a help to ask.
pub const CONFIRM: f64 = 0.6;

/// What may be done with a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Carried out.
    Act,
    /// Shown first, and carried out when the user agrees.
    Confirm,
    /// Asked about, or passed on to a model: something is missing, or was not understood.
    Clarify,
    /// Not done, whoever asks again: the user said not to.
    Refuse,
}

impl Reading {
    /// How sure the reading is: of a plan or a question, the least sure of its wishes, between 0 and 1. `None` where
    /// there is no wish.
    #[must_use]
    pub fn confidence(&self) -> Option<f64> {
        match self {
            Self::Plan { intents, .. } | Self::Ask { intents, .. } => {
                intents.iter().map(|intent| intent.confidence).min_by(f64::total_cmp)
            }
            Self::Unclear { .. } | Self::Refused { .. } => None,
        }
    }

    /// What may be done with it.
    ///
    /// ```
    /// use makegood_core::{intent::{Band, Context, read}, time::Millis};
    ///
    /// let context = Context { now: Millis(1_795_424_400_000), utc_offset_minutes: 60, user: "Ada".to_owned() };
    /// assert_eq!(read("Pay Anna 25 dollars", &context).band(), Band::Act);
    /// assert_eq!(read("Pay Anna", &context).band(), Band::Clarify);
    /// assert_eq!(read("Don't pay Anna", &context).band(), Band::Refuse);
    /// ```
    #[must_use]
    pub fn band(&self) -> Band {
        match self {
            Self::Plan { .. } => match self.confidence() {
                Some(confidence) if confidence >= ACT => Band::Act,
                Some(confidence) if confidence >= CONFIRM => Band::Confirm,
                Some(_) | None => Band::Clarify,
            },
            Self::Ask { .. } | Self::Unclear { .. } => Band::Clarify,
            Self::Refused { .. } => Band::Refuse,
        }
    }
}
