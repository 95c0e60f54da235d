//! What a request over HTTP leaves in the session that served it: nothing, for the next may be anyone's.

use crate::connection::Statement;
use crate::rows::Rows;

/// Commands that leave nothing, by their tags, unless a part of them does.
const PLAIN: [&str; 17] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "BEGIN", "COMMIT", "ROLLBACK", "CREATE", "ALTER", "DROP",
    "TRUNCATE", "GRANT", "REVOKE", "COMMENT", "SHOW", "EXPLAIN",
];
/// What does: settings, locks, tables.
const PARTS: [&str; 4] = ["set_config", "pg_settings", "advisory_lock", "pg_temp"];
const WORDS: [&str; 2] = ["temp", "temporary"];

/// Whether statements may have changed the session that ran them; after an error, which does not say what came
/// before it, they may. What a function of the database's own does under another name is not seen, and
/// `lastval()` is not thought of.
pub(crate) fn may_have_changed(script: &[Statement<'_>], answers: Option<&[Rows]>) -> bool {
    let Some(answers) = answers else { return true };
    let plain = |rows: &Rows| rows.command.is_empty() || PLAIN.contains(&rows.command.as_str());
    let suspicious = |statement: &Statement<'_>| {
        let sql = statement.sql.as_bytes();
        PARTS.iter().any(|part| places(sql, part).next().is_some()) || WORDS.iter().any(|word| has_word(sql, word))
    };
    !answers.iter().all(plain) || script.iter().any(suspicious)
}

/// Where `part` stands in `sql`, in whatever case.
fn places<'s>(sql: &'s [u8], part: &'s str) -> impl Iterator<Item = usize> + 's {
    let same = |window: &[u8]| window.eq_ignore_ascii_case(part.as_bytes());
    sql.windows(part.len()).enumerate().filter(move |(_, window)| same(window)).map(|(at, _)| at)
}

/// Not as a part of another, like `attempt`.
fn has_word(sql: &[u8], word: &str) -> bool {
    let is_part = |at: Option<usize>| {
        at.and_then(|at| sql.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    places(sql, word).any(|at| !is_part(at.checked_sub(1)) && !is_part(Some(at + word.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_seen_and_what_does_not_is_left_alone() {
        let may = |sql| may_have_changed(&[Statement::bare(sql)], Some(&[]));
        for sql in [
            "select set_config('a.b', 'c', false)",
            "update pg_settings set setting = '1'",
            "SELECT pg_try_advisory_lock(1)",
            "create\ttemp\ntable t (id int)",
            "create table PG_TEMP.t (id int)",
            "select 1 into TEMPORARY t",
        ] {
            assert!(may(sql), "{sql}");
        }
        for sql in ["select attempts, template from t", "update t set a = 1", "select pg_advisory_xact_lock(1)"] {
            assert!(!may(sql), "{sql}");
        }
        let tagged = |tag: &str| [Rows { command: tag.to_owned(), ..Rows::default() }];
        assert!(may_have_changed(&[Statement::bare("/* so */ set a.b = 'c'")], Some(&tagged("SET"))));
        assert!(may_have_changed(&[Statement::bare("do $$ $$")], Some(&tagged("DO"))));
        assert!(!may_have_changed(&[Statement::bare("create table t (id int)")], Some(&tagged("CREATE"))));
        assert!(may_have_changed(&[Statement::bare("prepare p as select 1")], None));
    }
}
