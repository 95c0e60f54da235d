//! From the headers of a publish to [`Instructions`] (sheet: "Request
//! headers"). What cannot be read is refused, never guessed.

use std::str::FromStr;

use http::{HeaderMap, Method, Uri};
use sha2::{Digest as _, Sha256};

use super::{
    cron::Cron,
    duration,
    expression::Expression,
    flow::Flow,
    message::{Callback, Headers, Instructions},
    redact::Redact,
    workflow,
};
use crate::{percent, text::hexadecimal};

/// The longest delay of the free plan.
pub const MAX_DELAY: u64 = 7 * 86_400_000;
const DEFAULT_RETRIES: u32 = 3;
/// Ours: the service tells of no limit, but has one, if only that of a request's head.
const LONGEST_NAME: usize = 256;

/// Reads the headers for a message itself.
///
/// # Errors
/// A sentence that names the header.
pub fn instructions(headers: &HeaderMap, now: u64) -> Result<Instructions, String> {
    let plain = Prefixed { headers, prefix: "upstash-" };
    let mut how = plain.common(DEFAULT_RETRIES, "POST")?;
    if let Some(at) = plain.number::<u64>("not-before")? {
        how.delay = at.saturating_mul(1000).saturating_sub(now);
    }
    if let Some(kind) = headers.get("content-type") {
        let value = String::from_utf8_lossy(kind.as_bytes()).into_owned();
        how.headers.retain(|(name, _)| name != "content-type");
        how.headers.push(("content-type".to_owned(), value));
    }
    how.callback = callback(headers, "upstash-callback", how.retries)?;
    how.failure_callback = callback(headers, "upstash-failure-callback", how.retries)?;
    how.labels = labels(headers);
    how.flow = match (plain.text("flow-control-key"), plain.text("flow-control-value")) {
        (None, None) => None,
        (Some(key), Some(value)) => {
            check_length("flow-control key", &key)?;
            Some(Flow::parse(key, &value)?)
        }
        _ => return Err("Upstash-Flow-Control-Key and -Value go together".to_owned()),
    };
    how.dedup = plain.text("deduplication-id");
    how.redact = match plain.text("redact-fields") {
        None => None,
        Some(text) => Some(Redact::parse(&text).map_err(|why| plain.wrong("redact-fields", &why))?),
    };
    Ok(how)
}

/// The id of `Upstash-Content-Based-Deduplication`, where that is asked for.
pub fn content_id(headers: &HeaderMap, url: &str, body: &[u8], how: &Instructions) -> Option<String> {
    let asked = headers.get("upstash-content-based-deduplication")?;
    if !asked.as_bytes().eq_ignore_ascii_case(b"true") {
        return None;
    }
    let mut sorted: Vec<&(String, String)> = how.headers.iter().collect();
    sorted.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(serde_json::json!([url, sorted]).to_string());
    hash.update(body);
    Some(format!("content:{}", hexadecimal(&hash.finalize())))
}

/// The cron expression of a schedule.
pub fn cron(headers: &HeaderMap) -> Result<String, String> {
    let text = Prefixed { headers, prefix: "upstash-" }.text("cron");
    let text = text.ok_or("a schedule needs the header Upstash-Cron")?;
    Cron::parse(&text).map_err(|why| format!("invalid Upstash-Cron: {why}"))?;
    Ok(text)
}

/// A message's labels.
pub fn labels(headers: &HeaderMap) -> Vec<String> {
    let text = text(headers, "upstash-label").unwrap_or_default();
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The text of one header, `None` when absent or empty.
pub fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Prefixed { headers, prefix: "" }.text(name)
}

/// The destination as it stands in the rest of a request's path and query: an
/// address, or the name of a URL group. `qstash_token` belongs to us, not to the destination.
///
/// # Errors
/// When it is no http or https URL, and could be no group's name.
pub fn destination(rest: &str) -> Result<String, String> {
    let mut url = rest.to_owned();
    if !has_scheme(&url) {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let decoded = String::from_utf8(percent::decode(path));
        url = decoded.map_err(|_| "invalid destination: not UTF-8".to_owned())?;
        if !query.is_empty() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(query);
        }
    }
    url = without_token(url);
    if !has_scheme(&url) {
        check_name("destination", &url)
            .map_err(|why| format!("{why}; an address must begin with http:// or https://"))?;
        return Ok(url);
    }
    match Uri::from_str(&url) {
        Ok(uri) if uri.host().is_some_and(|host| !host.is_empty()) => Ok(url),
        Ok(_) | Err(_) => Err(format!("invalid destination url '{url}'")),
    }
}

/// A destination that has to be an address.
///
/// # Errors
/// When it is none.
pub fn address(url: &str) -> Result<String, String> {
    match has_scheme(url) {
        true => destination(url),
        false => Err(format!("invalid url '{url}': an address must begin with http:// or https://")),
    }
}

/// Names of queues, URL groups, endpoints and schedules.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn check_name(what: &str, name: &str) -> Result<(), String> {
    check_length(what, name)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(format!("invalid {what} '{name}': a name consists of letters, digits, '.', '-' and '_'"));
    }
    Ok(())
}

/// # Errors
/// A sentence that says how long a name may be.
pub fn check_length(what: &str, name: &str) -> Result<(), String> {
    match name.len() <= LONGEST_NAME {
        true => Ok(()),
        false => Err(format!("the {what} has {} bytes, the limit is {LONGEST_NAME}", name.len())),
    }
}

/// Whether it is an address, and not a group's name.
pub fn has_scheme(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn without_token(url: String) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url;
    };
    if !query.contains("qstash_token=") {
        return url;
    }
    let kept = query.split('&').filter(|pair| !pair.starts_with("qstash_token="));
    let kept = kept.collect::<Vec<_>>().join("&");
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{kept}") }
}

fn callback(headers: &HeaderMap, name: &str, retries: u32) -> Result<Option<Box<Callback>>, String> {
    let Some(url) = text(headers, name) else {
        return Ok(None);
    };
    let url = destination(&url).map_err(|why| format!("{name}: {why}"))?;
    if !has_scheme(&url) {
        return Err(format!("{name}: '{url}' must begin with http:// or https://"));
    }
    let prefix = format!("{name}-");
    let mut how = Prefixed { headers, prefix: &prefix }.common(retries, "POST")?;
    how.headers.retain(|(name, _)| name != "content-type");
    how.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let workflow = workflow::of_callback(headers).filter(|_| name == "upstash-callback");
    Ok(Some(Box::new(Callback { url, how, workflow })))
}

/// Whether the plan that is emulated allows such delays.
///
/// # Errors
/// A sentence that says what it allows.
pub fn within_plan(how: &Instructions) -> Result<(), String> {
    let callbacks = [&how.callback, &how.failure_callback].into_iter().flatten().map(|callback| &callback.how);
    match std::iter::once(how).chain(callbacks).all(|how| how.delay <= MAX_DELAY) {
        true => Ok(()),
        false => Err("the delay exceeds the 7 days of this plan".to_owned()),
    }
}

/// The headers that begin with one prefix.
struct Prefixed<'a> {
    headers: &'a HeaderMap,
    prefix: &'a str,
}

impl Prefixed<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let value = self.headers.get(format!("{}{name}", self.prefix))?;
        let text = String::from_utf8_lossy(value.as_bytes()).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn wrong(&self, name: &str, why: &str) -> String {
        format!("invalid header {}{name}: {why}", self.prefix)
    }

    fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number = text.parse().map(Some);
        number.map_err(|_| self.wrong(name, "not a whole number"))
    }

    fn duration(&self, name: &str) -> Result<Option<u64>, String> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let millis = duration::parse(&text);
        millis.map(Some).ok_or_else(|| self.wrong(name, "not a duration such as 10s or 1h30m"))
    }

    fn forwarded(&self) -> Headers {
        let prefix = format!("{}forward-", self.prefix);
        let named = self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(&prefix)?;
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (!name.is_empty()).then(|| (name.to_owned(), value))
        });
        named.collect()
    }

    /// What messages and callbacks have in common.
    fn common(&self, retries: u32, method: &str) -> Result<Instructions, String> {
        let method = self.text("method").unwrap_or(method.to_owned()).to_ascii_uppercase();
        let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        if !known.iter().any(|m| m.as_str() == method) {
            return Err(self.wrong("method", "use GET, POST, PUT, PATCH or DELETE"));
        }
        let retry_delay = self.text("retry-delay");
        if let Some(text) = &retry_delay {
            Expression::parse(text).map_err(|why| self.wrong("retry-delay", &why))?;
        }
        let delay = self.duration("delay")?.unwrap_or(0);
        Ok(Instructions {
            method,
            headers: self.forwarded(),
            retries: self.number("retries")?.unwrap_or(retries),
            retry_delay,
            timeout: self.duration("timeout")?,
            delay,
            callback: None,
            failure_callback: None,
            labels: Vec::new(),
            flow: None,
            queue: None,
            dedup: None,
            redact: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_kept_to_the_letter() {
        let url = "https://h.example/a//b?x=%20&y=http://z";
        assert_eq!(destination(url).unwrap(), url);
        assert_eq!(destination("https%3A%2F%2Fh%2Fp%3Fa%3D1").unwrap(), "https://h/p?a=1");
        assert_eq!(destination("http://h/p?qstash_token=t&a=1").unwrap(), "http://h/p?a=1");
        assert_eq!(destination("a-group.1").unwrap(), "a-group.1");
        for bad in ["", "no group", "ftp://h/", "http://", "http:///p"] {
            assert!(destination(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn callbacks_inherit_the_retries_and_have_their_own_settings() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("upstash-retries", "7"),
            ("upstash-callback", "http://h/cb"),
            ("upstash-callback-forward-x-a", "1"),
            ("upstash-failure-callback", "http://h/fail"),
            ("upstash-failure-callback-retries", "0"),
            ("upstash-forward-x-b", "2"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let how = instructions(&headers, 0).unwrap();
        let callback = how.callback.unwrap();
        assert_eq!(callback.how.retries, 7);
        assert_eq!(callback.how.headers[0], ("x-a".to_owned(), "1".to_owned()));
        assert_eq!(how.failure_callback.unwrap().how.retries, 0);
        assert_eq!(how.headers, [("x-b".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn unreadable_headers_are_refused() {
        for (name, value) in [
            ("upstash-retries", "-1"),
            ("upstash-delay", "10"),
            ("upstash-method", "BREW"),
            ("upstash-retry-delay", "foo"),
            ("upstash-not-before", "tomorrow"),
            ("upstash-callback", "nowhere"),
            ("upstash-flow-control-key", "k"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert!(instructions(&headers, 0).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn a_plan_has_its_longest_delay() {
        for (name, value, allowed) in [
            ("upstash-delay", "7d", true),
            ("upstash-delay", "8d", false),
            ("upstash-not-before", "99999999", false),
            ("upstash-callback-delay", "8d", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("upstash-callback", "http://h/cb".parse().unwrap());
            headers.insert(name, value.parse().unwrap());
            assert_eq!(within_plan(&instructions(&headers, 0).unwrap()).is_ok(), allowed, "{name}: {value}");
        }
    }
}
