//! Definitions in files: one, a list of them, or a sample of the conformance kit that holds one. Each is checked.

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
        definition
            .check()
            .map_err(|fault| anyhow::anyhow!("the tool `{}`: {fault}", definition.name.escape_default()))?;
        Ok(definition)
    };
    match value {
        Value::Array(all) => all.into_iter().map(one).collect(),
        one_alone @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Ok(vec![one(one_alone)?])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_definition_in_a_file_is_held_to_what_every_definition_must_keep() {
        let definition = |but: Value| {
            let mut definition = json!({
                "name": "ride", "version": "1", "title": "A ride", "description": "", "class": "pivot", "repeat": "never",
                "status": false, "fence": false, "timeout_ms": 1000, "estimate_ms": 10, "input": {}, "output": {},
            });
            for (name, value) in but.as_object().cloned().unwrap_or_default() {
                definition[name] = value;
            }
            definition
        };
        assert_eq!(definitions(&definition(json!({})).to_string()).unwrap().len(), 1);
        for (but, words) in [
            (json!({"name": "run_saga"}), "built in"),
            (json!({"name": "a/b"}), "no name"),
            (json!({"cost_minor": -1_000_000}), "`cost_minor`"),
            (json!({"class": "retriable"}), "until it succeeds"),
        ] {
            let wrong = definition(but);
            for text in [wrong.to_string(), json!([definition(json!({})), {"tool": wrong, "params": {}}]).to_string()] {
                let refused = format!("{:#}", definitions(&text).unwrap_err());
                assert!(refused.contains(words), "{refused}");
            }
        }
    }
}
