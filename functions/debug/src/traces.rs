//! Traces, as OTLP has them: what a collector is told of a saga, for whoever may see the saga.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::Scope;
use makegood_edge::core::id::SagaId;
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
async fn find<H: Host>(host: &H, settings: &Settings, caller: &Principal, id: &str) -> Result<Vec<Story>, Error> {
    let store = Store::new(host, settings);
    let mut stories = Vec::new();
    for saga in &store.of_trace(parse(id)?, MOST).await? {
        stories.extend(store.follow(saga, 0).await?.filter(|story| caller.reaches(&story.owner)));
    }
    if stories.is_empty() {
        return Err(unknown());
    }
    Ok(stories)
}

/// One saga of a trace, with its plan and journal, and the ids of the others: the one that is asked for, or the first.
/// For operators, who may see all of them.
///
/// # Errors
/// [`Code::InvalidId`], [`Code::NotFound`], or where the journal does not answer.
pub async fn one<H: Host>(
    host: &H,
    settings: &Settings,
    id: &str,
    wanted: Option<&str>,
) -> Result<(Story, Vec<SagaId>), Error> {
    let store = Store::new(host, settings);
    let mut sagas = store.of_trace(parse(id)?, MOST).await?;
    if sagas.is_empty() {
        return Err(unknown());
    }
    let place = wanted.map_or(Some(0), |wanted| sagas.iter().position(|saga| saga.as_str() == wanted));
    let none = || Error::new(Code::NotFound, "The trace has no such saga.");
    let saga = sagas.remove(place.ok_or_else(none)?);
    let story = store.follow(&saga, 0).await?.ok_or_else(none)?;
    Ok((story, sagas))
}

fn parse(id: &str) -> Result<TraceId, Error> {
    TraceId::parse(id).ok_or_else(|| {
        Error::new(Code::InvalidId, "A trace's id is 32 hexadecimal digits, small ones and not all zero.")
    })
}

fn unknown() -> Error {
    Error::new(Code::NotFound, "You have no saga of such a trace.")
}
