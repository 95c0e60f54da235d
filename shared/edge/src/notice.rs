//! A page that says one thing and asks for nothing: what became of a link. Two functions say such things, and one of
//! them has no room for more than this.

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use makegood_core::error::Error;

use crate::host::{Body, Host, Reply, reply};
use crate::problem::problem;
use crate::visible::{escape, visible};

/// Where the look of these pages is served.
pub const STYLESHEET: &str = "/approve/approve.css";

const MEDIA: &str = "text/html; charset=utf-8";
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// A title, and some sentences. Both may hold the words of others.
#[must_use]
pub fn page(status: u16, title: &str, sentences: &[&str]) -> Reply {
    dress(reply(status, MEDIA, Bytes::new()), title, sentences)
}

/// An error, told to a reader. Status, log line and headers are those of the JSON answer.
pub fn refusal<H: Host>(host: &H, error: &Error) -> Reply {
    dress(problem(host, error), "That did not work", &[error.message()])
}

fn dress(mut reply: Reply, title: &str, sentences: &[&str]) -> Reply {
    let mut text = String::with_capacity(1024);
    text.push_str(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>",
    );
    escape(&visible(title), &mut text);
    text.push_str(" · Makegood</title><link rel=\"stylesheet\" href=\"");
    text.push_str(STYLESHEET);
    text.push_str("\"><link rel=\"icon\" href=\"data:,\"></head><body><main class=\"notice\"><h1>");
    escape(&visible(title), &mut text);
    text.push_str("</h1>");
    for sentence in sentences {
        text.push_str("<p>");
        escape(&visible(sentence), &mut text);
        text.push_str("</p>");
    }
    text.push_str("</main></body></html>");
    *reply.body_mut() = Body::Full(Bytes::from(text));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_is_text_and_the_page_lets_nothing_run() {
        let reply = page(409, "<b>\u{202e}", &["<script>alert(1)</script>", "b & c"]);
        assert_eq!(reply.status(), 409);
        assert!(reply.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
        let Body::Full(body) = reply.body() else { panic!("a whole page") };
        let text = String::from_utf8_lossy(body);
        assert!(
            text.contains("<h1>&lt;b&gt;[U+202E]</h1><p>&lt;script&gt;alert(1)&lt;/script&gt;</p><p>b &amp; c</p>")
        );
        assert!(!text.contains("<script"));
    }
}
