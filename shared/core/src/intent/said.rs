//! What was said in a conversation before, as it is kept.

use serde::{Deserialize, Serialize};

use super::{Context, Reading};
use crate::time::Millis;

/// So many earlier messages are read. Whoever keeps more would lose what the wishes began with.
pub const MAX_SAID: usize = 20;

/// A message, and the clock of who said it then: its `tomorrow` stays the day that it was. It is stored, so its
/// shape is an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub text: String,
    pub at: Millis,
    /// East of Greenwich is positive.
    #[serde(default)]
    pub utc_offset_minutes: i32,
}

/// A reading, and which messages it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Turned {
    pub reading: Reading,
    /// The place of the message that its wishes began with: among the earlier ones, or, where it is their number,
    /// the message that was read. [`Reading::Refused`] about earlier ones gives their wishes up.
    pub since: usize,
}

impl Said {
    #[must_use]
    pub fn new(text: &str, context: &Context) -> Self {
        Self { text: text.to_owned(), at: context.now, utc_offset_minutes: context.utc_offset_minutes }
    }

    /// What it was said against.
    pub(super) fn context(&self, now: &Context) -> Context {
        Context { now: self.at, utc_offset_minutes: self.utc_offset_minutes, user: now.user.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_turn;
    use super::*;

    const TABLE: &str = "Book a table for 4 at Luigi's tomorrow at 7pm";
    const EVENING: &str = "Book a table for 4 at Luigi's tomorrow at 7pm and get us a ride there";

    /// Monday, 23 November 2026, 23:50 in a place one hour east of Greenwich.
    fn late() -> Context {
        Context { now: Millis(1_795_474_200_000), utc_offset_minutes: 60, user: "Ada".to_owned() }
    }

    fn turned(earlier: &[&str], message: &str) -> Turned {
        let earlier: Vec<Said> = earlier.iter().map(|text| Said::new(text, &late())).collect();
        read_turn(message, &earlier, &late())
    }

    #[test]
    fn a_day_that_was_named_before_midnight_stays_that_day_after_it() {
        let earlier = [Said::new("Book a table at Luigi's tomorrow at 7pm", &late())];
        let after = Context { now: late().now + Millis(20 * 60 * 1000), ..late() };
        let Reading::Plan { plan, .. } = read_turn("for four", &earlier, &after).reading else { panic!("a plan") };
        assert_eq!(
            (&plan.steps[0].params["date"], &plan.steps[0].params["party_size"]),
            (&"2026-11-24".into(), &4.into())
        );
        let Reading::Plan { plan, .. } = read_turn("tomorrow, for four", &earlier, &after).reading else {
            panic!("a plan")
        };
        assert_eq!(plan.steps[0].params["date"], "2026-11-25", "what is said now is said now");
    }

    #[test]
    fn it_is_told_which_message_a_reading_began_with() {
        for (earlier, message, since) in [
            (&[EVENING][..], "make it six", 0),
            (&[EVENING], "forget the ride", 0),
            (&[EVENING], "forget it", 0),
            (&[EVENING], "and text Sam the details", 0),
            (&[EVENING, "make it six"], "on Friday instead", 0),
            (&[EVENING], "make it around six", 0),
            (&[EVENING], "Pay Anna 25 dollars", 1),
            (&[EVENING, "Pay Anna"], "25 dollars", 1),
            (&[EVENING, "Pay Anna"], "forget it", 1),
            (&[EVENING], "Don't pay Anna", 1),
            (&[EVENING], "wibble", 1),
            (&["wibble"], "make it six", 1),
            (&[TABLE, "forget it", EVENING], "forget the ride", 2),
        ] {
            assert_eq!(
                turned(earlier, message).since,
                since,
                "{earlier:?} … {message}: {:?}",
                turned(earlier, message)
            );
        }
    }

    #[test]
    fn the_place_is_right_where_the_first_messages_are_too_many_to_be_read() {
        let many: Vec<&str> = std::iter::repeat_n("wibble", MAX_SAID).chain([TABLE]).collect();
        assert_eq!(turned(&many, "make it six").since, MAX_SAID);
    }

    #[test]
    fn what_was_kept_is_read() {
        let kept: Said = serde_json::from_str(r#"{"text":"hello","at":5}"#).unwrap();
        assert_eq!(kept, Said { text: "hello".to_owned(), at: Millis(5), utc_offset_minutes: 0 });
    }
}
