//! The configuration of a function, read once a request from the platform's variables.
//!
//! A function is given only the variables it needs; what it lacks is empty, and whoever needs it
//! says so by name. What there is to be set, and which function needs it: [`TABLE`].

mod table;

use std::fmt;
use std::num::NonZeroU32;

use makegood_core::error::{Code, Error};
use makegood_core::guard::Role;
use makegood_core::guard::rates::Rates;
use makegood_core::time::Millis;
use makegood_gateway::neon::Database;
use makegood_gateway::qstash::Queue;
use makegood_gateway::redis::Redis;

use crate::host::Host;
use crate::limits::{Fallback, Mode};

pub use table::{CHAT, DEBUG, EXECUTE, Function, INTENT, Kind, NAMES, SUBSCRIBER_HOSTS, Setting, TABLE, WEBHOOK};

#[derive(Clone, Debug)]
pub struct Settings {
    pub database: Database,
    pub redis: Redis,
    pub queue: Queue,
    /// Where the queue reaches us; signatures are checked against it.
    pub public_url: String,
    /// Where people are told of sagas that need one; empty: in the log only.
    pub alert_url: String,
    /// Where tools are reached.
    pub tools_url: String,
    /// What lets calls of tools in, by name, as [`secrets`](makegood_gateway::tool::secrets) reads it.
    pub tool_secrets: String,
    /// The MCP servers, as [`servers`](makegood_gateway::mcp::servers) reads them.
    pub mcp_servers: String,
    /// Where the issuer of users' tokens publishes its keys.
    pub jwks_url: String,
    /// More about it, and others, as [`issuers`](makegood_gateway::jwt::issuers) reads them.
    pub issuers: String,
    /// Requests without a token are served as `anonymous`.
    pub allow_anonymous: bool,
    /// What `anonymous` may do.
    pub anonymous_role: Role,
    /// The rules of circuit breakers, as [`Rulebook`](makegood_core::guard::breaker::Rulebook) reads them.
    pub breakers: String,
    /// The origins whose pages may call, with commas between: see [`crate::cors`].
    pub cors_origins: String,
    /// The traces of sagas that have come to rest are told to somebody.
    pub traces: bool,
    /// So many calls of one user's sagas are under way at once, at most.
    pub user_concurrency: Option<NonZeroU32>,
    /// Who may come how often.
    pub limits: Rates,
    pub limits_mode: Mode,
    pub limits_fallback: Fallback,
    /// So many proxies of ours stand in front, and write where a request comes from.
    pub trusted_proxy_hops: usize,
    /// How long an invocation goes on starting calls.
    pub time_budget: Millis,
    /// When the platform ends an invocation.
    pub kill: Millis,
}

impl Settings {
    /// Reads what this function was given.
    ///
    /// # Errors
    /// Where a value is none.
    pub fn read<H: Host>(host: &H) -> Result<Self, Error> {
        let text = |name: &str| host.config(name).unwrap_or_default();
        let wrong = |name: &str, text: &str, wanted: &str| {
            misconfigured(format!("the variable `{name}` is `{text}`, not {wanted}"))
        };
        let number = |name: &str, default: u64, of: &str| match text(name).as_str() {
            "" => Ok(default),
            text => text.parse().map_err(|_| wrong(name, text, of)),
        };
        let millis = |name: &str, default: u64| number(name, default, "a number of milliseconds").map(Millis);
        let user_concurrency = number("user_concurrency", 0, "a number of calls")?;
        let user_concurrency = u32::try_from(user_concurrency)
            .map_err(|_| wrong("user_concurrency", &user_concurrency.to_string(), "a number of calls"))?;
        let hops = number("trusted_proxy_hops", 0, "a number of proxies")?;
        let limits = text("limits");
        let limits = Rates::read(&limits).map_err(|why| wrong("limits", &limits, &format!("limits: {why}")))?;
        let limits_mode = match text("limits_mode").as_str() {
            "" | "enforce" => Mode::Enforce,
            "shadow" => Mode::Shadow,
            other => return Err(wrong("limits_mode", other, "`enforce` or `shadow`")),
        };
        let limits_fallback = match text("limits_fallback").as_str() {
            "" | "isolate" => Fallback::Isolate,
            "open" => Fallback::Open,
            "closed" => Fallback::Closed,
            other => return Err(wrong("limits_fallback", other, "`isolate`, `open` or `closed`")),
        };
        let anonymous_role = match text("anonymous_role").as_str() {
            "" => Role::default(),
            name => Role::named(name)
                .ok_or_else(|| misconfigured(format!("the variable `anonymous_role` is `{name}`, which is no role")))?,
        };
        Ok(Self {
            database: Database { url: text("database_http_url"), connection: text("database_url") },
            redis: Redis { url: text("redis_rest_url"), token: text("redis_rest_token") },
            queue: Queue {
                url: text("qstash_url"),
                token: text("qstash_token"),
                current_key: text("qstash_current_signing_key"),
                next_key: text("qstash_next_signing_key"),
            },
            public_url: text("public_url").trim_end_matches('/').to_owned(),
            alert_url: text("alert_url"),
            tools_url: text("tools_url"),
            tool_secrets: text("tool_secrets"),
            mcp_servers: text("mcp_servers"),
            jwks_url: text("jwks_url"),
            issuers: text("issuers"),
            allow_anonymous: text("allow_anonymous") == "true",
            anonymous_role,
            breakers: text("breakers"),
            cors_origins: text("cors_origins"),
            traces: text("trace_export") == "true",
            user_concurrency: NonZeroU32::new(user_concurrency),
            limits,
            limits_mode,
            limits_fallback,
            trusted_proxy_hops: usize::try_from(hops).unwrap_or(usize::MAX),
            // Without any it would never come to a call.
            time_budget: millis("time_budget_ms", 8_500)?.max(Millis(1)),
            kill: millis("kill_ms", 10_000)?,
        })
    }

    /// The address that the queue delivers wakes to.
    #[must_use]
    pub fn step_address(&self) -> String {
        format!("{}/api/execute/step", self.public_url)
    }

    /// The address that the queue delivers what messages wish of sagas to.
    #[must_use]
    pub fn wish_address(&self) -> String {
        format!("{}/api/execute/wish", self.public_url)
    }

    /// The address that the queue brings word of strangers' deliveries to.
    #[must_use]
    pub fn delivery_address(&self) -> String {
        format!("{}/api/execute/delivery", self.public_url)
    }

    /// The address that the queue brings word of news for subscribers to.
    #[must_use]
    pub fn bring_address(&self) -> String {
        format!("{}/api/subscriptions/bring", self.public_url)
    }

    /// The address that the queue delivers the firings of schedules to.
    #[must_use]
    pub fn scheduled_address(&self) -> String {
        format!("{}/api/execute/scheduled", self.public_url)
    }
}

/// A setting that is none: whoever asks is told no more than that, and the log has which and why.
pub(crate) fn misconfigured(why: impl fmt::Display) -> Error {
    Error::new(Code::Internal, "The server is not configured well.").because(why)
}
