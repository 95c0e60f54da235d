//! Commands that no back end gets to see: those Upstash does not offer over
//! REST (sheet: "Not available over REST"), and those that would administer
//! the server behind us.

const BLOCKING: &[&str] =
    &["BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF"];
const STATEFUL: &[&str] = &[
    "WATCH",
    "UNWATCH",
    "DISCARD",
    "MULTI",
    "EXEC",
    "AUTH",
    "HELLO",
    "SELECT",
    "CLIENT",
    "QUIT",
    "RESET",
    "ASKING",
    "READONLY",
    "READWRITE",
    "SYNC",
    "PSYNC",
    "REPLCONF",
];
const STREAMING: &[&str] =
    &["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR"];
const SERVER: &[&str] = &[
    "ACL",
    "BGREWRITEAOF",
    "BGSAVE",
    "CLUSTER",
    "CONFIG",
    "DEBUG",
    "FAILOVER",
    "LATENCY",
    "MIGRATE",
    "MODULE",
    "MOVE",
    "REPLICAOF",
    "RESTORE-ASKING",
    "ROLE",
    "SAVE",
    "SHUTDOWN",
    "SLAVEOF",
    "SLOWLOG",
    "SWAPDB",
];

/// Whether a command of this name, in capitals, concerns a connection or the
/// server, and so is none for a script.
pub fn is_stateful(name: &str) -> bool {
    [STATEFUL, STREAMING, SERVER].iter().any(|list| list.contains(&name))
}

/// The error for a command that is refused whatever the back end.
pub fn refusal(command: &[bytes::Bytes]) -> Option<String> {
    let Some(name) = command.first() else {
        return Some("ERR empty command".to_owned());
    };
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    let has = |list: &[&str]| list.contains(&name.as_str());
    let blocks =
        matches!(name.as_str(), "XREAD" | "XREADGROUP") && command.iter().any(|arg| arg.eq_ignore_ascii_case(b"block"));
    let why = if has(BLOCKING) || blocks {
        "it blocks, which REST cannot"
    } else if has(STATEFUL) {
        "REST keeps no connection state (use /multi-exec for a transaction)"
    } else if has(STREAMING) {
        "it streams (use /subscribe/<channel>, /psubscribe/<pattern> or /monitor)"
    } else if has(SERVER) {
        "it administers the server"
    } else {
        return None;
    };
    Some(format!("ERR Command is not available: '{name}': {why}"))
}
