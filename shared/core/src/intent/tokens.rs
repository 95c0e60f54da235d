//! A message as tokens: words, numbers, marks, and quotations.
//!
//! A quotation is one token whose words are never looked at: what stands in quotes is data. Nothing is
//! interpreted here beyond the spelling of the commonest words.

use super::spelling;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Word,
    /// Digits, with separators between them: `7`, `7:30`, `2026-12-24`, `25.50`.
    Number,
    Quoted,
    /// One punctuation character; a line break counts as a comma.
    Mark,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub form: Form,
    /// Lower case, with a straight apostrophe, misspelling corrected. Inside a quotation: as written.
    pub word: String,
    /// Where it stands in the message, in bytes, quotes included.
    pub start: usize,
    pub end: usize,
    pub capital: bool,
    pub corrected: bool,
    /// No space before it.
    pub glued: bool,
    /// A word that the language's lexicon does not have, in small letters: no part of a name.
    pub unknown: bool,
    /// A capital that says nothing of a name: German writes every noun so.
    pub noun: bool,
}

const QUOTES: [(char, &[char]); 6] = [
    ('"', &['"', '”', '“']),
    ('“', &['”', '"', '“']),
    ('„', &['“', '”', '"']),
    ('«', &['»']),
    ('»', &['«']),
    ('`', &['`']),
];

/// Abbreviations whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 9] = ["mr", "mrs", "ms", "dr", "st", "nr", "approx", "prof", "rd"];

pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '′' | '´')
}

pub(super) fn tokens(message: &str) -> Vec<Token> {
    let mut reader = Reader { message, at: 0, tokens: Vec::new() };
    while let Some(c) = reader.peek() {
        reader.next(c);
    }
    reader.tokens
}

struct Reader<'m> {
    message: &'m str,
    at: usize,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.message.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self, c: char) {
        let before = self.message.get(..self.at).and_then(|text| text.chars().next_back());
        let opens = before.is_none_or(|before| !before.is_alphanumeric());
        if c == '\n' {
            self.push(Form::Mark, 1, ",".to_owned());
        } else if c.is_whitespace() || c.is_control() {
            self.at += c.len_utf8();
        } else if let Some(length) = self.quotation(c, opens) {
            let inner = self.rest().get(c.len_utf8()..length).unwrap_or_default();
            let inner = inner.trim_end_matches(|c| is_apostrophe(c) || is_closing(c)).to_owned();
            self.push(Form::Quoted, length, inner);
        } else if c.is_ascii_digit() && !self.is_short_form() {
            self.number();
        } else if c.is_alphanumeric() || c == '&' {
            self.word();
        } else {
            // `Chez Nous / 18 July / 20:00`
            let spaced = !opens_word(self.rest().get(c.len_utf8()..)) && opens;
            let parts = matches!(c, '/' | '|') && spaced;
            let word = if parts || is_decoration(c) { ",".to_owned() } else { c.to_string() };
            self.push(Form::Mark, c.len_utf8(), word);
        }
    }

    /// The length of the quotation that starts here. One that is never closed runs to the end; a
    /// single quote opens one only where it is closed again, for it may be an apostrophe.
    fn quotation(&self, c: char, opens: bool) -> Option<usize> {
        let inner = self.rest().get(c.len_utf8()..)?;
        if let Some((_, closing)) = QUOTES.iter().find(|(open, _)| *open == c) {
            let end = inner.find(*closing).map_or(inner.len(), |end| {
                end + inner.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
            });
            return Some(c.len_utf8() + end);
        }
        if !is_apostrophe(c) || !opens {
            return None;
        }
        inner.char_indices().find_map(|(at, quote)| {
            let after = inner.get(at + quote.len_utf8()..)?;
            let closes =
                is_apostrophe(quote) && at > 0 && after.chars().next().is_none_or(|next| !next.is_alphanumeric());
            closes.then_some(c.len_utf8() + at + quote.len_utf8())
        })
    }

    /// `2moro`, `2nite`.
    fn is_short_form(&self) -> bool {
        let word = self.rest().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
        ["2moro", "2morrow", "2mrw", "2mro", "2nite", "2night"].contains(&word.as_str())
    }

    fn number(&mut self) {
        let rest = self.rest();
        let mut length = 0;
        for (at, c) in rest.char_indices() {
            let inner = matches!(c, '.' | ':' | ',' | '/' | '-')
                && rest.get(at + 1..).is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
            if !c.is_ascii_digit() && !inner {
                break;
            }
            length = at + 1;
        }
        let mut word = rest.get(..length).unwrap_or_default().to_owned();
        // The second full stop of `24.12.` belongs to the date, unless a new sentence follows.
        let after = rest.get(length..).unwrap_or_default();
        if is_day_and_month(&word)
            && let Some(next) = after.strip_prefix('.')
            && !next.trim_start().starts_with(char::is_uppercase)
            && !next.trim_start().is_empty()
        {
            length += 1;
            word.push('.');
        }
        self.push(Form::Number, length, word);
    }

    fn word(&mut self) {
        let rest = self.rest();
        for (spelled, meant) in [("p.m.", "pm"), ("a.m.", "am"), ("p.m", "pm"), ("a.m", "am")] {
            let found = rest.get(..spelled.len()).is_some_and(|start| start.eq_ignore_ascii_case(spelled));
            if found {
                let ends = spelled.len() == 4 && is_sentence_end(rest.get(4..).unwrap_or_default());
                self.push(Form::Word, spelled.len() - usize::from(ends), meant.to_owned());
                return;
            }
        }
        let address = rest.split(char::is_whitespace).next().is_some_and(|word| word.contains('@'));
        let mut length = 0;
        for (at, c) in rest.char_indices() {
            let follows = |also: fn(char) -> bool| {
                rest.get(at + c.len_utf8()..)
                    .is_some_and(|after| after.starts_with(|c: char| c.is_alphanumeric() || also(c)))
            };
            // `parents' evening`
            let plural = is_apostrophe(c)
                && rest.get(..at).is_some_and(|before| before.ends_with('s'))
                && rest.get(at + c.len_utf8()..).is_some_and(|after| after.starts_with(' '));
            let inner = plural
                || (is_apostrophe(c) && follows(|_| false))
                || (address && matches!(c, '@' | '.' | '-' | '_' | '+') && follows(|_| false))
                || c == '_';
            let belongs = c.is_alphanumeric() || inner || (c == '&' && length == 0);
            if !belongs {
                break;
            }
            length = at + c.len_utf8();
        }
        let folded: String = rest
            .get(..length)
            .unwrap_or_default()
            .chars()
            .map(|c| if is_apostrophe(c) { '\'' } else { c })
            .flat_map(char::to_lowercase)
            .collect();
        if ABBREVIATIONS.contains(&folded.as_str()) && rest.get(length..).is_some_and(|r| r.starts_with('.')) {
            length += 1;
        }
        self.push(Form::Word, length, folded);
    }

    /// The word that starts here goes on in small letters.
    fn is_mixed(&self, start: usize) -> bool {
        let word = self.message.get(start..self.at).unwrap_or_default();
        word.chars().skip(1).any(char::is_lowercase)
    }

    fn push(&mut self, form: Form, length: usize, word: String) {
        let start = self.at;
        self.at += length.max(1);
        while !self.message.is_char_boundary(self.at) {
            self.at += 1;
        }
        let capital = self.message.get(start..).is_some_and(|text| text.starts_with(char::is_uppercase));
        // A capital inside a sentence may begin a name: only days are corrected there.
        let named = capital && self.tokens.last().is_some_and(|last| last.form != Form::Mark);
        let correction = (form == Form::Word).then(|| spelling::correct(&word)).flatten();
        let correction = correction
            .filter(|meant| !named || meant.ends_with("day") || spelling::is_name(meant) || !self.is_mixed(start));
        let corrected = correction.is_some();
        let glued = self.tokens.last().is_some_and(|last| last.end == start);
        let word = correction.map_or(word, str::to_owned);
        self.tokens.push(Token {
            form,
            word,
            start,
            end: self.at,
            capital,
            corrected,
            glued,
            unknown: false,
            noun: false,
        });
    }
}

/// A picture, which says nothing, unless it denies or asks.
fn is_decoration(c: char) -> bool {
    const TELLING: [char; 10] = ['❌', '❎', '⛔', '🚫', '🛑', '👎', '❓', '❔', '✖', '🙅'];
    let picture = matches!(c, '\u{200d}' | '\u{20e3}' | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}'
        | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f000}'..='\u{1faff}');
    picture && !TELLING.contains(&c)
}

fn opens_word(rest: Option<&str>) -> bool {
    rest.is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
}

fn is_closing(c: char) -> bool {
    QUOTES.iter().any(|(_, closing)| closing.contains(&c))
}

fn is_sentence_end(after: &str) -> bool {
    let after = after.trim_start();
    after.is_empty() || after.starts_with(char::is_uppercase)
}

fn is_day_and_month(number: &str) -> bool {
    let Some((day, month)) = number.split_once('.') else {
        return false;
    };
    let within =
        |text: &str, most: u8| text.len() <= 2 && text.parse::<u8>().is_ok_and(|value| (1..=most).contains(&value));
    within(day, 31) && within(month, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(message: &str) -> Vec<String> {
        tokens(message).into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn words_numbers_and_marks_come_apart() {
        assert_eq!(words("Luigi’s, 7pm!"), ["luigi's", ",", "7", "pm", "!"]);
        assert_eq!(words("at 7:30 p.m. on 24.12. please"), ["at", "7:30", "pm", "on", "24.12.", "please"]);
        assert_eq!(words("€12.50"), ["€", "12.50"]);
        assert_eq!(words("mail ann@mail.example, now"), ["mail", "ann@mail.example", ",", "now"]);
    }

    #[test]
    fn a_quotation_is_one_token() {
        for message in ["text Sam \"book a table\"", "text Sam “book a table”", "text Sam 'book a table'"] {
            assert_eq!(words(message), ["text", "sam", "book a table"], "{message}");
        }
        assert_eq!(words("say \"never closed"), ["say", "never closed"]);
        assert_eq!(words("Luigi's and Sam's"), ["luigi's", "and", "sam's"]);
    }

    #[test]
    fn common_words_are_corrected() {
        assert_eq!(words("tomorow tommorow resturant Tom"), ["tomorrow", "tomorrow", "restaurant", "tom"]);
    }
}
