//! Whether what a function depends on answers, for whoever looks: asked now, past every copy and every breaker. Why one
//! does not stands in the log, for its words may name what a page is not to show. The database is asked by statements of
//! its own ([`Store`](crate::store::Store)).

use std::fmt::Display;

use makegood_core::time::Millis;

use crate::host::{Host, Level};
use crate::settings::Settings;
use crate::{jwks, redis};

/// Who takes longer is as good as away.
const PATIENCE: Millis = Millis(2_000);

/// How one of them answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// As it was wanted.
    pub ok: bool,
    pub took: Millis,
}

/// Asks Redis, which counts who comes.
pub async fn redis<H: Host>(host: &H, settings: &Settings) -> Answered {
    let asked = host.now();
    let said = redis::run(host, settings, &["PING"], PATIENCE).await;
    answered(host, asked, "Redis", said)
}

/// Asks the issuer of users' tokens for its keys; `None` where there is none.
pub async fn issuer<H: Host>(host: &H, settings: &Settings) -> Option<Answered> {
    let url = Some(settings.jwks_url.as_str()).filter(|url| !url.is_empty())?;
    let asked = host.now();
    let said = jwks::answers(host, url).await.map_err(|error| error.0);
    Some(answered(host, asked, "the issuer", said))
}

fn answered<H: Host, T>(host: &H, asked: Millis, name: &str, said: Result<T, impl Display>) -> Answered {
    if let Err(cause) = &said {
        host.log(Level::Warn, &format!("{name} does not answer: {cause}"));
    }
    Answered { ok: said.is_ok(), took: host.now().since(asked) }
}
