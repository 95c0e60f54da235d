//! Canaries: texts in the place of secrets, which are looked for wherever a secret must not be.

use std::collections::BTreeMap;
use std::path::Path;

use makegood_gateway::webhook::Encoding;

/// Secrets by name, each with the texts that give it away.
#[derive(Debug, Default)]
pub struct Canaries(BTreeMap<String, (String, Vec<String>)>);

impl Canaries {
    /// The text that stands for a secret: always the same, long enough for every setting, and part of no other.
    pub fn of(&mut self, name: &str) -> String {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let text = format!("Canary-{letters}-5f3a91c07de24b68-nest");
        self.add(name, &text);
        text
    }

    /// Another secret, as it is.
    pub fn add(&mut self, name: &str, text: &str) {
        assert!(text.len() >= 16, "{name}: a short text is found everywhere");
        let mut signs = vec![text.to_owned()];
        // In base64 it looks different by where it begins; its first and last letters depend on what is beside it.
        for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
            let coded = Encoding::Base64.encode(&[&b"  "[..before], text.as_bytes()].concat());
            signs.push(coded[skipped..coded.len() - 4].to_owned());
        }
        self.0.insert(name.to_owned(), (text.to_owned(), signs));
    }

    /// The text of one that was given out.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        &self.0[name].0
    }

    /// The names of all that are seen in something.
    #[must_use]
    pub fn seen(&self, bytes: &[u8]) -> Vec<&str> {
        // The library's search is quick in a build for tests too, and a database's files are many.
        let text = String::from_utf8_lossy(bytes);
        let seen = self.0.iter().filter(|(_, (_, signs))| signs.iter().any(|sign| text.contains(sign.as_str())));
        seen.map(|(name, _)| name.as_str()).collect()
    }

    /// What is seen in the files of a folder and below: the file's path in it, and the secret's name.
    #[must_use]
    pub fn seen_below(&self, folder: &Path) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // A file may go while it is looked for, and a socket is none.
                let Ok(bytes) = std::fs::read(&path) else { continue };
                let place = path.strip_prefix(folder).unwrap().display().to_string();
                found.extend(self.seen(&bytes).into_iter().map(|name| (place.clone(), name.to_owned())));
            }
        }
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_seen_wherever_it_lies_and_however_it_is_coded() {
        let mut canaries = Canaries::default();
        let (text, other) = (canaries.of("issuer"), canaries.of("model_key"));
        assert_eq!(canaries.seen(b"nothing at all"), [""; 0]);
        assert_eq!(canaries.seen(format!("{{\"key\":\"{text}\"}}").as_bytes()), ["issuer"]);
        for before in ["", "a", "ab", "abc"] {
            let coded = Encoding::Base64.encode(format!("{before}{text}:{before}").as_bytes());
            assert_eq!(canaries.seen(format!("Basic {coded}").as_bytes()), ["issuer"], "{coded}");
        }
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/log"), [b"\xff\x00", other.as_bytes(), b"\xff"].concat()).unwrap();
        std::fs::write(folder.path().join("b"), "nothing").unwrap();
        assert_eq!(canaries.seen_below(folder.path()), [("a/log".to_owned(), "model_key".to_owned())]);
    }
}
