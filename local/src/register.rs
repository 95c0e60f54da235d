//! `makegood tool register`: makes tools known to a deployment, over the database that it is configured with.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_gateway::store;
use serde_json::Value;

use crate::cli::RegisterTools;
use crate::configuration::Configuration;
use crate::remote::Remote;

/// Registers the tools of every file, in order; one that is there already stays as it is.
pub async fn run(options: &RegisterTools) -> anyhow::Result<()> {
    // All are read before the first is registered.
    let mut tools = Vec::new();
    for file in &options.files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        tools.extend(definitions(&text).with_context(|| format!("in {}", file.display()))?);
    }
    let configured = Configuration::read(&options.source, |name| std::env::var(name).ok())?;
    let remote = Remote::new(configured.get("database_http_url"), configured.get("database_url"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Millis(u64::try_from(now.as_millis())?);
    for tool in &tools {
        register(&remote, tool, now).await?;
        println!("{} {}", tool.name, tool.version);
    }
    Ok(())
}

/// A definition, a list of them, or a sample of `makegood tool check` that holds one.
fn definitions(text: &str) -> anyhow::Result<Vec<Definition>> {
    let value: Value = serde_json::from_str(text)?;
    let one = |value: Value| -> anyhow::Result<Definition> {
        let definition = match value.get("tool") {
            Some(tool) => tool.clone(),
            None => value,
        };
        serde_json::from_value(definition).context("that is no definition of a tool (docs/TOOLS.md has the fields)")
    };
    match value {
        Value::Array(all) => all.into_iter().map(one).collect(),
        one_alone @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Ok(vec![one(one_alone)?])
        }
    }
}

async fn register(remote: &Remote, tool: &Definition, now: Millis) -> anyhow::Result<()> {
    let statement = store::register(tool, now);
    let params: Vec<Option<&str>> = statement.params.iter().map(Option::as_deref).collect();
    let answer =
        remote.query(statement.sql, &params).await.context("the database; has `makegood migrate` been run?")?;
    if answer.scalar().as_deref() != Some("t") {
        bail!(
            "The tool `{}` {} is registered with another definition. Give the changed one a new version.",
            tool.name,
            tool.version
        );
    }
    Ok(())
}
