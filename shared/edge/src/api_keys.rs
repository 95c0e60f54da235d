//! Whom an API key stands for: one statement, and then nothing for half a minute. So long a key that was revoked still
//! opens doors.

use makegood_core::error::Error;
use makegood_core::time::Millis;
use makegood_gateway::api_keys::{self, Holder};

use crate::host::Host;
use crate::settings::Settings;
use crate::store::Store;

const BELIEVED: Millis = Millis::from_secs(30);
/// An instance remembers so many, the newest.
const MOST: usize = 100;

/// `None` where the key is none, has expired, or was revoked.
///
/// # Errors
/// Where the database does not answer.
pub(crate) async fn holder<H: Host>(host: &H, settings: &Settings, key: &str) -> Result<Option<Holder>, Error> {
    let Some((id, hash)) = api_keys::read(key) else { return Ok(None) };
    let now = host.now();
    let isolate = host.isolate();
    let believed = isolate.holders.borrow().iter().find(|(known, _, until)| *known == hash && now < *until).cloned();
    if let Some((_, holder, _)) = believed {
        return Ok(Some(holder));
    }
    let found: Option<Holder> = Store::new(host, settings).ask(&api_keys::look_up(id, &hash, now)).await?;
    if let Some(holder) = &found {
        let until = holder.expires_at.map_or(now + BELIEVED, |expires_at| expires_at.min(now + BELIEVED));
        let mut all = isolate.holders.borrow_mut();
        all.retain(|(known, _, until)| *known != hash && now < *until);
        if all.len() >= MOST {
            all.remove(0);
        }
        all.push((hash, holder.clone(), until));
    }
    Ok(found)
}
