//! What happened to messages lately, newest first; bounded, in memory only.

use std::{collections::VecDeque, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    attempt::Outcome,
    message::{self, Message},
};

const KEPT: usize = 2_000;

#[derive(Clone, Copy, Debug)]
pub enum Phase {
    Created,
    Active,
    Retry,
    Error,
    Delivered,
    Failed,
    Cancelled,
}

impl Phase {
    /// As the service calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Active => "ACTIVE",
            Self::Retry => "RETRY",
            Self::Error => "ERROR",
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[derive(Debug)]
pub struct Event {
    pub time: u64,
    pub phase: Phase,
    pub message: Arc<Message>,
    pub outcome: Option<Arc<Outcome>>,
    pub next_delivery: Option<u64>,
}

#[derive(Debug, Default)]
pub struct History {
    events: VecDeque<Event>,
}

impl History {
    pub fn note(&mut self, event: Event) {
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Newest first, and only those that are wanted. At least so many, for what happened in the same
    /// millisecond is never parted; and the time from which to go on.
    pub fn page(&self, wanted: impl Fn(&Event) -> bool, count: usize) -> (Vec<Value>, Option<u64>) {
        let mut wanted = self.events.iter().rev().filter(|event| wanted(event)).peekable();
        let (mut page, mut last) = (Vec::new(), None);
        while let Some(event) = wanted.next_if(|event| page.len() < count || last == Some(event.time)) {
            last = Some(event.time);
            page.push(event.to_json());
        }
        (page, wanted.next().map(|event| event.time))
    }
}

impl Event {
    fn to_json(&self) -> Value {
        let (message, outcome) = (&self.message, self.outcome.as_deref());
        json!({
            "time": self.time,
            "messageId": message.id,
            "state": self.phase.name(),
            "url": message.url,
            "method": message.how.method,
            "header": message::header_map(&message.shown_headers()),
            "body": STANDARD.encode(message.shown_body()),
            "maxRetries": message.how.retries,
            "queueName": message.how.queue,
            "topicName": message.member.as_ref().map(|member| &member.group),
            "endpointName": message.member.as_ref().and_then(|member| member.endpoint.as_ref()),
            "scheduleId": message.schedule_id,
            "label": message.how.labels.first(),
            "error": outcome.and_then(|o| o.error.as_ref()),
            "responseStatus": outcome.map(|o| o.status),
            "responseHeaders": outcome.map(|o| message::header_map(&o.headers)),
            "responseBody": outcome.map(|o| String::from_utf8_lossy(&o.body)),
            "nextDeliveryTime": self.next_delivery,
        })
    }
}
