//! docs/SEMANTICS.md and docs/GUARANTEES.md name what holds each point; what they name is there.

#![expect(clippy::unwrap_used, reason = "what cannot be read ends the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The points of the checklist.
const POINTS: u32 = 48;

#[derive(Deserialize)]
struct Flaws {
    mutant: Vec<Flaw>,
}

#[derive(Deserialize)]
struct Flaw {
    name: String,
    file: String,
    find: String,
    replace: String,
}

/// What the documents can name.
struct Tree {
    root: PathBuf,
    tests: BTreeSet<String>,
    flaws: BTreeSet<String>,
    /// What the simulator is made of, as it stands.
    simulator: String,
}

impl Tree {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut sources = Vec::new();
        for room in ["shared", "functions", "local", "tests"] {
            collect(&root.join(room), &mut sources);
        }
        let tests = sources.iter().flat_map(|(_, text)| tests_in(text)).collect();
        let of_simulator = sources.iter().filter(|(path, _)| path.starts_with(root.join("tests/sim/src")));
        let simulator = of_simulator.map(|(_, text)| text.as_str()).collect();
        let flaws: Flaws = toml::from_str(&text(&root.join("tests/sim/mutants/mutants.toml"))).unwrap();
        let flaws = flaws.mutant.into_iter().map(|flaw| flaw.name).collect();
        Self { root, tests, flaws, simulator }
    }

    fn doc(&self, name: &str) -> String {
        text(&self.root.join("docs").join(name))
    }

    /// A test, a flaw or a file; `None` for a name that is none of these by its look, such as a tool's.
    fn has(&self, name: &str) -> Option<bool> {
        let words =
            |by: char| name.split(by).filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        if name.contains('/') && !name.starts_with('/') && !name.contains([' ', '"']) {
            return Some(self.root.join(name).exists());
        }
        if name.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')) {
            return None;
        }
        // A test is a sentence.
        if words('_').count() >= 4 && !name.contains('-') {
            return Some(self.tests.contains(name));
        }
        (words('-').count() >= 2 && !name.contains('_')).then(|| self.flaws.contains(name))
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn collect(folder: &Path, sources: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            collect(&path, sources);
        } else if name.ends_with(".rs") {
            sources.push((path.clone(), text(&path)));
        }
    }
}

/// The functions that a source runs as tests: marked as such, or listed in one of the two tables of checks
/// (`module::name` in `scenarios!` of the town and in `ask!` of the conformance kit).
fn tests_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
            found.extend(rest.split_once('(').map(|(name, _)| name.to_owned()));
            marked = false;
        }
        let listed = line.starts_with("ask!(") || (line.ends_with(',') && !line.contains([' ', '(']));
        if let Some((_, name)) = line.rsplit_once("::").filter(|_| listed) {
            found.insert(name.trim_end_matches([',', ')', ';']).to_owned());
        }
    }
    found
}

/// Each piece of `text` between two of `mark`.
fn between(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}

/// The cells of each row that begins with a number.
fn rows(doc: &str) -> Vec<(u32, Vec<&str>)> {
    doc.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
            Some((cells.first()?.parse().ok()?, cells))
        })
        .collect()
}

#[test]
fn every_point_names_what_holds_it() {
    let tree = Tree::read();
    let doc = tree.doc("SEMANTICS.md");
    let rows = rows(&doc);
    let numbers: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=POINTS).collect::<Vec<_>>(), "each point has one row, in order");
    let mut wrong = Vec::new();
    for (number, cells) in &rows {
        let [_, _, _, held] = cells[..] else { panic!("{number} has {} cells", cells.len()) };
        let mut named = 0;
        for name in between(held, '`') {
            named += 1;
            if tree.has(name) != Some(true) {
                wrong.push(format!("{number}: {name} is no test, flaw or file"));
            }
        }
        for words in between(held, '"') {
            named += 1;
            if !tree.simulator.contains(words) {
                wrong.push(format!("{number}: the simulator never says {words:?}"));
            }
        }
        if named == 0 && !held.contains("not held") {
            wrong.push(format!("{number}: nothing is named, and it is not said that nothing holds it"));
        }
    }
    let elsewhere = doc.lines().flat_map(|line| between(line, '`')).filter(|name| tree.has(name) == Some(false));
    wrong.extend(elsewhere.map(|name| format!("{name} is not there")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_flaw_can_be_planted_where_it_is_said_to_be() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let flaws: Flaws = toml::from_str(&text(&root.join("tests/sim/mutants/mutants.toml"))).unwrap();
    let mut wrong = Vec::new();
    for Flaw { name, file, find, replace } in &flaws.mutant {
        let count = text(&root.join(file)).matches(find.as_str()).count();
        if count != 1 || find == replace {
            wrong.push(format!("{name}: what it looks for stands {count} times in {file}, and must once"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let doc = Tree::read().doc("MUTANTS.md");
    let untold: Vec<&str> = flaws.mutant.iter().map(|flaw| flaw.name.as_str()).collect();
    let untold: Vec<&str> = untold.into_iter().filter(|name| !doc.contains(&format!("| `{name}` |"))).collect();
    assert!(untold.is_empty(), "docs/MUTANTS.md lacks {untold:?}");
}

#[test]
fn what_the_guarantees_name_is_there() {
    let tree = Tree::read();
    let doc = tree.doc("GUARANTEES.md");
    let names: Vec<&str> = doc.lines().flat_map(|line| between(line, '`')).collect();
    let wrong: Vec<&&str> = names.iter().filter(|name| tree.has(name) == Some(false)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(names.iter().filter(|name| tree.has(name) == Some(true)).count() > 20);

    let (promised, _) = doc.split_once("## What is not promised").expect("it says what is not promised");
    let promises: Vec<&str> = promised.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).collect();
    assert!((5..=10).contains(&promises.len()), "{} promises", promises.len());
    for promise in promises {
        let tests = between(promise, '`').filter(|name| tree.has(name) == Some(true));
        assert!(tests.count() > 0, "no test is named for: {promise}");
    }
}

#[test]
fn a_name_that_is_not_there_is_seen() {
    let tree = Tree::read();
    assert_eq!(tree.has("what_the_guarantees_name_is_there"), Some(true));
    assert_eq!(tree.has("what_nobody_has_ever_written"), Some(false));
    assert_eq!(tree.has("an_undo_of_nothing_succeeds"), Some(true), "a check of the conformance kit");
    assert_eq!(tree.has("an_undo_before_its_do_leaves_a_tombstone"), Some(true), "a scenario of the town");
    assert_eq!(tree.has("no-tombstone"), Some(true));
    assert_eq!(tree.has("no-such-flaw"), Some(false));
    assert_eq!(tree.has("tests/sim/tests/semantics.rs"), Some(true));
    assert_eq!(tree.has("tests/sim/tests/nothing.rs"), Some(false));
    assert_eq!(tree.has("run_saga"), None);
    let sources = "#[test]\nfn one_is_here() {}\nfn helper_of_it_all() {}\n    places::a_scenario_of_its_own,\n";
    assert_eq!(tests_in(sources).into_iter().collect::<Vec<_>>(), ["a_scenario_of_its_own", "one_is_here"]);
}
