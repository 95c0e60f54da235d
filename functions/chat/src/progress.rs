//! A saga's progress as server-sent events: `answer` where something was asked of it, `saga` once, `step` for every
//! change, and at the end `end`, or `pause` with the address to go on from. Who hangs up changes nothing.

use std::collections::BTreeMap;

use makegood_edge::core::id::{ConversationId, SagaId};
use makegood_edge::core::saga::{Node, Record, Standing, report};
use makegood_edge::core::time::Millis;
use makegood_edge::futures_util::stream::{self, StreamExt};
use makegood_edge::gateway::store::Story;
use makegood_edge::host::Level;
use makegood_edge::http::header::CACHE_CONTROL;
use makegood_edge::http::{HeaderValue, Response};
use makegood_edge::pace::Pace;
use makegood_edge::serde_json::{Value, json};
use makegood_edge::store::Store;
use makegood_edge::{Body, Bytes, Host, Reply, Settings, host};

/// Between two comments that keep the line open.
const KEEPALIVE: Millis = Millis(15_000);

fn event(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

fn streaming(body: Body) -> Reply {
    let mut reply: Reply = host::reply(200, "text/event-stream", Bytes::new());
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let (parts, _) = reply.into_parts();
    Response::from_parts(parts, body)
}

/// An answer that is complete: a question, or that nothing was understood.
pub fn say_once(answer: &Value) -> Reply {
    streaming(Body::Full(event("answer", answer)))
}

/// What the reader has been told so far.
struct Follower<H> {
    host: H,
    settings: Settings,
    id: SagaId,
    conversation: Option<ConversationId>,
    /// What is said before all else.
    first: Option<Bytes>,
    seen: u64,
    nodes: Vec<Node>,
    records: Vec<Record>,
    /// By the steps' places: of several plans each may have one of the same name.
    told: BTreeMap<u32, Standing>,
    pace: Pace,
    over: bool,
}

/// Follows a saga until it rests, or the time of this invocation is up, which began at `began`. `answer`: what is said
/// first.
pub fn follow<H: Host>(
    host: H,
    settings: Settings,
    id: SagaId,
    began: Millis,
    conversation: Option<ConversationId>,
    answer: Option<&Value>,
) -> Reply {
    let follower = Follower {
        pace: Pace::new(began, settings.kill, KEEPALIVE),
        host,
        settings,
        id,
        conversation,
        first: answer.map(|answer| event("answer", answer)),
        seen: 0,
        nodes: Vec::new(),
        records: Vec::new(),
        told: BTreeMap::new(),
        over: false,
    };
    let pieces = stream::unfold(follower, |mut follower| async move {
        if follower.over {
            return None;
        }
        let piece = follower.next().await;
        Some((piece, follower))
    });
    streaming(Body::Stream(pieces.boxed_local()))
}

impl<H: Host> Follower<H> {
    /// Waits until there is something to say.
    async fn next(&mut self) -> Bytes {
        if let Some(first) = self.first.take() {
            return first;
        }
        loop {
            match Store::new(&self.host, &self.settings).follow(&self.id, self.seen).await {
                Ok(Some(story)) => {
                    let piece = self.tell(story);
                    if !piece.is_empty() {
                        self.pace.spoke(self.host.now());
                        return piece;
                    }
                }
                Ok(None) => self.pace.missed(),
                Err(error) => {
                    self.host.log(Level::Warn, &format!("{}: its progress cannot be read: {error}", self.id));
                    self.pace.missed();
                }
            }
            let now = self.host.now();
            if self.pace.is_over(now) {
                self.over = true;
                return event(
                    "pause",
                    &json!({"saga": self.id, "resume": self.address(), "why": "It goes on without you; look there."}),
                );
            }
            if let Some(comment) = self.pace.still_here(now) {
                return comment;
            }
            self.host.sleep(self.pace.wait()).await;
        }
    }

    fn address(&self) -> String {
        format!("{}/api/execute/{}", self.settings.public_url, self.id)
    }

    fn tell(&mut self, story: Story) -> Bytes {
        let mut text = Vec::new();
        if self.nodes.is_empty() {
            let steps: Vec<Value> =
                story.nodes.iter().map(|node| json!({"id": node.id, "tool": node.tool, "class": node.class})).collect();
            let mut saga = json!({"saga": self.id, "title": story.title, "status_url": self.address(), "steps": steps});
            if let Some(conversation) = &self.conversation {
                saga["conversation"] = json!(conversation);
            }
            text.extend(event("saga", &saga));
            self.nodes = story.nodes;
        }
        self.seen = story.journal.last().map_or(self.seen, |entry| entry.seq);
        self.records.extend(story.journal.into_iter().map(|entry| entry.record));
        let report = report(&self.nodes, story.phase, &self.records);
        for step in &report.steps {
            if step.standing == Standing::Pending || self.told.get(&step.ix) == Some(&step.standing) {
                continue;
            }
            self.told.insert(step.ix, step.standing);
            let data = json!({
                "step": step.id, "tool": step.tool, "standing": step.standing,
                "output": step.output, "code": step.code, "detail": step.detail,
            });
            text.extend(event("step", &data));
        }
        if story.phase.at_rest() {
            self.over = true;
            let data = json!({
                "saga": self.id, "phase": story.phase, "cause": report.cause, "undone": report.undone, "left": report.left,
                "counters": story.counters,
            });
            text.extend(event("end", &data));
        }
        Bytes::from(text)
    }
}
