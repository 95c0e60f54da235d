//! Where each function is reached. What stands below an address that ends in `/...` is the function's own matter.

use crate::settings::{CHAT, DEBUG, EXECUTE, Function, INTENT, WEBHOOK};

pub const ROUTES: [(&str, Function); 13] = [
    ("/", DEBUG),
    ("/api/audit", DEBUG),
    ("/api/chat", CHAT),
    ("/api/debug/...", DEBUG),
    ("/api/docs", DEBUG),
    ("/api/execute/...", EXECUTE),
    ("/api/intent", INTENT),
    ("/api/openapi.json", DEBUG),
    ("/api/subscriptions/...", WEBHOOK),
    ("/api/webhook/...", WEBHOOK),
    ("/approve/...", DEBUG),
    ("/debug/...", DEBUG),
    ("/mcp", EXECUTE),
];
