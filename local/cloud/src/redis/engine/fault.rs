//! Redis's own error texts, word for word (redis 7.0 `src/*.c`).

use std::borrow::Cow;

/// A command's error. The text begins with its code word.
#[derive(Debug, PartialEq)]
pub struct Fault(Cow<'static, str>);

impl Fault {
    pub const SYNTAX: Self = Self::new("ERR syntax error");
    pub const WRONG_TYPE: Self = Self::new("WRONGTYPE Operation against a key holding the wrong kind of value");
    pub const NOT_INTEGER: Self = Self::new("ERR value is not an integer or out of range");
    pub const NOT_FLOAT: Self = Self::new("ERR value is not a valid float");
    pub const NOT_POSITIVE: Self = Self::new("ERR value is out of range, must be positive");
    pub const OVERFLOW: Self = Self::new("ERR increment or decrement would overflow");
    pub const NOT_FINITE: Self = Self::new("ERR increment would produce NaN or Infinity");
    pub const NO_KEY: Self = Self::new("ERR no such key");
    pub const INDEX: Self = Self::new("ERR index out of range");
    pub const TOO_LONG: Self = Self::new("ERR max single record size exceeded");

    pub const fn new(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    pub fn arity(command: &str) -> Self {
        let name = command.to_ascii_lowercase();
        format!("ERR wrong number of arguments for '{name}' command").into()
    }

    pub fn expire_time(command: &str) -> Self {
        format!("ERR invalid expire time in '{command}' command").into()
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<String> for Fault {
    /// On the wire an error is one line.
    fn from(text: String) -> Self {
        Self(Cow::Owned(text.replace(['\r', '\n'], " ")))
    }
}
