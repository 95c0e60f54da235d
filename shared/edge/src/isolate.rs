//! What one instance of a function keeps between requests, so that it need not ask again: keys, whom they stand
//! for, who was refused lately, and how what is outside has answered. Nothing here belongs to a request, and none of it
//! must be there.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use makegood_core::guard::front::Front;
use makegood_core::time::Millis;
use makegood_gateway::api_keys::{self, Holder};

use crate::breakers::Instance;
use crate::jwks::Kept;

/// One instance's memory.
#[derive(Debug, Default)]
pub struct Isolate {
    /// The keys of issuers, by where they are.
    pub(crate) jwks: RefCell<Vec<(String, Kept)>>,
    /// Whom API keys stand for, by their hashes, and until when that may be believed.
    pub(crate) holders: RefCell<Vec<(String, Holder, Millis)>>,
    /// Who was refused lately, and what was measured of the load: hashes and times.
    pub(crate) front: RefCell<Front>,
    /// How what is outside has answered.
    pub(crate) breakers: RefCell<Instance>,
    /// The mark of the last commit; 0: there was none.
    marks: Cell<u64>,
}

thread_local! {
    static HERE: Rc<Isolate> = Rc::default();
}

impl Isolate {
    /// One that knows already whom these API keys stand for: for hosts that stand in for a platform, and its database.
    #[must_use]
    pub fn knowing(holders: impl IntoIterator<Item = (String, Holder)>) -> Rc<Self> {
        let for_ever = Millis(u64::MAX);
        let known = |(key, holder): (String, Holder)| Some((api_keys::read(&key)?.1, holder, for_ever));
        let holders = RefCell::new(holders.into_iter().filter_map(known).collect());
        Rc::new(Self { holders, ..Self::default() })
    }

    /// The same, whose commits are marked from here on: for hosts that count instead of drawing.
    #[must_use]
    pub fn marking_from(self: Rc<Self>, mark: u64) -> Rc<Self> {
        self.marks.set(mark);
        self
    }

    /// A mark that no other commit has, of this instance or of another.
    pub(crate) fn mark(&self, random: impl FnOnce() -> [u8; 16]) -> u64 {
        let last = match self.marks.get() {
            0 => {
                let [a, b, c, d, e, f, g, h, ..] = random();
                u64::from_le_bytes([a, b, c, d, e, f, g, h])
            }
            last => last,
        };
        let mark = last.wrapping_add(1).max(1);
        self.marks.set(mark);
        mark
    }

    /// A function serves its requests on one thread.
    #[must_use]
    pub fn of_this_thread() -> Rc<Self> {
        HERE.with(Rc::clone)
    }
}
