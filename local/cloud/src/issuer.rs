//! An issuer of users' tokens, as OpenID Connect Discovery 1.0 has them: where it is described, its keys (RFC 7517), and
//! tokens that it signs with EdDSA (RFC 8037).
//!
//! Deliberately absent: signing in. Whoever holds the issuer has it sign what they want.

use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Where its keys are, behind its own address.
pub const JWKS: &str = "/.well-known/jwks.json";

/// An issuer with one key.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its own address: the `iss` of its tokens.
    pub url: String,
    key: SigningKey,
}

impl Issuer {
    /// The same secret makes the same key.
    #[must_use]
    pub fn new(url: &str, secret: &str) -> Self {
        let seed = Sha256::digest(format!("makegood issuer {secret}"));
        Self { url: url.to_owned(), key: SigningKey::from_bytes(&seed.into()) }
    }

    /// Where its keys are.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        format!("{}{JWKS}", self.url)
    }

    /// A token that says this. What every token says is added where it is missing: `iss`.
    #[must_use]
    pub fn sign(&self, mut claims: Value) -> String {
        if claims.get("iss").is_none() {
            claims["iss"] = json!(self.url);
        }
        self.sign_as(&json!({"alg": "EdDSA", "kid": self.kid(), "typ": "JWT"}), &claims)
    }

    /// A token with another header, or none of its claims mended.
    #[must_use]
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// The key's thumbprint (RFC 7638; RFC 8037, appendix A.3).
    #[must_use]
    pub fn kid(&self) -> String {
        let x = self.point();
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
    }

    fn point(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes())
    }

    /// Its set of keys.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let key = json!({
            "kty": "OKP", "crv": "Ed25519", "x": self.point(), "kid": self.kid(), "alg": "EdDSA", "use": "sig",
        });
        json!({ "keys": [key] })
    }

    /// Serves both.
    pub fn router(&self) -> Router {
        let configuration = json!({
            "issuer": self.url, "jwks_uri": self.jwks_url(), "subject_types_supported": ["public"],
            "response_types_supported": ["none"], "id_token_signing_alg_values_supported": ["EdDSA"],
        });
        let answer = |value: Value| get(async move || Json(value));
        Router::new().route(JWKS, answer(self.jwks())).route("/.well-known/openid-configuration", answer(configuration))
    }
}
