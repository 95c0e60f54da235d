//! Doing what a message says.

use makegood_core::error::Error;
use makegood_core::guard::Scope;
use makegood_core::id::SagaId;
use makegood_core::intent::Band;
use makegood_core::saga::Priority;
use makegood_core::time::Millis;

use super::answer::{Answer, Turn};
use super::hearing::{Hearing, hash};
use super::memory::Wanted;
use super::saga::{self, Word};
use super::state::{Act, Answered, Shown, What, Wish};
use super::{Heard, Move, words};
use crate::host::{Host, Level};
use crate::reading::{Outcome, Reading};
use crate::start::{Start, key_reused, start_in};

/// How long what became of a wish is waited for, and how often it is looked for.
const PATIENCE: Millis = Millis(6_000);
const LOOKS: Millis = Millis(120);

impl<H: Host> Hearing<'_, H> {
    /// Does it. `None` where another message was first, and nothing is done.
    pub async fn perform(&mut self, next: Move) -> Result<Option<Heard>, Error> {
        let mut answer = self.answer_to(&next);
        match next {
            Move::Start(outcome) => return self.start(*outcome, answer).await,
            Move::Wish(saga, what, outcome) => return self.wish(saga, what, outcome.as_deref(), answer).await,
            Move::Show(outcome, changes) => {
                let said = self.about(outcome.since, !self.is_yes());
                let state = &mut self.conversation.state;
                (state.said, state.asked, state.questions) = (said, None, Vec::new());
                if let Reading::Plan { plan, .. } = &outcome.reading {
                    state.shown = Some(Shown { hash: hash(plan), changes });
                }
            }
            Move::Ask(outcome) => {
                let (said, questions) = (self.about(outcome.since, true), self.asked_back(&outcome));
                let state = &mut self.conversation.state;
                (state.said, state.asked, state.shown) = (said, Some(answer.say.clone()), None);
                state.questions = questions;
            }
            Move::Refuse(_) | Move::Drop => self.conversation.state.close(),
            Move::Look(_, hash) => self.conversation.state.seen = Some(hash),
            Move::Unclear(_) | Move::Unasked | Move::TooMuch => {}
        }
        answer.status = 200;
        if !self.save(Some(&answer), None).await? {
            return Ok(None);
        }
        Ok(Some(answer.heard(false)))
    }

    /// Writes what the message came to, and under its key the answer, or what is wished. False where another message
    /// was first.
    async fn save(&mut self, answer: Option<&Answer>, wish: Option<&Wish>) -> Result<bool, Error> {
        let answer = answer.map(|answer| (answer.status, answer.body()));
        let message = self.said.message.clone();
        let answered = self.said.key.clone().map(|key| Answered { key, message, answer, wish: wish.cloned() });
        self.memory.save(&mut self.conversation, answered.as_ref(), self.offset_minutes).await
    }

    async fn start(&mut self, outcome: Outcome, mut answer: Answer) -> Result<Option<Heard>, Error> {
        let made = self.about(outcome.since, !self.is_yes());
        let message = made.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join("\n");
        let budget = self.conversation.state.budget;
        let state = &mut self.conversation.state;
        state.close();
        (state.made, state.confirm) = (made, outcome.how.confirm.clone());
        let Reading::Plan { plan, nodes, tools, .. } = &outcome.reading else { return Ok(None) };
        let gate = nodes.iter().find(|node| Some(&node.id) == outcome.how.confirm.as_ref());
        (state.found, state.seen) = (gate.is_some_and(|gate| !gate.refs.is_empty()), None);
        let wanted = Start {
            plan,
            message: Some(&message),
            client_key: self.said.key.as_deref(),
            deadline: None,
            budget,
            priority: Priority::default(),
            reading: Some(&outcome.how),
            trace: self.said.trace.clone(),
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
            (answer.turn, answer.say, answer.status) =
                (Turn::Unchanged, words::one_at_a_time(self.tongue()).to_owned(), 200);
            return Ok(Some(answer.heard(false)));
        }
        self.principal.may(match what {
            What::Decide { .. } => Scope::Approve,
            What::Cancel | What::Change(_) => Scope::Operate,
        })?;
        let messages = match (&what, outcome) {
            (What::Change(_), Some(outcome)) => self.about(outcome.since, !self.is_yes()),
            (What::Cancel | What::Change(_) | What::Decide { .. }, _) => Vec::new(),
        };
        // No two wishes of a conversation have the same time.
        let before = self.conversation.state.wish.as_ref().map_or(Millis(0), |wish| wish.at + Millis(1));
        let at = self.host.now().max(before);
        let state = &mut self.conversation.state;
        state.close();
        state.said.clone_from(&messages);
        let wish = Wish { at, saga, what, messages, became: None, why: None };
        state.wish = Some(wish.clone());
        self.conversation.wish_since = Some(at);
        if !self.save(None, Some(&wish)).await? {
            return Ok(None);
        }
        let word = Word { conversation: self.conversation.id.clone(), owner: self.principal.name.clone(), at };
        if let Err(error) = saga::tell(self.host, self.settings, &word, "0").await {
            self.host.log(Level::Warn, &format!("a wish of {} is left to the sweep: {error}", word.conversation));
        }
        Ok(Some(self.wait_for(wish, answer).await))
    }

    /// What became of a wish, as far as that is known in time.
    async fn wait_for(&self, mut wish: Wish, mut answer: Answer) -> Heard {
        let until = self.host.now() + PATIENCE;
        let at = wish.at;
        while wish.is_open() {
            let wanted = Wanted { id: Some(&self.conversation.id), key: None, zone: None, fresh: true };
            // It is asked, whether this can be read or not.
            let found = self.memory.open(wanted).await.ok().and_then(|opened| opened.conversation);
            let known = found.as_ref().and_then(|found| found.state.wish.clone());
            // Another message may have asked for something else of it since.
            let over = known.as_ref().is_some_and(|known| known.at != at || !known.is_open());
            wish = known.filter(|known| known.at == at).unwrap_or(wish);
            if over || self.host.now() >= until {
                if let Some(found) = &found {
                    self.memory.keep_copy(found, self.offset_minutes).await;
                }
                break;
            }
            self.host.sleep(LOOKS).await;
        }
        answer.say = self.told(&wish);
        answer.became = wish.became;
        answer.saga = Some(wish.saga.clone());
        answer.status = match wish.became {
            None | Some(Act::Heard) => 202,
            Some(_) => 200,
        };
        if !matches!(wish.became, None | Some(Act::Heard)) {
            answer.turn = Turn::Unchanged;
        }
        answer.heard(false)
    }

    /// The same message under the same key: it is answered as it was.
    pub async fn said_before(&self, answered: Answered) -> Result<Heard, Error> {
        let conversation = Some(self.conversation.id.clone());
        if let Some((status, body)) = answered.answer {
            return Ok(Heard { status, body, conversation, follows: None, started: false });
        }
        let wish = answered.wish.or_else(|| self.conversation.state.wish.clone());
        let Some(wish) = wish else { return Err(key_reused()) };
        let turn = Turn::of(&wish.what);
        let answer = Answer {
            saga: Some(wish.saga.clone()),
            ..Answer::new(turn, Band::Act, &self.settings.public_url, conversation)
        };
        Ok(self.wait_for(wish, answer).await)
    }
}
