//! Traces: those of sagas, made of the journal; and where an operator asks for one that the database does not have, as
//! Tempo has it. As OTLP has them here, and for the waterfall as they are.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::{Role, Scope};
use makegood_edge::core::id::SagaId;
use makegood_edge::core::trace::TraceId;
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::Story;
use makegood_edge::gateway::tempo::{Given, Told};
use makegood_edge::gateway::traces::traced;
use makegood_edge::host::json;
use makegood_edge::limits::{Class, admit};
use makegood_edge::store::Store;
use makegood_edge::tempo;
use makegood_edge::traces::written;
use makegood_edge::{Bytes, Host, Reply, Request, Settings};

use crate::query::Query;

/// Sagas of one trace that are shown.
const MOST: u32 = 20;

/// Whom to ask for a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The database, and Tempo for what is not there.
    #[default]
    Either,
    Tempo,
}

impl Source {
    /// # Errors
    /// [`Code::InvalidRequest`].
    pub fn of(query: &Query) -> Result<Self, Error> {
        match query.get("source") {
            None => Ok(Self::Either),
            Some("tempo") => Ok(Self::Tempo),
            Some(_) => Err(Error::new(Code::InvalidRequest, "`source` is `tempo`, or it is left out.")),
        }
    }
}

/// A trace's spans, of all of its sagas that the caller may see.
pub async fn show<H: Host>(request: &Request, host: &H, id: &str) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = admit(request, host, &settings, &[Class::Api], Scope::Read).await?;
    let (source, trace) = (Source::of(&Query::of(request.uri())?)?, parse(id)?);
    // Nobody owns what is of no saga here.
    let may = caller.needs(Role::Operator);
    match source {
        Source::Either => {
            let stories = find(host, &settings, &caller, trace).await?;
            if !stories.is_empty() {
                let traces: Vec<_> = stories.iter().map(traced).collect();
                return Ok(json(200, &written(host, &traces, false)));
            }
            may.map_err(|_| unknown())?;
        }
        Source::Tempo => may?,
    }
    let body = elsewhere(host, trace, source).await?.ok_or_else(unknown)?;
    let given = Given::read(&body, trace).map_err(tempo::unread)?;
    if given.is_empty() { Err(unknown()) } else { Ok(json(200, &given.otlp())) }
}

/// The sagas of a trace that the caller may see, the first first, with their plans and journals.
async fn find<H: Host>(host: &H, settings: &Settings, caller: &Principal, trace: TraceId) -> Result<Vec<Story>, Error> {
    let store = Store::new(host, settings);
    let mut stories = Vec::new();
    for saga in &store.of_trace(trace, MOST).await? {
        stories.extend(store.follow(saga, 0).await?.filter(|story| caller.reaches(&story.owner)));
    }
    Ok(stories)
}

/// A trace, as far as the waterfall shows it.
pub enum Found {
    /// One saga, with its plan and journal, and the ids of the others.
    Here(Story, Vec<SagaId>),
    InTempo(Told),
}

/// One saga of a trace, the one that is asked for or the first. For operators, who may see all of them.
///
/// # Errors
/// [`Code::InvalidId`], [`Code::NotFound`], or where the journal, or Tempo, does not answer.
pub async fn one<H: Host>(
    host: &H,
    settings: &Settings,
    id: &str,
    wanted: Option<&str>,
    source: Source,
) -> Result<Found, Error> {
    let (store, trace) = (Store::new(host, settings), parse(id)?);
    if source == Source::Either {
        let mut sagas = store.of_trace(trace, MOST).await?;
        if !sagas.is_empty() {
            let place = wanted.map_or(Some(0), |wanted| sagas.iter().position(|saga| saga.as_str() == wanted));
            let saga = sagas.remove(place.ok_or_else(none)?);
            let story = store.follow(&saga, 0).await?.ok_or_else(none)?;
            return Ok(Found::Here(story, sagas));
        }
    }
    let body = elsewhere(host, trace, source).await?.ok_or_else(unknown)?;
    let given = Given::read(&body, trace).map_err(tempo::unread)?;
    let missing = if wanted.is_some() { none } else { unknown };
    Told::of(&given, wanted).map(Found::InTempo).ok_or_else(missing)
}

/// What Tempo answers with; `None` where it has no such trace, or there is no Tempo and nobody asked for it.
async fn elsewhere<H: Host>(host: &H, trace: TraceId, source: Source) -> Result<Option<Bytes>, Error> {
    match tempo::configured(host)? {
        Some(tempo) => tempo::fetch(host, &tempo, trace).await,
        None if source == Source::Tempo => {
            Err(Error::new(Code::InvalidRequest, "There is no Tempo to ask: `tempo_url` is not set."))
        }
        None => Ok(None),
    }
}

fn parse(id: &str) -> Result<TraceId, Error> {
    TraceId::parse(id).ok_or_else(|| {
        Error::new(Code::InvalidId, "A trace's id is 32 hexadecimal digits, small ones and not all zero.")
    })
}

fn unknown() -> Error {
    Error::new(Code::NotFound, "You have no saga of such a trace.")
}

fn none() -> Error {
    Error::new(Code::NotFound, "The trace has no such saga.")
}
