//! `GET /api/execute/{saga}/events`: a saga's events as they are committed, as server-sent events (WHATWG HTML, section
//! 9.2). What they are is `core::feed`'s; here is only how they are sent.
//!
//! Each has its number as `id`. A reader that comes again with the last one, as browsers do by themselves, is told what
//! followed, and each event once. The stream ends with the saga's rest, or with the time of this invocation; asked for
//! more after the rest, the answer is 204, with which browsers stop to ask.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::feed::{About, STARTED, UNDERSTOOD};
use makegood_edge::core::guard::Scope;
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{Fact, Node};
use makegood_edge::core::time::Millis;
use makegood_edge::futures_util::stream::{self, StreamExt};
use makegood_edge::gateway::store::Story;
use makegood_edge::host::Level;
use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::CONTENT_TYPE;
use makegood_edge::limits::{Class, admit};
use makegood_edge::pace::Pace;
use makegood_edge::serde_json::Value;
use makegood_edge::store::Store;
use makegood_edge::{Body, Bytes, Host, Reply, Request, Settings, door, host};

use crate::sagas::find;

/// Between two comments that keep the line open.
const HEARTBEAT: Millis = Millis(4_000);
/// When a reader is to come again after an end that is none of the saga's.
const RETRY: &str = "retry: 1000\n\n";

/// Tells a saga's owner, or an operator, what happens.
pub async fn follow<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let began = host.now();
    let principal = admit(request, host, settings, &[Class::Api], Scope::Read).await?;
    let id = door::saga_id(id)?;
    let seen = last_event(request)?;
    let story = find(host, settings, &principal, &id, 0).await?;
    let mut follower = Follower {
        host: host.clone(),
        settings: settings.clone(),
        id,
        nodes: Vec::new(),
        seen,
        pace: Pace::new(began, settings.kill, HEARTBEAT),
        over: false,
    };
    let first = follower.tell(story);
    if first.is_empty() && follower.over {
        let mut reply = host::reply(204, "text/event-stream", Bytes::new());
        reply.headers_mut().remove(CONTENT_TYPE);
        return Ok(reply);
    }
    let first = stream::once(std::future::ready(Bytes::from([RETRY.as_bytes(), &first].concat())));
    let rest =
        stream::unfold(follower, |mut follower| async move { follower.next().await.map(|piece| (piece, follower)) });
    let mut reply = host::reply(200, "text/event-stream", Bytes::new());
    // Some proxies collect what is not marked like this.
    reply.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    *reply.body_mut() = Body::Stream(first.chain(rest).boxed_local());
    Ok(reply)
}

/// The last event that the reader has; 0 for none.
fn last_event(request: &Request) -> Result<u64, Error> {
    let Some(given) = request.headers().get("last-event-id") else { return Ok(0) };
    let text = given.to_str().unwrap_or("-").trim();
    let known =
        if text.is_empty() { Some(0) } else { text.parse::<u64>().ok().filter(|seen| i64::try_from(*seen).is_ok()) };
    known.ok_or_else(|| {
        Error::new(Code::InvalidRequest, "`Last-Event-ID` is the `id` of an event of this saga. Leave it out to begin.")
    })
}

/// What the reader has been told so far.
struct Follower<H> {
    host: H,
    settings: Settings,
    id: SagaId,
    nodes: Vec<Node>,
    seen: u64,
    pace: Pace,
    over: bool,
}

impl<H: Host> Follower<H> {
    /// Waits until there is something to say. `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.over {
            let now = self.host.now();
            if self.pace.is_over(now) {
                return None;
            }
            if let Some(comment) = self.pace.still_here(now) {
                return Some(comment);
            }
            self.host.sleep(self.pace.wait()).await;
            match self.look().await {
                Ok(Some(story)) => {
                    let told = self.tell(story);
                    if !told.is_empty() {
                        self.pace.spoke(self.host.now());
                        return Some(Bytes::from(told));
                    }
                }
                Ok(None) => return None,
                Err(error) => {
                    self.host.log(Level::Warn, &format!("{}: its events cannot be read: {error}", self.id));
                    self.pace.missed();
                }
            }
        }
        None
    }

    /// What is new; of a plan that took another's place, its steps too.
    async fn look(&self) -> Result<Option<Story>, Error> {
        let store = Store::new(&self.host, &self.settings);
        // The journal comes with the plan only where it is asked for from its beginning.
        let story = store.follow(&self.id, self.seen.max(UNDERSTOOD)).await?;
        let replanned =
            |story: &Story| story.journal.iter().any(|entry| matches!(entry.record.fact, Fact::Replanned { .. }));
        if story.as_ref().is_some_and(replanned) { store.follow(&self.id, 0).await } else { Ok(story) }
    }

    /// The events that the reader does not have.
    fn tell(&mut self, story: Story) -> Vec<u8> {
        if !story.nodes.is_empty() {
            self.nodes = story.nodes;
        }
        let about = About { saga: &self.id, nodes: &self.nodes };
        let (seen, mut text) = (self.seen, Vec::new());
        let mut last = seen;
        let mut say = |seq: u64, event: &dyn Fn() -> Value| {
            if seq > seen {
                last = seq;
                text.extend_from_slice(format!("id: {seq}\ndata: {}\n\n", event()).as_bytes());
            }
        };
        say(STARTED, &|| about.started(story.created_at, &story.title));
        if let Some(reading) = &story.reading {
            say(UNDERSTOOD, &|| about.understood(story.created_at, story.message.as_deref(), reading));
        }
        for entry in &story.journal {
            say(entry.seq, &|| about.record(entry.seq, &entry.record));
        }
        self.seen = last;
        self.over = story.phase.at_rest();
        text
    }
}
