//! Tools in Wasm for `makegood tools add`: each says itself what it is, in the sandbox that it is to run in, and is put
//! into the data folder of the platform that is to run it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use makegood_core::tool::Definition;
use makegood_gateway::pins::Shown;

use super::Installation;
use super::add::{not_anothers, register, standing};
use super::arguments::AddTools;
use crate::cli::Place;
use crate::configuration::Source;
use crate::data_dir::{COMPILED, TOOLS, is_a_platforms};
use crate::saga::figures::whole;
use crate::tool_host::sandbox::{Limits, Sandbox};
use crate::tool_host::shelf::{Pin, Shelf, check_size, hash};
use crate::tool_host::world::definition;

/// Those that are to be added.
pub struct Components {
    shelf: Shelf,
    all: Vec<(Vec<u8>, Definition)>,
}

impl Components {
    /// Reads them, and asks each what it is.
    ///
    /// # Errors
    /// Where one is no tool, or there is no platform to run it. Nothing is changed by then.
    pub async fn read(paths: &[PathBuf], options: &AddTools, source: &Source) -> anyhow::Result<Self> {
        if paths.is_empty() {
            return Ok(Self { shelf: Shelf::new(PathBuf::new()), all: Vec::new() });
        }
        let place = Place { manifest: source.manifest.clone(), data_dir: options.data_dir.clone() };
        let data_dir = place.data_dir(&place.manifest()?);
        ensure!(
            is_a_platforms(&data_dir),
            "No platform has used {} yet. Start `makegood up` once, or name its folder with --data-dir.",
            data_dir.display()
        );
        let mut all = Vec::new();
        for path in paths {
            let wasm = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let definition = describe(&wasm, Some(&data_dir.join(COMPILED))).await;
            all.push((wasm, definition.with_context(|| path.display().to_string())?));
        }
        Ok(Self { shelf: Shelf::new(data_dir.join(TOOLS)), all })
    }

    /// Whether each may have the name that it gives itself.
    ///
    /// # Errors
    /// Where another tool has it.
    pub fn check(&self, known: &[Shown]) -> anyhow::Result<()> {
        for (place, (_, tool)) in self.all.iter().enumerate() {
            let name = &tool.name;
            let twice = self.all.iter().skip(place + 1).any(|(_, other)| other.name == *name);
            ensure!(!twice, "Two of the components call themselves `{name}`. Add one of them.");
            not_anothers(known, tool)?;
            if self.shelf.find(name)?.is_none() && known.iter().any(|shown| shown.name == *name) {
                bail!("`{name}` is a tool over HTTP already. Give this one another name.");
            }
        }
        Ok(())
    }

    /// Puts them where the platform finds them, registers them, and shows what each said of itself.
    ///
    /// # Errors
    /// Where one cannot be put there or registered; those before it are.
    pub async fn add(self, installation: &Installation, known: &[Shown], dry_run: bool) -> anyhow::Result<()> {
        for (wasm, definition) in self.all {
            let standing = standing(known, &definition);
            if !dry_run {
                let sha256 = self.shelf.put(&wasm)?;
                register(installation, &definition).await?;
                // Last: until now, calls are answered by the code that was there before.
                self.shelf.pin_to(&Pin { sha256, definition: definition.clone() })?;
            }
            println!("{} {} {standing}", definition.name, definition.version);
            println!("{}", whole(&serde_json::to_string_pretty(&definition)?));
        }
        Ok(())
    }
}

/// What a component says of itself, asked twice. `cache` is where what is compiled is kept.
///
/// # Errors
/// Where it is none, or what it says does not hold.
pub async fn describe(wasm: &[u8], cache: Option<&Path>) -> anyhow::Result<Definition> {
    check_size(wasm)?;
    let sandbox = Sandbox::new(Limits::default())?;
    let sha256 = hash(wasm);
    let tool = sandbox.load("added", wasm, cache)?;
    let said = async || {
        let described = sandbox.describe(&tool).await.context("it was asked what it is")?;
        definition(&described, &sha256).context("what it says of itself does not hold")
    };
    let (one, other) = (said().await?, said().await?);
    ensure!(one == other, "it describes itself otherwise each time that it is asked");
    Ok(one)
}
