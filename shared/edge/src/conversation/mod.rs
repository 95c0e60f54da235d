//! A conversation: what becomes of a message after those before it.
//!
//! It is read, and what is to be done is decided (`hearing`); [`hear`] does that (`acting`), [`preview`] only tells
//! (`telling`). Three things come of messages: a saga starts, something is asked of the one that runs, or the user is
//! asked. A plan below the band that acts is shown first, and a yes carries out what was shown, as it was shown.

mod acting;
mod answer;
#[cfg(not(target_arch = "wasm32"))]
pub mod described;
mod hearing;
pub mod memory;
pub mod saga;
mod state;
mod telling;
mod words;
pub mod zone;

use makegood_core::error::{Code, Error};
use makegood_core::id::{ConversationId, SagaId};
use serde_json::Value;

use crate::door::Principal;
use crate::host::Host;
use crate::reading::{Counsel, Outcome, Said};
use crate::settings::Settings;
use hearing::{Begun, Hearing};
use state::What;

/// So often another message of the same conversation may be first.
const RACES: u32 = 8;

/// What is answered to a message.
#[derive(Clone, Debug)]
pub struct Heard {
    pub status: u16,
    pub body: Value,
    pub conversation: Option<ConversationId>,
    /// The saga whose progress can be told.
    pub follows: Option<SagaId>,
    /// The message started it: its progress says all.
    pub started: bool,
}

/// What is to be done about a message.
#[derive(Debug)]
enum Move {
    Start(Box<Outcome>),
    /// `true`: it is the saga's new plan.
    Show(Box<Outcome>, bool),
    Ask(Box<Outcome>),
    Unclear(Box<Outcome>),
    Refuse(Box<Outcome>),
    /// What is open is given up.
    Drop,
    /// Something is asked of the saga. The plan, where there is a new one.
    Wish(SagaId, What, Option<Box<Outcome>>),
    /// What a step of the saga asks, and its hash, are shown before a yes to it counts.
    Look(String, u64),
    /// A yes or no to nothing.
    Unasked,
    TooMuch,
}

/// Hears a message, and does what it says.
///
/// # Errors
/// [`Code::InvalidRequest`] for a message that is none, [`Code::NotFound`] for a conversation that is not this user's
/// or has ended, [`Code::KeyReused`], those of a start, and [`Code::Unavailable`].
pub async fn hear<H: Host>(host: &H, settings: &Settings, principal: &Principal, said: &Said) -> Result<Heard, Error> {
    let mut counsel = Counsel::default();
    for race in 0..RACES {
        let mut hearing = match Hearing::begin(host, settings, principal, said, race > 0).await? {
            Begun::New(hearing) => hearing,
            Begun::Known(heard) => return Ok(heard),
        };
        let next = hearing.decide(&mut counsel).await?;
        if let Some(heard) = hearing.perform(next).await? {
            return Ok(heard);
        }
    }
    Err(Error::new(Code::Conflict, "Other messages of this conversation keep coming first. Send it again."))
}

/// Says what [`hear`] would do, and does nothing.
///
/// # Errors
/// As [`hear`].
pub async fn preview<H: Host>(
    host: &H,
    settings: &Settings,
    principal: &Principal,
    said: &Said,
) -> Result<Value, Error> {
    let hearing = match Hearing::begin(host, settings, principal, said, true).await? {
        Begun::New(hearing) => hearing,
        Begun::Known(heard) => return Ok(heard.body),
    };
    let next = hearing.decide(&mut Counsel::default()).await?;
    let mut answer = hearing.answer_to(&next);
    answer.say = hearing.would(&next).unwrap_or(answer.say);
    // A conversation that is not written cannot be gone on with.
    answer.conversation = answer.conversation.filter(|_| said.conversation.is_some());
    Ok(answer.body())
}
