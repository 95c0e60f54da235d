//! The hosts, and how each is started.

use std::sync::Arc;
use std::time::Duration;

use makegood_endpoints::platform::{Platform, answer};
use makegood_endpoints::{hooks, poll, queue, services};

use crate::case::Pace;
use crate::process::{self, Process};
use crate::site::Site;

/// wrangler compiles, bundles and starts six Workers.
const START: Duration = Duration::from_secs(180);
/// What an invocation has where it is to have hardly any time.
const HURRIED_MS: &str = "1";

/// Another site, whose pages may call.
pub const FRIEND: &str = "https://friend.example";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The local platform, `makegood up`.
    Local,
    /// workerd alone, with the gateway and the five functions.
    Workerd,
    /// The same by `wrangler dev`.
    Wrangler,
    /// `spin up`.
    Spin,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Local, Self::Workerd, Self::Wrangler, Self::Spin];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Workerd => "workerd",
            Self::Wrangler => "wrangler",
            Self::Spin => "spin",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Why it cannot be had here. What was asked for by name is started all the same, and fails.
    pub fn absent(self, asked_for: bool) -> Option<String> {
        match self {
            Self::Local | Self::Workerd => None,
            Self::Wrangler if asked_for || process::wrangler().is_some() => None,
            Self::Wrangler => {
                Some("name it, or set MAKEGOOD_WITH_WRANGLER=1: bash tests/exchanges/run wrangler".to_owned())
            }
            Self::Spin if asked_for || process::spin().is_some() => None,
            Self::Spin => Some("there is no `spin` on the path, and no package registry has one".to_owned()),
        }
    }

    /// Whether it takes so long to start that one start has to do for all cases.
    pub const fn starts_once(self) -> bool {
        matches!(self, Self::Wrangler)
    }
}

/// Starts one with all that stands behind it.
pub async fn start(kind: Kind, pace: Pace) -> Arc<Site> {
    let mut options = hooks::options();
    options.environment.push(("SPIN_VARIABLE_CORS_ORIGINS".to_owned(), FRIEND.to_owned()));
    if kind == Kind::Local && pace == Pace::Hurried {
        options.arguments = vec!["--time-budget-ms".to_owned(), HURRIED_MS.to_owned()];
    }
    beside(kind, pace, Arc::new(Platform::start(options).await)).await
}

/// Starts one before services that are there. The local host is what serves them.
pub async fn beside(kind: Kind, pace: Pace, services: Arc<Platform>) -> Arc<Site> {
    if kind == Kind::Local {
        return Site::new(services.url.clone(), pace, services, None);
    }
    let port = services::port();
    let url = format!("http://127.0.0.1:{port}");
    let settings = settings(&services, &url, pace);
    let process = match kind {
        Kind::Local => None,
        Kind::Workerd => Some(Process::workerd(port, &settings).await),
        Kind::Wrangler => Some(Process::wrangler(port, &settings)),
        Kind::Spin => Some(Process::spin(port, &settings)),
    };
    take_the_sweeper_over(&services, &url).await;
    let site = Site::new(url, pace, services, process);
    let up = poll(START, Duration::from_millis(200), || async {
        let health = site.request("GET", "/api/debug/health").send().await;
        health.is_ok_and(|answer| answer.status() == 200).then_some(())
    });
    if up.await.is_none() {
        panic!("{} does not come up:\n{}", kind.name(), site.complaints());
    }
    site
}

/// What the functions are told, by the names of the manifest's variables in upper case: all of it is
/// behind the services' address, but for the queue's way back.
pub fn settings(services: &Platform, url: &str, pace: Pace) -> Vec<(String, String)> {
    let data = services.data();
    let secrets = std::fs::read_to_string(data.join("secrets.json")).unwrap();
    let secrets: serde_json::Value = serde_json::from_str(&secrets).unwrap();
    let secret = |name: &str| secrets[name].as_str().unwrap().to_owned();
    let clients = std::fs::read_to_string(data.join("clients.env")).unwrap();
    let database = clients.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap();
    let behind = &services.url;
    let mut settings = vec![
        ("DATABASE_HTTP_URL", format!("{behind}/emulators/neon/sql")),
        ("DATABASE_URL", database.trim_matches('\'').to_owned()),
        ("REDIS_REST_URL", format!("{behind}/emulators/redis")),
        ("REDIS_REST_TOKEN", secret("redis_token")),
        ("QSTASH_URL", format!("{behind}/emulators/qstash")),
        ("QSTASH_TOKEN", secret("qstash_token")),
        ("QSTASH_CURRENT_SIGNING_KEY", secret("qstash_current_key")),
        ("QSTASH_NEXT_SIGNING_KEY", secret("qstash_next_key")),
        ("PUBLIC_URL", url.to_owned()),
        ("TOOLS_URL", format!("{behind}/demo/tools")),
        ("JWKS_URL", format!("{behind}/emulators/issuer/.well-known/jwks.json")),
        ("ALLOW_ANONYMOUS", "true".to_owned()),
        ("CORS_ORIGINS", FRIEND.to_owned()),
        ("REGION", "test".to_owned()),
        // Without a quote in it, for those who are given it in a file.
        ("WEBHOOK_SOURCES", hooks::in_base64()),
        ("SUBSCRIPTION_KEY", "what-all-secrets-here-are-made-of".to_owned()),
        // As on the local host: nobody here is told where requests come from, and all are one user's.
        ("LIMITS", generous().to_string()),
    ];
    if pace == Pace::Hurried {
        settings.push(("TIME_BUDGET_MS", HURRIED_MS.to_owned()));
    }
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn generous() -> serde_json::Value {
    let all = serde_json::json!({"rate": 1_000_000, "per_s": 60, "burst": 100_000});
    serde_json::json!({"chat": all, "intent": all, "execute": all, "api": all, "webhook": all, "failed": all})
}

/// The queue's schedule would have the local functions sweep, which would carry on what this host lost.
async fn take_the_sweeper_over(services: &Platform, url: &str) {
    let gone = queue::ask(services, "DELETE", "schedules/makegood-sweeper", &[], "").await;
    assert!(gone.status < 300, "{gone:?}");
    let headers =
        [("upstash-cron", "* * * * *"), ("upstash-schedule-id", "makegood-sweeper"), ("upstash-retries", "0")];
    let set = queue::ask(services, "POST", &format!("schedules/{url}/api/execute/sweep"), &headers, "").await;
    assert!(set.status < 300, "{set:?}");
    let health = answer(services.request("GET", "/api/debug/health")).await;
    assert_eq!(health.status, 200, "{health:?}");
}
