//! Calls of tools of MCP servers, and what servers list, over the host's fetch.
//!
//! A modern server is called with one request. A legacy one is first asked for a session, which is ended
//! afterwards: an invocation is short, and nothing of it is left over for the next.

use makegood_core::saga::{Call, Outcome, Refusal};
use makegood_core::time::Millis;
use makegood_core::tool::{Era, Mcp};
use makegood_gateway::mcp::discovery::{self, Page};
use makegood_gateway::mcp::outcome::{opened, outcome};
use makegood_gateway::mcp::request::{self, Session, Speech};
use makegood_gateway::mcp::{Server, servers};
use makegood_gateway::{Malformed, Request, Response};
use serde_json::Value;

use crate::host::{FetchError, Host, Level};
use crate::outbound::{self, Bound};

/// Kept of a call's time for taking leave of a legacy server.
const LEAVE: Millis = Millis(300);
/// How long a server may take to answer what is no call.
const PATIENCE: Millis = Millis(3_000);
/// How long all that it takes to list a server's tools may take, however many pages there are: it is done within a
/// sweep, too.
const LISTING: Millis = Millis(5_000);
/// Pages of one list; a server that has more does not end.
const PAGES: u64 = 100;

/// Makes one call. `configured` are the servers, as [`servers`] reads them.
pub async fn perform<H: Host>(host: &H, configured: &str, mcp: &Mcp, call: &Call) -> Outcome {
    let server = match servers(configured).map(|mut servers| servers.remove(&mcp.server)) {
        Ok(Some(server)) => server,
        // Whoever runs this can mend it, and nothing was done.
        Ok(None) => return not_sent(&format!("the server `{}` is not configured", mcp.server)),
        Err(error) => return not_sent(&error.0),
    };
    if let Err(reason) = outbound::admits(host, &call.hosts, &server.url) {
        return not_sent(&reason);
    }
    let end = host.now() + call.timeout;
    match mcp.era {
        Era::Modern => exchange(host, &server, &Speech::Modern, mcp, call, end).await,
        Era::Legacy => in_session(host, &server, mcp, call, end).await,
    }
}

async fn in_session<H: Host>(host: &H, server: &Server, mcp: &Mcp, call: &Call, end: Millis) -> Outcome {
    let end = if call.timeout > Millis(4 * LEAVE.0) { end - LEAVE } else { end };
    let session = match open(host, server, end).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let speech = Speech::Legacy(session.clone());
    let outcome = exchange(host, server, &speech, mcp, call, end).await;
    let no_answer = matches!(&outcome, Outcome::Unknown { code, .. } if code == NO_ANSWER);
    let leave = match &session.id {
        // The session's end is the call's as well.
        Some(_) => Some(request::close(server, &session)),
        None if no_answer => Some(request::cancelled(server, &session)),
        None => None,
    };
    if let Some(Ok(leave)) = leave
        && let Err(error) = fetch(host, server, leave, LEAVE).await
    {
        host.log(Level::Info, &format!("the MCP server `{}` was not told of a session's end: {error}", mcp.server));
    }
    outcome
}

/// The code of what was sent, and not answered in time.
pub const NO_ANSWER: &str = "no_answer";

/// Opens a session. Until it is, nothing is done.
async fn open<H: Host>(host: &H, server: &Server, end: Millis) -> Result<Session, Outcome> {
    let answer = before_the_call(host, server, request::initialize(server), end).await?;
    let session = opened(&answer)?;
    before_the_call(host, server, request::initialized(server, &session), end).await?;
    Ok(session)
}

async fn before_the_call<H: Host>(
    host: &H,
    server: &Server,
    request: Result<Request, Malformed>,
    end: Millis,
) -> Result<Response, Outcome> {
    let request = request.map_err(|error| not_sent(&error.0))?;
    fetch(host, server, request, left(host, end)).await.map_err(|error| not_sent(&error.to_string()))
}

async fn exchange<H: Host>(host: &H, server: &Server, speech: &Speech, mcp: &Mcp, call: &Call, end: Millis) -> Outcome {
    let request = match request::call(server, speech, mcp, call) {
        Ok(request) => request,
        // It cannot even be written down, now or later.
        Err(error) => return Outcome::Refused(Refusal { code: "unsendable".to_owned(), detail: error.0 }),
    };
    if host.now() >= end {
        return not_sent("opening a session took all of the call's time");
    }
    match fetch(host, server, request, left(host, end)).await {
        Ok(response) => {
            let session = match speech {
                Speech::Modern => None,
                Speech::Legacy(session) => Some(session),
            };
            let (outcome, progress) = outcome(call.op, mcp, session, &response);
            // Where it is not known what became of it, a person wants to know how far it was.
            if let Some(progress) = progress.filter(|_| matches!(outcome, Outcome::Unknown { .. })) {
                host.log(
                    Level::Info,
                    &format!("it is not known how {} ended: it was at {progress}, under {}", call.tool, call.key),
                );
            }
            outcome
        }
        Err(FetchError::NotSent(reason)) => not_sent(&reason),
        Err(FetchError::Unknown(reason)) => Outcome::Unknown { code: NO_ANSWER.to_owned(), reason },
    }
}

/// All that goes to a server goes to its one address.
async fn fetch<H: Host>(host: &H, server: &Server, request: Request, timeout: Millis) -> Result<Response, FetchError> {
    outbound::fetch(host, Bound::Below(&server.url), request, timeout).await
}

fn left<H: Host>(host: &H, end: Millis) -> Millis {
    end.since(host.now()).max(Millis(1))
}

fn not_sent(reason: &str) -> Outcome {
    Outcome::Later { after: None, code: "not_sent".to_owned(), reason: reason.to_owned() }
}

/// Asks a server what it speaks, and for all its tools. It takes a few seconds at most.
///
/// # Errors
/// Where it does not answer as a server of the protocol does, or not in that time.
pub async fn list<H: Host>(host: &H, server: &Server) -> Result<(Era, Vec<Value>), Malformed> {
    let end = host.now() + LISTING;
    let answer = fetch(host, server, request::discover(server)?, PATIENCE).await.map_err(unreached)?;
    if answer.status() == http::StatusCode::UNAUTHORIZED {
        return Err(Malformed("the server wants to know who asks: give it a `token`".to_owned()));
    }
    if discovery::is_modern(&answer)? {
        return Ok((Era::Modern, pages(host, server, &Speech::Modern, end).await?));
    }
    Ok((Era::Legacy, list_legacy(host, server, end).await?))
}

/// The tools of a server of which it is known what it speaks.
///
/// # Errors
/// As [`list`].
pub async fn list_in<H: Host>(host: &H, server: &Server, era: Era) -> Result<Vec<Value>, Malformed> {
    let end = host.now() + LISTING;
    match era {
        Era::Modern => pages(host, server, &Speech::Modern, end).await,
        Era::Legacy => list_legacy(host, server, end).await,
    }
}

async fn list_legacy<H: Host>(host: &H, server: &Server, end: Millis) -> Result<Vec<Value>, Malformed> {
    let opened = open(host, server, end.min(host.now() + PATIENCE)).await;
    let session = opened.map_err(|outcome| Malformed(reason(outcome)))?;
    let speech = Speech::Legacy(session.clone());
    let tools = pages(host, server, &speech, end).await;
    if session.id.is_some()
        && let Err(error) = fetch(host, server, request::close(server, &session)?, LEAVE).await
    {
        host.log(Level::Info, &format!("a session with an MCP server was not ended: {error}"));
    }
    tools
}

fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Later { reason, .. } | Outcome::Unknown { reason, .. } => reason,
        Outcome::Refused(refusal) => refusal.detail,
        Outcome::Ok(_) => "the server answered with something else".to_owned(),
    }
}

async fn pages<H: Host>(host: &H, server: &Server, speech: &Speech, end: Millis) -> Result<Vec<Value>, Malformed> {
    let (mut tools, mut cursor) = (Vec::new(), None::<String>);
    for number in 0..PAGES {
        if host.now() >= end {
            return Err(Malformed("the server takes too long to list its tools".to_owned()));
        }
        let request = request::list(server, speech, number, cursor.as_deref())?;
        let answer = fetch(host, server, request, PATIENCE.min(left(host, end))).await.map_err(unreached)?;
        let Page { tools: more, next } = discovery::page(&answer, number)?;
        tools.extend(more);
        match next {
            None => return Ok(tools),
            Some(_) if next == cursor => break,
            Some(_) => cursor = next,
        }
    }
    Err(Malformed("the server's list does not end".to_owned()))
}

fn unreached(error: FetchError) -> Malformed {
    Malformed(format!("the server does not answer: {error}"))
}
