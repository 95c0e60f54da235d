//! From the tables of a PostgreSQL to JSON Schema and Rust types.
//!
//! The catalogue is read by one statement ([`CATALOGUE`], whoever runs it); [`files`] makes of its answer what is
//! checked in, and [`Folder`] compares that with what was checked in before. For each table there are an `Input`,
//! what a tool takes that writes a row, and a `Row`, what one gives that reads it. Everything is sorted by name: two
//! databases with the same tables have the same files, however they came about.
//!
//! What a database checks and a schema has no words for is said in a comment of the Rust type, never dropped.
//!
//! Deliberately absent: what a table's rows mean to a tool (its class, keys, who may call it), and foreign keys and
//! unique ones, which are about other rows than the one that is given.

mod catalogue;
mod check;
mod expression;
mod field;
mod folder;
mod kind;
mod rust;
mod statement;
mod token;

use serde_json::json;

pub use catalogue::{Catalogue, Unreadable};
pub use folder::Folder;
pub use statement::CATALOGUE;

use catalogue::{Column, Table};
use field::{Field, Side};

/// What is to be reflected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Each as `schema.table`.
    pub tables: Vec<String>,
    /// Columns that the tool fills in by itself, such as its key: no input has them.
    pub filled: Vec<String>,
}

impl Wanted {
    /// As [`CATALOGUE`] takes it.
    #[must_use]
    pub fn parameter(&self) -> String {
        json!(self.tables).to_string()
    }

    /// The command that makes the same files.
    fn command(&self) -> String {
        let mut tables = self.tables.clone();
        tables.sort_unstable();
        let mut command = "makegood tools reflect".to_owned();
        tables.iter().for_each(|table| command.push_str(&format!(" --table {table}")));
        let mut filled = self.filled.clone();
        filled.sort_unstable();
        if !filled.is_empty() {
            command.push_str(&format!(" --filled {}", filled.join(",")));
        }
        command
    }
}

/// A file as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Without a folder.
    pub name: String,
    pub text: String,
}

/// Why there are no files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreflectable {
    #[error("the database has no table {0}. Name it with its schema, as in `public.bookings`.")]
    NoTable(String),
    #[error("no table that is reflected has a column {0}, which the tool is to fill in.")]
    NoColumn(String),
    #[error("two tables would be written to {0}. Reflect them into folders of their own.")]
    Twice(String),
}

/// What is to be checked in, sorted by name.
///
/// # Errors
/// Where what is wanted is not there.
pub fn files(catalogue: &Catalogue, wanted: &Wanted) -> Result<Vec<File>, Unreflectable> {
    for name in &wanted.tables {
        if !catalogue.tables.iter().any(|table| table.full_name() == *name) {
            return Err(Unreflectable::NoTable(name.clone()));
        }
    }
    for name in &wanted.filled {
        if !catalogue.tables.iter().any(|table| table.columns.iter().any(|column| column.name == *name)) {
            return Err(Unreflectable::NoColumn(name.clone()));
        }
    }
    let mut files = Vec::new();
    let mut modules = Vec::new();
    for table in &catalogue.tables {
        let module = rust::module_name(&table.name);
        if modules.contains(&module) {
            return Err(Unreflectable::Twice(format!("{module}.rs")));
        }
        let (input, row) = sides(catalogue, table, wanted);
        for (side, fields) in [("input", &input), ("row", &row)] {
            let text = format!("{:#}\n", field::schema(table, fields));
            files.push(File { name: format!("{module}.{side}.json"), text });
        }
        let text = rust::module(table, &module, &input, &row, &wanted.command());
        files.push(File { name: format!("{module}.rs"), text });
        modules.push(module);
    }
    modules.sort_unstable();
    files.push(File { name: "mod.rs".to_owned(), text: rust::root(&modules, &wanted.command()) });
    files.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}

/// What a tool takes that writes a row, and what one gives that reads it.
fn sides(catalogue: &Catalogue, table: &Table, wanted: &Wanted) -> (Vec<Field>, Vec<Field>) {
    let checks = check::of_table(table);
    let fields = |side, columns: &mut dyn Iterator<Item = &Column>| -> Vec<Field> {
        columns.map(|column| Field::new(catalogue, column, &checks, side)).collect()
    };
    let written = |column: &&Column| column.is_written() && !wanted.filled.contains(&column.name);
    let input = fields(Side::Input, &mut table.columns.iter().filter(written));
    (input, fields(Side::Row, &mut table.columns.iter()))
}
