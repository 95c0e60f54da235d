//! The OpenAPI document against the code that it is made of, and against what a running platform answers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod answers;
mod contract;
mod document;
