//! The two signing keys.

use serde::{Deserialize, Serialize};

use crate::text::random_id;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Keys {
    pub current: String,
    pub next: String,
}

impl Keys {
    /// The next key becomes the current one.
    pub fn rotated(&self) -> Self {
        Self { current: self.next.clone(), next: random_id("sig_") }
    }
}
