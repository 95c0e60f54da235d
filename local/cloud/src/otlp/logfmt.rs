//! `key=value key="a value"`: how Tempo's older search names tags.

/// Reads the pairs.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let malformed = || format!("invalid tags: no `key=value` at {:?}", rest);
        let (key, after) = rest.split_once('=').ok_or_else(malformed)?;
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c == '"') {
            return Err(malformed());
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted).ok_or_else(malformed)?,
            None => {
                let (value, after) = after.split_at(after.find(char::is_whitespace).unwrap_or(after.len()));
                (value.to_owned(), after)
            }
        };
        pairs.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// The value up to its closing quote, and what follows.
fn quoted_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(signs.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_be_quoted() {
        let read = pairs(r#"service.name=x  name="a \"b\" c" empty="#).unwrap();
        let expected = [("service.name", "x"), ("name", r#"a "b" c"#), ("empty", "")];
        assert!(read.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected));
        assert_eq!(pairs(""), Ok(Vec::new()));
        assert!(pairs("x").is_err() && pairs("=x").is_err() && pairs("a=\"x").is_err() && pairs("a b=c").is_err());
    }
}
