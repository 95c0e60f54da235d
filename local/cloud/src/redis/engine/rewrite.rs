//! Rewriting of the append-only file, when it has grown well past the data.
//!
//! A thread of its own writes every key as it stands into a file beside, a
//! few at a time, so that commands are held up for a moment only. What changes
//! meanwhile is written again, and again, until it is so little that the rest
//! is written and the files are changed in one go.

use std::{
    io,
    sync::{Arc, Weak},
    thread,
};

use bytes::Bytes;

use super::{
    Data, Engine,
    journal::{Beside, frame},
    record,
    store::Store,
};

/// So many keys are few enough to hold commands up for.
const FEW: usize = 500;
/// After so many rounds the rest is written, be it as long as it may.
const ROUNDS: usize = 10;
/// At so many bytes commands are let through.
const PIECE: usize = 256 << 10;

/// Rewrites the file of `engine`, in the background.
pub fn start(engine: &Arc<Engine>, data: &mut Data) {
    data.rewriting = true;
    let engine = Arc::downgrade(engine);
    let spawned = thread::Builder::new().name("redis-rewrite".to_owned()).spawn({
        let engine = engine.clone();
        move || finish(&engine, rewrite(&engine))
    });
    if let Err(error) = spawned {
        tracing::error!("the Redis file cannot be rewritten: {error}");
        data.stop_rewriting();
    }
}

fn finish(engine: &Weak<Engine>, result: io::Result<()>) {
    let Some(engine) = engine.upgrade() else { return };
    if let Err(error) = result {
        tracing::error!("the Redis file cannot be rewritten, and goes on to grow: {error}");
    }
    engine.data().stop_rewriting();
}

/// Does it; an engine that is dropped meanwhile keeps the file it has.
pub fn rewrite(engine: &Weak<Engine>) -> io::Result<()> {
    let (mut keys, mut beside) = {
        let Some(engine) = engine.upgrade() else { return Ok(()) };
        let mut data = engine.data();
        let Some(journal) = &data.journal else { return Ok(()) };
        let beside = journal.beside()?;
        data.store.take_touched();
        (data.store.keys().map(|(key, _)| key.clone()).collect::<Vec<Bytes>>(), beside)
    };
    for round in 1.. {
        let mut rest = keys.as_slice();
        while !rest.is_empty() {
            let Some(engine) = engine.upgrade() else { return Ok(()) };
            let mut piece = Vec::with_capacity(PIECE);
            rest = write_piece(&engine.data().store, rest, &mut piece);
            beside.append(&piece)?;
        }
        beside.sync()?;
        let Some(engine) = engine.upgrade() else { return Ok(()) };
        let mut data = engine.data();
        keys = data.store.take_touched().into_iter().collect();
        if keys.len() <= FEW || round == ROUNDS {
            return change(&mut data, &keys, beside);
        }
    }
    Ok(())
}

/// Writes what is left, and puts the new file in the place of the old one.
fn change(data: &mut Data, keys: &[Bytes], mut beside: Beside) -> io::Result<()> {
    let mut piece = Vec::new();
    let mut rest = keys;
    while !rest.is_empty() {
        rest = write_piece(&data.store, rest, &mut piece);
        beside.append(&piece)?;
        piece.clear();
    }
    data.journal.as_mut().map_or(Ok(()), |journal| journal.replace(beside))
}

/// Appends keys as they stand, until it is enough; which are left.
fn write_piece<'a>(store: &Store, keys: &'a [Bytes], out: &mut Vec<u8>) -> &'a [Bytes] {
    for (written, key) in keys.iter().enumerate() {
        if out.len() >= PIECE {
            return &keys[written..];
        }
        let entry = store.value(key).zip(store.deadline(key));
        frame(out, &record::of_entry(key, entry));
    }
    &[]
}
