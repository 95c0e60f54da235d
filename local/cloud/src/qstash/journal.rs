//! The append-only file. A `write(2)` completes before a publish is answered,
//! so what was acknowledged survives `kill -9`; without `fsync`, so not a
//! power cut. When mostly dead it is rewritten beside itself and renamed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{Error, record::Record};
use crate::folder;

/// Below this size a journal is never rewritten.
const COMPACT_FROM_BYTES: u64 = 4 << 20;

#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    bytes: u64,
    /// The size after the last rewriting.
    floor: u64,
    /// Held for as long as the journal is open.
    _lock: File,
}

impl Journal {
    /// Opens the journal in `folder` and hands its records to `replay`. A
    /// torn last line was never acknowledged and is cut off.
    pub fn open(folder: &Path, mut replay: impl FnMut(Record)) -> Result<Self, Error> {
        let lock = folder::take(folder, "qstash.lock")?;
        let path = folder.join("qstash.log");
        let content = match fs::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(folder::cannot("read", &path, &error)),
        };
        let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut start = 0;
        for line in content[..whole].split_inclusive(|byte| *byte == b'\n') {
            let records: Vec<Record> = serde_json::from_slice(line).map_err(|error| {
                Error(format!("{} is damaged at byte {start}: {error}; move it away to start afresh", path.display()))
            })?;
            records.into_iter().for_each(&mut replay);
            start += line.len();
        }

        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|e| folder::cannot("open", &path, &e))?;
        let bytes = whole as u64;
        file.set_len(bytes).map_err(|e| folder::cannot("repair", &path, &e))?;
        Ok(Self { file, path, bytes, floor: bytes, _lock: lock })
    }

    /// Appends one line; when this returns it outlives the process.
    pub fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let line = line(records)?;
        if let Err(error) = self.file.write_all(&line) {
            // Part of a line may stand there; the next one must not follow it.
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes += line.len() as u64;
        Ok(())
    }

    pub fn wants_compaction(&self) -> bool {
        self.bytes > COMPACT_FROM_BYTES.max(self.floor.saturating_mul(4))
    }

    /// Replaces the content by `records`, all or nothing.
    pub fn compact(&mut self, records: impl Iterator<Item = Record>) -> io::Result<()> {
        let beside = self.path.with_extension("log.new");
        let mut file = File::create(&beside)?;
        let mut bytes = 0;
        let mut buffer = Vec::new();
        for record in records {
            buffer.extend_from_slice(&line(&[record])?);
            if buffer.len() > 1 << 16 {
                file.write_all(&buffer)?;
                bytes += buffer.len() as u64;
                buffer.clear();
            }
        }
        file.write_all(&buffer)?;
        bytes += buffer.len() as u64;
        file.sync_data()?;
        fs::rename(&beside, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.bytes = bytes;
        self.floor = bytes;
        Ok(())
    }
}

fn line(records: &[Record]) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(records)?;
    line.push(b'\n');
    Ok(line)
}
