//! `makegood tools test`: the conformance kit for a tool that somebody writes.

use anyhow::ensure;
use makegood_core::tool::Definition;

use super::Installation;
use super::arguments::TestTool;
use crate::configuration::Source;

/// Checks the tool, and prints a line for each check. An error where one failed.
pub async fn run(options: &TestTool, source: &Source) -> anyhow::Result<()> {
    let verdict = match &options.url {
        Some(url) => {
            let mut known: Vec<Definition> =
                makegood_town::definitions().into_iter().map(serde_json::from_value).collect::<Result<_, _>>()?;
            // Without a word about an installation, only the demo tools are known by name, and no secrets.
            let mut secrets = String::new();
            if !source.env.is_empty() {
                let installation = Installation::read(source)?;
                let installed = installation.tools().await?.into_iter();
                known.extend(installed.filter(|shown| shown.current).map(|shown| shown.definition));
                secrets = installation.secrets;
            }
            makegood_conformance::run_cli(url.trim_end_matches('/'), &options.sample, &known, &secrets).await?
        }
        None => {
            let installation = Installation::read(source)?;
            let known: Vec<Definition> =
                installation.tools().await?.into_iter().map(|shown| shown.definition).collect();
            makegood_conformance::run_mcp(&installation.servers, &options.sample, &known).await?
        }
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&verdict)?);
    } else {
        println!("{verdict}");
    }
    ensure!(verdict.passed(), "the tool does not keep what its definition declares.");
    Ok(())
}
