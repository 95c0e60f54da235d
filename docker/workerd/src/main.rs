//! Builds functions for Cloudflare Workers and workerd: `cargo run -p makegood-workerd -- intent`, the
//! `gateway` in front of them, or, without a name, all of it.
//!
//! It does with cargo alone what `worker-build` does with three more programs. wasm-bindgen is a
//! library here, and Cargo.lock holds it to the version that the functions are compiled with.
//! Nothing is bundled: wrangler bundles for itself, and workerd takes modules as they are.

mod config;
mod gateway;
mod manifest;
mod sizes;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";

/// Not one of ours, but what our cold starts are measured against.
const HELLO: &str = "hello";

/// What the platform calls; it calls the function.
const SHIM: &str = include_str!("shim.js");

fn main() -> anyhow::Result<()> {
    let root = root()?;
    let named: Vec<String> = std::env::args().skip(1).collect();
    if named == ["gateway"] {
        return gateway::write(&root);
    }
    if named == [HELLO] {
        ensure_target()?;
        let build = root.join("tests/workers/hello/build");
        bind(&compile(&root, HELLO)?, &build)?;
        return config::write_bare(&root, HELLO, &build);
    }
    let known = manifest::functions(&root)?;
    if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
        bail!("there is no function `{unknown}` in spin.toml: name some of {}, or `gateway`", known.join(", "));
    }
    ensure_target()?;
    for function in if named.is_empty() { &known } else { &named } {
        let build = root.join("functions").join(function).join("build");
        bind(&compile(&root, function)?, &build).with_context(|| format!("wasm-bindgen failed for {function}"))?;
        config::write(&root, function, &build)?;
        sizes::report(&root, function, &config::modules(&build, "shim.js")?, &build)?;
    }
    if named.is_empty() {
        gateway::write(&root)?;
        gateway::write_config(&root)?;
    }
    Ok(())
}

/// The repository that cargo was started in. Not the one that this was compiled in: checkouts may
/// share a target folder.
fn root() -> anyhow::Result<PathBuf> {
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let crate_folder = crate_folder.context("start this with `cargo run -p makegood-workerd -- intent`")?;
    let root = crate_folder.ancestors().nth(2).context("this crate has left the repository")?;
    Ok(root.to_owned())
}

/// Adds the target to the toolchain where it is missing.
fn ensure_target() -> anyhow::Result<()> {
    let place = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output()?;
    if Path::new(String::from_utf8_lossy(&place.stdout).trim()).is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    ensure!(
        added.is_ok_and(|status| status.success()),
        "the Rust target {TARGET} is missing and could not be added: run `rustup target add {TARGET}`"
    );
    Ok(())
}

/// Compiles a function, and answers with the file that came of it.
fn compile(root: &Path, function: &str) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--profile", "workers", "--target", TARGET, "--message-format", "json-render-diagnostics"])
        .args(["--package", &format!("makegood-{function}")])
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo could not be started")?;
    let messages = BufReader::new(build.stdout.take().context("cargo has no output")?);
    let mut module = None;
    for line in messages.lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
        module = files.map(PathBuf::from).find(|file| file.extension().is_some_and(|is| is == "wasm")).or(module);
    }
    if !build.wait()?.success() {
        bail!("{function} does not compile for {TARGET}");
    }
    module.with_context(|| format!("cargo made no .wasm of {function}"))
}

/// Writes the module and its JavaScript.
fn bind(module: &Path, build: &Path) -> anyhow::Result<()> {
    // Wrangler builds again at each start, and the module is mostly the same.
    let when = |file: &Path| fs::metadata(file).and_then(|data| data.modified());
    let made = build.join("shim.js");
    if made.is_file() && when(&made)? > when(module)?.max(when(&std::env::current_exe()?)?) {
        return Ok(());
    }
    if build.exists() {
        fs::remove_dir_all(build)?;
    }
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name("index").module(true)?;
    // A trap costs the instance, and the next call makes another.
    bindgen.reset_state_function(true).force_enable_abort_handler(true);
    bindgen.typescript(false).remove_name_section(true).remove_producers_section(true);
    bindgen.generate(build)?;
    // Workers import a module's source without being asked to, and have no syntax to ask.
    let index = build.join("index.js");
    let glue = fs::read_to_string(&index)?.replacen("import source ", "import ", 1);
    fs::write(index, glue)?;
    fs::write(build.join("shim.js"), SHIM)?;
    Ok(())
}
