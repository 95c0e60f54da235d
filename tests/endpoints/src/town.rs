//! The demo town as anybody sees it: its state, its ledger and its switchboard.

use serde_json::{Value, json};

use crate::platform::Platform;

/// The kinds of things that the world lists.
pub const KINDS: [&str; 6] = ["reservations", "rides", "messages", "payments", "deliveries", "events"];

/// The world as JSON.
pub async fn world(platform: &Platform) -> Value {
    platform.get("/demo/world").await
}

/// How many of each kind are active, in the order of [`KINDS`].
pub async fn active(platform: &Platform) -> [usize; 6] {
    let world = world(platform).await;
    KINDS.map(|kind| world[kind].as_array().unwrap().len())
}

/// Sets a fault.
pub async fn fault(platform: &Platform, fault: &Value) {
    platform.post("/demo/faults", fault, 201).await;
}

/// Clears all faults.
pub async fn no_faults(platform: &Platform) {
    let cleared = crate::platform::answer(platform.request("DELETE", "/demo/faults")).await;
    assert_eq!(cleared.status, 200, "{cleared:?}");
}

/// Everything that the town ever decided, in order.
pub async fn ledger(platform: &Platform) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut after = json!(0);
    loop {
        let mut page = platform.get(&format!("/demo/ledger?after={after}&limit=1000")).await;
        entries.append(page["entries"].as_array_mut().unwrap());
        after = page["next"].take();
        if after.is_null() {
            return entries;
        }
    }
}
