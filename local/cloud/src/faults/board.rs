//! Which faults are set, and which of them strikes.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::request::Parts;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use tokio::sync::Notify;

use super::{Fault, Kind, Words};

/// How many may be set at once.
const MOST: usize = 100;

pub struct Board {
    pub words: Words,
    switches: Mutex<Vec<Switch>>,
    /// How many there are, so that a request without faults costs nothing.
    set: AtomicUsize,
    next_id: AtomicUsize,
}

/// A fault that is set, with what it has seen and done.
#[derive(Clone, Serialize)]
pub struct Switch {
    pub id: usize,
    #[serde(flatten)]
    pub fault: Fault,
    /// Requests that matched.
    seen: u64,
    /// Requests that were struck.
    struck: u64,
    #[serde(skip)]
    dice: StdRng,
    #[serde(skip)]
    bucket: Bucket,
    #[serde(skip)]
    gate: Arc<Gate>,
}

/// What befalls a request.
#[derive(Default)]
pub struct Fate {
    pub delay: Duration,
    pub blow: Option<Fault>,
    /// Of a request that is to be overtaken.
    pub held: Option<Arc<Gate>>,
    /// Those who wait to be overtaken by this one.
    pub overtakes: Vec<Arc<Gate>>,
}

impl Board {
    pub fn new(words: Words) -> Self {
        Self { words, switches: Mutex::default(), set: AtomicUsize::new(0), next_id: AtomicUsize::new(1) }
    }

    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed) > 0
    }

    /// Whether a request's body has to be read before its fate is known.
    pub fn reads_bodies(&self) -> bool {
        self.switches()
            .iter()
            .any(|switch| switch.fault.only.contains.is_some() || switch.fault.kind == Kind::Duplicate)
    }

    /// Latencies add up; of the rest, the oldest that draws the request strikes it.
    pub fn draw(&self, parts: &Parts, body: &[u8]) -> Fate {
        let mut fate = Fate::default();
        for switch in self.switches().iter_mut().filter(|switch| switch.matches(parts, body)) {
            if fate.blow.is_some() && switch.fault.kind != Kind::Latency {
                continue;
            }
            let struck = switch.draw();
            match switch.fault.kind {
                Kind::Latency if struck => fate.delay += Duration::from_millis(switch.fault.delay_ms.unwrap_or(0)),
                Kind::Latency => {}
                // One is held at a time; whoever comes meanwhile overtakes it.
                Kind::Reorder if struck && switch.gate.hold() => {
                    fate.held = Some(switch.gate.clone());
                    fate.blow = Some(switch.fault.clone());
                }
                Kind::Reorder => fate.overtakes.push(switch.gate.clone()),
                _ if struck => fate.blow = Some(switch.fault.clone()),
                _ => {}
            }
        }
        fate
    }

    /// Sets one more, or says that there are too many.
    pub fn set(&self, fault: Fault) -> Result<Switch, String> {
        let mut switches = self.switches();
        if switches.len() >= MOST {
            return Err(format!("{MOST} faults are set already; DELETE removes them"));
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let dice = StdRng::seed_from_u64(fault.seed);
        let bucket = Bucket::new(fault.per_second);
        let switch = Switch { id, fault, seen: 0, struck: 0, dice, bucket, gate: Arc::default() };
        switches.push(switch.clone());
        self.set.store(switches.len(), Ordering::Relaxed);
        Ok(switch)
    }

    pub fn list(&self) -> Vec<Switch> {
        self.switches().clone()
    }

    /// Removes one, or all, and says how many those were. Whoever was held goes on.
    pub fn remove(&self, id: Option<usize>) -> usize {
        let mut switches = self.switches();
        let before = switches.len();
        switches.retain(|switch| {
            let stays = id.is_some_and(|id| id != switch.id);
            if !stays {
                switch.gate.release();
            }
            stays
        });
        self.set.store(switches.len(), Ordering::Relaxed);
        before - switches.len()
    }

    fn switches(&self) -> MutexGuard<'_, Vec<Switch>> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switch {
    fn matches(&self, parts: &Parts, body: &[u8]) -> bool {
        let only = &self.fault.only;
        let holds = |text: &str| text.is_empty() || body.windows(text.len()).any(|window| window == text.as_bytes());
        self.fault.count != Some(self.struck)
            && only.method.as_deref().is_none_or(|method| parts.method.as_str().eq_ignore_ascii_case(method))
            && only.path.as_deref().is_none_or(|path| parts.uri.path().starts_with(path))
            && only.contains.as_deref().is_none_or(holds)
    }

    /// Counts one more request, and says whether it is struck.
    fn draw(&mut self) -> bool {
        self.seen += 1;
        let struck = self.dice.random::<f64>() < self.fault.rate;
        // The bucket is only for those that the dice have chosen.
        let struck = struck && (self.fault.kind != Kind::Throttle || !self.bucket.admit());
        self.struck += u64::from(struck);
        struck
    }
}

/// How many requests are let through: as many at once as in a second.
#[derive(Clone)]
struct Bucket {
    a_second: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    fn new(per_second: Option<u32>) -> Self {
        let a_second = f64::from(per_second.unwrap_or(0));
        Self { a_second, left: a_second, at: Instant::now() }
    }

    fn admit(&mut self) -> bool {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * self.a_second).min(self.a_second);
        self.at = now;
        let admitted = self.left >= 1.0;
        self.left -= f64::from(u8::from(admitted));
        admitted
    }
}

/// Where a request waits until another has overtaken it.
#[derive(Default)]
pub struct Gate {
    held: AtomicBool,
    passed: Notify,
}

impl Gate {
    /// Whether the place was free.
    fn hold(&self) -> bool {
        !self.held.swap(true, Ordering::AcqRel)
    }

    /// Waits to be overtaken, so long at most.
    pub async fn wait(&self, most: Duration) {
        let _ = tokio::time::timeout(most, self.passed.notified()).await;
        self.held.store(false, Ordering::Release);
    }

    /// Another has passed.
    pub fn release(&self) {
        if self.held.load(Ordering::Acquire) {
            self.passed.notify_one();
        }
    }
}
