//! The frame that every page stands in, and the headers that keep it harmless: no script, no form,
//! nothing from elsewhere, so that whatever a partner or a user wrote is text and nothing more.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use makegood_edge::problem::problem;
use makegood_edge::{Body, Bytes, Host, Reply, host};
use maud::{DOCTYPE, Markup, html};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; \
                      frame-ancestors 'none'; base-uri 'none'";

const STYLESHEET: &str = include_str!("debug.css");

/// What one page shows.
pub struct Page {
    pub title: String,
    /// It has not come to its end: the reader's browser looks again.
    pub again: bool,
    pub body: Markup,
}

fn document(page: &Page) -> Bytes {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if page.again {
                    meta http-equiv="refresh" content="2";
                }
                title { (page.title) " · Makegood" }
                link rel="stylesheet" href="/debug/debug.css";
                link rel="icon" href="data:,";
            }
            body {
                header {
                    a class="home" href="/debug/sagas" { "Makegood" }
                    span class="muted" { "what was committed, and why" }
                }
                main { (page.body) }
            }
        }
    };
    Bytes::from(document.into_string())
}

/// The answer that carries a page.
pub fn page(page: Page) -> Reply {
    dress(host::reply(200, "text/html; charset=utf-8", Bytes::new()), &page)
}

fn dress(mut reply: Reply, page: &Page) -> Reply {
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    *reply.body_mut() = Body::Full(document(page));
    reply
}

pub fn stylesheet() -> Reply {
    let mut reply = host::reply(200, "text/css; charset=utf-8", STYLESHEET);
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    reply
}

/// An error, told to a reader. Status, log line and headers are those of the JSON answer.
pub fn refusal<H: Host>(host: &H, error: &Error) -> Reply {
    let title = if error.code() == Code::NotFound { "Not found" } else { "That did not work" };
    let body = html! {
        h1 { (title) }
        p { (error.message()) }
        p class="muted" { code { (error.code().as_str()) } " · " (error.code().status()) }
        p { a href="/debug/sagas" { "Your sagas" } }
    };
    dress(problem(host, error), &Page { title: title.to_owned(), again: false, body })
}
