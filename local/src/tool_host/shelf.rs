//! The folder of tools in Wasm: `{sha256}.wasm` is code, `{name}.json` says which code a tool is now, and what it was
//! when it was added. Code stays when another takes its place: what it did is undone by it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use makegood_core::tool::{Definition, is_name};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longer code is not taken.
const MOST: usize = 16 << 20;

#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

/// A tool as it was added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Of its code, in hexadecimal.
    pub sha256: String,
    pub definition: Definition,
}

impl Shelf {
    /// `folder` need not be there: then there are no tools.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The tool of this name, if it is one of ours.
    ///
    /// # Errors
    /// Where its file cannot be read.
    pub fn find(&self, name: &str) -> anyhow::Result<Option<Pin>> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.pin(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        serde_json::from_slice(&text).map(Some).with_context(|| format!("{} is damaged", path.display()))
    }

    /// The code of this hash.
    ///
    /// # Errors
    /// Where it is not there, or is not what was added.
    pub fn code(&self, sha256: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.code_of(sha256);
        let wasm = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        ensure!(hash(&wasm) == sha256, "{} was changed since it was added", path.display());
        Ok(wasm)
    }

    /// Puts code there. No tool is it yet: that is for [`Self::pin_to`].
    ///
    /// # Errors
    /// Where it is too long, or cannot be written.
    pub fn put(&self, wasm: &[u8]) -> anyhow::Result<String> {
        check_size(wasm)?;
        let sha256 = hash(wasm);
        self.write(&self.code_of(&sha256), wasm)?;
        Ok(sha256)
    }

    /// Has the tool of the definition's name be that code from now on.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn pin_to(&self, pin: &Pin) -> anyhow::Result<()> {
        ensure!(is_name(&pin.definition.name), "`{}` is no name for a tool", pin.definition.name);
        self.write(&self.pin(&pin.definition.name), &serde_json::to_vec_pretty(pin)?)
    }

    fn pin(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn code_of(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}.wasm"))
    }

    fn write(&self, path: &Path, content: &[u8]) -> anyhow::Result<()> {
        whole(&self.folder, path, content).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// All or nothing: a platform may read at the same time.
fn whole(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let part = path.with_extension(format!("part-{:016x}", rand::random::<u64>()));
    let written = fs::write(&part, content).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // On a full disk a beginning of it may be there.
        let _ = fs::remove_file(&part);
    }
    written
}

/// # Errors
/// Where the code is longer than a tool's may be.
pub fn check_size(wasm: &[u8]) -> anyhow::Result<()> {
    ensure!(wasm.len() <= MOST, "{} bytes are too many: a tool may have {MOST}", wasm.len());
    Ok(())
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    makegood_gateway::hexadecimal(&Sha256::digest(bytes)[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pin(sha256: &str) -> Pin {
        let definition = json!({
            "name": "a_tool", "version": "1", "title": "", "description": "", "class": "query", "repeat": "never",
            "status": false, "fence": false, "timeout_ms": 1, "estimate_ms": 1, "input": {}, "output": {},
        });
        Pin { sha256: sha256.to_owned(), definition: serde_json::from_value(definition).unwrap() }
    }

    #[test]
    fn a_tool_is_the_code_that_it_was_pinned_to_last_and_earlier_code_stays() {
        let folder = tempfile::TempDir::new().unwrap();
        let shelf = Shelf::new(folder.path().join("tools"));
        assert_eq!(shelf.find("a_tool").unwrap(), None, "without a folder");
        let (one, other) = (shelf.put(b"one").unwrap(), shelf.put(b"other").unwrap());
        assert_eq!(shelf.find("a_tool").unwrap(), None);
        for sha256 in [&one, &other] {
            shelf.pin_to(&pin(sha256)).unwrap();
            assert_eq!(shelf.find("a_tool").unwrap(), Some(pin(sha256)));
        }
        assert_eq!(shelf.code(&one).unwrap(), b"one");
        let mut names: Vec<_> = fs::read_dir(folder.path().join("tools"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let mut expected = vec![format!("{one}.wasm"), format!("{other}.wasm"), "a_tool.json".to_owned()];
        expected.sort();
        assert_eq!(names, expected, "nothing half written is left");
    }

    #[test]
    fn changed_code_is_not_the_tool_and_no_name_leads_out_of_the_folder() {
        let folder = tempfile::TempDir::new().unwrap();
        let shelf = Shelf::new(folder.path().to_owned());
        let sha256 = shelf.put(b"code").unwrap();
        fs::write(folder.path().join(format!("{sha256}.wasm")), b"c0de").unwrap();
        assert!(shelf.code(&sha256).unwrap_err().to_string().contains("was changed since it was added"));
        assert!(shelf.code(&hash(b"never")).unwrap_err().to_string().contains("cannot read"));
        fs::write(folder.path().join("a_tool.json"), "{").unwrap();
        assert!(shelf.find("a_tool").unwrap_err().to_string().contains("is damaged"));
        let inner = Shelf::new(folder.path().join("inner"));
        assert_eq!(inner.find("../a_tool").unwrap(), None);
        assert!(shelf.put(&vec![0; MOST + 1]).unwrap_err().to_string().contains("too many"));
    }
}
