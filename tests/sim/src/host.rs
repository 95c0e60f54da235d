//! The simulated platform: every `await` of the code under test ends here.

use std::rc::Rc;

use makegood_core::saga::{Kind, Phase};
use makegood_core::time::Millis;
use makegood_edge::{FetchError, Host, Isolate, Level};
use makegood_gateway::{Request, Response};

use crate::agenda::{Slot, TaskId};
use crate::world::World;

/// One worker: an instance with its own clock.
#[derive(Clone)]
pub struct SimHost {
    pub world: Rc<World>,
    pub isolate: Rc<Isolate>,
    /// The invocation that runs on it.
    pub worker: TaskId,
    /// How far its clock is ahead, in milliseconds.
    pub skew: i64,
}

impl Host for SimHost {
    async fn fetch(&self, request: Request, timeout: Millis) -> Result<Response, FetchError> {
        self.world.send(self.worker, request, timeout).await
    }

    fn now(&self) -> Millis {
        Millis(self.world.now().saturating_add_signed(self.skew))
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (low, high) = (self.world.draw(|rng| rng.next()), self.world.draw(|rng| rng.next()));
        bytes[..8].copy_from_slice(&low.to_le_bytes());
        bytes[8..].copy_from_slice(&high.to_le_bytes());
        bytes
    }

    fn config(&self, name: &str) -> Option<String> {
        self.world.config(name)
    }

    async fn sleep(&self, span: Millis) {
        let (slot, filler) = Slot::new();
        self.world.later(span.0, move |_| {
            filler.fill(());
        });
        slot.await;
    }

    fn folded(&self, phase: Phase, kind: Kind) {
        self.world.folded(phase, kind);
    }

    fn isolate(&self) -> Rc<Isolate> {
        Rc::clone(&self.isolate)
    }

    fn log(&self, level: Level, line: &str) {
        self.world.trace(|| format!("log      {level:?} {line}"));
        self.world.people_are_told(line);
        // What `problem` logs begins with the error's code.
        if level == Level::Error && line.starts_with("internal") {
            self.world.violation(format!("an internal error was logged: {line}"));
        }
    }
}
