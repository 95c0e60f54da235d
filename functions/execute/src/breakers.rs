//! What operators see of circuit breakers, and do about them.
//!
//! It stands here and not in `debug`, which reads only: whoever forces a breaker stops the calls of everybody.

use makegood_edge::breakers;
use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::breaker::Forced;
use makegood_edge::core::guard::{Role, Scope};
use makegood_edge::core::saga::LONGEST_NAME;
use makegood_edge::gateway::audit::Note;
use makegood_edge::host::{Level, json};
use makegood_edge::limits::{Class, admit, origin};
use makegood_edge::serde_json::json;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings};

use crate::verbs::{Nothing, body_or_none};

pub async fn list<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    admit(request, host, settings, &[Class::Api], Scope::Read).await?.needs(Role::Operator)?;
    Ok(json(200, &json!({"breakers": breakers::list(host, settings).await?})))
}

/// Holds one open or closed; `None`: has it begin anew. Answers with how all of them stand then.
pub async fn force<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    name: &str,
    forced: Option<Forced>,
) -> Result<Reply, Error> {
    let who = admit(request, host, settings, &[Class::Execute], Scope::Operate).await?;
    who.needs(Role::Operator)?;
    let Nothing {} = body_or_none(request)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
        return Err(Error::new(Code::InvalidRequest, "A breaker has the name of a tool, or `mcp.` and a server's."));
    }
    let verb = match forced {
        Some(Forced::Open) => "breaker.open",
        Some(Forced::Closed) => "breaker.close",
        None => "breaker.reset",
    };
    // Redis has no part in the log's transaction: what is noted first is at most one deed more than was done.
    let origin = origin(request, settings);
    let note = Note { who: &who.name, verb, target: name, origin: &origin, outcome: "asked" };
    Store::new(host, settings).note_audit(note).await?;
    breakers::force(host, settings, name, forced).await?;
    host.log(Level::Warn, &format!("{verb} {name}: asked by {}", who.name));
    Ok(json(200, &json!({"breakers": breakers::list(host, settings).await?})))
}
