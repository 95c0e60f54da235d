//! Where a request comes from, when it is a page that sends it.

use http::{HeaderMap, Uri, header};

/// Whether it is a page of this machine, or no page at all.
pub fn is_local(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let host = host.as_ref().and_then(Uri::host).unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| host.eq_ignore_ascii_case(local))
}
