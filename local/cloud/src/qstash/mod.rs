//! QStash v2: accepts messages, keeps them, delivers them signed, at least
//! once, with the real service's back-off, deduplication and dead letters.
//!
//! It keeps the runs of Upstash Workflow as well, see `workflow`. Not offered,
//! and refused by name: triggers without the SDK.

mod api;
mod attempt;
mod backoff;
mod callback;
mod cron;
mod dedup;
mod deliver;
mod duration;
mod expression;
mod faults;
mod flow;
mod group;
mod history;
mod intake;
mod journal;
mod keys;
mod message;
mod options;
mod publish;
mod queue;
mod record;
mod redact;
mod schedule;
mod settle;
mod signature;
mod state;
mod timer;
mod workflow;

use std::{sync::Arc, time::Duration};

pub use crate::folder::Error;
pub use deliver::Deliver;
pub use faults::Faults;
pub use options::Options;

use deliver::Courier;

/// A QStash. Dropping it ends its deliveries; what was not acknowledged is
/// delivered after the next [`QStash::open`] on the same folder.
pub struct QStash {
    courier: Arc<Courier>,
}

impl QStash {
    /// Reads the journal. Nothing is delivered before [`QStash::start`].
    ///
    /// # Errors
    /// When the folder cannot be used, is in use by another process, or holds
    /// a journal that is damaged elsewhere than at its end.
    pub fn open(options: Options, deliver: Arc<dyn Deliver>) -> Result<Self, Error> {
        let courier = Courier::open(options, deliver)?;
        Ok(Self { courier: Arc::new(courier) })
    }

    /// The HTTP interface, `/v2/..`.
    pub fn router(&self) -> axum::Router {
        api::router(self.courier.clone())
    }

    /// Begins to deliver. Must be called inside a Tokio runtime.
    pub fn start(&self) {
        deliver::start(&self.courier);
    }

    /// Begins nothing more, and gives what is under way a moment to finish.
    pub async fn stop(&self) {
        deliver::stop(&self.courier, Duration::from_secs(2)).await;
    }

    /// Messages accepted and neither delivered, dead nor cancelled.
    pub fn depth(&self) -> usize {
        self.courier.state().depth()
    }
}

impl Drop for QStash {
    fn drop(&mut self) {
        deliver::abandon(&self.courier);
        self.courier.state().close();
    }
}
