#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_core::time::Millis;
use makegood_tools::{Pivot, Repeat};

fn main() {
    let _ = town::ann_and_bob();
    let _ = Pivot { repeat: Repeat::Keyed { ttl_ms: Millis(1) }, status: true, fence: true, approval: None };
}
