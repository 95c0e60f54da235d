//! Schedules: a cron expression and the message it produces. Firings missed
//! while the process was down are not made up for.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    cron::Cron,
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

    /// The message of one firing.
    pub fn message(&self, now: u64) -> Message {
        let body = self.body.clone();
        let mut message = Message::new(self.url.clone(), body, self.how.clone(), now);
        message.schedule_id = Some(self.id.clone());
        message
    }

    pub fn to_json(&self, now: u64) -> Value {
        let mut json = self.message(self.created_at).to_json();
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
