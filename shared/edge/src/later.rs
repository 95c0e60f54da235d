//! What is done once the answer is on its way: the work that [`Host::after`](crate::Host::after) takes, and when all of
//! it is done, the telling of what was logged.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::host::Host;
use crate::logs::{self, Logged};

type Work = LocalBoxFuture<'static, ()>;

/// The work of one request, in the order in which it came.
#[derive(Clone, Default)]
pub struct Later(Rc<Waiting>);

#[derive(Default)]
struct Waiting {
    work: RefCell<Vec<Work>>,
    logged: RefCell<Logged>,
}

impl Later {
    /// That of a request to the function of this crate: `makegood-` and its name.
    #[must_use]
    pub fn of(package: &'static str) -> Self {
        Self(Rc::new(Waiting { logged: RefCell::new(Logged::of(package)), ..Waiting::default() }))
    }

    pub fn push(&self, work: impl Future<Output = ()> + 'static) {
        self.0.work.borrow_mut().push(Box::pin(work));
    }

    pub(crate) fn logged(&self) -> &RefCell<Logged> {
        &self.0.logged
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.work.borrow().is_empty() && self.0.logged.borrow().is_empty()
    }

    /// Does all that there is, one after the other, and what that brings, until there is no more.
    ///
    /// `host` is the one that this is of. It comes with the call, so that a function has one copy of how it calls others:
    /// kept in here, as what is to be done, it would be compiled with this crate, and once more with the function.
    pub async fn run<H: Host>(&self, host: &H) {
        while !self.is_empty() {
            let work = self.0.work.take();
            if work.is_empty() {
                logs::tell(host, &self.0.logged).await;
            }
            for one in work {
                one.await;
            }
        }
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to do", self.0.work.borrow().len())
    }
}
