//! Ably over REST and server-sent events: publishing, history, tokens and
//! streams, in memory.
//!
//! Deliberately not here: the realtime protocol over WebSockets (and with it
//! presence), push, statistics, encryption, and changes of messages.

mod api;
mod auth;
mod capability;
mod channel;
mod fault;
mod history;
mod message;
mod name;
mod publish;
mod stream;
mod token;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::Clock;
use channel::Channels;
use token::Nonces;

/// How an Ably is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The one key, `app.id:secret`. It may do everything.
    pub key: String,
    /// The time by which tokens end and messages are forgotten.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self { key: "appid.keyid:secret".to_owned(), clock: Clock::real() }
    }
}

/// An Ably that can be served. Clones share the channels.
#[derive(Clone)]
pub struct Ably {
    inner: Arc<Inner>,
}

struct Inner {
    /// The part of the key before the colon, and the one after it.
    key_name: String,
    secret: String,
    clock: Clock,
    channels: Mutex<Channels>,
    nonces: Mutex<Nonces>,
    /// Tells readers that there is something new.
    news: watch::Sender<()>,
}

impl Ably {
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (key_name, secret) = options.key.split_once(':').unwrap_or((options.key.as_str(), ""));
        Self {
            inner: Arc::new(Inner {
                key_name: key_name.to_owned(),
                secret: secret.to_owned(),
                clock: options.clock,
                channels: Mutex::default(),
                nonces: Mutex::default(),
                news: watch::channel(()).0,
            }),
        }
    }

    /// The HTTP interface.
    pub fn router(&self) -> axum::Router {
        api::router(self.inner.clone())
    }
}

impl Inner {
    fn channels(&self) -> MutexGuard<'_, Channels> {
        lock(&self.channels)
    }
}

/// Nothing here is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
