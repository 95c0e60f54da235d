//! The two encodings, and compression.

use std::io::Read as _;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::field::Object;
use super::reply::Refusal;

/// What a request may weigh, as it comes and when it is decompressed: what the specification recommends.
pub const MAX_REQUEST_BYTES: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Json,
    Protobuf,
}

impl Wire {
    /// By the type of a request, which its answer has too.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let media = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let media = media.split(';').next().unwrap_or_default().trim();
        let known = [Self::Json, Self::Protobuf];
        known.into_iter().find(|wire| wire.media().eq_ignore_ascii_case(media))
    }

    pub const fn media(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }

    pub fn read<M: prost::Message + Default + DeserializeOwned>(self, body: &[u8]) -> Result<M, Refusal> {
        match self {
            Self::Json => serde_json::from_slice::<Object<M>>(body)
                .map(|object| object.0)
                .map_err(|error| Refusal::invalid(format!("this is no OTLP in JSON: {error}"))),
            Self::Protobuf => {
                M::decode(body).map_err(|error| Refusal::invalid(format!("this is no OTLP in protobuf: {error}")))
            }
        }
    }

    /// An answer, given in both forms.
    pub fn answer(self, status: StatusCode, json: &Value, message: &impl prost::Message) -> Response {
        let body = match self {
            Self::Json => Body::from(json.to_string()),
            Self::Protobuf => Body::from(message.encode_to_vec()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media()));
        response
    }
}

/// The body as it was before it was compressed.
pub fn decompress(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Refusal> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim());
    match encoding {
        None | Some("" | "identity") => Ok(body),
        Some("gzip") => {
            let mut plain = Vec::new();
            let mut decoder = MultiGzDecoder::new(&body[..]).take(MAX_REQUEST_BYTES as u64 + 1);
            decoder.read_to_end(&mut plain).map_err(|error| Refusal::invalid(format!("this is no gzip: {error}")))?;
            if plain.len() > MAX_REQUEST_BYTES { Err(Refusal::too_large(MAX_REQUEST_BYTES)) } else { Ok(plain.into()) }
        }
        Some(other) => Err(Refusal::invalid(format!("unsupported Content-Encoding: {other}; send gzip, or none"))),
    }
}
