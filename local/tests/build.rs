//! Building what a manifest names: two small crates without dependencies.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use makegood_local::build::{Outcome, ensure};
use makegood_local::host::manifest::Manifest;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn workspace() -> (PathBuf, Manifest) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-fixture");
    let mut spin = "spin_manifest_version = 2\n[application]\nname = \"x\"\n".to_owned();
    for name in ["fine", "moody"] {
        let package = format!("build-fixture-{name}");
        std::fs::create_dir_all(folder.join(name)).unwrap();
        let cargo = format!(
            "[package]\nname = \"{package}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [lib]\ncrate-type = [\"cdylib\"]\npath = \"lib.rs\"\n"
        );
        std::fs::write(folder.join(name).join("Cargo.toml"), cargo).unwrap();
        write(&folder, name, "// As good as empty.");
        spin += &format!(
            "[component.{name}]\n\
             source = \"target/wasm32-wasip2/debug/{}.wasm\"\n\
             [component.{name}.build]\n\
             command = \"cargo build --target wasm32-wasip2 -p {package}\"\n\
             watch = [\"{name}/*.rs\"]\n",
            package.replace('-', "_")
        );
    }
    let cargo = "[workspace]\nresolver = \"3\"\nmembers = [\"fine\", \"moody\"]\n";
    std::fs::write(folder.join("Cargo.toml"), cargo).unwrap();
    std::fs::write(folder.join("spin.toml"), spin).unwrap();
    let manifest = Manifest::read(&folder.join("spin.toml")).unwrap();
    (folder, manifest)
}

fn write(folder: &Path, name: &str, code: &str) {
    std::fs::write(folder.join(name).join("lib.rs"), code).unwrap();
}

#[test]
fn functions_are_built_when_they_changed_and_a_broken_one_leaves_the_last_in_place() {
    let (folder, manifest) = workspace();
    let Outcome::Built(report) = ensure(&manifest).unwrap() else {
        panic!("new sources must be built");
    };
    let built: Vec<_> = report.0.iter().map(|s| s.function.as_str()).collect();
    assert_eq!(built, ["fine", "moody"]);
    assert!(report.0.iter().all(|s| s.gzipped > 0 && s.gzipped < s.bytes));

    let asked = Instant::now();
    assert!(matches!(ensure(&manifest).unwrap(), Outcome::Unchanged));
    // Generous: what matters is that cargo was not asked.
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());

    write(&folder, "moody", "not a program");
    write(&folder, "fine", "pub fn more() {}");
    let last = std::fs::read(&manifest.components["moody"].source).unwrap();
    let error = ensure(&manifest).unwrap_err().to_string();
    assert!(error.contains("build-fixture-moody"), "{error}");
    assert!(!error.contains("build-fixture-fine"), "{error}");
    assert_eq!(std::fs::read(&manifest.components["moody"].source).unwrap(), last);
    assert!(ensure(&manifest).is_err(), "broken until it is mended");

    write(&folder, "moody", "// Mended.");
    assert!(matches!(ensure(&manifest).unwrap(), Outcome::Built(_)));
}
