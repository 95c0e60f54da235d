//! The body of a request: one query, or a batch of them.

use super::params::Param;
use super::render::Shape;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(try_from = "Keys")]
pub(super) enum Body {
    Single(Query),
    Batch { queries: Vec<Query> },
}

/// The keys of both kinds of body: read in one go, where an untagged enum would read twice.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys {
    query: Option<String>,
    #[serde(default)]
    params: Vec<Param>,
    array_mode: Option<bool>,
    queries: Option<Vec<Query>>,
}

impl TryFrom<Keys> for Body {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<Self, Self::Error> {
        let Keys { query, params, array_mode, queries } = keys;
        match (query, queries) {
            (Some(query), None) => Ok(Self::Single(Query { query, params, array_mode })),
            (None, Some(queries)) => Ok(Self::Batch { queries }),
            (Some(_), Some(_)) | (None, None) => Err("either `query` or `queries` is required"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Query {
    pub query: String,
    #[serde(default)]
    pub params: Vec<Param>,
    /// Overrides the header.
    #[serde(default)]
    array_mode: Option<bool>,
}

impl Query {
    pub fn shape(&self, shape: Shape) -> Shape {
        Shape { arrays: self.array_mode.unwrap_or(shape.arrays), ..shape }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Isolation {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ReadUncommitted" => Self::ReadUncommitted,
            "ReadCommitted" => Self::ReadCommitted,
            "RepeatableRead" => Self::RepeatableRead,
            "Serializable" => Self::Serializable,
            _ => return None,
        })
    }

    pub fn sql(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}
