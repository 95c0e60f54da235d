//! Where a conversation is kept: the row in Postgres is the truth, a copy in Redis spares the reading of it.
//!
//! Nothing is written but onto the version that was read. So a copy that is old costs a second look, and cannot
//! win; and without Redis there is only the row. An answer is given after its version was written, never before.

use makegood_core::error::Error;
use makegood_core::id::{ConversationId, SagaId};
use makegood_core::time::Millis;
use makegood_gateway::conversations::{self, Keyed, NO_SUCH_ZONE, Opened as Found, Row, Save, Started, Unheard};
use makegood_gateway::neon;
use makegood_gateway::store::{self, New};
use serde::{Deserialize, Serialize};

use super::state::{Answered, LASTS, MOST, State};
use super::zone::{FURTHEST, no_such_zone};
use crate::host::{Host, Level};
use crate::redis;
use crate::settings::Settings;
use crate::store::{Store, unavailable, unreadable};

/// How long a copy may take.
const PATIENCE: Millis = Millis(500);
/// How long a copy is kept.
const CACHED: Millis = Millis::from_secs(60 * 60);
/// No zone changes its clock within a quarter of an hour that begins with the hour.
const QUARTER: Millis = Millis::from_secs(15 * 60);

/// A conversation in the hands of one request.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub id: ConversationId,
    /// 0 for one that is not written yet.
    pub version: u32,
    pub state: State,
    /// The newest saga that it started.
    pub saga: Option<SagaId>,
    /// Since when its wish is open: [`Wish::at`](super::state::Wish::at).
    pub wish_since: Option<Millis>,
}

impl Conversation {
    pub fn new<H: Host>(host: &H) -> Self {
        let mut random = [0; 10];
        random.copy_from_slice(&host.random()[..10]);
        let id = ConversationId::new(host.now(), random);
        Self { id, version: 0, state: State::default(), saga: None, wish_since: None }
    }

    fn of(id: &ConversationId, row: Row<State>) -> Self {
        let Row { version, state, saga, wish_since, .. } = row;
        Self { id: id.clone(), version, state, saga, wish_since }
    }
}

/// What a message is read against.
#[derive(Debug)]
pub struct Opened {
    pub conversation: Option<Conversation>,
    pub keyed: Option<Keyed>,
    /// What was answered to the message before, under its key; in that conversation.
    pub answered: Option<Answered>,
    /// Of the clock of the named zone, now.
    pub offset_minutes: Option<i32>,
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub id: Option<&'a ConversationId>,
    pub key: Option<&'a str>,
    /// A named zone that the message says.
    pub zone: Option<&'a str>,
    /// The row itself, and no copy.
    pub fresh: bool,
}

/// A copy in Redis.
#[derive(Debug, Serialize, Deserialize)]
struct Copy {
    owner: String,
    row: Row<State>,
    offset_minutes: Option<i32>,
    /// Until then the offset holds.
    until: Millis,
}

pub struct Memory<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    owner: &'a str,
}

impl<'a, H: Host> Memory<'a, H> {
    #[must_use]
    pub const fn new(host: &'a H, settings: &'a Settings, owner: &'a str) -> Self {
        Self { host, settings, owner }
    }

    /// # Errors
    /// [`Code::InvalidRequest`](makegood_core::error::Code) for a zone that there is not, and `Unavailable`.
    pub async fn open(&self, wanted: Wanted<'_>) -> Result<Opened, Error> {
        let Wanted { id, key, zone, fresh } = wanted;
        if id.is_none() && key.is_none() && zone.is_none() {
            return Ok(Opened { conversation: None, keyed: None, answered: None, offset_minutes: None });
        }
        if let (Some(id), None, None, false) = (id, key, zone, fresh)
            && let Some(copy) = self.copy_of(id).await
        {
            let conversation = Some(Conversation::of(id, copy.row));
            return Ok(Opened { conversation, keyed: None, answered: None, offset_minutes: copy.offset_minutes });
        }
        let statement = conversations::open(self.owner, id.map(ConversationId::as_str), key, zone, self.host.now());
        let found: Found<State, Answered> = match Store::new(self.host, self.settings).exchange(&statement).await? {
            Ok(rows) => {
                store::read(rows).map_err(unreadable)?.ok_or_else(|| unreadable("a conversation answered null"))?
            }
            Err(neon::Failure::Refused { sqlstate, .. }) if sqlstate == NO_SUCH_ZONE => return Err(no_such_zone()),
            Err(failure) => return Err(unavailable(failure)),
        };
        if found.offset_minutes.is_some_and(|minutes| minutes.abs() > FURTHEST) {
            return Err(no_such_zone());
        }
        let id = found.answered.as_ref().map(|answered| &answered.conversation).or(id);
        let conversation = found.conversation.zip(id).map(|(row, id)| Conversation::of(id, row));
        let answered = found.answered.map(|answered| answered.answer);
        Ok(Opened { conversation, keyed: found.keyed, answered, offset_minutes: found.offset_minutes })
    }

    /// Writes what a message came to, and the answer under its key. False where another message was first.
    ///
    /// # Errors
    /// `Unavailable`: it may be written or not.
    pub async fn save(
        &self,
        conversation: &mut Conversation,
        answered: Option<&Answered>,
        offset_minutes: Option<i32>,
    ) -> Result<bool, Error> {
        let now = self.host.now();
        let state = conversations::state(&conversation.state);
        let save = self.save_of(conversation, &state, now);
        let answer = answered.map(|answered| (answered.key.as_str(), conversations::state(answered)));
        let statement = conversations::save(&save, answer, now);
        let version: Option<u32> = Store::new(self.host, self.settings).ask(&statement).await?;
        let version = version.ok_or_else(|| unreadable("saving a conversation answered null"))?;
        if version == 0 {
            return Ok(false);
        }
        conversation.version = version;
        self.keep_copy(conversation, offset_minutes).await;
        Ok(true)
    }

    /// Writes a new saga and the conversation that it starts in, or neither. `said`: the message that starts it.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub async fn start(
        &self,
        conversation: &mut Conversation,
        new: &New<'_>,
        said: &str,
        offset_minutes: Option<i32>,
    ) -> Result<Started, Error> {
        let now = self.host.now();
        let state = conversations::state(&conversation.state);
        let save = self.save_of(conversation, &state, now);
        let started: Option<Started> =
            Store::new(self.host, self.settings).ask(&conversations::start(new, said, &save, now)).await?;
        let started = started.ok_or_else(|| unreadable("a start answered null"))?;
        if started.saga.as_ref().is_some_and(|saga| saga.created) {
            conversation.version += 1;
            conversation.saga = Some(new.id.clone());
            self.keep_copy(conversation, offset_minutes).await;
        }
        Ok(started)
    }

    fn save_of<'s>(&'s self, conversation: &'s Conversation, state: &'s str, now: Millis) -> Save<'s> {
        Save {
            id: conversation.id.as_str(),
            owner: self.owner,
            version: conversation.version,
            state,
            wish_since: conversation.wish_since,
            expires_at: now + LASTS,
            most: MOST,
        }
    }

    async fn copy_of(&self, id: &ConversationId) -> Option<Copy> {
        if self.settings.redis.url.is_empty() {
            return None;
        }
        let value = match redis::run(self.host, self.settings, &["GET", &name(id)], PATIENCE).await {
            Ok(value) => value,
            Err(cause) => {
                self.host.log(Level::Warn, &format!("no copy of a conversation, asking the database: {cause}"));
                return None;
            }
        };
        let copy: Copy = serde_json::from_slice(value.as_str()?.as_bytes()).ok()?;
        let now = self.host.now();
        let ours = copy.owner == self.owner && copy.row.expires_at > now;
        let timely = copy.offset_minutes.is_some() && now < copy.until;
        (ours && (copy.row.state.zone.is_none() || timely)).then_some(copy)
    }

    /// Puts a copy into Redis, where there is one. Nobody waits for it.
    pub async fn keep_copy(&self, conversation: &Conversation, offset_minutes: Option<i32>) {
        if self.settings.redis.url.is_empty() {
            return;
        }
        let Conversation { id, version, state, saga, wish_since } = conversation.clone();
        let now = self.host.now();
        let row = Row { version, state, saga, wish_since, expires_at: now + LASTS };
        let until = Millis((now.0 / QUARTER.0 + 1) * QUARTER.0);
        let copy = conversations::state(&Copy { owner: self.owner.to_owned(), row, offset_minutes, until });
        let (host, settings) = (self.host.clone(), self.settings.clone());
        let keep = async move {
            let words = ["SET", &name(&id), &copy, "PX", &CACHED.0.to_string()];
            if let Err(cause) = redis::run(&host, &settings, &words, PATIENCE).await {
                host.log(Level::Warn, &format!("no copy of a conversation is kept: {cause}"));
            }
        };
        self.host.after(keep).await;
    }
}

fn name(id: &ConversationId) -> String {
    format!("makegood:conversation:{id}")
}

/// Removes what has ended, and answers with the wishes that are open since `since` or longer.
///
/// # Errors
/// `Unavailable`.
pub async fn sweep<H: Host>(host: &H, settings: &Settings, since: Millis, limit: u32) -> Result<Vec<Unheard>, Error> {
    let statement = conversations::sweep(host.now(), since, limit);
    Ok(Store::new(host, settings).ask(&statement).await?.unwrap_or_default())
}
