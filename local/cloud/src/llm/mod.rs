//! An OpenAI-compatible model that is no model: it follows a script in the
//! prompt, and the same request always gets the same answer.
//!
//! Chat completions (plain and streamed), embeddings and the list of models.
//! Deliberately not here: the Responses API, files, audio, images (their parts
//! are accepted and not looked at), log probabilities, and any sampling.

mod api;
mod chat;
mod completion;
mod directive;
mod embeddings;
mod journal;
mod models;
mod offline;
mod parse;
mod refusal;
mod reply;
mod sampling;
mod schema;
mod seen;
mod stream;
mod tokens;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use chat::{Chat, Choice, Format, Message, Role, Tool};
pub use offline::OfflinePlanner;
pub use reply::{Call, Planner, Reply};

use journal::Journal;
pub(crate) use refusal::Refusal;
use seen::Seen;

/// How a model is to be.
#[derive(Clone)]
pub struct Options {
    /// The key that it admits, as `Authorization: Bearer`.
    pub key: String,
    /// Answers what no directive asks for.
    pub planner: Option<Arc<dyn Planner>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { key: "test-key".to_owned(), planner: None }
    }
}

/// A model that can be served. Clones share what was noted.
#[derive(Clone)]
pub struct Model {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    journal: Mutex<Journal>,
    seen: Mutex<Seen>,
}

impl Model {
    #[must_use]
    pub fn new(options: Options) -> Self {
        let inner = Inner { options, journal: Mutex::default(), seen: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The HTTP interface, `/v1/..`.
    pub fn router(&self) -> axum::Router {
        api::router(self.inner.clone())
    }
}

/// Nothing here is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
