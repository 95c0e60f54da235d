//! How a run's messages go out: with the steps that the workflow may know by then.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::link::Part;
use crate::qstash::{message::Message, state::State};

impl State {
    /// Whether the run that a message is for has ended, so that nobody wants it.
    pub fn is_void(&self, message: &Message) -> bool {
        message
            .workflow
            .as_ref()
            .is_some_and(|link| !matches!(link.part, Part::Failure) && self.workflows.under_way(&link.run).is_none())
    }

    /// The message as it leaves. Steps that are too large leave empty, and the SDK fetches them.
    pub fn outgoing(&self, message: &Arc<Message>) -> Arc<Message> {
        let Some(link) = &message.workflow else {
            return message.clone();
        };
        let Some(run) = self.workflows.run(&link.run) else {
            return message.clone();
        };
        let body = match link.part {
            // A third party is to learn nothing of the workflow.
            Part::Call => return message.clone(),
            Part::First(_) | Part::Step => {
                let steps: Vec<Value> = run.until(&message.id).iter().map(|step| step.raw()).collect();
                let body = Bytes::from(Value::from(steps).to_string());
                if body.len() > self.max_message_bytes { Bytes::new() } else { body }
            }
            Part::CallResult | Part::Failure => message.body.clone(),
        };
        let mut sent = Message::clone(message);
        sent.body = body;
        sent.how.headers.extend(
            [
                ("upstash-workflow-runid", run.begun.id.clone()),
                ("upstash-workflow-url", run.begun.url.clone()),
                ("upstash-workflow-createdat", run.begun.created_at.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        Arc::new(sent)
    }
}
