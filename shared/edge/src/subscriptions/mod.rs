//! Subscriptions: who is told of events, beside those who ask. Here is what is configured of it and its rows; [`bring()`]
//! does the telling, and [`trial()`] tries one out.
//!
//! A saga waits for none of it: the commit that has something to tell writes so in the same transaction, and whoever
//! tells is another function, which the queue wakes and the sweep where the queue does not.

mod bring;
mod trial;

use makegood_core::error::{Code, Error};
use makegood_core::time::Millis;
use makegood_gateway::ably::Ably;
use makegood_gateway::subscriptions::{self, Asked, NewSubscription, Row, Shown};
use makegood_gateway::webhook::outgoing;

use crate::host::Host;
use crate::outbound::Bound;
use crate::settings::misconfigured;
use crate::store::{Store, unreadable};

pub use bring::bring;
pub(crate) use bring::{FOR_GOOD, SKEW, wait};
pub use trial::{Tried, trial};

/// An owner's.
pub const MOST: u32 = 10;
/// So long the secret before is good when there is a new one.
pub const OVERLAP: Millis = Millis::from_secs(24 * 3_600);

/// What events are brought with.
pub struct Means {
    /// What the secrets of subscriptions are derived from; empty: there are none.
    key: String,
    /// Subscriptions may lead inside, and over http.
    inside: bool,
    pub ably: Option<Ably>,
}

impl Means {
    /// Reads what this function was given.
    ///
    /// # Errors
    /// Where a value is none.
    pub fn read<H: Host>(host: &H) -> Result<Self, Error> {
        let [url, ably_key] = [host.config("ably_url"), host.config("ably_key")].map(Option::unwrap_or_default);
        let ably =
            Ably::read(&url, &ably_key).map_err(|why| misconfigured(format!("the variable `ably_key`: {why}")))?;
        let inside = host.config("subscriptions_inside").is_some_and(|inside| inside == "true");
        Ok(Self { key: host.config("subscription_key").unwrap_or_default(), inside, ably })
    }

    /// A subscription's newest secret, which is told once.
    ///
    /// # Errors
    /// [`Code::Unavailable`] where the deployment has no key to derive it from.
    pub fn secret(&self, id: &str, generation: u32) -> Result<String, Error> {
        outgoing::secret(&self.key, id, generation).ok_or_else(|| {
            let message = "Subscriptions are off on this server. Its operator turns them on with `subscription_key`.";
            Error::new(Code::Unavailable, message)
        })
    }

    /// Where a subscription's address may lead.
    #[must_use]
    pub const fn bound<'a>(&self, url: &'a str) -> Bound<'a> {
        if self.inside { Bound::Below(url) } else { Bound::Public }
    }
}

impl<H: Host> Store<'_, H> {
    /// `None` where its owner has as many as there may be.
    ///
    /// # Errors
    /// As every statement: see [`Store::create`].
    pub async fn create_subscription(&self, new: &NewSubscription<'_>) -> Result<Option<Row>, Error> {
        self.ask(&subscriptions::create(new, self.host.now())).await
    }

    /// `owner`: `None` for everybody's.
    pub async fn list_subscriptions(&self, owner: Option<&str>) -> Result<Vec<Row>, Error> {
        Ok(self.ask(&subscriptions::list(owner)).await?.unwrap_or_default())
    }

    /// `owner`: `None` for anybody's.
    pub async fn find_subscription(&self, id: &str, owner: Option<&str>) -> Result<Option<Shown>, Error> {
        self.ask(&subscriptions::find(id, owner)).await
    }

    /// Whether there was one.
    pub async fn delete_subscription(&self, id: &str, asked: Asked<'_>) -> Result<bool, Error> {
        let gone = self.ask(&subscriptions::delete(id, asked, self.host.now())).await?;
        gone.ok_or_else(|| unreadable("a subscription answered null"))
    }

    /// Gives it its next secret.
    pub async fn rotate_subscription(&self, id: &str, asked: Asked<'_>) -> Result<Option<Row>, Error> {
        let now = self.host.now();
        self.ask(&subscriptions::rotate(id, asked, now + OVERLAP, now)).await
    }

    /// Has a disabled one go on with what it missed.
    pub async fn enable_subscription(&self, id: &str, asked: Asked<'_>) -> Result<Option<Row>, Error> {
        self.ask(&subscriptions::enable(id, asked, self.host.now())).await
    }

    /// Has Ably be told from here on.
    pub async fn open_ably(&self) -> Result<(), Error> {
        self.ask::<bool>(&subscriptions::open_ably(self.host.now())).await.map(|_| ())
    }
}
