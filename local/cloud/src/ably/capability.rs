//! What a token may do: `{"news:*": ["subscribe"], "chat": ["*"]}`.

use std::collections::BTreeMap;

use super::fault::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Publish,
    Subscribe,
    History,
    Metadata,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::History => "history",
            Self::Metadata => "channel-metadata",
        }
    }
}

/// Patterns of channels, with the operations on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability(BTreeMap<String, Vec<String>>);

impl Capability {
    pub const ALL: &str = r#"{"[*]*":["*"]}"#;

    pub fn all() -> Self {
        Self(BTreeMap::from([("[*]*".to_owned(), vec!["*".to_owned()])]))
    }

    pub fn parse(text: &str) -> Result<Self, Fault> {
        let patterns: BTreeMap<String, Vec<String>> =
            serde_json::from_str(text).map_err(|error| Fault::bad(format!("invalid capability: {error}")))?;
        if patterns.is_empty() || patterns.values().any(Vec::is_empty) {
            return Err(Fault::bad("invalid capability: it allows nothing"));
        }
        Ok(Self(patterns))
    }

    /// # Errors
    /// When nothing allows `operation` on `channel`.
    pub fn check(&self, channel: &str, operation: Operation) -> Result<(), Fault> {
        let allowed = self.0.iter().any(|(pattern, operations)| {
            fits(pattern, channel) && operations.iter().any(|name| name == "*" || name == operation.name())
        });
        if allowed {
            return Ok(());
        }
        let message =
            format!("operation {} not permitted on channel {channel} with provided capability", operation.name());
        Err(Fault::unauthorised(40160, message))
    }
}

/// `[meta]*` and `[queue]*` are for what has that qualifier, `*` for what has
/// none, `[*]*` for all. `*` stands for a whole segment between colons, and at
/// the end for one or more; anywhere else it is itself.
fn fits(pattern: &str, channel: &str) -> bool {
    let ((wanted, pattern), (qualifier, name)) = (split(pattern), split(channel));
    if wanted != Some("*") && wanted != qualifier {
        return false;
    }
    let mut segments = name.split(':');
    let mut wanted = pattern.split(':').peekable();
    while let Some(part) = wanted.next() {
        match segments.next() {
            None => return false,
            Some(_) if part == "*" && wanted.peek().is_none() => return true,
            Some(segment) if part == "*" || part == segment => {}
            Some(_) => return false,
        }
    }
    segments.next().is_none()
}

/// The qualifier in brackets, and the rest.
fn split(resource: &str) -> (Option<&str>, &str) {
    match resource.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((qualifier, name)) => (Some(qualifier), name),
        None => (None, resource),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_allowed() {
        let capability = Capability::parse(r#"{"news:*":["subscribe","history"],"chat":["*"]}"#).unwrap();
        assert!(capability.check("news:oslo", Operation::Subscribe).is_ok());
        assert_eq!(capability.check("news:oslo", Operation::Publish).unwrap_err().code, 40160);
        assert!(capability.check("newsroom", Operation::Subscribe).is_err());
        assert!(capability.check("chat", Operation::Publish).is_ok());
        assert!(capability.check("chats", Operation::Publish).is_err());
        assert!(Capability::all().check("any", Operation::Metadata).is_ok());
        assert!(Capability::parse("{}").is_err());
    }

    #[test]
    fn a_pattern_fits_what_the_documentation_says() {
        for (pattern, fitting, unfitting) in [
            ("*", vec!["a", "a:b", "a*"], vec!["[meta]log", "[queue]a"]),
            ("[meta]*", vec!["[meta]log", "[meta]a:b"], vec!["log", "meta", "[queue]log"]),
            ("[meta]log", vec!["[meta]log"], vec!["log", "[meta]logs"]),
            ("[queue]*", vec!["[queue]a"], vec!["a", "[meta]a"]),
            ("[*]*", vec!["a", "a:b", "[meta]log", "[queue]a"], vec![]),
            ("[*]a", vec!["a", "[meta]a"], vec!["b", "[meta]b"]),
            ("foo:*", vec!["foo:bar", "foo:bar:bam:baz"], vec!["foo", "food:bar", "[meta]foo:bar"]),
            ("foo:*:baz", vec!["foo:bar:baz"], vec!["foo:bar:bam:baz", "foo:baz", "foo:bar", "foo:bar:baz:x"]),
            ("*:*:baz", vec!["a:b:baz"], vec!["a:baz", "a:b:c"]),
            ("foo*", vec!["foo*"], vec!["foo", "food", "foo:bar"]),
            ("foo:b*", vec!["foo:b*"], vec!["foo:bar"]),
        ] {
            for channel in fitting {
                assert!(fits(pattern, channel), "{pattern} is for {channel}");
            }
            for channel in unfitting {
                assert!(!fits(pattern, channel), "{pattern} is not for {channel}");
            }
        }
    }
}
