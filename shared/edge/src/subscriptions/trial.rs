//! Brings a subscriber an event in which nothing happened, to see whether it is taken.

use makegood_core::error::Error;
use makegood_core::feed;
use makegood_core::time::Millis;
use makegood_gateway::hexadecimal;
use makegood_gateway::subscriptions::Row;
use serde::Serialize;

use super::Means;
use super::bring::try_out;
use crate::host::Host;
use crate::settings::Settings;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "SubscriptionTrial"))]
pub struct Tried {
    /// The event's `webhook-id`.
    pub id: String,
    pub taken: bool,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Tries a subscription out, also one that is disabled. It changes nothing.
///
/// # Errors
/// Where this server is not configured well, or has no key to sign with.
pub async fn trial<H: Host>(host: &H, settings: &Settings, subscription: &Row) -> Result<Tried, Error> {
    let means = Means::read(host)?;
    means.secret(&subscription.id, subscription.generation)?;
    let id = format!("trial_{}", hexadecimal(&host.random()));
    let event = feed::trial(&subscription.id, &id, host.now());
    let why = try_out(host, &means, subscription, (&id, &event), Millis(settings.kill.0 / 2)).await;
    Ok(Tried { id, taken: why.is_none(), why })
}
