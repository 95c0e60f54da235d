//! Day and time of one wish.

use crate::civil::{Date, DateTime};

use super::chatter::UNSURE;
use super::dates;
use super::slot::Slot;
use super::times::{self, Clock, Habit};
use super::words::Words;

#[derive(Clone, Debug, Default)]
pub(super) struct When {
    pub date: Slot<Date>,
    pub time: Slot<Clock>,
}

impl When {
    /// Reads and takes every day and time in the words.
    pub fn read(words: &mut Words, now: DateTime, habit: Habit) -> Self {
        if let Some(moment) = times::from_now(words, now) {
            let time = Clock { time: moment.time(), next_day: false, assumed: false, approximate: false };
            return Self { date: Slot::Is(moment.date()), time: Slot::Is(time) };
        }
        // The part of the day first: `tonight` says both a day and an evening.
        let part = times::part(words);
        let date = Slot::one(dates::days(words, now.date()), |day| dates::spoken(*day));
        let time = times::times(words, part, habit);
        let time = Slot::one(time, |clock| times::spoken(clock.time));
        Self { date, time }
    }

    /// The same, as one moment that is not past: the date moves on where the time is after midnight.
    pub fn settle(mut self, now: DateTime) -> Self {
        if let (Slot::Is(date), Slot::Is(clock)) = (&self.date, &self.time) {
            let date = if clock.next_day { dates::plus_days(*date, 1) } else { *date };
            // A minute's grace, for `now` is already past when it is read.
            if date.to_datetime(clock.time) < times::later(now, -1) {
                let (clock, date) = (times::spoken(clock.time), dates::spoken(date));
                self.time = Slot::Asks(format!("{clock} on {date} is past: at what time instead"));
            } else {
                self.time = Slot::Is(Clock { next_day: false, ..*clock });
                self.date = Slot::Is(date);
            }
        }
        self
    }

    pub fn moment(&self) -> Option<DateTime> {
        Some(self.date.known()?.to_datetime(self.time.known()?.time))
    }

    pub fn assumptions(&self) -> u32 {
        let unsure = |clock: &Clock| u32::from(clock.assumed) + if clock.approximate { UNSURE } else { 0 };
        self.time.known().map_or(0, unsure)
    }
}
