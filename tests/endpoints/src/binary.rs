//! Builds `makegood` and the functions once, and says where they are.
//!
//! Cargo gives a test the path of a binary of its own package only, so this one is asked for by
//! name. A file lock keeps two test processes from building over each other's heads.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The manifest that every test runs.
#[must_use]
pub fn manifest() -> PathBuf {
    root().join("spin.toml")
}

/// The built binary, with the functions built beside it; or what `MAKEGOOD` names, which is taken as it is.
pub fn makegood() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(built) = std::env::var_os("MAKEGOOD") {
            return std::path::absolute(built).unwrap();
        }
        let target = target_dir();
        std::fs::create_dir_all(&target).unwrap();
        let lock = File::create(target.join("makegood-endpoints.lock")).unwrap();
        lock.lock().unwrap();
        // As `cargo test` has built it: for one package alone most crates would be built again, with fewer features.
        let all = ["build", "--quiet", "--workspace", "--exclude", "makegood-workerd", "--lib", "--bins", "--tests"];
        run(Command::new(env!("CARGO")).args(all).arg("--examples"));
        let binary = target.join("debug/makegood");
        run(Command::new(&binary).arg("build").arg("--manifest").arg(manifest()));
        binary
    })
}

/// Where Cargo writes, and `makegood` looks for the functions.
#[must_use]
pub fn target_dir() -> PathBuf {
    // The functions' build reads the same variable.
    if let Some(given) = std::env::var_os("CARGO_TARGET_DIR") {
        return std::path::absolute(root().join(given)).unwrap();
    }
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("cargo answers in JSON");
    metadata["target_directory"].as_str().expect("there is a target folder").into()
}

fn run(command: &mut Command) {
    let output = command.current_dir(root()).output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
