//! From a sentence to a plan, without a model.
//!
//! [`read`] understands what people ask of the demo town: tables, rides, deliveries, payments,
//! messages, calendar entries, and questions about them. It knows no tool's partner and calls
//! nothing; a plan that it makes is still to be verified. What it does not understand, it says; what
//! is missing, it asks for, all in one question; what is ambiguous, it decides by a rule that is
//! written where it is applied, or asks.
//!
//! A message goes through `tokens`, is cut into `clauses`, one wish each; each wish is read by the
//! module of its kind, and `planner` joins them: who waits for whom, and what "there" means.
//!
//! A wish is planned only when every word of it was understood: what is left over is asked about, and
//! nothing of the message is done (`unread`).

mod band;
mod calendar;
mod change;
mod chatter;
mod clauses;
#[cfg(test)]
mod conversations;
mod dates;
mod delivery;
mod draft;
mod editor;
mod elided;
mod example;
mod german;
#[cfg(test)]
mod held_sentences;
mod idioms;
mod language;
mod lexicon;
mod lines;
mod lookup;
mod message;
mod money;
mod names;
mod numbers;
mod openings;
mod order;
mod payment;
mod people;
mod places;
mod planner;
mod preamble;
mod proviso;
mod reading;
mod ride;
mod said;
#[cfg(test)]
mod sentence_table;
#[cfg(test)]
mod sentences;
mod short;
mod slot;
mod spanish;
mod spelling;
mod table;
mod times;
mod tokens;
mod told;
mod turn;
mod unread;
mod voice;
mod when;
mod word_order;
mod words;
mod work;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

pub use band::{ACT, Band, CONFIRM};
pub use said::{MAX_SAID, Said, Turned};
pub use short::{Short, short};

use crate::saga::Plan;
use crate::time::Millis;
use crate::tool::Definition;

/// The longest message that is read, in characters.
pub const MAX_CHARACTERS: usize = 4000;

/// What a message is read against.
#[derive(Clone, Debug)]
pub struct Context {
    pub now: Millis,
    /// East of Greenwich is positive.
    pub utc_offset_minutes: i32,
    /// The name of who asks, for people.
    pub user: String,
}

/// What a message means.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "reading", rename_all = "snake_case")]
pub enum Reading {
    /// Ready to be verified and run.
    Plan { intents: Vec<Intent>, plan: Plan },
    /// Something is missing or contradicts itself: one question that asks for all of it.
    Ask { question: String, missing: Vec<Missing>, intents: Vec<Intent> },
    /// Not a wish that can be served; the message says what can.
    Unclear { message: String },
    /// The user said what not to do, and nothing else.
    Refused { message: String },
}

/// One wish.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Intent {
    pub kind: Kind,
    /// 0.95, less 0.05 for each thing that was assumed (a corrected word, an hour without am or pm, a
    /// default, a wish without a verb); at most 0.5 while something is missing.
    pub confidence: f64,
    pub parameters: Map<String, Value>,
    /// The words that it was read from.
    pub text: String,
}

/// What one wish still lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Missing {
    /// The place of the intent in the list of intents.
    pub intent: usize,
    pub parameter: &'static str,
}

/// What sort of wish it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "IntentKind"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    Schedule,
    Search,
    Action,
    Query,
    Planning,
    Analysis,
    Unknown,
    ClarificationRequired,
    ServiceDegraded,
    Booking,
    Delivery,
    Waitlist,
    ReservationModify,
    ReservationCancel,
    Cancel,
    Modify,
    Payment,
    Communication,
}

/// Reads a message. Deterministic, and total: any text has a reading.
#[must_use]
pub fn read(message: &str, context: &Context) -> Reading {
    turn::read(message, &[], context)
}

/// Reads a message by the examples of registered tools: one that is as an example says, but for the values of its
/// parameters, is a call of that tool. For messages that [`read_turn`] makes nothing of. `None` where it is as none of
/// them.
///
/// Such a plan is never sure enough to be carried out unasked: an example says what is said for a tool, and not what
/// else it could have been said for.
#[must_use]
pub fn read_by_example(message: &str, tools: &BTreeMap<String, Definition>, context: &Context) -> Option<Reading> {
    example::read(message, tools, context)
}

/// Takes out of a plan what would be tried with tools that are not there. The planner knows the demo town's, and an
/// installation may have others.
pub fn keep_to(plan: &mut Plan, is_there: &dyn Fn(&str) -> bool) {
    proviso::only(plan, is_there);
}

/// Reads a message as the next of a conversation: an answer to a question (`at seven`), a correction (`make it
/// six`), what is left out after all (`forget the ride`), or one wish more (`and text Sam the details`) yields the
/// whole plan as it is then; anything else is read for itself.
///
/// `earlier` is what the same person said before, oldest first, as far as none of it was carried out: what runs
/// already is not changed by a message, and would be done once more.
///
/// ```
/// use makegood_core::{intent::{Context, Reading, read_in}, time::Millis};
///
/// let context = Context { now: Millis(1_795_424_400_000), utc_offset_minutes: 60, user: "Ada".to_owned() };
/// let earlier = ["Book a table for 4 at Luigi's tomorrow at 7pm"];
/// let Reading::Plan { plan, .. } = read_in("make it six", &earlier, &context) else { panic!("a plan") };
/// assert_eq!(plan.steps[0].params["party_size"], 6);
/// ```
#[must_use]
pub fn read_in(message: &str, earlier: &[&str], context: &Context) -> Reading {
    turn::read(message, earlier, context)
}

/// As [`read_in`], for conversations that go on for a while: each earlier message is understood as of the time that
/// it was said at, and the answer tells which messages the reading is about.
///
/// ```
/// use makegood_core::{intent::{Context, Said, read_turn}, time::Millis};
///
/// let context = Context { now: Millis(1_795_424_400_000), utc_offset_minutes: 60, user: "Ada".to_owned() };
/// let earlier = [Said::new("Book a table for 4 at Luigi's tomorrow at 7pm", &context)];
/// assert_eq!(read_turn("make it six", &earlier, &context).since, 0);
/// assert_eq!(read_turn("Pay Anna 25 dollars", &earlier, &context).since, 1);
/// ```
#[must_use]
pub fn read_turn(message: &str, earlier: &[Said], context: &Context) -> Turned {
    turn::turned(message, earlier, context)
}
