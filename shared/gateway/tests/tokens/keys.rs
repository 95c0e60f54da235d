//! One key of each kind, from the RFCs' examples, as an issuer publishes them; and tokens that are signed with them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// RFC 7515, appendix A.2.
pub const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RSA_D: &str = "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ";
/// RFC 7515, appendix A.3.
pub const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
pub const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const EC_D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
/// RFC 8037, appendix A.1.
pub const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

pub const ISSUER: &str = "https://clerk.test";
pub const PAGE: &str = "https://app.test";
pub const USER: &str = "user_2abc";

pub const ALGS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The set of the issuer's keys, with a secret among them, which has no business there.
pub fn published() -> Value {
    json!({"keys": [
        {"kty": "RSA", "kid": "rsa", "alg": "RS256", "use": "sig", "n": RSA_N, "e": "AQAB"},
        {"kty": "EC", "kid": "ec", "alg": "ES256", "crv": "P-256", "x": EC_X, "y": EC_Y},
        {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": ED_X, "key_ops": ["verify"]},
        {"kty": "oct", "kid": "secret", "alg": "HS256", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"},
    ]})
}

/// What the issuer's tokens must say, as the setting has it, where its keys are at `jwks`.
pub fn rules(jwks: &str) -> String {
    let page = [PAGE, "https://other.test"];
    json!({ISSUER: {"jwks": jwks, "parties": page, "audience": ["makegood", "api"]}}).to_string()
}

/// Signs with the key that goes with `alg`, at `now`, in seconds.
pub struct Signer {
    pub alg: &'static str,
    pub now: u64,
}

impl Signer {
    pub fn kid(&self) -> &'static str {
        match self.alg {
            "RS256" => "rsa",
            "ES256" => "ec",
            _ => "ed",
        }
    }

    pub fn header(&self) -> Value {
        json!({"alg": self.alg, "kid": self.kid(), "typ": "JWT"})
    }

    /// As Clerk has them.
    pub fn claims(&self) -> Value {
        json!({
            "iss": ISSUER, "sub": USER, "azp": PAGE, "aud": "makegood",
            "iat": self.now - 30, "nbf": self.now - 40, "exp": self.now + 60, "sid": "sess_1", "v": 2,
        })
    }

    pub fn signature(&self, signed: &str) -> Vec<u8> {
        match self.alg {
            "RS256" => sign_with_rsa(signed.as_bytes()),
            "ES256" => {
                let key = p256::ecdsa::SigningKey::from_slice(&decode(EC_D)).unwrap();
                let made: p256::ecdsa::Signature = key.sign_prehash(&Sha256::digest(signed)).unwrap();
                made.to_bytes().to_vec()
            }
            _ => {
                use ed25519_dalek::{Signer, SigningKey};
                let seed: [u8; 32] = decode(ED_D).try_into().unwrap();
                SigningKey::from_bytes(&seed).sign(signed.as_bytes()).to_bytes().to_vec()
            }
        }
    }

    /// A token of these texts.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.signature(&signed);
        format!("{signed}.{}", encode(signature))
    }

    /// A good token, but for what is changed before it is signed.
    pub fn with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = (self.header(), self.claims());
        change(&mut header, &mut claims);
        self.sign(&header.to_string(), &claims.to_string())
    }
}

/// EMSA-PKCS1-v1_5 (RFC 8017, section 9.2) to the power of the private exponent.
fn sign_with_rsa(message: &[u8]) -> Vec<u8> {
    use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
    use crypto_bigint::{BoxedUint, Odd};

    let info = "3031300d060960864801650304020105000420";
    let info = (0..info.len()).step_by(2).map(|at| u8::from_str_radix(&info[at..at + 2], 16).unwrap());
    let mut encoded = vec![0, 1];
    encoded.extend([0xff; 202]);
    encoded.push(0);
    encoded.extend(info);
    encoded.extend(Sha256::digest(message));
    let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, 2048).unwrap();
    let modulus: Option<_> = Odd::new(number(&decode(RSA_N))).into();
    let params = BoxedMontyParams::new_vartime(modulus.unwrap());
    BoxedMontyForm::new(number(&encoded), &params).pow(&number(&decode(RSA_D))).retrieve().to_be_bytes().to_vec()
}
