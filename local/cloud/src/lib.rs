//! Local stand-ins for cloud services: those the functions call over HTTP, QStash v2
//! ([`qstash`]) and Upstash Redis REST ([`redis`]), an OpenAI-compatible model
//! ([`llm`]), Ably's channels ([`ably`]), servers of tools ([`mcp`]), an issuer of
//! users' tokens ([`issuer`]), and a receiver of telemetry ([`otlp`]).
//!
//! Each is a library that yields an `axum::Router`; the host decides where it
//! listens and how deliveries travel. None is ever kinder than the service
//! it stands for: duplicates, back-off, deduplication windows, signatures and
//! limits are real. There is no binary here.

pub mod ably;
mod answer;
mod clock;
pub mod faults;
pub mod folder;
pub mod issuer;
pub mod llm;
pub mod mcp;
mod origin;
pub mod otlp;
mod percent;
pub mod qstash;
pub mod redis;
mod text;

pub use ably::Ably;
pub use clock::Clock;
pub use issuer::Issuer;
pub use llm::Model;
pub use mcp::Mcp;
pub use otlp::Otlp;
pub use qstash::{Deliver, QStash};
pub use redis::Redis;
