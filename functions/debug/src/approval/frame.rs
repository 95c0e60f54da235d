//! The frame of the pages on which people are asked: made for a phone, and nothing runs in it but the one script of the
//! form that links are brought to.

use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::CONTENT_SECURITY_POLICY;
use makegood_edge::notice::STYLESHEET;
use makegood_edge::{Reply, host};
use maud::{Markup, html};

use crate::page::{as_form, written};

const SCRIPT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
                             form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page without a script.
pub fn page(title: &str, body: &Markup) -> Reply {
    dress(title, &html! {}, body)
}

/// The page that brings the token from its address.
pub fn with_script(title: &str, body: &Markup) -> Reply {
    let mut reply = dress(title, &html! { script src="/approve/approve.js" defer {} }, body);
    reply.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SCRIPT_POLICY));
    reply
}

fn dress(title: &str, script: &Markup, body: &Markup) -> Reply {
    let document = written(title, STYLESHEET, script, &html! { body { main { (body) } } });
    as_form(host::reply(200, "text/html; charset=utf-8", document))
}
