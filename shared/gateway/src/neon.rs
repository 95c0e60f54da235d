//! SQL over HTTP, as Neon serves it: one statement, text parameters, text results.

use serde::Deserialize;

use crate::quoting::{quote, unquote};
use crate::{Malformed, Request, Response, excerpt, post};

/// Where the database is.
#[derive(Clone, Debug)]
pub struct Database {
    /// The `/sql` endpoint.
    pub url: String,
    /// `postgres://user:password@host/database`.
    pub connection: String,
}

/// The answer to one statement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rows {
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// The only value of the only row.
    #[must_use]
    pub fn scalar(self) -> Option<String> {
        self.rows.into_iter().next()?.into_iter().next()?
    }
}

/// Why a statement has no rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The database said no: SQLSTATE and message.
    Refused { sqlstate: String, message: String },
    /// Busy, broken, or not understood: the statement may or may not have been carried out.
    Unavailable(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { sqlstate, message } => write!(f, "the database refused ({sqlstate}): {message}"),
            Self::Unavailable(cause) => write!(f, "the database gave no usable answer: {cause}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Makes the request for one statement.
///
/// # Errors
/// Where the configured address is not a URL.
pub fn request(database: &Database, query: &str, params: &[Option<&str>]) -> Result<Request, Malformed> {
    let text: usize = params.iter().flatten().map(|text| text.len() + 4).sum();
    // A quote in every few bytes has a backslash before it.
    let mut body = Vec::with_capacity(query.len() + text + text / 4 + 40);
    body.extend(br#"{"query":"#);
    quote(query, &mut body);
    body.extend(br#","params":["#);
    for (place, param) in params.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        match param {
            Some(text) => quote(text, &mut body),
            None => body.extend(b"null"),
        }
    }
    body.extend(b"]}");
    let headers = [
        ("neon-connection-string", database.connection.as_str()),
        ("neon-raw-text-output", "true"),
        ("neon-array-mode", "true"),
    ];
    post(&database.url, &headers, body)
}

/// Reads the answer.
///
/// # Errors
/// [`Failure`], by whether the database said no or said nothing.
pub fn response(response: &Response) -> Result<Rows, Failure> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        message: String,
        code: Option<String>,
    }
    let body = response.body();
    let unclear = || Failure::Unavailable(format!("{} {}", response.status(), excerpt(body)));
    match response.status().as_u16() {
        200 => match only_text(body) {
            Some(text) => Ok(Rows { rows: vec![vec![Some(text)]] }),
            None => serde_json::from_slice(body).map_err(|_| unclear()),
        },
        400 => {
            let refusal: Refusal = serde_json::from_slice(body).map_err(|_| unclear())?;
            match refusal.code {
                // Classes 08, 53 and 57: connection lost, out of resources, shutting down.
                Some(code) if !["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
                    Err(Failure::Refused { sqlstate: code, message: refusal.message })
                }
                _ => Err(Failure::Unavailable(refusal.message)),
            }
        }
        _ => Err(unclear()),
    }
}

/// The text of an answer of one row with one column, as all of ours are. Inside a string every quote has
/// a backslash before it, so what is looked for is the key.
fn only_text(body: &[u8]) -> Option<String> {
    const BEFORE: &[u8] = br#""rows":[[""#;
    let at = body.windows(BEFORE.len()).position(|window| window.ends_with(b"[[\"") && window == BEFORE)?;
    let (text, after) = unquote(body.get(at + BEFORE.len()..)?)?;
    after.starts_with(b"]]").then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn answer(status: u16, body: &'static str) -> Response {
        http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn a_statement_travels_as_text_in_arrays() {
        let database = Database { url: "http://db/sql".into(), connection: "postgres://u:p@h/d".into() };
        let request = request(&database, "select $1::int", &[Some("1"), None]).unwrap();
        assert_eq!(request.headers()["neon-array-mode"], "true");
        assert_eq!(request.body(), r#"{"query":"select $1::int","params":["1",null]}"#.as_bytes());
    }

    #[test]
    fn a_refusal_is_told_from_an_outage() {
        let refused = response(&answer(400, r#"{"message":"no such table","code":"42P01"}"#));
        assert!(matches!(refused, Err(Failure::Refused { sqlstate, .. }) if sqlstate == "42P01"));
        let shutting_down = response(&answer(400, r#"{"message":"bye","code":"57P01"}"#));
        assert!(matches!(shutting_down, Err(Failure::Unavailable(_))));
        assert!(matches!(response(&answer(502, "gateway")), Err(Failure::Unavailable(_))));
        let rows = response(&answer(200, r#"{"fields":[],"rows":[["7"]],"rowCount":1}"#)).unwrap();
        assert_eq!(rows.scalar(), Some("7".to_owned()));
    }

    #[test]
    fn rows_are_read_whatever_stands_in_them() {
        let read = |body| response(&answer(200, body)).unwrap().rows;
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(read(r#"{"rows":[["{\"a\":\"\\\"\"}"]],"rowCount":1}"#), [[text(r#"{"a":"\""}"#)]]);
        assert_eq!(read(r#"{"rows":[["a\nb \u0041"]]}"#), [[text("a\nb A")]]);
        assert_eq!(read(r#"{"rows":[["\"rows\":[[\"x"]]}"#), [[text(r#""rows":[["x"#)]]);
        assert_eq!(read(r#"{"rows":[["1",null],["2","3"]]}"#), [[text("1"), None], [text("2"), text("3")]]);
        assert_eq!(read(r#"{"rows":[[null]]}"#), [[None]]);
        assert!(matches!(response(&answer(200, r#"{"rows":[["cut"#)), Err(Failure::Unavailable(_))));
    }
}
