//! What queries are made of, in all three languages. Numbers and spans of time say nothing and are left out.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name, a word of the language, or a variable of Grafana's with its `$`.
    Word(String),
    /// What stood in quotes.
    Text(String),
    Sign(char),
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        if let Self::Word(word) = self { Some(word) } else { None }
    }

    pub fn is(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

pub fn tokens(query: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = query.chars().peekable();
    while let Some(first) = rest.next() {
        if first.is_whitespace() {
            continue;
        }
        if first == '"' {
            let mut text = String::new();
            while let Some(letter) = rest.next() {
                match letter {
                    '"' => break,
                    '\\' => text.extend(rest.next()),
                    _ => text.push(letter),
                }
            }
            found.push(Token::Text(text));
            continue;
        }
        if !(first.is_alphanumeric() || "_$".contains(first)) {
            found.push(Token::Sign(first));
            continue;
        }
        let mut word = String::from(first);
        while let Some(next) = rest.next_if(|next| next.is_alphanumeric() || "_.:".contains(*next)) {
            word.push(next);
        }
        if !first.is_ascii_digit() {
            found.push(Token::Word(word));
        }
    }
    found
}
