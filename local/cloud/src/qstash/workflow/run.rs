//! A workflow run, as far as the queue's side of it goes: what began it, the steps that came, and its end.

use std::{collections::BTreeSet, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event::{Waiter, header_map};
use crate::qstash::{
    attempt::Outcome,
    message::{self, Headers, Message},
    publish,
    redact::Redact,
};

/// What a run is from its first moment on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begun {
    pub id: String,
    pub url: String,
    /// Unix milliseconds, as all times here.
    pub created_at: u64,
    /// The trigger's headers that hold for every later step: the steps do not repeat them.
    pub headers: Headers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoker: Option<Invoker>,
}

/// The run that waits for this one's result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invoker {
    pub run: String,
    pub created_at: u64,
    pub url: String,
    /// With which its step is to be submitted.
    pub headers: Headers,
    /// The step that the result completes.
    pub step: Value,
}

impl Begun {
    pub fn header_map(&self) -> HeaderMap {
        header_map(&self.headers)
    }

    pub fn labels(&self) -> Vec<String> {
        publish::labels(&self.header_map())
    }

    /// Whether nobody is to read what its steps hold.
    pub fn hides_bodies(&self) -> bool {
        let fields = publish::text(&self.header_map(), "upstash-redact-fields");
        fields.is_some_and(|fields| Redact::parse(&fields).is_ok_and(|redact| redact.body))
    }

    pub fn flow_key(&self) -> Option<String> {
        publish::text(&self.header_map(), "upstash-flow-control-key")
    }
}

/// What was submitted to a run, in the order in which it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    pub message_id: String,
    #[serde(with = "message::body_text")]
    pub body: Bytes,
    /// As in [`super::Part::call_type`].
    pub call_type: String,
    pub created_at: u64,
}

impl Step {
    /// The step that a message is, if it is one.
    pub fn of(message: &Message) -> Option<Self> {
        Some(Self {
            message_id: message.id.clone(),
            body: message.body.clone(),
            call_type: message.workflow.as_ref()?.part.call_type()?.to_owned(),
            created_at: message.created_at,
        })
    }

    /// As the SDK reads it.
    pub fn raw(&self) -> Value {
        json!({
            "messageId": self.message_id,
            "body": STANDARD.encode(&self.body),
            "callType": self.call_type,
        })
    }

    /// What the SDK wrote into it; nothing of what it did not write.
    pub fn content(&self) -> Option<Value> {
        let content: Value = serde_json::from_slice(&self.body).ok()?;
        (self.call_type == "step" && content.is_object()).then_some(content)
    }
}

/// How a run ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct End {
    pub state: EndState,
    pub at: u64,
    /// What the workflow returned, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Of a failed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dlq_id: Option<String>,
    /// What a failed run still had under way, to go on with if it is resumed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<Arc<Message>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiters: Vec<Arc<Waiter>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndState {
    Success,
    Failed,
    Canceled,
}

/// How the message that tells of a failure fares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailureCall {
    pub message: Arc<Message>,
    pub state: CallState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Arc<Outcome>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    InProgress,
    Success,
    Failed,
    Canceled,
}

impl CallState {
    /// As the service calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "CALLBACK_INPROGRESS",
            Self::Success => "CALLBACK_SUCCESS",
            Self::Failed => "CALLBACK_FAIL",
            Self::Canceled => "CALLBACK_CANCELED",
        }
    }
}

#[derive(Debug)]
pub struct Run {
    pub begun: Arc<Begun>,
    pub steps: Vec<Arc<Step>>,
    pub end: Option<End>,
    pub failure_call: Option<FailureCall>,
    /// Its messages that have not come to their end.
    pub live: BTreeSet<String>,
    /// Later ones have higher numbers.
    pub order: u64,
}

impl Run {
    pub fn new(begun: Arc<Begun>, order: u64) -> Self {
        Self { begun, steps: Vec::new(), end: None, failure_call: None, live: BTreeSet::new(), order }
    }

    pub fn add(&mut self, step: Arc<Step>) {
        if !self.steps.iter().any(|known| known.message_id == step.message_id) {
            self.steps.push(step);
        }
    }

    /// The steps up to and with this one: what a workflow may know when this message reaches it.
    pub fn until(&self, message_id: &str) -> &[Arc<Step>] {
        let at = self.steps.iter().position(|step| step.message_id == message_id);
        &self.steps[..at.map_or(self.steps.len(), |at| at + 1)]
    }

    /// Whether the result of a step has come.
    pub fn has(&self, step_id: &Value) -> bool {
        let ids = self.steps.iter().filter_map(|step| step.content());
        ids.into_iter().any(|content| content.get("stepId") == Some(step_id))
    }

    /// As the service calls it.
    pub const fn state(&self) -> &'static str {
        match &self.end {
            None => "RUN_STARTED",
            Some(end) => match end.state {
                EndState::Success => "RUN_SUCCESS",
                EndState::Failed => "RUN_FAILED",
                EndState::Canceled => "RUN_CANCELED",
            },
        }
    }
}
