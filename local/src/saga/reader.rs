//! For whom it is told: when, with colours or without, and which command would reach the same
//! installation again.

use makegood_core::time::Millis;

use super::view::{Phase, Standing, Step};

/// Everything that a rendering depends on beside what it renders.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    pub now: Millis,
    pub colours: bool,
    /// The installation's address, where a command must name it.
    pub url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
    Grey = 90,
}

/// How a standing looks: a sign and a word, so that no meaning is in the colour alone.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub sign: char,
    pub word: &'static str,
    pub colour: Colour,
}

impl Reader {
    pub fn paint(&self, colour: Colour, text: &str) -> String {
        if self.colours { format!("\u{1b}[{}m{text}\u{1b}[0m", colour as u8) } else { text.to_owned() }
    }

    /// A command that the reader can type as it stands.
    pub fn command(&self, words: &str) -> String {
        let url = self.url.as_ref().map(|url| format!(" --url {}", quoted(url))).unwrap_or_default();
        format!("makegood saga {words}{url}")
    }
}

/// As a shell takes it for one word.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

impl Look {
    pub fn of(step: &Step) -> Self {
        let (sign, word, colour) = match step.standing {
            Standing::Pending => ('·', "not begun", Colour::Grey),
            Standing::Running => ('▸', "running", Colour::Cyan),
            Standing::Waiting if step.attempts.is_empty() => ('…', "waiting", Colour::Cyan),
            Standing::Waiting => ('…', "to be tried again", Colour::Cyan),
            Standing::Queued => ('…', "waits for its turn", Colour::Cyan),
            Standing::Asking if step.asks().is_none() => ('?', "agreed to", Colour::Cyan),
            Standing::Asking => ('?', "waits for approval", Colour::Cyan),
            Standing::Skipped => ('⤼', "passed over", Colour::Grey),
            Standing::Done => ('✓', "done", Colour::Green),
            Standing::Refused => ('✗', "refused", Colour::Red),
            Standing::Undoing => ('↶', "being undone", Colour::Yellow),
            Standing::Undone => ('↺', "undone", Colour::Yellow),
            Standing::Fenced if step.code.is_some() => ('✗', "refused, kept out", Colour::Red),
            Standing::Fenced => ('⊘', "no effect, kept out", Colour::Yellow),
            Standing::Abandoned => ('–', "never begun", Colour::Grey),
            Standing::Held if step.undo_is_open() => ('!', "undo failed", Colour::Red),
            Standing::Held => ('!', "needs a person", Colour::Red),
            Standing::Other => ('~', "(not known here)", Colour::Grey),
        };
        Self { sign, word, colour }
    }
}

impl Phase {
    pub const fn colour(self) -> Colour {
        match self {
            Self::Forward => Colour::Cyan,
            Self::Unwinding | Self::MadeGood => Colour::Yellow,
            Self::Completed => Colour::Green,
            Self::Stuck => Colour::Red,
            Self::Other => Colour::Grey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_installation_only_where_it_must() {
        let here = Reader::default();
        let there = Reader { url: Some("http://a.example/it's".to_owned()), ..Reader::default() };
        assert_eq!(here.command("resume sg_1"), "makegood saga resume sg_1");
        assert_eq!(there.command("resume sg_1"), r"makegood saga resume sg_1 --url 'http://a.example/it'\''s'");
    }

    #[test]
    fn without_colours_nothing_is_added() {
        let plain = Reader::default();
        assert_eq!(plain.paint(Colour::Red, "no"), "no");
        assert_eq!(Reader { colours: true, ..plain }.paint(Colour::Red, "no"), "\u{1b}[31mno\u{1b}[0m");
    }
}
