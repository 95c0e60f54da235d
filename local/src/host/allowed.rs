//! Which hosts a component may call: Spin's `allowed_outbound_hosts`.
//!
//! An entry is `scheme://host[:port]`. The scheme may be `*`; the host may be
//! `*`, `*.example.com` or an address; the port may be `*` or a range
//! `8000..8010` without its end. Without a port it is the scheme's own. Lists in
//! braces, address blocks and `self` are refused: Spin's `self` is for requests
//! without a host, which this host does not serve, and not for the
//! application's address.

use anyhow::{Context, bail, ensure};
use http::Uri;
use std::ops::Range;

/// What one component may call. Empty: nothing.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<Entry>);

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// `None` is any.
    scheme: Option<String>,
    host: Host,
    /// `None` is any.
    ports: Option<Range<u32>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// With the leading dot.
    Below(String),
    Exactly(String),
}

impl AllowedHosts {
    /// Parses entries whose templates are already expanded.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        let parse = |entry: &str| Entry::parse(entry).with_context(|| format!("the allowed outbound host {entry:?}"));
        Ok(Self(entries.into_iter().map(parse).collect::<Result<_, _>>()?))
    }

    /// Whether a request to `uri` may leave.
    pub fn allow(&self, uri: &Uri) -> bool {
        self.letting(uri).next().is_some()
    }

    /// Whether what lets a request to `uri` leave says where to: a `*` for a host does not.
    pub fn names(&self, uri: &Uri) -> bool {
        self.letting(uri).any(|entry| entry.host != Host::Any)
    }

    fn letting<'a>(&'a self, uri: &'a Uri) -> impl Iterator<Item = &'a Entry> {
        let place = uri.scheme_str().zip(uri.host());
        let allows = move |entry: &&Entry| {
            place.is_some_and(|(scheme, host)| {
                let port = uri.port_u16().or_else(|| default_port(scheme));
                entry.allows(scheme, host, port)
            })
        };
        self.0.iter().filter(allows)
    }
}

impl Entry {
    fn parse(entry: &str) -> anyhow::Result<Self> {
        let Some((scheme, rest)) = entry.trim().split_once("://") else {
            bail!("it has no scheme: write http://… or *://…");
        };
        ensure!(
            scheme == "*" || scheme.chars().all(|c| c.is_ascii_alphabetic()),
            "the scheme {scheme:?} is not a word or *"
        );
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(!rest.contains('/'), "it has a path, and a path cannot be enforced");
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        Ok(Self {
            // As in Spin, one in capitals fits no URL.
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Host::parse(host)?,
            ports: parse_ports(port, scheme)?,
        })
    }

    fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let scheme = match &self.scheme {
            Some(s) => s == scheme,
            None => true,
        };
        let port = match (&self.ports, port) {
            (None, _) => true,
            (Some(range), Some(port)) => range.contains(&port.into()),
            (Some(_), None) => false,
        };
        let host = match &self.host {
            Host::Any => true,
            Host::Exactly(h) => h.eq_ignore_ascii_case(host),
            Host::Below(end) => {
                let at = host.len().saturating_sub(end.len());
                at > 0 && host.is_char_boundary(at) && host[at..].eq_ignore_ascii_case(end)
            }
        };
        scheme && host && port
    }
}

impl Host {
    fn parse(host: &str) -> anyhow::Result<Self> {
        match host {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => bail!("requests without a host are not served here: name the host"),
            "" => bail!("it has no host"),
            _ => {}
        }
        if let Some(domain) = host.strip_prefix("*.") {
            ensure!(!domain.contains('*'), "a * may stand only in front");
            return Ok(Self::Below(format!(".{domain}")));
        }
        ensure!(
            !host.contains(['*', '{', '}', '@', '?', '#']),
            "the host {host:?} is not a name, an address, * or *.name"
        );
        Ok(Self::Exactly(host.to_owned()))
    }
}

fn parse_ports(port: Option<&str>, scheme: &str) -> anyhow::Result<Option<Range<u32>>> {
    let number = |text: &str| -> anyhow::Result<u32> {
        let port: u16 = text.parse().with_context(|| format!("the port {text:?} is not a number below 65536"))?;
        Ok(port.into())
    };
    match port {
        Some("*") => Ok(None),
        Some(port) => {
            let range = match port.split_once("..") {
                Some((start, end)) => number(start)?..number(end)?,
                None => number(port)?..number(port)? + 1,
            };
            ensure!(!range.is_empty(), "the port range {port:?} is empty");
            Ok(Some(range))
        }
        // As in Spin, a scheme of * says nothing about ports: name them.
        None => match default_port(scheme) {
            Some(port) => Ok(Some(u32::from(port)..u32::from(port) + 1)),
            None => bail!("the scheme {scheme:?} has no default port: write :port or :*"),
        },
    }
}

/// The port that a URL of this scheme means when it names none.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, uri: &str) -> bool {
        AllowedHosts::parse([entry]).unwrap().allow(&uri.parse().unwrap())
    }

    #[test]
    fn scheme_host_and_port_must_all_agree() {
        assert!(allows("http://127.0.0.1:3000", "http://127.0.0.1:3000/x"));
        assert!(allows("https://example.com", "https://EXAMPLE.com/x"));
        assert!(allows("https://example.com:443", "https://example.com/"));
        assert!(!allows("https://example.com", "http://example.com/"));
        assert!(!allows("https://example.com", "https://example.com:8443/"));
        assert!(!allows("https://example.com", "https://example.com.evil/"));
        assert!(!allows("HTTPS://example.com:443", "https://example.com/"));
    }

    #[test]
    fn stars_stand_for_any_scheme_subdomain_host_and_port() {
        assert!(allows("*://*:*", "http://anything:1/"));
        assert!(allows("https://*.example.com", "https://a.b.example.com/"));
        assert!(!allows("https://*.example.com", "https://example.com/"));
        assert!(!allows("https://*.example.com", "https://evilexample.com/"));
        assert!(allows("http://localhost:*", "http://localhost:9/"));
    }

    #[test]
    fn a_port_range_leaves_its_end_out() {
        assert!(allows("http://h:8000..8010", "http://h:8009/"));
        assert!(!allows("http://h:8000..8010", "http://h:8010/"));
    }

    #[test]
    fn user_information_does_not_pass_for_the_host() {
        assert!(!allows("http://good:80", "http://good:80@evil/"));
    }

    #[test]
    fn what_spin_would_refuse_or_read_otherwise_is_refused() {
        for bad in [
            "example.com",
            "*",
            "*://example.com",
            "https://a.*.com",
            "https://example.com/path",
            "http://h:x",
            "http://self",
            "https://self.alt",
            "http://",
        ] {
            assert!(AllowedHosts::parse([bad]).is_err(), "{bad}");
        }
    }
}
