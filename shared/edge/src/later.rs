//! What is done once the answer is on its way: the work that [`Host::after`](crate::Host::after) takes.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

/// The work of one request, in the order in which it came.
#[derive(Clone, Default)]
pub struct Later(Rc<RefCell<Vec<LocalBoxFuture<'static, ()>>>>);

impl Later {
    pub fn push(&self, work: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().push(Box::pin(work));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Does all that there is, one after the other, and what that brings, until there is no more.
    pub async fn run(&self) {
        while !self.is_empty() {
            for one in self.0.take() {
                one.await;
            }
        }
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to do", self.0.borrow().len())
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
}
