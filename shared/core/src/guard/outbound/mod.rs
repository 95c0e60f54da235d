//! Where a call may go whose address is not the operator's own words: server side request forgery (OWASP API7:2023).
//!
//! Three questions. [`below`]: is this still the address that the operator configured, whatever a tool's definition put
//! behind it? [`listed`]: does it lead to a host that the tool may reach? [`public`]: does an address that anybody named
//! lead out into the internet, and nowhere inside? What is not written in the plainest way is refused, for the parsers
//! of our platforms read the rest each in their own way: user information, backslashes, escapes in a host, addresses in
//! octal or as one number.
//!
//! Deliberately absent: names are not resolved, which no function can do. A name outside that leads inside is not
//! seen here; those that everybody knows are, and docs/SECURITY.md says what else stands in the way. A host that does
//! resolve them asks for the [`place`] of each number.

mod names;
mod numbers;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest address that is looked at, in bytes.
const LONGEST: usize = 2_048;
/// The only port that strangers' addresses have: that of https.
const PORT: &str = "443";

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Parsers could read it in several ways, or it is none.
    Unclear(&'static str),
    NotHttps,
    Port,
    /// Where it leads.
    Inside(&'static str),
    /// It is not below the address that was configured.
    Elsewhere,
    /// The tool says which hosts it may reach, and this is none of them.
    Unlisted,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclear(why) => write!(f, "it is not a plain address: {why}"),
            Self::NotHttps => f.write_str("it does not begin with https://"),
            Self::Port => f.write_str("it has another port than that of https"),
            Self::Inside(place) => write!(f, "it leads inside: {place}"),
            Self::Elsewhere => f.write_str("it is not below the address that was configured"),
            Self::Unlisted => f.write_str("its host is none of the tool's `hosts`"),
        }
    }
}

/// Whether an address is the configured one, or a plain path below it. What was configured is believed, wherever it
/// leads.
///
/// # Errors
/// [`Refused::Elsewhere`], or [`Refused::Unclear`] where the path could be read as another.
pub fn below(configured: &str, url: &str) -> Result<(), Refused> {
    let configured = configured.trim_end_matches('/');
    // Without this the rest of an address could be its host.
    if !configured.contains("://") || configured.ends_with(':') {
        return Err(Refused::Elsewhere);
    }
    let rest = url.strip_prefix(configured).ok_or(Refused::Elsewhere)?;
    if matches!(rest, "" | "/") {
        return Ok(());
    }
    let path = rest.strip_prefix('/').ok_or(Refused::Elsewhere)?;
    if path.split('/').all(is_plain) { Ok(()) } else { Err(Refused::Unclear("its path could be read as another")) }
}

/// Whether a tool may be called at a host: where it says which it may reach, at these only. What the operator configured
/// must let it out as well.
///
/// # Errors
/// [`Refused::Unlisted`].
pub fn listed(hosts: &[String], host: &str) -> Result<(), Refused> {
    let is_listed = hosts.is_empty() || hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    if is_listed { Ok(()) } else { Err(Refused::Unlisted) }
}

/// Whether a part of a path is itself however it is read: no dots that lead up, no escapes, no query.
fn is_plain(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    !matches!(part, "" | "." | "..") && part.bytes().all(plain)
}

/// Whether anybody's address may be called: https, by a public name or number, on the port of https.
///
/// # Errors
/// Why not.
pub fn public(url: &str) -> Result<(), Refused> {
    if url.len() > LONGEST {
        return Err(Refused::Unclear("it is too long"));
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(Refused::Unclear("it holds something else than the characters of an address"));
    }
    let rest = url.strip_prefix("https://").ok_or(Refused::NotHttps)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Refused::Unclear("it has a user in front of its host"));
    }
    let port = match authority.strip_prefix('[') {
        Some(rest) => {
            let (number, port) = rest.split_once(']').ok_or(Refused::Unclear("its host does not end"))?;
            let number: Ipv6Addr = number.parse().map_err(|_| Refused::Unclear("its host is no number in brackets"))?;
            inside(numbers::of_v6(number))?;
            port
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            name(host)?;
            port
        }
    };
    match port.strip_prefix(':') {
        Some(PORT) => Ok(()),
        Some(_) => Err(Refused::Port),
        None if port.is_empty() => Ok(()),
        None => Err(Refused::Unclear("something stands behind its host")),
    }
}

/// Where a number leads, if that is inside: for hosts, which know what a name came to.
#[must_use]
pub fn place(number: IpAddr) -> Option<&'static str> {
    match number {
        IpAddr::V4(number) => numbers::of_v4(number),
        IpAddr::V6(number) => numbers::of_v6(number),
    }
}

/// A host that is a name, or a number as 192.0.2.1.
fn name(host: &str) -> Result<(), Refused> {
    // A name may end in the root's dot, and is the same then.
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let label = |label: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(known)
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return Err(Refused::Unclear("its host is no name"));
    }
    if host.rsplit('.').next().is_some_and(is_number) {
        // As 127.1, 0x7f000001, 2130706433 and 0177.0.0.1 are numbers too, of which some is read as each of the others.
        let number: Ipv4Addr = host.parse().map_err(|_| Refused::Unclear("its host is a number written unusually"))?;
        return inside(numbers::of_v4(number));
    }
    inside(names::inside(&host))
}

/// Whether a host that ends so is a number to browsers and their like (WHATWG URL, "ends in a number").
fn is_number(label: &str) -> bool {
    let hexadecimal =
        label.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hexadecimal || label.bytes().all(|byte| byte.is_ascii_digit())
}

fn inside(place: Option<&'static str>) -> Result<(), Refused> {
    place.map_or(Ok(()), |place| Err(Refused::Inside(place)))
}

#[cfg(test)]
mod tests;
