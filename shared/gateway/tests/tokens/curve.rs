//! What the code makes of signatures over P-256 is what a library makes of them.

use makegood_gateway::jwt::signature::p256::fits;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::elliptic_curve::PrimeField;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::sec1::{FromSec1Point, ToSec1Point};
use p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar, Sec1Point};
use sha2::{Digest, Sha256};

/// How many points there are.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn bytes(hexadecimal: &str) -> [u8; 32] {
    let byte = |at: usize| u8::from_str_radix(&hexadecimal[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

/// A number that has nothing to do with any other.
fn number(name: &str) -> [u8; 32] {
    Sha256::digest(name).into()
}

fn less_one(mut number: [u8; 32]) -> [u8; 32] {
    number[31] -= 1;
    number
}

fn library(point: &[u8; 64], message: &[u8], signature: &[u8]) -> bool {
    let sec1 = [&[4], &point[..]].concat();
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    let hash = Sha256::digest(message);
    VerifyingKey::from_sec1_bytes(&sec1).is_ok_and(|key| key.verify_prehash(&hash, &signature).is_ok())
}

fn coordinates(point: &Sec1Point) -> [u8; 64] {
    point.as_bytes()[1..].try_into().unwrap()
}

#[test]
fn what_fits_a_point_of_p_256_is_what_a_library_says_fits() {
    let order = bytes(ORDER);
    // Among them the base point itself, what is opposite to it, and twice it: where adding points has cases of its own.
    let mut two = [0; 32];
    two[31] = 2;
    let secrets = [less_one(two), two, less_one(order), less_one(less_one(order))];
    let secrets = secrets.into_iter().chain((0..12).map(|nth| number(&format!("secret {nth}"))));
    for (nth, secret) in secrets.enumerate() {
        let key = SigningKey::from_slice(&secret).unwrap();
        let point = coordinates(&key.verifying_key().to_sec1_point(false));
        let other =
            coordinates(&SigningKey::from_slice(&number("other")).unwrap().verifying_key().to_sec1_point(false));
        let message = format!("message {nth}");
        let signature: Signature = key.sign_prehash(&Sha256::digest(&message)).unwrap();
        let good = signature.to_bytes().to_vec();
        let (r, s) = good.split_at(32);
        assert!(fits(&point, message.as_bytes(), &good), "{nth}");
        let turned: [u8; 32] = (-*signature.s().as_ref()).to_repr().into();
        assert!(fits(&point, message.as_bytes(), &[r, &turned].concat()), "-s is as good as s");
        let mut bad: Vec<([u8; 64], &str, Vec<u8>)> = vec![
            (point, "another", good.clone()),
            (other, &message, good.clone()),
            (point, &message, [s, r].concat()),
            (point, &message, good[..63].to_vec()),
            (point, &message, [&good[..], &[0]].concat()),
            (point, &message, Vec::new()),
        ];
        for edge in [[0; 32], less_one(two), less_one(order), order, [0xff; 32]] {
            bad.push((point, &message, [&edge[..], s].concat()));
            bad.push((point, &message, [r, &edge[..]].concat()));
            bad.push((point, &message, [edge, edge].concat()));
        }
        for place in 0..64 {
            let (mut signature, mut point) = (good.clone(), point);
            signature[place] ^= 1 << (place % 8);
            point[place] ^= 1 << (place % 8);
            bad.push((coordinates(&key.verifying_key().to_sec1_point(false)), &message, signature));
            bad.push((point, &message, good.clone()));
        }
        for (point, message, signature) in bad {
            let told = fits(&point, message.as_bytes(), &signature);
            assert_eq!(
                told,
                library(&point, message.as_bytes(), &signature),
                "{nth}: {message} {signature:?} {point:?}"
            );
            assert!(!told, "{nth}: {message} {signature:?} {point:?}");
        }
    }
}

/// A signature's r is an x modulo the number of points, which is less than the field has: of very few points the x is
/// that number or more. Nobody meets one by chance, so the key is made for it.
#[test]
fn a_signature_whose_x_is_beyond_the_number_of_points_fits() {
    let mut found = 0;
    for r in 1_u8..40 {
        let mut x = bytes(ORDER);
        // The number ends in 0x51.
        x[31] += r;
        let compressed = Sec1Point::from_bytes([&[2], &x[..]].concat()).unwrap();
        let Some(at): Option<AffinePoint> = AffinePoint::from_sec1_point(&compressed).into() else { continue };
        let message = format!("message {r}");
        let e = <Scalar as Reduce<FieldBytes>>::reduce(&number(&message).into());
        let (r, s) = (Scalar::from(u64::from(r)), <Scalar as Reduce<FieldBytes>>::reduce(&number("s").into()));
        let inverse: Option<Scalar> = r.invert().into();
        // R = (e G + r Q) / s, turned round for Q.
        let key = (ProjectivePoint::from(at) * s - ProjectivePoint::GENERATOR * e) * inverse.unwrap();
        let point = coordinates(&key.to_affine().to_sec1_point(false));
        let signature = [r.to_repr(), s.to_repr()].concat();
        assert!(library(&point, message.as_bytes(), &signature) && fits(&point, message.as_bytes(), &signature));
        assert!(!fits(&point, b"another", &signature));
        found += 1;
    }
    assert!(found > 5, "half of all x have points: {found}");
}
