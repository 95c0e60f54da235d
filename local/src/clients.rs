//! What the services' own clients need to know to find an emulator: variables of their environment, by the names
//! that they look for where they have such names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use makegood_postgres::Postgres;

pub type Variables = Vec<(&'static str, String)>;

/// Where an address is reached. Who listens on all addresses is reached by any; from another container, by the
/// name of this one.
pub fn url_of(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        given @ (IpAddr::V4(_) | IpAddr::V6(_)) => given,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

pub fn redis(url: &str, token: &str) -> Variables {
    vec![("UPSTASH_REDIS_REST_URL", url.to_owned()), ("UPSTASH_REDIS_REST_TOKEN", token.to_owned())]
}

pub fn postgres(url: &str, postgres: &Postgres) -> Variables {
    vec![("DATABASE_URL", postgres.connection_string().to_owned()), ("DATABASE_HTTP_URL", format!("{url}/sql"))]
}

pub fn qstash(url: &str, token: &str, current_key: &str, next_key: &str) -> Variables {
    vec![
        ("QSTASH_URL", url.to_owned()),
        ("QSTASH_TOKEN", token.to_owned()),
        ("QSTASH_CURRENT_SIGNING_KEY", current_key.to_owned()),
        ("QSTASH_NEXT_SIGNING_KEY", next_key.to_owned()),
    ]
}

pub fn llm(url: &str, key: &str) -> Variables {
    vec![("OPENAI_BASE_URL", format!("{url}/v1")), ("OPENAI_API_KEY", key.to_owned())]
}

pub fn ably(url: &str, key: &str) -> Variables {
    vec![("ABLY_URL", url.to_owned()), ("ABLY_API_KEY", key.to_owned())]
}

pub fn otlp(url: &str) -> Variables {
    vec![("OTEL_EXPORTER_OTLP_ENDPOINT", url.to_owned()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned())]
}

/// `url` is the server's one address.
pub fn mcp(url: String) -> Variables {
    vec![("MCP_URL", url)]
}

/// Where the issuer of users' tokens is.
pub const ISSUER_URL: &str = "ISSUER_URL";

pub fn issuer(url: &str) -> Variables {
    vec![(ISSUER_URL, url.to_owned())]
}

/// `url` is where the town's `/demo` begins.
pub fn town(url: &str) -> Variables {
    vec![("TOWN_URL", format!("{url}/demo/tools")), ("TOWN_MCP_URL", format!("{url}{}", crate::platform::TOWN_MCP))]
}

/// `NAME=value`, a line each.
pub fn lines(variables: &Variables) -> String {
    variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// A word as a shell reads it.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The same for a shell to read (`set -a; . FILE`), whatever a value holds.
pub fn script(variables: &Variables) -> String {
    variables.iter().map(|(name, value)| format!("{name}={}\n", quoted(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_reached_under_some_name() {
        for (bind, url) in [
            ("127.0.0.1:1", "http://127.0.0.1:1"),
            ("127.0.0.2:1", "http://127.0.0.2:1"),
            ("0.0.0.0:1", "http://127.0.0.1:1"),
            ("[::]:1", "http://[::1]:1"),
            ("[::1]:1", "http://[::1]:1"),
        ] {
            assert_eq!(url_of(bind.parse().unwrap()), url);
        }
    }

    #[test]
    fn a_shell_reads_what_was_meant() {
        let value = r#"a'b "c" $HOME `d` \e & f"#;
        let script = script(&vec![("VALUE", value.to_owned())]);
        let shell = std::process::Command::new("sh").arg("-c").arg(format!("{script}printf %s \"$VALUE\"")).output();
        assert_eq!(String::from_utf8(shell.unwrap().stdout).unwrap(), value);
    }
}
