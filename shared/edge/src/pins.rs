//! Looks at MCP servers now and then: a tool of which the server says something else than when it was registered
//! is taken out of use.
//!
//! A call's own server is not asked again before each call, which would double what calls cost. What is promised
//! instead: a plan is made and checked with the registered words, never with the server's newest; and a change is
//! noticed. One server is looked at in a sweep, the longest unasked first and none within [`EVERY`]: with sweeps a minute
//! apart, a change is noticed within five minutes or within as many as there are servers, whichever is more.

use makegood_core::error::Error;
use makegood_core::time::Millis;
use makegood_core::tool::Era;
use makegood_gateway::mcp::discovery::pin;
use makegood_gateway::mcp::servers;
use makegood_gateway::pins::{self, Due, Pinned};
use serde_json::Value;

use crate::host::{Host, Level};
use crate::mcp;
use crate::settings::Settings;
use crate::store::Store;

/// So soon after it was asked, a server is not asked again.
pub const EVERY: Millis = Millis(5 * 60 * 1000);

/// Looks at the server that was asked the longest ago, if that is long enough. A server that does not answer has changed
/// nothing, and was not looked at.
///
/// # Errors
/// Where the journal cannot be reached.
pub async fn watch<H: Host>(host: &H, settings: &Settings) -> Result<(), Error> {
    if settings.mcp_servers.is_empty() {
        return Ok(());
    }
    let configured = match servers(&settings.mcp_servers) {
        Ok(configured) => configured,
        Err(error) => {
            host.log(Level::Error, &format!("mcp_servers cannot be read: {error}"));
            return Ok(());
        }
    };
    let store = Store::new(host, settings);
    let now = host.now();
    let Some(Due { server, tools }) = store.ask::<Due>(&pins::look(now - EVERY, now)).await? else {
        return Ok(());
    };
    let Some(place) = configured.get(&server) else {
        host.log(Level::Warn, &format!("tools of the MCP server `{server}` are registered, and it is not configured"));
        return Ok(());
    };
    for era in [Era::Modern, Era::Legacy] {
        let tools: Vec<&Pinned> = tools.iter().filter(|tool| tool.mcp.era == era).collect();
        if tools.is_empty() {
            continue;
        }
        match mcp::list_in(host, place, era).await {
            Ok(list) => compare(host, &store, &list, &tools).await?,
            Err(error) => {
                host.log(Level::Warn, &format!("the MCP server `{server}` was not looked at: {error}"));
            }
        }
    }
    Ok(())
}

async fn compare<H: Host>(host: &H, store: &Store<'_, H>, list: &[Value], tools: &[&Pinned]) -> Result<(), Error> {
    let mut same = Vec::new();
    for tool in tools {
        let why = match pin(list, &tool.mcp) {
            Ok(pin) if pin == tool.mcp.pin => {
                same.push(tool.name.as_str());
                continue;
            }
            Ok(_) => "the server says something else of it than when it was registered".to_owned(),
            Err(error) => error.0,
        };
        if store.ask::<bool>(&pins::refuse(tool, &why)).await? == Some(true) {
            let Pinned { name, version, mcp } = tool;
            host.log(
                Level::Error,
                &format!(
                    "alert: the tool `{name}` {version} of the MCP server `{}` is out of use until it is added again: {why}",
                    mcp.server
                ),
            );
        }
    }
    if !same.is_empty() {
        store.ask::<bool>(&pins::saw(&same, host.now())).await?;
    }
    Ok(())
}
