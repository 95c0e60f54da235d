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
            Error::Refused(format!(
                "the database URL {what}; write it as postgres://user:password@host:5432/database, with / # ? @ : % of a \
                 password as %2F %23 %3F %40 %3A %25, or leave the password out and put it into PGPASSWORD as it is"
            ))
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

/// `url` with `password`, which may have any characters in it, where the URL names none of its own: as libpq uses
/// `PGPASSWORD`.
///
/// # Errors
/// [`Error::Refused`] where the URL cannot be read.
pub fn with_password(url: &str, password: &str) -> Result<String, Error> {
    if password.is_empty() || Address::parse(url)?.password.is_some_and(|own| !own.is_empty()) {
        return Ok(url.to_owned());
    }
    let password = encode(password);
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    Ok(match url[start..end].rfind('@') {
        Some(at) => {
            let (before, after) = url.split_at(start + at);
            format!("{}:{password}{after}", before.strip_suffix(':').unwrap_or(before))
        }
        // Its user is a parameter, and so there are some.
        None => format!("{}&password={password}", url.split('#').next().unwrap_or_default()),
    })
}

/// Everything but the unreserved characters of RFC 3986, section 2.3.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
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
    fn a_password_from_beside_the_url_may_have_anything_in_it() {
        let password = "a/b#c?d@e:f%g &=\u{e9}";
        for url in [
            "postgres://bob@db.local:6543/shop",
            "postgres://bob:@db.local:6543/shop?application_name=x",
            "postgres://bob@db.local:6543/shop#x",
            "postgres://db.local:6543/shop?user=bob",
        ] {
            let address = Address::parse(&with_password(url, password).unwrap()).unwrap();
            assert_eq!(address.password.as_deref(), Some(password), "{url}");
            assert_eq!(
                (address.user.as_str(), address.database.as_str(), address.port),
                ("bob", "shop", 6543),
                "{url}"
            );
            assert_eq!(address.host, Host::Tcp("db.local".to_owned()), "{url}");
        }
        for (url, password) in [("postgres://bob:own@db/shop", "other"), ("postgres://bob@db/shop", "")] {
            assert_eq!(with_password(url, password).unwrap(), url);
        }
    }

    #[test]
    fn a_password_that_is_not_escaped_is_refused_with_the_way_out() {
        for password in ["se/cret", "se#cret", "se?cret", "1/2", "1#2", "1?2"] {
            let error = Address::parse(&format!("postgres://bob:{password}@db/shop")).unwrap_err().to_string();
            assert!(error.contains("PGPASSWORD") && !error.contains(password), "{password}: {error}");
        }
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
