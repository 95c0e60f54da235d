//! Names that lead inside, as far as a name alone says so.

const LOCAL: &str = "a name of this machine or this network";
const METADATA: &str = "what a cloud tells its machines of themselves";
const ANY: &str = "a name that leads wherever it says";

/// Names, and all below them.
const INSIDE: [(&str, &str); 26] = [
    // RFC 6761, RFC 6762, RFC 8375, RFC 9476, and what ICANN set aside for inside.
    ("localhost", LOCAL),
    ("localdomain", LOCAL),
    ("local", LOCAL),
    ("internal", LOCAL),
    ("home.arpa", LOCAL),
    ("alt", LOCAL),
    // Never given out because so many networks use them, and what Kubernetes names services by.
    ("corp", LOCAL),
    ("home", LOCAL),
    ("mail", LOCAL),
    ("lan", LOCAL),
    ("intranet", LOCAL),
    ("private", LOCAL),
    ("svc", LOCAL),
    // Those that do not end in `.internal`.
    ("metadata.tencentyun.com", METADATA),
    ("metadata.packet.net", METADATA),
    ("metadata.platformequinix.com", METADATA),
    // Services that answer with the number in the name, or with 127.0.0.1.
    ("nip.io", ANY),
    ("sslip.io", ANY),
    ("xip.io", ANY),
    ("traefik.me", ANY),
    ("localtest.me", ANY),
    ("lvh.me", ANY),
    ("vcap.me", ANY),
    ("lacolhost.com", ANY),
    ("1u.ms", ANY),
    ("rbndr.us", ANY),
];

/// Where a name in small letters leads, if that is inside.
pub(super) fn inside(name: &str) -> Option<&'static str> {
    if !name.contains('.') {
        return Some(LOCAL);
    }
    let is = |end: &str| name.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    INSIDE.iter().find(|(end, _)| is(end)).map(|(_, place)| *place)
}
