//! `/api/webhook/{source}`: events from outside.
//!
//! No source is taken in yet: verification, replay defence and mapping belong to the issue that
//! builds the doors. Until then every delivery is refused, so that no provider believes it was
//! heard.

#![forbid(unsafe_code)]

use std::future::{Ready, ready};

use makegood_edge::core::error::{Code, Error};
use makegood_edge::http::Method;
use makegood_edge::problem::problem;
use makegood_edge::{Host, Reply, Request, door};

makegood_edge::serve!(crate::handle);

/// Serves one request.
pub fn handle<H: Host>(request: Request, host: H) -> Ready<Reply> {
    let refused = door::allow(&request, &[Method::POST]).err();
    let error = refused.unwrap_or_else(|| {
        Error::new(Code::NotFound, "No webhook source is configured on this server. Nothing was stored.")
    });
    ready(problem(&host, &error))
}
