//! How many sagas there are in which phase, and what became of the calls of which tools: read models, which the database
//! brings along before it counts, and which cost the same however long the journals are.

use makegood_edge::core::error::Error;
use makegood_edge::core::guard::Scope;
use makegood_edge::gateway::views::Counts;
use makegood_edge::limits::{Class, admit};
use makegood_edge::serde::Serialize;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, host};

use crate::query::Query;
use crate::{models, sagas};

/// Counts, and whose they are.
#[derive(Serialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars")
)]
#[serde(crate = "makegood_edge::serde")]
pub struct Counted {
    /// `*` where they are of everybody's.
    pub owner: String,
    pub counts: Counts,
}

pub async fn show<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = admit(request, host, &settings, &[Class::Api], Scope::Read).await?;
    let query = Query::of(request.uri())?;
    let owner = sagas::owner(&query, &caller, &caller.name)?;
    let since = models::first_day(&query, host.now())?;
    let counts = Store::new(host, &settings).counts(sagas::of_one(owner), since).await?;
    Ok(host::json(200, &Counted { owner: owner.to_owned(), counts }))
}
