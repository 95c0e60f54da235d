//! What a channel may be called: `name`, `[meta]name`, `[?rewind=1]name`.

use super::fault::Fault;

/// A channel, as a request names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// What the channel is known by: with `[meta]` where that was said, without parameters.
    pub channel: String,
    /// A query string, empty if there was none.
    pub parameters: &'a str,
}

/// # Errors
/// 40010 when no channel can be called so.
pub fn read(text: &str) -> Result<Name<'_>, Fault> {
    let invalid = |why: &str| Fault::channel_name(format!("invalid channel name {text:?}: {why}"));
    let (qualifier, parameters, name) = match text.strip_prefix('[') {
        None => (None, "", text),
        Some(rest) => {
            let (inside, name) = rest.split_once(']').ok_or_else(|| invalid("it may not start with ["))?;
            let (qualifier, parameters) = inside.split_once('?').unwrap_or((inside, ""));
            match qualifier {
                "" if inside.starts_with('?') => (None, parameters, name),
                "meta" => (Some("[meta]"), parameters, name),
                _ => return Err(invalid("only [meta] and parameters such as [?rewind=1] may stand before it")),
            }
        }
    };
    if name.is_empty() {
        return Err(invalid("it may not be empty"));
    }
    if name.starts_with(['[', ':']) {
        return Err(invalid("it may not start with [ or :"));
    }
    if text.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return Err(invalid("it may not hold line breaks"));
    }
    Ok(Name { channel: format!("{}{name}", qualifier.unwrap_or("")), parameters })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_a_qualifier_and_parameters_before_it() {
        for (text, channel, parameters) in [
            ("a", "a", ""),
            ("a:b[c]", "a:b[c]", ""),
            ("[?rewind=1]a", "a", "rewind=1"),
            ("[meta]log", "[meta]log", ""),
            ("[meta?rewind=1]log", "[meta]log", "rewind=1"),
        ] {
            assert_eq!(read(text).unwrap(), Name { channel: channel.to_owned(), parameters }, "{text}");
        }
    }

    #[test]
    fn what_no_channel_is_called_is_refused() {
        for text in [
            "",
            ":a",
            "[",
            "[x",
            "[]a",
            "[x]a",
            "[queue]a",
            "[*]a",
            "[meta]",
            "[?rewind=1]",
            "[?rewind=1]:a",
            "[meta][a",
            "a\nb",
            "a\r",
        ] {
            assert_eq!(read(text).unwrap_err().code, 40010, "{text:?}");
        }
    }
}
