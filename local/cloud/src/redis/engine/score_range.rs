//! A range of scores as sorted-set commands spell it: `1`, `(1`, `-inf`.

use super::{fault::Fault, number};

#[derive(Clone, Copy)]
struct Bound {
    score: f64,
    exclusive: bool,
}

#[derive(Clone, Copy)]
pub struct ScoreRange {
    min: Bound,
    max: Bound,
}

impl ScoreRange {
    pub fn parse(min: &[u8], max: &[u8]) -> Result<Self, Fault> {
        Ok(Self { min: bound(min)?, max: bound(max)? })
    }

    pub fn contains(&self, score: f64) -> bool {
        let above = if self.min.exclusive { score > self.min.score } else { score >= self.min.score };
        let below = if self.max.exclusive { score < self.max.score } else { score <= self.max.score };
        above && below
    }
}

fn bound(text: &[u8]) -> Result<Bound, Fault> {
    let (exclusive, number) = match text.strip_prefix(b"(") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    // `strtod` reads nothing as zero, and so does Redis here.
    let number = if number.is_empty() { b"0" } else { number };
    let score = number::float(number).ok_or(Fault::new("ERR min or max is not a float"))?;
    Ok(Bound { score, exclusive })
}
