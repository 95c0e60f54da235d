//! A data folder of one service: whose it is, and why one could not be used.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

/// Why a service could not be opened; the text says what to do.
#[derive(Debug)]
pub struct Error(pub(crate) String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Something that could not be done to a file or folder, and the way out.
pub(crate) fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    Error(format!("cannot {what} {path}: {error}; {}", remedy(error)))
}

/// What to do about a data folder in which something could not be done, as the end of a sentence.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of I/O errors are an open list")]
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on that disk (a new platform takes about 40 MB there), or choose another folder with --data-dir"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make it writable for the user who runs this, or choose another folder with --data-dir"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::AlreadyExists => {
            "move away what stands in its place, or choose another folder with --data-dir"
        }
        _ => "choose another folder with --data-dir",
    }
}

/// Makes the folder where there is none, and takes the lock of this name in it. It is let go with the file, however
/// the process ends.
pub(crate) fn take(folder: &Path, lock: &str) -> Result<File, Error> {
    fs::create_dir_all(folder).map_err(|e| cannot("create", folder, &e))?;
    let path = folder.join(lock);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(|e| cannot("open", &path, &e))?;
    lock.try_lock().map_err(|_| {
        Error(format!("{} is in use by another process; end it or choose another data folder", folder.display()))
    })?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_depends_on_what_is_wrong() {
        let place = std::env::temp_dir().join(format!("makegood-folder-{}", std::process::id()));
        fs::write(&place, "").unwrap();
        // A file refuses whoever wants it for a folder, root too.
        for folder in [place.clone(), place.join("below")] {
            let error = take(&folder, "lock").unwrap_err().to_string();
            assert!(error.contains(&folder.display().to_string()) && error.contains("move away"), "{error}");
        }
        fs::remove_file(&place).unwrap();

        let full = fs::write("/dev/full", "x").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        let error = cannot("write", &place, &full).to_string();
        assert!(error.contains("make room") && error.contains("MB") && error.contains("--data-dir"), "{error}");
        let error = cannot("write", &place, &io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(error.contains("make it writable") && error.contains("--data-dir"), "{error}");
    }
}
