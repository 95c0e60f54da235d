//! The one place through which calls go whose address somebody else has a part in: a tool's definition its name, a
//! server what it answers, a subscriber all of it. Each is looked at as it would leave, when all was put together.
//!
//! No host follows a redirect, so what an answer says of another place is never called: whoever wants to follow one has
//! to come here again. What goes to the database, Redis, the queue and the models goes to addresses that are the
//! operator's from end to end, and does not come here.

use http::Uri;
use makegood_core::guard::outbound::{Refused, below, listed, public};
use makegood_core::time::Millis;
use makegood_gateway::{Request, Response};

use crate::host::{FetchError, Host, Level};

/// Where a call may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound<'a> {
    /// To this address, which the operator configured, and below it: wherever it leads.
    Below(&'a str),
    /// Out into the internet, and nowhere inside.
    Public,
}

/// Sends a request that stays within its bound, as [`Host::fetch`] does.
///
/// # Errors
/// As there, and [`FetchError::NotSent`] where it would leave its bound. That is logged: somebody tries something, or
/// something is configured that nobody meant.
pub async fn fetch<H: Host>(
    host: &H,
    bound: Bound<'_>,
    request: Request,
    timeout: Millis,
) -> Result<Response, FetchError> {
    if let Err(refused) = check(bound, request.uri()) {
        return Err(FetchError::NotSent(not_let_out(host, request.uri(), refused)));
    }
    host.fetch(request, timeout).await
}

/// Whether a tool is called at this address of the operator's, or below it: it may say which hosts it may reach.
///
/// # Errors
/// Why it is not, which is logged.
pub fn admits<H: Host>(host: &H, hosts: &[String], address: &str) -> Result<(), String> {
    if hosts.is_empty() {
        return Ok(());
    }
    let uri: Uri = address.parse().unwrap_or_default();
    listed(hosts, uri.host().unwrap_or_default()).map_err(|refused| not_let_out(host, &uri, refused))
}

fn not_let_out<H: Host>(host: &H, uri: &Uri, refused: Refused) -> String {
    // Without the path, in which a stranger's secret may stand.
    let place = uri.authority().map_or("", |authority| authority.as_str());
    let place = place.rsplit('@').next().unwrap_or_default();
    host.log(Level::Warn, &format!("a call was not let out: {place}: {refused}"));
    format!("its address is not let out: {refused}")
}

/// Both are compared as they are sent.
fn check(bound: Bound<'_>, uri: &Uri) -> Result<(), Refused> {
    match bound {
        Bound::Below(configured) => {
            let configured: Uri = configured.parse().map_err(|_| Refused::Elsewhere)?;
            below(&configured.to_string(), &uri.to_string())
        }
        Bound::Public => public(&uri.to_string()),
    }
}
