//! The whole cloud in one process: functions, emulators and the demo town on one port, in the order
//! in which they need each other.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use makegood_cloud::faults::{Door, Words, in_front_of};
use makegood_cloud::{Ably, Clock, Issuer, Mcp, Model, Otlp, QStash, Redis, ably, llm, mcp, otlp, qstash};
use makegood_core::guard::Role;
use makegood_core::guard::rates::Class;
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_edge::settings::SUBSCRIBER_HOSTS;
use makegood_gateway::jwt::{self, Jwks, Token};
use makegood_gateway::store;
use makegood_postgres::Postgres;
use tokio::sync::watch;

use crate::clients;
use crate::data_dir::{CLIENTS, COMPILED, DataDir, TOOLS};
use crate::delivery::Delivery;
use crate::drained;
use crate::host::manifest::Manifest;
use crate::host::{Functions, Limits, Options as HostOptions, compiled};
use crate::secrets::{Secrets, write_for_owner};
use crate::serve::{self, NoDelay, problem};
use crate::tool_host::sandbox::Limits as ToolLimits;
use crate::tool_host::shelf::Shelf;
use crate::tool_host::{self, Others, ToolHost};
use crate::town_tools::TownTools;
use crate::webhooks::with_demo;

/// What to bring up.
#[derive(Clone, Debug)]
pub struct Options {
    pub manifest: PathBuf,
    pub data_dir: PathBuf,
    /// Removes first what an earlier platform left there.
    pub fresh: bool,
    pub bind: IpAddr,
    /// 0 takes any free one.
    pub port: u16,
    pub region: String,
    /// A real PostgreSQL in place of the embedded one.
    pub database_url: Option<String>,
    /// Its password, where the URL names none.
    pub database_password: Option<String>,
    /// A real Redis in place of the embedded one.
    pub redis_url: Option<String>,
    /// Where alerts are brought; none: they stand in the log only.
    pub alert_url: Option<String>,
    /// MCP servers besides the town, as the variable has them.
    pub mcp_servers: Option<String>,
    /// Another issuer of users' tokens in place of the platform's own: where its keys are.
    pub jwks_url: Option<String>,
    /// What is said of issuers, as the variable has it.
    pub issuers: Option<String>,
    /// What who sends no token may do, where the platform listens on loopback.
    pub anonymous_role: Role,
    pub time_budget: Option<Millis>,
    pub kill: Option<Millis>,
    /// The rules of circuit breakers, or `off`.
    pub breakers: Option<String>,
    pub user_concurrency: Option<u32>,
    /// Who may come how often, as the functions read it.
    pub limits: Option<String>,
    /// Who is told of traces, whatever the environment says: what stands before `/v1/traces`, or nobody where it is empty.
    pub collector: Option<String>,
    /// Leaves out the time in which nothing would happen.
    pub skip_time: bool,
    /// What tools in Wasm may have.
    pub tools: ToolLimits,
}

/// A platform that runs.
pub struct Platform {
    pub url: String,
    pub secrets: Secrets,
    /// Of development tokens.
    pub issuer: Issuer,
    pub postgres: Postgres,
    pub functions: Functions,
    pub delivery: Arc<Delivery>,
    qstash: QStash,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
    /// Held until the end.
    _data_dir: DataDir,
}

/// Where the parts are reached, under our own address.
const NEON: &str = "/emulators/neon";
const REDIS: &str = "/emulators/redis";
const QSTASH: &str = "/emulators/qstash";
const LLM: &str = "/emulators/llm";
const ABLY: &str = "/emulators/ably";
const MCP: &str = "/emulators/mcp";
const OTLP: &str = "/emulators/otlp";
pub const ISSUER: &str = "/emulators/issuer";
pub const TOWN_MCP: &str = "/demo/mcp";

impl Platform {
    /// Brings everything up. When this answers, requests are served and the queue delivers.
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        // First of all, so that a broken manifest, or a taken port or folder, changes nothing.
        let manifest = Manifest::read(&options.manifest)?;
        let listener = serve::listen(options.bind, options.port).await?;
        let data_dir = DataDir::take(&options.data_dir, options.fresh)?;
        let port = listener.local_addr()?.port();
        let loopback = options.bind.is_loopback();
        let url = clients::url_of(SocketAddr::new(options.bind, port));
        let own = own_authorities(options.bind, port);
        let secrets = Secrets::load(data_dir.path())?;

        let (postgres, redis) = {
            let database = database(options.database_url.as_deref(), options.database_password.as_deref(), &data_dir);
            tokio::try_join!(database, coordination(options.redis_url.as_deref(), &data_dir))?
        };
        prepare(&postgres).await?;

        let clock = Clock::real();
        let delivery = Delivery::new(own.clone())?;
        let queue = qstash::Options {
            data_dir: Some(data_dir.path().join("qstash")),
            token: secrets.qstash_token.clone(),
            current_key: secrets.qstash_current_key.clone(),
            next_key: secrets.qstash_next_key.clone(),
            clock: clock.clone(),
            clock_is_shared: true,
            skip_time: options.skip_time,
            ..qstash::Options::default()
        };
        let qstash = QStash::open(queue, delivery.clone()).map_err(|error| anyhow::anyhow!("the queue: {error}"))?;

        let telemetry = telemetry(&data_dir)?;
        let mut model = model(clock.clone());
        let mut ably = ably::Options::default();
        if !loopback {
            // What is published is no key where strangers come by.
            model.key = secrets.key_of("llm");
            ably.key = format!("appid.keyid:{}", secrets.key_of("ably"));
        }
        let issuer = secrets.issuer(&format!("{url}{ISSUER}"));
        let told = [
            clients::postgres(&format!("{url}{NEON}"), &postgres),
            clients::redis(&format!("{url}{REDIS}"), &secrets.redis_token),
            clients::qstash(
                &format!("{url}{QSTASH}"),
                &secrets.qstash_token,
                &secrets.qstash_current_key,
                &secrets.qstash_next_key,
            ),
            clients::llm(&format!("{url}{LLM}"), &model.key),
            clients::ably(&format!("{url}{ABLY}"), &ably.key),
            clients::mcp(format!("{url}{MCP}")),
            vec![("MCP_SERVERS", mcp_servers(options, &url)?)],
            tool_secrets(),
            clients::otlp(&format!("{url}{OTLP}")),
            clients::issuer(&issuer.url),
            clients::town(&url),
        ]
        .concat();
        write_for_owner(&data_dir.path().join(CLIENTS), &clients::script(&told))?;

        let overrides = variables(options, &url, &secrets, &issuer, postgres.connection_string(), &ably.key, loopback)?;
        let functions = Functions::load(HostOptions {
            inside: overrides.get("subscriptions_inside").is_some_and(|inside| inside == "true"),
            overrides,
            cache_dir: compiled::beside(&manifest).unwrap_or_else(|| data_dir.path().join(COMPILED)),
            manifest,
            own_authorities: own,
            limits: Limits::default(),
            time_variable: Some("kill_ms"),
            clock,
        })
        .await?;

        let town = town(&postgres);
        let router = Router::new()
            .merge(functions.router())
            .merge(tools(&data_dir, &postgres, &town, &options.tools)?)
            .merge(town)
            .nest(NEON, in_front_of(postgres.router(), Words::Neon, Door::Open))
            .nest(REDIS, in_front_of(redis.router(&secrets.redis_token), Words::Upstash, Door::Open))
            .nest(QSTASH, in_front_of(qstash.router(), Words::Upstash, Door::Open))
            .nest(LLM, in_front_of(Model::new(model).router(), Words::OpenAi, Door::Open))
            .nest(ABLY, in_front_of(Ably::new(ably).router(), Words::Ably, Door::Open))
            .nest(MCP, in_front_of(Mcp::new(mcp::TestTools).router(), Words::JsonRpc, Door::Open))
            .nest(ISSUER, in_front_of(issuer.router(), Words::Status, Door::Open))
            .nest(OTLP, in_front_of(telemetry.router(), Words::Status, Door::Open))
            .fallback(unknown_route);
        functions.set_local(router.clone());
        delivery.set_local(router.clone());

        let outer = if loopback {
            router.layer(middleware::from_fn(serve::only_by_local_names))
        } else {
            let issuer = Arc::new(issuer.clone());
            router.layer(middleware::from_fn(move |request, next| only_with_token(Arc::clone(&issuer), request, next)))
        };
        let outer = outer.layer(middleware::from_fn(drained::to_the_end));
        let (stop, mut stopped) = watch::channel(false);
        let server = tokio::spawn(async move {
            let outer = outer.into_make_service_with_connect_info::<serve::Peer>();
            let serve = axum::serve(NoDelay(listener), outer).with_graceful_shutdown(async move {
                let _ = stopped.changed().await;
            });
            if let Err(error) = serve.await {
                tracing::error!("the server stopped: {error}");
            }
        });
        qstash.start();
        let platform =
            Self { url, secrets, issuer, postgres, functions, delivery, qstash, stop, server, _data_dir: data_dir };
        platform.schedule_sweeper().await?;
        Ok(platform)
    }

    /// The sweeper is a schedule of the queue with a fixed id; it runs once now, for what the last
    /// stop left behind.
    async fn schedule_sweeper(&self) -> anyhow::Result<()> {
        let address = format!("{}/api/execute/sweep", self.url);
        let client = reqwest::Client::new();
        let post = |path: String| {
            client.post(format!("{}{QSTASH}/v2/{path}", self.url)).bearer_auth(&self.secrets.qstash_token)
        };
        let schedule = post(format!("schedules/{address}"))
            .header("upstash-cron", "* * * * *")
            .header("upstash-schedule-id", "makegood-sweeper")
            .header("upstash-retries", "0");
        let now =
            post(format!("publish/{address}")).header("upstash-retries", "2").header("upstash-retry-delay", "1000");
        for request in [schedule, now] {
            request.send().await?.error_for_status().context("the queue did not take the sweeper's schedule")?;
        }
        Ok(())
    }

    /// Ends in order: no new requests, no new deliveries, then the database.
    pub async fn stop(self) {
        self.qstash.stop().await;
        let _ = self.stop.send(true);
        // Streams to readers who stay may keep the server up; they are cut off.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(3), self.server).await;
        self.postgres.close().await;
    }
}

/// The database at `url`, with `password` where the url names none; or the embedded one in the folder: also where the
/// url is that of an embedded one, which `clients.env` may have put into the environment.
pub async fn database(url: Option<&str>, password: Option<&str>, data_dir: &DataDir) -> anyhow::Result<Postgres> {
    match url.filter(|url| !makegood_postgres::is_embedded(url)) {
        Some(url) => {
            let url = makegood_postgres::with_password(url, password.unwrap_or_default()).context("DATABASE_URL")?;
            Postgres::connect(&url).await.context("DATABASE_URL")
        }
        None => Ok(Postgres::embedded(&data_dir.path().join("postgres")).await?),
    }
}

/// The Redis at `url`, or the embedded one in the folder.
pub async fn coordination(url: Option<&str>, data_dir: &DataDir) -> anyhow::Result<Redis> {
    match url {
        Some(url) => Redis::connect(url).await.map_err(|error| anyhow::anyhow!("REDIS_URL: {error}")),
        None => {
            let redis = Redis::open(&data_dir.path().join("redis"));
            redis.map_err(|error| anyhow::anyhow!("the embedded Redis: {error}"))
        }
    }
}

/// The receiver of traces and logs.
pub fn telemetry(data_dir: &DataDir) -> anyhow::Result<Otlp> {
    let settings = otlp::Options { data_dir: Some(data_dir.path().join("otlp")), ..otlp::Options::default() };
    Otlp::open(settings).map_err(|error| anyhow::anyhow!("the receiver of traces: {error}"))
}

/// The model: the offline planner, by `clock`.
pub fn model(clock: Clock) -> llm::Options {
    llm::Options { planner: Some(Arc::new(llm::OfflinePlanner { clock })), ..llm::Options::default() }
}

/// The demo town, over HTTP and over MCP.
pub fn town(postgres: &Postgres) -> Router {
    let town = makegood_town::router(postgres.clone());
    let tools = Mcp::new(TownTools::new(town.clone()));
    Router::new().nest(TOWN_MCP, tools.router()).merge(town)
}

/// The tools: those in Wasm, and the town's.
fn tools(data_dir: &DataDir, postgres: &Postgres, town: &Router, limits: &ToolLimits) -> anyhow::Result<Router> {
    let shelf = Shelf::new(data_dir.path().join(TOOLS));
    let host = ToolHost::new(shelf, data_dir.path().join(COMPILED), postgres.clone(), limits.clone())?;
    Ok(host.router(Others { router: town.clone(), base: "/demo/tools" }))
}

/// Migrations, then the demo tools.
async fn prepare(postgres: &Postgres) -> anyhow::Result<()> {
    let ours = store::MIGRATIONS.iter().chain(makegood_town::MIGRATIONS).chain(tool_host::MIGRATIONS);
    postgres.migrate(&ours.copied().collect::<Vec<(&str, &str)>>()).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Millis(u64::try_from(now.as_millis())?);
    for definition in makegood_town::definitions() {
        let definition: Definition = serde_json::from_value(definition)?;
        let statement = store::register(&definition, now);
        let params: Vec<Option<&str>> = statement.params.iter().map(Option::as_deref).collect();
        let rows = postgres.query(statement.sql, &params).await?;
        if rows.rows.first().and_then(|row| row.first()).and_then(Option::as_deref) != Some("t") {
            bail!(
                "The tool `{}` {} is registered with another definition. Give the changed one a new version, \
                 or start with --fresh.",
                definition.name,
                definition.version
            );
        }
    }
    Ok(())
}

fn variables(
    options: &Options,
    url: &str,
    secrets: &Secrets,
    issuer: &Issuer,
    connection: &str,
    ably_key: &str,
    loopback: bool,
) -> anyhow::Result<BTreeMap<String, String>> {
    let jwks_url = options.jwks_url.clone().unwrap_or_else(|| issuer.jwks_url());
    let issuers = options.issuers.as_deref().unwrap_or_default();
    // Read first, so that what is wrong is said by whoever started it, and not by the first request.
    jwt::issuers(&jwks_url, issuers).map_err(|error| anyhow::anyhow!("--issuers: {error}"))?;
    let mut variables: BTreeMap<String, String> = [
        ("database_host", url.to_owned()),
        ("redis_host", url.to_owned()),
        ("qstash_host", url.to_owned()),
        ("tools_host", url.to_owned()),
        ("database_http_url", format!("{url}{NEON}/sql")),
        ("database_url", connection.to_owned()),
        ("redis_rest_url", format!("{url}{REDIS}")),
        ("redis_rest_token", secrets.redis_token.clone()),
        ("qstash_url", format!("{url}{QSTASH}")),
        ("qstash_token", secrets.qstash_token.clone()),
        ("qstash_current_signing_key", secrets.qstash_current_key.clone()),
        ("qstash_next_signing_key", secrets.qstash_next_key.clone()),
        ("public_url", url.to_owned()),
        ("tools_url", format!("{url}{}", tool_host::BASE)),
        ("mcp_servers", mcp_servers(options, url)?),
        ("webhook_sources", with_demo(&std::env::var("SPIN_VARIABLE_WEBHOOK_SOURCES").unwrap_or_default(), secrets)?),
        ("jwks_url", jwks_url.clone()),
        ("jwks_host", origin(&jwks_url)),
        ("issuers", options.issuers.clone().unwrap_or_default()),
        // Whoever reaches the loopback address is on this machine, and could make any token.
        ("allow_anonymous", loopback.to_string()),
        ("anonymous_role", options.anonymous_role.as_str().to_owned()),
        ("region", options.region.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let given = |name: &str| std::env::var(name).unwrap_or_default();
    if given("SPIN_VARIABLE_SUBSCRIPTION_KEY").is_empty() {
        variables.insert("subscription_key".to_owned(), secrets.key_of("subscriptions"));
    }
    // Whoever reaches the loopback address may have this machine called as well.
    let inside = loopback && given("SPIN_VARIABLE_SUBSCRIPTIONS_INSIDE") != "false";
    variables.insert("subscriptions_inside".to_owned(), inside.to_string());
    if inside {
        variables.insert(SUBSCRIBER_HOSTS.to_owned(), "*://*:*".to_owned());
    }
    // Where the environment names none, it is our own.
    if given("SPIN_VARIABLE_ABLY_URL").is_empty() {
        let own =
            [("ably_host", url.to_owned()), ("ably_url", format!("{url}{ABLY}")), ("ably_key", ably_key.to_owned())];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
    }
    if let Some(collector) = &options.collector {
        let host = if collector.is_empty() { url } else { collector };
        let told = [
            ("trace_export", (!collector.is_empty()).to_string()),
            ("otlp_endpoint", collector.clone()),
            ("otlp_host", origin(host)),
        ];
        variables.extend(told.map(|(name, value)| (name.to_owned(), value)));
    } else if given("SPIN_VARIABLE_TRACE_EXPORT") == "true" && given("SPIN_VARIABLE_OTLP_ENDPOINT").is_empty() {
        let own = [("otlp_host", url.to_owned()), ("otlp_endpoint", format!("{url}{OTLP}"))];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
        if given("SPIN_VARIABLE_TEMPO_URL").is_empty() {
            let own = [("tempo_host", url.to_owned()), ("tempo_url", format!("{url}{OTLP}"))];
            variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
        }
    }
    variables.extend(options.alert_url.iter().map(|url| ("alert_url".to_owned(), url.clone())));
    let millis = [("time_budget_ms", options.time_budget), ("kill_ms", options.kill)];
    variables.extend(millis.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.0.to_string()))));
    // Whoever is here may fire at will, through the same door; production is as strict as the code.
    variables.insert("limits".to_owned(), options.limits.clone().unwrap_or_else(generous));
    variables.extend(options.breakers.iter().map(|rules| ("breakers".to_owned(), rules.clone())));
    variables.extend(options.user_concurrency.map(|most| ("user_concurrency".to_owned(), most.to_string())));
    Ok(variables)
}

/// The scheme, host and port of an address.
fn origin(url: &str) -> String {
    let parsed = url.parse::<http::Uri>().ok();
    let parts = parsed.as_ref().and_then(|url| Some((url.scheme_str()?, url.authority()?)));
    parts.map_or_else(|| url.to_owned(), |(scheme, authority)| format!("{scheme}://{authority}"))
}

/// The limits on a machine of one's own: the same for every kind of request.
fn generous() -> String {
    let each = serde_json::json!({"rate": 1_000_000, "per_s": 60, "burst": 100_000});
    let all = Class::ALL.map(|class| (class.name().to_owned(), each.clone()));
    serde_json::Value::Object(all.into_iter().collect()).to_string()
}

/// What lets calls of tools in, where that is given: whoever adds a tool is told of what it names and is not there.
fn tool_secrets() -> Vec<(&'static str, String)> {
    let given = std::env::var("SPIN_VARIABLE_TOOL_SECRETS").ok();
    given.filter(|secrets| !secrets.is_empty()).map(|secrets| ("TOOL_SECRETS", secrets)).into_iter().collect()
}

/// The town, and those that are given.
fn mcp_servers(options: &Options, url: &str) -> anyhow::Result<String> {
    let given = options.mcp_servers.as_deref().unwrap_or_default();
    // Read first, so that what is wrong is said by whoever started it, and not by the first call.
    makegood_gateway::mcp::servers(given).map_err(|error| anyhow::anyhow!("--mcp-servers: {error}"))?;
    let mut servers = serde_json::Map::new();
    servers.insert("town".to_owned(), serde_json::json!({ "url": format!("{url}{TOWN_MCP}") }));
    if !given.trim().is_empty() {
        servers.extend(serde_json::from_str::<serde_json::Map<_, _>>(given)?);
    }
    Ok(serde_json::Value::Object(servers).to_string())
}

fn own_authorities(bind: IpAddr, port: u16) -> Vec<String> {
    let bound = SocketAddr::new(bind, port).to_string();
    let mut own = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
    if !own.contains(&bound) {
        own.push(bound);
    }
    own
}

/// Beyond loopback the town, the tools, the MCP server, the receiver of traces and the faults are not open to everybody.
/// The rest have doors of their own.
async fn only_with_token(issuer: Arc<Issuer>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let emulator = path.strip_prefix("/emulators/").and_then(|rest| rest.split_once('/'));
    let faults = emulator.is_some_and(|(_, rest)| rest.starts_with("_emulator"));
    if !["/demo", tool_host::BASE, MCP, OTLP].iter().any(|closed| path.starts_with(closed)) && !faults {
        return next.run(request).await;
    }
    let given = request.headers().get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|text| text.strip_prefix("Bearer "));
    if token.is_some_and(|token| is_of(&issuer, token)) {
        return next.run(request).await;
    }
    problem(401, "unauthenticated", "Send `Authorization: Bearer <token>`; `makegood token --user NAME` prints one.")
}

/// Whether a token is this issuer's, and good now.
fn is_of(issuer: &Issuer, token: &str) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    let trusted = jwt::issuers(&issuer.jwks_url(), "").unwrap_or_default();
    let keys = Jwks::read(issuer.jwks().to_string().as_bytes()).unwrap_or_default();
    Token::parse(token).is_ok_and(|token| trusted.iter().any(|one| one.verify(&token, &keys, now).is_ok()))
}

async fn unknown_route() -> Response {
    problem(404, "not_found", "There is no such address. See the README for those there are.")
}
