//! A conversation: what becomes of a message after those before it.
//!
//! [`decide`] reads it and says what is to be done, [`hear`] does that, [`preview`] only tells. Three things come of
//! messages: a saga starts, something is asked of the one that runs, or the user is asked. A plan below the band that
//! acts is shown first, and a yes carries out what was shown, as it was shown.

mod answer;
pub mod memory;
pub mod saga;
mod state;
#[cfg(test)]
mod tests;
mod words;
pub mod zone;

use makegood_core::error::{Code, Error};
use makegood_core::id::{ConversationId, SagaId};
use makegood_core::intent::{self, Band, Context, Short, short};
use makegood_core::saga::{Plan, Priority};
use makegood_core::time::Millis;
use serde_json::Value;

use crate::door::Principal;
use crate::host::{Host, Level};
use crate::reading::{Outcome, Reading, Said, agreed, called, read};
use crate::settings::Settings;
use crate::start::{Start, key_reused, start_in};
use crate::store::Store;
use answer::{Answer, Turn};
use memory::{Conversation, Memory, Opened, Wanted};
use saga::Word;
use state::{Answered, Shown, What, Wish, fit};
use words::Asked;
use zone::{Tongue, Zone};

/// So often another message of the same conversation may be first.
const RACES: u32 = 8;
/// How long what became of a wish is waited for, and how often it is looked for.
const PATIENCE: Millis = Millis(6_000);
const LOOKS: Millis = Millis(120);

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
    /// A yes or no to nothing.
    Unasked,
    TooMuch,
}

/// One message on its way.
struct Hearing<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    principal: &'a Principal,
    said: &'a Said,
    memory: Memory<'a, H>,
    conversation: Conversation,
    context: Context,
    /// Of a named zone.
    offset_minutes: Option<i32>,
}

/// Hears a message, and does what it says.
///
/// # Errors
/// [`Code::InvalidRequest`] for a message that is none, [`Code::NotFound`] for a conversation that is not this user's
/// or has ended, [`Code::KeyReused`], those of a start, and [`Code::Unavailable`].
pub async fn hear<H: Host>(host: &H, settings: &Settings, principal: &Principal, said: &Said) -> Result<Heard, Error> {
    for race in 0..RACES {
        let mut hearing = match Hearing::begin(host, settings, principal, said, race > 0).await? {
            Begun::New(hearing) => hearing,
            Begun::Known(heard) => return Ok(heard),
        };
        let next = hearing.decide().await?;
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
    let next = hearing.decide().await?;
    let mut answer = hearing.answer_to(&next);
    if let Move::Wish(_, what, _) = &next {
        answer.say = hearing.told(what, Some(state::Act::Heard), None);
    }
    // A conversation that is not written cannot be gone on with.
    answer.conversation = answer.conversation.filter(|_| said.conversation.is_some());
    Ok(answer.body())
}

enum Begun<'a, H> {
    New(Hearing<'a, H>),
    /// It came before, under its key.
    Known(Heard),
}

impl<'a, H: Host> Hearing<'a, H> {
    async fn begin(
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
        let Opened { conversation, keyed, offset_minutes } =
            memory.open(Wanted { id, key: said.key.as_deref(), zone: named, fresh }).await?;
        if let Some(keyed) = keyed {
            if !keyed.is_for(&said.message) {
                return Err(key_reused());
            }
            return started_before(host, settings, &keyed.saga, keyed.conversation).await.map(Begun::Known);
        }
        let mut conversation = match (conversation, id) {
            (Some(conversation), _) => conversation,
            (None, None) => Conversation::new(host),
            (None, Some(_)) => {
                let message = "You have no such conversation, or it has ended. Leave `conversation` out to begin one.";
                return Err(Error::new(Code::NotFound, message));
            }
        };
        match zone {
            Some(Zone::Named(name)) => (conversation.state.zone, conversation.state.offset_minutes) = (Some(name), None),
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
        let mut hearing = Self { host, settings, principal, said, memory, conversation, context, offset_minutes };
        let last = hearing.conversation.state.last.clone();
        if let Some(last) = last.filter(|last| Some(&last.key) == said.key.as_ref()) {
            if last.message != said.message {
                return Err(key_reused());
            }
            return hearing.said_before(last).await.map(Begun::Known);
        }
        Ok(Begun::New(hearing))
    }

    fn tongue(&self) -> Tongue {
        Tongue::of(self.conversation.state.locale.as_deref())
    }

    /// What is to be done about the message.
    async fn decide(&self) -> Result<Move, Error> {
        let state = &self.conversation.state;
        let saga = self.conversation.saga.as_ref();
        let open = !state.said.is_empty() || state.shown.is_some();
        match (short(&self.said.message), &state.shown, saga) {
            (Some(Short::Yes), Some(shown), _) => {
                let outcome = agreed(self.host, self.settings, shown.plan.clone()).await?;
                return Ok(match saga.filter(|_| shown.changes) {
                    Some(saga) => Move::Wish(saga.clone(), What::Change(shown.plan.clone()), Some(Box::new(outcome))),
                    None => Move::Start(Box::new(outcome)),
                });
            }
            (Some(Short::No | Short::Stop), _, _) if open => return Ok(Move::Drop),
            (Some(Short::Stop), None, Some(saga)) => return Ok(Move::Wish(saga.clone(), What::Cancel, None)),
            (Some(said @ (Short::Yes | Short::No)), None, Some(saga)) if !open && state.confirm.is_some() => {
                let step = state.confirm.clone().unwrap_or_default();
                return Ok(Move::Wish(saga.clone(), What::Decide { step, approve: said == Short::Yes }, None));
            }
            (Some(Short::Yes | Short::No), None, _) => return Ok(Move::Unasked),
            (Some(Short::No | Short::Stop) | None, _, _) => {}
        }
        let earlier = state.earlier();
        let budget = self.said.budget.or(state.budget);
        let said = Said { budget, ..self.said.clone() };
        let outcome = Box::new(read(self.host, self.settings, self.principal, &said, &earlier, &self.context).await?);
        let since = outcome.since;
        let of_saga = saga.filter(|_| since < state.made.len());
        let itself = since == earlier.len();
        Ok(match (&outcome.reading, outcome.band) {
            (Reading::Refused { .. }, _) if itself => Move::Refuse(outcome),
            (Reading::Refused { .. }, _) => match of_saga {
                Some(saga) => Move::Wish(saga.clone(), What::Cancel, None),
                None => Move::Drop,
            },
            (Reading::Unclear { .. }, _) => Move::Unclear(outcome),
            _ if !itself && !fit(&self.with_this(&earlier)) => Move::TooMuch,
            (Reading::Ask { .. }, _) => Move::Ask(outcome),
            (Reading::Plan { plan, .. }, Band::Act) => match of_saga {
                Some(saga) => Move::Wish(saga.clone(), What::Change(plan.clone()), Some(outcome)),
                None => Move::Start(outcome),
            },
            // A model's plan is agreed to in its saga.
            (Reading::Plan { .. }, _) if outcome.how.confirm.is_some() => Move::Start(outcome),
            (Reading::Plan { .. }, Band::Confirm | Band::Clarify | Band::Refuse) => {
                Move::Show(outcome, of_saga.is_some())
            }
        })
    }

    /// Messages, and this one.
    fn with_this(&self, earlier: &[intent::Said]) -> Vec<intent::Said> {
        let this = intent::Said::new(&self.said.message, &self.context);
        earlier.iter().cloned().chain([this]).collect()
    }

    /// The messages that a reading is about and that are not carried out, with this one: a yes is none of them.
    fn about(&self, since: usize, with_this: bool) -> Vec<intent::Said> {
        let state = &self.conversation.state;
        let from = since.max(state.made.len());
        let said: Vec<intent::Said> = state.earlier().into_iter().skip(from).collect();
        if with_this { self.with_this(&said) } else { said }
    }

    /// Does it. `None` where another message was first, and nothing is done.
    async fn perform(&mut self, next: Move) -> Result<Option<Heard>, Error> {
        let mut answer = self.answer_to(&next);
        match next {
            Move::Start(outcome) => return self.start(*outcome, answer).await,
            Move::Wish(saga, what, outcome) => return self.wish(saga, what, outcome.as_deref(), answer).await,
            Move::Show(outcome, changes) => {
                let said = self.about(outcome.since, true);
                let state = &mut self.conversation.state;
                (state.said, state.asked) = (said, None);
                if let Reading::Plan { plan, .. } = outcome.reading {
                    state.shown = Some(Shown { plan, changes });
                }
            }
            Move::Ask(outcome) => {
                let said = self.about(outcome.since, true);
                let state = &mut self.conversation.state;
                (state.said, state.asked, state.shown) = (said, Some(answer.say.clone()), None);
            }
            Move::Refuse(_) | Move::Drop => self.conversation.state.close(),
            Move::Unclear(_) | Move::Unasked | Move::TooMuch => {}
        }
        answer.status = 200;
        self.remember(Some(&answer));
        if !self.memory.save(&mut self.conversation, self.offset_minutes).await? {
            return Ok(None);
        }
        Ok(Some(answer.heard(false)))
    }

    /// Notes the answer under the message's key.
    fn remember(&mut self, answer: Option<&Answer>) {
        let Some(key) = self.said.key.clone() else { return };
        let answer = answer.map(|answer| (answer.status, answer.body()));
        self.conversation.state.last = Some(Answered { key, message: self.said.message.clone(), answer });
    }

    async fn start(&mut self, outcome: Outcome, mut answer: Answer) -> Result<Option<Heard>, Error> {
        let agreed = self.conversation.state.shown.is_some() && short(&self.said.message) == Some(Short::Yes);
        let made = if agreed { self.about(0, false) } else { self.about(outcome.since, true) };
        let message = made.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join("\n");
        let budget = self.conversation.state.budget;
        let state = &mut self.conversation.state;
        state.close();
        (state.made, state.confirm, state.last) = (made, outcome.how.confirm.clone(), None);
        let Reading::Plan { plan, tools, .. } = &outcome.reading else { return Ok(None) };
        let wanted = Start {
            plan,
            message: Some(&message),
            client_key: self.said.key.as_deref(),
            deadline: None,
            budget,
            priority: Priority::default(),
            reading: Some(&outcome.how),
        };
        let place = (&mut self.conversation, self.offset_minutes);
        let started =
            start_in(self.host, self.settings, self.principal, tools, &wanted, &self.said.message, place).await?;
        let Some((created, conversation)) = started else { return Ok(None) };
        answer.status = 202;
        answer.saga = Some(created.id.clone());
        answer.created = Some(created.created);
        answer.conversation = conversation;
        answer.confirm.clone_from(&outcome.how.confirm);
        Ok(Some(answer.heard(true)))
    }

    /// Asks something of the saga: it is written down, the queue is told, and what became of it is waited for.
    async fn wish(
        &mut self,
        saga: SagaId,
        what: What,
        outcome: Option<&Outcome>,
        mut answer: Answer,
    ) -> Result<Option<Heard>, Error> {
        if let Some(open) = self.conversation.state.wish.as_ref().filter(|wish| wish.is_open() && wish.saga != saga) {
            answer.saga = Some(open.saga.clone());
            (answer.turn, answer.say, answer.status) = (Turn::Unchanged, words::one_at_a_time(self.tongue()).to_owned(), 200);
            return Ok(Some(answer.heard(false)));
        }
        let messages = match (&what, outcome) {
            (What::Change(_), Some(outcome)) => {
                let agreed = short(&self.said.message) == Some(Short::Yes);
                self.about(if agreed { 0 } else { outcome.since }, !agreed)
            }
            (What::Cancel | What::Change(_) | What::Decide { .. }, _) => Vec::new(),
        };
        // No two wishes of a conversation have the same time.
        let before = self.conversation.state.wish.as_ref().map_or(Millis(0), |wish| wish.at + Millis(1));
        let at = self.host.now().max(before);
        let state = &mut self.conversation.state;
        state.close();
        state.said.clone_from(&messages);
        if matches!(what, What::Decide { .. }) {
            state.confirm = None;
        }
        state.wish = Some(Wish { at, saga, what, messages, became: None, why: None });
        self.conversation.wish_since = Some(at);
        self.remember(None);
        if !self.memory.save(&mut self.conversation, self.offset_minutes).await? {
            return Ok(None);
        }
        let word = Word { conversation: self.conversation.id.clone(), owner: self.principal.name.clone(), at };
        if let Err(error) = saga::tell(self.host, self.settings, &word, "0").await {
            self.host.log(Level::Warn, &format!("a wish of {} is left to the sweep: {error}", word.conversation));
        }
        self.wait_for(at, answer).await.map(Some)
    }

    /// What became of a wish, as far as that is known in time.
    async fn wait_for(&self, at: Millis, mut answer: Answer) -> Result<Heard, Error> {
        let until = self.host.now() + PATIENCE;
        let mut wish = self.conversation.state.wish.clone();
        loop {
            let wanted = Wanted { id: Some(&self.conversation.id), key: None, zone: None, fresh: true };
            let found = self.memory.open(wanted).await?.conversation.and_then(|found| found.state.wish);
            // Another message may have asked for something else of it since.
            let known = found.filter(|found| found.at == at);
            let over = known.as_ref().is_none_or(|wish| !wish.is_open());
            wish = known.or(wish);
            if over || self.host.now() >= until {
                break;
            }
            self.host.sleep(LOOKS).await;
        }
        let Some(wish) = wish else { return Ok(answer.heard(false)) };
        answer.say = self.told(&wish.what, wish.became, wish.why.as_deref());
        answer.became = wish.became;
        answer.saga = Some(wish.saga.clone());
        answer.status = match wish.became {
            None | Some(state::Act::Heard) => 202,
            Some(_) => 200,
        };
        if !matches!(wish.became, None | Some(state::Act::Heard)) {
            answer.turn = Turn::Unchanged;
        }
        Ok(answer.heard(false))
    }

    /// What became of a wish of the saga, in words.
    fn told(&self, what: &What, became: Option<state::Act>, why: Option<&str>) -> String {
        let saga = self.conversation.state.wish.as_ref().map(|wish| &wish.saga).or(self.conversation.saga.as_ref());
        let saga = saga.map(SagaId::as_str).unwrap_or_default();
        let asked = match what {
            What::Cancel => Asked::Cancel,
            What::Change(plan) => Asked::Change(&plan.summary),
            What::Decide { approve: true, .. } => Asked::Yes,
            What::Decide { approve: false, .. } => Asked::No,
        };
        words::became(self.tongue(), saga, asked, became, why)
    }

    /// The same message under the same key: it is answered as it was.
    async fn said_before(&mut self, last: Answered) -> Result<Heard, Error> {
        let conversation = Some(self.conversation.id.clone());
        if let Some((status, body)) = last.answer {
            return Ok(Heard { status, body, conversation, follows: None, started: false });
        }
        let wish = self.conversation.state.wish.clone();
        let Some(wish) = wish else { return Err(key_reused()) };
        let turn = Turn::of(&wish.what);
        let answer = Answer { saga: Some(wish.saga.clone()), ..Answer::new(turn, Band::Act, &self.settings.public_url, conversation) };
        self.wait_for(wish.at, answer).await
    }

    /// What is answered, as far as it is known before anything is done.
    fn answer_to(&self, next: &Move) -> Answer {
        let (tongue, id) = (self.tongue(), Some(self.conversation.id.clone()));
        let blank = |turn: Turn, band: Band| Answer::new(turn, band, &self.settings.public_url, id.clone());
        let of = |turn: Turn, outcome: &Outcome, say: String| Answer {
            say,
            preview: Some(outcome.preview()),
            ..blank(turn, outcome.band)
        };
        let summary = |outcome: &Outcome| match &outcome.reading {
            Reading::Plan { plan, .. } => summary(plan),
            Reading::Ask { question: text, .. } | Reading::Unclear { message: text } | Reading::Refused { message: text } => {
                text.clone()
            }
        };
        let saga = self.conversation.saga.as_ref();
        let and_saga = |text: String| match saga {
            Some(saga) => format!("{text} {}", words::goes_on(tongue, saga.as_str())),
            None => text,
        };
        let mut answer = match next {
            Move::Start(outcome) if outcome.how.confirm.is_some() => {
                of(Turn::Started, outcome, words::waits(tongue, &summary(outcome)))
            }
            Move::Start(outcome) => of(Turn::Started, outcome, words::started(tongue, &summary(outcome))),
            Move::Show(outcome, changes) => {
                let whose = saga.filter(|_| *changes).map(SagaId::as_str);
                of(Turn::Confirm, outcome, words::confirm(tongue, &summary(outcome), whose))
            }
            Move::Ask(outcome) => of(Turn::Asked, outcome, summary(outcome)),
            Move::Unclear(outcome) => of(Turn::Unclear, outcome, and_saga(summary(outcome))),
            Move::Refuse(outcome) => of(Turn::Refused, outcome, and_saga(summary(outcome))),
            Move::Drop => {
                Answer { say: and_saga(words::dropped(tongue).to_owned()), ..blank(Turn::Dropped, Band::Refuse) }
            }
            Move::Wish(_, what, outcome) => Answer {
                preview: outcome.as_ref().map(|outcome| outcome.preview()),
                ..blank(Turn::of(what), outcome.as_ref().map_or(Band::Act, |outcome| outcome.band))
            },
            Move::Unasked => {
                let say = words::nothing_waits(tongue, self.conversation.state.asked.as_deref());
                Answer { say, ..blank(Turn::Unclear, Band::Clarify) }
            }
            Move::TooMuch => {
                Answer { say: words::too_much(tongue).to_owned(), ..blank(Turn::Unclear, Band::Clarify) }
            }
        };
        if !matches!(next, Move::Start(_)) {
            answer.saga = saga.cloned();
        }
        answer
    }
}

/// The answer to a message whose key stands for a saga already.
async fn started_before<H: Host>(
    host: &H,
    settings: &Settings,
    saga: &SagaId,
    conversation: Option<ConversationId>,
) -> Result<Heard, Error> {
    let story = Store::new(host, settings).follow(saga, 0).await?;
    let story = story.ok_or_else(|| Error::new(Code::NotFound, "You have no such saga."))?;
    let confirm = story.reading.as_ref().and_then(|how| how["confirm"].as_str()).map(str::to_owned);
    let answer = Answer {
        status: 202,
        say: story.title,
        saga: Some(saga.clone()),
        created: Some(false),
        confirm,
        ..Answer::new(Turn::Started, Band::Act, &settings.public_url, conversation)
    };
    Ok(answer.heard(true))
}

/// A plan in words: its summary, or, where a model made it, its tools.
fn summary(plan: &Plan) -> String {
    if !plan.summary.is_empty() {
        return plan.summary.clone();
    }
    let tools: Vec<&str> = plan.steps.iter().map(|step| step.tool.as_str()).collect();
    format!("{}.", tools.join(", "))
}
