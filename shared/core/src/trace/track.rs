//! What is going on at one node while its journal is read: which of its spans are open.

use crate::saga::Op;

/// A call that has left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub op: Op,
    pub number: u32,
    /// The place of its span.
    pub span: usize,
}

/// Places are those of spans in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    pub step: Option<usize>,
    pub undo: Option<usize>,
    pub wait: Option<usize>,
    pub approval: Option<usize>,
    /// Calls that are not answered.
    pub flights: Vec<Flight>,
    /// How often a person had it asked for anew.
    pub round: u32,
    /// Nothing was asked under this round yet.
    pub anew: bool,
    /// It was refused under this round, so that a person who has it tried again asks anew.
    pub refused: bool,
    /// What became of it is being asked.
    pub asking: bool,
    /// Waits and questions so far.
    pub waits: u32,
    pub questions: u32,
    /// How many have agreed.
    pub agreed: u32,
}

impl Track {
    /// The call that an answer with this number is to. Of a do and a status of one number the one that was seen to
    /// leave is meant.
    pub fn answered(&mut self, op: Option<Op>, number: u32) -> (Op, Option<usize>) {
        let fits = |flight: &Flight| flight.number == number && op.map_or(flight.op != Op::Undo, |op| op == flight.op);
        match self.flights.iter().rposition(fits) {
            Some(place) => {
                let flight = self.flights.remove(place);
                (flight.op, Some(flight.span))
            }
            None => (op.unwrap_or(if self.asking { Op::Status } else { Op::Do }), None),
        }
    }
}
