//! What a publish becomes that carries the protocol's headers: the beginning of a run, a step of one, a call
//! to a third party on its behalf, or the run of another workflow.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Workflows,
    event::{header_map, headers_of},
    link::{Link, Part},
    run::{Begun, Invoker},
};
use crate::qstash::{
    message::{Callback, Headers, Instructions, Message},
    publish,
};

/// So deep may one workflow invoke another.
const DEEPEST_INVOCATION: u32 = 100;
/// Marks a delivery whose body is the run's steps.
const SDK_VERSION: &str = "upstash-workflow-sdk-version";

/// Why a submission is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read, or its run takes no more.
    Bad(String),
    /// It asks for more than there is.
    OverQuota(String),
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::Bad(why)
    }
}

/// The run that a publish is about, where it is about one.
pub fn run_id(headers: &HeaderMap) -> Option<String> {
    publish::text(headers, "upstash-workflow-runid")
}

/// The message that a publish about a run becomes.
///
/// # Errors
/// When it cannot be read, or there is no such run any more.
pub fn message(
    workflows: &Workflows,
    run: &str,
    headers: &HeaderMap,
    url: &str,
    body: Bytes,
    now: u64,
) -> Result<Message, Refused> {
    let says = |name: &str, value: &str| {
        headers.get(name).is_some_and(|given| given.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
    };
    if headers.contains_key("upstash-workflow-trigger-by-sdk") {
        let why = "the second half of a trigger without the SDK is not offered by this emulator";
        return Err(Refused::Bad(why.to_owned()));
    }
    if says("upstash-workflow-init", "true") {
        return match says("upstash-workflow-invoke", "true") {
            true => invoke(workflows, run, headers, url, &body, now),
            false => first(run, headers, url, body, None, now),
        };
    }
    let begun = &workflows.under_way(run).ok_or_else(|| ended(run))?.begun;
    match says("upstash-workflow-calltype", "toCallback") {
        true => call(begun, headers, url, body, now),
        false => step(begun, url, headers, body, now),
    }
}

impl Workflows {
    /// Whether runs still take these messages.
    ///
    /// # Errors
    /// For the first whose run does not.
    pub fn admit(&self, messages: &[Message]) -> Result<(), Refused> {
        for link in messages.iter().filter_map(|message| message.workflow.as_ref()) {
            let needed = match &link.part {
                Part::First(begun) => begun.invoker.as_ref().map(|invoker| &invoker.run),
                Part::Step | Part::Call | Part::CallResult | Part::Failure => Some(&link.run),
            };
            if let Some(run) = needed.filter(|run| self.under_way(run).is_none()) {
                return Err(ended(run));
            }
        }
        Ok(())
    }
}

/// The SDK takes a 400 for the news that the run is over, and lets go.
pub fn ended(run: &str) -> Refused {
    Refused::Bad(format!("the workflow run '{run}' has ended, or was never begun"))
}

/// The beginning of a run.
pub fn first(
    run: &str,
    headers: &HeaderMap,
    url: &str,
    body: Bytes,
    invoker: Option<Invoker>,
    now: u64,
) -> Result<Message, Refused> {
    publish::check_length("workflow run id", run)?;
    if !run.bytes().all(|byte| byte.is_ascii_graphic()) || run.contains(['/', '?', '#']) {
        return Err(Refused::Bad(format!("invalid workflow run id '{run}': it must fit into the path of an address")));
    }
    let workflow_url = publish::text(headers, "upstash-workflow-url").unwrap_or_else(|| url.to_owned());
    let begun = Begun { id: run.to_owned(), url: workflow_url, created_at: now, headers: lasting(headers), invoker };
    let how = Instructions { failure_callback: None, ..publish::instructions(headers, now)? };
    linked(run, Part::First(Arc::new(begun)), url, body, how, now)
}

/// A result or a plan. It goes by what the trigger said, where it says nothing itself.
pub fn step(begun: &Begun, url: &str, headers: &HeaderMap, body: Bytes, now: u64) -> Result<Message, Refused> {
    let mut all = begun.header_map();
    for name in headers.keys() {
        all.remove(name);
        for value in headers.get_all(name) {
            all.append(name, value.clone());
        }
    }
    let how = Instructions { failure_callback: None, ..publish::instructions(&all, now)? };
    linked(&begun.id, Part::Step, url, body, how, now)
}

/// A request to a third party, whose answer comes back to the workflow as a callback.
fn call(begun: &Begun, headers: &HeaderMap, url: &str, body: Bytes, now: u64) -> Result<Message, Refused> {
    let lasting = publish::instructions(&begun.header_map(), now)?;
    let mut how = Instructions { failure_callback: None, ..publish::instructions(headers, now)? };
    how.labels = lasting.labels.clone();
    let callback = how.callback.as_mut().filter(|callback| callback.workflow.is_some());
    let callback = callback.ok_or_else(|| "a call of a workflow needs Upstash-Callback with its run".to_owned())?;
    if !headers.contains_key("upstash-callback-retries") {
        callback.how.retries = lasting.retries;
        callback.how.retry_delay = lasting.retry_delay;
    }
    callback.how.timeout = lasting.timeout;
    callback.how.flow = lasting.flow;
    callback.how.labels = lasting.labels;
    let own: Vec<String> = callback.how.headers.iter().map(|(name, _)| name.clone()).collect();
    let added = lasting.headers.into_iter().filter(|(name, _)| name != SDK_VERSION && !own.contains(name));
    callback.how.headers.extend(added);
    linked(&begun.id, Part::Call, url, body, how, now)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    #[serde(default)]
    body: Value,
    #[serde(default)]
    headers: BTreeMap<String, Vec<String>>,
    workflow_run_id: String,
    #[serde(default)]
    workflow_run_created_at: u64,
    workflow_url: String,
    step: Value,
}

/// The beginning of a run that another one waits for.
fn invoke(
    workflows: &Workflows,
    run: &str,
    headers: &HeaderMap,
    url: &str,
    body: &Bytes,
    now: u64,
) -> Result<Message, Refused> {
    let depth = headers.get("upstash-forward-upstash-workflow-invoke-count").and_then(|text| text.to_str().ok());
    if depth.and_then(|text| text.parse::<u32>().ok()).is_some_and(|depth| depth > DEEPEST_INVOCATION) {
        return Err(Refused::OverQuota(format!("workflows invoke each other {DEEPEST_INVOCATION} deep at most")));
    }
    let given: Invocation =
        serde_json::from_slice(body).map_err(|error| format!("the body is not an invocation: {error}"))?;
    if !given.step.is_object() {
        return Err(Refused::Bad("the step of an invocation is an object".to_owned()));
    }
    let payload = match given.body {
        Value::Null => Bytes::new(),
        Value::String(text) => text.into(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string().into(),
    };
    let invoker = Invoker {
        run: given.workflow_run_id,
        created_at: given.workflow_run_created_at,
        url: publish::address(&given.workflow_url)?,
        headers: headers_of(&given.headers),
        step: given.step,
    };
    check_later(workflows, &invoker.run, &invoker.url, &invoker.headers, now)?;
    first(run, headers, url, payload, Some(invoker), now)
}

/// Whether a step can be made with these headers once its time has come.
///
/// # Errors
/// When it cannot, or the run is over already.
pub fn check_later(workflows: &Workflows, run: &str, url: &str, headers: &Headers, now: u64) -> Result<(), Refused> {
    let begun = &workflows.under_way(run).ok_or_else(|| ended(run))?.begun;
    step(begun, url, &header_map(headers), Bytes::new(), now).map(drop)
}

/// The failure callback of a run, where its trigger named one.
pub fn failure_callback(begun: &Begun, now: u64) -> Option<Callback> {
    // What a trigger says was read before; a run does not fail over it.
    publish::instructions(&begun.header_map(), now).ok()?.failure_callback.map(|callback| *callback)
}

fn linked(run: &str, part: Part, url: &str, body: Bytes, how: Instructions, now: u64) -> Result<Message, Refused> {
    publish::within_plan(&how).map_err(Refused::OverQuota)?;
    let mut message = Message::new(url.to_owned(), body, how, now);
    message.workflow = Some(Link { run: run.to_owned(), part });
    Ok(message)
}

/// Of a trigger's headers, those that hold for the whole run.
fn lasting(headers: &HeaderMap) -> Headers {
    const NAMES: [&str; 7] = [
        "content-type",
        "upstash-redact-fields",
        "upstash-label",
        "upstash-retries",
        "upstash-retry-delay",
        "upstash-timeout",
        "upstash-failure-callback",
    ];
    const FAMILIES: [&str; 3] = ["upstash-forward-", "upstash-flow-control-", "upstash-failure-callback-"];
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let all = headers.iter().map(|(name, value)| (name.as_str(), value));
    let kept = all.filter(|(name, _)| NAMES.contains(name) || FAMILIES.iter().any(|family| name.starts_with(family)));
    kept.map(|(name, value)| (name.to_owned(), text(value))).collect()
}

/// The trigger's headers, in which these take the places of their namesakes.
pub fn overridden(begun: &Begun, headers: &HeaderMap) -> Headers {
    let mut kept = begun.headers.clone();
    let given: Headers = lasting(headers).into_iter().filter(|(name, _)| name != "content-type").collect();
    kept.retain(|(name, _)| !given.iter().any(|(other, _)| other == name));
    kept.extend(given);
    kept
}
