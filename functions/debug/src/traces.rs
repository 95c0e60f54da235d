//! Traces, as OTLP has them: what a collector is told of a saga, for whoever may see the saga.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::Scope;
use makegood_edge::core::trace::TraceId;
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::Story;
use makegood_edge::gateway::traces::traced;
use makegood_edge::host::json;
use makegood_edge::limits::{Class, admit};
use makegood_edge::store::Store;
use makegood_edge::traces::written;
use makegood_edge::{Host, Reply, Request, Settings};

/// Sagas of one trace that are shown.
const MOST: u32 = 20;

/// A trace's spans, of all of its sagas that the caller may see.
pub async fn show<H: Host>(request: &Request, host: &H, id: &str) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = admit(request, host, &settings, &[Class::Api], Scope::Read).await?;
    let stories = find(host, &settings, &caller, id).await?;
    let traces: Vec<_> = stories.iter().map(traced).collect();
    Ok(json(200, &written(host, &traces, false)))
}

/// The sagas of a trace, the first first, with their plans and journals.
///
/// # Errors
/// [`Code::InvalidId`], [`Code::NotFound`] where the caller may see none, or where the journal does not answer.
pub async fn find<H: Host>(host: &H, settings: &Settings, caller: &Principal, id: &str) -> Result<Vec<Story>, Error> {
    let trace = TraceId::parse(id).ok_or_else(|| {
        Error::new(Code::InvalidId, "A trace's id is 32 hexadecimal digits, small ones and not all zero.")
    })?;
    let store = Store::new(host, settings);
    let mut stories = Vec::new();
    for saga in &store.of_trace(trace, MOST).await? {
        stories.extend(store.follow(saga, 0).await?.filter(|story| caller.reaches(&story.owner)));
    }
    if stories.is_empty() {
        return Err(Error::new(Code::NotFound, "You have no saga of such a trace."));
    }
    Ok(stories)
}
