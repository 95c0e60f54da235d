//! Upstash Redis REST, in front of an embedded engine or of a real Redis.
//!
//! The embedded engine keeps its data in a folder or in memory only. In
//! Makegood Redis merely coordinates, and every reader must bear its being
//! flushed at any instant, whatever is kept here. Not offered: `ACL RESTTOKEN`,
//! which is refused by name.

mod access;
mod engine;
mod feed;
mod refused;
mod remote;
mod reply;
mod rest;
mod scripts;
mod shebang;

use std::{future::Future, path::Path, pin::Pin, sync::Arc};

use bytes::Bytes;

pub use crate::folder::Error;
use feed::{Event, Feed};
use reply::Reply;
use tokio::sync::mpsc::Receiver;

/// One command: its name, then its arguments.
type Command = Vec<Bytes>;

/// What a back end answers to a batch: one reply for each command, or why
/// there is none for any.
type Answer = Result<Vec<Reply>, Failure>;

/// The events of a feed from now on. Whoever drops them is forgotten.
type Listening = Result<Receiver<Event>, Failure>;

/// Why a back end has no answer.
#[derive(Debug, PartialEq)]
enum Failure {
    /// It refused; the text begins with Redis's code word.
    Refused(String),
    /// It was not reached, or did not answer: what was sent may have been
    /// executed or not, and the same again may succeed.
    Lost(String),
}

/// Something that executes Redis commands.
trait Backend: Send + Sync + 'static {
    /// Executes `batch` in order. When `atomic`, nothing runs in between and
    /// an ill-formed command discards the whole batch.
    fn execute(&self, batch: Vec<Command>, atomic: bool) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>>;

    /// Listens to `feed`.
    fn listen(&self, feed: Feed) -> Pin<Box<dyn Future<Output = Listening> + Send + '_>>;
}

/// A Redis that can be served over REST. Clones share the data.
#[derive(Clone)]
pub struct Redis {
    backend: Arc<dyn Backend>,
}

impl Redis {
    /// An empty engine inside this process, which keeps nothing.
    pub fn embedded() -> Self {
        Self { backend: Arc::new(Arc::new(engine::Engine::default())) }
    }

    /// An engine inside this process that keeps its data in `folder`, and
    /// begins with what is there. What it answered survives the death of the
    /// process; not a power cut, for nothing is synced.
    ///
    /// # Errors
    /// When the folder cannot be used or another process uses it, and when
    /// what is there is damaged.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Ok(Self { backend: Arc::new(Arc::new(engine::Engine::open(folder)?)) })
    }

    /// A real Redis or Valkey, `redis://host:port/db`. Reconnects by itself.
    ///
    /// # Errors
    /// When the address is malformed or nothing answers there.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self { backend: Arc::new(remote::Remote::connect(url).await?) })
    }

    /// The REST interface, which admits only `token`.
    pub fn router(&self, token: &str) -> axum::Router {
        rest::router(self.backend.clone(), token, None)
    }

    /// The REST interface, which admits `token`, and `read_only_token` to
    /// what changes nothing.
    pub fn router_with_reader(&self, token: &str, read_only_token: &str) -> axum::Router {
        rest::router(self.backend.clone(), token, Some(read_only_token))
    }
}
