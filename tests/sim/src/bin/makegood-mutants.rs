//! The test of the test: plants the flaws of `mutants/mutants.toml` one by one in a copy of the
//! sources, and runs the simulator until it catches them. One that is not caught fails the run.
//!
//! A violation counts only where the same world is as it should be without the flaw.

use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use makegood_sim::corpus;
use serde::Deserialize;
use serde_json::Value;

const USAGE: &str = "usage: makegood-mutants [--seeds N] [--threads T] [--only NAME,…] [--corpus]
  --corpus  writes the shortest schedule that catches each flaw into tests/sim/corpus";

/// What the simulator is built from.
const CRATES: [&str; 5] = ["shared/core", "shared/gateway", "shared/edge", "functions/execute", "tests/sim"];

#[derive(Deserialize)]
struct List {
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    sentence: String,
    file: String,
    find: String,
    replace: String,
}

struct Wanted {
    seeds: u64,
    threads: u64,
    /// The names of some; none for all.
    only: Vec<String>,
    corpus: bool,
}

/// A copy of the sources in which flaws are planted.
struct Tree {
    root: PathBuf,
    target: PathBuf,
}

/// How a flaw was found out.
struct Caught {
    seed: u64,
    what: String,
}

fn main() -> ExitCode {
    match wanted().and_then(|wanted| run(&wanted)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            let _ = writeln!(stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted { seeds: 20_000, threads: 2, only: Vec::new(), corpus: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut text = || words.next().ok_or_else(|| USAGE.to_owned());
        let number = |text: String| text.replace('_', "").parse::<u64>().map_err(|_| USAGE.to_owned());
        match word.as_str() {
            "--seeds" => wanted.seeds = number(text()?)?,
            "--threads" => wanted.threads = number(text()?)?,
            "--only" => wanted.only = text()?.split(',').map(str::to_owned).collect(),
            "--corpus" => wanted.corpus = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(wanted)
}

fn run(wanted: &Wanted) -> Result<bool, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(here.join("mutants/mutants.toml")).map_err(said)?;
    let list: List = toml::from_str(&list).map_err(|error| error.to_string())?;
    let sources = here.join("../..").canonicalize().map_err(said)?;
    let (tree, clean) = (Tree::new(&sources, std::env::temp_dir().join("makegood-mutants"))?, Tree::clean()?);
    let mut out = stdout();
    writeln!(out, "{:<34} {:>7}  {:>5}  what the simulator said", "flaw", "seeds", "s").map_err(said)?;
    let mut all = true;
    let known = |name: &str| list.mutant.iter().any(|mutant| mutant.name == name);
    if let Some(unknown) = wanted.only.iter().find(|name| !known(name.as_str())) {
        return Err(format!("There is no flaw `{unknown}` in mutants/mutants.toml."));
    }
    let chosen = |mutant: &&Mutant| wanted.only.is_empty() || wanted.only.contains(&mutant.name);
    for mutant in list.mutant.iter().filter(chosen) {
        let began = Instant::now();
        let planted = tree.plant(mutant)?;
        let caught = tree.build(mutant).and_then(|binary| {
            let caught = hunt(wanted, &binary, &clean)?;
            if let Some(caught) = caught.as_ref().filter(|_| wanted.corpus) {
                save(&binary, mutant, caught)?;
            }
            Ok(caught)
        });
        planted.take_back()?;
        let seconds = began.elapsed().as_secs();
        let (seeds, what) = match caught {
            Ok(Some(caught)) => ((caught.seed + 1).to_string(), caught.what),
            // The others are worth their turn all the same.
            missed => {
                all = false;
                ("-".to_owned(), missed.err().unwrap_or_else(|| "NOT CAUGHT".to_owned()))
            }
        };
        let what: String = what.chars().take(90).collect();
        writeln!(out, "{:<34} {seeds:>7}  {seconds:>5}  {what}", mutant.name).map_err(said)?;
        out.flush().map_err(said)?;
    }
    Ok(all)
}

fn said(error: std::io::Error) -> String {
    error.to_string()
}

/// Runs worlds until one breaks that is as it should be without the flaw.
fn hunt(wanted: &Wanted, binary: &Path, clean: &Path) -> Result<Option<Caught>, String> {
    let mut from = 0;
    while from < wanted.seeds {
        let words = [("--from", from), ("--seeds", wanted.seeds - from), ("--threads", wanted.threads)];
        let words: Vec<String> =
            words.iter().flat_map(|(name, value)| [(*name).to_owned(), value.to_string()]).collect();
        let told = Command::new(binary).args(words).output().map_err(said)?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let last = told.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        let last = last.ok_or_else(|| format!("{} said no last word: {told}", binary.display()))?;
        let Some(seed) = last["first"]["seed"].as_u64() else { return Ok(None) };
        let sound = Command::new(clean).args(["--seed", &seed.to_string()]).output().map_err(said)?;
        if sound.status.success() {
            let what = last["first"]["what"].as_str().unwrap_or_default().to_owned();
            return Ok(Some(Caught { seed, what }));
        }
        from = seed + 1;
    }
    Ok(None)
}

/// Has the flawed simulator shrink what it found.
fn save(binary: &Path, mutant: &Mutant, caught: &Caught) -> Result<(), String> {
    let file = corpus::folder().join(format!("{}.json", mutant.name));
    let told = Command::new(binary)
        .args(["--seed", &caught.seed.to_string(), "--caught", &mutant.sentence, "--save"])
        .arg(&file)
        .output()
        .map_err(said)?;
    if told.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&told.stderr).into_owned()) }
}

/// A flaw in its place.
struct Planted {
    file: PathBuf,
    sound: String,
}

impl Planted {
    fn take_back(self) -> Result<(), String> {
        fs::write(&self.file, self.sound).map_err(said)
    }
}

impl Tree {
    /// Copies what the simulator is built from, with a workspace of its own.
    fn new(sources: &Path, root: PathBuf) -> Result<Self, String> {
        if root.exists() {
            fs::remove_dir_all(&root).map_err(said)?;
        }
        for name in CRATES {
            copy(&sources.join(name), &root.join(name))?;
            without_tests(&root.join(name).join("Cargo.toml"))?;
        }
        for name in ["Cargo.lock", "rust-toolchain.toml", "clippy.toml"] {
            fs::copy(sources.join(name), root.join(name)).map_err(said)?;
        }
        let mut manifest = table(&sources.join("Cargo.toml"))?;
        let workspace = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut);
        let workspace = workspace.ok_or("Cargo.toml has no workspace")?;
        let members: Vec<toml::Value> = CRATES.iter().map(|name| toml::Value::from(*name)).collect();
        workspace.insert("members".to_owned(), members.clone().into());
        workspace.insert("default-members".to_owned(), members.into());
        let folders = workspace.get_mut("dependencies").and_then(toml::Value::as_table_mut);
        if let Some(folders) = folders {
            folders.retain(|_, value| {
                value.get("path").and_then(toml::Value::as_str).is_none_or(|path| CRATES.contains(&path))
            });
        }
        fs::write(root.join("Cargo.toml"), manifest.to_string()).map_err(said)?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| sources.join("target"), PathBuf::from);
        Ok(Self { root, target })
    }

    /// The simulator without a flaw: the one beside this program.
    fn clean() -> Result<PathBuf, String> {
        let beside = std::env::current_exe().map_err(said)?.with_file_name("makegood-sim");
        if beside.is_file() {
            Ok(beside)
        } else {
            Err("Build the simulator first: cargo build -p makegood-sim".to_owned())
        }
    }

    fn plant(&self, mutant: &Mutant) -> Result<Planted, String> {
        let file = self.root.join(&mutant.file);
        let sound = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", mutant.file))?;
        let count = sound.matches(&mutant.find).count();
        if count != 1 {
            let name = &mutant.name;
            return Err(format!("{name}: what it looks for stands {count} times in {}, and must once", mutant.file));
        }
        fs::write(&file, sound.replacen(&mutant.find, &mutant.replace, 1)).map_err(said)?;
        Ok(Planted { file, sound })
    }

    fn build(&self, mutant: &Mutant) -> Result<PathBuf, String> {
        let target = self.target.join("mutants");
        let built = Command::new("cargo")
            .args(["build", "--offline", "--quiet", "-p", "makegood-sim", "--bin", "makegood-sim", "--target-dir"])
            .arg(&target)
            .current_dir(&self.root)
            .output()
            .map_err(said)?;
        if !built.status.success() {
            return Err(format!("{} does not build:\n{}", mutant.name, String::from_utf8_lossy(&built.stderr)));
        }
        Ok(target.join("debug/makegood-sim"))
    }
}

fn table(manifest: &Path) -> Result<toml::Table, String> {
    let text = fs::read_to_string(manifest).map_err(said)?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", manifest.display()))
}

/// Strikes out of a manifest what only tests and benchmarks need: those crates are not in the copy.
fn without_tests(manifest: &Path) -> Result<(), String> {
    let mut told = table(manifest)?;
    for name in ["dev-dependencies", "bench"] {
        told.remove(name);
    }
    let targets = told.get_mut("target").and_then(toml::Value::as_table_mut);
    for target in targets.into_iter().flat_map(|targets| targets.iter_mut()) {
        target.1.as_table_mut().map(|target| target.remove("dev-dependencies"));
    }
    fs::write(manifest, told.to_string()).map_err(said)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(said)?;
    for entry in fs::read_dir(from).map_err(said)? {
        let entry = entry.map_err(said)?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(said)?);
        if kind.is_dir() {
            if name != "target" && name != "build" {
                copy(&entry.path(), &to.join(name))?;
            }
        } else {
            fs::copy(entry.path(), to.join(name)).map_err(said)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The build of a flaw takes a minute; that there can be one is seen in a moment.
    #[test]
    fn the_copy_is_a_workspace_that_cargo_can_build() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let tree =
            Tree::new(&sources, std::env::temp_dir().join(format!("makegood-mutants-{}", std::process::id()))).unwrap();
        let mut cargo = Command::new("cargo");
        let told = cargo.args(["tree", "--offline", "-p", "makegood-sim"]).current_dir(&tree.root).output().unwrap();
        fs::remove_dir_all(&tree.root).unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let told = String::from_utf8_lossy(&told.stdout);
        assert!(told.contains("makegood-execute") && !told.contains("makegood-cloud"), "{told}");
    }
}
