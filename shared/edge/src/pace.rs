//! The pace at which a stream follows a journal: it looks often at first, and less while nothing happens; it keeps the
//! line open; and it ends before the platform ends its invocation. What it tells is the stream's own.

use bytes::Bytes;
use makegood_core::time::Millis;

/// The first wait between two looks; it grows while nothing happens.
const SHORTEST: Millis = Millis(40);
const LONGEST: Millis = Millis(1_000);
/// Before the platform ends the invocation: one look that takes long, and what is said at the end.
const LAST_WORDS: Millis = Millis(1_500);
/// A comment of server-sent events, which readers pass over.
const STILL_HERE: &[u8] = b": still here\n\n";

/// Where a stream stands.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    wait: Millis,
    until: Millis,
    spoke: Millis,
    silence: Millis,
}

impl Pace {
    /// Of an invocation that began then, and that the platform ends after `kill`. There is no `silence` longer than that.
    #[must_use]
    pub fn new(began: Millis, kill: Millis, silence: Millis) -> Self {
        let until = began + kill.since(LAST_WORDS);
        Self { wait: SHORTEST, until, spoke: began, silence }
    }

    /// Whether the time of the invocation is up.
    #[must_use]
    pub fn is_over(&self, now: Millis) -> bool {
        now >= self.until
    }

    /// What keeps the line open, where nothing was said for long.
    pub fn still_here(&mut self, now: Millis) -> Option<Bytes> {
        if now.since(self.spoke) < self.silence {
            return None;
        }
        self.spoke = now;
        Some(Bytes::from_static(STILL_HERE))
    }

    /// So long is waited before the next look.
    pub fn wait(&mut self) -> Millis {
        let wait = self.wait;
        self.wait = Millis(wait.0 * 3 / 2).min(LONGEST);
        wait
    }

    /// Something was said: more may follow soon.
    pub fn spoke(&mut self, now: Millis) {
        (self.wait, self.spoke) = (SHORTEST, now);
    }

    /// Nothing could be seen: it is not looked again so soon.
    pub fn missed(&mut self) {
        self.wait = LONGEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Millis(1_000), Millis(10_000), Millis(4_000))
    }

    #[test]
    fn it_looks_less_often_while_nothing_happens_and_at_once_when_something_does() {
        let mut pace = pace();
        let waits: Vec<u64> = (0..12).map(|_| pace.wait().0).collect();
        assert_eq!((waits[..3].to_vec(), waits[11]), (vec![40, 60, 90], 1_000));
        pace.spoke(Millis(2_000));
        assert_eq!(pace.wait(), Millis(40));
        pace.missed();
        assert_eq!(pace.wait(), Millis(1_000));
    }

    #[test]
    fn it_keeps_the_line_open_and_ends_before_the_platform_ends_it() {
        let mut pace = pace();
        assert_eq!(pace.still_here(Millis(4_999)), None);
        assert_eq!(pace.still_here(Millis(5_000)).as_deref(), Some(STILL_HERE));
        assert_eq!(pace.still_here(Millis(8_999)), None, "it has just been said");
        assert!(!pace.is_over(Millis(9_499)) && pace.is_over(Millis(9_500)));
    }
}
