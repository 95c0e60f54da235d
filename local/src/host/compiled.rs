//! Where the machine code of functions is kept: beside their build, so that a new data folder costs no
//! compilation.
//!
//! A file is named for the component, and for everything that the code follows from: the component's content, and
//! whatever in the engine changes what it compiles. It begins with a checksum of the rest, since wasmtime runs what
//! it is given: a file that is damaged is compiled anew. That is no defence against whoever writes here on purpose;
//! they can write the components themselves.

use super::engine::plain;
use super::manifest::Manifest;
use anyhow::Context;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Beside the artifacts.
const FOLDER: &str = "compiled";
const EXTENSION: &str = "code";
/// What is not whole yet has this and a number besides.
const PART: &str = "part-";
/// Bytes before the code: its CRC-32, the least significant first.
const HEADER: usize = 4;
/// So many builds of a component are kept, the newest: who goes to and fro between two of them waits for neither.
const BUILDS: usize = 4;
/// Nobody writes for so long.
const ABANDONED: Duration = Duration::from_secs(600);

/// The folder beside the first function of `manifest`, made where it is not there. None where nothing can be written,
/// as in a container's image.
pub fn beside(manifest: &Manifest) -> Option<PathBuf> {
    let first = manifest.components.values().next()?;
    let folder = first.source.parent()?.join(FOLDER);
    takes_files(&folder).is_ok().then_some(folder)
}

fn takes_files(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    OpenOptions::new().write(true).create(true).truncate(true).open(&probe)?;
    fs::remove_file(probe)
}

/// The code of the component `name`, whose content is `wasm`: what is kept in `folder`, or compiled now and kept there
/// where that can be. Blocks.
///
/// # Errors
/// Where `wasm` is no component that `engine` understands.
pub(crate) fn component(engine: &Engine, folder: &Path, name: &str, wasm: &[u8]) -> anyhow::Result<Component> {
    let path = folder.join(format!("{name}-{}.{EXTENSION}", key(engine, wasm)));
    if let Some(code) = read(&path) {
        match take_up(engine, &code) {
            Ok(component) => return Ok(component),
            Err(error) => tracing::warn!("{} is compiled anew: {error:#}", path.display()),
        }
    }
    let code = engine.precompile_component(wasm).map_err(plain)?;
    match keep(&path, &code) {
        Ok(()) => forget_older(folder, name),
        Err(error) => tracing::warn!("{} cannot be kept, so the next start compiles it again: {error}", path.display()),
    }
    take_up(engine, &code).context("what was compiled just now cannot be taken up")
}

/// What the code follows from, as a name.
fn key(engine: &Engine, wasm: &[u8]) -> String {
    let mut hash = Bytes(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hash);
    hash.0.chain_update(wasm).finalize().iter().fold(String::with_capacity(64), |mut name, byte| {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// Takes in whatever is hashed. Its own result is never asked for.
struct Bytes(Sha256);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The code in a file; none where there is none, or where it is not what was written.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut content = match fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!("{} cannot be read, so it is compiled anew: {error}", path.display());
            return None;
        }
    };
    let whole = content
        .split_first_chunk::<HEADER>()
        .is_some_and(|(sum, code)| u32::from_le_bytes(*sum) == crc32fast::hash(code));
    if !whole {
        tracing::warn!("{} is damaged, and is compiled anew", path.display());
        return None;
    }
    content.drain(..HEADER);
    Some(content)
}

/// Writes a file, all or nothing: others may read and write here.
fn keep(path: &Path, code: &[u8]) -> io::Result<()> {
    let part = path.with_extension(format!("{PART}{:016x}", rand::random::<u64>()));
    let content = [&crc32fast::hash(code).to_le_bytes()[..], code].concat();
    let kept = fs::write(&part, content).and_then(|()| fs::rename(&part, path));
    if kept.is_err() {
        // On a full disk a beginning of it may be there.
        let _ = fs::remove_file(&part);
    }
    kept
}

#[expect(unsafe_code, reason = "there is no safe way to take up what was compiled before")]
fn take_up(engine: &Engine, code: &[u8]) -> anyhow::Result<Component> {
    // SAFETY: wasmtime wants what `precompile_component` gave. It gave this, to an engine of the same kind, as the name
    // of the file says, and not a bit of it has changed, as the checksum does.
    unsafe { Component::deserialize(engine, code) }.map_err(plain)
}

/// Removes all but the newest builds of a component, and what somebody who died did not finish. Of what cannot be
/// removed nothing depends.
fn forget_older(folder: &Path, name: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut builds: Vec<(SystemTime, PathBuf)> = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let of = path.file_stem().and_then(|stem| stem.to_str()?.rsplit_once('-'));
        let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else { continue };
        let Ok(written) = path.metadata().and_then(|metadata| metadata.modified()) else { continue };
        if extension == EXTENSION && of.is_some_and(|(of, _)| of == name) {
            builds.push((written, path));
        } else if extension.starts_with(PART) && written.elapsed().is_ok_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(path);
        }
    }
    builds.sort_by(|one, other| other.cmp(one));
    for (_, path) in builds.into_iter().skip(BUILDS) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> PathBuf {
        let place = std::env::temp_dir().join(format!("makegood-compiled-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        place
    }

    #[test]
    fn there_is_none_where_nothing_can_be_written() {
        let place = place("beside");
        let text = "spin_manifest_version = 2\n[application]\nname = \"x\"\n[component.a]\nsource = \"a.wasm\"\n";
        let manifest = Manifest::parse(text, &place, None).unwrap();
        assert_eq!(beside(&manifest), Some(place.join(FOLDER)));
        assert_eq!(fs::read_dir(place.join(FOLDER)).unwrap().count(), 0, "the probe is left");

        // A file in its place refuses whoever asks, root too.
        fs::remove_dir(place.join(FOLDER)).unwrap();
        fs::write(place.join(FOLDER), "").unwrap();
        assert_eq!(beside(&manifest), None);
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn what_is_read_is_what_was_kept_or_nothing() {
        let place = place("read");
        let (path, code) = (place.join("a-0.code"), b"a few bytes of machine code".repeat(50));
        assert_eq!(read(&path), None);
        keep(&path, &code).unwrap();
        assert_eq!(read(&path).as_deref(), Some(&code[..]));
        let kept = fs::read(&path).unwrap();
        for at in [0, HEADER, kept.len() / 2, kept.len() - 1] {
            let mut damaged = kept.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert_eq!(read(&path), None, "byte {at}");
        }
        for length in [0, HEADER - 1, HEADER, kept.len() - 1] {
            fs::write(&path, &kept[..length]).unwrap();
            assert_eq!(read(&path), None, "{length} bytes");
        }
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "a part is left");
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn the_newest_builds_of_a_component_stay_and_those_of_others() {
        let place = place("older");
        let written = |name: &str, age: u64| {
            let file = fs::File::create(place.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        for age in 0..6 {
            written(&format!("a-{age}.code"), age);
        }
        for name in ["a-b-0.code", "b-0.code", "a-9.part-1"] {
            written(name, 1000);
        }
        written("a-9.part-2", 1);
        forget_older(&place, "a");
        let mut left: Vec<_> =
            fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let expected = ["a-0.code", "a-1.code", "a-2.code", "a-3.code", "a-9.part-2", "a-b-0.code", "b-0.code"];
        assert_eq!(left, expected);
        fs::remove_dir_all(place).unwrap();
    }
}
