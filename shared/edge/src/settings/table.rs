//! Every variable that a function may ask for: who needs it, what it means, and where to get it.
//!
//! `makegood deploy --check` holds the manifests of the platforms against it, docs/DEPLOY.md shows it, and
//! `makegood doctor` asks by it. The functions themselves take the names alone, so the words cost them nothing.

/// One of the five functions, by its component's name in `spin.toml`.
pub type Function = &'static str;

pub const CHAT: Function = "chat";
pub const INTENT: Function = "intent";
pub const EXECUTE: Function = "execute";
pub const WEBHOOK: Function = "webhook";
pub const DEBUG: Function = "debug";

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An address that the function calls itself: the named variable of `spin.toml` allows its host.
    Called {
        host: &'static str,
    },
    /// An address that others call.
    Address,
    Text,
    /// `true` or `false`.
    Truth,
    /// A whole number.
    Number,
}

/// One variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// In `spin.toml`; Workers have it in upper case.
    pub name: &'static str,
    pub kind: Kind,
    pub secret: bool,
    /// Without a value in production it does not work.
    pub required: bool,
    /// The functions that do something else where this is something else.
    pub functions: &'static [Function],
    pub meaning: &'static str,
    /// Where a value for production comes from.
    pub source: &'static str,
}

/// Those who ask who is asking.
const DOORS: &[Function] = &[CHAT, INTENT, EXECUTE, WEBHOOK, DEBUG];
/// All: they ask the database, are reached from outside, and speak to Redis, which counts who comes.
const ALL: &[Function] = &[CHAT, INTENT, EXECUTE, WEBHOOK, DEBUG];
/// Those who do something else for an operator.
const STEERED: &[Function] = &[EXECUTE, WEBHOOK, DEBUG];
/// Those whom the queue calls.
const CALLED_BACK: &[Function] = &[EXECUTE, WEBHOOK];
/// Those who publish.
const PUBLISHERS: &[Function] = &[CHAT, EXECUTE, WEBHOOK];

/// Those who read messages.
const READERS: &[Function] = &[CHAT, INTENT];

/// The variable of `spin.toml` with the hosts that subscriptions may lead to, of `webhook` alone: their addresses are
/// nobody's setting.
pub const SUBSCRIBER_HOSTS: &str = "subscriber_hosts";

/// In the order of their names.
pub const TABLE: [Setting; 53] = [
    Setting {
        name: "ably_key",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: &[WEBHOOK],
        meaning: "Lets us publish to Ably, and readers read: `app.id:secret`; empty: nothing is published",
        source: "Ably: your app, API keys; one that may publish, subscribe and see history",
    },
    Setting {
        name: "ably_url",
        kind: Kind::Called { host: "ably_host" },
        secret: false,
        required: false,
        functions: &[WEBHOOK],
        meaning: "Ably's REST interface, to which events are published; empty: none are",
        source: "`https://main.realtime.ably.net`",
    },
    Setting {
        name: "alert_url",
        kind: Kind::Address,
        secret: true,
        required: false,
        functions: &[EXECUTE],
        meaning: "Where the queue brings alerts of sagas that need a person, as a POST; empty: they stand in the log only",
        source: "your incident tool's incoming webhook",
    },
    Setting {
        name: "allow_anonymous",
        kind: Kind::Truth,
        secret: false,
        required: false,
        functions: DOORS,
        meaning: "`true` serves requests without a token as `anonymous`; for loopback only",
        source: "leave it `false`",
    },
    Setting {
        name: "anonymous_role",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: STEERED,
        meaning: "What `anonymous` may do, where it is allowed: `user`, `approver`, `operator` or `admin`; empty: `user`",
        source: "leave it empty",
    },
    Setting {
        name: "breakers",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: &[EXECUTE, DEBUG],
        meaning: "When the circuit breakers of tools and MCP servers open: `{\"default\": {…}, \"book_table\": {\"calls\": 10}}`, or `off`; empty: as docs/BREAKERS.md says",
        source: "your choice",
    },
    Setting {
        name: "cors_origins",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: DOORS,
        meaning: "The origins whose pages may call from browsers, `https://app.example.com`, with commas between; empty: none but ours",
        source: "your choice",
    },
    Setting {
        name: "database_http_url",
        kind: Kind::Called { host: "database_host" },
        secret: false,
        required: true,
        functions: ALL,
        meaning: "Postgres over HTTP, as Neon serves it: the `/sql` endpoint",
        source: "Neon: `https://` and the host of the connection string with its first label replaced by `api`, then `/sql`",
    },
    Setting {
        name: "database_url",
        kind: Kind::Text,
        secret: true,
        required: true,
        functions: ALL,
        meaning: "The connection string that the database is asked with",
        source: "Neon: the project's dashboard, Connect",
    },
    Setting {
        name: "environment",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: ALL,
        meaning: "What traces and logs say that this deployment is, as `deployment.environment.name`; empty: they do not say",
        source: "`production`, `staging`",
    },
    Setting {
        name: "fallback_model_key",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: READERS,
        meaning: "Lets us ask the second model; empty where it wants none",
        source: "your service's console",
    },
    Setting {
        name: "fallback_model_name",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: READERS,
        meaning: "The second model, asked where the first does not answer",
        source: "your service's list of models",
    },
    Setting {
        name: "fallback_model_price",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: READERS,
        meaning: "What a million tokens of the second model cost, in and out, as `0.15/0.60`; empty: nothing",
        source: "your service's list of prices",
    },
    Setting {
        name: "fallback_model_url",
        kind: Kind::Called { host: "fallback_model_host" },
        secret: false,
        required: false,
        functions: READERS,
        meaning: "Where the second model is, as `model_url`; empty: there is none",
        source: "your service's documentation: the base URL of its OpenAI-compatible interface",
    },
    Setting {
        name: "issuers",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: DOORS,
        meaning: "What that issuer's tokens must say, and other issuers: `{\"https://issuer\": {\"parties\": [\"https://app.example.com\"], …}}`; the hosts of others must be allowed besides",
        source: "AUTH.md; `parties` are the pages that your users sign in on",
    },
    Setting {
        name: "jwks_url",
        kind: Kind::Called { host: "jwks_host" },
        secret: false,
        required: true,
        functions: DOORS,
        meaning: "Where the issuer of users' tokens publishes its keys; the issuer is what stands before `/.well-known/jwks.json`",
        source: "Clerk: dashboard, API keys, JWKS URL; any other: `jwks_uri` of its OpenID configuration",
    },
    Setting {
        name: "kill_ms",
        kind: Kind::Number,
        secret: false,
        required: false,
        functions: PUBLISHERS,
        meaning: "When the platform ends an invocation, in milliseconds; the queue waits a little longer",
        source: "your platform's limit",
    },
    Setting {
        name: "limits",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: ALL,
        meaning: "Who may come how often, as `{\"chat\": {\"rate\": 60, \"per_s\": 60, \"burst\": 10}}`; empty: as docs/LIMITS.md says; `off`: no limits",
        source: "your choice",
    },
    Setting {
        name: "limits_fallback",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: ALL,
        meaning: "While Redis is away: `isolate` (each isolate counts for itself), `open` (all are let in) or `closed` (nobody is)",
        source: "your choice",
    },
    Setting {
        name: "limits_mode",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: ALL,
        meaning: "`enforce`, or `shadow`: all are let in, and the log says who would have been refused",
        source: "your choice",
    },
    Setting {
        name: "mcp_servers",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: &[EXECUTE],
        meaning: "The MCP servers whose tools are registered: `{\"name\": {\"url\": …, \"token\": …}}`; their hosts must be allowed besides",
        source: "each server's address, and the token that it gave you, if it wants one",
    },
    Setting {
        name: "model_cache_ms",
        kind: Kind::Number,
        secret: false,
        required: false,
        functions: READERS,
        meaning: "How long an answer of a model is kept in Redis, in milliseconds; `0`: none is",
        source: "your choice",
    },
    Setting {
        name: "model_key",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: READERS,
        meaning: "Lets us ask the model; empty where it wants none",
        source: "your service's console",
    },
    Setting {
        name: "model_name",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: READERS,
        meaning: "The model that reads what cannot be read offline",
        source: "your service's list of models",
    },
    Setting {
        name: "model_price",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: READERS,
        meaning: "What a million of its tokens cost, in and out, as `0.15/0.60`; empty: nothing",
        source: "your service's list of prices",
    },
    Setting {
        name: "model_silence_ms",
        kind: Kind::Number,
        secret: false,
        required: false,
        functions: READERS,
        meaning: "Answers of models are asked for piece by piece, and one that says nothing for so long, in milliseconds, is left for the next; `0`: they come as a whole",
        source: "your choice; longer than your model thinks before its first word",
    },
    Setting {
        name: "model_timeout_ms",
        kind: Kind::Number,
        secret: false,
        required: false,
        functions: READERS,
        meaning: "How long models may take over one message, all together, in milliseconds; less than `kill_ms`",
        source: "your platform's limit, less two seconds",
    },
    Setting {
        name: "model_tools",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: READERS,
        meaning: "The tools that a model may use, with commas between; empty: all that are registered",
        source: "your choice",
    },
    Setting {
        name: "model_url",
        kind: Kind::Called { host: "model_host" },
        secret: false,
        required: false,
        functions: READERS,
        meaning: "What stands before `/chat/completions` of an OpenAI-compatible model; empty: messages are read offline only",
        source: "your service's documentation: the base URL, with `/v1` where it has one",
    },
    Setting {
        name: "otlp_contents",
        kind: Kind::Truth,
        secret: false,
        required: false,
        functions: ALL,
        meaning: "`true` tells the collector what users and partners said as well: parameters, outputs, titles, words of errors, and of the log what stands behind a colon",
        source: "leave it `false`",
    },
    Setting {
        name: "otlp_endpoint",
        kind: Kind::Called { host: "otlp_host" },
        secret: false,
        required: false,
        functions: ALL,
        meaning: "Where traces, metrics and logs are told, by OTLP over HTTP: what stands before `/v1/traces`; empty: nowhere",
        source: "your collector's documentation",
    },
    Setting {
        name: "otlp_headers",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: ALL,
        meaning: "What the collector knows us by: `name=value` with commas between, percent-encoded; empty: nothing",
        source: "your collector's documentation, as `OTEL_EXPORTER_OTLP_HEADERS`",
    },
    Setting {
        name: "otlp_logs",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: ALL,
        meaning: "What of the log is told to `otlp_endpoint`: lines from this level on, `debug`, `info`, `warn` or `error`; empty: `warn`; `off`: none",
        source: "your choice",
    },
    Setting {
        name: "otlp_sample",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: &[WEBHOOK],
        meaning: "The share of traces that is told, from `0` to `1`; what failed or was undone is told always; empty: all",
        source: "your choice",
    },
    Setting {
        name: "public_url",
        kind: Kind::Address,
        secret: false,
        required: true,
        functions: ALL,
        meaning: "Where the queue and users reach the functions; the queue's signatures are checked against it",
        source: "the address that you deploy to, without a slash at its end",
    },
    Setting {
        name: "qstash_current_signing_key",
        kind: Kind::Text,
        secret: true,
        required: true,
        functions: CALLED_BACK,
        meaning: "Checks that a delivery is the queue's",
        source: "Upstash console, QStash, Signing Keys",
    },
    Setting {
        name: "qstash_next_signing_key",
        kind: Kind::Text,
        secret: true,
        required: true,
        functions: CALLED_BACK,
        meaning: "The same, after the keys are rolled",
        source: "Upstash console, QStash, Signing Keys",
    },
    Setting {
        name: "qstash_token",
        kind: Kind::Text,
        secret: true,
        required: true,
        functions: PUBLISHERS,
        meaning: "Lets us publish to the queue",
        source: "Upstash console, QStash",
    },
    Setting {
        name: "qstash_url",
        kind: Kind::Called { host: "qstash_host" },
        secret: false,
        required: true,
        functions: PUBLISHERS,
        meaning: "The queue",
        source: "Upstash console, QStash: the URL of your region, without `/v2`",
    },
    Setting {
        name: "redis_rest_token",
        kind: Kind::Text,
        secret: true,
        required: true,
        functions: ALL,
        meaning: "Lets us use Redis; not the read-only one",
        source: "Upstash console, your Redis database, REST API",
    },
    Setting {
        name: "redis_rest_url",
        kind: Kind::Called { host: "redis_host" },
        secret: false,
        required: true,
        functions: ALL,
        meaning: "Redis over HTTP, as Upstash serves it",
        source: "Upstash console, your Redis database, REST API",
    },
    Setting {
        name: "region",
        kind: Kind::Text,
        secret: false,
        required: false,
        functions: ALL,
        meaning: "What `/api/debug/health`, traces and logs say where it is",
        source: "any name",
    },
    Setting {
        name: "subscription_key",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: &[WEBHOOK],
        meaning: "What the secrets of subscriptions are made of, which change with it; empty: there are no subscriptions",
        source: "`openssl rand -base64 32`, once",
    },
    Setting {
        name: "subscriptions_inside",
        kind: Kind::Truth,
        secret: false,
        required: false,
        functions: &[WEBHOOK],
        meaning: "`true` lets subscriptions lead anywhere, over http and to this machine too; for loopback only",
        source: "leave it `false`",
    },
    Setting {
        name: "tempo_headers",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: &[DEBUG],
        meaning: "What Tempo knows us by: `name=value` with commas between, percent-encoded; empty: nothing",
        source: "whoever runs Tempo: `authorization=Bearer%20…`, `x-scope-orgid=…`",
    },
    Setting {
        name: "tempo_url",
        kind: Kind::Called { host: "tempo_host" },
        secret: false,
        required: false,
        functions: &[DEBUG],
        meaning: "Where operators' pages read traces that the database does not have: what stands before `/api/v2/traces`; empty: nowhere",
        source: "where your Tempo answers queries",
    },
    Setting {
        name: "time_budget_ms",
        kind: Kind::Number,
        secret: false,
        required: false,
        functions: &[EXECUTE],
        meaning: "How long an invocation goes on starting calls, in milliseconds; less than `kill_ms`",
        source: "your platform's limit, less the time of your slowest tool",
    },
    Setting {
        name: "tool_secrets",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: &[EXECUTE],
        meaning: "The secrets that tools' definitions name: `{\"name\": \"value\"}`; a value goes into a header of that tool's calls, and nowhere else",
        source: "whoever runs a tool that lets nobody in without one",
    },
    Setting {
        name: "tools_url",
        kind: Kind::Called { host: "tools_host" },
        secret: false,
        required: true,
        functions: &[EXECUTE],
        meaning: "What stands before `/{tool}/do`",
        source: "where your tools are served",
    },
    Setting {
        name: "trace_export",
        kind: Kind::Truth,
        secret: false,
        required: false,
        functions: &[EXECUTE],
        meaning: "`true` has sagas that have come to rest told to `otlp_endpoint`",
        source: "`true` where there is an `otlp_endpoint`",
    },
    Setting {
        name: "trusted_proxy_hops",
        kind: Kind::Number,
        secret: false,
        required: false,
        functions: ALL,
        meaning: "So many proxies of yours stand in front, and add to `X-Forwarded-For` where a request comes from; `0`: the platform knows, and the header is not believed",
        source: "how you deploy; on Workers `0`",
    },
    Setting {
        name: "user_concurrency",
        kind: Kind::Number,
        secret: false,
        required: false,
        functions: &[EXECUTE],
        meaning: "So many calls of one user's sagas are under way at once, at most; `0`: as many as they want",
        source: "your choice",
    },
    Setting {
        name: "webhook_sources",
        kind: Kind::Text,
        secret: true,
        required: false,
        functions: &[WEBHOOK],
        meaning: "Who may deliver webhooks, with secrets and rules: `{\"name\": {\"scheme\": …, \"secrets\": […], \"owner\": …, \"rules\": […]}}`; empty: nobody",
        source: "docs/WEBHOOKS.md; each secret from its sender's console",
    },
];

/// Their names alone.
pub const NAMES: [&str; TABLE.len()] = {
    let mut names = [""; TABLE.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = TABLE[place].name;
        place += 1;
    }
    names
};

impl Setting {
    #[must_use]
    pub fn needed_by(&self, function: &str) -> bool {
        self.functions.contains(&function)
    }

    /// The name of the variable on Workers, and of the environment's.
    #[must_use]
    pub fn upper(&self) -> String {
        self.name.to_ascii_uppercase()
    }
}
