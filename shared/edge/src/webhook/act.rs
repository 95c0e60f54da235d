//! What is done about a delivery: an event for a saga, or a saga that starts. Once, however often word of it comes: a
//! saga remembers what was brought to it, and a start has the delivery for its key.

use makegood_core::error::{Code, Error};
use makegood_core::id::SagaId;
use makegood_core::saga::{Budget, Event, Origin, Phase, Plan, Priority};
use makegood_core::time::Millis;
use makegood_gateway::deliveries::{self, Aimed, Due, State};
use makegood_gateway::webhook::rules::Act;
use serde_json::Value;

use super::{mark_of, tell};
use crate::door::Principal;
use crate::driver;
use crate::host::{Host, Level};
use crate::settings::Settings;
use crate::start::{Start, start};
use crate::store::Store;

/// Between the tries of an event that has no place yet: doubled each time, from the first to the last.
const FIRST: Millis = Millis(1_000);
const LAST: Millis = Millis(10 * 60_000);
/// So long a delivery is remembered, and one that comes again is known.
pub const KEPT: Millis = Millis(30 * 24 * 60 * 60 * 1000);
/// When the sweep comes back to one that it has told of.
const AGAIN: Millis = Millis(60_000);
/// What stands before a source's name, wherever it is said who brought something.
pub const BY: &str = "webhook/";

/// What came of it.
enum Came {
    /// It was done for this saga.
    Of(SagaId),
    /// Not yet: why.
    Later(String),
    /// Nothing can: why.
    Nothing(String),
}

/// Does what is to be done about a delivery, and writes down what came of it. What was settled before is passed over.
///
/// # Errors
/// [`Code::Unavailable`], and those of a fault of ours: word of it is to come again.
pub async fn act<H: Host>(host: &H, settings: &Settings, due: &Due) -> Result<(), Error> {
    let store = Store::new(host, settings);
    let Some(aimed) = store.ask::<Aimed>(&deliveries::aim(&due.source, &due.key)).await? else { return Ok(()) };
    let came = match &aimed.act {
        Act::Event { name, payload, .. } => match &aimed.saga {
            None => Ok(Came::Later("no saga of its owner is named by it, or waits for it".to_owned())),
            Some(saga) => {
                let event = Event::Received {
                    name: name.clone(),
                    payload: payload.clone(),
                    from: Some(Origin { by: Some(format!("{BY}{}", due.source)), mark: mark_of(due) }),
                };
                bring(host, settings, saga, &mark_of(due), event).await
            }
        },
        Act::Start { plan, deadline_ms, budget, priority } => {
            begin(host, settings, due, &aimed, (plan, *deadline_ms, *budget, *priority)).await
        }
    };
    let came = match came {
        Ok(came) => came,
        // What is wrong with it is so the next time as well.
        Err(error) if error.code().status() < 500 && error.code() != Code::Conflict => {
            Came::Nothing(error.message().to_owned())
        }
        Err(error) if host.now() <= aimed.until => return Err(error),
        // Nor is anything tried for ever.
        Err(error) => Came::Nothing(format!("it could not be done in time: {}", error.message())),
    };
    let now = host.now();
    let settle = |state, saga: Option<&SagaId>, why: Option<&str>, due_at| {
        deliveries::settle((&due.source, &due.key), state, saga, why, due_at, now)
    };
    match came {
        Came::Of(saga) => {
            store.ask::<bool>(&settle(State::Done, Some(&saga), None, None)).await?;
        }
        Came::Nothing(why) => {
            host.log(
                Level::Warn,
                &format!("nothing comes of a delivery of the webhook {}: {}: {why}", due.source, due.key),
            );
            store.ask::<bool>(&settle(State::Dead, None, Some(&why), None)).await?;
        }
        Came::Later(why) => {
            let wait = Millis(FIRST.0.saturating_mul(1 << aimed.tries.min(20))).min(LAST);
            if now + wait > aimed.until {
                let why = format!("it had no place in time: {why}");
                host.log(Level::Warn, &format!("a delivery of the webhook {} is dead: {}: {why}", due.source, due.key));
                store.ask::<bool>(&settle(State::Dead, None, Some(&why), None)).await?;
                return Ok(());
            }
            // The sweep is there for a word that is lost.
            let sweep_at = now + wait + AGAIN;
            store.ask::<bool>(&settle(State::Pending, None, Some(&why), Some(sweep_at))).await?;
            let mark = aimed.tries.saturating_add(1).to_string();
            if let Err(error) = tell(host, settings, due, &mark, Some(now + wait)).await {
                host.log(
                    Level::Warn,
                    &format!("a delivery of the webhook {} is left to the sweep: {}: {error}", due.source, due.key),
                );
            }
        }
    }
    Ok(())
}

/// Puts an event to the saga that it is for. One that has it already passes it over.
async fn bring<H: Host>(host: &H, settings: &Settings, saga: &SagaId, mark: &str, event: Event) -> Result<Came, Error> {
    // What follows from it is an invocation of its own.
    let brief = Settings { time_budget: Millis(0), ..settings.clone() };
    let why = match driver::drive_with(host, &brief, saga, false, Some(event)).await {
        Ok(_) => return Ok(Came::Of(saga.clone())),
        Err(error) if matches!(error.code(), Code::Conflict | Code::NotFound) => error,
        Err(error) => return Err(error),
    };
    let loaded = Store::new(host, settings).load(saga, false).await?;
    let Some(loaded) = loaded else { return Ok(Came::Nothing("its saga is gone".to_owned())) };
    if loaded.head.heard.iter().any(|heard| heard == mark) {
        return Ok(Came::Of(saga.clone()));
    }
    if matches!(loaded.head.phase, Phase::Completed | Phase::MadeGood) {
        return Ok(Came::Nothing(format!("its saga is {} and waits for nothing", loaded.head.phase)));
    }
    // Something of its name is there that no step has taken yet; or others are busy with the saga; or it is stuck, and
    // a person may have it go on.
    Ok(Came::Later(why.message().to_owned()))
}

/// Starts a saga as the source's owner.
async fn begin<H: Host>(
    host: &H,
    settings: &Settings,
    due: &Due,
    aimed: &Aimed,
    (plan, deadline, budget, priority): (&Value, Option<Millis>, Option<Budget>, Priority),
) -> Result<Came, Error> {
    let plan: Plan = serde_json::from_slice(plan.to_string().as_bytes())
        .map_err(|error| Error::new(Code::InvalidPlan, format!("The plan cannot be read: {error}.")))?;
    // Against the tools as they are now, which may not be those of the last try: the key stands for what was said.
    let tools = Store::new(host, settings).tools(&plan).await?;
    let said = format!("{BY}{} {}", due.source, aimed.id.as_deref().unwrap_or(&due.key));
    let key = format!("{BY}{}:{}", due.source, mark_of(due));
    let wanted = Start {
        plan: &plan,
        message: Some(&said),
        client_key: Some(&key),
        deadline,
        budget,
        priority,
        reading: None,
        trace: None,
    };
    let owner = Principal::new(aimed.owner.clone());
    Ok(Came::Of(start(host, settings, &owner, &tools, &wanted).await?.id))
}

/// Tells the queue anew of the deliveries of which it may have lost the word, and forgets those that are long settled.
///
/// # Errors
/// [`Code::Unavailable`]: the next sweep does so.
pub async fn sweep<H: Host>(host: &H, settings: &Settings, limit: u32) -> Result<(), Error> {
    let now = host.now();
    let forget = Millis(now.0.saturating_sub(KEPT.0));
    let due: Option<Vec<Due>> =
        Store::new(host, settings).ask(&deliveries::sweep(forget, now, now + AGAIN, limit)).await?;
    for due in due.unwrap_or_default() {
        tell(host, settings, &due, &format!("sweep{}", now.0 / AGAIN.0), None).await?;
    }
    Ok(())
}
