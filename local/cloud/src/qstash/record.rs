//! The journal's vocabulary. One line of the journal is an array of records
//! that hold together or not at all. Stored: a new shape needs a new name.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    attempt::Outcome,
    flow::Hold,
    group::Group,
    keys::Keys,
    message::{self, Message},
    queue::QueueConfig,
    schedule::Schedule,
    workflow::Change,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Accepted.
    Put(Arc<Message>),
    /// Failed, to be tried again at `due`.
    Retry {
        id: String,
        retried: u32,
        due: u64,
    },
    /// Delivered, dead or cancelled.
    Done {
        id: String,
    },
    Dead(Arc<DeadLetter>),
    DeadGone {
        dlq_id: String,
    },
    /// Remembered although the message itself is gone.
    Dedup {
        key: String,
        id: String,
        until: u64,
    },
    Queue(QueueConfig),
    QueueGone {
        name: String,
    },
    Schedule(Arc<Schedule>),
    ScheduleGone {
        id: String,
    },
    Keys(Keys),
    Group(Group),
    GroupGone {
        name: String,
    },
    /// What an operator says of a flow-control key.
    Hold {
        key: String,
        hold: Hold,
    },
    /// So far the clock has been put forward.
    Ahead {
        millis: u64,
    },
    /// What messages do not carry of workflow runs.
    Workflow(Change),
}

/// A message that failed for good.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    pub dlq_id: String,
    pub message: Arc<Message>,
    pub outcome: Arc<Outcome>,
    /// Later ones have higher numbers.
    #[serde(default)]
    pub order: u64,
}

impl DeadLetter {
    pub fn to_json(&self) -> Map<String, Value> {
        let mut json = self.message.to_json();
        json.insert("dlqId".into(), json!(self.dlq_id));
        json.insert("responseStatus".into(), json!(self.outcome.status));
        json.insert("responseHeader".into(), message::header_map(&self.outcome.headers));
        match std::str::from_utf8(&self.outcome.body) {
            Ok(text) => json.insert("responseBody".into(), json!(text)),
            Err(_) => {
                use base64::{Engine as _, engine::general_purpose::STANDARD};
                let text = STANDARD.encode(&self.outcome.body);
                json.insert("responseBodyBase64".into(), json!(text))
            }
        };
        if let Some(error) = &self.outcome.error {
            json.insert("error".into(), json!(error));
        }
        json
    }
}
