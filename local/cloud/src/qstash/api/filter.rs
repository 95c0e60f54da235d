//! Which messages a listing or an operator's verb is about: values of one kind are alternatives, kinds must
//! all fit.

use http::Uri;

use super::{Call, Refusal};
use crate::qstash::message::{CALLER_IP, Message};

/// What a query may hold besides.
const OTHERS: [&str; 5] = ["count", "cursor", "qstash_token", "direction", "order"];

pub struct Filter {
    fields: Vec<(&'static str, Vec<String>)>,
}

/// What every listing of messages and every verb may be told.
const MESSAGE: [&str; 9] =
    ["url", "label", "queueName", "topicName", "flowControlKey", "scheduleId", "callerIp", "fromDate", "toDate"];
/// Beside those, what ends messages, what lists events, and what is about dead letters.
pub const CANCEL: [&str; 3] = ["messageIds", "host", "path"];
pub const EVENTS: [&str; 5] = ["messageId", "messageIds", "host", "path", "state"];
pub const DEAD: [&str; 4] = ["messageId", "dlqIds", "responseStatus", "source"];
/// What a run that failed may be asked for.
pub const DEAD_RUNS: [&str; 4] = ["workflowUrl", "workflowRunId", "workflowCreatedAt", "failureFunctionState"];

impl Filter {
    /// Reads the query of a call about messages. `more`: what it may name besides what all of them may.
    ///
    /// # Errors
    /// A name that is not known there: whoever misspells a filter does not want everything gone.
    pub fn parse(call: &Call, more: &[&'static str]) -> Result<Self, Refusal> {
        Self::of(call, &[&MESSAGE, more].concat())
    }

    /// Reads the query of a call that may name these and nothing else.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn of(call: &Call, known: &[&'static str]) -> Result<Self, Refusal> {
        for name in call.query_names().iter().filter(|name| !OTHERS.contains(&name.as_str())) {
            if !known.iter().any(|known| known == name) {
                return Err(Refusal::bad(format!("unknown filter '{name}'")));
            }
            if call.query(name).is_empty() {
                return Err(Refusal::bad(format!("the filter '{name}' is empty")));
            }
        }
        let named = known.iter().map(|name| (*name, call.query(name)));
        let fields: Vec<(&'static str, Vec<String>)> = named.filter(|(_, values)| !values.is_empty()).collect();
        let dates = fields.iter().filter(|(name, _)| name.ends_with("Date"));
        if let Some((name, _)) = dates.clone().find(|(_, values)| values[0].parse::<u64>().is_err()) {
            return Err(Refusal::bad(format!("{name} is in milliseconds since 1970")));
        }
        Ok(Self { fields })
    }

    /// The values of one of those that it may name.
    pub fn values(&self, name: &str) -> &[String] {
        self.fields.iter().find(|(known, _)| *known == name).map_or(&[], |(_, values)| values)
    }

    /// Whether a value fits that a message does not have itself.
    pub fn allows(&self, name: &str, value: &str) -> bool {
        let values = self.values(name);
        values.is_empty() || values.iter().any(|wanted| wanted == value)
    }

    pub fn fits(&self, message: &Message) -> bool {
        self.fits_at(message, message.created_at)
    }

    /// As [`Filter::fits`], where the dates are about another time than the message's own.
    pub fn fits_at(&self, message: &Message, time: u64) -> bool {
        self.fields.iter().all(|(name, values)| {
            let any = |value: Option<&str>| value.is_some_and(|value| values.iter().any(|wanted| wanted == value));
            let limit = || values.first().and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
            let uri = || message.url.parse::<Uri>().unwrap_or_default();
            match *name {
                "messageId" | "messageIds" => any(Some(&message.id)),
                "url" => any(Some(&message.url)),
                "host" => any(uri().authority().map(http::uri::Authority::as_str)) || any(uri().host()),
                "path" => any(Some(uri().path())),
                "label" => message.how.labels.iter().any(|label| any(Some(label))),
                "queueName" => any(message.how.queue.as_deref()),
                "topicName" => any(message.member.as_ref().map(|member| member.group.as_str())),
                "flowControlKey" => any(message.how.flow.as_ref().map(|flow| flow.key.as_str())),
                "scheduleId" => any(message.schedule_id.as_deref()),
                "callerIp" => any(Some(CALLER_IP)),
                "fromDate" => time >= limit(),
                "toDate" => time <= limit(),
                _ => true,
            }
        })
    }
}
