//! `makegood tools add`: registers tools, from files, from components, or from an MCP server. Who adds a tool approves
//! of what its server, or its component, says of it now; one that is added already is compared, and the change is shown
//! before it is taken.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use makegood_core::tool::{Definition, Mcp};
use makegood_edge::mcp;
use makegood_gateway::mcp::discovery::{Draft, Words, draft};
use makegood_gateway::pins::Shown;
use makegood_gateway::store;
use serde_json::Value;

use super::arguments::AddTools;
use super::component::Components;
use super::{Installation, files, host, now};
use crate::configuration::Source;

pub async fn run(installation: &Installation, options: &AddTools, source: &Source) -> anyhow::Result<()> {
    let known = installation.tools().await?;
    let Some(server) = &options.server else {
        ensure!(options.words.is_none(), "--words says something of a server's tools: name the server with --server.");
        ensure!(!options.what.is_empty(), "Name files with definitions, or a server with --server.");
        let (components, paths): (Vec<PathBuf>, Vec<PathBuf>) =
            options.what.iter().map(PathBuf::from).partition(|path| path.extension().is_some_and(|end| end == "wasm"));
        let tools = files::read(&paths)?;
        let components = Components::read(&components, options, source).await?;
        // All are looked at before the first is registered.
        for tool in &tools {
            not_anothers(&known, tool)?;
        }
        components.check(&known)?;
        for tool in &tools {
            if !options.dry_run {
                register(installation, tool).await?;
            }
            println!("{} {}", tool.name, tool.version);
        }
        components.add(installation, &known, options.dry_run).await?;
        return Ok(());
    };
    let words = match &options.words {
        None => Words::default(),
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} (docs/MCP.md has the fields)", file.display()))?
        }
    };
    let (era, list) =
        mcp::list(&host(), &installation.server(server)?).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let names = chosen(&list, options, &words)?;
    // All are made before the first is registered.
    let mut drafts = Vec::new();
    for name in &names {
        let made = draft(server, era, &list, name, &words).map_err(|error| anyhow::anyhow!("{error}"))?;
        not_anothers(&known, &made.definition)?;
        drafts.push(made);
    }
    let mut ours: Vec<&str> = drafts.iter().map(|draft| draft.definition.name.as_str()).collect();
    ours.sort_unstable();
    if let Some(twice) = ours.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
        bail!("Two tools would be called `{twice}`. Give one of them a `name` with --words.");
    }
    for Draft { definition, notes } in &drafts {
        let standing = standing(&known, definition);
        if !options.dry_run {
            register(installation, definition).await?;
        }
        println!("{} {} {standing}", definition.name, definition.version);
        for note in notes {
            println!("  {note}");
        }
    }
    Ok(())
}

/// The tools that are meant: those that are named, or those that the words are about, or all. What others are
/// undone by, or tell their status by, is no tool of its own unless it is named.
fn chosen(list: &[Value], options: &AddTools, words: &Words) -> anyhow::Result<Vec<String>> {
    if !options.what.is_empty() {
        return Ok(options.what.clone());
    }
    if !words.tools.is_empty() {
        return Ok(words.tools.keys().cloned().collect());
    }
    let names: Vec<String> =
        list.iter().filter_map(|tool| tool.get("name").and_then(Value::as_str).map(str::to_owned)).collect();
    ensure!(!names.is_empty(), "The server lists no tools.");
    Ok(names)
}

/// A name belongs to whoever has it first: another server, or an address of ours, is not taken for it.
pub(super) fn not_anothers(known: &[Shown], tool: &Definition) -> anyhow::Result<()> {
    let of = |definition: &Definition| definition.mcp.as_ref().map(|mcp| (mcp.server.clone(), mcp.tool.clone()));
    let Some(other) = known.iter().find(|shown| shown.name == tool.name && of(&shown.definition) != of(tool)) else {
        return Ok(());
    };
    let whose = match &other.definition.mcp {
        Some(Mcp { server, tool, .. }) => format!("the tool `{tool}` of the MCP server `{server}`"),
        None => "a tool over HTTP".to_owned(),
    };
    bail!("`{}` is {whose} already. Give this one another name.", tool.name)
}

/// What adding it changes, in words.
pub(super) fn standing(known: &[Shown], tool: &Definition) -> String {
    let Some(before) = known.iter().find(|shown| shown.name == tool.name) else { return "new".to_owned() };
    if before.version == tool.version {
        return if before.current { "as before".to_owned() } else { "in use again".to_owned() };
    }
    let changed = |what: &str, is: bool| is.then(|| what.to_owned());
    let was = &before.definition;
    let pin = |definition: &Definition| definition.mcp.as_ref().map(|mcp| mcp.pin.clone());
    let changes: Vec<String> = [
        changed("what the server says of it", pin(was) != pin(tool)),
        changed("the description", was.description != tool.description),
        changed("the input", was.input != tool.input),
        changed("the output", was.output != tool.output),
        changed("the class", was.class != tool.class),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!(
        "in place of {}; changed: {}",
        before.version,
        if changes.is_empty() { "other words of yours".to_owned() } else { changes.join(", ") }
    )
}

pub(super) async fn register(installation: &Installation, tool: &Definition) -> anyhow::Result<()> {
    let answer = installation.ask(&store::register(tool, now()?)).await?;
    if answer.scalar().as_deref() != Some("t") {
        bail!(
            "The tool `{}` {} is registered with another definition. Give the changed one a new version.",
            tool.name,
            tool.version
        );
    }
    Ok(())
}
