//! What a database says of its tables, as [`CATALOGUE`](super::CATALOGUE) gives it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Tables and the types of their columns.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Catalogue {
    pub(super) tables: Vec<Table>,
    /// By oid, which means nothing outside of this answer.
    types: BTreeMap<String, Type>,
}

/// The answer is not that of [`CATALOGUE`](super::CATALOGUE).
#[derive(Debug, thiserror::Error)]
#[error("the database's catalogue was not answered as it should be: {0}")]
pub struct Unreadable(serde_json::Error);

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Table {
    pub schema: String,
    pub name: String,
    pub comment: Option<String>,
    /// By name.
    pub columns: Vec<Column>,
    pub checks: Vec<Check>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Column {
    pub name: String,
    pub comment: Option<String>,
    #[serde(rename = "type")]
    pub kind: u64,
    pub modifier: i64,
    pub not_null: bool,
    /// `a`: always; `d`: by default; else empty.
    identity: String,
    generated: bool,
    /// As SQL.
    pub default: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Check {
    pub name: String,
    /// As PostgreSQL writes it out: every cast and every bracket there is.
    pub expression: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Type {
    pub schema: String,
    pub name: String,
    /// `b` base, `c` composite, `d` domain, `e` enum, `r` range and others.
    pub kind: String,
    /// Of an array.
    pub element: Option<u64>,
    /// Of a domain.
    pub base: Option<u64>,
    pub modifier: i64,
    pub not_null: bool,
    pub labels: Vec<String>,
    pub checks: Vec<Check>,
}

impl Catalogue {
    /// Reads the answer of [`CATALOGUE`](super::CATALOGUE).
    ///
    /// # Errors
    /// Where it is another's.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        serde_json::from_str(text).map_err(Unreadable)
    }

    pub(super) fn kind(&self, oid: u64) -> Option<&Type> {
        self.types.get(&oid.to_string())
    }
}

impl Table {
    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

impl Column {
    /// Whether whoever writes a row may say what stands here.
    pub(super) fn is_written(&self) -> bool {
        !self.generated && self.identity != "a"
    }

    /// Whether something stands here where nothing is said.
    pub(super) fn fills_itself(&self) -> bool {
        self.default.is_some() || self.identity == "d"
    }
}
