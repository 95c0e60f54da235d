//! What is done once the answer is on its way: the work that [`Host::after`](crate::Host::after) takes, and when all of
//! it is done, the telling of what was logged.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::logs::Logged;

type Work = LocalBoxFuture<'static, ()>;

/// The work of one request, in the order in which it came.
#[derive(Clone, Default)]
pub struct Later(Rc<Waiting>);

#[derive(Default)]
struct Waiting {
    work: RefCell<Vec<Work>>,
    last: RefCell<Option<Work>>,
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

    /// Has this done when there is nothing else, unless there is something of the kind.
    pub(crate) fn at_last(&self, work: impl Future<Output = ()> + 'static) {
        let work: Work = Box::pin(work);
        self.0.last.borrow_mut().get_or_insert(work);
    }

    pub(crate) fn logged(&self) -> &RefCell<Logged> {
        &self.0.logged
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.work.borrow().is_empty() && self.0.last.borrow().is_none()
    }

    /// Does all that there is, one after the other, and what that brings, until there is no more.
    pub async fn run(&self) {
        loop {
            let work = self.0.work.take();
            if work.is_empty() {
                let Some(last) = self.0.last.take() else { break };
                last.await;
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn what_work_brings_is_done_too() {
        let (later, done) = (Later::default(), Rc::new(Cell::new(0)));
        let (again, count) = (later.clone(), Rc::clone(&done));
        later.push(async move {
            count.set(count.get() + 1);
            let last = Rc::clone(&count);
            again.push(async move { last.set(last.get() + 10) });
        });
        assert!(!later.is_empty() && done.get() == 0);
        later.run().now_or_never().unwrap();
        assert_eq!(done.get(), 11);
        assert!(later.is_empty());
    }

    #[test]
    fn what_comes_last_comes_once_and_after_what_work_brings() {
        let (later, done) = (Later::default(), Rc::<RefCell<Vec<&str>>>::default());
        let does = |what: &'static str| {
            let done = Rc::clone(&done);
            async move { done.borrow_mut().push(what) }
        };
        later.at_last(does("last"));
        later.at_last(does("never"));
        let (again, more) = (later.clone(), does("more"));
        later.push(async move { again.push(more) });
        assert!(!later.is_empty());
        later.run().now_or_never().unwrap();
        assert_eq!(*done.borrow(), ["more", "last"]);
        later.at_last(does("then"));
        assert!(!later.is_empty());
        later.run().now_or_never().unwrap();
        assert_eq!(*done.borrow(), ["more", "last", "then"]);
    }
}
