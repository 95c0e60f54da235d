//! The frame of those pages of the console on which something is done: as that of every page of `/debug`, with one more
//! stylesheet and one script of ours. The policy lets it ask only us, and make no markup of text. The other pages of the
//! console have no script.

use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::CONTENT_SECURITY_POLICY;
use makegood_edge::{Reply, host};
use maud::html;

use crate::page::{Page, Section, as_page, framed, kept};

/// Our script and stylesheets, calls to us, and a form that asks us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

const STYLESHEET: &str = include_str!("console.css");
pub const SCRIPT: &str = include_str!("console.js");

/// The answer that carries such a page.
pub fn page(page: &Page, here: Option<Section>) -> Reply {
    let besides = html! {
        link rel="stylesheet" href="/debug/console.css";
        script type="module" src="/debug/console.js" {}
        // Where the script runs it looks again itself.
        @if page.again { noscript { meta http-equiv="refresh" content="2"; } }
    };
    let mut reply = as_page(host::reply(200, "text/html; charset=utf-8", framed(page, here, &besides)));
    reply.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    reply
}

pub fn stylesheet() -> Reply {
    kept(host::reply(200, "text/css; charset=utf-8", STYLESHEET))
}

pub fn script() -> Reply {
    kept(host::reply(200, "text/javascript; charset=utf-8", SCRIPT))
}
