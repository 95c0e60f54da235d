//! The OpenAPI document and the page that shows it. Both are made of the code by `cargo run -p makegood-openapi`, for all
//! functions together, and are checked in here; a test fails where they are not what the code would make.

use makegood_edge::{Reply, host};

use crate::page::{as_page, kept};

const DOCUMENT: &[u8] = include_bytes!("openapi.json");
const PAGE: &[u8] = include_bytes!("docs.html");
const STYLESHEET: &str = include_str!("docs.css");

pub fn document() -> Reply {
    kept(host::reply(200, "application/json", DOCUMENT))
}

pub fn page() -> Reply {
    kept(as_page(host::reply(200, "text/html; charset=utf-8", PAGE)))
}

pub fn stylesheet() -> Reply {
    kept(host::reply(200, "text/css; charset=utf-8", STYLESHEET))
}
