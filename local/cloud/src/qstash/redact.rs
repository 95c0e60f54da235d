//! `Upstash-Redact-Fields`: what of a message nobody is to read who asks for it. It is delivered as it is.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::message::Headers;
use crate::text::hexadecimal;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redact {
    pub body: bool,
    /// All headers, beside those that are named.
    pub all: bool,
    /// In lower case.
    pub headers: Vec<String>,
}

impl Redact {
    /// Reads `body, header, header[Name]`.
    ///
    /// # Errors
    /// Names what is none of these: nothing is shown because its name was misspelt.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut redact = Self::default();
        for field in text.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            // The service's documentation has both.
            let rest = field.strip_prefix("headers").or_else(|| field.strip_prefix("header"));
            match (field, rest) {
                ("body", _) => redact.body = true,
                (_, Some("")) => redact.all = true,
                (_, Some(rest)) if rest.len() > 2 && rest.starts_with('[') && rest.ends_with(']') => {
                    redact.headers.push(rest[1..rest.len() - 1].to_ascii_lowercase());
                }
                _ => return Err(format!("'{field}' is neither body nor header nor header[Name]")),
            }
        }
        Ok(redact)
    }

    /// The headers as they may be read.
    pub fn headers(&self, headers: &Headers) -> Headers {
        let hidden = |name: &String| self.all || self.headers.iter().any(|hidden| hidden.eq_ignore_ascii_case(name));
        let shown = |(name, value): &(String, String)| match hidden(name) {
            true => (name.clone(), mark(value.as_bytes())),
            false => (name.clone(), value.clone()),
        };
        headers.iter().map(shown).collect()
    }
}

/// What stands in the place of something, by which two of the same are still known for that.
pub fn mark(value: &[u8]) -> String {
    format!("REDACTED:{}", hexadecimal(&Sha256::digest(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_and_a_misspelt_one_is_refused() {
        let redact = Redact::parse("body, header[X-Key],header[b]").unwrap();
        assert_eq!(redact, Redact { body: true, all: false, headers: vec!["x-key".into(), "b".into()] });
        assert!(Redact::parse("headers").unwrap().all);
        for wrong in ["bodies", "header[]", "header[a", "Body"] {
            assert!(Redact::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_redacted_header_shows_its_hash() {
        let redact = Redact::parse("header[X-Key]").unwrap();
        let shown = redact.headers(&vec![("x-key".into(), "k".into()), ("x-b".into(), "b".into())]);
        assert!(shown[0].1.starts_with("REDACTED:8254c329"), "{}", shown[0].1);
        assert_eq!(shown[1].1, "b");
    }
}
