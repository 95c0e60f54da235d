//! What strangers have delivered for the caller: how each delivery stands, and what came of it. What is in one is not
//! shown.

use makegood_edge::core::error::Error;
use makegood_edge::core::guard::Scope;
use makegood_edge::core::time::Millis;
use makegood_edge::limits::{Class, admit};
use makegood_edge::serde_json::json;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, host};

use crate::query::Query;
use crate::sagas;

const LIMIT: u64 = 50;
const MOST: u64 = 200;
/// After every delivery that there is.
const END: u64 = i64::MAX as u64;

pub async fn show<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = admit(request, host, &settings, &[Class::Api], Scope::Read).await?;
    let query = Query::of(request.uri())?;
    let owner = sagas::owner(&query, &caller, &caller.name)?;
    let limit = query.number("limit", 1, MOST)?.unwrap_or(LIMIT);
    let before = Millis(query.number("before", 0, END)?.unwrap_or(END));
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let deliveries = Store::new(host, &settings).deliveries(owner, before, limit).await?;
    Ok(host::json(200, &json!({"owner": owner, "deliveries": deliveries})))
}
