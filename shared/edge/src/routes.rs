//! Where each function is reached. What stands below an address that ends in `/...` is the function's own matter.

use crate::settings::{CHAT, DEBUG, EXECUTE, Function, INTENT, WEBHOOK};

pub const ROUTES: [(&str, Function); 7] = [
    ("/api/chat", CHAT),
    ("/api/debug/...", DEBUG),
    ("/api/execute/...", EXECUTE),
    ("/api/intent", INTENT),
    ("/api/webhook/...", WEBHOOK),
    ("/debug/...", DEBUG),
    ("/mcp", EXECUTE),
];
