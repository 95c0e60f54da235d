//! What a `*` lets out goes into the internet, and nowhere inside: what a name came to is looked at where it is
//! connected to, so that a public name that leads inside is not called. Spin has `block_networks` for it.
//!
//! Where an entry names the host, whoever wrote that is believed, wherever it leads.

use http::Uri;
use makegood_core::guard::outbound::place;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tower::BoxError;

/// Resolves a name to those of its numbers that are outside.
pub(super) struct Outside;

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(resolved(name))
    }
}

async fn resolved(name: Name) -> Result<Addrs, BoxError> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
    let outside: Vec<SocketAddr> = found.iter().copied().filter(|one| place(one.ip()).is_none()).collect();
    if outside.is_empty() {
        let inside = found.iter().find_map(|one| place(one.ip())).unwrap_or("nowhere");
        tracing::warn!(name = name.as_str(), "outbound call denied: the name leads inside: {inside}");
        return Err(io::Error::from(io::ErrorKind::PermissionDenied).into());
    }
    Ok(Box::new(outside.into_iter()))
}

/// Whether the host of `uri` is a number that is inside, however it is written: it is read as the client reads it, for
/// no number is resolved.
pub(super) fn is_number_inside(uri: &Uri) -> bool {
    let Ok(url) = reqwest::Url::parse(&uri.to_string()) else { return true };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse::<IpAddr>().is_ok_and(|number| place(number).is_some())
}
