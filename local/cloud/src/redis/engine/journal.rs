//! The append-only file. A `write(2)` completes before a batch is answered, so
//! what was answered survives `kill -9`; without `fsync`, so not a power cut.
//!
//! Each record stands behind its length and two checksums, of the length and
//! of the record. A process that dies leaves a beginning of what it wrote:
//! an incomplete last record was never answered and is cut off, and whatever
//! else does not add up is damage.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    mem,
    path::{Path, PathBuf},
};

use bytes::{Buf as _, BufMut as _};

use super::record::{self, Record};
use crate::folder::{self, Error};

/// Below this size a file is never rewritten.
const REWRITE_FROM_BYTES: u64 = 4 << 20;
/// On a full disk a smaller one is not.
const SMALL: u64 = 64 << 10;
const BETWEEN_ATTEMPTS_MS: i64 = 5_000;
/// The length and its checksum, and the record's.
const HEADER: usize = 12;
/// How much of what is written at once is kept room for.
const ROOM: usize = 1 << 20;

pub struct Journal {
    file: File,
    path: PathBuf,
    /// How far the file is whole.
    bytes: u64,
    /// The size after the last rewriting.
    floor: u64,
    /// Records that are not in the file yet.
    ahead: Vec<u8>,
    /// Whether a part of them may be, after a failure.
    torn: bool,
    /// In Unix milliseconds: before then a full disk is not rewritten for.
    not_before: i64,
    /// Held for as long as the journal is open.
    _lock: File,
}

impl Journal {
    /// Opens the file in `folder` and hands its records to `replay`, which
    /// says whether it understood.
    pub fn open(folder: &Path, mut replay: impl FnMut(Record) -> bool) -> Result<Self, Error> {
        let lock = folder::take(folder, "redis.lock")?;
        let path = folder.join("redis.log");
        let content = match fs::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(folder::cannot("read", &path, &error)),
        };
        let mut whole = 0;
        let damaged = |at: usize| {
            let path = path.display();
            Error(format!(
                "{path} is damaged at byte {at}: move it away to start afresh, or give up what comes after with \
                 `truncate -s {at} {path}`"
            ))
        };
        while let Some(record) = next(&content[whole..]).map_err(|()| damaged(whole))? {
            if !record::read(record).is_some_and(&mut replay) {
                return Err(damaged(whole));
            }
            whole += HEADER + record.len();
        }
        let torn = content.len() - whole;
        if torn > 0 {
            tracing::warn!(
                "{}: the last {torn} bytes are a record that was not finished, and so never answered; they are cut off",
                path.display()
            );
        }

        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|e| folder::cannot("open", &path, &e))?;
        let bytes = whole as u64;
        file.set_len(bytes).map_err(|e| folder::cannot("repair", &path, &e))?;
        // Whatever was written before, one rewriting is due where the file is not small: a process that is started
        // again and again must not let it grow.
        Ok(Self { file, path, bytes, floor: 0, ahead: Vec::new(), torn: false, not_before: i64::MIN, _lock: lock })
    }

    /// Takes a record in; [`Journal::write`] puts it into the file.
    pub fn add(&mut self, record: &[u8]) {
        frame(&mut self.ahead, record);
    }

    /// Whether something could not be written.
    pub fn is_behind(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// When this returns without an error, what was added outlives the process.
    pub fn write(&mut self) -> io::Result<()> {
        if self.ahead.is_empty() {
            return Ok(());
        }
        if mem::replace(&mut self.torn, true) {
            self.file.set_len(self.bytes)?;
        }
        if let Err(error) = self.file.write_all(&self.ahead) {
            // The room that a part of it took may be what a rewriting needs.
            if self.file.set_len(self.bytes).is_ok() {
                self.torn = false;
            }
            return Err(error);
        }
        self.torn = false;
        self.bytes += self.ahead.len() as u64;
        self.ahead.clear();
        self.ahead.shrink_to(ROOM);
        Ok(())
    }

    /// Whether rewriting may make room on a disk that is full: something can be gained, and the last attempt is not
    /// only just over.
    pub fn may_make_room(&self, now: i64) -> bool {
        self.bytes > SMALL && now >= self.not_before
    }

    /// Says that room was tried to be made.
    pub fn makes_room(&mut self, now: i64) {
        self.not_before = now + BETWEEN_ATTEMPTS_MS;
    }

    pub fn wants_rewriting(&self) -> bool {
        self.bytes > REWRITE_FROM_BYTES.max(self.floor.saturating_mul(4))
    }

    /// A file beside this one, to be filled and then put in its place.
    pub fn beside(&self) -> io::Result<Beside> {
        let path = self.path.with_extension("log.new");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new().create_new(true).append(true).open(&path)?;
        Ok(Beside { file, path, bytes: 0, kept: false })
    }

    /// Puts a file in the place of this one, all or nothing. It says what this
    /// one says, and what is not written yet.
    pub fn replace(&mut self, mut with: Beside) -> io::Result<()> {
        fs::rename(&with.path, &self.path)?;
        with.kept = true;
        // To open it by its name could fail, and then what is written would go to a file that has no name any more.
        mem::swap(&mut self.file, &mut with.file);
        self.bytes = with.bytes;
        self.floor = with.bytes;
        self.ahead.clear();
        self.torn = false;
        Ok(())
    }

    /// Rewriting failed: not again before the file has grown as much as for another.
    pub fn put_off_rewriting(&mut self) {
        self.floor = self.bytes;
    }

    /// Has writing fail from now on.
    #[cfg(test)]
    pub fn fill_the_disk(&mut self) {
        self.file = OpenOptions::new().append(true).open("/dev/full").unwrap();
    }

    /// Has writing succeed again.
    #[cfg(test)]
    pub fn empty_the_disk(&mut self) {
        self.file = OpenOptions::new().append(true).open(&self.path).unwrap();
    }
}

/// What a journal is rewritten to. Dropped before it took the journal's place,
/// it is removed.
pub struct Beside {
    file: File,
    path: PathBuf,
    bytes: u64,
    kept: bool,
}

impl Beside {
    /// Appends records that [`frame`] has put together.
    pub fn append(&mut self, framed: &[u8]) -> io::Result<()> {
        self.file.write_all(framed)?;
        self.bytes += framed.len() as u64;
        Ok(())
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.kept {
            // What remains is overwritten by the next one.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Appends a record as it stands in the file.
pub fn frame(out: &mut Vec<u8>, record: &[u8]) {
    let length = record::length(record.len());
    out.put_u32_le(length);
    out.put_u32_le(crc32fast::hash(&length.to_le_bytes()));
    out.put_u32_le(crc32fast::hash(record));
    out.extend_from_slice(record);
}

/// The first record of what remains; `None` where it is not complete.
fn next(mut rest: &[u8]) -> Result<Option<&[u8]>, ()> {
    let (Ok(length), Ok(of_length), Ok(of_record)) =
        (rest.try_get_u32_le(), rest.try_get_u32_le(), rest.try_get_u32_le())
    else {
        return Ok(None);
    };
    if crc32fast::hash(&length.to_le_bytes()) != of_length {
        return Err(());
    }
    match usize::try_from(length).ok().and_then(|length| rest.get(..length)) {
        Some(record) if crc32fast::hash(record) != of_record => Err(()),
        record => Ok(record),
    }
}
