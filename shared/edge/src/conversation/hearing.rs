//! One message on its way: what it is read against, and what is to be done about it.

use makegood_core::error::{Code, Error};
use makegood_core::intent::{self, Band, Context, Short, short};
use makegood_core::proposal::By;
use makegood_core::saga::Plan;
use makegood_gateway::hexadecimal;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::memory::{Conversation, Memory, Opened, Wanted};
use super::state::{MOST_QUESTIONS, Shown, What, fit};
use super::telling::started_before;
use super::zone::{Tongue, Zone};
use super::{Heard, Move};
use crate::door::Principal;
use crate::host::Host;
use crate::model::Exchange;
use crate::reading::{Before, Counsel, Outcome, Reading, Said, again, called, read};
use crate::settings::Settings;
use crate::start::key_reused;

/// One message on its way.
pub struct Hearing<'a, H> {
    pub host: &'a H,
    pub settings: &'a Settings,
    pub principal: &'a Principal,
    pub said: &'a Said,
    pub memory: Memory<'a, H>,
    pub conversation: Conversation,
    context: Context,
    /// Of a named zone.
    pub offset_minutes: Option<i32>,
}

pub enum Begun<'a, H> {
    New(Box<Hearing<'a, H>>),
    /// It came before, under its key.
    Known(Heard),
}

impl<'a, H: Host> Hearing<'a, H> {
    pub async fn begin(
        host: &'a H,
        settings: &'a Settings,
        principal: &'a Principal,
        said: &'a Said,
        fresh: bool,
    ) -> Result<Begun<'a, H>, Error> {
        let zone = said.check()?;
        let named = if let Some(Zone::Named(name)) = &zone { Some(name.as_str()) } else { None };
        let memory = Memory::new(host, settings, &principal.name);
        let id = said.conversation.as_ref();
        let Opened { conversation, keyed, answered, offset_minutes } =
            memory.open(Wanted { id, key: said.key.as_deref(), zone: named, fresh }).await?;
        if let Some(keyed) = keyed {
            if !keyed.is_for(&said.message) {
                return Err(key_reused());
            }
            return Ok(Begun::Known(started_before(settings, keyed)));
        }
        let mut conversation = match (conversation, id) {
            (Some(conversation), _) => conversation,
            (None, Some(_)) if answered.is_none() => {
                let message = "You have no such conversation, or it has ended. Leave `conversation` out to begin one.";
                return Err(Error::new(Code::NotFound, message));
            }
            (None, _) => Conversation::new(host),
        };
        match zone {
            Some(Zone::Named(name)) => {
                (conversation.state.zone, conversation.state.offset_minutes) = (Some(name), None)
            }
            Some(Zone::Fixed(minutes)) => {
                (conversation.state.zone, conversation.state.offset_minutes) = (None, Some(minutes));
            }
            None => {}
        }
        if said.locale.is_some() {
            conversation.state.locale.clone_from(&said.locale);
        }
        if said.budget.is_some() {
            conversation.state.budget = said.budget;
        }
        let offset_minutes = offset_minutes.filter(|_| conversation.state.zone.is_some());
        let minutes = offset_minutes.or(conversation.state.offset_minutes).unwrap_or_default();
        let context = Context { now: host.now(), utc_offset_minutes: minutes, user: called(principal) };
        let hearing = Self { host, settings, principal, said, memory, conversation, context, offset_minutes };
        let last = hearing.conversation.state.last.clone();
        let answered = answered.or(last.filter(|last| Some(&last.key) == said.key.as_ref()));
        if let Some(answered) = answered {
            if answered.message != said.message {
                return Err(key_reused());
            }
            return hearing.said_before(answered).await.map(Begun::Known);
        }
        Ok(Begun::New(Box::new(hearing)))
    }

    pub fn tongue(&self) -> Tongue {
        Tongue::of(self.conversation.state.locale.as_deref())
    }

    /// What is to be done about the message.
    pub async fn decide(&self, counsel: &mut Counsel) -> Result<Move, Error> {
        let state = &self.conversation.state;
        let saga = self.conversation.saga.as_ref();
        let open = state.said.len() > state.wished() || state.shown.is_some();
        let word = short(&self.said.message);
        // A yes or a no may be what a model asked for.
        if matches!(word, Some(Short::Yes | Short::No)) && !state.questions().is_empty() {
            let outcome = self.read(counsel).await?;
            if outcome.how.by == By::Model {
                return Ok(self.of(outcome));
            }
        }
        match (word, &state.shown, saga) {
            (Some(Short::Yes), Some(shown), _) => return self.agreed(shown).await,
            (Some(Short::No | Short::Stop), _, _) if open => return Ok(Move::Drop),
            (Some(Short::Stop), None, Some(saga)) => return Ok(Move::Wish(saga.clone(), What::Cancel, None)),
            (Some(said @ (Short::Yes | Short::No)), None, Some(saga)) if !open && state.waits(saga).is_some() => {
                let (step, approve) = (state.waits(saga).cloned().unwrap_or_default(), said == Short::Yes);
                let asks = if approve && state.found { self.asks(saga, &step).await? } else { None };
                let hash = match asks {
                    Some((text, hash)) if state.seen != Some(hash) => return Ok(Move::Look(text, hash)),
                    asks => asks.map(|(_, hash)| hash),
                };
                return Ok(Move::Wish(saga.clone(), What::Decide { step, approve, hash }, None));
            }
            (Some(Short::Yes | Short::No), None, _) => return Ok(Move::Unasked),
            (Some(Short::No | Short::Stop) | None, _, _) => {}
        }
        Ok(self.of(self.read(counsel).await?))
    }

    /// Reads the message after those before it.
    async fn read(&self, counsel: &mut Counsel) -> Result<Box<Outcome>, Error> {
        let state = &self.conversation.state;
        let said = Said { budget: self.said.budget.or(state.budget), ..self.said.clone() };
        let earlier = state.earlier();
        let before = Before { earlier: &earlier, questions: state.questions() };
        read(self.host, self.settings, self.principal, &said, before, &self.context, counsel).await.map(Box::new)
    }

    /// What is to be done about what was read.
    fn of(&self, outcome: Box<Outcome>) -> Move {
        let state = &self.conversation.state;
        let earlier = state.earlier();
        let saga = self.conversation.saga.as_ref();
        let since = outcome.since;
        let of_saga = saga.filter(|_| since < state.made.len());
        let itself = since == earlier.len();
        match (&outcome.reading, outcome.band) {
            (Reading::Refused { .. }, _) if itself => Move::Refuse(outcome),
            (Reading::Refused { .. }, _) => match of_saga {
                Some(saga) => Move::Wish(saga.clone(), What::Cancel, None),
                None => Move::Drop,
            },
            (Reading::Unclear { .. }, _) => Move::Unclear(outcome),
            _ if !itself && !fit(&self.with_this(&earlier)) => Move::TooMuch,
            (Reading::Ask { .. }, _) => Move::Ask(outcome),
            (Reading::Plan { plan, .. }, Band::Act) => match of_saga {
                Some(saga) => Move::Wish(saga.clone(), What::Change(json!(plan)), Some(outcome)),
                None => Move::Start(outcome),
            },
            // A model's plan is agreed to in its saga.
            (Reading::Plan { .. }, _) if outcome.how.confirm.is_some() => Move::Start(outcome),
            (Reading::Plan { .. }, Band::Confirm | Band::Clarify | Band::Refuse) => {
                Move::Show(outcome, of_saga.is_some())
            }
        }
    }

    /// A yes to what was shown. That is read again from the same words; where it has come to something else since, it
    /// is shown anew.
    async fn agreed(&self, shown: &Shown) -> Result<Move, Error> {
        let mut earlier = self.conversation.state.earlier();
        let Some(last) = earlier.pop() else { return Ok(Move::Unasked) };
        let outcome = Box::new(again(self.host, self.settings, &last, &earlier, &self.context).await?);
        let Reading::Plan { plan, .. } = &outcome.reading else { return Ok(Move::Unclear(outcome)) };
        if hash(plan) != shown.hash {
            return Ok(Move::Show(outcome, shown.changes));
        }
        Ok(match self.conversation.saga.as_ref().filter(|_| shown.changes) {
            Some(saga) => Move::Wish(saga.clone(), What::Change(json!(plan)), Some(outcome)),
            None => Move::Start(outcome),
        })
    }

    /// Messages, and this one.
    fn with_this(&self, earlier: &[intent::Said]) -> Vec<intent::Said> {
        let this = intent::Said::new(&self.said.message, &self.context);
        earlier.iter().cloned().chain([this]).collect()
    }

    /// What a model has asked of the wish so far, with what it asks now; nothing where the question is not its own.
    pub fn asked_back(&self, outcome: &Outcome) -> Vec<Exchange> {
        let Reading::Ask { question, .. } = &outcome.reading else { return Vec::new() };
        if outcome.how.by != By::Model {
            return Vec::new();
        }
        let now = Exchange { message: self.said.message.clone(), question: question.clone() };
        let mut all = self.conversation.state.questions().to_vec();
        all.push(now);
        all.split_off(all.len().saturating_sub(MOST_QUESTIONS))
    }

    /// It is a yes, and as such no part of what is carried out.
    pub fn is_yes(&self) -> bool {
        short(&self.said.message) == Some(Short::Yes)
    }

    /// The messages that a reading is about and that are not carried out, with this one: a yes is none of them.
    pub fn about(&self, since: usize, with_this: bool) -> Vec<intent::Said> {
        let state = &self.conversation.state;
        let from = since.max(state.made.len());
        let said: Vec<intent::Said> = state.earlier().into_iter().skip(from).collect();
        if with_this { self.with_this(&said) } else { said }
    }
}

/// Tells a plan from every other.
pub fn hash(plan: &Plan) -> String {
    hexadecimal(&Sha256::digest(json!(plan).to_string()))
}
