//! An issuer's keys over HTTP (RFC 7517, section 5).

use http::Method;

use crate::{Malformed, Request, Response, excerpt, request as send};

/// Makes the request for them.
///
/// # Errors
/// Where the configured address is not a URL.
pub fn request(url: &str) -> Result<Request, Malformed> {
    send(Method::GET, url, &[("accept", "application/json")], Vec::new())
}

/// The set's text.
///
/// # Errors
/// Where there is none.
pub fn response(response: &Response) -> Result<String, Malformed> {
    let unclear = || Malformed(format!("the issuer answered {} {}", response.status(), excerpt(response.body())));
    if response.status() != 200 {
        return Err(unclear());
    }
    String::from_utf8(response.body().to_vec()).map_err(|_| unclear())
}
