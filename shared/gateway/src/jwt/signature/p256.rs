//! ECDSA over P-256 with SHA-256 (FIPS 186-5, section 6.4.2; the curve: SP 800-186, section 3.2.1.3). The signature is r
//! and s, 32 bytes each (RFC 7518, section 3.4), and not DER.

use sha2::{Digest, Sha256};

use super::number::{Modulus, Number};

/// Of the coordinates.
const P: [u8; 32] =
    *b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
/// How many points there are.
const N: [u8; 32] = *b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
const B: [u8; 32] = *b"\x5a\xc6\x35\xd8\xaa\x3a\x93\xe7\xb3\xeb\xbd\x55\x76\x98\x86\xbc\x65\x1d\x06\xb0\xcc\x53\xb0\xf6\x3b\xce\x3c\x3e\x27\xd2\x60\x4b";
/// The base point, x and y.
const G: [u8; 64] = *b"\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";

/// `point` is x and y.
#[must_use]
pub fn fits(point: &[u8; 64], message: &[u8], signature: &[u8]) -> bool {
    let Some((r, s)) = signature.split_at_checked(32).filter(|(_, s)| s.len() == 32) else { return false };
    // As bytes of the same length compare, so do the numbers.
    let is_scalar = |number: &[u8]| number < &N[..] && number.iter().any(|byte| *byte != 0);
    let curve = Curve::new();
    let Some(key) = curve.point(point).filter(|_| is_scalar(r) && is_scalar(s)) else { return false };
    let Some(base) = curve.point(&G) else { return false };
    let order = Modulus::new(&N);
    // To the power of n - 2: the inverse, since n is prime.
    let mut exponent = N;
    exponent[31] -= 2;
    let inverse = order.power(&order.enter(s), &exponent);
    let times_inverse = |number: &[u8]| order.leave(&order.product(&order.enter(number), &inverse));
    let (of_base, of_key) = (times_inverse(&Sha256::digest(message)), times_inverse(r));
    let sum = curve.combination(&of_base, &base, &of_key, &key);
    if is_zero(&sum.z) {
        return false;
    }
    // Its x, X / Z^2, is r modulo n: r itself or, since x may be n or more, r + n where that is less than p.
    let (field, r_in_field) = (&curve.field, curve.field.enter(r));
    let square = field.product(&sum.z, &sum.z);
    let is = |x: &[u32]| field.product(x, &square) == sum.x;
    is(&r_in_field) || (r < &P_LESS_N[..] && is(&field.sum(&r_in_field, &field.enter(&N))))
}

/// p - n.
const P_LESS_N: [u8; 32] =
    *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x43\x19\x05\x53\x58\xe8\x61\x7b\x0c\x46\x35\x3d\x03\x9c\xda\xae";

/// y^2 = x^3 - 3 x + b.
struct Curve {
    field: Modulus,
    one: Number,
}

/// X / Z^2 and Y / Z^3 (Jacobian coordinates). Where Z is zero: the point at infinity.
#[derive(Clone)]
struct Point {
    x: Number,
    y: Number,
    z: Number,
}

impl Curve {
    fn new() -> Self {
        let field = Modulus::new(&P);
        Self { one: field.enter(&[1]), field }
    }

    /// The point with these coordinates, if it is on the curve. Of these every one is of order n.
    fn point(&self, coordinates: &[u8; 64]) -> Option<Point> {
        let field = &self.field;
        let (x, y) = coordinates.split_at(32);
        if x >= &P[..] || y >= &P[..] {
            return None;
        }
        let (x, y) = (field.enter(x), field.enter(y));
        let cube = field.product(&field.product(&x, &x), &x);
        let right = field.sum(&field.difference(&cube, &self.times(3, &x)), &field.enter(&B));
        (field.product(&y, &y) == right).then(|| Point { x, y, z: self.one.clone() })
    }

    fn times(&self, count: usize, number: &Number) -> Number {
        (1..count).fold(number.clone(), |sum, _| self.field.sum(&sum, number))
    }

    /// a * p + b * q, for big-endian a and b: both at once, bit by bit.
    fn combination(&self, a: &[u8], p: &Point, b: &[u8], q: &Point) -> Point {
        let both = self.add(p, q);
        let mut sum = Point { z: vec![0; self.one.len()], ..p.clone() };
        for (a, b) in a.iter().zip(b) {
            for bit in (0..8).rev() {
                sum = self.double(&sum);
                match (a >> bit & 1 == 1, b >> bit & 1 == 1) {
                    (true, true) => sum = self.add(&sum, &both),
                    (true, false) => sum = self.add(&sum, p),
                    (false, true) => sum = self.add(&sum, q),
                    (false, false) => {}
                }
            }
        }
        sum
    }

    /// Explicit-Formulas Database, Jacobian coordinates with a = -3, `dbl-2001-b`; of the point at infinity, itself.
    fn double(&self, Point { x, y, z }: &Point) -> Point {
        let field = &self.field;
        let (delta, gamma) = (field.product(z, z), field.product(y, y));
        let beta = field.product(x, &gamma);
        let slope = field.product(&field.difference(x, &delta), &field.sum(x, &delta));
        let alpha = self.times(3, &slope);
        let new_x = field.difference(&field.product(&alpha, &alpha), &self.times(8, &beta));
        let both = field.sum(y, z);
        let new_z = field.difference(&field.difference(&field.product(&both, &both), &gamma), &delta);
        let turned = field.product(&alpha, &field.difference(&self.times(4, &beta), &new_x));
        let new_y = field.difference(&turned, &self.times(8, &field.product(&gamma, &gamma)));
        Point { x: new_x, y: new_y, z: new_z }
    }

    /// Explicit-Formulas Database, Jacobian coordinates, `add-1998-cmo-2`, and the cases that it leaves out.
    fn add(&self, p: &Point, q: &Point) -> Point {
        if is_zero(&p.z) {
            return q.clone();
        }
        if is_zero(&q.z) {
            return p.clone();
        }
        let field = &self.field;
        let (p_square, q_square) = (field.product(&p.z, &p.z), field.product(&q.z, &q.z));
        let (p_x, q_x) = (field.product(&p.x, &q_square), field.product(&q.x, &p_square));
        let p_y = field.product(&p.y, &field.product(&q.z, &q_square));
        let q_y = field.product(&q.y, &field.product(&p.z, &p_square));
        let (across, up) = (field.difference(&q_x, &p_x), field.difference(&q_y, &p_y));
        if is_zero(&across) && is_zero(&up) {
            return self.double(p);
        }
        // Where only `across` is zero they are opposite: Z comes out as zero.
        let square = field.product(&across, &across);
        let (cube, part) = (field.product(&across, &square), field.product(&p_x, &square));
        let x = field.difference(&field.product(&up, &up), &field.sum(&cube, &self.times(2, &part)));
        let y = field.difference(&field.product(&up, &field.difference(&part, &x)), &field.product(&p_y, &cube));
        Point { x, y, z: field.product(&field.product(&p.z, &q.z), &across) }
    }
}

fn is_zero(number: &[u32]) -> bool {
    number.iter().all(|limb| *limb == 0)
}
