//! From a message to a reading of it: a plan that may run, a question, or a confession.
//!
//! The planner is the offline one. A model comes behind the same function.

use std::collections::BTreeMap;

use makegood_core::error::{Code, Error};
use makegood_core::intent::{self, Context, Intent};
use makegood_core::saga::{Node, Plan};
use makegood_core::tool::{Class, Definition};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::door::{ANONYMOUS, Principal};
use crate::host::Host;
use crate::settings::Settings;
use crate::start::verify;
use crate::store::Store;

/// What a client sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    pub message: String,
    /// The client's key: a repeat answers with the first saga.
    pub key: Option<String>,
    /// The sender's clock, east of Greenwich; without it, Greenwich.
    #[serde(default)]
    pub utc_offset_minutes: i32,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Reading {
    Plan {
        intents: Vec<Intent>,
        plan: Plan,
        nodes: Vec<Node>,
        tools: BTreeMap<String, Definition>,
    },
    /// Something is missing: the question, and the rest for programs.
    Ask {
        question: String,
        details: Value,
    },
    /// Nothing that can be done was found.
    Unclear {
        message: String,
    },
}

/// Reads a message for somebody, now.
///
/// # Errors
/// [`Code::InvalidRequest`] for a message that is none, and those of [`verify`].
pub async fn read<H: Host>(
    host: &H,
    settings: &Settings,
    principal: &Principal,
    said: &Said,
) -> Result<Reading, Error> {
    if said.message.trim().is_empty() {
        return Err(Error::new(Code::InvalidRequest, "`message` is empty. Say what you want done."));
    }
    if said.utc_offset_minutes.abs() > 14 * 60 {
        return Err(Error::new(Code::InvalidRequest, "`utc_offset_minutes` lies between -840 and 840."));
    }
    if said.key.as_ref().is_some_and(|key| key.is_empty() || key.chars().count() > 200) {
        return Err(Error::new(Code::InvalidRequest, "`key` has between 1 and 200 characters."));
    }
    let context = Context {
        now: host.now(),
        utc_offset_minutes: said.utc_offset_minutes,
        // A name that a partner can be told.
        user: if principal.name == ANONYMOUS { "Guest".to_owned() } else { principal.name.clone() },
    };
    Ok(match intent::read(&said.message, &context) {
        intent::Reading::Plan { intents, plan } => {
            let tools = Store::new(host, settings).tools(&plan).await?;
            let nodes = verify(&plan, &tools)?;
            Reading::Plan { intents, plan, nodes, tools }
        }
        intent::Reading::Ask { question, missing, intents } => {
            Reading::Ask { question, details: json!({"missing": missing, "intents": intents}) }
        }
        intent::Reading::Unclear { message } | intent::Reading::Refused { message } => Reading::Unclear { message },
    })
}

impl Reading {
    /// The reading as a client sees it.
    #[must_use]
    pub fn preview(&self) -> Value {
        match self {
            Self::Plan { intents, plan, nodes, tools } => {
                let steps: Vec<Value> = nodes.iter().map(|node| preview_step(node, nodes, tools)).collect();
                let cost: i64 = nodes.iter().filter_map(|node| tools.get(&node.tool)).map(|tool| tool.cost_minor).sum();
                json!({
                    "kind": "plan", "summary": plan.summary, "intents": intents, "plan": plan,
                    "steps": steps, "cost_minor": cost,
                })
            }
            Self::Ask { question, details } => json!({"kind": "question", "question": question, "details": details}),
            Self::Unclear { message } => json!({"kind": "unclear", "message": message}),
        }
    }
}

fn preview_step(node: &Node, nodes: &[Node], tools: &BTreeMap<String, Definition>) -> Value {
    let tool = tools.get(&node.tool);
    let id = |ix: &u32| nodes.iter().find(|node| node.ix == *ix).map(|node| node.id.as_str());
    let after: Vec<&str> = node.deps.iter().filter_map(id).collect();
    json!({
        "id": node.id, "tool": node.tool, "title": tool.map(|tool| tool.title.as_str()), "class": node.class,
        "risk": risk(node.class), "cost_minor": tool.map(|tool| tool.cost_minor), "params": node.params, "after": after,
    })
}

/// How bad it is if this step was a mistake.
const fn risk(class: Class) -> &'static str {
    match class {
        Class::Query => "none",
        Class::Compensatable => "low",
        Class::Retriable | Class::Pivot => "high",
    }
}
