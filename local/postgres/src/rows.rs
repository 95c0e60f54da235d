//! The answer to one statement, kept as the text PostgreSQL sent. Deliberately no typed access: the
//! caller knows its own columns, and the Neon protocol passes text on.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, RowDescriptionBody};
use std::io;
use std::sync::Arc;

/// One statement's result.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Empty for a statement that returns no rows.
    pub fields: Arc<[Field]>,
    /// One text per field, `None` for SQL null.
    pub rows: Vec<Vec<Option<String>>>,
    /// First word of the command tag (`SELECT`, `INSERT`, `CREATE`); empty for an empty statement.
    pub command: String,
    /// Number of rows from the command tag; `None` for statements without one, such as DDL.
    pub count: Option<u64>,
}

impl Rows {
    /// The first column of the first row, unless there is no row or it is null.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_deref()
    }

    pub(crate) fn push(&mut self, body: &DataRowBody) -> io::Result<()> {
        let buffer = body.buffer();
        let mut ranges = body.ranges();
        let mut row = Vec::with_capacity(self.fields.len());
        while let Some(range) = ranges.next()? {
            let cell = range.map(|range| text(&buffer[range])).transpose()?;
            row.push(cell);
        }
        self.rows.push(row);
        Ok(())
    }

    /// Takes in the command tag. An INSERT tag carries an object id before its row count.
    pub(crate) fn complete(&mut self, tag: &str) {
        let mut words = tag.split(' ');
        words.next().unwrap_or_default().clone_into(&mut self.command);
        let count = if self.command == "INSERT" { words.nth(1) } else { words.next() };
        self.count = count.and_then(|count| count.parse().ok());
    }
}

/// A result column, as RowDescription tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub type_oid: u32,
    /// 0 where the column is computed.
    pub table_oid: u32,
    pub column: i16,
    pub type_size: i16,
    pub type_modifier: i32,
}

impl Field {
    pub(crate) fn read_all(body: &RowDescriptionBody) -> io::Result<Arc<[Self]>> {
        body.fields()
            .map(|field| {
                Ok(Self {
                    name: field.name().to_owned(),
                    type_oid: field.type_oid(),
                    table_oid: field.table_oid(),
                    column: field.column_id(),
                    type_size: field.type_size(),
                    type_modifier: field.type_modifier(),
                })
            })
            .collect::<Vec<_>>()
            .map(Into::into)
    }
}

fn text(bytes: &[u8]) -> io::Result<String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
