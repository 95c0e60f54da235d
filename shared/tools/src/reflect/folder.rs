//! Where the files are checked in: written, and compared with what they should be.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::{File, rust};

/// A folder that holds what was reflected, and nothing else that looks like it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes all files, and removes those of tables that are not reflected any more. The names of what has changed.
    ///
    /// # Errors
    /// Where the folder cannot be read or written.
    pub fn write(&self, files: &[File]) -> io::Result<Vec<String>> {
        std::fs::create_dir_all(&self.path)?;
        let before = self.read()?;
        let mut changed = Vec::new();
        for file in files.iter().filter(|file| before.get(&file.name) != Some(&file.text)) {
            std::fs::write(self.path.join(&file.name), &file.text)?;
            changed.push(file.name.clone());
        }
        for name in before.keys().filter(|name| !files.iter().any(|file| file.name == **name)) {
            std::fs::remove_file(self.path.join(name))?;
            changed.push(name.clone());
        }
        Ok(changed)
    }

    /// How the files differ from what is there, as one unified diff: `-` is what is checked in, `+` what the database
    /// says. Empty where nothing does.
    ///
    /// # Errors
    /// Where the folder cannot be read. One that is not there is empty.
    pub fn compare(&self, files: &[File]) -> io::Result<String> {
        let mut before = if self.path.exists() { self.read()? } else { BTreeMap::new() };
        let mut after: BTreeMap<&str, &str> =
            files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
        let gone: Vec<String> = before.keys().filter(|name| !after.contains_key(name.as_str())).cloned().collect();
        after.extend(gone.iter().map(|name| (name.as_str(), "")));
        let mut diff = String::new();
        for (name, text) in after {
            let old = before.remove(name).unwrap_or_default();
            if old != text {
                let shown = |what: &str| format!("{} ({what})", self.path.join(name).display());
                let changes = TextDiff::from_lines(old.as_str(), text);
                let header = (shown("checked in"), shown("from the database"));
                diff.push_str(&changes.unified_diff().header(&header.0, &header.1).to_string());
            }
        }
        Ok(diff)
    }

    /// What was reflected into the folder, by name.
    fn read(&self) -> io::Result<BTreeMap<String, String>> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if is_ours(&path, &name)? {
                files.insert(name, std::fs::read_to_string(&path)?);
            }
        }
        Ok(files)
    }
}

/// Other files may stand beside ours, and are left alone.
fn is_ours(path: &Path, name: &str) -> io::Result<bool> {
    if name.ends_with(".input.json") || name.ends_with(".row.json") {
        return Ok(true);
    }
    Ok(name.ends_with(".rs") && std::fs::read_to_string(path)?.starts_with(rust::MARK))
}
