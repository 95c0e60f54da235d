//! Is this function of use: it is where the journal answers. Anyone may ask, so the answer says no
//! more than that; why not stands in the log.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::time::Millis;
use makegood_edge::futures_util::future::{Either, select};
use makegood_edge::gateway::views::Wanted;
use makegood_edge::host::{Level, json};
use makegood_edge::limits::{Class, by_address};
use makegood_edge::serde_json::json;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings};

/// A journal that takes longer is as good as none.
const PATIENCE: Millis = Millis(2_000);

/// Asks the database, and says whether it answered. What becomes of the limits without Redis is no part of that.
pub async fn health<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    if let Ok(settings) = Settings::read(host)
        && let Err(error) = by_address(request, host, &settings, Class::Api).await
        && error.code() == Code::RateLimited
    {
        return Err(error);
    }
    let asked = host.now();
    let answer = ask(host).await;
    let took = host.now().since(asked);
    if let Err(error) = &answer {
        host.log(Level::Error, &format!("health: {error}"));
    }
    let ok = answer.is_ok();
    let body = json!({
        "status": if ok { "ok" } else { "degraded" },
        "database": {"ok": ok, "took_ms": took},
        "version": env!("CARGO_PKG_VERSION"),
        "region": host.config("region").unwrap_or_default(),
    });
    Ok(json(if ok { 200 } else { 503 }, &body))
}

async fn ask<H: Host>(host: &H) -> Result<(), Error> {
    let settings = Settings::read(host)?;
    let store = Store::new(host, &settings);
    // Before the epoch there are no sagas: the statement is a real one, and reads no row.
    let nothing = Wanted {
        owner: None,
        state: None,
        tool: None,
        text: None,
        since: Millis(0),
        before: Millis(0),
        saga: None,
        changed: None,
        now: host.now(),
        patience: Millis(0),
        limit: 1,
    };
    let list = Box::pin(store.list(&nothing));
    match select(list, Box::pin(host.sleep(PATIENCE))).await {
        Either::Left((answer, _)) => answer.map(|_| ()),
        Either::Right(((), _)) => Err(Error::new(Code::Unavailable, format!("No answer within {PATIENCE}."))),
    }
}
