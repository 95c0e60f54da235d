//! What each set must reach: the figures that were measured last. Raise them with the understanding; never lower
//! them without a reason in the commit.

/// The floor of one set.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    pub set: &'static str,
    /// How many cases have every parameter right, at least.
    pub parameters: u32,
    /// How many have the right plan, at least.
    pub plan: u32,
    /// How many plans in the band that acts are wrong, at most.
    pub wrong_acts: u32,
}

/// One line a set. A set without a line fails the test.
pub const FLOORS: &[Floor] = &[
    Floor { set: "own", parameters: 390, plan: 390, wrong_acts: 0 },
    Floor { set: "fourth", parameters: 57, plan: 56, wrong_acts: 0 },
    Floor { set: "third", parameters: 72, plan: 71, wrong_acts: 0 },
    Floor { set: "second", parameters: 217, plan: 214, wrong_acts: 1 },
    Floor { set: "fifth", parameters: 231, plan: 230, wrong_acts: 0 },
    Floor { set: "sixth", parameters: 178, plan: 177, wrong_acts: 0 },
    // One plan that acts is wrong more than before the sixth set, of 118 and not 114: which, nobody may look.
    Floor { set: "unseen", parameters: 254, plan: 253, wrong_acts: 3 },
];
