//! Virtual time: what will happen, in the order of (time, seeded tie-break), and the tasks that wait
//! for it. One thread, no clock of the machine.

use std::cell::RefCell;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::LocalBoxFuture;

use crate::world::World;

pub type Act = Box<dyn FnOnce(&Rc<World>)>;

struct Entry {
    at: u64,
    tie: u64,
    seq: u64,
    act: Act,
}

impl Entry {
    const fn place(&self) -> (u64, u64, u64) {
        (self.at, self.tie, self.seq)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

/// What will happen.
#[derive(Default)]
pub struct Agenda {
    heap: BinaryHeap<Reverse<Entry>>,
    seq: u64,
}

impl Agenda {
    pub fn add(&mut self, at: u64, tie: u64, act: Act) {
        self.seq += 1;
        self.heap.push(Reverse(Entry { at, tie, seq: self.seq, act }));
    }

    /// The next event and its time.
    pub fn next(&mut self) -> Option<(u64, Act)> {
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.act))
    }
}

pub type TaskId = u64;

struct Task {
    future: LocalBoxFuture<'static, ()>,
    waker: Waker,
    /// Polls left until it crashes.
    fuse: Option<u32>,
}

type Ready = Arc<Mutex<VecDeque<TaskId>>>;

/// The running invocations.
#[derive(Default)]
pub struct Tasks {
    ready: Ready,
    running: RefCell<BTreeMap<TaskId, Task>>,
}

struct Bell {
    id: TaskId,
    ready: Ready,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(&self.id) {
            ready.push_back(self.id);
        }
    }
}

/// What became of a task that was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    Over,
    Waits,
    /// Its fuse has burned down.
    Crashed,
}

impl Tasks {
    /// `fuse`: it crashes after so many polls, with whatever these have sent.
    pub fn spawn(&self, id: TaskId, fuse: Option<u32>, future: LocalBoxFuture<'static, ()>) {
        let waker = Waker::from(Arc::new(Bell { id, ready: Arc::clone(&self.ready) }));
        self.running.borrow_mut().insert(id, Task { future, waker, fuse });
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(id);
    }

    /// Polls the next task that is ready; `None` where all of them wait.
    pub fn turn(&self) -> Option<(TaskId, Polled)> {
        let id = self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front()?;
        let Some(mut task) = self.running.borrow_mut().remove(&id) else { return Some((id, Polled::Over)) };
        if task.future.as_mut().poll(&mut Context::from_waker(&task.waker)).is_ready() {
            return Some((id, Polled::Over));
        }
        if let Some(left) = &mut task.fuse {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Some((id, Polled::Crashed));
            }
        }
        self.running.borrow_mut().insert(id, task);
        Some((id, Polled::Waits))
    }

    pub fn close(&self) {
        self.running.take();
    }

    /// Drops a task where it stands; true where it was still running.
    pub fn end(&self, id: TaskId) -> bool {
        let task = self.running.borrow_mut().remove(&id);
        task.is_some()
    }
}

/// A place for one value that comes later. Dropped with the task that waits for it.
pub struct Slot<T>(Rc<RefCell<Place<T>>>);

struct Place<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// Fills a [`Slot`], where somebody still waits.
pub struct Filler<T>(Weak<RefCell<Place<T>>>);

impl<T> Clone for Filler<T> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<T> Slot<T> {
    pub fn new() -> (Self, Filler<T>) {
        let place = Rc::new(RefCell::new(Place { value: None, waker: None }));
        let filler = Filler(Rc::downgrade(&place));
        (Self(place), filler)
    }
}

impl<T> Filler<T> {
    /// Whether somebody still waits.
    pub fn is_awaited(&self) -> bool {
        self.0.upgrade().is_some_and(|place| place.borrow().value.is_none())
    }

    /// The first value counts. False where nobody waits any more.
    pub fn fill(&self, value: T) -> bool {
        let Some(place) = self.0.upgrade() else { return false };
        let mut place = place.borrow_mut();
        if place.value.is_some() {
            return false;
        }
        place.value = Some(value);
        if let Some(waker) = place.waker.take() {
            waker.wake();
        }
        true
    }
}

impl<T> Future for Slot<T> {
    type Output = T;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut place = self.0.borrow_mut();
        if let Some(value) = place.value.take() {
            return Poll::Ready(value);
        }
        place.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
