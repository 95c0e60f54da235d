//! `makegood keys`: the API keys of an installation, over the database that it is configured with. Whoever may ask that
//! database may make them: this is an administrator's command.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use makegood_core::guard::role::RESERVED;
use makegood_core::guard::{Role, Scopes, Tier};
use makegood_core::time::Millis;
use makegood_gateway::api_keys::{self, NewKey, Shown};
use makegood_gateway::jwt::LONGEST_SUBJECT;

use crate::configuration::{Configuration, Source};
use crate::remote::Remote;

#[derive(Debug, Args)]
pub struct Keys {
    #[command(flatten)]
    pub source: Source,
    #[command(subcommand)]
    pub verb: KeysVerb,
}

#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Makes a key, and prints it once
    Create(CreateKey),
    /// The keys there are, without their secrets
    List(ListKeys),
    /// Takes a key back for good
    Revoke(RevokeKey),
}

#[derive(Debug, Args)]
pub struct CreateKey {
    /// Whose sagas it starts and sees
    #[arg(long)]
    pub user: String,
    /// What it may do, with commas between: read, start, approve, operate
    #[arg(long, default_value = "read,start")]
    pub scopes: String,
    /// Its role: user, approver, operator, admin
    #[arg(long, default_value = "user", value_parser = role)]
    pub role: Role,
    /// Its tier: free, premium, enterprise
    #[arg(long, default_value = "free", value_parser = tier)]
    pub tier: Tier,
    /// How long it is good: 12h, 30d [default: until it is revoked]
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub ttl: Option<Millis>,
    /// What it is for, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
}

#[derive(Debug, Args)]
pub struct ListKeys {
    /// Of this user only
    #[arg(long)]
    pub user: Option<String>,
    /// Prints all that is known, as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RevokeKey {
    /// What stands in the key after `mk_`
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Does what is asked.
pub async fn run(options: &Keys) -> anyhow::Result<()> {
    let configured = Configuration::read(&options.source, |name| std::env::var(name).ok())?;
    let remote = Remote::new(configured.get("database_http_url"), configured.get("database_url"));
    match &options.verb {
        KeysVerb::Create(new) => create(&remote, new).await,
        KeysVerb::List(wanted) => list(&remote, wanted.user.as_deref(), wanted.json).await,
        KeysVerb::Revoke(one) => revoke(&remote, &one.id).await,
    }
}

/// Whether somebody can be called so, who has a token or a key.
///
/// # Errors
/// Says what a name is.
pub fn check_name(user: &str) -> anyhow::Result<()> {
    let plain = !user.is_empty() && user.len() <= LONGEST_SUBJECT && !user.chars().any(char::is_control);
    ensure!(
        plain && user != "anonymous" && !user.starts_with(RESERVED),
        "--user takes a name of 1 to {LONGEST_SUBJECT} bytes, which is not `anonymous` and does not begin with `{RESERVED}`."
    );
    Ok(())
}

/// A role, by its name.
///
/// # Errors
/// Says which there are.
pub fn role(name: &str) -> anyhow::Result<Role> {
    Role::named(name).with_context(|| format!("there is no role `{name}`: user, approver, operator, admin"))
}

/// A tier, by its name.
///
/// # Errors
/// Says which there are.
pub fn tier(name: &str) -> anyhow::Result<Tier> {
    let found = Tier::ALL.into_iter().find(|tier| tier.as_str() == name);
    found.with_context(|| format!("there is no tier `{name}`: free, premium, enterprise"))
}

/// A span of time: `90s`, `15m`, `12h`, `30d`.
///
/// # Errors
/// Says how one is written.
pub fn span(text: &str) -> anyhow::Result<Millis> {
    let written = || format!("`{text}` is no span of time: write 90s, 15m, 12h or 30d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).with_context(written)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => bail!(written()),
    };
    let number: u64 = number.parse().ok().filter(|number| (1..=100_000_000).contains(number)).with_context(written)?;
    Ok(Millis::from_secs(number * seconds))
}

/// This machine's clock.
///
/// # Errors
/// Where it stands before 1970.
pub fn now() -> anyhow::Result<Millis> {
    Ok(Millis(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?))
}

async fn create(remote: &Remote, new: &CreateKey) -> anyhow::Result<()> {
    check_name(&new.user)?;
    ensure!(
        Scopes::read(&new.scopes).is_some(),
        "--scopes takes some of read, start, approve and operate, with commas between."
    );
    let mut random = [[0; 16]; 3];
    for part in &mut random {
        getrandom::fill(part).context("this machine gives no random numbers")?;
    }
    let (key, now) = (api_keys::key(random), now()?);
    let scopes = new.scopes.replace(' ', "");
    let wanted = NewKey {
        key: &key,
        owner: &new.user,
        role: new.role,
        tier: new.tier,
        scopes: &scopes,
        note: &new.note,
        expires_at: new.ttl.map(|span| now + span),
    };
    let statement = api_keys::create(&wanted, now).context("the key is none")?;
    ensure!(remote.ask(&statement).await? == Some(true), "the database did not take the key");
    println!("{key}");
    eprintln!("It is not shown again. `makegood keys revoke {}` takes it back.", &key[3..19]);
    Ok(())
}

async fn list(remote: &Remote, user: Option<&str>, as_json: bool) -> anyhow::Result<()> {
    let keys: Vec<Shown> = remote.ask(&api_keys::list(user)).await?.unwrap_or_default();
    if as_json {
        println!("{}", serde_json::to_string_pretty(&keys)?);
        return Ok(());
    }
    if keys.is_empty() {
        println!("There are no keys. `makegood keys create --user NAME --scopes read,start` makes one.");
    }
    let now = now()?;
    for key in keys {
        let state = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => "revoked".to_owned(),
            (None, Some(at)) if at <= now => "expired".to_owned(),
            (None, Some(at)) => format!("good for {}", at.since(now).in_words()),
            (None, None) => "good".to_owned(),
        };
        let used = key.used_on.as_deref().unwrap_or("never");
        println!(
            "{}  {}  {} {}  {}  {state}, last used: {used}  {}",
            key.id,
            key.owner,
            key.role.as_str(),
            key.tier.as_str(),
            key.scopes,
            key.note
        );
    }
    Ok(())
}

async fn revoke(remote: &Remote, id: &str) -> anyhow::Result<()> {
    // Whoever pastes the whole key means its id.
    let id = api_keys::read(id).map_or(id, |(id, _)| id);
    if remote.ask(&api_keys::revoke(id, now()?)).await? != Some(true) {
        bail!("No key `{id}` is good. `makegood keys list` shows those that are.");
    }
    println!("{id} is revoked: within half a minute it opens no door any more.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_names_roles_and_tiers_are_read_or_refused() {
        assert_eq!(span("90s").unwrap(), Millis(90_000));
        assert_eq!(span("12h").unwrap(), Millis(12 * 3_600_000));
        assert_eq!(span("30d").unwrap(), Millis(30 * 86_400_000));
        for wrong in ["", "h", "1", "1w", "-1h", "0s", "1.5h", "ä"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "anonymous", "role:approver", "a\nb"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
        assert!(check_name("ana").is_ok());
        assert!(role("operator").is_ok() && role("root").is_err());
        assert!(tier("premium").is_ok() && tier("gold").is_err());
    }
}
