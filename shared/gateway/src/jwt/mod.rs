//! JSON Web Tokens (RFC 7519). Two kinds, and nothing that reads the one takes the other:
//!
//! * those that issuers sign for users, with keys that they publish: RS256, ES256 and EdDSA. [`Token::parse`] reads one,
//!   [`Jwks`] the keys, and [`Issuer::verify`] says whom it stands for.
//! * those that the queue signs its deliveries with, under a key that we share with it: HS256 ([`sign`], [`verify`]).
//!
//! Deliberately absent: encryption, other algorithms, keys that come with the token (`jwk`, `jku`, `x5u`: they are never
//! looked at), and whatever a token calls critical.

mod claims;
mod hmac;
mod issuer;
mod jwks;
pub mod signature;
mod token;

pub use claims::{LONGEST_SUBJECT, SKEW, Verified};
pub use hmac::{body_hash, sign, verify};
pub use issuer::{Issuer, issuers};
pub use jwks::{Jwk, Jwks};
pub use token::{Alg, LONGEST, Token};

/// Why a token is not believed. For the log: whoever sent it is told one sentence, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Not three parts of base64url with JSON objects in the first two, or too long.
    Malformed,
    /// A member stands twice in an object, so that two readers could read two things.
    Repeated,
    /// None of the algorithms that are allowed.
    Algorithm,
    /// It names extensions that must be understood (`crit`).
    Critical,
    /// It says that it is another kind of token (`typ`).
    Type,
    /// It does not say which key it is signed with (`kid`).
    Unnamed,
    /// Signed in the name of an issuer that is not trusted.
    Issuer,
    /// The issuer has no such key, or not for this algorithm, or it is too weak.
    Key,
    Signature,
    /// It does not say when it ends, or a time is no number.
    Untimed,
    Expired,
    /// Before its `nbf`, or issued in the future.
    Early,
    /// Made for another audience.
    Audience,
    /// Made for another party, or it does not say for which.
    Party,
    /// It stands for nobody, or for what no user is called.
    Subject,
    /// Its user has signed in and has still something to do, as Clerk has it (`sts`).
    Pending,
    /// Of a delivery: past its `exp`, or before its `nbf`.
    Time,
    /// Of a delivery: another issuer, address or body than it was made for.
    Claims,
}

impl std::fmt::Display for Distrust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the token is no JWT",
            Self::Repeated => "the token has a member twice",
            Self::Algorithm => "the token's algorithm is not allowed",
            Self::Critical => "the token has critical extensions",
            Self::Type => "the token is of another kind",
            Self::Unnamed => "the token names no key",
            Self::Issuer => "the token's issuer is not trusted",
            Self::Key => "the token's issuer has no such key",
            Self::Signature => "the signature does not fit",
            Self::Untimed => "the token's times are missing, or none",
            Self::Expired => "the token has expired",
            Self::Early => "the token is not valid yet",
            Self::Audience => "the token is for another audience",
            Self::Party => "the token is for another party",
            Self::Subject => "the token's subject is no user",
            Self::Pending => "the token's session is pending",
            Self::Time => "the token is not valid at this time",
            Self::Claims => "the token was made for something else",
        })
    }
}

impl std::error::Error for Distrust {}
