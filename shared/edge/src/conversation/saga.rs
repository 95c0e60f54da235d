//! What a message does to the saga that its conversation started: it is undone, goes on with another plan, or hears
//! a yes or a no. Each of these is an event like those of `/api/execute`, and the engine alone decides whether it has
//! its place now.
//!
//! A function that reads messages has no engine. So the wish is a part of the conversation's row, and the queue
//! brings word of it ([`tell`]) to the one that carries sagas on ([`hear`]), which writes down what became of it. A
//! word that is lost is told anew by the sweep.

use makegood_core::error::{Code, Error};
use makegood_core::id::{ConversationId, SagaId};
use makegood_core::intent::Said;
use makegood_core::saga::{Cause, Decision, Event, Fact, Phase, Plan, adapt};
use makegood_core::time::Millis;
use makegood_gateway::conversations::{self, Became, Wished};
use makegood_gateway::qstash::Publish;
use makegood_gateway::store::{END, Story};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::state::{Act, What, Wish};
use crate::driver;
use crate::host::Host;
use crate::queue::{SLACK, send};
use crate::settings::Settings;
use crate::start::verify;
use crate::store::Store;

/// Between two looks at a saga whose steps are under way.
const AGAIN: Millis = Millis(100);
/// What is left of an invocation for the rest, once no step is waited for any more.
const SPARE: Millis = Millis(2_000);
/// A note of the journal: as long as those of people.
const LONGEST_NOTE: usize = 2_000;

/// The word that the queue brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Word {
    pub conversation: ConversationId,
    pub owner: String,
    /// Which wish: [`Wish::at`].
    pub at: Millis,
}

/// Has the queue bring word of a wish. `mark`: tells apart what is said of the same wish again.
///
/// # Errors
/// [`Code::Unavailable`]: the sweep will tell of it.
pub async fn tell<H: Host>(host: &H, settings: &Settings, word: &Word, mark: &str) -> Result<(), Error> {
    let publish = Publish {
        destination: &settings.wish_address(),
        body: serde_json::to_vec(word).unwrap_or_default(),
        deduplication: &format!("{}:{}:{mark}", word.conversation, word.at.0),
        at: None,
        timeout: settings.kill + SLACK,
        trace: None,
    };
    send(host, settings, publish).await
}

/// Does what is wished for, and writes down what became of it. What was settled before is passed over.
///
/// # Errors
/// [`Code::Unavailable`], also where its steps are under way for longer than this invocation lasts: the word is
/// to come again.
pub async fn hear<H: Host>(host: &H, settings: &Settings, word: &Word) -> Result<(), Error> {
    let began = host.now();
    let store = Store::new(host, settings);
    let Word { conversation, owner, at } = word;
    let found = store.ask::<Wished<Wish>>(&conversations::wish(conversation, owner, *at)).await?;
    let Some(Wished { wish, saga }) = found else { return Ok(()) };
    let Some(wish) = wish else {
        // Another may have taken its place while the saga was held for it.
        let Some(saga) = saga else { return Ok(()) };
        return Acts { host, settings, word, saga: &saga, said: &[], began }.let_go().await;
    };
    let acts = Acts { host, settings, word, saga: &wish.saga, said: &wish.messages, began };
    let became = match &wish.what {
        What::Cancel => acts.cancel().await,
        What::Change(plan) => match serde_json::from_slice(plan.to_string().as_bytes()) {
            Ok(plan) => acts.change(&plan).await,
            Err(error) => {
                let message = "The new plan cannot be read any more. Say it again.";
                Err(Error::new(Code::InvalidPlan, message).because(error))
            }
        },
        What::Decide { step, approve, hash } => acts.decide(step, *approve, *hash).await,
    };
    let (act, why) = match became {
        Ok(act) => (act, None),
        // What is wrong with it is so the next time as well.
        Err(error) if !matches!(error.code(), Code::Unavailable | Code::Internal | Code::Conflict) => {
            (Act::Refused, Some(error.message().to_owned()))
        }
        Err(error) => return Err(error),
    };
    // Whatever came of it: nothing of this conversation waits for the saga any more.
    acts.let_go().await?;
    let carried_out = act == Act::Heard && matches!(wish.what, What::Change(_));
    let became = Became { became: act.as_str(), why: why.as_deref(), carried_out };
    store.ask::<bool>(&conversations::settle(conversation, owner, *at, &became, host.now())).await.map(|_| ())
}

struct Acts<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    word: &'a Word,
    saga: &'a SagaId,
    /// What was said of it.
    said: &'a [Said],
    began: Millis,
}

impl<H: Host> Acts<'_, H> {
    /// Asks for all of it to be undone.
    async fn cancel(&self) -> Result<Act, Error> {
        let phase = self.story(END).await?.phase;
        if let Some(act) = over(phase) {
            return Ok(act);
        }
        match self.put(Event::Cancel { by: self.word.owner.clone() }).await {
            Ok(()) => {}
            Err(error) if error.code() == Code::Conflict && phase == Phase::Stuck => return Ok(Act::Stuck),
            Err(error) => return Err(error),
        }
        let story = self.story(0).await?;
        let cancelled = story.journal.iter().any(|entry| is_cancel(&entry.record.fact));
        // Where the fate of its point of no return is open, it turns round when that is known, or goes on.
        let heard = cancelled || matches!(story.phase, Phase::Unwinding | Phase::MadeGood) || self.is_to_turn().await?;
        Ok(if heard { Act::Heard } else { Act::Past })
    }

    /// Has it go on with another plan.
    async fn change(&self, plan: &Plan) -> Result<Act, Error> {
        let tools = Store::new(self.host, self.settings).tools(plan).await?;
        loop {
            // Something else may be wished since: of two plans the later must not be replaced by the earlier.
            let open = conversations::wish(&self.word.conversation, &self.word.owner, self.word.at);
            let open = Store::new(self.host, self.settings).ask::<Wished<IgnoredAny>>(&open).await?;
            if open.and_then(|open| open.wish).is_none() {
                return Ok(Act::Heard);
            }
            let story = self.story(0).await?;
            if let Some(act) = over(story.phase) {
                return Ok(act);
            }
            let records = story.journal.iter().map(|entry| &entry.record);
            let replan = verify(plan, &tools).and_then(|nodes| adapt(&story.nodes, records, nodes, story.version))?;
            let event = Event::Replan { by: self.word.owner.clone(), note: self.note(), plan: Box::new(replan) };
            match self.put(event).await {
                Ok(()) => return Ok(Act::Heard),
                Err(error) if error.code() == Code::Conflict => {}
                Err(error) => return Err(error),
            }
            if self.is_past().await? {
                return Ok(Act::Past);
            }
            if story.phase == Phase::Stuck {
                return Ok(Act::Stuck);
            }
            if !self.holds(&story) {
                // Nothing new is begun until those steps are settled that are under way.
                match self.put(Event::Pause { by: self.holder() }).await {
                    Err(error) if error.code() != Code::Conflict => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            if self.host.now() + SPARE >= self.began + self.settings.time_budget.max(SPARE + AGAIN) {
                // It stays held: whoever hears the word again goes on here.
                return Err(Error::new(Code::Unavailable, "Its steps are under way. It is asked again."));
            }
            self.host.sleep(AGAIN).await;
        }
    }

    /// Says whether a step may be made that waits for its owner's yes. A yes counts for what was asked when it was
    /// said, and for those parameters; a no before that is one to all of it.
    /// `shown`: of the parameters that its owner saw, where these were not known before.
    async fn decide(&self, step: &str, approves: bool, shown: Option<u64>) -> Result<Act, Error> {
        let story = self.story(0).await?;
        if let Some(act) = over(story.phase) {
            return Ok(act);
        }
        let Some(node) = story.nodes.iter().rev().find(|node| node.id == step) else { return Ok(Act::Unasked) };
        let decided = story.journal.iter().rev().find_map(|entry| {
            let Fact::Decided { node: decided, by, approve, .. } = &entry.record.fact else { return None };
            (*decided == node.ix).then(|| *by == self.word.owner && *approve == approves)
        });
        if let Some(ours) = decided {
            return Ok(if ours { Act::Heard } else { Act::Unasked });
        }
        let asked = story.journal.iter().rev().find_map(|entry| {
            let Fact::Asked { node: asked, hash, .. } = &entry.record.fact else { return None };
            (*asked == node.ix).then_some((entry.record.at, *hash))
        });
        let told = |(at, hash): &(Millis, u64)| *at <= self.word.at && shown.is_none_or(|shown| shown == *hash);
        let hash = match asked.filter(told) {
            Some((_, hash)) => hash,
            None if approves => return Ok(Act::Early),
            None => return self.cancel().await,
        };
        let decision = Decision {
            by: self.word.owner.clone(),
            approve: approves,
            note: String::new(),
            hash: Some(hash),
            approver: false,
        };
        self.put(Event::Decided { node: node.ix, decision }).await.map(|()| Act::Heard).map_err(|error| {
            // It asks something else by now, or its time is over: that is seen when it is looked at again.
            if error.code() == Code::Conflict { Error::new(Code::Unavailable, "It has moved on.") } else { error }
        })
    }

    /// Has the saga go on, where it is held in the name of the conversation.
    async fn let_go(&self) -> Result<(), Error> {
        let story = Store::new(self.host, self.settings).follow(self.saga, 0).await?;
        if !story.is_some_and(|story| story.owner == self.word.owner && self.holds(&story)) {
            return Ok(());
        }
        match self.put(Event::Resume { by: self.holder() }).await {
            Err(error) if error.code() != Code::Conflict => Err(error),
            // It is at rest, or somebody has let it go on.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// In whose name the saga is held, so that a hold of somebody's own is left alone.
    fn holder(&self) -> String {
        format!("{} ({})", self.word.owner, self.word.conversation)
    }

    fn holds(&self, story: &Story) -> bool {
        let last = story.journal.iter().rev().find_map(|entry| {
            if let Fact::Paused { by, .. } = &entry.record.fact {
                return Some(*by == self.holder());
            }
            matches!(entry.record.fact, Fact::Resumed { .. }).then_some(false)
        });
        last == Some(true)
    }

    /// What was said.
    fn note(&self) -> String {
        let said: Vec<&str> = self.said.iter().map(|said| said.text.as_str()).collect();
        said.join("\n").chars().take(LONGEST_NOTE).collect()
    }

    /// What follows from it is an invocation of its own.
    async fn put(&self, event: Event) -> Result<(), Error> {
        let brief = Settings { time_budget: Millis(0), ..self.settings.clone() };
        driver::drive_with(self.host, &brief, self.saga, false, Some(event)).await.map(|_| ())
    }

    /// `after`: as for [`Store::follow`].
    async fn story(&self, after: u64) -> Result<Story, Error> {
        let story = Store::new(self.host, self.settings).follow(self.saga, after).await?;
        let story = story.filter(|story| story.owner == self.word.owner);
        story.ok_or_else(|| Error::new(Code::NotFound, "You have no such saga."))
    }

    async fn is_past(&self) -> Result<bool, Error> {
        let loaded = Store::new(self.host, self.settings).load(self.saga, false).await?;
        Ok(loaded.is_some_and(|loaded| loaded.head.pivoted))
    }

    async fn is_to_turn(&self) -> Result<bool, Error> {
        let loaded = Store::new(self.host, self.settings).load(self.saga, false).await?;
        Ok(loaded.is_some_and(|loaded| loaded.head.cause.is_some() && !loaded.head.pivoted))
    }
}

/// Why there is nothing to ask of a saga in this phase; `None` where there may be.
const fn over(phase: Phase) -> Option<Act> {
    match phase {
        Phase::Completed => Some(Act::Completed),
        Phase::MadeGood => Some(Act::MadeGood),
        Phase::Unwinding => Some(Act::Unwinding),
        Phase::Forward | Phase::Stuck => None,
    }
}

const fn is_cancel(fact: &Fact) -> bool {
    matches!(fact, Fact::Unwinding { cause: Cause::Cancelled { .. } })
}
