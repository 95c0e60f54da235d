//! Which faults are set, and which of them strikes.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::request::Parts;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use tokio::sync::{Notify, watch};

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
    /// Whether it was removed.
    #[serde(skip)]
    lifted: watch::Sender<bool>,
}

/// What befalls a request.
#[derive(Default)]
pub struct Fate {
    pub delays: Vec<Delay>,
    pub blow: Option<Fault>,
    /// Of a request that is to be overtaken.
    pub held: Option<Held>,
    /// Those who wait to be overtaken by this one.
    pub overtakes: Vec<Arc<Gate>>,
}

/// How late a request comes, unless the fault is removed meanwhile.
#[derive(Clone)]
pub struct Delay {
    delay: Duration,
    lifted: watch::Receiver<bool>,
}

impl Delay {
    pub async fn wait(mut self) {
        let _ = tokio::time::timeout(self.delay, self.lifted.wait_for(|lifted| *lifted)).await;
    }
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
        let refused_by_id = self.words.answer_bodies();
        self.switches().iter().any(|switch| {
            let kind = switch.fault.kind;
            switch.fault.only.contains.is_some()
                || kind == Kind::Duplicate
                || (refused_by_id && matches!(kind, Kind::Error | Kind::Throttle))
        })
    }

    /// Latencies add up; of the rest, the oldest that draws the request strikes it.
    pub fn draw(&self, parts: &Parts, body: &[u8]) -> Fate {
        let mut fate = Fate::default();
        for switch in self.switches().iter_mut().filter(|switch| switch.matches(parts, body)) {
            let kind = switch.fault.kind;
            if fate.blow.is_none() || kind == Kind::Latency {
                let blow = switch.draw(&mut fate);
                fate.blow = fate.blow.or(blow);
            }
            // Whatever else befalls it, it overtakes those who are held.
            if kind == Kind::Reorder && fate.held.as_ref().is_none_or(|held| !Arc::ptr_eq(&held.gate, &switch.gate)) {
                fate.overtakes.push(switch.gate.clone());
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
        let switch = Switch {
            id,
            fault,
            seen: 0,
            struck: 0,
            dice,
            bucket,
            gate: Arc::default(),
            lifted: watch::Sender::default(),
        };
        switches.push(switch.clone());
        self.set.store(switches.len(), Ordering::Relaxed);
        Ok(switch)
    }

    pub fn list(&self) -> Vec<Switch> {
        self.switches().clone()
    }

    /// Removes one, or all, and says how many those were. Whoever was held or delayed goes on.
    pub fn remove(&self, id: Option<usize>) -> usize {
        let mut switches = self.switches();
        let before = switches.len();
        switches.retain(|switch| {
            let stays = id.is_some_and(|id| id != switch.id);
            if !stays {
                switch.gate.release();
                switch.lifted.send_replace(true);
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
        only.method.as_deref().is_none_or(|method| parts.method.as_str().eq_ignore_ascii_case(method))
            && only.path.as_deref().is_none_or(|path| parts.uri.path().starts_with(path))
            && only.contains.as_deref().is_none_or(holds)
    }

    /// Counts one more request, and says with what it is struck, if it is.
    fn draw(&mut self, fate: &mut Fate) -> Option<Fault> {
        if self.fault.count == Some(self.struck) {
            return None;
        }
        self.seen += 1;
        if self.dice.random::<f64>() >= self.fault.rate {
            return None;
        }
        let mut blow = None;
        let struck = match self.fault.kind {
            Kind::Latency => {
                let delay = Duration::from_millis(self.fault.delay_ms.unwrap_or(0));
                fate.delays.push(Delay { delay, lifted: self.lifted.subscribe() });
                true
            }
            // Whoever comes while another is held overtakes it instead.
            Kind::Reorder => {
                fate.held = self.gate.hold();
                fate.held.is_some()
            }
            Kind::Throttle => !self.bucket.admit(),
            Kind::Error
            | Kind::DropRequest
            | Kind::DropAnswer
            | Kind::Duplicate
            | Kind::Cut
            | Kind::Trickle
            | Kind::Malformed => true,
        };
        if struck {
            self.struck += 1;
            blow = (self.fault.kind != Kind::Latency).then(|| self.fault.clone());
        }
        blow
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

/// Where a request waits until another has overtaken it: one at a time.
#[derive(Default)]
pub struct Gate {
    held: Mutex<Option<Arc<Notify>>>,
}

/// The place at a gate. Whoever leaves, for whatever reason, leaves it free.
pub struct Held {
    gate: Arc<Gate>,
    overtaken: Arc<Notify>,
}

impl Gate {
    /// `None` where another is held.
    fn hold(self: &Arc<Self>) -> Option<Held> {
        let mut held = self.held();
        if held.is_some() {
            return None;
        }
        let overtaken = Arc::<Notify>::default();
        *held = Some(overtaken.clone());
        Some(Held { gate: self.clone(), overtaken })
    }

    /// Another has passed: whoever is held goes on.
    pub fn release(&self) {
        if let Some(overtaken) = self.held().take() {
            overtaken.notify_one();
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Notify>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Waits to be overtaken, so long at most.
    pub async fn wait(self, most: Duration) {
        let _ = tokio::time::timeout(most, self.overtaken.notified()).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.gate.held();
        if held.as_ref().is_some_and(|overtaken| Arc::ptr_eq(overtaken, &self.overtaken)) {
            *held = None;
        }
    }
}
