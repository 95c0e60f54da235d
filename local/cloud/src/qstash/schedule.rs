//! Schedules: a cron expression and the message it produces. Firings missed
//! while the process was down are not made up for.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    cron::Cron,
    group::{self, Group},
    message::{self, Instructions, Message},
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Schedule {
    pub id: String,
    pub cron: String,
    pub url: String,
    #[serde(with = "message::body_text")]
    pub body: Bytes,
    pub how: Instructions,
    pub created_at: u64,
    /// Its times come and go, and nothing is produced.
    #[serde(default)]
    pub paused: bool,
}

impl Schedule {
    pub fn next_after(&self, now: u64) -> Option<u64> {
        Cron::parse(&self.cron).ok()?.next_after(now)
    }

    /// The messages of one firing; none where the group it is for has gone.
    pub fn messages(&self, groups: &BTreeMap<String, Group>, now: u64) -> Vec<Message> {
        let mut messages = group::address(groups, &self.url, &self.body, &self.how, now).unwrap_or_default();
        for message in &mut messages {
            message.schedule_id = Some(self.id.clone());
        }
        messages
    }

    pub fn to_json(&self, now: u64) -> Value {
        let mut json = Message::new(self.url.clone(), self.body.clone(), self.how.clone(), self.created_at).to_json();
        for gone in ["messageId", "url", "maxRetries", "notBefore"] {
            json.remove(gone);
        }
        json.insert("scheduleId".into(), json!(self.id));
        json.insert("cron".into(), json!(self.cron));
        json.insert("destination".into(), json!(self.url));
        json.insert("retries".into(), json!(self.how.retries));
        json.insert("isPaused".into(), json!(self.paused));
        json.insert("nextScheduleTime".into(), json!(self.next_after(now)));
        if self.how.delay > 0 {
            json.insert("delay".into(), json!(self.how.delay / 1000));
        }
        Value::Object(json)
    }
}
