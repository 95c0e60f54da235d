//! Where the machine code of functions is kept: beside their build, so that a new data folder costs no
//! compilation.

use super::manifest::Manifest;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

/// Beside the artifacts.
const FOLDER: &str = "compiled";

/// The folder beside the first function of `manifest`, made where it is not there. None where nothing can be written,
/// as in a container's image.
pub fn beside(manifest: &Manifest) -> Option<PathBuf> {
    let first = manifest.components.values().next()?;
    let folder = first.source.parent()?.join(FOLDER);
    takes_files(&folder).is_ok().then_some(folder)
}

fn takes_files(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    OpenOptions::new().write(true).create(true).truncate(true).open(&probe)?;
    std::fs::remove_file(probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_none_where_nothing_can_be_written() {
        let place = std::env::temp_dir().join(format!("makegood-compiled-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        let text = "spin_manifest_version = 2\n[application]\nname = \"x\"\n[component.a]\nsource = \"a.wasm\"\n";
        let manifest = Manifest::parse(text, &place, None).unwrap();
        assert_eq!(beside(&manifest), Some(place.join(FOLDER)));
        assert_eq!(std::fs::read_dir(place.join(FOLDER)).unwrap().count(), 0, "the probe is left");

        // A file in its place refuses whoever asks, root too.
        std::fs::remove_dir(place.join(FOLDER)).unwrap();
        std::fs::write(place.join(FOLDER), "").unwrap();
        assert_eq!(beside(&manifest), None);
        std::fs::remove_dir_all(place).unwrap();
    }
}
