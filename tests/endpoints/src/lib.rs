//! Drives the real `makegood` from outside, as a user and the world would: the binary is started and
//! killed as a process, and everything else goes over HTTP.
//!
//! The tests are in `tests/endpoints`. Here is what they stand on, and nothing of the product: it is
//! reached as a stranger reaches it, so that a test cannot know what a user cannot.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it exists for tests: what goes wrong ends the test"
)]
#![expect(clippy::missing_panics_doc, reason = "a panic is how each of these fails")]

pub mod audit;
pub mod binary;
pub mod canaries;
pub mod database;
pub mod form;
pub mod hooks;
pub mod journal;
pub mod platform;
pub mod queue;
pub mod services;
pub mod sse;
pub mod storm;
pub mod town;

/// Waits until `probe` answers something, asking every `every`.
///
/// Answers `None` when `patience` is over: what that means is the caller's to say.
pub async fn poll<T, F: Future<Output = Option<T>>>(
    patience: std::time::Duration,
    every: std::time::Duration,
    mut probe: impl FnMut() -> F,
) -> Option<T> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        if let Some(found) = probe().await {
            return Some(found);
        }
        if tokio::time::Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(every).await;
    }
}
