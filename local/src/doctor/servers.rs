//! The MCP servers: reached, let in, and with tools.

use makegood_edge::mcp;
use makegood_gateway::mcp::servers;

use super::{Finding, Services};

const ABOUT: &str = "MCP servers";

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    // What cannot be read is said of the values.
    let all = servers(services.get("mcp_servers")).unwrap_or_default();
    let mut findings = Vec::new();
    for (name, server) in all {
        findings.push(match mcp::list(&services.host, &server).await {
            Ok((_, tools)) => Finding::well(ABOUT, format!("`{name}` answers, and has {} tools", tools.len())),
            Err(error) => Finding::wrong(
                ABOUT,
                format!("`{name}` does not answer as one: {}", error.0),
                "Look at its `url` and its `token` in mcp_servers (docs/MCP.md).",
            ),
        });
    }
    findings
}
