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
pub fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    Error(format!("cannot {what} {path}: {error}; choose another data folder or mend its permissions"))
}

/// Makes the folder where there is none, and takes the lock of this name in it. It is let go with the file, however
/// the process ends.
pub fn take(folder: &Path, lock: &str) -> Result<File, Error> {
    fs::create_dir_all(folder).map_err(|e| cannot("create", folder, &e))?;
    let path = folder.join(lock);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(|e| cannot("open", &path, &e))?;
    lock.try_lock().map_err(|_| {
        Error(format!("{} is in use by another process; end it or choose another data folder", folder.display()))
    })?;
    Ok(lock)
}
