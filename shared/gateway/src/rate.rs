//! How many calls of a tool may leave in a span of time, counted in Redis for all sagas together.
//!
//! In no span are there more, by the clock of Redis, but for undos and statuses, which count and leave all the same.
//! Who comes too early is told when to ask again, each a little later than the one before, so that a crowd does not come
//! back at once; who comes meanwhile is sent behind them.

use makegood_core::time::Millis;
use makegood_core::tool::Rate;
use serde_json::Value;

use crate::redis::Script;

/// A test holds the two together.
pub const SCRIPT: Script =
    Script { text: include_str!("rate.lua"), digest: "f6db32a8da00b6cdce52e20020ae76bdb1a50373" };

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    First,
    /// It was sent away before.
    Again,
    /// It leaves in any case, and counts.
    Anyway,
}

/// The words of the command: by the script's digest, or with the whole of it where Redis has not seen it yet. All
/// versions of a tool count together.
#[must_use]
pub fn words(tool: &str, rate: Rate, who: Who, whole: bool) -> Vec<String> {
    let (left, line) = (format!("makegood:rate:{tool}"), format!("makegood:rate:{tool}:line"));
    let mut words = SCRIPT.words(&[left.as_str(), line.as_str()], whole);
    let who = match who {
        Who::First => "first",
        Who::Again => "again",
        Who::Anyway => "anyway",
    };
    words.extend([rate.calls.to_string(), rate.per_ms.0.to_string(), who.to_owned()]);
    words
}

/// When the call may leave: at once, or, not counted, so much later.
#[must_use]
pub fn told(answer: &Value) -> Option<Millis> {
    answer.as_u64().map(Millis)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use serde_json::json;
    use sha1::{Digest as _, Sha1};

    use super::*;

    #[test]
    fn the_script_is_known_by_its_digest() {
        assert_eq!(crate::hexadecimal(&Sha1::digest(SCRIPT.text)), SCRIPT.digest);
    }

    #[test]
    fn a_question_names_the_tool_and_its_rate() {
        let rate = Rate { calls: NonZeroU32::new(5).unwrap(), per_ms: Millis(1_000) };
        let words = words("book", rate, Who::Again, false);
        let keys = ["2", "makegood:rate:book", "makegood:rate:book:line"];
        assert_eq!(
            (&words[..2], &words[2..5]),
            (&["EVALSHA", SCRIPT.digest].map(str::to_owned)[..], &keys.map(str::to_owned)[..])
        );
        assert_eq!(words[5..], ["5", "1000", "again"]);
    }

    #[test]
    fn an_answer_that_is_no_time_is_none() {
        assert_eq!((told(&json!(0)), told(&json!(70))), (Some(Millis(0)), Some(Millis(70))));
        assert_eq!((told(&json!(-1)), told(&json!("OK")), told(&Value::Null)), (None, None, None));
    }
}
