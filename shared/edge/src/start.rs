//! Starting a saga: verify and freeze the plan, write it, and wake it.

use std::collections::BTreeMap;

use makegood_core::error::{Code, Error};
use makegood_core::id::{ConversationId, SagaId};
use makegood_core::proposal::Provenance;
use makegood_core::saga::{Budget, Child, Head, LONGEST_WAIT, Limits, Node, Plan, Priority, freeze};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_core::trace::Context;
use makegood_gateway::store::{Created, New};

use crate::conversation::memory::{Conversation, Memory};
use crate::door::Principal;
use crate::host::{Host, Level, Request};
use crate::queue::{self, Message};
use crate::settings::Settings;
use crate::store::Store;

/// How long after its creation the sweeper takes a saga's first wake for lost.
pub(crate) const GRACE: Millis = Millis(5_000);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    pub plan: &'a Plan,
    /// The user's own words, where the plan was made from some.
    pub message: Option<&'a str>,
    /// The client's key: a second start with it answers with the first saga.
    pub client_key: Option<&'a str>,
    /// So long after its start the saga is undone, if its point of no return is not behind.
    pub deadline: Option<Millis>,
    pub budget: Option<Budget>,
    /// Whose turn comes first where sagas wait for the same.
    pub priority: Priority,
    /// How the plan was made of the message, where there was one.
    pub reading: Option<&'a Provenance>,
    /// The trace that the caller came with, as [`caller`] reads it.
    pub trace: Option<String>,
}

/// What a request says of the trace that it is of: nothing where that cannot be read, or is said twice.
#[must_use]
pub fn caller(request: &Request) -> Option<String> {
    context(request).map(Context::written)
}

pub(crate) fn context(request: &Request) -> Option<Context> {
    let mut said = request.headers().get_all("traceparent").iter();
    let (said, None) = (said.next()?, said.next()) else { return None };
    Context::parse(said.to_str().ok()?)
}

/// Verifies a plan against the registered tools.
///
/// # Errors
/// See [`freeze`].
pub fn verify(plan: &Plan, tools: &BTreeMap<String, Definition>) -> Result<Vec<Node>, Error> {
    freeze(plan, tools, Limits::default())
}

/// Starts a saga. When this answers, the saga is durable: it will be carried out or made good,
/// whatever happens to this function, the queue or Redis.
///
/// # Errors
/// Those of [`verify`], and [`Code::Unavailable`](makegood_core::error::Code::Unavailable) where the
/// journal cannot be reached; then a repeat with the same client key is safe.
pub async fn start<H: Host>(
    host: &H,
    settings: &Settings,
    principal: &Principal,
    tools: &BTreeMap<String, Definition>,
    start: &Start<'_>,
) -> Result<Created, Error> {
    let ready = Ready::new(host, tools, start)?;
    let created = Store::new(host, settings).create(&ready.new_for(principal, start)).await?;
    if !created.same {
        return Err(key_reused());
    }
    wake(host, settings, &created, &ready.head).await;
    Ok(created)
}

/// Starts a saga in a conversation, whose new state is written with it. `said`: the message that starts it. `None`
/// where another message of that conversation was first; then nothing was started. The conversation in the answer is
/// that in which the saga was started, which for a key that was used before may be another.
///
/// # Errors
/// As [`start`].
pub async fn start_in<H: Host>(
    host: &H,
    settings: &Settings,
    principal: &Principal,
    tools: &BTreeMap<String, Definition>,
    start: &Start<'_>,
    said: &str,
    (conversation, offset_minutes): (&mut Conversation, Option<i32>),
) -> Result<Option<(Created, Option<ConversationId>)>, Error> {
    let ready = Ready::new(host, tools, start)?;
    let memory = Memory::new(host, settings, &principal.name);
    let started = memory.start(conversation, &ready.new_for(principal, start), said, offset_minutes).await?;
    let Some(created) = started.saga else { return Ok(None) };
    if !created.same {
        return Err(key_reused());
    }
    wake(host, settings, &created, &ready.head).await;
    Ok(Some((created, started.conversation)))
}

/// What is said to a key that stands for something else.
pub(crate) fn key_reused() -> Error {
    Error::new(Code::KeyReused, "This `key` was used for another request. Nothing was started; take a new key.")
}

/// Starts the saga of a schedule's firing, or answers with the one that this firing started before.
/// `None` where the schedule is paused or deleted.
///
/// # Errors
/// As [`start`].
pub async fn fire<H: Host>(
    host: &H,
    settings: &Settings,
    principal: &Principal,
    tools: &BTreeMap<String, Definition>,
    start: &Start<'_>,
    firing: (&str, &str),
) -> Result<Option<Created>, Error> {
    let ready = Ready::new(host, tools, start)?;
    let created = Store::new(host, settings).fire(firing, &ready.new_for(principal, start)).await?;
    if let Some(created) = &created {
        wake(host, settings, created, &ready.head).await;
    }
    Ok(created)
}

/// Checks all that a start checks, and starts nothing.
///
/// # Errors
/// Those of [`start`], but for the journal's.
pub fn check(tools: &BTreeMap<String, Definition>, start: &Start<'_>) -> Result<Vec<Node>, Error> {
    if start.deadline.is_some_and(|span| span.0 == 0 || span > LONGEST_WAIT) {
        return Err(Error::new(Code::InvalidRequest, "`deadline_ms` is between 1 ms and 400 days."));
    }
    let nodes = verify(start.plan, tools)?;
    if start.client_key.is_some_and(|key| key.starts_with("sg_")) {
        let message = "`key` begins with `sg_`, as those of the sagas do that steps run. Take another.";
        return Err(Error::new(Code::InvalidRequest, message));
    }
    afford(start.budget, &nodes, tools)?;
    Ok(nodes)
}

/// A saga that can be written.
struct Ready {
    id: SagaId,
    head: Head,
    nodes: Vec<Node>,
    wake_at: Millis,
}

impl Ready {
    fn new<H: Host>(host: &H, tools: &BTreeMap<String, Definition>, start: &Start<'_>) -> Result<Self, Error> {
        let nodes = check(tools, start)?;
        let now = host.now();
        let deadline = start.deadline.map(|span| now + span);
        let total = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let (budget, priority, trace) = (start.budget, start.priority, start.trace.clone());
        let head = Head { budget, priority, trace, ..Head::new(total, now, deadline) };
        Ok(Self { id: new_id(host), head, nodes, wake_at: now + GRACE })
    }

    fn new_for<'a>(&'a self, principal: &'a Principal, start: &Start<'a>) -> New<'a> {
        New {
            id: &self.id,
            owner: &principal.name,
            client_key: start.client_key,
            title: &start.plan.summary,
            message: start.message,
            head: &self.head,
            nodes: &self.nodes,
            wake_at: self.wake_at,
            reading: start.reading,
        }
    }
}

/// A new saga's id.
pub(crate) fn new_id<H: Host>(host: &H) -> SagaId {
    let mut random = [0; 10];
    random.copy_from_slice(&host.random()[..10]);
    SagaId::new(host.now(), random)
}

/// Publishes a new saga's first wake.
pub(crate) async fn wake<H: Host>(host: &H, settings: &Settings, created: &Created, head: &Head) {
    let message = Message { saga: created.id.clone(), version: 1, turn: None };
    let trace = Context::of_saga(&created.id, head.trace.as_deref().and_then(Context::parse)).written();
    if created.created
        && let Err(error) = queue::publish(host, settings, &message, Some(&trace), "0", None).await
    {
        // The saga stands; the sweeper wakes it.
        host.log(Level::Warn, &format!("{}: its first wake is left to the sweeper: {error}", created.id));
    }
}

/// Refuses a plan that its budget cannot pay for whatever happens. What stands after the point of no
/// return is not stopped by it, so it is counted here.
///
/// # Errors
/// [`Code::OverBudget`], or [`Code::InvalidRequest`] where the budget is none.
pub(crate) fn afford(
    budget: Option<Budget>,
    nodes: &[Node],
    tools: &BTreeMap<String, Definition>,
) -> Result<(), Error> {
    let Some(budget) = budget else { return Ok(()) };
    let refuse = |message: String| Err(Error::new(Code::OverBudget, message));
    let spent = (budget.spent_minor, budget.spent_tokens) != (0, 0);
    if spent || budget.cost_minor.is_some_and(|most| most < 0) {
        let message = "`budget` has `calls`, `cost_minor` and `tokens`, none below zero.";
        return Err(Error::new(Code::InvalidRequest, message));
    }
    // Nodes are in order: whatever a node refers to comes before it.
    let mut perhaps = std::collections::BTreeSet::new();
    for node in nodes {
        let perhaps_not = node.when.is_some() || node.item.is_some() || !node.instead_of.is_empty();
        if perhaps_not || node.refs.values().any(|ix| perhaps.contains(ix)) {
            perhaps.insert(node.ix);
        }
    }
    let certain = || nodes.iter().filter(|node| !perhaps.contains(&node.ix));
    let called = || certain().filter_map(|node| tools.get(&node.tool));
    let cost = called().map(|tool| tool.cost_minor).fold(0, i64::saturating_add);
    if let Some(most) = budget.cost_minor.filter(|most| cost > *most) {
        return refuse(format!("The plan costs {cost}, and {most} are allowed. Nothing was started."));
    }
    let tokens = called().map(|tool| tool.cost_tokens).fold(0, u64::saturating_add);
    if let Some(most) = budget.tokens.filter(|most| tokens > *most) {
        return refuse(format!("The plan may take {tokens} tokens, and {most} are allowed. Nothing was started."));
    }
    let calls = certain().filter(|node| node.has_partner() && !Child::is_one(&node.tool)).count();
    if let Some(most) = budget.calls.filter(|most| calls as u64 > *most) {
        return refuse(format!("The plan takes {calls} calls, and {most} are allowed. Nothing was started."));
    }
    Ok(())
}
