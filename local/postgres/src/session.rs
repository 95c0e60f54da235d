//! What a request over HTTP leaves in the session that served it: nothing, for the next may be anyone's.

use crate::connection::Statement;
use crate::rows::Rows;

/// Commands that last until the session ends, by their tags.
const LASTING: [&str; 6] = ["SET", "RESET", "LISTEN", "PREPARE", "DECLARE", "LOAD"];
/// The same within other statements: settings, locks, tables.
const WITHIN: [&str; 2] = ["set_config", "advisory_lock"];
const WORDS: [&str; 2] = ["temp", "temporary"];

/// Whether statements may have changed the session that ran them. What a function of the database's own does
/// under another name is not seen.
pub(crate) fn may_have_changed(script: &[Statement<'_>], answers: &[Rows]) -> bool {
    let lasting = |rows: &Rows| LASTING.contains(&rows.command.as_str());
    let within = |statement: &Statement<'_>| {
        let sql = statement.sql.as_bytes();
        WITHIN.iter().any(|part| places(sql, part).next().is_some()) || WORDS.iter().any(|word| has_word(sql, word))
    };
    answers.iter().any(lasting) || script.iter().any(within)
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
        let may = |sql| may_have_changed(&[Statement::bare(sql)], &[]);
        for sql in [
            "select set_config('a.b', 'c', false)",
            "SELECT pg_try_advisory_lock(1)",
            "create\ttemp\ntable t (id int)",
            "select 1 into TEMPORARY t",
        ] {
            assert!(may(sql), "{sql}");
        }
        for sql in ["select attempts, template from t", "update t set a = 1", "select pg_advisory_xact_lock(1)"] {
            assert!(!may(sql), "{sql}");
        }
        let set = Rows { command: "SET".to_owned(), ..Rows::default() };
        assert!(may_have_changed(&[Statement::bare("/* so */ set a.b = 'c'")], &[set]));
    }
}
