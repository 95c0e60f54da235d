//! What is kept, in order of arrival, in segments: when there is too much, the oldest goes whole. With a folder each
//! segment is an append-only file. A `write(2)` completes before a request is answered, so what was acknowledged
//! survives `kill -9`; without `fsync`, so not a power cut.
//!
//! A file is a row of frames: length and CRC-32 of what follows, four bytes each, little-endian, and the payload.

use std::{
    collections::VecDeque,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::folder::{self, Error};

/// How much is kept at most. When one of the two is passed, the oldest sixteenth goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// As protobuf, with what frames it.
    pub bytes: u64,
    /// Traces, or log records.
    pub number: usize,
}

/// In so many parts what is kept is thrown away.
const PARTS: u64 = 16;
const HEAD: usize = 8;

#[derive(Debug)]
pub struct Segments {
    folder: Option<PathBuf>,
    file: Option<File>,
    bounds: Bounds,
    /// Oldest first, and never empty.
    segments: VecDeque<Segment>,
}

#[derive(Debug)]
struct Segment {
    serial: u64,
    bytes: u64,
    number: usize,
}

impl Segments {
    /// Hands what is in the folder to `replay`, with the serial of its segment; `replay` says what number it counts
    /// for. The end of the last file may be torn: it was never acknowledged, and is cut off.
    pub fn open(
        folder: Option<PathBuf>,
        bounds: Bounds,
        mut replay: impl FnMut(u64, Bytes) -> Result<usize, String>,
    ) -> Result<Self, Error> {
        let mut segments = Self { folder, file: None, bounds, segments: VecDeque::new() };
        let serials = match &segments.folder {
            Some(folder) => serials(folder).map_err(|error| unusable(folder, &error))?,
            None => Vec::new(),
        };
        for (at, serial) in serials.iter().enumerate() {
            let path = segments.path(*serial).unwrap_or_default();
            let last = at + 1 == serials.len();
            let segment = read(&path, *serial, last, &mut replay)?;
            segments.segments.push_back(segment);
        }
        match segments.segments.back().map(|last| last.serial) {
            Some(serial) => segments.open_file(serial),
            None => segments.begin(0),
        }
        .map_err(|error| unusable(segments.folder.as_deref().unwrap_or(Path::new(".")), &error))?;
        Ok(segments)
    }

    /// Makes ready for what comes next, and gives the serial of the segment that it will be in.
    pub fn current(&mut self) -> io::Result<u64> {
        let (serial, full) = self.segments.back().map_or((0, true), |last| (last.serial, self.is_full(last)));
        if !full {
            return Ok(serial);
        }
        self.begin(serial + 1)?;
        Ok(serial + 1)
    }

    /// Appends all of the payloads or none, which count for so many. When this returns they outlive the process.
    pub fn append(&mut self, payloads: &[Bytes], number: usize) -> io::Result<()> {
        let frames = frames(payloads)?;
        let Some(last) = self.segments.back_mut() else { return Ok(()) };
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(&frames)
        {
            // Part of a frame may stand there; the next one must not follow it.
            file.set_len(last.bytes)?;
            return Err(error);
        }
        last.bytes += frames.len() as u64;
        last.number += number;
        Ok(())
    }

    /// Throws the oldest segments away until the rest is within the bounds, and gives the serial of the oldest that
    /// stays. What came last always stays.
    pub fn trim(&mut self) -> u64 {
        while self.segments.len() > 1 && (self.bytes() > self.bounds.bytes || self.number() > self.bounds.number) {
            let Some(oldest) = self.segments.pop_front() else { break };
            if let Some(path) = self.path(oldest.serial)
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!("{} cannot be removed: {error}", path.display());
            }
        }
        self.segments.front().map_or(0, |oldest| oldest.serial)
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    fn number(&self) -> usize {
        self.segments.iter().map(|segment| segment.number).sum()
    }

    fn is_full(&self, segment: &Segment) -> bool {
        segment.bytes >= (self.bounds.bytes / PARTS).max(1)
            || segment.number as u64 >= (self.bounds.number as u64 / PARTS).max(1)
    }

    fn begin(&mut self, serial: u64) -> io::Result<()> {
        self.open_file(serial)?;
        self.segments.push_back(Segment { serial, bytes: 0, number: 0 });
        Ok(())
    }

    fn open_file(&mut self, serial: u64) -> io::Result<()> {
        if let Some(path) = self.path(serial) {
            self.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
        }
        Ok(())
    }

    fn path(&self, serial: u64) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{serial:016}.segment")))
    }
}

fn unusable(path: &Path, error: &io::Error) -> Error {
    folder::cannot("use", path, error)
}

/// The serials of the files in a folder, which is made where there is none.
fn serials(folder: &Path) -> io::Result<Vec<u64>> {
    fs::create_dir_all(folder)?;
    let mut serials = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        serials.extend(name.to_str().and_then(|name| name.strip_suffix(".segment")?.parse::<u64>().ok()));
    }
    serials.sort_unstable();
    Ok(serials)
}

fn read(
    path: &Path,
    serial: u64,
    last: bool,
    replay: &mut impl FnMut(u64, Bytes) -> Result<usize, String>,
) -> Result<Segment, Error> {
    let content = Bytes::from(fs::read(path).map_err(|error| unusable(path, &error))?);
    let (mut at, mut number) = (0, 0);
    while at < content.len() {
        let taken = frame(&content.slice(at..)).and_then(|payload| {
            let size = HEAD + payload.len();
            Ok((replay(serial, payload).map_err(Broken::Damaged)?, size))
        });
        match taken {
            Ok((counts, size)) => {
                number += counts;
                at += size;
            }
            // A process that dies leaves the beginning of a frame, and nothing else that does not add up.
            Err(Broken::Short) if last => {
                tracing::warn!("{}: {} bytes at its end are cut off", path.display(), content.len() - at);
                let file = OpenOptions::new().write(true).open(path);
                file.and_then(|file| file.set_len(at as u64)).map_err(|error| unusable(path, &error))?;
                break;
            }
            Err(why) => {
                let path = path.display();
                return Err(Error(format!(
                    "{path} is damaged at byte {at}: {why}; move it away to do without it, or give up what comes after \
                     with `truncate -s {at} {path}`"
                )));
            }
        }
    }
    Ok(Segment { serial, bytes: at as u64, number })
}

/// Why there is no frame.
enum Broken {
    /// It ends before its end.
    Short,
    Damaged(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("a frame is not whole"),
            Self::Damaged(why) => f.write_str(why),
        }
    }
}

/// The payload of the frame with which the bytes begin.
fn frame(bytes: &Bytes) -> Result<Bytes, Broken> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Broken::Short)?;
    let sum = rest.first_chunk::<4>().ok_or(Broken::Short)?;
    let length = u32::from_le_bytes(*length) as usize;
    if bytes.len() - HEAD < length {
        return Err(Broken::Short);
    }
    let payload = bytes.slice(HEAD..HEAD + length);
    if crc32fast::hash(&payload) != u32::from_le_bytes(*sum) {
        return Err(Broken::Damaged("a frame's checksum is wrong".to_owned()));
    }
    Ok(payload)
}

fn frames(payloads: &[Bytes]) -> io::Result<Vec<u8>> {
    let mut frames = Vec::with_capacity(payloads.iter().map(|payload| HEAD + payload.len()).sum());
    for payload in payloads {
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        frames.extend_from_slice(&length.to_le_bytes());
        frames.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
        frames.extend_from_slice(payload);
    }
    Ok(frames)
}
