//! The local platform's own secrets: made once for each data folder, never the same on two machines.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use makegood_cloud::Issuer;
use makegood_cloud::folder::remedy;
use makegood_core::guard::{Role, Tier};
use makegood_core::time::Millis;
use makegood_gateway::jwt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::DEFAULT_URL;
use crate::clients::ISSUER_URL;
use crate::data_dir::CLIENTS;
use crate::platform::ISSUER;

/// What the parts of the platform prove themselves to each other with.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secrets {
    /// What the keys of the parts that have none of their own here are made of, and that of the issuer of development
    /// tokens.
    pub jwt: String,
    pub redis_token: String,
    pub qstash_token: String,
    pub qstash_current_key: String,
    pub qstash_next_key: String,
}

impl Secrets {
    /// Reads the folder's secrets, or makes them. The file is readable by its owner only.
    pub fn load(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join("secrets.json");
        match fs::read(&path) {
            Ok(text) => {
                return serde_json::from_slice(&text)
                    .with_context(|| format!("{} is damaged. Remove it, or start with --fresh.", path.display()));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read. Make it readable.", path.display()));
            }
        }
        let secrets = Self {
            jwt: random(32)?,
            redis_token: random(24)?,
            qstash_token: random(24)?,
            qstash_current_key: format!("sig_{}", random(21)?),
            qstash_next_key: format!("sig_{}", random(21)?),
        };
        write_for_owner(&path, &serde_json::to_string_pretty(&secrets)?)?;
        Ok(secrets)
    }

    /// The key of a part that has none of its own here: always the same, and known to nobody else.
    pub fn key_of(&self, part: &str) -> String {
        jwt::sign(&serde_json::json!({"key": part}), &format!("{part} {}", self.jwt)).replace('.', "")
    }

    /// The issuer of development tokens, whose address this is.
    pub fn issuer(&self, url: &str) -> Issuer {
        Issuer::new(url, &self.jwt)
    }
}

/// What a development token says.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub user: &'a str,
    pub role: Role,
    pub tier: Tier,
    pub good_for: Millis,
}

/// A development token.
pub fn token(issuer: &Issuer, wanted: &Wanted<'_>) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(issuer.sign(json!({
        "sub": wanted.user, "roles": [wanted.role], "tier": wanted.tier,
        "iat": now, "nbf": now, "exp": now + wanted.good_for.0 / 1000,
    })))
}

/// The issuer of the platform whose data lies here, wherever that was last started.
pub fn issuer_of(data_dir: &Path) -> anyhow::Result<Issuer> {
    let secrets = Secrets::load(data_dir)?;
    let told = fs::read_to_string(data_dir.join(CLIENTS)).unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix(ISSUER_URL)?.strip_prefix('='));
    let url = line.map_or_else(|| format!("{DEFAULT_URL}{ISSUER}"), |url| url.trim_matches('\'').to_owned());
    Ok(secrets.issuer(&url))
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn write_for_owner(path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    // One that was left there may be readable by others.
    let _ = fs::remove_file(&beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options.open(&beside).and_then(|mut file| file.write_all(text.as_bytes()));
    let put = written.and_then(|()| fs::rename(&beside, path));
    put.map_err(|error| anyhow::anyhow!("{} cannot be written: {error}; {}.", path.display(), remedy(&error)))
}

fn random(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).context("this machine gives no random numbers")?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}
