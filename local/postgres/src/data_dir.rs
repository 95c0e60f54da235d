//! The folder of an embedded database: a lock, the password made up for it, and the cluster.

use crate::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Held for as long as the database is open; the operating system lets go of the lock when the
/// process dies, however it dies.
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unusable = |error: io::Error| {
            Error::Unavailable(format!(
                "the data folder {} cannot be used: {error}; make it writable and see that its disk is not full, or \
                 choose another with --data-dir",
                path.display()
            ))
        };
        fs::create_dir_all(path).map_err(unusable)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::Unavailable(format!(
                "the data folder {} is in use by another process; stop that one or choose another \
                 folder with --data-dir",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    pub fn cluster(&self) -> PathBuf {
        self.path.join("cluster")
    }

    /// The password that stays with this folder. It guards nothing on this machine that file
    /// permissions do not; it is there because Neon's protocol checks one.
    pub fn password(&self) -> Result<String, Error> {
        let file = self.path.join("password");
        let unusable =
            |error: io::Error| Error::Unavailable(format!("{} cannot be used: {error}; delete it", file.display()));
        match fs::read_to_string(&file) {
            Ok(password) if !password.is_empty() => return Ok(password),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(error)),
        }
        let password = format!("{:032x}", rand::random::<u128>());
        OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut file| file.write_all(password.as_bytes()))
            .map_err(unusable)?;
        Ok(password)
    }
}
