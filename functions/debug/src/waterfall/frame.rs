//! The frame of the waterfall: as that of every page of `/debug`, with one script of ours. The policy lets it ask only
//! us, and make no markup of text.

use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::CONTENT_SECURITY_POLICY;
use makegood_edge::{Reply, host};
use maud::{Markup, html};

use crate::page::{as_page, bar, written};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// `again`: where no script does, the browser looks again.
pub fn page(title: &str, again: bool, body: &Markup) -> Reply {
    let mut reply = as_page(host::reply(200, "text/html; charset=utf-8", document(title, again, body)));
    reply.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    reply
}

pub fn document(title: &str, again: bool, body: &Markup) -> String {
    let besides = html! {
        script src="/debug/waterfall.js" defer {}
        @if again { noscript { meta http-equiv="refresh" content="5"; } }
    };
    written(title, "/debug/waterfall.css", &besides, &html! { body class="wide" { (bar(None)) (body) } })
}
