//! What the caller has used of models, by day and model: requests, tokens, and what they cost.

use makegood_edge::core::error::Error;
use makegood_edge::core::guard::Scope;
use makegood_edge::core::time::Millis;
use makegood_edge::limits::{Class, admit};
use makegood_edge::serde_json::json;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, host};

use crate::query::Query;

const DAYS: u64 = 30;
const MOST_DAYS: u64 = 400;
const A_DAY: u64 = 24 * 60 * 60 * 1000;

/// A time on the first of the days that are asked for; today counts as a day.
///
/// # Errors
/// Where they are too many, or no number.
pub fn first_day(query: &Query, now: Millis) -> Result<Millis, Error> {
    let days = query.number("days", 1, MOST_DAYS)?.unwrap_or(DAYS);
    Ok(now - Millis((days - 1) * A_DAY))
}

pub async fn show<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = admit(request, host, &settings, &[Class::Api], Scope::Read).await?;
    let since = first_day(&Query::of(request.uri())?, host.now())?;
    let used = Store::new(host, &settings).models_used(&caller.name, since).await?;
    let cost: u64 = used.iter().map(|day| day.used.cost_nanos).fold(0, u64::saturating_add);
    Ok(host::json(200, &json!({"owner": caller.name, "days": used, "cost_nanos": cost})))
}
