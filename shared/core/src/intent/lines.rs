//! A list that is searched as the text that it is: lines `key=value`, sorted by key.

/// The lines, each of which ends with a line feed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines(pub &'static str);

impl Lines {
    #[cfg(test)]
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.from(0)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&'static str> {
        let rest = self.0.get(self.place_of(key)..)?.strip_prefix(key)?.strip_prefix('=')?;
        rest.lines().next()
    }

    /// How many words the longest key has of those whose first word this is; 0 where there is none.
    pub fn longest(&self, word: &str) -> usize {
        let begins = |key: &str| key.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        let keys = self.beginning_with(word).map(|(key, _)| key).filter(|key| begins(key));
        keys.map(|key| key.split(' ').count()).max().unwrap_or(0)
    }

    /// Those whose keys begin with these letters: they stand together.
    pub fn beginning_with(&self, letters: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.from(self.place_of(letters)).take_while(move |(key, _)| key.starts_with(letters))
    }

    /// Whether a word is a key, or one of the words of a key.
    pub fn has_part(&self, word: &str) -> bool {
        self.0.match_indices(word).any(|(at, _)| {
            let (before, after) = (self.0.get(..at), self.0.get(at + word.len()..));
            let line = before.map(|before| before.rsplit('\n').next().unwrap_or(before));
            line.is_some_and(|line| (line.is_empty() || line.ends_with(' ')) && !line.contains('='))
                && after.is_some_and(|after| after.starts_with([' ', '=']))
        })
    }

    fn from(&self, place: usize) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.get(place..).unwrap_or_default().lines().filter_map(|line| line.split_once('='))
    }

    /// Where the first line begins whose key is not before this one.
    fn place_of(&self, key: &str) -> usize {
        let (bytes, key) = (self.0.as_bytes(), key.as_bytes());
        let next = |from: usize, mark: u8| {
            let rest = bytes.get(from..).unwrap_or_default();
            from + rest.iter().position(|byte| *byte == mark).unwrap_or(rest.len())
        };
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let before = bytes.get(low..middle).unwrap_or_default();
            let start = before.iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1);
            if bytes.get(start..next(start, b'=')).unwrap_or_default() < key {
                low = next(middle, b'\n') + 1;
            } else {
                high = start;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 4] = [
        include_str!("lexicon/courtesies.txt"),
        include_str!("lexicon/english.txt"),
        include_str!("lexicon/german.txt"),
        include_str!("lexicon/spanish.txt"),
    ];

    #[test]
    fn the_lists_are_sorted_and_what_is_found_is_what_a_walk_through_them_finds() {
        for lines in ALL.map(Lines) {
            let keys: Vec<&str> = lines.all().map(|(key, _)| key).collect();
            assert!(keys.is_sorted_by(|one, next| one < next) && keys.len() > 50, "{}", keys.len());
            assert_eq!(lines.0.lines().count(), keys.len());
            let parts = |word: &str| keys.iter().any(|key| key.split(' ').any(|part| part == word));
            let strange =
                ["", "a", "b", "zzz", "~", "mitternac", "mitternachts", "=", "the", "best", "ab", "able t", "é"];
            for word in keys.iter().flat_map(|key| key.split(' ').chain([*key])).chain(strange) {
                let value = lines.all().find(|(key, _)| *key == word).map(|(_, value)| value);
                assert_eq!(lines.get(word), value, "{word:?}");
                assert!(word.is_empty() || word.contains(' ') || lines.has_part(word) == parts(word), "{word:?}");
            }
            let firsts = keys.iter().filter_map(|key| key.split(' ').next()).chain(["a", "m", "zz", "_", "{", "é"]);
            for first in firsts {
                let found: Vec<&str> = lines.beginning_with(first).map(|(key, _)| key).collect();
                let all: Vec<&str> = keys.iter().copied().filter(|key| key.starts_with(first)).collect();
                assert_eq!(found, all, "{first}");
                let led = keys.iter().filter(|key| key.split(' ').next() == Some(first));
                assert_eq!(lines.longest(first), led.map(|key| key.split(' ').count()).max().unwrap_or(0), "{first}");
            }
        }
    }
}
