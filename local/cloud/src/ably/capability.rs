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
    pub const ALL: &str = r#"{"*":["*"]}"#;

    pub fn all() -> Self {
        Self(BTreeMap::from([("*".to_owned(), vec!["*".to_owned()])]))
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

/// `*` is any channel, `a:*` any below `a:`, anything else itself. A
/// qualifier before the name, `[meta]` or `[*]`, makes no difference here.
fn fits(pattern: &str, channel: &str) -> bool {
    let pattern = match pattern.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, name)) => name,
        None => pattern,
    };
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(namespace) if namespace.ends_with(':') => channel.starts_with(namespace),
        Some(_) | None => pattern == channel,
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
}
