//! Traces as Tempo gives them back, for the pages that show ours.
//!
//! Whoever may send spans to it has written what stands in them. So of every list a part is read and of every text the
//! beginning, what makes no sense is left out and counted, and parents that lead in a circle are cut loose.
//!
//! `wire` reads an answer, and `retold` says the same as OTLP has it; `told` makes of it what a waterfall is drawn with,
//! and `steps` says how the saga's steps stand. Not here: searching.

mod few;
mod retold;
mod steps;
mod told;
mod wire;

#[cfg(test)]
mod tests;

pub use told::{Note, Saga, Told};
pub use wire::Given;

use http::HeaderValue;
use http::header::ACCEPT;
use makegood_core::trace::TraceId;

use crate::headers::Headers;
use crate::{Malformed, Request, Response, excerpt};

/// Of an answer: Tempo keeps five megabytes of a trace, unless it is told otherwise.
pub const LONGEST: usize = 8 << 20;

/// Where traces are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tempo {
    url: String,
    headers: Headers,
}

/// The forms in which Tempo gives a trace. The second says where it is a part only; before 2.7 there is the first alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    First,
    Second,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Its body is for [`Given`].
    Trace,
    /// It has no such trace, or does not give it in this form.
    Unknown,
    TooLong,
    /// Its status, and for the log what it said.
    Refused(u16, String),
}

impl Tempo {
    /// `None` where there is no address. `headers`: `name=value` with commas between, percent-encoded.
    ///
    /// # Errors
    /// What is wrong, and quotes nothing of the headers.
    pub fn read(url: &str, headers: &str) -> Result<Option<Self>, &'static str> {
        if url.is_empty() {
            return Ok(None);
        }
        let headers =
            Headers::read(headers).ok_or("`tempo_headers` is not `name=value` with commas between, percent-encoded")?;
        Ok(Some(Self { url: url.trim_end_matches('/').to_owned(), headers }))
    }

    /// Makes the request for a trace.
    ///
    /// # Errors
    /// Where the address is none, or a header cannot be sent.
    pub fn ask(&self, trace: TraceId, form: Form) -> Result<Request, Malformed> {
        let version = match form {
            Form::First => "",
            Form::Second => "v2/",
        };
        let url = format!("{}/api/{version}traces/{trace}", self.url);
        let mut request = self.headers.request(http::Method::GET, &url, Vec::new())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    #[must_use]
    pub fn heard(&self, response: &Response) -> Heard {
        match response.status().as_u16() {
            200 if response.body().len() > LONGEST => Heard::TooLong,
            200 => Heard::Trace,
            404 => Heard::Unknown,
            status => Heard::Refused(status, excerpt(self.headers.struck(response).as_bytes())),
        }
    }
}
