//! What is refused before a byte of it leaves: statements the protocol cannot carry, and COPY with the
//! client, which neither back end can be talked out of once it has begun.

use crate::connection::Statement;
use crate::error::Error;

/// What the encoder would refuse half way through a script.
pub(crate) fn check_sendable(script: &[Statement<'_>]) -> Result<(), Error> {
    for statement in script {
        if statement.sql.contains('\0') {
            return Err(Error::Refused("the SQL contains a NUL character; remove it".to_owned()));
        }
        if is_client_copy(statement.sql) {
            return Err(copy_refused());
        }
        if statement.params.len() > usize::from(u16::MAX) {
            return Err(Error::Refused(format!(
                "{} parameters in one statement; PostgreSQL takes at most 65535, so pass an array",
                statement.params.len()
            )));
        }
    }
    Ok(())
}

/// COPY between server and client. Asked before it is sent: the embedded engine does not survive it.
fn is_client_copy(sql: &str) -> bool {
    let mut rest = sql.trim_start();
    while let Some(after) = rest
        .strip_prefix("--")
        .and_then(|comment| comment.split_once('\n'))
        .or_else(|| rest.strip_prefix("/*").and_then(|comment| comment.split_once("*/")))
        .map(|(_, after)| after)
    {
        rest = after.trim_start();
    }
    let is_copy = rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("copy"));
    is_copy && {
        let rest = rest.to_ascii_lowercase();
        rest.contains("stdin") || rest.contains("stdout")
    }
}

pub(crate) fn copy_refused() -> Error {
    Error::Refused("COPY from or to the client is not supported; use INSERT or SELECT".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_copy_with_the_client_is_refused() {
        for sql in ["copy t from stdin", " -- x\n/* y */ COPY t TO STDOUT"] {
            assert!(is_client_copy(sql), "{sql}");
        }
        for sql in ["select 'copy stdin'", "copy t from '/file'", "", "cop", "--", "é"] {
            assert!(!is_client_copy(sql), "{sql}");
        }
    }
}
