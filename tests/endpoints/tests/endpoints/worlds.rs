//! `wit/` is what the functions really import and export, and it can be read by others.

use std::collections::BTreeSet;
use std::path::PathBuf;

use makegood_endpoints::binary;
use makegood_local::host::imports_of;
use makegood_local::host::manifest::Manifest;
use wit_parser::{Resolve, UnresolvedPackageGroup};

fn wit(name: &str) -> String {
    std::fs::read_to_string(binary::root().join("wit").join(name)).unwrap()
}

/// The interfaces that the world `function` imports, as `namespace:package/interface@version`.
fn imports_of_the_world() -> BTreeSet<String> {
    let text = wit("world.wit");
    let start = text.find("world function {").expect("the world is there");
    let world = &text[start..start + text[start..].find('}').expect("and it ends")];
    let lines = world.lines().filter_map(|line| line.trim().strip_prefix("import ")?.strip_suffix(';'));
    lines.map(str::to_owned).collect()
}

/// Where semantic versions say that a later one serves as well: 0.3.0 and 0.3.1, 1.2.0 and 1.3.0.
fn same_line(import: &str) -> String {
    let Some((interface, version)) = import.split_once('@') else { return import.to_owned() };
    let parts: Vec<&str> = version.split('.').collect();
    let kept = if parts[0] == "0" { 2 } else { 1 };
    format!("{interface}@{}", parts[..kept].join("."))
}

fn components() -> Vec<(String, PathBuf)> {
    binary::makegood();
    let manifest = Manifest::read(&binary::manifest()).unwrap();
    let components = manifest.components.into_iter().map(|(name, component)| (name, component.source));
    components.collect()
}

#[test]
fn no_function_imports_anything_beyond_the_world() {
    let allowed: BTreeSet<String> = imports_of_the_world().iter().map(|import| same_line(import)).collect();
    assert!(!allowed.is_empty());
    let (mut used, mut foreign) = (BTreeSet::new(), BTreeSet::new());
    for (name, source) in components() {
        let wasm = std::fs::read(&source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
        for import in imports_of(&wasm).unwrap() {
            if !used.insert(same_line(&import)) || allowed.contains(&same_line(&import)) {
                continue;
            }
            foreign.insert(format!("{import}, by {name}"));
        }
    }
    assert!(foreign.is_empty(), "not in wit/world.wit: {foreign:#?}");
    let unused: Vec<&String> = allowed.difference(&used).collect();
    assert!(unused.is_empty(), "wit/world.wit grants what no function needs: {unused:?}");
}

#[test]
fn the_world_of_functions_is_well_formed_and_versioned() {
    let group =
        UnresolvedPackageGroup::parse("world.wit", &wit("world.wit")).unwrap_or_else(|error| panic!("{error:#?}"));
    assert_eq!(group.main.name.to_string(), "makegood:functions@0.1.0");
    let (_, world) = group.main.worlds.iter().next().expect("it holds a world");
    assert_eq!((world.name.as_str(), world.exports.len()), ("function", 1));
    assert_eq!(world.imports.len(), imports_of_the_world().len(), "read alike by the parser and by the test above");
}

#[test]
fn no_function_can_reach_files_or_sockets() {
    for import in imports_of_the_world() {
        assert!(!import.starts_with("wasi:filesystem") && !import.starts_with("wasi:sockets"), "{import}");
    }
}

#[test]
fn the_world_of_tools_is_well_formed_and_versioned() {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("tool.wit", &wit("tool.wit")).unwrap_or_else(|error| panic!("{error:#}"));
    let package = &resolve.packages[package];
    assert_eq!(package.name.to_string(), "makegood:tool@0.1.0");
    let world = &resolve.worlds[package.worlds["tool"]];
    assert!(world.imports.is_empty() || world.exports.len() == 1, "a tool reaches nothing that it is not given");
    let functions: Vec<&str> =
        resolve.interfaces[package.interfaces["actions"]].functions.keys().map(String::as_str).collect();
    assert_eq!(functions, ["describe", "perform", "undo", "status"]);
}
