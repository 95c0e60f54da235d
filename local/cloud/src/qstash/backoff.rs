//! When to try again (sheet: "Retry rules").

use http::HeaderMap;
use jiff::fmt::rfc2822;

use super::{duration, expression::Expression};

const DAY: u64 = 86_400_000;

const RESET_HEADERS: [&str; 4] =
    ["retry-after", "x-ratelimit-reset", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"];

/// Milliseconds before the retry that follows `retried` earlier ones: what
/// the destination asked for, else the publisher's expression, else
/// `min(86400, e^(2.5 n))` seconds.
pub fn delay(retried: u32, expression: Option<&str>, response: &HeaderMap, now: u64) -> u64 {
    asked_for(response, now).or_else(|| expressed(retried, expression?)).unwrap_or_else(|| default(retried))
}

fn default(retried: u32) -> u64 {
    let seconds = (2.5 * (f64::from(retried) + 1.0)).exp().min(86_400.0);
    (seconds * 1000.0) as u64
}

fn expressed(retried: u32, text: &str) -> Option<u64> {
    let millis = Expression::parse(text).ok()?.evaluate(retried);
    // Negative values mean "at once"; NaN means nothing.
    (!millis.is_nan()).then_some((millis as u64).min(DAY))
}

fn asked_for(response: &HeaderMap, now: u64) -> Option<u64> {
    RESET_HEADERS
        .iter()
        .filter_map(|name| response.get(*name)?.to_str().ok())
        .filter_map(|text| wait(text.trim(), now))
        .find(|millis| *millis <= DAY)
}

/// Seconds, an HTTP date, or a duration.
fn wait(text: &str, now: u64) -> Option<u64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds >= 0.0).then_some((seconds * 1000.0) as u64);
    }
    if let Some(millis) = duration::parse(text) {
        return Some(millis);
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let at = u64::try_from(date.as_millisecond()).ok()?;
    Some(at.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(retried: u32, expression: Option<&str>, header: Option<(&'static str, &str)>) -> u64 {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        delay(retried, expression, &headers, 784_111_777_000) / 1000
    }

    #[test]
    fn the_default_grows_to_a_day() {
        let delays: Vec<u64> = (0..5).map(|n| seconds(n, None, None)).collect();
        assert_eq!(delays, [12, 148, 1808, 22026, 86400]);
    }

    #[test]
    fn the_destination_overrules_the_publisher_up_to_a_day() {
        let expression = Some("5000");
        assert_eq!(seconds(0, expression, None), 5);
        assert_eq!(seconds(0, expression, Some(("retry-after", "30"))), 30);
        assert_eq!(seconds(0, expression, Some(("x-ratelimit-reset-tokens", "6m5s"))), 365);
        let date = "Sun, 06 Nov 1994 08:50:37 GMT";
        assert_eq!(seconds(0, expression, Some(("retry-after", date))), 60);
        assert_eq!(seconds(0, expression, Some(("retry-after", "86401"))), 5);
        assert_eq!(seconds(0, None, Some(("retry-after", "soon"))), 12);
    }

    #[test]
    fn odd_expressions_stay_in_bounds() {
        assert_eq!(seconds(0, Some("0 - 5"), None), 0);
        assert_eq!(seconds(0, Some("1 / 0"), None), 86_400);
        assert_eq!(seconds(0, Some("sqrt(0 - 1)"), None), 12);
    }
}
