//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

use crate::host::{Client, Request};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request is counted by: what the platform says, or, behind so many proxies of ours, what the
/// outermost of them wrote into `X-Forwarded-For`. What stands further left was written by the client.
pub fn address(request: &Request, proxies: usize) -> Option<IpAddr> {
    let peer = request.extensions().get::<Client>().map(|client| client.0);
    let Some(hop) = proxies.checked_sub(1) else { return peer };
    let lines = request.headers().get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
    let all: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    all.into_iter().rev().nth(hop).and_then(read).or(peer)
}

/// Has a request that is made of another come from where that one came.
pub fn come_from_where(outer: &Request, inner: &mut Request) {
    if let Some(client) = outer.extensions().get::<Client>() {
        inner.extensions_mut().insert(*client);
    }
    for line in outer.headers().get_all(FORWARDED_FOR) {
        inner.headers_mut().append(FORWARDED_FOR, line.clone());
    }
}

/// What is counted as one: an address of version 4, or the network of 64 bits that one of version 6 is in, for whoever
/// has one of these has them all. Nobody knows of no address.
pub fn network(address: Option<IpAddr>) -> Vec<u8> {
    match address.map(|address| address.to_canonical()) {
        None => b"?".to_vec(),
        Some(IpAddr::V4(address)) => [b"4".as_slice(), &address.octets()].concat(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            let network = Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
            [b"6".as_slice(), &network.octets()].concat()
        }
    }
}

/// The address in a header that the platform adds behind whatever a client says under the same name.
pub fn added(headers: &HeaderMap, name: &str) -> Option<Client> {
    headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok()).and_then(read).map(Client)
}

/// An address, with a port or without.
pub fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(inside) = text.strip_prefix('[') {
        return inside.split(']').next()?.parse().ok();
    }
    let alone = text.split_once(':').filter(|(_, port)| !port.contains(':')).map_or(text, |(address, _)| address);
    alone.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn request(peer: Option<&str>, forwarded: &[&str]) -> Request {
        let mut request = Request::new(Bytes::new());
        if let Some(peer) = peer {
            request.extensions_mut().insert(Client(peer.parse().unwrap()));
        }
        for line in forwarded {
            request.headers_mut().append("x-forwarded-for", line.parse().unwrap());
        }
        request
    }

    fn told(peer: Option<&str>, forwarded: &[&str], proxies: usize) -> Option<String> {
        address(&request(peer, forwarded), proxies).map(|address| address.to_string())
    }

    #[test]
    fn nobody_is_believed_about_where_they_come_from() {
        assert_eq!(told(Some("192.0.2.9"), &["203.0.113.1"], 0).unwrap(), "192.0.2.9");
        assert_eq!(told(None, &["203.0.113.1"], 0), None);
    }

    #[test]
    fn behind_proxies_of_ours_the_outermost_of_them_is_believed_and_nobody_before_it() {
        let lines = ["6.6.6.6, 203.0.113.1", "198.51.100.7:4711"];
        assert_eq!(told(Some("192.0.2.9"), &lines, 1).unwrap(), "198.51.100.7");
        assert_eq!(told(Some("192.0.2.9"), &lines, 2).unwrap(), "203.0.113.1");
        assert_eq!(told(Some("192.0.2.9"), &lines, 9).unwrap(), "192.0.2.9", "fewer proxies than there should be");
        assert_eq!(told(Some("192.0.2.9"), &["nonsense"], 1).unwrap(), "192.0.2.9");
    }

    #[test]
    fn the_last_header_is_the_platforms() {
        let mut headers = HeaderMap::new();
        headers.append("spin-client-addr", "6.6.6.6:1".parse().unwrap());
        headers.append("spin-client-addr", "[2001:db8::1]:54321".parse().unwrap());
        assert_eq!(added(&headers, "spin-client-addr").unwrap().0.to_string(), "2001:db8::1");
    }

    #[test]
    fn a_whole_network_of_version_6_counts_as_one() {
        let network = |text| network(read(text));
        assert_eq!(network("2001:db8:1:2::1"), network("[2001:db8:1:2:ffff::9]:443"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.9"), network("192.0.2.9:80"));
        assert_ne!(network("192.0.2.9"), network("192.0.2.8"));
        assert_eq!(network("unix:"), b"?");
    }
}
