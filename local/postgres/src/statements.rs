//! Which statements one connection has prepared, by their SQL text. Bounded: the one longest unused
//! makes room. This is bookkeeping only; the connection sends the messages.

use crate::rows::Field;
use std::collections::HashMap;
use std::sync::Arc;

/// Statements kept per connection.
pub(crate) const CAPACITY: usize = 128;
/// Longer SQL is prepared unnamed and forgotten, so that a cache stays below a few MiB.
const LONGEST_SQL: usize = 32 * 1024;
/// A pipeline with more statements than this does not name its new ones: what it evicts could
/// otherwise be what it uses.
const LONGEST_PIPELINE: usize = CAPACITY / 2;

#[derive(Default)]
pub(crate) struct Statements {
    by_sql: HashMap<String, Prepared>,
    /// Names to close with the next script. Closing a name the server does not know is no error.
    doomed: Vec<Arc<str>>,
    clock: u64,
}

pub(crate) struct Prepared {
    pub name: Arc<str>,
    /// Known once the server has described it.
    pub fields: Option<Arc<[Field]>>,
    used: u64,
}

impl Statements {
    pub fn get(&mut self, sql: &str) -> Option<&Prepared> {
        self.clock += 1;
        let prepared = self.by_sql.get_mut(sql)?;
        prepared.used = self.clock;
        Some(prepared)
    }

    pub fn admits(sql: &str, pipeline: usize) -> bool {
        sql.len() <= LONGEST_SQL && pipeline <= LONGEST_PIPELINE
    }

    /// Reserves a name for `sql`, to be confirmed by [`Self::describe`].
    pub fn reserve(&mut self, sql: &str) -> Arc<str> {
        self.clock += 1;
        let name: Arc<str> = format!("s{}", self.clock).into();
        let prepared = Prepared { name: Arc::clone(&name), fields: None, used: self.clock };
        self.by_sql.insert(sql.to_owned(), prepared);
        name
    }

    pub fn describe(&mut self, sql: &str, fields: &Arc<[Field]>) {
        if let Some(prepared) = self.by_sql.get_mut(sql) {
            prepared.fields = Some(Arc::clone(fields));
        }
    }

    /// Dooms the statements longest unused until `wanted` more fit.
    pub fn make_room(&mut self, wanted: usize) {
        while self.by_sql.len() + wanted > CAPACITY {
            let oldest = self.by_sql.iter().min_by_key(|(_, prepared)| prepared.used);
            let Some(sql) = oldest.map(|(sql, _)| sql.clone()) else {
                break;
            };
            self.doomed.extend(self.by_sql.remove(&sql).map(|prepared| prepared.name));
        }
    }

    /// Dooms what was sent without word that the server took it.
    pub fn doom_unconfirmed(&mut self) {
        let unconfirmed = self.by_sql.extract_if(|_, prepared| prepared.fields.is_none());
        self.doomed.extend(unconfirmed.map(|(_, prepared)| prepared.name));
    }

    pub fn take_doomed(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.doomed)
    }

    /// The server has forgotten everything.
    pub fn clear(&mut self) {
        self.by_sql.clear();
        self.doomed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_longest_unused_makes_room() {
        let mut statements = Statements::default();
        let names: Vec<_> = (0..CAPACITY).map(|n| statements.reserve(&format!("select {n}"))).collect();
        assert!(statements.get("select 0").is_some());
        statements.make_room(1);
        assert_eq!(statements.take_doomed(), [Arc::clone(&names[1])]);
        assert!(statements.get("select 0").is_some() && statements.get("select 1").is_none());
    }

    #[test]
    fn what_was_never_confirmed_is_forgotten_and_closed() {
        let mut statements = Statements::default();
        let kept = statements.reserve("a");
        statements.describe("a", &[].into());
        let lost = statements.reserve("b");
        statements.doom_unconfirmed();
        assert_eq!(statements.take_doomed(), [lost]);
        assert_eq!(statements.get("a").map(|prepared| Arc::clone(&prepared.name)), Some(kept));
    }
}
