//! The sources of the functions and of what they share, for tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// Each with its path in the repository.
pub fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    for part in ["functions", "shared"] {
        for package in fs::read_dir(root.join(part)).unwrap() {
            add(&package.unwrap().path().join("src"), &mut files);
        }
    }
    let read = |file: PathBuf| {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        (name, fs::read_to_string(file).unwrap())
    };
    files.into_iter().map(read).collect()
}

fn add(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
