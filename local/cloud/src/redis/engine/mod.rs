//! An embedded engine with the common commands of Redis 7, exact in replies
//! and error texts (a differential test holds it against a real server).
//!
//! One mutex and nothing asynchronous. What is kept is kept in an append-only
//! file ([`journal`]). Deliberately absent: geo, HyperLogLog, bitmaps and
//! replication.

mod effects;
mod fault;
mod glob;
mod hashes;
mod hub;
mod journal;
mod keys;
mod lists;
mod long_double;
mod lua;
mod number;
mod record;
#[cfg(test)]
mod replayed;
mod rewrite;
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
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use super::{Answer, Backend, Command, Error, Failure, Listening, Reply, access, feed::Feed};
use fault::Fault;
use journal::Journal;
use record::Record;
use store::Store;
use tokio::task::JoinError;

/// What a command's handler returns.
type Outcome = Result<Reply, Fault>;

#[derive(Default)]
pub struct Engine {
    data: Mutex<Data>,
}

#[derive(Default)]
struct Data {
    store: Store,
    /// `None` where nothing is kept.
    journal: Option<Journal>,
    rewriting: bool,
}

impl Engine {
    /// An engine that keeps its data in `folder`, and begins with what is there.
    ///
    /// # Errors
    /// When the folder cannot be used, or what is there is damaged.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let mut store = Store::default();
        let journal = Journal::open(folder, |record| replay(&mut store, record))?;
        store.take_changed();
        store.effects.want();
        Ok(Self { data: Mutex::new(Data { store, journal: Some(journal), rewriting: false }) })
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        // A panic while holding the lock would be a bug of one command; the
        // data of the others is still the best there is.
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self: &Arc<Self>, batch: &[Command], atomic: bool) -> Answer {
        if atomic && let Some(fault) = batch.iter().find_map(|c| table::resolve(c).err()) {
            let text = format!("EXECABORT Transaction discarded because of previous errors: {}", fault.text());
            return Err(Failure::Refused(text));
        }
        let mut data = self.data();
        // What was changed and could not be kept comes first.
        if data.journal.as_ref().is_some_and(Journal::is_behind) && batch.iter().any(|c| may_write(c)) {
            self.keep(&mut data)?;
        }
        data.store.advance(unix_millis());
        let mut replies = Vec::with_capacity(batch.len());
        let mut recorded = false;
        for command in batch {
            replies.push(execute(&mut data.store, command));
            recorded |= !atomic && data.record();
        }
        recorded |= data.record();
        if recorded {
            self.keep(&mut data)?;
        }
        Ok(replies)
    }

    /// Writes the records down, and has the file rewritten where it has grown well past the data, or the disk is full.
    fn keep(self: &Arc<Self>, data: &mut Data) -> Result<(), Failure> {
        let now = unix_millis();
        let Some(journal) = &mut data.journal else { return Ok(()) };
        let written = journal.write();
        let due = match &written {
            Ok(()) => journal.wants_rewriting(),
            Err(_) => journal.may_make_room(now),
        };
        if due && !data.rewriting {
            if written.is_err() {
                journal.makes_room(now);
            }
            rewrite::start(self, data);
        }
        written.map_err(|error| {
            tracing::error!("the Redis file cannot be written: {error}");
            Failure::Refused(format!("MISCONF Errors writing to the append-only file: {error}"))
        })
    }

    /// Whether `batch` can keep a thread for long: it runs a script, or has to
    /// wait for one.
    fn is_slow(&self, batch: &[Command]) -> bool {
        let script = |c: &Command| c.first().is_some_and(|name| name.to_ascii_uppercase().starts_with(b"EVAL"));
        matches!(self.data.try_lock(), Err(TryLockError::WouldBlock)) || batch.iter().any(script)
    }
}

impl Data {
    /// Makes one record of what was changed since the last one, if anything was.
    fn record(&mut self) -> bool {
        let (Some(journal), Some(commands)) = (&mut self.journal, self.store.effects.take()) else { return false };
        journal.add(&record::of_commands(self.store.now(), &commands));
        true
    }

    fn stop_rewriting(&mut self) {
        self.rewriting = false;
        self.store.forget_touched();
        if let Some(journal) = &mut self.journal {
            journal.put_off_rewriting();
        }
    }
}

impl Backend for Arc<Engine> {
    fn execute(&self, batch: Vec<Command>, atomic: bool) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        if !self.is_slow(&batch) {
            return Box::pin(ready(self.run(&batch, atomic)));
        }
        let engine = self.clone();
        let run = tokio::task::spawn_blocking(move || engine.run(&batch, atomic));
        Box::pin(async { run.await.unwrap_or_else(|error| Err(ended_early(&error))) })
    }

    fn listen(&self, feed: Feed) -> Pin<Box<dyn Future<Output = Listening> + Send + '_>> {
        let engine = self.clone();
        Box::pin(async move {
            // The lock may be with a script.
            let listening = tokio::task::spawn_blocking(move || engine.data().store.hub.listen(feed));
            listening.await.map_err(|error| ended_early(&error))
        })
    }
}

fn ended_early(error: &JoinError) -> Failure {
    Failure::Lost(format!("ERR the command failed: {error}"))
}

fn execute(store: &mut Store, command: &[Bytes]) -> Reply {
    store.expire_due();
    store.hub.observe(store.now(), "127.0.0.1:0", command);
    table::resolve(command)
        .and_then(|handler| effects::run(store, handler, command))
        .unwrap_or_else(|fault| Reply::Error(fault.text().to_owned()))
}

/// Does again what a record says; whether it could be understood.
fn replay(store: &mut Store, record: Record) -> bool {
    match record {
        Record::Commands(now, commands) => {
            store.advance(now);
            commands.iter().all(|command| {
                store.expire_due();
                // What failed half-way then fails half-way now.
                table::resolve(command).map(|handler| handler(store, &command[1..])).is_ok()
            })
        }
        Record::Entry(key, value, deadline) => {
            store.put_until(&key, value, deadline);
            true
        }
        Record::Gone(key) => {
            store.remove(&key);
            true
        }
    }
}

fn may_write(command: &[Bytes]) -> bool {
    command.first().is_some_and(|name| access::writes(&String::from_utf8_lossy(name).to_ascii_uppercase()))
}

fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
