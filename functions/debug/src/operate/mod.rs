//! What an operator does on the pages of sagas: asks for some of them, and has them tried again, called off, resolved.
//!
//! The pages are whole without a script, and then say what to type in a terminal. With one, each verb has a button, and a
//! dialog that says what will happen before anything does. The script puts verbs to `/api/execute` by its reader's token,
//! as the page `/` does: a cookie, which lets its reader look, has nothing done.

mod another;
pub mod bulk;
pub mod deeds;
pub mod filter;
mod offer;
#[cfg(test)]
mod tests;

use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::CONTENT_SECURITY_POLICY;
use makegood_edge::{Reply, host};
use maud::{Markup, html};

use crate::page::{Page, Section, as_page, framed, kept};

/// Our script and stylesheets, calls to us, and a form that asks us. The script makes no markup of text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

const STYLESHEET: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");

/// The answer that carries a page with the console's script.
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

/// Where the script says what came of what its reader did.
pub fn news() -> Markup {
    html! { p id="news" class="news" role="status" tabindex="-1" {} }
}

/// A token, by which verbs are put. The script shows it.
pub fn door() -> Markup {
    html! {
        details id="door" class="door" hidden {
            summary { "Act with a token" }
            form id="sign" method="dialog" {
                p {
                    "Needed where nobody is let in without one: what you signed in with lets you look, and changes nothing. "
                    "It stays in this tab, and goes nowhere but here. Of the local platform: "
                    code { "makegood token --user ann --role operator" }
                }
                p {
                    label for="token" { "Token, or API key" }
                    input id="token" type="password" autocomplete="off";
                }
                p { button type="submit" { "Use it" } }
            }
        }
    }
}

pub fn stylesheet() -> Reply {
    kept(host::reply(200, "text/css; charset=utf-8", STYLESHEET))
}

pub fn script() -> Reply {
    kept(host::reply(200, "text/javascript; charset=utf-8", SCRIPT))
}
