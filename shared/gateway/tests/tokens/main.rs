//! Tokens of every kind, good and bad, and what is thought of each.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod curve;
mod keys;
mod table;

use makegood_core::guard::{Role, Tier};
use makegood_core::time::Millis;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use keys::{ALGS, EC_X, EC_Y, ED_X, ISSUER, RSA_N, Signer, USER, decode, encode, published, rules};
use makegood_gateway::jwt::{Distrust, Issuer, Jwks, Token, Verified, issuers, signature};
use table::{NO_HEADER, TABLE, remove};

/// The payload of RFC 7515's examples.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const NOW: u64 = 1_777_636_800;

fn signer(alg: &'static str) -> Signer {
    Signer { alg, now: NOW }
}

fn keys(set: &Value) -> Jwks {
    Jwks::read(set.to_string().as_bytes()).unwrap()
}

fn well_known() -> String {
    format!("{ISSUER}/.well-known/jwks.json")
}

/// Clerk's, with its pages; and for an audience.
fn trusted() -> Issuer {
    issuers("", &rules(&well_known())).unwrap().remove(0)
}

fn judge(text: &str) -> Result<Verified, Distrust> {
    judge_by(&trusted(), &keys(&published()), text)
}

fn judge_by(issuer: &Issuer, keys: &Jwks, text: &str) -> Result<Verified, Distrust> {
    issuer.verify(&Token::parse(text)?, keys, Millis(NOW * 1000))
}

#[test]
fn every_token_of_the_table_is_judged_right() {
    let ada = Verified { name: USER.to_owned(), role: Role::User, tier: Tier::Free };
    for alg in ALGS {
        for (what, make, judged) in TABLE {
            assert_eq!(judge(&make(&signer(alg))), judged.map(|()| ada.clone()), "{alg}: {what}");
        }
    }
    for what in NO_HEADER {
        assert!(TABLE.iter().any(|(row, ..)| *row == what), "{what}");
    }
}

#[test]
fn clocks_may_differ_by_five_seconds_and_no_more() {
    let edges: [(&str, u64, Result<(), Distrust>); 6] = [
        ("exp", NOW - 4, Ok(())),
        ("exp", NOW - 5, Err(Distrust::Expired)),
        ("nbf", NOW + 5, Ok(())),
        ("nbf", NOW + 6, Err(Distrust::Early)),
        ("iat", NOW + 5, Ok(())),
        ("iat", NOW + 6, Err(Distrust::Early)),
    ];
    for (claim, time, judged) in edges {
        let token = signer("EdDSA").with(|_, claims| claims[claim] = json!(time));
        assert_eq!(judge(&token).map(|_| ()), judged, "{claim} {time}");
    }
}

#[test]
fn a_key_signs_with_its_own_algorithm_and_no_other() {
    for alg in ALGS {
        for other in ALGS.into_iter().filter(|other| *other != alg) {
            // The header says one algorithm, the key's name is of another's, and the signature of either.
            let mixed = json!({"alg": alg, "kid": signer(other).kid()}).to_string();
            for by in [alg, other] {
                let token = signer(by).sign(&mixed, &signer(by).claims().to_string());
                assert_eq!(judge(&token), Err(Distrust::Key), "{alg} with the key for {other}");
            }
            let (header, claims) = (signer(alg).header().to_string(), signer(alg).claims().to_string());
            let forged = signer(other).sign(&header, &claims);
            assert_eq!(judge(&forged), Err(Distrust::Signature), "{alg}, signed with {other}");
        }
    }
}

/// Every bit of header, claims, signature, and of the full stops between them.
#[test]
fn one_flipped_bit_anywhere_refuses() {
    let (issuer, keys) = (trusted(), keys(&published()));
    for alg in ALGS {
        let good = signer(alg).with(|_, _| {});
        assert!(judge_by(&issuer, &keys, &good).is_ok());
        let mut flips = 0;
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone().into_bytes();
                bytes[place] ^= 1 << bit;
                // What is no text is no header of a request.
                let Ok(text) = String::from_utf8(bytes) else { continue };
                assert!(judge_by(&issuer, &keys, &text).is_err(), "{alg}: bit {bit} of byte {place} of {text}");
                flips += 1;
            }
        }
        assert!(flips >= good.len() * 7, "{alg}: {flips} of {}", good.len() * 8);
        // And of the bytes that they stand for, spelled well again: other bits than those of the letters.
        let parts: Vec<Vec<u8>> = good.split('.').map(decode).collect();
        for part in 0..3 {
            for bit in 0..8 * parts[part].len() {
                let mut parts = parts.clone();
                parts[part][bit / 8] ^= 1 << (bit % 8);
                let text: Vec<String> = parts.iter().map(encode).collect();
                let text = text.join(".");
                assert!(judge_by(&issuer, &keys, &text).is_err(), "{alg}: bit {bit} of part {part} of {text}");
            }
        }
    }
}

#[test]
fn every_spelling_of_the_same_bytes_but_one_is_refused() {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for alg in ALGS {
        let good = signer(alg).with(|_, _| {});
        let last = good.chars().last().unwrap();
        let spellings = LETTERS
            .iter()
            .filter(|letter| char::from(**letter) != last)
            .map(|letter| format!("{}{}", &good[..good.len() - 1], char::from(*letter)));
        for spelling in spellings {
            assert!(judge(&spelling).is_err(), "{alg}: {spelling}");
        }
    }
}

/// What is done to a key.
type Change<'a> = &'a dyn Fn(&mut Value);

#[test]
fn keys_that_are_weak_or_for_something_else_check_nothing() {
    let good = published();
    let changed = |place: usize, change: Change<'_>| {
        let mut set = good.clone();
        change(&mut set["keys"][place]);
        judge_by(&trusted(), &keys(&set), &signer(ALGS[place]).with(|_, _| {}))
    };
    let weak_n = encode(&decode(RSA_N)[..255]);
    let even_n = encode([&decode(RSA_N)[..255], &[0x10]].concat());
    let long_n = encode([&[0xff; 257][..], &decode(RSA_N)].concat());
    let refusals: &[(&str, usize, Change<'_>)] = &[
        ("for encryption", 0, &|key| key["use"] = json!("enc")),
        ("for another algorithm", 0, &|key| key["alg"] = json!("RS512")),
        ("for PSS", 0, &|key| key["alg"] = json!("PS256")),
        ("for wrapping", 0, &|key| key["alg"] = json!("RSA-OAEP")),
        ("only to sign with", 0, &|key| key["key_ops"] = json!(["sign"])),
        ("another type", 0, &|key| key["kty"] = json!("EC")),
        ("2040 bits", 0, &|key| key["n"] = json!(weak_n)),
        ("4104 bits", 0, &|key| key["n"] = json!(long_n)),
        ("an even modulus", 0, &|key| key["n"] = json!(even_n)),
        ("no modulus", 0, &|key| key["n"] = json!("")),
        ("modulus with padding", 0, &|key| key["n"] = json!(format!("{RSA_N}=="))),
        ("exponent 1", 0, &|key| key["e"] = json!("AQ")),
        ("exponent 3", 0, &|key| key["e"] = json!("Aw")),
        ("an even exponent", 0, &|key| key["e"] = json!("AQAC")),
        ("a long exponent", 0, &|key| key["e"] = json!("AQABAQAB")),
        ("no exponent", 0, &|key| key["e"] = Value::Null),
        ("another curve", 1, &|key| key["crv"] = json!("P-384")),
        ("secp256k1", 1, &|key| key["crv"] = json!("secp256k1")),
        ("a short coordinate", 1, &|key| key["x"] = json!(encode(&decode(EC_X)[1..]))),
        ("a long and a short one", 1, &|key| {
            let all = [decode(EC_X), decode(EC_Y)].concat();
            (key["x"], key["y"]) = (json!(encode(&all[..33])), json!(encode(&all[33..])));
        }),
        ("X25519", 2, &|key| key["crv"] = json!("X25519")),
        ("Ed448", 2, &|key| key["crv"] = json!("Ed448")),
        ("a short point", 2, &|key| key["x"] = json!(encode(&decode(ED_X)[1..]))),
        ("no name", 2, &|key| remove(key, "kid")),
        ("an empty name", 2, &|key| key["kid"] = json!("")),
    ];
    for (what, place, change) in refusals {
        assert_eq!(changed(*place, *change), Err(Distrust::Key), "{what}");
    }
    // Nothing on the curve, or of small order: there is a key, and nothing fits it.
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(changed(1, &|key| key["y"] = json!(EC_X)), Err(Distrust::Signature));
    assert_eq!(
        changed(1, &|key| (key["x"], key["y"]) = (json!(encode([0; 32])), json!(encode([0; 32])))),
        Err(Distrust::Signature)
    );
    assert_eq!(changed(2, &|key| key["x"] = json!(encode(identity))), Err(Distrust::Signature));
    // The modulus may have zeros before it, as some write it.
    assert!(changed(0, &|key| key["n"] = json!(encode([vec![0], decode(RSA_N)].concat()))).is_ok());
    assert!(changed(0, &|key| remove(key, "alg")).is_ok());
    assert!(changed(0, &|key| key["use"] = json!("sig")).is_ok());
}

#[test]
fn no_signature_fits_a_point_of_small_order() {
    // S = 0 and R = A = the identity satisfies the equation for every message, where nobody looks at the order.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    for message in [&b"one"[..], b"another"] {
        assert!(!signature::ed25519::fits(&identity, message, &signature));
    }
}

/// What the code makes of a number is what a library of large numbers makes of it: for moduli of several lengths, and
/// exponents of all kinds, a message's encoding fits the number whose power it is and no other.
#[test]
fn powers_are_those_of_a_library() {
    use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
    use crypto_bigint::{BoxedUint, Odd};

    for (nth, bytes) in [256_usize, 257, 259, 320, 384, 512].into_iter().enumerate() {
        let stream = |salt: usize| -> Vec<u8> {
            let block = |at: usize| Sha256::digest(format!("{nth} {salt} {at}")).to_vec();
            (0..bytes.div_ceil(32)).flat_map(block).take(bytes).collect()
        };
        let mut n = stream(0);
        (n[0], n[bytes - 1]) = (n[0] | 0x80, n[bytes - 1] | 1);
        let bits = u32::try_from(8 * bytes).unwrap();
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits).unwrap();
        let modulus: Option<_> = Odd::new(number(&n)).into();
        let params = BoxedMontyParams::new_vartime(modulus.unwrap());
        let edges = [vec![0; bytes], [vec![0; bytes - 1], vec![1]].concat(), {
            let mut last = n.clone();
            last[bytes - 1] -= 1;
            last
        }];
        for base in edges.into_iter().chain((1..6).map(|salt| {
            let mut base = stream(salt);
            base[0] &= 0x7f;
            base
        })) {
            for e in [65_537_u32, 65_539, 0x8000_0001, u32::MAX, 3, 1] {
                let wanted = BoxedMontyForm::new(number(&base), &params).pow(&BoxedUint::from(e)).retrieve();
                let wanted = wanted.to_be_bytes();
                let wanted = &wanted[wanted.len() - bytes..];
                assert_eq!(signature::rsa::power(&base, e, &n), wanted, "{bytes} bytes, exponent {e}");
            }
        }
    }
}

#[test]
fn a_signature_of_ecdsa_is_not_taken_in_der() {
    let text = signer("ES256").with(|_, _| {});
    let (signed, made) = text.rsplit_once('.').unwrap();
    let made = p256::ecdsa::Signature::from_slice(&decode(made)).unwrap();
    let (r, s) = (made.r().to_bytes(), made.s().to_bytes());
    let number = |bytes: &[u8]| {
        let bytes: Vec<u8> = if bytes[0] >= 0x80 { [&[0], bytes].concat() } else { bytes.to_vec() };
        [vec![2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    let both = [number(&r), number(&s)].concat();
    let der = [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat();
    assert_eq!(judge(&format!("{signed}.{}", encode(der))), Err(Distrust::Signature));
}

#[test]
fn a_signature_of_rsa_is_one_number_below_the_modulus() {
    let text = signer("RS256").with(|_, _| {});
    let (signed, made) = text.rsplit_once('.').unwrap();
    // The same number, once more the modulus: the power is the same.
    let (made, n) = (decode(made), decode(RSA_N));
    let mut carry = 0;
    let mut sum: Vec<u8> = Vec::new();
    for (a, b) in made.iter().rev().zip(n.iter().rev()) {
        let all = u16::from(*a) + u16::from(*b) + carry;
        sum.insert(0, u8::try_from(all % 256).unwrap());
        carry = all / 256;
    }
    if carry > 0 {
        sum.insert(0, u8::try_from(carry).unwrap());
    }
    assert_eq!(judge(&format!("{signed}.{}", encode(sum))), Err(Distrust::Signature));
}

#[test]
fn the_rfcs_own_examples_fit_and_not_with_another_text() {
    let header = |json: &str| encode(json);
    // RFC 7515, A.2.1 and A.2.2.
    let rsa = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let signed = format!("{}.{PAYLOAD}", header(r#"{"alg":"RS256"}"#));
    let n = decode(RSA_N);
    assert!(signature::rsa::fits(&n, 65_537, signed.as_bytes(), &decode(rsa)));
    assert!(!signature::rsa::fits(&n, 65_537, format!("{signed}x").as_bytes(), &decode(rsa)));
    assert_eq!(encode(signer("RS256").signature(&signed)), rsa);
    // A.3.
    let ec = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let signed = format!("{}.{PAYLOAD}", header(r#"{"alg":"ES256"}"#));
    let point: [u8; 64] = [decode(EC_X), decode(EC_Y)].concat().try_into().unwrap();
    assert!(signature::p256::fits(&point, signed.as_bytes(), &decode(ec)));
    assert!(!signature::p256::fits(&point, format!("{signed}x").as_bytes(), &decode(ec)));
    // RFC 8037, A.4.
    let ed = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let signed = format!("{}.{}", header(r#"{"alg":"EdDSA"}"#), encode("Example of Ed25519 signing"));
    let point: [u8; 32] = decode(ED_X).try_into().unwrap();
    assert!(signature::ed25519::fits(&point, signed.as_bytes(), &decode(ed)));
    assert!(!signature::ed25519::fits(&point, format!("{signed}x").as_bytes(), &decode(ed)));
    assert_eq!(encode(signer("EdDSA").signature(&signed)), ed);
}

#[test]
fn roles_and_tiers_are_read_where_the_issuer_says_they_are() {
    let with_rules = |rules: Value, extra: Value| {
        let rules = json!({ISSUER: rules}).to_string();
        let issuer = issuers(&well_known(), &rules).unwrap().remove(0);
        let mut says = signer("EdDSA").claims();
        says.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let token = signer("EdDSA").with(|_, claims| *claims = says);
        let found = judge_by(&issuer, &keys(&published()), &token).unwrap();
        (found.role, found.tier, found.name)
    };
    let usual = |extra: Value| {
        let (role, tier, _) = with_rules(json!({}), extra);
        (role, tier)
    };
    assert_eq!(usual(json!({})), (Role::User, Tier::Free));
    assert_eq!(usual(json!({"roles": "operator", "tier": "premium"})), (Role::Operator, Tier::Premium));
    assert_eq!(
        usual(json!({"roles": ["guest", "approver", "user"]})).0,
        Role::Approver,
        "the highest of those we know"
    );
    for none in
        [json!("root"), json!(["Admin"]), json!({"admin": true}), json!(7), json!(null), json!("admin operator")]
    {
        assert_eq!(usual(json!({"roles": none, "tier": none})), (Role::User, Tier::Free), "{none}");
    }
    assert_eq!(usual(json!({"o": {"rol": "admin"}})).0, Role::User, "an organisation's admin is not ours");
    let clerk = json!({"roles": "metadata.role", "tier": "pla"});
    let (role, tier, _) = with_rules(clerk, json!({"metadata": {"role": "admin"}, "pla": "u:enterprise"}));
    assert_eq!((role, tier), (Role::Admin, Tier::Enterprise));
    let spaced = json!({"roles": "https://app.test/roles"});
    assert_eq!(with_rules(spaced, json!({"https://app.test/roles": ["operator"]})).0, Role::Operator);
    assert_eq!(with_rules(json!({"prefix": "clerk:"}), json!({})).2, "clerk:user_2abc");
}
