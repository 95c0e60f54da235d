//! Errors that Rust raises inside a script, and what Lua makes of an error.

use std::fmt;

use mlua::{Error, Lua, Value};

/// What is raised: Redis raises a table with the whole text for what concerns
/// commands, and Lua's libraries a string that begins with the place.
#[derive(Debug)]
pub enum Raised {
    Table(String),
    Text(String),
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Table(text) | Self::Text(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for Raised {}

pub fn table(text: impl Into<String>) -> Error {
    Error::external(Raised::Table(text.into()))
}

/// A library's error, placed at the caller as `luaL_error` does.
pub fn text(lua: &Lua, text: &str) -> Error {
    let place = lua.inspect_stack(1, |frame| {
        let line = frame.current_line()?;
        Some(format!("{}:{line}: ", frame.source().short_src?))
    });
    Error::external(Raised::Text(format!("{}{text}", place.flatten().unwrap_or_default())))
}

/// The text of an error value, and whether it stands for a whole reply.
pub fn read(value: &Value) -> Raised {
    if let Value::Error(error) = value {
        return read_error(error);
    }
    if let Value::Table(table) = value {
        let text = table.raw_get::<Value>("err").ok().and_then(|text| Some(text.as_string()?.to_string_lossy()));
        return Raised::Table(text.unwrap_or_else(|| "ERR unknown error".to_owned()));
    }
    Raised::Text(value.to_string().unwrap_or_else(|_| value.type_name().to_owned()))
}

pub fn read_error(error: &Error) -> Raised {
    let mut error = error;
    while let Error::CallbackError { cause, .. } = error {
        error = cause;
    }
    match error.downcast_ref::<Raised>() {
        Some(Raised::Table(text)) => Raised::Table(text.clone()),
        Some(Raised::Text(text)) => Raised::Text(text.clone()),
        None => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Raised::Text(first.trim_start_matches("memory error: ").trim_start_matches("runtime error: ").to_owned())
        }
    }
}
