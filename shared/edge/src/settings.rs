//! The configuration of a function, read once a request from the platform's variables.
//!
//! A function is given only the variables it needs; what it lacks is empty, and whoever needs it
//! says so by name. What there is to be set, and which function needs it: [`TABLE`].

mod table;

use std::num::NonZeroU32;

use makegood_core::error::{Code, Error};
use makegood_core::time::Millis;
use makegood_gateway::neon::Database;
use makegood_gateway::qstash::Queue;
use makegood_gateway::redis::Redis;

use crate::host::Host;

pub use table::{CHAT, DEBUG, EXECUTE, Function, INTENT, Kind, NAMES, Setting, TABLE, WEBHOOK};

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
    /// The MCP servers, as [`servers`](makegood_gateway::mcp::servers) reads them.
    pub mcp_servers: String,
    pub jwt_secret: String,
    /// Requests without a token are served as `anonymous`.
    pub allow_anonymous: bool,
    /// So many calls of one user's sagas are under way at once, at most.
    pub user_concurrency: Option<NonZeroU32>,
    /// How long an invocation goes on starting calls.
    pub time_budget: Millis,
    /// When the platform ends an invocation.
    pub kill: Millis,
}

impl Settings {
    /// Reads what this function was given.
    ///
    /// # Errors
    /// Where a number is none.
    pub fn read<H: Host>(host: &H) -> Result<Self, Error> {
        let text = |name: &str| host.config(name).unwrap_or_default();
        let millis = |name: &str, default: u64| match host.config(name).filter(|text| !text.is_empty()) {
            None => Ok(Millis(default)),
            Some(text) => text.parse().map(Millis).map_err(|_| {
                Error::new(Code::Internal, "The server is not configured well.")
                    .because(format!("the variable `{name}` is `{text}`, not a number of milliseconds"))
            }),
        };
        let user_concurrency = text("user_concurrency");
        let user_concurrency = match user_concurrency.as_str() {
            "" => 0,
            number => number.parse().map_err(|_| {
                Error::new(Code::Internal, "The server is not configured well.")
                    .because(format!("the variable `user_concurrency` is `{number}`, not a number of calls"))
            })?,
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
            mcp_servers: text("mcp_servers"),
            jwt_secret: text("jwt_secret"),
            allow_anonymous: text("allow_anonymous") == "true",
            user_concurrency: NonZeroU32::new(user_concurrency),
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

    /// The address that the queue delivers the firings of schedules to.
    #[must_use]
    pub fn scheduled_address(&self) -> String {
        format!("{}/api/execute/scheduled", self.public_url)
    }
}
