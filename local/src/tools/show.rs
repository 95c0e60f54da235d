//! `makegood tools list` and `show`.

use anyhow::Context;
use makegood_core::tool::Class;
use makegood_gateway::pins::Shown;

use super::Installation;
use super::arguments::{ListTools, ShowTool};
use crate::saga::figures::{line, whole};

/// Why a tool is out of use, in so many characters.
const LONGEST_WHY: usize = 200;

pub async fn list(installation: &Installation, options: &ListTools) -> anyhow::Result<()> {
    let tools = installation.tools().await?;
    if options.json {
        println!("{}", whole(&serde_json::to_string_pretty(&tools)?));
        return Ok(());
    }
    let width = tools.iter().map(|tool| tool.name.len()).max().unwrap_or_default();
    for tool in &tools {
        let class = match tool.definition.class {
            Class::Query => "query",
            Class::Compensatable => "compensatable",
            Class::Pivot => "pivot",
            Class::Retriable => "retriable",
        };
        let place = tool.definition.mcp.as_ref().map_or("http", |mcp| mcp.server.as_str());
        println!("{:width$}  {class:13}  {place:10}  {:16}  {}", tool.name, tool.version, standing(tool));
    }
    Ok(())
}

pub async fn one(installation: &Installation, options: &ShowTool) -> anyhow::Result<()> {
    let tools = installation.tools().await?;
    let tool = tools.into_iter().find(|tool| tool.name == options.name);
    let tool =
        tool.with_context(|| format!("There is no tool `{}`. `makegood tools list` shows all.", options.name))?;
    println!("{}", whole(&serde_json::to_string_pretty(&tool.definition)?));
    if !tool.current {
        eprintln!("{}", standing(&tool));
    }
    Ok(())
}

fn standing(tool: &Shown) -> String {
    match (&tool.refused, tool.current) {
        (_, true) => "in use".to_owned(),
        (Some(why), false) => format!("out of use: {}", line(why, LONGEST_WHY)),
        (None, false) => "out of use".to_owned(),
    }
}
