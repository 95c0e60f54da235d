//! Largest remainders (Hamilton's method): each guest pays the whole minor units of their part, and those that are
//! left go one each to the largest fractions, to the guest who is named first where two are the same.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The highest bill, in minor units: its double is exact in every JSON reader.
pub const MOST: u64 = 1_000_000_000_000;
const HEAVIEST: u64 = 100;
const MOST_GUESTS: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    pub total_minor: u64,
    pub currency: String,
    #[serde(default)]
    pub tip_percent: u64,
    pub guests: Vec<Guest>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    pub name: String,
    #[serde(default = "one")]
    pub weight: u64,
}

const fn one() -> u64 {
    1
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Shares<'b> {
    /// With the tip.
    pub total_minor: u64,
    pub tip_minor: u64,
    pub shares: Vec<Share<'b>>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Share<'b> {
    pub name: &'b str,
    pub amount_minor: u64,
}

/// Why a bill is not split.
#[derive(Debug, PartialEq)]
pub enum Refused<'b> {
    /// The schema refuses it too; here it keeps every sum below 2^64.
    OutOfBounds,
    SameNameTwice(&'b str),
}

impl Refused<'_> {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OutOfBounds => "invalid_bill",
            Self::SameNameTwice(_) => "same_name_twice",
        }
    }
}

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds => write!(
                f,
                "A bill is of 1 to {MOST} minor units, with a tip of at most 100 per cent, for 1 to {MOST_GUESTS} \
                 guests of weights from 1 to {HEAVIEST}."
            ),
            Self::SameNameTwice(name) => {
                write!(
                    f,
                    "Two guests are called {name}, so nobody could tell their shares apart. Name them differently."
                )
            }
        }
    }
}

impl Bill {
    /// What each guest owes, in their order. The amounts add up to the total.
    pub fn shares(&self) -> Result<Shares<'_>, Refused<'_>> {
        let weights_fit = self.guests.iter().all(|guest| (1..=HEAVIEST).contains(&guest.weight));
        if !(1..=MOST).contains(&self.total_minor)
            || self.tip_percent > 100
            || !(1..=MOST_GUESTS).contains(&self.guests.len())
            || !weights_fit
        {
            return Err(Refused::OutOfBounds);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.guests.iter().find(|guest| !names.insert(&guest.name)) {
            return Err(Refused::SameNameTwice(&twice.name));
        }
        // Half a minor unit is rounded up, in favour of whoever is tipped.
        let tip_minor = (self.total_minor * self.tip_percent + 50) / 100;
        let total_minor = self.total_minor + tip_minor;
        let weights: u64 = self.guests.iter().map(|guest| guest.weight).sum();
        let parts = self.guests.iter().map(|guest| total_minor * guest.weight);
        let mut shares: Vec<Share<'_>> = self
            .guests
            .iter()
            .zip(parts.clone())
            .map(|(guest, part)| Share { name: &guest.name, amount_minor: part / weights })
            .collect();
        let left = total_minor - shares.iter().map(|share| share.amount_minor).sum::<u64>();
        let mut by_fraction: Vec<(usize, u64)> = parts.map(|part| part % weights).enumerate().collect();
        by_fraction.sort_by_key(|(place, fraction)| (std::cmp::Reverse(*fraction), *place));
        for (place, _) in by_fraction.into_iter().zip(0..left).map(|(guest, _)| guest) {
            shares[place].amount_minor += 1;
        }
        Ok(Shares { total_minor, tip_minor, shares })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill(total_minor: u64, tip_percent: u64, weights: &[u64]) -> Bill {
        let guest = |(place, weight): (usize, &u64)| Guest { name: format!("guest {place}"), weight: *weight };
        let guests = weights.iter().enumerate().map(guest).collect();
        Bill { total_minor, currency: "EUR".to_owned(), tip_percent, guests }
    }

    fn amounts(bill: &Bill) -> Vec<u64> {
        bill.shares().unwrap().shares.iter().map(|share| share.amount_minor).collect()
    }

    #[test]
    fn a_cent_that_is_left_goes_to_the_largest_fraction_and_then_to_who_is_named_first() {
        assert_eq!(amounts(&bill(100, 0, &[1, 1, 1])), [34, 33, 33]);
        assert_eq!(amounts(&bill(101, 0, &[1, 1, 1])), [34, 34, 33]);
        // 14.28, 42.86 and 42.86.
        assert_eq!(amounts(&bill(100, 0, &[1, 3, 3])), [14, 43, 43]);
        assert_eq!(amounts(&bill(1, 0, &[1, 2])), [0, 1]);
    }

    #[test]
    fn the_shares_always_add_up_and_nobody_pays_a_cent_more_than_their_part() {
        for total in [1, 7, 99, 100, 12_345, MOST - 1, MOST] {
            for tip in [0, 1, 15, 33, 100] {
                for weights in [&[1][..], &[1, 1, 1], &[100, 1, 7, 3], &[3; 100], &[100; 100]] {
                    let bill = bill(total, tip, weights);
                    let shares = bill.shares().unwrap();
                    let sum: u64 = shares.shares.iter().map(|share| share.amount_minor).sum();
                    assert_eq!((sum, shares.total_minor), (shares.total_minor, total + shares.tip_minor));
                    let heavy: u64 = weights.iter().sum();
                    for (share, weight) in shares.shares.iter().zip(weights) {
                        let whole = shares.total_minor * weight / heavy;
                        assert!((whole..=whole + 1).contains(&share.amount_minor), "{total} {tip} {weights:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn half_a_cent_of_tip_is_rounded_up() {
        let tip = |total, percent| bill(total, percent, &[1]).shares().unwrap().tip_minor;
        assert_eq!((tip(10, 15), tip(9, 15), tip(1, 49), tip(1, 50)), (2, 1, 0, 1));
    }

    #[test]
    fn what_cannot_be_split_is_refused_with_the_reason() {
        for (total, tip, weights) in [
            (0, 0, &[1][..]),
            (MOST + 1, 0, &[1]),
            (u64::MAX, 100, &[1]),
            (1, 101, &[1]),
            (1, 0, &[]),
            (1, 0, &[0]),
            (1, 0, &[101]),
            (1, 0, &[1; 101]),
        ] {
            assert_eq!(
                bill(total, tip, weights).shares().unwrap_err().code(),
                "invalid_bill",
                "{total} {tip} {weights:?}"
            );
        }
        let mut twins = bill(100, 0, &[1, 1]);
        twins.guests[1].name = "guest 0".to_owned();
        assert_eq!(twins.shares(), Err(Refused::SameNameTwice("guest 0")));
    }
}
