//! Whether the queue may reach us, as far as that is seen from here: by the address alone and by what its name leads
//! to. That it does reach us only a delivery shows.

use std::net::IpAddr;

use super::{Finding, Services};
use crate::values::{host_of, is_loopback};

const ABOUT: &str = "public_url";
const REMEDY: &str = "Set it to the address that you deploy to.";
/// Endings of names that lead nowhere but in a network of one's own (RFC 6761, RFC 6762, RFC 9476).
const PRIVATE: [&str; 6] = [".localhost", ".local", ".internal", ".lan", ".home.arpa", ".alt"];

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    let (url, queue) = (services.get("public_url"), services.get("qstash_url"));
    // What is no address is said elsewhere.
    let Some(host) = host_of(url) else { return Vec::new() };
    let near = is_private(&host) || is_loopback(url);
    if host_of(queue).is_some_and(|host| is_private(&host)) || is_loopback(queue) {
        let what = if near {
            "the queue and it are both on this machine or in one private network; no delivery was tried"
        } else {
            "the queue is on this machine or in a private network; whether it reaches the address was not tried"
        };
        return vec![Finding::well(ABOUT, what)];
    }
    if is_loopback(url) {
        let what = "it is on this machine, where a queue in the cloud cannot reach it";
        return vec![Finding::wrong(ABOUT, what, REMEDY)];
    }
    if near {
        let what = "it is in a private network, where a queue in the cloud cannot reach it";
        return vec![Finding::wrong(ABOUT, what, REMEDY)];
    }
    if host.parse::<IpAddr>().is_ok() {
        return vec![Finding::well(ABOUT, "it is a public address; no delivery was tried")];
    }
    vec![named(&host).await]
}

async fn named(host: &str) -> Finding {
    let found: Vec<IpAddr> = match tokio::net::lookup_host((host, 443)).await {
        Ok(found) => found.map(|address| address.ip()).collect(),
        Err(_) => Vec::new(),
    };
    match (found.first(), found.iter().find(|address| is_private(&address.to_string()) || address.is_loopback())) {
        (_, Some(private)) => Finding::wrong(
            ABOUT,
            format!("its name leads to {private}, where a queue in the cloud cannot reach it"),
            "Have its name lead to a public address, and look at the one that it leads to outside of this network.",
        ),
        (Some(_), None) => Finding::well(ABOUT, "its name leads to a public address; no delivery was tried"),
        (None, None) => Finding::note(
            ABOUT,
            "its name leads nowhere, as seen from here",
            "Make its record in the DNS, or deploy first where the platform makes it.",
        ),
    }
}

/// Whether a host is one that others do not reach: in a network of one's own, or of one link.
fn is_private(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            // The last: what a provider shares among its customers (RFC 6598).
            address.is_private() || address.is_link_local() || (first == 100 && second & 0xc0 == 64)
        }
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(mapped) => is_private(&mapped.to_string()),
            None => address.is_unique_local() || address.is_unicast_link_local(),
        },
        Err(_) => !host.contains('.') || PRIVATE.iter().any(|ending| host.ends_with(ending)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_networks_of_ones_own_are_told_from_public_ones() {
        for host in [
            "10.0.0.5",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "server",
            "printer.local",
            "db.internal",
            "a.localhost",
        ] {
            assert!(is_private(host), "{host}");
        }
        for host in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "makegood.test", "internal.test"] {
            assert!(!is_private(host), "{host}");
        }
    }
}
