//! `makegood doctor`: asks the services of a deployment whether its configuration is good, and says in plain words
//! what is wrong and what to do next. It changes nothing but a key of its own in Redis, which it takes away again, and
//! never prints a value that is a secret.
//!
//! What manifests and code say to each other is `makegood deploy --check`'s.

mod database;
mod issuers;
mod models;
mod public;
mod queue;
mod reach;
mod redis;
mod servers;
mod shape;
mod workers;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use clap::Args;
use http::Method;
use makegood_core::time::Millis;
use makegood_edge::native::Native;
use makegood_edge::{FetchError, Host};
use makegood_gateway::{Request, Response};

use crate::configuration::{Configuration, Source, Workers};

/// Longer than this, and a service is not well.
const PATIENCE: Millis = Millis(10_000);

#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    pub source: Source,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub about: &'static str,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Well(String),
    /// It works, and somebody should look at it.
    Note {
        what: String,
        remedy: String,
    },
    Wrong {
        what: String,
        remedy: String,
    },
}

impl Finding {
    fn well(about: &'static str, what: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Well(what.into()) }
    }

    fn note(about: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Note { what: what.into(), remedy: remedy.into() } }
    }

    fn wrong(about: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { about, verdict: Verdict::Wrong { what: what.into(), remedy: remedy.into() } }
    }

    #[must_use]
    pub fn is_wrong(&self) -> bool {
        matches!(self.verdict, Verdict::Wrong { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Well(what) => write!(f, "ok     {}: {what}", self.about),
            Verdict::Note { what, remedy } => write!(f, "note   {}: {what}\n       {remedy}", self.about),
            Verdict::Wrong { what, remedy } => write!(f, "WRONG  {}: {what}\n       {remedy}", self.about),
        }
    }
}

/// Prints what is found. An error where something is wrong.
pub async fn run(options: &Doctor) -> anyhow::Result<()> {
    let configuration = Configuration::read(&options.source, |name| std::env::var(name).ok())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let workers = Workers::read(&options.source)?;
    let mut findings = workers.as_ref().map(workers::check).unwrap_or_default();
    findings.extend(examine(&configuration, Millis(u64::try_from(now.as_millis())?)).await);
    for finding in &findings {
        println!("{finding}");
    }
    let wrong = findings.iter().filter(|finding| finding.is_wrong()).count();
    ensure!(wrong == 0, "{wrong} of {} things are wrong; what to do about each is above.", findings.len());
    Ok(())
}

/// Looks at everything; `now` is this machine's time.
pub async fn examine(configuration: &Configuration, now: Millis) -> Vec<Finding> {
    let services = Services { host: Native::new(BTreeMap::new()), configuration, now };
    let mut findings = shape::check(configuration);
    findings.extend(database::check(&services).await);
    findings.extend(redis::check(&services).await);
    findings.extend(queue::check(&services).await);
    findings.extend(public::check(&services).await);
    findings.extend(reach::check(&services).await);
    findings.extend(issuers::check(&services).await);
    findings.extend(models::check(&services).await);
    findings.extend(servers::check(&services).await);
    findings
}

/// What the checks ask with.
struct Services<'a> {
    host: Native,
    configuration: &'a Configuration,
    now: Millis,
}

impl Services<'_> {
    fn get(&self, name: &str) -> &str {
        self.configuration.get(name)
    }

    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        self.host.fetch(request, PATIENCE).await
    }

    /// `token` is sent as a bearer's, where there is one. An error says in words what became of it.
    async fn get_at(&self, url: &str, token: &str) -> Result<Response, String> {
        let mut request = http::Request::builder().method(Method::GET).uri(url);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(bytes::Bytes::new());
        let request = request.map_err(|_| "it is not an address, or its token is none".to_owned())?;
        self.fetch(request).await.map_err(|error| error.to_string())
    }
}
