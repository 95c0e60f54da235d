//! The frame that every page of `/debug` stands in, and what pages share with those of `/approve`: the head, and the
//! headers that keep them harmless, with no script, nothing from elsewhere, and a form only where one is needed, so that
//! whatever a partner or a user wrote is text and nothing more.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use makegood_edge::problem::problem;
use makegood_edge::{Body, Bytes, Host, Reply, host};
use maud::{DOCTYPE, Markup, html};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; \
                      frame-ancestors 'none'; base-uri 'none'";
/// Of a page with a form, which is sent to us.
const FORM_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                           frame-ancestors 'none'; base-uri 'none'";

/// What a page of ours has no use for.
const FEATURES: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// What every page needs of the stylesheet.
pub const FRAME: &str = include_str!("frame.css");
const LISTS: &str = include_str!("debug.css");

/// What one page shows.
pub struct Page {
    pub title: String,
    /// It has not come to its end: the reader's browser looks again.
    pub again: bool,
    pub body: Markup,
}

/// A part of the console, as its bar names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Sagas,
    Queue,
    Approvals,
    Limits,
    Tools,
    Health,
    Security,
}

impl Section {
    const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Sagas, "/debug/sagas", "Sagas"),
        (Self::Queue, "/debug/queue", "Queue"),
        (Self::Approvals, "/debug/approvals", "Approvals"),
        (Self::Limits, "/debug/limits", "Limits"),
        (Self::Tools, "/debug/tools", "Tools"),
        (Self::Health, "/debug/health", "Health"),
        (Self::Security, "/debug/security", "Security"),
    ];
}

/// What stands above every page of the console: where one is, and where else one can go.
pub fn bar(here: Option<Section>) -> Markup {
    html! {
        header {
            a class="home" href="/debug/sagas" { "Makegood" }
            nav class="bar" aria-label="Console" {
                @for (section, address, name) in Section::ALL {
                    a href=(address) aria-current=[(here == Some(section)).then_some("page")] { (name) }
                }
            }
        }
    }
}

fn document(page: &Page, here: Option<Section>) -> Bytes {
    framed(page, here, &html! { @if page.again { meta http-equiv="refresh" content="2"; } })
}

/// A page in its frame; `besides` is what its head has besides.
pub fn framed(page: &Page, here: Option<Section>, besides: &Markup) -> Bytes {
    let body = html! {
        body {
            (bar(here))
            main { (page.body) }
        }
    };
    Bytes::from(written(&page.title, "/debug/debug.css", besides, &body))
}

/// A whole document: `besides` is what its head has besides, `body` the element of that name.
pub fn written(title: &str, stylesheet: &str, besides: &Markup, body: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, stylesheet, besides))
            (body)
        }
    };
    document.into_string()
}

fn head(title: &str, stylesheet: &str, besides: &Markup) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Makegood" }
            link rel="stylesheet" href=(stylesheet);
            link rel="icon" href="data:,";
            (besides)
        }
    }
}

/// The answer that carries a page.
pub fn page(page: Page) -> Reply {
    dress(host::reply(200, "text/html; charset=utf-8", Bytes::new()), &page, None)
}

/// The same of a page that the bar names.
pub fn within(section: Section, page: &Page) -> Reply {
    dress(host::reply(200, "text/html; charset=utf-8", Bytes::new()), page, Some(section))
}

/// The same of a page with a form.
pub fn with_form(page: Page) -> Reply {
    as_form(self::page(page))
}

/// The headers of a page with a form, which is heard only if it is known as ours.
pub fn as_form(reply: Reply) -> Reply {
    let mut reply = as_page(reply);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(FORM_POLICY));
    // With `no-referrer` a browser would not say either where the form comes from, but `Origin: null` (WHATWG Fetch,
    // "append a request `Origin` header"). Others are told nothing, and no address of ours has a token.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    reply
}

/// The headers of every page.
pub fn as_page(mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("permissions-policy", HeaderValue::from_static(FEATURES));
    reply
}

fn dress(reply: Reply, page: &Page, here: Option<Section>) -> Reply {
    let mut reply = as_page(reply);
    *reply.body_mut() = Body::Full(document(page, here));
    reply
}

pub fn stylesheet() -> Reply {
    kept(host::reply(200, "text/css; charset=utf-8", [FRAME, LISTS].concat()))
}

/// What changes with a new build only, and is nobody's secret.
pub fn kept(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    reply
}

/// An error, told to a reader. Status, log line and headers are those of the JSON answer.
pub fn refusal<H: Host>(host: &H, error: &Error) -> Reply {
    let stranger = matches!(error.code(), Code::Unauthenticated | Code::Forbidden);
    let title = if error.code() == Code::NotFound {
        "Not found"
    } else if stranger {
        "Not for you"
    } else {
        "That did not work"
    };
    let body = html! {
        h1 { (title) }
        p { (error.message()) }
        p class="muted" { code { (error.code().as_str()) } " · " (error.code().status()) }
        @if stranger {
            p { "These pages are for operators. " a href=(crate::login::ADDRESS) { "Sign in" } " as one." }
        } @else {
            p { a href="/debug/sagas" { "The sagas" } }
        }
    };
    dress(problem(host, error), &Page { title: title.to_owned(), again: false, body }, None)
}
