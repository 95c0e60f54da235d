//! The audit log: who did what, the newest first, and the head that whoever watches it keeps.

use makegood_edge::core::error::Error;
use makegood_edge::core::guard::{Role, Scope};
use makegood_edge::limits::{Class, admit};
use makegood_edge::serde_json::json;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, host};

use crate::query::Query;

const LIMIT: u64 = 50;
const MOST: u64 = 200;
/// After every row that there is.
const END: u64 = i64::MAX as u64;

/// What people did is for operators: it names them all.
pub async fn show<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    admit(request, host, &settings, &[Class::Api], Scope::Read).await?.needs(Role::Operator)?;
    let query = Query::of(request.uri())?;
    let limit = query.number("limit", 1, MOST)?.unwrap_or(LIMIT);
    let before = query.number("before", 0, END)?.unwrap_or(END);
    let page = Store::new(host, &settings).audit(before, u32::try_from(limit).unwrap_or(u32::MAX)).await?;
    Ok(host::json(200, &json!({"entries": page.entries, "head": page.head})))
}
