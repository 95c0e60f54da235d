//! What can go wrong, told apart by what the caller may do next: nothing was sent, nobody knows, or
//! the server said no.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;
use serde::Serialize;
use std::fmt;

/// Every failure of this crate. The message says what to do next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// PostgreSQL answered with an error: the statement, and the transaction around it, had no effect.
    #[error(transparent)]
    Server(Box<ServerError>),
    /// No connection could be had, so nothing was sent: trying again is safe.
    #[error("{0}")]
    Unavailable(String),
    /// The connection broke after the statement may have left: it may or may not have been applied.
    #[error("{0}")]
    Interrupted(String),
    /// The request cannot be carried out as asked: change it, trying again is pointless.
    #[error("{0}")]
    Refused(String),
    /// A migration failed or was edited after it had been applied; it left no trace.
    #[error("migration `{name}`: {problem}")]
    Migration { name: String, problem: String },
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        Self::Server(Box::new(error))
    }
}

impl Error {
    /// The SQLSTATE, where PostgreSQL gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Server(error) => error.code.as_deref(),
            Self::Unavailable(_) | Self::Interrupted(_) | Self::Refused(_) | Self::Migration { .. } => None,
        }
    }
}

/// The fields of an ErrorResponse, in the order and under the names of Neon's error JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerError {
    pub message: String,
    pub code: Option<String>,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// One-based character offset into the statement.
    pub position: Option<String>,
    pub internal_position: Option<String>,
    pub internal_query: Option<String>,
    pub severity: Option<String>,
    #[serde(rename = "where")]
    pub context: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub schema: Option<String>,
    pub data_type: Option<String>,
    pub constraint: Option<String>,
    pub file: Option<String>,
    pub line: Option<String>,
    pub routine: Option<String>,
}

impl ServerError {
    /// Reads the fields of an ErrorResponse or NoticeResponse; bytes that are not UTF-8 are replaced.
    pub(crate) fn read(mut fields: ErrorFields<'_>) -> std::io::Result<Self> {
        let mut error = Self::default();
        while let Some(field) = fields.next()? {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            let slot = match field.type_() {
                b'M' => {
                    error.message = value;
                    continue;
                }
                b'C' => &mut error.code,
                b'D' => &mut error.detail,
                b'H' => &mut error.hint,
                b'P' => &mut error.position,
                b'p' => &mut error.internal_position,
                b'q' => &mut error.internal_query,
                // `V` is the severity that is never translated; it comes after `S`.
                b'S' | b'V' => &mut error.severity,
                b'W' => &mut error.context,
                b't' => &mut error.table,
                b'c' => &mut error.column,
                b's' => &mut error.schema,
                b'd' => &mut error.data_type,
                b'n' => &mut error.constraint,
                b'F' => &mut error.file,
                b'L' => &mut error.line,
                b'R' => &mut error.routine,
                _ => continue,
            };
            *slot = Some(value);
        }
        Ok(error)
    }

    /// The server closes the connection after an error of this severity.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self.severity.as_deref(), Some("FATAL" | "PANIC"))
    }

    /// The embedded engine passed by a PL/pgSQL EXCEPTION block: its portal stays active for ever.
    pub(crate) fn is_uncatchable(&self) -> bool {
        self.code.as_deref() == Some("24000") && self.routine.as_deref() == Some("PortalDrop")
    }

    /// A prepared statement no longer fits the schema or was deallocated; it did not run.
    pub(crate) fn is_stale_plan(&self) -> bool {
        match self.code.as_deref() {
            Some("26000") => true,
            Some("0A000") => self.routine.as_deref() == Some("RevalidateCachedQuery") && self.context.is_none(),
            _ => false,
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(code) = &self.code {
            write!(f, " (SQLSTATE {code})")?;
        }
        if let Some(position) = &self.position {
            write!(f, " at character {position}")?;
        }
        for more in [&self.detail, &self.hint].into_iter().flatten() {
            write!(f, "; {more}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ServerError {}
