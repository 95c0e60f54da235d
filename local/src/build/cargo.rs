//! Runs the manifest's build commands, as few as possible.

use crate::host::manifest::Manifest;
use anyhow::{Context, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};

/// One run of cargo for several packages.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    /// After `cargo build`, without packages.
    arguments: Vec<String>,
    packages: BTreeSet<String>,
}

pub(super) fn run(manifest: &Manifest) -> anyhow::Result<()> {
    let mut failed = BTreeSet::new();
    for run in runs(manifest)? {
        if let Some(target) = run.target() {
            ensure_target(&manifest.folder, target)?;
        }
        failed.extend(run.start(&manifest.folder)?);
    }
    ensure!(
        failed.is_empty(),
        "did not compile: {}. What cargo said is above; the last good build of each is still in \
         place",
        Vec::from_iter(failed).join(", ")
    );
    Ok(())
}

/// The manifest's commands, joined where they differ in the package only.
fn runs(manifest: &Manifest) -> anyhow::Result<Vec<Run>> {
    let mut runs: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for (id, component) in &manifest.components {
        let Some(build) = &component.build else {
            continue;
        };
        let (arguments, package) =
            split(&build.command).with_context(|| format!("component.{id}.build.command {:?}", build.command))?;
        runs.entry(arguments).or_default().insert(package);
    }
    let run = |(arguments, packages)| Run { arguments, packages };
    Ok(runs.into_iter().map(run).collect())
}

fn split(command: &str) -> anyhow::Result<(Vec<String>, String)> {
    let mut words = command.split_whitespace();
    if (words.next(), words.next()) != (Some("cargo"), Some("build")) {
        bail!("only `cargo build … -p <package>` can be run here");
    }
    let mut arguments = Vec::new();
    let mut package = None;
    while let Some(word) = words.next() {
        match word {
            "-p" | "--package" => package = words.next().map(str::to_owned),
            _ => arguments.push(word.to_owned()),
        }
    }
    let package = package.context("it names no package: add -p <package>")?;
    Ok((arguments, package))
}

impl Run {
    fn target(&self) -> Option<&str> {
        let at = self.arguments.iter().position(|a| a == "--target")?;
        self.arguments.get(at + 1).map(String::as_str)
    }

    /// Builds, and tells which packages gave no artifact.
    fn start(&self, folder: &Path) -> anyhow::Result<BTreeSet<String>> {
        let mut command = Command::new("cargo");
        command
            .current_dir(folder)
            .arg("build")
            .args(&self.arguments)
            .args(["--keep-going", "--message-format=json-render-diagnostics"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        for package in &self.packages {
            command.args(["-p", package]);
        }
        // Said once more, for here it would be taken from another folder.
        if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
            command.env("CARGO_TARGET_DIR", std::path::absolute(target)?);
        }
        let mut cargo = command.spawn().map_err(missing)?;
        let mut failed = self.packages.clone();
        if let Some(stdout) = cargo.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                if let Some(package) = built(&line.context("cargo's output broke off")?) {
                    failed.remove(&package);
                }
            }
        }
        let status = cargo.wait().context("cargo was lost")?;
        match status.success() {
            true => Ok(BTreeSet::new()),
            // Something else went wrong, such as a lock file out of date.
            false if failed.is_empty() => bail!("cargo build failed ({status}); see above"),
            false => Ok(failed),
        }
    }
}

/// The package of a Wasm artifact, from one line of cargo's messages.
fn built(line: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Message {
        reason: String,
        #[serde(default)]
        manifest_path: String,
        #[serde(default)]
        filenames: Vec<String>,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    let wasm = message.filenames.iter().any(|f| f.ends_with(".wasm"));
    (message.reason == "compiler-artifact" && wasm).then_some(())?;
    let text = std::fs::read_to_string(message.manifest_path).ok()?;
    let manifest: toml::Table = text.parse().ok()?;
    let name = manifest.get("package")?.get("name")?.as_str()?;
    Some(name.to_owned())
}

/// Adds a target to the toolchain where it is missing.
pub(crate) fn ensure_target(folder: &Path, target: &str) -> anyhow::Result<()> {
    let place = Command::new("rustc")
        .current_dir(folder)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .map_err(missing)?;
    if Path::new(String::from_utf8_lossy(&place.stdout).trim()).is_dir() {
        return Ok(());
    }
    tracing::info!(target, "adding the target to the Rust toolchain");
    let added =
        Command::new("rustup").current_dir(folder).args(["target", "add", target]).stdin(Stdio::null()).status();
    match added {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => bail!(
            "the Rust target {target} is missing and could not be added: run \
             `rustup target add {target}` in {}",
            folder.display()
        ),
    }
}

fn missing(error: std::io::Error) -> anyhow::Error {
    if error.kind() == ErrorKind::NotFound {
        return anyhow::anyhow!("cargo was not found: install Rust (https://rustup.rs) and open a new shell");
    }
    anyhow::Error::from(error).context("cargo could not be started")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_differ_in_the_package_only_become_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spin.toml");
        let runs = runs(&Manifest::read(&path).unwrap()).unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].packages.len(), 5);
        assert_eq!(runs[0].target(), Some("wasm32-wasip2"));
    }

    #[test]
    fn a_command_that_is_not_cargos_is_refused() {
        assert!(split("npm run build").is_err());
        assert!(split("cargo build --release").is_err());
    }
}
