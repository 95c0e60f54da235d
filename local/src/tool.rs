//! `makegood tool check`: the conformance kit for a tool that somebody writes.

use anyhow::ensure;

use crate::cli::CheckTool;

/// Checks the tool, and prints a line for each check. An error where one failed.
pub async fn check(options: &CheckTool) -> anyhow::Result<()> {
    let base = options.url.trim_end_matches('/');
    let known = makegood_town::definitions().into_iter().map(serde_json::from_value).collect::<Result<Vec<_>, _>>()?;
    let verdict = makegood_conformance::run_cli(base, &options.sample, &known).await?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&verdict)?);
    } else {
        println!("{verdict}");
    }
    ensure!(verdict.passed(), "the tool does not keep what its definition declares.");
    Ok(())
}
