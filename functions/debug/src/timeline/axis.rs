//! From times to places on the chart. A wait in which nothing happens is squeezed to a narrow strip,
//! so that calls of milliseconds between waits of minutes can still be seen; all else is to scale.

use makegood_edge::core::time::Millis;

/// The widest a squeezed wait is drawn, and the share of the chart that all of them may take.
const STRIP: f64 = 56.0;
const MOST_STRIPS: f64 = 0.4;
/// A shorter wait is never squeezed.
const SHORTEST: u64 = 20;
/// Between two marks.
const APART: f64 = 88.0;

/// A stretch of time, and where it is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    pub from: Millis,
    pub to: Millis,
    pub left: f64,
    pub right: f64,
    pub squeezed: bool,
}

impl Piece {
    fn place(&self, at: Millis) -> f64 {
        let share = exact(at.since(self.from)) / exact(self.to.since(self.from)).max(1.0);
        self.left + share.min(1.0) * (self.right - self.left)
    }
}

/// The chart's axis of time.
#[derive(Debug)]
pub struct Axis {
    pub pieces: Vec<Piece>,
}

impl Axis {
    /// `busy`: when something happened, in any order; `start` is where the chart begins.
    pub fn new(start: Millis, busy: impl IntoIterator<Item = (Millis, Millis)>, width: f64) -> Self {
        let mut busy: Vec<_> = busy.into_iter().map(|(from, to)| (from.max(start), to.max(start))).collect();
        busy.push((start, start));
        busy.sort_unstable();
        let mut pieces = stretches(&busy);

        let strips = pieces.iter().filter(|piece| piece.squeezed).count();
        let plain = pieces.iter().filter(|piece| !piece.squeezed).map(|piece| exact(piece.to.since(piece.from)));
        let plain = plain.sum::<f64>();
        let strip = match strips {
            0 => 0.0,
            // There is nothing but waits.
            _ if plain < 1.0 => width / strips as f64,
            _ => STRIP.min(width * MOST_STRIPS / strips as f64),
        };
        let scale = (width - strip * strips as f64) / plain.max(1.0);
        let mut left = 0.0;
        for piece in &mut pieces {
            let length = exact(piece.to.since(piece.from));
            piece.left = left;
            left += if piece.squeezed { strip } else { length * scale };
            piece.right = left;
        }
        Self { pieces }
    }

    /// Where a time is drawn; what lies outside is drawn at the edge.
    pub fn place(&self, at: Millis) -> f64 {
        let piece = self.pieces.iter().find(|piece| at <= piece.to).or(self.pieces.last());
        piece.map_or(0.0, |piece| piece.place(at))
    }

    /// Round times, spans since the start, far enough from each other to be labelled.
    pub fn marks(&self) -> Vec<(Millis, f64)> {
        let Some(first) = self.pieces.first() else {
            return Vec::new();
        };
        let mut marks: Vec<(Millis, f64)> = Vec::new();
        for piece in self.pieces.iter().filter(|piece| !piece.squeezed) {
            let (from, to) = (piece.from.since(first.from).0, piece.to.since(first.from).0);
            let scale = (piece.right - piece.left) / exact(Millis(to - from)).max(1.0);
            let step = round(APART / scale.max(f64::MIN_POSITIVE));
            // A stretch too short for a round time is marked where it begins.
            let next = from.div_ceil(step).saturating_mul(step);
            let begin = if next > to { from } else { next };
            for time in (begin..=to).step_by(usize::try_from(step).unwrap_or(usize::MAX)).take(100) {
                let place = piece.place(first.from + Millis(time));
                if marks.last().is_none_or(|(_, last)| place - last >= APART * 0.75) {
                    marks.push((Millis(time), place));
                }
            }
        }
        marks
    }
}

/// Cuts the time into stretches that are busy, and waits that are long against them.
fn stretches(busy: &[(Millis, Millis)]) -> Vec<Piece> {
    let piece = |from, to, squeezed| Piece { from, to, left: 0.0, right: 0.0, squeezed };
    let mut merged: Vec<(Millis, Millis)> = Vec::new();
    for (from, to) in busy {
        match merged.last_mut() {
            Some(last) if *from <= last.1 => last.1 = last.1.max(*to),
            _ => merged.push((*from, *to.max(from))),
        }
    }
    let work = merged.iter().fold(Millis(0), |sum, (from, to)| sum + to.since(*from));
    let long = Millis((work.0 / 2).max(SHORTEST));
    let mut pieces: Vec<Piece> = Vec::new();
    for (from, to) in merged {
        let Some(last) = pieces.last_mut() else {
            pieces.push(piece(from, to, false));
            continue;
        };
        if from.since(last.to) <= long {
            last.to = to;
        } else {
            let waited = piece(last.to, from, true);
            pieces.extend([waited, piece(from, to, false)]);
        }
    }
    pieces
}

/// The next of 1, 2, 5, 10, 20, 50, … at or above.
fn round(least: f64) -> u64 {
    let mut step: u64 = 1;
    for factor in [2, 5, 10].iter().cycle().take(54) {
        if exact(Millis(step)) >= least {
            break;
        }
        let base = 10_u64.pow(step.ilog10());
        step = base.saturating_mul(*factor);
    }
    step
}

#[expect(clippy::cast_precision_loss, reason = "a chart needs no more than 52 bits")]
const fn exact(span: Millis) -> f64 {
    span.0 as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(busy: &[(u64, u64)]) -> Axis {
        Axis::new(Millis(1_000), busy.iter().map(|(from, to)| (Millis(*from), Millis(*to))), 800.0)
    }

    #[test]
    fn without_long_waits_time_is_to_scale() {
        let axis = axis(&[(1_000, 1_300), (1_350, 1_400)]);
        assert_eq!(axis.pieces.len(), 1);
        assert!((axis.place(Millis(1_200)) - 400.0).abs() < 1e-9);
        assert!((axis.place(Millis(9_999)) - 800.0).abs() < 1e-9);
        assert!(axis.place(Millis(0)).abs() < 1e-9);
    }

    #[test]
    fn a_long_wait_takes_little_room() {
        let axis = axis(&[(1_000, 1_100), (61_000, 61_100)]);
        assert_eq!(axis.pieces.iter().map(|piece| piece.squeezed).collect::<Vec<_>>(), [false, true, false]);
        assert!(axis.place(Millis(61_000)) - axis.place(Millis(1_100)) <= STRIP);
        assert!((axis.place(Millis(61_100)) - 800.0).abs() < 1e-9);
    }

    #[test]
    fn marks_are_round_and_apart() {
        let axis = axis(&[(1_000, 4_200)]);
        let marks: Vec<u64> = axis.marks().into_iter().map(|(time, _)| time.0).collect();
        assert_eq!(marks, [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000]);
        assert_eq!([0.5, 1.0, 1.1, 3.0, 6.0, 11.0, 700.0].map(round), [1, 1, 2, 5, 10, 20, 1_000]);
    }

    #[test]
    fn a_journal_without_extent_or_reason_is_drawn_nevertheless() {
        for busy in [&[][..], &[(1_000, 1_000)], &[(5, 3)], &[(0, u64::MAX)], &[(u64::MAX, u64::MAX)]] {
            let axis = axis(busy);
            let place = axis.place(Millis(2_000));
            assert!(place.is_finite() && (0.0..=800.001).contains(&place), "{busy:?}: {place}");
            assert!(axis.marks().len() <= 100);
        }
    }

    #[test]
    fn where_there_are_only_waits_they_have_all_the_room() {
        let axis = axis(&[(1_000, 1_000), (61_000, 61_000), (91_000, 91_000)]);
        assert!((axis.place(Millis(61_000)) - 400.0).abs() < 1e-9);
        assert!((axis.place(Millis(91_000)) - 800.0).abs() < 1e-9);
    }

    #[test]
    fn many_waits_leave_room_for_the_work() {
        let busy: Vec<_> = (0..100).map(|n| (1_000 + n * 10_000, 1_010 + n * 10_000)).collect();
        let axis = axis(&busy);
        let work: f64 = axis.pieces.iter().filter(|piece| !piece.squeezed).map(|piece| piece.right - piece.left).sum();
        assert!(work > 400.0);
    }
}
