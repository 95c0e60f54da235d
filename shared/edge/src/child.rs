//! Sagas that run for a step of another: their parent calls them as it calls any partner, by its step's
//! key, and this is that partner. What it does is what the journal's statements do, each one atomic, so
//! that it may be asked any number of times and die anywhere.

use std::pin::pin;

use futures_util::future::{Either, LocalBoxFuture, select};
use makegood_core::error::{Code, Error};
use makegood_core::id::SagaId;
use makegood_core::saga::{
    Answer, Call, Cause, Child, Event, Fact, Head, Limits, Node, Op, Outcome, Parent, Phase, Priority, Refusal,
};
use makegood_core::time::Millis;
use makegood_gateway::store::{Created, END, New, Story};
use serde_json::Value;

use crate::driver;
use crate::host::{Host, Level};
use crate::settings::Settings;
use crate::start::{GRACE, afford, new_id, wake};
use crate::store::Store;

/// How soon a child is looked at again that has just begun.
const SOON: Millis = Millis(1_000);
/// How late, at most: a child that comes to rest tells its parent, so this is for the case that it dies
/// in between.
const LATE: Millis = Millis(60 * 60 * 1000);
/// The same for one that is being made good.
const A_MINUTE: Millis = Millis(60 * 1000);

/// Answers a call of one of the two tools, as a partner would.
pub async fn perform<H: Host>(
    host: &H,
    settings: &Settings,
    (parent, priority): (&SagaId, Priority),
    owner: &str,
    call: &Call,
) -> Outcome {
    let work = pin!(async {
        let partner = Partner { host, settings, store: Store::new(host, settings), parent, priority, owner, call };
        match call.op {
            Op::Undo => partner.undo().await,
            Op::Do | Op::Status => partner.run().await,
        }
    });
    let unknown = |reason: String| Outcome::Unknown { code: "no_answer".to_owned(), reason };
    match select(work, pin!(host.sleep(call.timeout))).await {
        Either::Left((Ok(outcome), _)) => outcome,
        Either::Left((Err(error), _)) => unknown(error.to_string()),
        Either::Right(_) => unknown("timed out".to_owned()),
    }
}

/// Tells a child's parent that it is at rest. What is lost here costs time: the parent looks now and then.
pub async fn tell_parent<H: Host>(host: &H, settings: &Settings, child: &SagaId, parent: &Parent) {
    let asked = Event::Nudged { node: parent.node };
    match drive(host, settings, &parent.saga, asked).await {
        Ok(()) => {}
        // It has been looked at already, or is not waited for any more.
        Err(error) if error.code() == Code::Conflict => {}
        Err(error) => host.log(Level::Warn, &format!("{child}: its parent {} was not told: {error}", parent.saga)),
    }
}

/// Puts an event to a saga, and leaves what follows from it to an invocation of its own.
fn drive<'a, H: Host>(
    host: &'a H,
    settings: &Settings,
    id: &'a SagaId,
    asked: Event,
) -> LocalBoxFuture<'a, Result<(), Error>> {
    let brief = Settings { time_budget: Millis(0), ..settings.clone() };
    // Boxed, for a drive may lead to another's.
    Box::pin(async move { driver::drive_with(host, &brief, id, false, Some(asked)).await.map(|_| ()) })
}

struct Partner<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    store: Store<'a, H>,
    parent: &'a SagaId,
    priority: Priority,
    owner: &'a str,
    call: &'a Call,
}

impl<H: Host> Partner<'_, H> {
    /// Starts the child where there is none, and says how it stands.
    async fn run(&self) -> Result<Outcome, Error> {
        let child = match Child::read(&self.call.params) {
            Ok(child) => child,
            Err(error) => return Ok(refused(&error)),
        };
        let id = match self.store.of_key(self.owner, &self.call.key).await? {
            Some(id) => id,
            None => match self.start(&child).await {
                Ok(id) => id,
                // The tools have changed since the parent's plan was checked, or what it was given does not fit.
                Err(error) if !matches!(error.code(), Code::Unavailable | Code::Internal) => {
                    // Another worker may have found it right, and be about to start it.
                    let buried = self.bury().await?;
                    if buried.created {
                        return Ok(refused(&error));
                    }
                    buried.id
                }
                Err(error) => return Err(error),
            },
        };
        let story = self.follow(&id, END).await?;
        Ok(match story.phase {
            Phase::Completed => {
                let story = self.follow(&id, 0).await?;
                let output_of = |step: &str| {
                    // Of several plans the newest counts.
                    let node = story.nodes.iter().rev().find(|node| node.id == step)?;
                    story.journal.iter().rev().find_map(|entry| output(&entry.record.fact, node.ix)).flatten()
                };
                Outcome::Ok(Answer::Output(child.output(&id, &output_of)))
            }
            Phase::MadeGood => {
                let story = self.follow(&id, 0).await?;
                let detail = match story.journal.iter().find_map(|entry| cause(&entry.record.fact)) {
                    Some(why) => format!("Saga {id} was made good: {why}"),
                    None => format!("Saga {id} never began."),
                };
                Outcome::Refused(Refusal { code: "made_good".to_owned(), detail })
            }
            Phase::Forward | Phase::Unwinding | Phase::Stuck => self.at_work(&story),
        })
    }

    async fn start(&self, child: &Child) -> Result<SagaId, Error> {
        let tools = self.store.tools(&child.plan).await?;
        let nodes = child.freeze(&self.call.tool, &tools, Limits::default())?;
        afford(child.budget, &nodes, &tools)?;
        let now = self.host.now();
        let mut head = self.head(&nodes);
        head.deadline = child.deadline_ms.map(|span| now + span);
        head.budget = child.budget;
        let (id, message) = (new_id(self.host), self.message());
        let new = self.row(&id, &child.plan.summary, &message, &head, &nodes);
        let created = self.store.create(&new).await?;
        wake(self.host, self.settings, &created, &head).await;
        Ok(created.id)
    }

    /// Has the child made good. Where there is none, there will never be one.
    async fn undo(&self) -> Result<Outcome, Error> {
        let id = match self.store.of_key(self.owner, &self.call.key).await? {
            Some(id) => id,
            None => {
                let buried = self.bury().await?;
                if buried.created {
                    return Ok(Outcome::Ok(Answer::Undone { found: false }));
                }
                buried.id
            }
        };
        let story = self.follow(&id, END).await?;
        let by = format!("{} ({})", self.parent, self.call.node);
        let asked = match story.phase {
            Phase::MadeGood => {
                // One that was never completed had not done the step.
                let story = self.follow(&id, 0).await?;
                let found = story.journal.iter().any(|entry| matches!(entry.record.fact, Fact::Completed));
                return Ok(Outcome::Ok(Answer::Undone { found }));
            }
            Phase::Unwinding => return Ok(self.at_work(&story)),
            Phase::Completed => Event::Revoke { by },
            Phase::Forward | Phase::Stuck => Event::Cancel { by },
        };
        match drive(self.host, self.settings, &id, asked).await {
            Ok(()) => Ok(self.at_work(&story)),
            Err(error) if error.code() == Code::Conflict => {
                let stands = self.store.load(&id, false).await?;
                if stands.is_some_and(|child| child.head.phase == Phase::Completed && child.head.pivoted) {
                    // Somebody gave it another plan, with a point of no return: only a person can help.
                    let detail = format!("Saga {id} is completed, and its point of no return is behind it.");
                    return Ok(Outcome::Refused(Refusal { code: "past_return".to_owned(), detail }));
                }
                // It has moved on meanwhile, or people must see to it first.
                Ok(self.at_work(&story))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes the key, so that nothing begins under it any more.
    async fn bury(&self) -> Result<Created, Error> {
        let (id, message) = (new_id(self.host), self.message());
        let head = Head { phase: Phase::MadeGood, ..self.head(&[]) };
        self.store.bury(&self.row(&id, "", &message, &head, &[])).await
    }

    async fn follow(&self, id: &SagaId, after: u64) -> Result<Story, Error> {
        let story = self.store.follow(id, after).await?;
        story.ok_or_else(|| Error::new(Code::Internal, "A child is gone.").because(format!("there is no {id}")))
    }

    /// The older it is, the longer it may take. One that is being made good is waited for by others.
    fn at_work(&self, story: &Story) -> Outcome {
        let half = Millis(self.host.now().since(story.created_at).0 / 2);
        let late = if self.call.op == Op::Undo { A_MINUTE } else { LATE };
        Outcome::Ok(Answer::InProgress { after: Some(half.clamp(SOON, late)) })
    }

    /// For people; and the same at each try, by which a repeat is known.
    fn message(&self) -> String {
        format!("For step {} of {}.", self.call.node, self.parent)
    }

    fn head(&self, nodes: &[Node]) -> Head {
        let total = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let parent = Parent { saga: self.parent.clone(), node: self.call.node };
        // It is of its parent's trace, below the call that runs it.
        let trace = Some(self.call.trace.clone());
        Head { parent: Some(parent), trace, priority: self.priority, ..Head::new(total, self.host.now(), None) }
    }

    fn row<'n>(
        &'n self,
        id: &'n SagaId,
        title: &'n str,
        message: &'n str,
        head: &'n Head,
        nodes: &'n [Node],
    ) -> New<'n> {
        New {
            id,
            owner: self.owner,
            client_key: Some(&self.call.key),
            title,
            message: Some(message),
            head,
            nodes,
            wake_at: self.host.now() + GRACE,
            reading: None,
        }
    }
}

fn refused(error: &Error) -> Outcome {
    Outcome::Refused(Refusal { code: error.code().as_str().to_owned(), detail: error.message().to_owned() })
}

/// What a node gave, where this tells of it: nothing any more where it was undone.
fn output(fact: &Fact, of: u32) -> Option<Option<&Value>> {
    if fact.node() != Some(of) {
        return None;
    }
    if let Fact::Done { output, .. } = fact { Some(Some(output)) } else { is_undone(fact).then_some(None) }
}

const fn is_undone(fact: &Fact) -> bool {
    matches!(fact, Fact::Undone { .. })
}

/// Why a saga was turned round, where this tells of it.
fn cause(fact: &Fact) -> Option<String> {
    let Fact::Unwinding { cause } = fact else { return None };
    Some(match cause {
        Cause::Step { detail, .. } => detail.clone(),
        Cause::Budget { what, .. } => what.clone(),
        Cause::Cancelled { by } => format!("{by} asked for it."),
        Cause::Deadline => "Its deadline passed.".to_owned(),
    })
}
