//! What the answer to a request says of the limits that it was under.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy: "chat";q=60;w=60` is what may
//! come, `RateLimit: "chat";r=9;t=9` what is left. `r` within `t` is never faster than the policy, so that who spreads
//! it out is never refused. `makegood-burst` is a parameter of ours: so many at once.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue};
use makegood_core::guard::gcra::{Decision, Micros, Policy};
use makegood_core::guard::rates::{Class, Limit};
use makegood_core::time::Millis;

use super::front;
use crate::host::{Host, Reply, Request};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Who decided, where it was not Redis.
const FALLBACK: HeaderName = HeaderName::from_static("makegood-limits");

/// What became of a request at the limits.
#[derive(Debug, Default)]
pub struct Mark {
    pub policy: String,
    pub limit: String,
    /// When to come again, in seconds; 0 where it was let in.
    pub retry_after: u64,
    pub fallback: Option<&'static str>,
    /// Of what it is, and when it was let in: for the load.
    pub served: Option<(Class, Millis)>,
}

/// One request's way through a function: what is decided at the door is told with the answer.
#[derive(Clone, Debug, Default)]
pub struct Visit(Arc<OnceLock<Mark>>);

impl Visit {
    /// Begins. What is decided about `request` will be known here.
    #[must_use]
    pub fn begin(request: &mut Request) -> Self {
        let visit = Self::default();
        request.extensions_mut().insert(visit.clone());
        visit
    }

    /// Notes what was decided about a request, if anybody wants to know. The first decision counts.
    pub fn note(request: &Request, mark: Mark) {
        if let Some(visit) = request.extensions().get::<Self>() {
            _ = visit.0.set(mark);
        }
    }

    /// Ends: tells the client, and measures what was served.
    #[must_use]
    pub fn end<H: Host>(&self, host: &H, mut reply: Reply) -> Reply {
        let Some(mark) = self.0.get() else { return reply };
        if let Some((class, began)) = mark.served.filter(|_| reply.status().is_success()) {
            let now = host.now();
            front(host, |front| front.load(class).served(micros(now.since(began)), micros(now)));
        }
        let retry = if mark.retry_after > 0 { mark.retry_after.to_string() } else { String::new() };
        let fallback = mark.fallback.unwrap_or_default();
        for (name, value) in
            [(POLICY, mark.policy.as_str()), (LIMIT, &mark.limit), (RETRY_AFTER, &retry), (FALLBACK, fallback)]
        {
            if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
                reply.headers_mut().insert(name, value);
            }
        }
        reply
    }
}

impl Mark {
    /// Adds one limit, the `nth` of its class.
    pub fn add(&mut self, nth: usize, limit: &Limit, times: u32, policy: Policy, decision: Decision) {
        let (comma, name) = (if self.policy.is_empty() { "" } else { ", " }, limit.class.name());
        let name = if nth == 0 { name.to_owned() } else { format!("{name}-{}", nth + 1) };
        let span = Micros::from(limit.per_s) * 1_000_000;
        let (quota, burst) = (span / policy.interval(), limit.burst.saturating_mul(times));
        _ = write!(self.policy, "{comma}\"{name}\";q={quota};w={};makegood-burst={burst}", limit.per_s);
        let within = decision.next.max(decision.remaining.saturating_mul(policy.interval()));
        _ = write!(self.limit, "{comma}\"{name}\";r={};t={}", decision.remaining, seconds(within));
    }
}

/// Whole seconds, and at least one.
pub const fn seconds(span: Micros) -> u64 {
    let seconds = span.div_ceil(1_000_000);
    if seconds == 0 { 1 } else { seconds }
}

pub const fn micros(span: Millis) -> Micros {
    span.0.saturating_mul(1_000)
}
