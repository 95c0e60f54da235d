//! What the queue sends: wakes and the sweeper's schedule. Nothing is done before the signature is
//! checked, and nothing is acknowledged before it is committed. The platform's own clock may have the
//! sweeper run as well.

use makegood_edge::conversation::memory::sweep as sweep_conversations;
use makegood_edge::conversation::saga::{Word, hear, tell};
use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::saga::Ended;
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::deliveries::Due;
use makegood_edge::gateway::qstash;
use makegood_edge::gateway::schedules::Row;
use makegood_edge::gateway::store::Swept;
use makegood_edge::host::{Level, json};
use makegood_edge::queue::{Message, bring, publish, trusted};
use makegood_edge::schedules::tell_queue;
use makegood_edge::serde_json::json;
use makegood_edge::store::Store;
use makegood_edge::webhook::act;
use makegood_edge::{Host, Reply, Request, Settings, alerts, door, driver, lease, pins};

/// A saga counts as forgotten this long after it should have been woken.
const GRACE: Millis = Millis(2_000);
/// When the sweeper comes back to a saga that it has woken.
const AGAIN: Millis = Millis(30_000);
/// How far back the times of calls are looked at.
const LEARNS_FROM: Millis = Millis(60 * 60 * 1000);
/// Sagas woken by one sweep.
const BATCH: u32 = 200;
/// Schedules that one sweep compares with the queue's; each takes a call or a few.
const SCHEDULES: u32 = 20;

/// Carries one saga on for one invocation.
pub async fn step<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    trusted(request, host, settings, "/api/execute/step").await?;
    let message: Message = door::body(request)?;
    if !lease::take(host, settings, &message).await {
        return Err(Error::new(Code::Unavailable, "Another worker is at it."));
    }
    let repeated = qstash::retried(request.headers()) > 0;
    let ended = match message.turn {
        Some(node) => driver::drive_in_turn(host, settings, &message.saga, repeated, node).await,
        None => driver::drive(host, settings, &message.saga, repeated).await,
    };
    match ended {
        Ok(Ended::Rest) => Ok(json(200, &json!({"saga": message.saga, "ended": "rest"}))),
        Ok(Ended::Early) => {
            // The version stays the same, and so does its lease: the next wake must not find it taken.
            lease::give_up(host, settings, &message).await;
            Ok(json(200, &json!({"saga": message.saga, "ended": "early"})))
        }
        Ok(Ended::Yield) => Ok(json(200, &json!({"saga": message.saga, "ended": "yield"}))),
        // Calling again cannot help: the message is taken, so that it is not.
        Err(error) if error.code() == Code::NotFound => {
            host.log(Level::Warn, &format!("a wake for {}, which does not exist", message.saga));
            Ok(json(200, &json!({"saga": message.saga, "ended": "unknown"})))
        }
        Err(error) => {
            lease::give_up(host, settings, &message).await;
            Err(error)
        }
    }
}

/// What a message of a conversation wishes of a saga. It is not acknowledged before what became of it is written.
pub async fn wish<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    trusted(request, host, settings, "/api/execute/wish").await?;
    let word: Word = door::body(request)?;
    hear(host, settings, &word).await?;
    Ok(json(200, &json!({"conversation": word.conversation})))
}

/// What a stranger has delivered. It is not acknowledged before what came of it is written.
pub async fn delivery<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    trusted(request, host, settings, "/api/execute/delivery").await?;
    let due: Due = door::body(request)?;
    act::act(host, settings, &due).await?;
    Ok(json(200, &json!({"source": due.source})))
}

/// The sweeper, for the queue.
pub async fn sweep<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    trusted(request, host, settings, "/api/execute/sweep").await?;
    let woken = wake_the_forgotten(host, settings).await?;
    Ok(json(200, &json!({"woken": woken})))
}

/// The sweeper, for the platform's clock. No request from outside comes here, so there is no signature.
pub async fn tick<H: Host>(host: &H) -> Result<(), Error> {
    let settings = Settings::read(host)?;
    let woken = wake_the_forgotten(host, &settings).await?;
    host.log(Level::Info, &format!("swept by the clock: {woken} woken"));
    Ok(())
}

/// Tells people of what needs them, wakes every saga that should have been woken and was not, and learns how long calls
/// take. Answers with how many there were to wake.
async fn wake_the_forgotten<H: Host>(host: &H, settings: &Settings) -> Result<usize, Error> {
    // Whatever becomes of the rest, and of the queue.
    alerts::tell(host, settings).await;
    let now = host.now();
    let store = Store::new(host, settings);
    let swept = store.sweep(now - GRACE, now + AGAIN, BATCH, SCHEDULES, settings.traces).await?;
    let Swept { sagas: overdue, schedules, lagging } = swept;
    for saga in &overdue {
        let message = Message { saga: saga.id.clone(), version: saga.version, turn: None };
        publish(host, settings, &message, None, &format!("sweep{}", saga.sweep), None).await?;
    }
    arm(host, settings, &schedules).await;
    // Of the last hour, each time anew: what is not learned now is learned at the next sweep.
    if let Err(error) = Store::new(host, settings).learn(now - LEARNS_FROM).await {
        host.log(Level::Warn, &format!("nothing was learned of the tools' times: {error}"));
    }
    if let Err(error) = tell_of_wishes(host, settings).await {
        host.log(Level::Warn, &format!("no wish is told anew, and no conversation ended: {error}"));
    }
    if let Err(error) = act::sweep(host, settings, BATCH).await {
        host.log(Level::Warn, &format!("no delivery of a webhook is told of anew: {error}"));
    }
    for saga in &lagging {
        bring(host, settings, saga, &format!("sweep{}", now.0 / AGAIN.0), None).await;
    }
    // Last: how long a server takes is up to the server.
    if let Err(error) = pins::watch(host, settings).await {
        host.log(Level::Warn, &format!("no MCP server was looked at: {error}"));
    }
    Ok(overdue.len())
}

/// Tells the queue anew of the wishes of which it may have lost the word, and removes conversations that have ended.
async fn tell_of_wishes<H: Host>(host: &H, settings: &Settings) -> Result<(), Error> {
    let now = host.now();
    // The word is delivered again by itself for a while.
    for wish in sweep_conversations(host, settings, now - AGAIN, BATCH).await? {
        let mark = format!("sweep{}", now.0 / AGAIN.0);
        let word = Word { conversation: wish.id, owner: wish.owner, at: wish.since };
        tell(host, settings, &word, &mark).await?;
    }
    Ok(())
}

/// Tells the queue of those schedules of which it may not know what it should.
async fn arm<H: Host>(host: &H, settings: &Settings, due: &[Row]) {
    let until = host.now() + Millis(settings.time_budget.0 / 2);
    for row in due {
        // One that cannot be told of says so itself, and the rest are told all the same.
        if let Err(error) = tell_queue(host, settings, row, false).await {
            host.log(Level::Warn, &format!("the schedule {}: {error}", row.key));
        }
        // The others are due again at the next sweep.
        if host.now() > until {
            break;
        }
    }
}
