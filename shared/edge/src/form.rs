//! Forms of our own pages: who sent them, and what is in them.
//!
//! No form acts by anything that a browser sends of itself: what lets it act is a token in its body. Still none is heard
//! that comes from another site: nobody is to be led into deciding, or signed in as somebody else.

use http::header::ORIGIN;
use http::{HeaderMap, HeaderName};
use makegood_core::error::{Code, Error};
use makegood_gateway::form;

use crate::door::{self, is_ours};
use crate::host::Request;

/// Of a form's body: ours have a token, a note and a button.
const LONGEST_FORM: usize = 64 * 1024;

/// The fields of a form.
#[derive(Debug)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads what a page of ours has sent. `public_url`: where we are, as the settings have it.
    ///
    /// # Errors
    /// [`Code::Forbidden`], [`Code::BodyTooLarge`] or [`Code::InvalidRequest`].
    pub fn read(request: &Request, public_url: &str) -> Result<Self, Error> {
        refuse_other_pages(public_url, request.headers())?;
        let fields = form::read(door::bytes(request, LONGEST_FORM)?);
        let fields = fields.ok_or_else(|| Error::new(Code::InvalidRequest, "The form holds what is no text."))?;
        Ok(Self(fields))
    }

    /// The first field of this name; empty where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The token of a link: as it is, or as whoever has no script pastes it, with the address that it stands behind.
    #[must_use]
    pub fn token(&self) -> &str {
        let given = self.get("token").trim();
        given.rsplit_once('#').map_or(given, |(_, token)| token)
    }
}

/// Browsers say where a form comes from, in `Origin` and, the newer ones, in `Sec-Fetch-Site`: each that is there must
/// say that it is ours. Programs say neither, and cannot be led.
///
/// # Errors
/// [`Code::Forbidden`].
pub fn refuse_other_pages(public_url: &str, headers: &HeaderMap) -> Result<(), Error> {
    let ours = |origin: &str| is_ours(origin, public_url, headers);
    let all = |name: HeaderName, is_so: &dyn Fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(is_so))
    };
    if all(ORIGIN, &ours) && all(HeaderName::from_static("sec-fetch-site"), &|site| site == "same-origin") {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "This form was sent by another site's page. Open ours, and send it from there."))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    fn read(headers: &[(&'static str, &'static str)], body: &'static [u8]) -> Result<Fields, Error> {
        let mut request = Request::new(Bytes::from_static(body));
        for &(name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Fields::read(&request, "https://ours.example")
    }

    #[test]
    fn only_our_own_page_is_heard_and_whoever_is_no_page() {
        let good: [&[(&str, &str)]; 4] = [
            &[],
            &[("origin", "https://ours.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://ours.example")],
            &[("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")],
        ];
        for headers in good {
            assert!(read(headers, b"a=1").is_ok(), "{headers:?}");
        }
        let bad: [&[(&str, &str)]; 6] = [
            &[("origin", "https://evil.example")],
            &[("origin", "null"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://ours.example"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://ours.example.evil")],
        ];
        for headers in bad {
            assert_eq!(read(headers, b"a=1").unwrap_err().code(), Code::Forbidden, "{headers:?}");
        }
    }

    #[test]
    fn a_token_is_read_from_the_address_that_it_stands_behind() {
        for body in [&b"token=abc"[..], b"token=+abc%0A", b"token=https%3A%2F%2Fours.example%2Fapprove%23abc"] {
            assert_eq!(read(&[], body).unwrap().token(), "abc");
        }
        assert_eq!(read(&[], b"other=1").unwrap().token(), "");
    }

    #[test]
    fn what_is_no_text_or_too_long_is_refused() {
        assert_eq!(read(&[], b"token=%ff").unwrap_err().code(), Code::InvalidRequest);
        assert_eq!(read(&[], b"token=%00").unwrap_err().code(), Code::InvalidRequest);
        let long: &'static [u8] = vec![b'a'; LONGEST_FORM + 1].leak();
        assert_eq!(read(&[], long).unwrap_err().code(), Code::BodyTooLarge);
    }
}
