//! The words of an expression, as PostgreSQL writes it out of its catalogue.

/// One word, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub word: Word<'a>,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word<'a> {
    /// A function, a type or a column: what is not quoted is in small letters.
    Name(String),
    /// A name in quotes, which is no word of the language.
    Quoted(String),
    /// In capital letters.
    Keyword(&'a str),
    Number(&'a str),
    Text(String),
    Symbol(&'a str),
}

const OPERATORS: &str = "+-*/<>=~!@#%^&|`?";

/// What a domain's checks call its value.
pub(super) const VALUE: &str = "VALUE";

/// All words; `None` where there is one that is not known.
pub(super) fn tokens(source: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next()?;
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let run = |fits: &dyn Fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let (word, length) = if first == '\'' {
            let (text, length) = quoted(rest, '\'')?;
            (Word::Text(text), length)
        } else if first == '"' {
            let (name, length) = quoted(rest, '"')?;
            (Word::Quoted(name), length)
        } else if first.is_ascii_digit() {
            let length = run(&|c| c.is_ascii_digit() || c == '.');
            (Word::Number(rest.get(..length)?), length)
        } else if first.is_alphabetic() || first == '_' {
            let length = run(&|c| c.is_alphanumeric() || c == '_' || c == '$');
            let name = rest.get(..length)?;
            if rest.get(length..)?.starts_with('\'') {
                // E'…' and the like: their escapes are others.
                return None;
            }
            if name != VALUE && name.chars().any(|c| c.is_ascii_uppercase()) {
                (Word::Keyword(name), length)
            } else {
                (Word::Name(name.to_owned()), length)
            }
        } else {
            let length = if rest.starts_with("::") {
                2
            } else if OPERATORS.contains(first) {
                run(&|c| OPERATORS.contains(c))
            } else {
                first.len_utf8()
            };
            (Word::Symbol(rest.get(..length)?), length)
        };
        tokens.push(Token { word, start: at, end: at + length });
        at += length;
    }
    Some(tokens)
}

/// What stands between two quotes, which stand doubled for themselves; and how long it is with them.
fn quoted(source: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = source.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Some((text, at + quote.len_utf8()));
        }
    }
    None
}
