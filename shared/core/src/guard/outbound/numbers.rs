//! Which numbers are inside: the special-purpose registries of IANA (RFC 6890), read so that what is not known to be
//! public is not.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A range of IPv4: its first address, and how many bits are the same in all of it.
type Range = ([u8; 4], u32, &'static str);

const V4: [Range; 16] = [
    ([0, 0, 0, 0], 8, "this network"),
    ([10, 0, 0, 0], 8, "a private network"),
    ([100, 64, 0, 0], 10, "a provider's own network"),
    ([127, 0, 0, 0], 8, "this machine"),
    // Clouds tell their machines of themselves at 169.254.169.254.
    ([169, 254, 0, 0], 16, "this network segment"),
    ([172, 16, 0, 0], 12, "a private network"),
    ([192, 0, 0, 0], 24, "a number of the protocols"),
    ([192, 0, 2, 0], 24, "a number for documents"),
    ([192, 88, 99, 0], 24, "the way to IPv6 over IPv4"),
    ([192, 168, 0, 0], 16, "a private network"),
    ([198, 18, 0, 0], 15, "a network for measurements"),
    ([198, 51, 100, 0], 24, "a number for documents"),
    ([203, 0, 113, 0], 24, "a number for documents"),
    ([224, 0, 0, 0], 4, "many machines at once"),
    ([240, 0, 0, 0], 4, "a number that nobody has"),
    // Public, and answered inside Azure only.
    ([168, 63, 129, 16], 32, "what a cloud tells its machines of themselves"),
];

/// Where a number leads, if that is inside.
pub(super) fn of_v4(number: Ipv4Addr) -> Option<&'static str> {
    let within = |(first, bits, _): &&Range| {
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        number.to_bits() & mask == u32::from_be_bytes(*first)
    };
    V4.iter().find(within).map(|(.., place)| *place)
}

/// The same. Only what is given out to networks, 2000::/3, can be public: so no number that stands for one of IPv4
/// (mapped, NAT64), that is private, or that is this machine's is; and of it not what leads over IPv4 (6to4, Teredo).
pub(super) fn of_v6(number: Ipv6Addr) -> Option<&'static str> {
    let [first, second, ..] = number.segments();
    match (first, second) {
        (0x2001, 0x0db8) | (0x3fff, 0..=0x0fff) => Some("a number for documents"),
        (0x2001, 0..=0x01ff) => Some("a number of the protocols"),
        (0x2002, _) => Some("a number of IPv4 in another form"),
        (0x2000..=0x3fff, _) => None,
        (0 | 0x64, _) => Some("this machine, or a number of IPv4 in another form"),
        (0xff00..=0xffff, _) => Some("many machines at once"),
        (0xfe80..=0xfeff, _) => Some("this network segment"),
        (0xfc00..=0xfdff, _) => Some("a private network"),
        _ => Some("a number that nobody has"),
    }
}
