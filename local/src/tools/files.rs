//! Definitions in files: one, a list of them, or a sample of the conformance kit that holds one.

use std::path::PathBuf;

use anyhow::{Context, bail};
use makegood_core::tool::Definition;
use serde_json::Value;

/// All of them, in order. None is taken unless all can be read.
pub fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Definition>> {
    let mut tools = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        tools.extend(definitions(&text).with_context(|| format!("in {}", file.display()))?);
    }
    Ok(tools)
}

fn definitions(text: &str) -> anyhow::Result<Vec<Definition>> {
    let value: Value = serde_json::from_str(text)?;
    let one = |value: Value| -> anyhow::Result<Definition> {
        let definition = match value.get("tool") {
            Some(tool) => tool.clone(),
            None => value,
        };
        let definition: Definition = serde_json::from_value(definition)
            .context("that is no definition of a tool (docs/TOOLS.md has the fields)")?;
        if definition.mcp.is_some() {
            bail!(
                "`{}` is a tool of an MCP server: its definition is made from what the server says. Use `--server`.",
                definition.name
            );
        }
        Ok(definition)
    };
    match value {
        Value::Array(all) => all.into_iter().map(one).collect(),
        one_alone @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Ok(vec![one(one_alone)?])
        }
    }
}
