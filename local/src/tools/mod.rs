//! `makegood tools`: the tools of an installation, over the database that it is configured with; and the
//! conformance kit, and schemas from a database, for those who write one.

mod add;
mod arguments;
mod build;
mod component;
mod files;
mod reflect;
mod show;
mod test;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_edge::native::Native;
use makegood_gateway::mcp::{Server, servers};
use makegood_gateway::neon::Rows;
use makegood_gateway::pins::{self, Shown};
use makegood_gateway::store::{self, Statement};
use makegood_gateway::tool::secrets;

pub use arguments::{AddTools, BuildTool, ListTools, OneTool, ReflectTables, ShowTool, TestTool, Tools, ToolsVerb};
pub use component::describe;

use crate::configuration::{Configuration, Source};
use crate::remote::Remote;

/// Does what is asked.
pub async fn run(options: &Tools) -> anyhow::Result<()> {
    match &options.verb {
        ToolsVerb::List(list) => show::list(&Installation::read(&options.source)?, list).await,
        ToolsVerb::Show(one) => show::one(&Installation::read(&options.source)?, one).await,
        ToolsVerb::Build(one) => build::run(&one.folder).await,
        ToolsVerb::Add(new) => add::run(&Installation::read(&options.source)?, new, &options.source).await,
        ToolsVerb::Remove(one) => remove(&Installation::read(&options.source)?, &one.name).await,
        ToolsVerb::Reflect(tables) => reflect::run(tables, &options.source).await,
        ToolsVerb::Test(sample) => test::run(sample, &options.source).await,
    }
}

/// An installation's database, and the MCP servers that it is configured with.
struct Installation {
    remote: Remote,
    /// As `mcp_servers` has them.
    servers: String,
    /// As `tool_secrets` has them.
    secrets: String,
}

impl Installation {
    fn read(source: &Source) -> anyhow::Result<Self> {
        let configured = Configuration::read(source, |name| std::env::var(name).ok())?;
        let remote = Remote::new(configured.get("database_http_url"), configured.get("database_url"));
        let [servers, secrets] = ["mcp_servers", "tool_secrets"].map(|name| configured.get(name).to_owned());
        Ok(Self { remote, servers, secrets })
    }

    async fn ask(&self, statement: &Statement) -> anyhow::Result<Rows> {
        let params: Vec<Option<&str>> = statement.params.iter().map(Option::as_deref).collect();
        let answer = self.remote.query(statement.sql, &params).await;
        answer.context("the database; has `makegood migrate` been run?")
    }

    /// Every tool.
    async fn tools(&self) -> anyhow::Result<Vec<Shown>> {
        let tools = store::read(self.ask(&pins::show()).await?).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(tools.unwrap_or_default())
    }

    /// Whether a tool's calls would be let in by all that it names.
    fn lets_in(&self, tool: &Definition) -> anyhow::Result<()> {
        let found = secrets(&tool.secrets, &self.secrets);
        found.map(drop).map_err(|error| anyhow::anyhow!("`{}`: {error}. Put it there first.", tool.name))
    }

    fn server(&self, name: &str) -> anyhow::Result<Server> {
        let mut all = servers(&self.servers).map_err(|error| anyhow::anyhow!("mcp_servers: {error}"))?;
        let known: Vec<String> = all.keys().cloned().collect();
        all.remove(name).with_context(|| {
            format!("`mcp_servers` has no server `{name}`; it has: {}. Add it there first.", known.join(", "))
        })
    }
}

/// The host that servers are asked with.
fn host() -> Native {
    Native::new(std::collections::BTreeMap::new())
}

fn now() -> anyhow::Result<Millis> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Millis(u64::try_from(since.as_millis())?))
}

async fn remove(installation: &Installation, name: &str) -> anyhow::Result<()> {
    if makegood_core::saga::definitions().iter().any(|own| own.name == name) {
        bail!("`{name}` is built in, and stays.");
    }
    let removed = installation.ask(&pins::remove(name)).await?;
    if removed.scalar().as_deref() != Some("t") {
        bail!("No tool `{name}` is in use. `makegood tools list` shows those that are.");
    }
    println!("{name} is out of use. Sagas that are past it go on; one that has it before it holds on, and says so.");
    Ok(())
}
