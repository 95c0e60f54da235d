//! `makegood tools build`: a component of a tool that is written in Rust, and what it weighs. Deliberately absent:
//! other languages, whose own tools make components of the world in `wit/tool.wit`; `makegood tools add` takes them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::component::describe;
use crate::build::{ensure_target, weigh};

const TARGET: &str = "wasm32-wasip2";

/// Builds the crate in `folder`, and shows what came of it.
pub async fn run(folder: &Path) -> anyhow::Result<()> {
    ensure!(
        folder.join("Cargo.toml").is_file(),
        "There is no Cargo.toml in {}. Name the folder of the tool's crate.",
        folder.display()
    );
    let folder = folder.to_owned();
    let built = tokio::task::spawn_blocking(move || {
        ensure_target(&folder, TARGET)?;
        cargo(&folder)
    });
    let path = built.await.context("building was cut off")??;
    let wasm = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let definition = describe(&wasm, None).await.with_context(|| path.display().to_string())?;
    let size = weigh(&definition.name, &wasm)?;
    println!("{} {}: {} bytes, {} with gzip", definition.name, definition.version, size.bytes, size.gzipped);
    println!("{}", path.display());
    Ok(())
}

/// Has Cargo build it, and gives the component's place.
fn cargo(folder: &Path) -> anyhow::Result<PathBuf> {
    let output = Command::new("cargo")
        .current_dir(folder)
        .args(["build", "--release", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started: install Rust (https://rustup.rs) and open a new shell")?;
    ensure!(output.status.success(), "cargo build failed ({}); what it said is above", output.status);
    let text = String::from_utf8(output.stdout).context("cargo's messages are no text")?;
    text.lines()
        .filter_map(component)
        .next_back()
        .context("cargo built no component: the crate's `[lib]` needs `crate-type = [\"cdylib\"]`")
}

/// The component of one of Cargo's messages. The crate's own comes last.
fn component(line: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    let wasm = message.filenames.into_iter().find(|file| file.extension().is_some_and(|end| end == "wasm"));
    wasm.filter(|_| message.reason == "compiler-artifact")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_the_file_of_an_artifact() {
        let line = r#"{"reason":"compiler-artifact","filenames":["/t/liba.rlib","/t/a.wasm"]}"#;
        assert_eq!(component(line), Some(PathBuf::from("/t/a.wasm")));
        let others = [r#"{"reason":"build-finished","success":true}"#, "warning: x", ""];
        assert!(others.iter().all(|line| component(line).is_none()));
    }
}
