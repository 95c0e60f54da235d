//! The data folder: one platform at a time, and emptied only where it is a platform's.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::bail;
use makegood_cloud::folder::remedy;

/// Marks a folder as a platform's, and is locked while one runs. The operating system lets go of the
/// lock when the process ends, however it ends.
const LOCK: &str = "makegood.lock";
/// What clients of the emulators need to know.
pub const CLIENTS: &str = "clients.env";
/// Tools in Wasm: `makegood tools add` puts them there.
pub const TOOLS: &str = "tools";
/// What a platform writes beside it, the last two for a moment.
const DATA: [&str; 9] =
    ["postgres", "qstash", "redis", "otlp", TOOLS, "secrets.json", CLIENTS, "secrets.new", "clients.new"];
/// Where `makegood emulate` keeps the data of single services, in a folder each, unless it is told another place. They
/// are not the platform's, and stay.
pub const EMULATE: &str = "emulate";
/// Compiled code of tools, and of functions where it cannot be kept beside the build. It is not data: it stays when the
/// rest goes.
pub const COMPILED: &str = "compiled";

/// Whether a platform was here, so that what is put there is found by the next.
#[must_use]
pub fn is_a_platforms(path: &Path) -> bool {
    path.join(LOCK).is_file()
}

/// A folder in use by this process.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Takes the folder, making it where there is none; with `fresh` removes what an earlier platform
    /// left in it.
    pub fn take(path: &Path, fresh: bool) -> anyhow::Result<Self> {
        let unusable = |error: io::Error| {
            let remedy = remedy(&error);
            anyhow::anyhow!("The data folder {} cannot be written: {error}; {remedy}.", path.display())
        };
        if fresh {
            refuse_what_is_not_ours(path)?;
        } else {
            refuse_to_mark_what_is_anothers(path)?;
        }
        fs::create_dir_all(path).map_err(unusable)?;
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).open(path.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("Another process uses {}. End it, or choose another folder with --data-dir.", path.display())
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let taken = Self { path: path.to_owned(), _lock: lock };
        if fresh {
            taken.empty()?;
        }
        Ok(taken)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn empty(&self) -> anyhow::Result<()> {
        for name in DATA {
            let path = self.path.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let remedy = remedy(&error);
                    bail!("{} cannot be removed: {error}; {remedy}.", path.display());
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// A folder is marked once, when it holds nothing that a platform would take for its own: the mark says that all of it
/// may be removed.
fn refuse_to_mark_what_is_anothers(path: &Path) -> anyhow::Result<()> {
    if !path.join(LOCK).exists()
        && let Some(name) = DATA.iter().find(|name| **name != "secrets.json" && path.join(name).exists())
    {
        bail!(
            "{} is there, and no platform has left its {LOCK} in {}. Choose another folder with --data-dir.",
            path.join(name).display(),
            path.display()
        );
    }
    Ok(())
}

fn refuse_what_is_not_ours(path: &Path) -> anyhow::Result<()> {
    let Ok(entries) = fs::read_dir(path) else { return Ok(()) };
    let names: Vec<_> = entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
    let known = |name: &std::ffi::OsString| {
        name == LOCK || name == COMPILED || name == EMULATE || DATA.iter().any(|data| name == *data)
    };
    let why = if let Some(foreign) = names.iter().find(|name| !known(name)) {
        format!("{} is not from a platform", path.join(foreign).display())
    } else if !names.iter().any(|name| name == LOCK)
        && names.iter().any(|name| name != EMULATE && name != "secrets.json")
    {
        format!("no platform has left its {LOCK} in {}", path.display())
    } else {
        return Ok(());
    };
    bail!("--fresh removes nothing, for {why}. Choose another folder with --data-dir.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("makegood-data-dir-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn fresh_empties_a_platforms_folder_and_no_other() {
        let path = folder("fresh");
        drop(DataDir::take(&path, false).unwrap());
        fs::create_dir(path.join("postgres")).unwrap();
        drop(DataDir::take(&path, true).unwrap());
        assert!(!path.join("postgres").exists());

        fs::create_dir(path.join("postgres")).unwrap();
        fs::remove_file(path.join(LOCK)).unwrap();
        assert!(DataDir::take(&path, true).is_err(), "another program's postgres was not refused");
        assert!(path.join("postgres").exists());
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn another_programs_folder_is_not_marked_as_ours() {
        let path = folder("anothers");
        fs::create_dir_all(path.join("redis")).unwrap();
        let error = DataDir::take(&path, false).err().unwrap().to_string();
        assert!(error.contains("redis is there") && error.contains("--data-dir"), "{error}");
        assert!(!path.join(LOCK).exists());
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn a_running_platforms_folder_is_not_emptied() {
        let path = folder("running");
        let running = DataDir::take(&path, false).unwrap();
        fs::create_dir(path.join("postgres")).unwrap();
        assert!(DataDir::take(&path, true).is_err());
        assert!(running.path().join("postgres").exists());
        drop(running);
        fs::remove_dir_all(&path).unwrap();
    }
}
