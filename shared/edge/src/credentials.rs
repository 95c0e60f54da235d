//! What we show others to be let in must not come back to us as words: a service that is not content with a credential
//! may say it again, and what services say goes into the log, and, where it was a tool, into the journal.
//!
//! It is what stands in `authorization`, in the database's connection string, and in every header that is marked as
//! sensitive. So every host strikes out of an answer what its request was let in with, before anybody sees the answer.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use makegood_gateway::{Request, Response};

/// What stands in its place.
const STRUCK: &str = "[secret]";
/// Shorter texts are no secrets, and could be anything in an answer.
const SHORTEST: usize = 12;
/// Where the database takes its connection string from.
const CONNECTION: &str = "neon-connection-string";

/// What one request is let in with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(Vec<String>);

impl Credentials {
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let text = |headers: &HeaderMap, name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let headers = request.headers();
        let mut found = Vec::new();
        if let Some(given) = text(headers, AUTHORIZATION.as_str()) {
            found.push(given.split_once(' ').map_or(given.as_str(), |(_, token)| token).to_owned());
        }
        for value in
            headers.iter().filter_map(|(name, value)| (value.is_sensitive() && name != AUTHORIZATION).then_some(value))
        {
            let given = value.to_str().unwrap_or_default();
            found.push(given.to_owned());
            found.extend(given.split_once(' ').map(|(_, token)| token.to_owned()));
        }
        if let Some(connection) = text(headers, CONNECTION) {
            let password = connection
                .split_once("://")
                .and_then(|(_, rest)| rest.rsplit_once('@'))
                .and_then(|(user, _)| user.split_once(':'))
                .map(|(_, password)| password.to_owned());
            // The whole first: of it no rest is to remain.
            found.push(connection);
            found.extend(password);
        }
        found.retain(|secret| secret.len() >= SHORTEST);
        let mut spelt = Vec::with_capacity(found.len());
        for secret in found {
            // As a text in JSON has it: with slashes as they are, or not.
            let escaped = secret.replace('\\', "\\\\").replace('"', "\\\"");
            let slashed = escaped.replace('/', "\\/");
            spelt.extend([slashed, escaped].into_iter().filter(|form| *form != secret));
            spelt.push(secret);
        }
        Self(spelt)
    }

    /// The same answer without them.
    #[must_use]
    pub fn struck_from(&self, mut response: Response) -> Response {
        for secret in &self.0 {
            if let Cow::Owned(body) = without(response.body(), secret.as_bytes()) {
                *response.body_mut() = Bytes::from(body);
            }
        }
        response
    }
}

/// A text for the log without a secret that may stand in it.
#[must_use]
pub fn struck(text: &str, secret: &str) -> String {
    if secret.len() < SHORTEST { text.to_owned() } else { text.replace(secret, STRUCK) }
}

fn without<'a>(body: &'a [u8], secret: &[u8]) -> Cow<'a, [u8]> {
    let next = |rest: &[u8]| rest.windows(secret.len()).position(|window| window == secret);
    let Some(mut at) = next(body) else { return Cow::Borrowed(body) };
    let (mut rest, mut kept) = (body, Vec::with_capacity(body.len()));
    loop {
        let (before, from) = rest.split_at(at);
        kept.extend_from_slice(before);
        kept.extend_from_slice(STRUCK.as_bytes());
        rest = from.get(secret.len()..).unwrap_or_default();
        match next(rest) {
            Some(found) => at = found,
            None => break,
        }
    }
    kept.extend_from_slice(rest);
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, value: &str, body: &str) -> String {
        let request = http::Request::get("https://a.test/").header(name, value).body(Bytes::new()).unwrap();
        let answer = Credentials::of(&request).struck_from(http::Response::new(Bytes::from(body.to_owned())));
        String::from_utf8(answer.into_body().to_vec()).unwrap()
    }

    #[test]
    fn what_a_request_was_let_in_with_does_not_come_back() {
        let body = "no: sk-0123456789ab, and no: sk-0123456789absk-0123456789ab";
        let wanted = "no: [secret], and no: [secret][secret]";
        assert_eq!(said("authorization", "Bearer sk-0123456789ab", body), wanted);
        assert_eq!(said("authorization", "sk-0123456789ab", body), wanted);
        let connection = "postgres://ada:pass-0123456789@db.test/x";
        assert_eq!(said(CONNECTION, connection, &format!("<{connection}>")), "<[secret]>");
        assert_eq!(said(CONNECTION, connection, "pass-0123456789 is wrong"), "[secret] is wrong");
        assert_eq!(said("authorization", "Bearer short", "short"), "short");
        assert_eq!(said("x-other", "sk-0123456789ab", "sk-0123456789ab"), "sk-0123456789ab");
    }

    #[test]
    fn what_is_marked_as_sensitive_does_not_come_back_under_whatever_name_it_went() {
        let mut secret = http::HeaderValue::from_static("Token 0123456789ab");
        secret.set_sensitive(true);
        let request = http::Request::get("https://a.test/").header("x-api-key", secret).body(Bytes::new()).unwrap();
        let body = Bytes::from_static(b"Token 0123456789ab, and 0123456789ab");
        let answer = Credentials::of(&request).struck_from(http::Response::new(body));
        assert_eq!(answer.into_body(), "[secret], and [secret]");
    }

    #[test]
    fn a_secret_is_known_by_how_json_writes_it() {
        let secret = r#"ab/cd+ef"gh\ij/kl"#;
        let told = |body: &str| said("authorization", &format!("Bearer {secret}"), body);
        for written in [secret, r#"ab/cd+ef\"gh\\ij/kl"#, r#"ab\/cd+ef\"gh\\ij\/kl"#] {
            assert_eq!(told(&format!(r#"{{"no":"{written}"}}"#)), r#"{"no":"[secret]"}"#);
        }
        assert_eq!(told(&serde_json::json!([secret]).to_string()), r#"["[secret]"]"#);
        let slashed = r"postgres:\/\/ada:pass-0123456789@db.test\/x";
        assert_eq!(said(CONNECTION, &slashed.replace('\\', ""), slashed), "[secret]");
    }

    #[test]
    fn a_secret_is_struck_from_a_line_of_the_log() {
        assert_eq!(struck("to https://a.test/hook/0123: no", "https://a.test/hook/0123"), "to [secret]: no");
        assert_eq!(struck("nothing", ""), "nothing");
    }
}
