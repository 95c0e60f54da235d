//! How long guests' own code is on a processor: Wasm, without the host's functions that it calls.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::Store;

/// Has what the store's guest takes added to `nanos`. Looking at the clock, which the system is asked for at each
/// crossing between guest and host, is a part of what is counted: a fraction of a microsecond each time.
pub(super) fn count<T: 'static>(store: &mut Store<T>, nanos: Arc<AtomicU64>) {
    // When the guest was last turned to. It waits in functions of the host's only, whichever thread it wakes on.
    let mut since = None;
    store.call_hook(move |_, crossing| {
        if crossing.entering_host() {
            let spent = since.take().map_or(0, |since| now().saturating_sub(since));
            nanos.fetch_add(spent, Relaxed);
        } else {
            since = Some(now());
        }
        Ok(())
    });
}

/// What this thread has used so far, in nanoseconds.
fn now() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let of = |part: i64| u64::try_from(part).unwrap_or_default();
    of(time.tv_sec).saturating_mul(1_000_000_000).saturating_add(of(time.tv_nsec))
}
