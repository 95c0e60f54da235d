//! An embedded engine with the common commands of Redis 7, exact in replies
//! and error texts (a differential test holds it against a real server).
//!
//! One mutex, no I/O and nothing asynchronous. Deliberately absent:
//! geo, HyperLogLog, bitmaps, replication and persistence.

mod fault;
mod glob;
mod hashes;
mod hub;
mod keys;
mod lists;
mod long_double;
mod lua;
mod number;
mod score_range;
mod sets;
mod store;
mod streams;
mod strings;
mod table;
mod zset;
mod zsets;

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, TryLockError},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use super::{Answer, Backend, Command, Listening, Reply, feed::Feed};
use fault::Fault;
use store::Store;

/// What a command's handler returns.
type Outcome = Result<Reply, Fault>;

#[derive(Default)]
pub struct Engine {
    store: Mutex<Store>,
}

impl Engine {
    fn run(&self, batch: &[Command], atomic: bool) -> Answer {
        if atomic && let Some(fault) = batch.iter().find_map(|c| table::resolve(c).err()) {
            return Err(format!("EXECABORT Transaction discarded because of previous errors: {}", fault.text()));
        }
        // A panic while holding the lock would be a bug of one command; the
        // data of the others is still the best there is.
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.advance(unix_millis());
        Ok(batch.iter().map(|c| execute(&mut store, c)).collect())
    }

    /// Whether `batch` can keep a thread for long: it runs a script, or has to
    /// wait for one.
    fn is_slow(&self, batch: &[Command]) -> bool {
        let script = |c: &Command| c.first().is_some_and(|name| name.to_ascii_uppercase().starts_with(b"EVAL"));
        matches!(self.store.try_lock(), Err(TryLockError::WouldBlock)) || batch.iter().any(script)
    }
}

impl Backend for Arc<Engine> {
    fn execute(&self, batch: Vec<Command>, atomic: bool) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        if !self.is_slow(&batch) {
            return Box::pin(ready(self.run(&batch, atomic)));
        }
        let engine = self.clone();
        let run = tokio::task::spawn_blocking(move || engine.run(&batch, atomic));
        Box::pin(async { run.await.unwrap_or_else(|error| Err(format!("ERR the command failed: {error}"))) })
    }

    fn listen(&self, feed: Feed) -> Pin<Box<dyn Future<Output = Listening> + Send + '_>> {
        let engine = self.clone();
        Box::pin(async move {
            // The lock may be with a script.
            let listening = tokio::task::spawn_blocking(move || {
                engine.store.lock().unwrap_or_else(PoisonError::into_inner).hub.listen(feed)
            });
            listening.await.map_err(|error| format!("ERR the command failed: {error}"))
        })
    }
}

fn execute(store: &mut Store, command: &[Bytes]) -> Reply {
    store.expire_due();
    store.hub.observe(store.now(), "127.0.0.1:0", command);
    table::resolve(command)
        .and_then(|handler| handler(store, &command[1..]))
        .unwrap_or_else(|fault| Reply::Error(fault.text().to_owned()))
}

fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
