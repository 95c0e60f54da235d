//! Reports on attempts, as messages of their own (sheet: "Callback body").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    attempt::Outcome,
    message::{self, CALLER_IP, Callback, Message},
    redact::Redact,
};

/// What is told of one attempt; `dlq_id` marks the failure callback.
pub fn body(source: &Message, outcome: &Outcome, retried: u32, dlq_id: Option<&str>) -> Value {
    let mut body = json!({
        "status": outcome.status,
        "header": message::header_map(&outcome.headers),
        "body": STANDARD.encode(&outcome.body),
        "retried": retried,
        "maxRetries": source.how.retries,
        "sourceMessageId": source.id,
        "topicName": source.member.as_ref().map_or("", |member| &member.group),
        "endpointName": source.member.as_ref().and_then(|member| member.endpoint.as_deref()).unwrap_or(""),
        "url": source.url,
        "method": source.how.method,
        "sourceHeader": message::header_map(&source.how.headers),
        "sourceBody": STANDARD.encode(&source.body),
        "notBefore": source.not_before,
        "createdAt": source.created_at,
        "scheduleId": source.schedule_id.as_deref().unwrap_or(""),
        "callerIP": CALLER_IP,
    });
    if let Some(id) = dlq_id {
        body["dlqId"] = json!(id);
    }
    body
}

/// A report holds what its source is not to show.
pub fn redaction(source: &Message) -> Option<Redact> {
    source.how.redact.as_ref().map(|_| Redact { body: true, ..Redact::default() })
}

/// The report of one attempt.
pub fn report(callback: &Callback, source: &Message, body: &Value, now: u64) -> Message {
    let body = Bytes::from(body.to_string());
    let mut report = Message::new(callback.url.clone(), body, callback.how.clone(), now);
    report.slot = source.slot();
    report.how.redact = redaction(source);
    report.workflow.clone_from(&callback.workflow);
    report
}
