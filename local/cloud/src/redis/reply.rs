//! A Redis reply and its JSON form (sheet: "Reply typing", "base64 encoding").

use std::{borrow::Cow, io::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

/// A RESP2 reply. Maps and sets of RESP3 are flattened to arrays.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A simple string such as `OK` or `PONG`.
    Status(Cow<'static, str>),
    Int(i64),
    Bulk(Bytes),
    Nil,
    Array(Vec<Reply>),
    /// The full error text, its code word first.
    Error(String),
}

impl Reply {
    pub const OK: Self = Self::Status(Cow::Borrowed("OK"));

    pub fn bulk(text: impl Into<Bytes>) -> Self {
        Self::Bulk(text.into())
    }

    pub fn count(n: usize) -> Self {
        Self::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }

    pub fn bulk_or_nil(value: Option<Bytes>) -> Self {
        value.map_or(Self::Nil, Self::Bulk)
    }
}

impl From<bool> for Reply {
    fn from(yes: bool) -> Self {
        Self::Int(i64::from(yes))
    }
}

/// How strings are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As text; invalid UTF-8 becomes U+FFFD.
    Plain,
    /// As base64, save a top-level `OK`.
    Base64,
    /// No JSON, but what Redis itself would send (RESP2).
    Resp2,
}

impl Encoding {
    /// Appends `{"result":..}` or `{"error":".."}`.
    pub fn write_entry(self, out: &mut Vec<u8>, reply: &Reply) {
        if self == Self::Resp2 {
            return write_resp2(out, reply);
        }
        match reply {
            Reply::Error(text) => write_error(out, text),
            Reply::Status(text) if text == "OK" => out.extend_from_slice(br#"{"result":"OK"}"#),
            Reply::Status(_) | Reply::Int(_) | Reply::Bulk(_) | Reply::Nil | Reply::Array(_) => {
                out.extend_from_slice(br#"{"result":"#);
                self.write(out, reply);
                out.push(b'}');
            }
        }
    }

    fn write(self, out: &mut Vec<u8>, reply: &Reply) {
        match reply {
            Reply::Status(text) => self.write_text(out, text.as_bytes()),
            Reply::Bulk(bytes) => self.write_text(out, bytes),
            Reply::Int(n) => write_display(out, n),
            Reply::Nil => out.extend_from_slice(b"null"),
            Reply::Array(items) => {
                out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    self.write(out, item);
                }
                out.push(b']');
            }
            // Only a script can nest an error.
            Reply::Error(text) => write_error(out, text),
        }
    }

    fn write_text(self, out: &mut Vec<u8>, text: &[u8]) {
        match self {
            Self::Plain | Self::Resp2 => write_json_string(out, &String::from_utf8_lossy(text)),
            Self::Base64 => {
                out.push(b'"');
                out.extend_from_slice(STANDARD.encode(text).as_bytes());
                out.push(b'"');
            }
        }
    }
}

fn write_resp2(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Status(text) => write_display(out, &format_args!("+{text}\r\n")),
        Reply::Error(text) => write_display(out, &format_args!("-{text}\r\n")),
        Reply::Int(n) => write_display(out, &format_args!(":{n}\r\n")),
        Reply::Nil => out.extend_from_slice(b"$-1\r\n"),
        Reply::Bulk(bytes) => {
            write_display(out, &format_args!("${}\r\n", bytes.len()));
            out.extend_from_slice(bytes);
            out.extend_from_slice(b"\r\n");
        }
        Reply::Array(items) => {
            write_display(out, &format_args!("*{}\r\n", items.len()));
            for item in items {
                write_resp2(out, item);
            }
        }
    }
}

/// Appends `{"error":".."}`; errors are never base64.
pub fn write_error(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(br#"{"error":"#);
    write_json_string(out, text);
    out.push(b'}');
}

fn write_json_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn write_display(out: &mut Vec<u8>, value: &impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(encoding: Encoding, reply: &Reply) -> String {
        let mut out = Vec::new();
        encoding.write_entry(&mut out, reply);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_a_top_level_ok_stays_plain_under_base64() {
        let nested = Reply::Array(vec![Reply::OK, Reply::Int(7), Reply::Nil]);
        assert_eq!(render(Encoding::Base64, &Reply::OK), r#"{"result":"OK"}"#);
        assert_eq!(render(Encoding::Base64, &nested), r#"{"result":["T0s=",7,null]}"#);
        assert_eq!(render(Encoding::Base64, &Reply::Status("PONG".into())), r#"{"result":"UE9ORw=="}"#);
    }

    #[test]
    fn errors_are_never_encoded() {
        let reply = Reply::Error("ERR syntax error".into());
        assert_eq!(render(Encoding::Base64, &reply), r#"{"error":"ERR syntax error"}"#);
    }

    #[test]
    fn invalid_utf8_is_replaced_only_without_base64() {
        let reply = Reply::bulk(&b"\xff\""[..]);
        assert_eq!(render(Encoding::Plain, &reply), "{\"result\":\"\u{fffd}\\\"\"}");
        assert_eq!(render(Encoding::Base64, &reply), r#"{"result":"/yI="}"#);
    }
}
