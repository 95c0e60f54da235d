//! `makegood webhooks`: says what sources there are, shows what was delivered, and delivers something as a source's
//! sender would sign it.

mod arguments;
mod demo;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use makegood_core::time::Millis;
use makegood_gateway::deliveries::Line;
use makegood_gateway::form;
use makegood_gateway::webhook::sources::{Source, Sources, read};
use makegood_gateway::webhook::{Scheme, sign};
use serde::Deserialize;

use crate::cli::Place;
use crate::configuration::Configuration;
use crate::secrets::Secrets;

pub use arguments::{ListDeliveries, SendDelivery, Webhooks, WebhooksVerb};
pub use demo::{DEMO, with_demo};

/// Does what is asked.
pub async fn run(options: &Webhooks) -> anyhow::Result<()> {
    match &options.verb {
        WebhooksVerb::Check => {
            print!("{}", told(&sources(options)?));
            Ok(())
        }
        WebhooksVerb::List(asked) => list(asked).await,
        WebhooksVerb::Send(delivery) => send(options, delivery).await,
    }
}

/// Those that the configuration has, and on this machine's own platform the one for trying out.
fn sources(options: &Webhooks) -> anyhow::Result<Sources> {
    let configuration = Configuration::read(&options.source, |name| std::env::var(name).ok())?;
    let given = configuration.get("webhook_sources");
    let place = Place { manifest: options.source.manifest.clone(), data_dir: options.data_dir.clone() };
    let data_dir = place.data_dir(&place.manifest()?);
    let is_local = options.source.env.is_empty() && options.source.environment.is_none();
    let all =
        if is_local && is_made(&data_dir) { with_demo(given, &Secrets::load(&data_dir)?)? } else { given.to_owned() };
    read(&all).map_err(|why| anyhow::anyhow!("webhook_sources: {why}. docs/WEBHOOKS.md shows one."))
}

/// Nothing is made by looking.
fn is_made(data_dir: &Path) -> bool {
    data_dir.join("secrets.json").is_file()
}

fn told(sources: &Sources) -> String {
    if sources.is_empty() {
        return "There are no sources. docs/WEBHOOKS.md shows how to name one in webhook_sources.\n".to_owned();
    }
    let mut told = String::new();
    for (name, source) in sources {
        let Source { trust, owner, rules, .. } = source;
        let secrets = trust.secrets.len();
        let s = if secrets == 1 { "" } else { "s" };
        // Writing to memory does not fail.
        _ = writeln!(told, "{name}: {}, {secrets} secret{s}, for {owner}", trust.scheme.as_str());
        for rule in rules {
            _ = writeln!(told, "  rule {}", rule.name);
        }
        if rules.is_empty() {
            _ = writeln!(told, "  no rules: what it brings is kept, and that is all");
        }
    }
    told
}

#[derive(Deserialize)]
struct Listing {
    deliveries: Vec<Line>,
}

async fn list(asked: &ListDeliveries) -> anyhow::Result<()> {
    let answer =
        asked.answers.asking.installation()?.get(&format!("/api/debug/webhooks?limit={}", asked.limit)).await?;
    if asked.answers.json {
        println!("{}", answer.0);
        return Ok(());
    }
    let listing: Listing =
        serde_json::from_str(&answer.0).context("the installation says what this build cannot read")?;
    if listing.deliveries.is_empty() {
        println!("Nothing was delivered for you.");
    }
    for line in listing.deliveries {
        let Line { source, key, kind, state, rule, saga, why, .. } = line;
        let mut parts = vec![format!("{:8} {source} {key}", state.as_str())];
        parts.extend(kind);
        parts.extend(rule.map(|rule| format!("rule {rule}")));
        parts.extend(saga.map(|saga| saga.to_string()));
        parts.extend(why);
        // What strangers send is not to move the cursor.
        println!("{}", parts.join(", ").replace(char::is_control, " "));
    }
    Ok(())
}

async fn send(options: &Webhooks, asked: &SendDelivery) -> anyhow::Result<()> {
    let sources = sources(options)?;
    let Some(source) = sources.get(&asked.source) else {
        let names: Vec<&str> = sources.keys().map(String::as_str).collect();
        bail!("There is no source `{}`. There are: {}.", asked.source, names.join(", "));
    };
    let body = std::fs::read(&asked.body).with_context(|| format!("cannot read {}", asked.body.display()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Millis(u64::try_from(now.as_millis())?);
    let url = format!("{}/api/webhook/{}", asked.url.trim_end_matches('/'), asked.source);
    let id = asked.id.clone().unwrap_or_else(|| format!("msg_{}", now.0));
    let signed = sign(&source.trust, &url, (&id, &asked.kind), &body, now).map_err(|why| anyhow::anyhow!("{why}."))?;
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
    let is_form =
        !is_json && form::read(&body).is_some() && matches!(source.trust.scheme, Scheme::Twilio | Scheme::Slack);
    let kind = if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut request = client.post(&url).header("content-type", kind).body(body);
    for (name, value) in signed {
        request = request.header(name, value);
    }
    let response = request.send().await.with_context(|| format!("{url} does not answer"))?;
    let status = response.status();
    println!("{status} {}", response.text().await?);
    ensure!(status.is_success(), "{url} did not take it.");
    Ok(())
}
