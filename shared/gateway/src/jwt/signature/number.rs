//! Whole numbers modulo an odd one, as checking a signature needs them. All of it is public, so that it may take as long
//! as it takes: this is the textbook's, for libraries of large numbers and curves would weigh tens of kilobytes more in
//! functions that have little room. tests/tokens holds it against such libraries.

/// The least significant limb first, and as many limbs as the modulus has. Unless it says otherwise, less than the
/// modulus n, and times R = 2^(32 k) for k limbs (Montgomery's form).
pub type Number = Vec<u32>;

/// A modulus to multiply by as Montgomery does (Handbook of Applied Cryptography, algorithm 14.36).
pub struct Modulus {
    n: Number,
    /// -n^-1, modulo 2^32.
    inverse: u32,
    /// R * R, modulo n.
    square: Number,
}

const LOW: u64 = 0xffff_ffff;

impl Modulus {
    /// From big-endian bytes without zeros before them. It is odd.
    #[must_use]
    pub fn new(n: &[u8]) -> Self {
        let n = limbs(n);
        let lowest = n.first().copied().unwrap_or(1);
        // Each step doubles how many of the lowest bits are right, from the three that n itself has.
        let inverse = (0..4).fold(lowest, |x, _| x.wrapping_mul(2_u32.wrapping_sub(lowest.wrapping_mul(x))));
        let mut new = Self { square: one(n.len()), n, inverse: inverse.wrapping_neg() };
        for _ in 0..64 * new.n.len() {
            new.square = new.sum(&new.square, &new.square);
        }
        new
    }

    /// Into Montgomery's form, from big-endian bytes of a number that is less than R.
    #[must_use]
    pub fn enter(&self, bytes: &[u8]) -> Number {
        let mut number = limbs(bytes);
        number.resize(self.n.len(), 0);
        self.product(&number, &self.square)
    }

    /// Out of it, to big-endian bytes, four for each limb.
    #[must_use]
    pub fn leave(&self, number: &[u32]) -> Vec<u8> {
        let plain = self.product(number, &one(self.n.len()));
        plain.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
    }

    /// a * b, which in this form is a * b / R.
    #[must_use]
    pub fn product(&self, a: &[u32], b: &[u32]) -> Number {
        let mut sum = vec![0_u32; self.n.len()];
        // What stands above the limbs: never more than one.
        let mut above = 0_u64;
        for digit in a {
            let first = sum.first().zip(b.first()).map_or(0, |(sum, b)| sum.wrapping_add(digit.wrapping_mul(*b)));
            let factor = first.wrapping_mul(self.inverse);
            let (mut by_digit, mut by_factor) = (0_u64, 0_u64);
            for ((sum, b), n) in sum.iter_mut().zip(b).zip(&self.n) {
                by_digit += u64::from(*sum) + u64::from(*digit) * u64::from(*b);
                by_factor += (by_digit & LOW) + u64::from(factor) * u64::from(*n);
                *sum = (by_factor & LOW) as u32;
                (by_digit, by_factor) = (by_digit >> 32, by_factor >> 32);
            }
            let top = above + by_digit + by_factor;
            // The lowest is zero, and falls away.
            sum.rotate_left(1);
            if let Some(highest) = sum.last_mut() {
                *highest = (top & LOW) as u32;
            }
            above = top >> 32;
        }
        self.reduced(sum, above > 0)
    }

    #[must_use]
    pub fn sum(&self, a: &[u32], b: &[u32]) -> Number {
        let mut carried = false;
        let add = |(a, b): (&u32, &u32)| {
            let (sum, first) = a.overflowing_add(*b);
            let (sum, second) = sum.overflowing_add(u32::from(carried));
            carried = first || second;
            sum
        };
        let sum = a.iter().zip(b).map(add).collect();
        self.reduced(sum, carried)
    }

    #[must_use]
    pub fn difference(&self, a: &[u32], b: &[u32]) -> Number {
        let mut less = self.n.clone();
        subtract(&mut less, b);
        self.sum(a, &less)
    }

    /// `base` to the power of big-endian bytes.
    #[must_use]
    pub fn power(&self, base: &[u32], exponent: &[u8]) -> Number {
        let mut power = self.product(&one(self.n.len()), &self.square);
        let bits = exponent.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
        for is_set in bits.skip_while(|is_set| !is_set) {
            power = self.product(&power, &power);
            if is_set {
                power = self.product(&power, base);
            }
        }
        power
    }

    /// Less than n, of what is less than twice that: with one above the limbs, or none.
    fn reduced(&self, mut number: Number, above: bool) -> Number {
        if above || !number.iter().rev().lt(self.n.iter().rev()) {
            subtract(&mut number, &self.n);
        }
        number
    }
}

/// From big-endian bytes.
fn limbs(bytes: &[u8]) -> Number {
    let limb = |bytes: &[u8]| bytes.iter().fold(0, |limb, byte| limb << 8 | u32::from(*byte));
    bytes.rchunks(4).map(limb).collect()
}

/// The number itself, and not in Montgomery's form.
fn one(limbs: usize) -> Number {
    let mut one = vec![0; limbs];
    if let Some(lowest) = one.first_mut() {
        *lowest = 1;
    }
    one
}

/// What is borrowed from above the highest limb is forgotten.
fn subtract(a: &mut [u32], b: &[u32]) {
    let mut borrowed = false;
    for (a, b) in a.iter_mut().zip(b) {
        let (less, first) = a.overflowing_sub(*b);
        let (less, second) = less.overflowing_sub(u32::from(borrowed));
        (*a, borrowed) = (less, first || second);
    }
}
