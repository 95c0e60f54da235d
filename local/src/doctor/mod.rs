//! `makegood doctor`: asks the services of a deployment whether its configuration is good, and says in plain words
//! what is wrong and what to do next. It changes nothing, and never prints a value that is a secret.
//!
//! What manifests and code say to each other is `makegood deploy --check`'s.

mod database;
mod queue;
mod reach;
mod redis;
mod shape;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use makegood_core::time::Millis;
use makegood_edge::native::Native;
use makegood_edge::{FetchError, Host};
use makegood_gateway::{Request, Response};

use crate::cli::Doctor;
use crate::configuration::Configuration;

/// Longer than this, and a service is not well.
const PATIENCE: Millis = Millis(10_000);

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
    let findings = examine(&configuration, Millis(u64::try_from(now.as_millis())?)).await;
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
    findings.extend(reach::check(&services).await);
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
}

/// Whether an address is one that only this machine reaches.
fn is_loopback(url: &str) -> bool {
    let host = url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned)).unwrap_or_default();
    let bare = host.trim_matches(['[', ']']);
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
