//! `/`: the page on which people talk to the agent: they see a plan before it runs, agree to it, and watch its steps as
//! they are done or undone.
//!
//! It is the same for everybody and knows nothing of anybody. What is said on it, its scripts send to `/api/chat`, and
//! how a saga goes they read from `/api/execute`, as every other client does: by the reader's token, or without one
//! where `anonymous` is let in. So the page has no rights of its own, and nothing is done here.
//!
//! Deliberately absent: a form that works without a script. What is sent by a page's form other pages can send as well,
//! and a cookie would have to vouch for it; where no script runs, the page says what to type in a terminal.

use makegood_edge::core::error::Error;
use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::CONTENT_SECURITY_POLICY;
use makegood_edge::{Host, Reply, Request, Settings, host};
use maud::{Markup, html};

use crate::list::our_address;
use crate::page::{as_form, kept, written};

/// Scripts and a stylesheet of ours, and calls of ours. The scripts write text, and no markup: a browser that knows of
/// trusted types holds them to it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'";

const STYLESHEET: &str = include_str!("chat.css");
const SCRIPT: &str = include_str!("chat.js");
const CARD: &str = include_str!("card.js");

/// What the demo town can do.
const EXAMPLES: [&str; 3] = [
    "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details",
    "Book a table at Luigi's",
    "Book a table for 2 at Sakura tomorrow at 8pm if it rains in Rome",
];

/// The page.
///
/// # Errors
/// Where the settings cannot be read.
pub fn page<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let address = our_address(request, &Settings::read(host)?);
    let scripts = html! { script type="module" src="/debug/chat.js" {} };
    let body = html! {
        body {
            a class="skip" href="#message" { "To the message" }
            header {
                h1 { a class="home" href="/" { "Makegood" } }
                nav aria-label="Pages" {
                    a href="/debug" { "All sagas" }
                    button type="button" id="afresh" hidden { "New conversation" }
                }
            }
            main { (welcome()) (without(&address)) (talk()) }
            footer { (door()) }
        }
    };
    let document = written("Say what you want done", "/debug/chat.css", &scripts, &body);
    let mut reply = as_form(host::reply(200, "text/html; charset=utf-8", document));
    reply.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(reply)
}

fn welcome() -> Markup {
    html! {
        section id="welcome" {
            h2 { "Say what you want done" }
            p { "You see the plan first. Then it is carried out in full, or made good: undone, in order." }
            div id="examples" hidden {
                p id="such" { "For example, in the demo town:" }
                ul aria-labelledby="such" {
                    @for example in EXAMPLES { li { button type="button" { (example) } } }
                }
            }
        }
    }
}

/// What is said where no script runs. The script hides it, so that it is also there where that could not be fetched.
fn without(address: &str) -> Markup {
    html! {
        section id="without" class="card" {
            h2 { "This page needs its script" }
            p { "It sends what you say, and shows what becomes of it. Allow scripts of this site, or use a terminal:" }
            pre tabindex="0" {
                code {
                    "curl -N " (address) "/api/chat \\\n  -H 'accept: text/event-stream' \\\n"
                    "  -d '{\"message\": \"Book a table for 4 at Luigi\\u0027s tomorrow at 7pm\"}'"
                }
            }
        }
    }
}

/// The conversation, and where one types. What is new is told in `news`, in few words, to who does not see it.
fn talk() -> Markup {
    html! {
        section id="conversation" aria-label="Conversation" {}
        div id="news" class="unseen" role="status" aria-live="polite" {}
        form id="talk" hidden {
            label for="message" { "What do you want done?" }
            div class="line" {
                textarea id="message" rows="1" required maxlength="4000" autocomplete="off" enterkeyhint="send" {}
                button type="submit" { "Send" }
            }
            label class="tick" {
                input id="first" type="checkbox" checked;
                " Show me a new plan before anything of it is done. What I change about one that runs is changed at once."
            }
        }
    }
}

/// A token, for who is not let in without.
fn door() -> Markup {
    html! {
        details id="door" hidden {
            summary { "Sign in with a token" }
            form id="sign" {
                p {
                    "Needed where nobody is let in without one. It stays in this tab, and goes nowhere but here. "
                    "Of the local platform: " code { "makegood token --user ann" }
                }
                label for="token" { "Token, or API key" }
                div class="line" {
                    input id="token" type="password" autocomplete="off";
                    button type="submit" { "Use it" }
                }
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

/// The part of the script that shows plans.
pub fn card() -> Reply {
    kept(host::reply(200, "text/javascript; charset=utf-8", CARD))
}
