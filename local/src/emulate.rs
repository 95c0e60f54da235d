//! `makegood emulate`: one service alone, at an address of its own. It is what a container runs, and what the
//! tests of the official clients speak to.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context;
use axum::{Router, middleware};
use clap::{Args, ValueEnum};
use makegood_cloud::faults::{Door, Words, in_front_of};
use makegood_cloud::{Ably, Clock, Mcp, Model, QStash, Redis, ably, mcp, qstash};
use makegood_postgres::Postgres;

use crate::cli::given;
use crate::clients::{self, Variables};
use crate::data_dir::{DataDir, EMULATE};
use crate::delivery::Delivery;
use crate::drained;
use crate::platform;
use crate::serve;
use crate::up::wait_for_the_end;

/// The token of the embedded Redis, and of a real one behind it.
const REDIS_TOKEN: &str = "example_token";
/// The token that changes nothing.
const REDIS_READ_ONLY_TOKEN: &str = "example_read_only_token";

#[derive(Clone, Debug, Args)]
pub struct Emulate {
    /// The service
    #[arg(value_enum, value_name = "SERVICE")]
    pub service: Service,
    /// The port to listen on; 0 takes any free one [default: the service's own]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Where data lies [default: `data/emulate/<service>` here]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Of `postgres` and `town`: a real PostgreSQL behind the same front
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Its password as it is, where the URL names none
    #[arg(long, env = "PGPASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub database_password: Option<String>,
    /// Of `redis`: a real Redis or Valkey behind the same front
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Beyond loopback, what is needed to set faults; without it nobody can
    #[arg(long, env = "MAKEGOOD_FAULTS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub faults_token: Option<String>,
    /// Of `qstash`: leave out the time in which nothing would happen, so that a wait of a month ends at once
    #[arg(long)]
    pub skip_time: bool,
    /// Of `redis`: forget everything at the end, as a flush would, and take no real Redis
    #[arg(long)]
    pub in_memory: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Upstash Redis over REST
    Redis,
    /// Neon's SQL over HTTP
    Postgres,
    /// QStash
    Qstash,
    /// A server of the Model Context Protocol with tools to test clients with
    Mcp,
    /// An OpenAI-compatible model
    Llm,
    /// Ably over REST and server-sent events
    Ably,
    /// The demo town, for whoever calls it over HTTP or MCP
    Town,
    /// A receiver of OpenTelemetry over HTTP, whose traces are read as from Tempo
    Otlp,
}

impl Service {
    /// As it stands on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Postgres => "postgres",
            Self::Qstash => "qstash",
            Self::Mcp => "mcp",
            Self::Llm => "llm",
            Self::Ably => "ably",
            Self::Town => "town",
            Self::Otlp => "otlp",
        }
    }

    /// Whether it has anything to keep in a folder.
    #[must_use]
    pub const fn keeps(self) -> bool {
        matches!(self, Self::Redis | Self::Postgres | Self::Qstash | Self::Town | Self::Otlp)
    }

    /// Where clients look for it when nobody tells them, or where others of its kind listen.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Redis => 8079,
            Self::Postgres => 4444,
            Self::Qstash => 8080,
            Self::Mcp => 8083,
            Self::Llm => 8082,
            Self::Ably => 8081,
            Self::Town => 8084,
            Self::Otlp => 4318,
        }
    }
}

/// A service that is open, with what holds it.
struct Open {
    router: Router,
    /// What a client needs to know, as variables of its environment.
    variables: Variables,
    queue: Option<QStash>,
    postgres: Option<Postgres>,
}

impl Open {
    const fn new(router: Router, variables: Variables) -> Self {
        Self { router, variables, queue: None, postgres: None }
    }
}

/// Serves until Ctrl-C, and prints first what a client needs, a variable a line.
pub async fn run(options: &Emulate) -> anyhow::Result<()> {
    let service = options.service;
    anyhow::ensure!(
        !options.skip_time || service == Service::Qstash,
        "--skip-time is of qstash: nothing waits in {}",
        service.name()
    );
    let listener = serve::listen(options.bind, options.port.unwrap_or_else(|| service.port())).await?;
    let address = listener.local_addr()?;
    let folder = options.data_dir.clone().unwrap_or_else(|| Path::new("data").join(EMULATE).join(service.name()));
    let data_dir = DataDir::take(&folder, false)?;
    let open = open(options, &data_dir, address).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = match address.ip().is_loopback() {
        true => open.router.clone().layer(middleware::from_fn(serve::only_by_local_names)),
        false => open.router.clone(),
    };
    let router = router.layer(middleware::from_fn(drained::to_the_end));
    let server = tokio::spawn(async move {
        axum::serve(serve::NoDelay(listener), router)
            .with_graceful_shutdown(async move {
                let _ = stopped.await;
            })
            .await
    });
    if let Some(queue) = &open.queue {
        queue.start();
    }
    // Whoever reads them knows by the empty line that they are all.
    let variables = format!("{}\n", clients::lines(&open.variables));
    std::io::stdout().write_all(variables.as_bytes()).context("what a client needs to know cannot be printed")?;
    let keeps = if service.keeps() && !options.in_memory {
        format!(", with its data in {}", folder.display())
    } else {
        String::new()
    };
    eprintln!("The {} emulator is up{keeps}. Ctrl-C ends it.", service.name());
    wait_for_the_end().await?;
    let _ = stop.send(());
    if let Some(queue) = &open.queue {
        queue.stop().await;
    }
    // Streams to readers who stay may keep the server up; they are cut off.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(3), server).await;
    if let Some(postgres) = &open.postgres {
        postgres.close().await;
    }
    Ok(())
}

impl Emulate {
    async fn database(&self, data_dir: &DataDir) -> anyhow::Result<Postgres> {
        platform::database(given(self.database_url.as_ref()), given(self.database_password.as_ref()), data_dir).await
    }
}

async fn open(options: &Emulate, data_dir: &DataDir, address: SocketAddr) -> anyhow::Result<Open> {
    let url = clients::url_of(address);
    let door = match &options.faults_token {
        Some(token) => Door::Token(token.clone()),
        None if address.ip().is_loopback() => Door::Open,
        None => Door::Closed,
    };
    match options.service {
        Service::Redis => {
            let redis = match options.in_memory {
                true => Redis::embedded(),
                false => platform::coordination(given(options.redis_url.as_ref()), data_dir).await?,
            };
            let mut variables = clients::redis(&url, REDIS_TOKEN);
            variables.push(("UPSTASH_REDIS_REST_READONLY_TOKEN", REDIS_READ_ONLY_TOKEN.to_owned()));
            let router = redis.router_with_reader(REDIS_TOKEN, REDIS_READ_ONLY_TOKEN);
            Ok(Open::new(in_front_of(router, Words::Upstash, door), variables))
        }
        Service::Postgres => {
            let postgres = options.database(data_dir).await?;
            let router = in_front_of(postgres.router(), Words::Neon, door);
            let open = Open::new(router, clients::postgres(&url, &postgres));
            Ok(Open { postgres: Some(postgres), ..open })
        }
        Service::Town => {
            let postgres = options.database(data_dir).await?;
            postgres.migrate(makegood_town::MIGRATIONS).await?;
            let open = Open::new(platform::town(&postgres), clients::town(&url));
            Ok(Open { postgres: Some(postgres), ..open })
        }
        Service::Mcp => {
            let router = Router::new().nest("/mcp", Mcp::new(mcp::TestTools).router());
            Ok(Open::new(in_front_of(router, Words::JsonRpc, door), clients::mcp(format!("{url}/mcp"))))
        }
        Service::Qstash => {
            let settings = qstash::Options {
                data_dir: Some(data_dir.path().join("qstash")),
                skip_time: options.skip_time,
                ..qstash::Options::default()
            };
            let variables = clients::qstash(&url, &settings.token, &settings.current_key, &settings.next_key);
            let delivery = Delivery::new(Vec::new())?;
            let queue = QStash::open(settings, delivery).map_err(|error| anyhow::anyhow!("the queue: {error}"))?;
            let open = Open::new(in_front_of(queue.router(), Words::Upstash, door), variables);
            Ok(Open { queue: Some(queue), ..open })
        }
        Service::Llm => {
            let settings = platform::model(Clock::real());
            let variables = clients::llm(&url, &settings.key);
            Ok(Open::new(in_front_of(Model::new(settings).router(), Words::OpenAi, door), variables))
        }
        Service::Ably => {
            let settings = ably::Options::default();
            let variables = clients::ably(&url, &settings.key);
            Ok(Open::new(in_front_of(Ably::new(settings).router(), Words::Ably, door), variables))
        }
        Service::Otlp => {
            let receiver = platform::telemetry(data_dir)?;
            Ok(Open::new(in_front_of(receiver.router(), Words::Status, door), clients::otlp(&url)))
        }
    }
}
