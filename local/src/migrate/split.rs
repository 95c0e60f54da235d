//! A script in SQL as its single statements: what is served over HTTP takes one at a time.

/// The statements, without their semicolons; what holds nothing but space and comments is left out.
#[must_use]
pub fn statements(script: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut at, mut says_something) = (0, 0, false);
    while let Some(char) = script[at..].chars().next() {
        let rest = &script[at..];
        if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += comment(rest);
        } else if char == ';' {
            if says_something {
                found.push(script[start..at].trim());
            }
            at += 1;
            (start, says_something) = (at, false);
        } else {
            says_something |= !char.is_whitespace();
            at += quoted(rest, script[..at].chars().next_back()).unwrap_or(char.len_utf8());
        }
    }
    if says_something {
        found.push(script[start..].trim());
    }
    found
}

/// The length of the comment at the start; comments nest.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of what stands in quotes at the start: a string, a name, or a body in dollars. A doubled quote ends
/// one and begins the next, which comes to the same.
fn quoted(text: &str, before: Option<char>) -> Option<usize> {
    let first = text.chars().next()?;
    let end = |from: usize, quote: &str| text[from..].find(quote).map_or(text.len(), |at| from + at + quote.len());
    match first {
        '\'' if matches!(before, Some('e' | 'E')) => {
            let mut escaped = false;
            let close = text.char_indices().skip(1).find(|(_, char)| {
                let closes = *char == '\'' && !escaped;
                escaped = *char == '\\' && !escaped;
                closes
            });
            Some(close.map_or(text.len(), |(at, _)| at + 1))
        }
        '\'' => Some(end(1, "'")),
        '"' => Some(end(1, "\"")),
        // `$1` is a parameter, and `a$b$` a name.
        '$' if !before.is_some_and(|char| char.is_alphanumeric() || char == '_') => {
            let close = text[1..].find('$')? + 1;
            let tag = &text[..=close];
            let name = &tag[1..close];
            let fits = name.chars().all(|char| char.is_alphanumeric() || char == '_')
                && !name.starts_with(|char: char| char.is_ascii_digit());
            fits.then(|| end(tag.len(), tag))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_ends_a_statement_only_outside_of_quotes_and_comments() {
        let script = "create table a (b text default ';'); -- one; two\n\
                      create function f() returns int language sql as $$ select 1; $$;\n\
                      do $x$ begin perform '$$;'; end $x$; /* a; /* b; */ c; */\n\
                      select \"a;b\", e'\\';', 'it''s; so' ; select $1";
        let found = statements(script);
        assert_eq!(found.len(), 5, "{found:#?}");
        assert!(found[1].ends_with("$$ select 1; $$"), "{}", found[1]);
        assert_eq!(found[3], "/* a; /* b; */ c; */\nselect \"a;b\", e'\\';', 'it''s; so'");
        assert_eq!(found[4], "select $1");
        assert_eq!(statements("-- nothing\n;;  "), [""; 0]);
    }
}
