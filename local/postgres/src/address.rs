//! `postgres://` addresses: where a server is and who we are there. Deliberately without TLS: a
//! URL that demands it is refused rather than served in the clear.

use crate::Error;
use std::path::PathBuf;

const DEFAULT_PORT: u16 = 5432;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub host: Host,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub database: String,
    pub application_name: Option<String>,
    /// Command-line options for the backend, such as `-c search_path=x`.
    pub options: Option<String>,
    sslmode: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Tcp(String),
    /// The folder that holds `.s.PGSQL.<port>`.
    Unix(PathBuf),
}

impl Address {
    /// Reads a URL as libpq does. The error never repeats the password.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let malformed = |what: &str| {
            Error::Refused(format!("the database URL {what}; write it as postgres://user:password@host:5432/database"))
        };
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or_else(|| malformed("does not start with postgres:// or postgresql://"))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (userinfo, hostport) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match userinfo.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (userinfo, None),
        };
        let decode = |text: &str| decode(text).ok_or_else(|| malformed("has a broken % escape"));

        let (host, port) = split_port(hostport).ok_or_else(|| malformed("has no valid port"))?;
        let mut host = decode(host)?;
        let mut port = port.unwrap_or(DEFAULT_PORT);
        let mut user = decode(user)?;
        let mut password = password.map(decode).transpose()?;
        let mut database = decode(database)?;
        let (mut application_name, mut options, mut sslmode) = (None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value)?;
            match key {
                "host" => host = value,
                "port" => port = value.parse().map_err(|_| malformed("has no valid port"))?,
                "user" => user = value,
                "password" => password = Some(value),
                "dbname" => database = value,
                "application_name" => application_name = Some(value),
                "options" => options = Some(value),
                "sslmode" => sslmode = Some(value),
                other => tracing::debug!(parameter = other, "database URL parameter ignored"),
            }
        }
        if user.is_empty() {
            return Err(malformed("names no user"));
        }
        if database.is_empty() {
            database.clone_from(&user);
        }
        let host = match host {
            path if path.starts_with('/') => Host::Unix(path.into()),
            name if name.is_empty() => Host::Tcp("localhost".to_owned()),
            name => Host::Tcp(name),
        };
        Ok(Self { host, port, user, password, database, application_name, options, sslmode })
    }

    /// Refuses what only a TLS connection could keep.
    pub fn require_plain(&self) -> Result<(), Error> {
        match self.sslmode.as_deref() {
            None | Some("disable" | "allow" | "prefer") => Ok(()),
            Some(mode) => Err(Error::Refused(format!(
                "sslmode={mode} asks for TLS, which this client does not speak; use a server on this \
                 machine or behind a tunnel, with sslmode=disable"
            ))),
        }
    }

    /// Host and port, for messages.
    pub fn place(&self) -> String {
        match &self.host {
            Host::Tcp(host) => format!("{host}:{}", self.port),
            Host::Unix(_) => self.socket().display().to_string(),
        }
    }

    pub fn socket(&self) -> PathBuf {
        match &self.host {
            Host::Tcp(host) => PathBuf::from(host),
            Host::Unix(folder) => folder.join(format!(".s.PGSQL.{}", self.port)),
        }
    }
}

/// Splits `host:port`, with the brackets of an IPv6 host removed. `None` if the port is no number.
fn split_port(hostport: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match hostport.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':').unwrap_or(after))
        }
        None => hostport.split_once(':').unwrap_or((hostport, "")),
    };
    match port {
        "" => Some((host, None)),
        port => Some((host, Some(port.parse().ok()?))),
    }
}

fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_url_is_taken_apart_and_unescaped() {
        let address = Address::parse("postgres://al%40ice:p%3Aw@db.local:6543/shop?application_name=x").unwrap();
        assert_eq!(address.host, Host::Tcp("db.local".to_owned()));
        assert_eq!((address.port, address.user.as_str()), (6543, "al@ice"));
        assert_eq!(address.password.as_deref(), Some("p:w"));
        assert_eq!(address.database, "shop");
    }

    #[test]
    fn a_socket_folder_comes_from_the_host_parameter() {
        let address = Address::parse("postgresql://bob@/shop?host=/run/pg&port=1").unwrap();
        assert_eq!(address.socket(), PathBuf::from("/run/pg/.s.PGSQL.1"));
        let escaped = Address::parse("postgres://bob@%2Frun%2Fpg/shop").unwrap();
        assert_eq!(escaped.host, Host::Unix("/run/pg".into()));
    }

    #[test]
    fn an_ipv6_host_loses_its_brackets_and_the_database_defaults_to_the_user() {
        let address = Address::parse("postgres://bob@[::1]:7/").unwrap();
        assert_eq!(address.host, Host::Tcp("::1".to_owned()));
        assert_eq!((address.port, address.database.as_str()), (7, "bob"));
    }

    #[test]
    fn a_demand_for_tls_is_refused_with_the_way_out() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let address = Address::parse(&format!("postgres://a:b@c/d?sslmode={mode}")).unwrap();
            let error = address.require_plain().unwrap_err().to_string();
            assert!(error.contains(mode) && error.contains("sslmode=disable"), "{error}");
        }
    }

    #[test]
    fn a_broken_url_is_refused_without_its_password() {
        for url in ["mysql://a:secret@c/d", "postgres://a:secret@c:x/d", "postgres://:secret@c/d"] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains("postgres://user:password@host"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
