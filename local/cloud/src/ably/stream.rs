//! Messages as they are published: server-sent events, or JSON lines.
//!
//! A reader holds only its place; what it reads is what the channels keep. One
//! who is slower than a thousand messages of a channel misses some.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, header};
use rmpv::Value;
use tokio::{sync::watch, time::Instant};

use super::{
    Inner,
    auth::Grant,
    capability::Operation,
    channel::{RESUME, Stored},
    fault::Fault,
    name,
    wire::{Wire, to_json},
};
use crate::percent;

const KEEPALIVE: Duration = Duration::from_secs(15);
/// How many messages a reader is handed before it is asked whether it is still there.
const BATCH: usize = 100;
const MAX_CHANNELS: usize = 50;
const MAX_REWIND: usize = 100;

pub struct Wanted {
    channels: Vec<String>,
    /// How many messages of the past, channel by channel.
    rewinds: Vec<usize>,
    /// The place after which to go on.
    resume: Option<u64>,
    enveloped: bool,
    heartbeats: bool,
    events: bool,
}

impl Wanted {
    /// `events`: server-sent ones rather than JSON lines.
    pub fn read(query: &[(String, String)], headers: &HeaderMap, events: bool) -> Result<Self, Fault> {
        let named = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let flag = |name: &str, default| match named(name) {
            None | Some("") => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(Fault::parameter(format!("invalid {name}: {other}"))),
        };
        let names = named("channels").or_else(|| named("channel")).unwrap_or("");
        let separator = named("separator").filter(|separator| !separator.is_empty()).unwrap_or(",");
        let rewind = rewind(named("rewind").unwrap_or("0"))?;
        let (mut channels, mut rewinds) = (Vec::new(), Vec::new());
        for name in names.split(separator).filter(|name| !name.is_empty()) {
            let name = name::read(name)?;
            rewinds.push(own_rewind(name.parameters)?.unwrap_or(rewind));
            channels.push(name.channel);
        }
        if channels.is_empty() || channels.len() > MAX_CHANNELS {
            return Err(Fault::parameter(format!("a stream is of 1 to {MAX_CHANNELS} channels")));
        }
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).or_else(|| named("lastEvent"));
        Ok(Self {
            channels,
            rewinds,
            resume: last.filter(|id| !id.is_empty()).map(place).transpose()?,
            enveloped: flag("enveloped", true)?,
            heartbeats: flag("heartbeats", false)?,
            events,
        })
    }
}

fn rewind(text: &str) -> Result<usize, Fault> {
    let count = text.parse::<usize>().map_err(|_| Fault::parameter(format!("invalid rewind: {text}")))?;
    Ok(count.min(MAX_REWIND))
}

/// Of the parameters before a channel's name.
fn own_rewind(parameters: &str) -> Result<Option<usize>, Fault> {
    let mut own = None;
    for (option, value) in percent::query_pairs(parameters) {
        if option == b"rewind" {
            own = Some(rewind(&String::from_utf8_lossy(&value))?);
        }
    }
    Ok(own)
}

/// `<place>@<milliseconds>`: where a stream was.
fn place(id: &str) -> Result<u64, Fault> {
    let place = id.split_once('@').and_then(|(place, _)| place.parse().ok());
    place.ok_or_else(|| Fault::parameter(format!("invalid lastEvent: {id}")))
}

struct Reader {
    inner: Arc<Inner>,
    wanted: Wanted,
    place: u64,
    waiting: VecDeque<Arc<Stored>>,
    news: watch::Receiver<()>,
    expires: Option<u64>,
    /// Nothing was sent yet.
    silent: bool,
    over: bool,
}

pub fn open(inner: &Arc<Inner>, grant: &Grant, wanted: Wanted) -> Result<Response, Fault> {
    for channel in &wanted.channels {
        grant.capability.check(channel, Operation::Subscribe)?;
    }
    let media = if wanted.events { "text/event-stream" } else { "application/x-ndjson" };
    let reader = Reader::new(inner.clone(), wanted, grant.expires);
    let mut response = Response::new(Body::from_stream(stream::unfold(reader, |mut reader| async move {
        let part = reader.next().await?;
        Some((Ok::<_, Infallible>(part), reader))
    })));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

impl Reader {
    fn new(inner: Arc<Inner>, wanted: Wanted, expires: Option<u64>) -> Self {
        let now = inner.clock.now();
        let recent = now.saturating_sub(RESUME);
        let news = inner.news.subscribe();
        let mut channels = inner.channels();
        channels.join(&wanted.channels, now);
        let place = channels.last();
        let mut waiting: Vec<Arc<Stored>> = match wanted.resume {
            // A place of before a restart says nothing; such a stream begins now.
            Some(after) => channels.after(&wanted.channels, after, usize::MAX),
            None => wanted
                .channels
                .iter()
                .zip(&wanted.rewinds)
                .flat_map(|(name, count)| {
                    let messages = channels.messages(name, now);
                    let from = messages.len().saturating_sub(*count);
                    messages.into_iter().skip(from)
                })
                .collect(),
        };
        drop(channels);
        waiting.retain(|stored| stored.timestamp >= recent);
        waiting.sort_unstable_by_key(|stored| stored.at);
        Self { inner, wanted, place, waiting: waiting.into(), news, expires, silent: true, over: false }
    }

    /// The next part of the body, or `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if std::mem::take(&mut self.silent) {
            // So that whoever opened it knows that it is open.
            return Some(self.keepalive());
        }
        let deadline = Instant::now() + KEEPALIVE;
        loop {
            if self.expires.is_some_and(|at| at <= self.inner.clock.now()) {
                self.over = true;
                return Some(self.last_words(&Fault::expired()));
            }
            self.news.mark_unchanged();
            if self.waiting.is_empty() {
                let found = self.inner.channels().after(&self.wanted.channels, self.place, BATCH);
                if let Some(last) = found.last() {
                    self.place = last.at;
                }
                self.waiting = found.into();
            }
            if !self.waiting.is_empty() {
                let parts: Vec<String> = self.waiting.drain(..).map(|stored| event(&self.wanted, &stored)).collect();
                return Some(Bytes::from(parts.concat()));
            }
            let until = self.expires.map_or(deadline, |at| deadline.min(self.inner.clock.instant(at).into()));
            tokio::select! {
                _ = self.news.changed() => {}
                () = tokio::time::sleep_until(until) => {
                    if until == deadline {
                        return Some(self.keepalive());
                    }
                }
            }
        }
    }

    fn keepalive(&self) -> Bytes {
        Bytes::from_static(match (self.wanted.events, self.wanted.heartbeats) {
            (true, false) => b":keepalive\n\n",
            (true, true) => b"event: heartbeat\ndata: {}\n\n",
            (false, false) => b"\n",
            (false, true) => b"{\"event\":\"heartbeat\"}\n",
        })
    }

    fn last_words(&self, fault: &Fault) -> Bytes {
        let data = to_json(&fault.body()).to_string();
        Bytes::from(written(&self.wanted, None, "error", &data))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.inner.channels().leave(&self.wanted.channels);
    }
}

fn event(wanted: &Wanted, stored: &Stored) -> String {
    let data = if wanted.enveloped {
        let Value::Map(mut fields) = stored.value(Wire::Json) else {
            return String::new();
        };
        fields.push(("channel".into(), (*stored.channel).into()));
        to_json(&Value::Map(fields)).to_string()
    } else {
        stored.message.payload()
    };
    written(wanted, Some(&format!("{}@{}", stored.at, stored.timestamp)), "message", &data)
}

fn written(wanted: &Wanted, id: Option<&str>, event: &str, data: &str) -> String {
    if !wanted.events {
        return format!("{}\n", serde_json::json!({"id": id, "event": event, "data": data}));
    }
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    // A line break inside would end the field.
    let lines: Vec<String> = data.split(['\n', '\r']).map(|line| format!("data: {line}\n")).collect();
    format!("{id}event: {event}\n{}\n", lines.concat())
}
