//! The table of tokens, good and bad. Here it is judged what each is; `tests/endpoints` sends the same to the functions
//! as they run.

use hmac::{Hmac, KeyInit, Mac};
use makegood_gateway::jwt::Distrust;
use serde_json::{Value, json};
use sha2::Sha256;

use super::keys::{ISSUER, PAGE, RSA_N, Signer, USER, decode, encode, published};

/// What a token is, how it is made, and what is to be thought of it.
pub type Row = (&'static str, fn(&Signer) -> String, Result<(), Distrust>);

/// No request can carry these in a header.
pub const NO_HEADER: [&str; 1] = ["a line's end"];

/// Every row is of every algorithm.
pub const TABLE: &[Row] = &[
    // Good ones.
    ("good", |key| key.with(|_, _| {}), Ok(())),
    ("no typ", |key| key.with(|header, _| remove(header, "typ")), Ok(())),
    ("an access token", |key| key.with(|header, _| header["typ"] = json!("at+jwt")), Ok(())),
    ("typ in small letters", |key| key.with(|header, _| header["typ"] = json!("jwt")), Ok(())),
    ("a header that we do not know", |key| key.with(|header, _| header["cat"] = json!("x")), Ok(())),
    ("no iat", |key| key.with(|_, claims| remove(claims, "iat")), Ok(())),
    ("no nbf", |key| key.with(|_, claims| remove(claims, "nbf")), Ok(())),
    ("a fraction of a second", |key| key.with(|_, claims| claims["exp"] = json!(key.now as f64 + 60.5)), Ok(())),
    ("several audiences", |key| key.with(|_, claims| claims["aud"] = json!(["another", "api"])), Ok(())),
    ("the other page", |key| key.with(|_, claims| claims["azp"] = json!("https://other.test")), Ok(())),
    ("an active session", |key| key.with(|_, claims| claims["sts"] = json!("active")), Ok(())),
    // Signed with nothing, or with what is public.
    ("alg none", |key| unsigned(key, "none"), Err(Distrust::Algorithm)),
    ("alg None", |key| unsigned(key, "None"), Err(Distrust::Algorithm)),
    ("alg none, with a signature", |key| alg(key, "none"), Err(Distrust::Algorithm)),
    ("HMAC confusion: the modulus", |key| hmac(key, "HS256", &decode(RSA_N)), Err(Distrust::Algorithm)),
    ("HMAC confusion: its text", |key| hmac(key, "HS256", RSA_N.as_bytes()), Err(Distrust::Algorithm)),
    ("HMAC confusion: the whole key", |key| hmac(key, "HS256", own_key(key).as_bytes()), Err(Distrust::Algorithm)),
    ("HMAC confusion: nothing", |key| hmac(key, "HS256", b""), Err(Distrust::Algorithm)),
    ("HMAC confusion: under its alg", |key| hmac(key, key.alg, own_key(key).as_bytes()), Err(Distrust::Signature)),
    ("HMAC confusion: the published secret", with_the_secret, Err(Distrust::Algorithm)),
    // Other algorithms.
    ("alg HS256", |key| alg(key, "HS256"), Err(Distrust::Algorithm)),
    ("alg RS512", |key| alg(key, "RS512"), Err(Distrust::Algorithm)),
    ("alg PS256", |key| alg(key, "PS256"), Err(Distrust::Algorithm)),
    ("alg ES256K", |key| alg(key, "ES256K"), Err(Distrust::Algorithm)),
    ("alg in small letters", |key| alg(key, &key.alg.to_lowercase()), Err(Distrust::Algorithm)),
    ("no alg", |key| key.with(|header, _| remove(header, "alg")), Err(Distrust::Algorithm)),
    ("alg is a list", |key| key.with(|header, _| header["alg"] = json!([key.alg])), Err(Distrust::Algorithm)),
    // Other keys.
    ("wrong kid", |key| key.with(|header, _| header["kid"] = json!("rolled")), Err(Distrust::Key)),
    ("kid of another alg", |key| key.with(|header, _| header["kid"] = json!(other(key).kid())), Err(Distrust::Key)),
    ("kid of a secret", |key| key.with(|header, _| header["kid"] = json!("secret")), Err(Distrust::Key)),
    ("no kid", |key| key.with(|header, _| remove(header, "kid")), Err(Distrust::Unnamed)),
    ("empty kid", |key| key.with(|header, _| header["kid"] = json!("")), Err(Distrust::Unnamed)),
    ("kid is a number", |key| key.with(|header, _| header["kid"] = json!(1)), Err(Distrust::Unnamed)),
    ("long kid", |key| key.with(|header, _| header["kid"] = json!("k".repeat(201))), Err(Distrust::Unnamed)),
    ("a key that comes with it", with_its_own_key, Err(Distrust::Signature)),
    ("another's key", |key| other(key).sign(&key.header().to_string(), &says(key)), Err(Distrust::Signature)),
    // Of another kind.
    ("crit", |key| key.with(|header, _| header["crit"] = json!(["exp"])), Err(Distrust::Critical)),
    ("empty crit", |key| key.with(|header, _| header["crit"] = json!([])), Err(Distrust::Critical)),
    ("a logout token", |key| key.with(|header, _| header["typ"] = json!("logout+jwt")), Err(Distrust::Type)),
    ("typ is a number", |key| key.with(|header, _| header["typ"] = json!(1)), Err(Distrust::Type)),
    // Of somebody else.
    ("another issuer", |key| claim(key, "iss", json!("https://evil.test")), Err(Distrust::Issuer)),
    ("the issuer with a slash", |key| claim(key, "iss", json!(format!("{ISSUER}/"))), Err(Distrust::Issuer)),
    ("no issuer", |key| key.with(|_, claims| remove(claims, "iss")), Err(Distrust::Issuer)),
    ("issuer in a list", |key| claim(key, "iss", json!([ISSUER])), Err(Distrust::Issuer)),
    // At another time.
    ("expired", |key| claim(key, "exp", json!(key.now - 30)), Err(Distrust::Expired)),
    ("long expired", |key| claim(key, "exp", json!(0)), Err(Distrust::Expired)),
    ("exp before 1970", |key| claim(key, "exp", json!(-1)), Err(Distrust::Expired)),
    ("future: not before", |key| claim(key, "nbf", json!(key.now + 600)), Err(Distrust::Early)),
    ("future: issued", |key| claim(key, "iat", json!(key.now + 600)), Err(Distrust::Early)),
    ("no exp", |key| key.with(|_, claims| remove(claims, "exp")), Err(Distrust::Untimed)),
    ("exp is a text", |key| claim(key, "exp", json!((key.now + 30).to_string())), Err(Distrust::Untimed)),
    ("exp is null", |key| claim(key, "exp", Value::Null), Err(Distrust::Untimed)),
    ("nbf is a text", |key| claim(key, "nbf", json!("now")), Err(Distrust::Untimed)),
    ("iat is a text", |key| claim(key, "iat", json!("now")), Err(Distrust::Untimed)),
    // For somebody else.
    ("wrong audience", |key| claim(key, "aud", json!("makegood2")), Err(Distrust::Audience)),
    ("wrong audiences", |key| claim(key, "aud", json!(["a", "b"])), Err(Distrust::Audience)),
    ("no audience", |key| key.with(|_, claims| remove(claims, "aud")), Err(Distrust::Audience)),
    ("empty audience", |key| claim(key, "aud", json!([])), Err(Distrust::Audience)),
    ("audience is an object", |key| claim(key, "aud", json!({"makegood": true})), Err(Distrust::Audience)),
    ("wrong azp", |key| claim(key, "azp", json!("https://evil.test")), Err(Distrust::Party)),
    ("azp that begins with ours", |key| claim(key, "azp", json!(format!("{PAGE}.evil.test"))), Err(Distrust::Party)),
    ("missing azp", |key| key.with(|_, claims| remove(claims, "azp")), Err(Distrust::Party)),
    ("azp is null", |key| claim(key, "azp", Value::Null), Err(Distrust::Party)),
    // Of nobody.
    ("no subject", |key| key.with(|_, claims| remove(claims, "sub")), Err(Distrust::Subject)),
    ("empty subject", |key| claim(key, "sub", json!("")), Err(Distrust::Subject)),
    ("subject is a number", |key| claim(key, "sub", json!(7)), Err(Distrust::Subject)),
    ("subject is a list", |key| claim(key, "sub", json!([USER])), Err(Distrust::Subject)),
    ("anonymous", |key| claim(key, "sub", json!("anonymous")), Err(Distrust::Subject)),
    ("subject is a role", |key| claim(key, "sub", json!("role:approver")), Err(Distrust::Subject)),
    ("long subject", |key| claim(key, "sub", json!("s".repeat(201))), Err(Distrust::Subject)),
    ("subject with a line's end", |key| claim(key, "sub", json!("a\nb")), Err(Distrust::Subject)),
    ("subject with U+0000", |key| claim(key, "sub", json!("a\0")), Err(Distrust::Subject)),
    ("a pending session", |key| claim(key, "sts", json!("pending")), Err(Distrust::Pending)),
    // Tampered with, after it was signed.
    ("tampered: another user", |key| tampered(key, 1, USER, "user_2abd"), Err(Distrust::Signature)),
    ("tampered: a longer life", |key| tampered(key, 1, "\"exp\":", "\"exp\":1"), Err(Distrust::Signature)),
    ("tampered: another header", |key| tampered(key, 0, "JWT", "jwt"), Err(Distrust::Signature)),
    ("tampered: no signature", |key| resigned(key, |_| Vec::new()), Err(Distrust::Signature)),
    ("tampered: half a signature", |key| resigned(key, |it| it[..it.len() / 2].to_vec()), Err(Distrust::Signature)),
    ("tampered: a byte more", |key| resigned(key, |it| [it, &[0]].concat()), Err(Distrust::Signature)),
    ("tampered: a byte before", |key| resigned(key, |it| [&[0], it].concat()), Err(Distrust::Signature)),
    ("tampered: one bit", |key| resigned(key, |it| [&[it[0] ^ 1], &it[1..]].concat()), Err(Distrust::Signature)),
    ("tampered: zeros", |key| resigned(key, |it| vec![0; it.len()]), Err(Distrust::Signature)),
    ("tampered: ones", |key| resigned(key, |it| vec![0xff; it.len()]), Err(Distrust::Signature)),
    ("tampered: another's signature", |key| resigned_as(key, &parts(&other(key))[2]), Err(Distrust::Signature)),
    // Written badly.
    ("nothing", |_| String::new(), Err(Distrust::Malformed)),
    ("no full stop", |_| "token".to_owned(), Err(Distrust::Malformed)),
    ("two parts", |key| parts(key)[..2].join("."), Err(Distrust::Malformed)),
    ("four parts", |key| format!("{}.e30", parts(key).join(".")), Err(Distrust::Malformed)),
    ("five parts, as if encrypted", |key| format!("{}.a.b", parts(key).join(".")), Err(Distrust::Malformed)),
    ("padding", |key| format!("{}=", parts(key).join(".")), Err(Distrust::Malformed)),
    ("padding in the header", |key| changed(key, 0, |part| format!("{part}=")), Err(Distrust::Malformed)),
    ("base64, not base64url", |key| changed(key, 1, |part| format!("{part}+/")), Err(Distrust::Malformed)),
    ("a space", |key| changed(key, 1, |part| format!(" {part}")), Err(Distrust::Malformed)),
    ("a line's end", |key| format!("{}\n", parts(key).join(".")), Err(Distrust::Malformed)),
    ("not ASCII", |key| changed(key, 1, |part| format!("ä{part}")), Err(Distrust::Malformed)),
    ("no header", |key| changed(key, 0, |_| String::new()), Err(Distrust::Malformed)),
    ("no claims", |key| changed(key, 1, |_| String::new()), Err(Distrust::Malformed)),
    ("too long", |key| changed(key, 1, |_| "A".repeat(8 * 1024)), Err(Distrust::Malformed)),
    ("header is a list", |key| key.sign("[]", &says(key)), Err(Distrust::Malformed)),
    ("claims are a list", |key| key.sign(&key.header().to_string(), "[]"), Err(Distrust::Malformed)),
    ("claims are null", |key| key.sign(&key.header().to_string(), "null"), Err(Distrust::Malformed)),
    ("claims are no JSON", |key| key.sign(&key.header().to_string(), "{"), Err(Distrust::Malformed)),
    ("claims are followed by more", |key| respelled(key, |says| format!("{says} {{}}")), Err(Distrust::Malformed)),
    ("claims begin with a mark", |key| respelled(key, |says| format!("\u{feff}{says}")), Err(Distrust::Malformed)),
    // Members that stand twice: two readers could read two things.
    ("alg twice", |key| key.sign(&twice(&key.header(), r#""alg":"none""#), &says(key)), Err(Distrust::Repeated)),
    ("kid twice", |key| key.sign(&twice(&key.header(), r#""kid":"rolled""#), &says(key)), Err(Distrust::Repeated)),
    ("sub twice", |key| says_twice(key, r#""sub":"eve""#), Err(Distrust::Repeated)),
    ("sub twice, once escaped", |key| says_twice(key, r#""\u0073ub":"eve""#), Err(Distrust::Repeated)),
    ("exp twice", |key| says_twice(key, r#""exp":1"#), Err(Distrust::Repeated)),
    ("twice inside", |key| says_twice(key, r#""o":{"rol":"a","rol":"b"}"#), Err(Distrust::Repeated)),
];

pub fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name);
}

/// A good token's.
fn parts(key: &Signer) -> [String; 3] {
    key.with(|_, _| {}).split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

fn claim(key: &Signer, name: &str, value: Value) -> String {
    key.with(|_, claims| claims[name] = value)
}

fn alg(key: &Signer, alg: &str) -> String {
    key.with(|header, _| header["alg"] = json!(alg))
}

fn says(key: &Signer) -> String {
    key.claims().to_string()
}

/// Who signs with the next algorithm.
fn other(key: &Signer) -> Signer {
    let alg = match key.alg {
        "RS256" => "ES256",
        "ES256" => "EdDSA",
        _ => "RS256",
    };
    Signer { alg, now: key.now }
}

fn unsigned(key: &Signer, alg: &str) -> String {
    let token = self::alg(key, alg);
    format!("{}.", token.rsplit_once('.').unwrap().0)
}

/// The attack needs a verifier that takes a public key, in some form, for a secret.
fn hmac(key: &Signer, alg: &str, secret: &[u8]) -> String {
    let mut header = key.header();
    header["alg"] = json!(alg);
    let signed = format!("{}.{}", encode(header.to_string()), encode(says(key)));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encode(mac.finalize().into_bytes()))
}

fn own_key(key: &Signer) -> String {
    let all = published();
    let own = all["keys"].as_array().unwrap().iter().find(|one| one["kid"] == key.kid());
    own.unwrap().to_string()
}

fn with_the_secret(key: &Signer) -> String {
    let secret = decode(published()["keys"][3]["k"].as_str().unwrap());
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256","kid":"secret"}"#), encode(says(key)));
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encode(mac.finalize().into_bytes()))
}

/// The key that it is signed with stands in its header.
fn with_its_own_key(key: &Signer) -> String {
    let forger = other(key);
    let mut header = key.header();
    header["jwk"] = serde_json::from_str(&own_key(&forger)).unwrap();
    header["jku"] = json!("https://evil.test/jwks.json");
    forger.sign(&header.to_string(), &says(key))
}

/// One part, made into something else.
fn changed(key: &Signer, part: usize, change: impl FnOnce(&str) -> String) -> String {
    let mut parts = parts(key);
    parts[part] = change(&parts[part]);
    parts.join(".")
}

fn tampered(key: &Signer, part: usize, from: &str, to: &str) -> String {
    changed(key, part, |part| {
        let text = String::from_utf8(decode(part)).unwrap();
        assert!(text.contains(from), "{text}");
        encode(text.replace(from, to))
    })
}

fn resigned(key: &Signer, change: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    changed(key, 2, |signature| encode(change(&decode(signature))))
}

fn resigned_as(key: &Signer, signature: &str) -> String {
    changed(key, 2, |_| signature.to_owned())
}

fn respelled(key: &Signer, change: impl FnOnce(String) -> String) -> String {
    key.sign(&key.header().to_string(), &change(says(key)))
}

fn twice(object: &Value, member: &str) -> String {
    format!("{{{member},{}", &object.to_string()[1..])
}

fn says_twice(key: &Signer, member: &str) -> String {
    key.sign(&key.header().to_string(), &twice(&key.claims(), member))
}
