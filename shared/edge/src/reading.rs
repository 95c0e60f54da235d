//! From a message to a reading of it: a plan that may run, a question, or a confession.
//!
//! Every message is read offline first. Where that is not sure enough, and a model is configured, the
//! model is asked ([`crate::model`]); where that comes to nothing, what was read offline is the answer,
//! whatever it is.

use std::collections::BTreeMap;

use makegood_core::error::{Code, Error};
use makegood_core::id::ConversationId;
use makegood_core::intent::{self, Band, Context, Intent, Turned};
use makegood_core::proposal::{Proposal, Provenance};
use makegood_core::saga::{Budget, Node, Plan, object};
use makegood_core::time::Millis;
use makegood_core::tool::{Class, Definition};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::conversation::zone::{FURTHEST, Zone, check_locale};
use crate::door::{ANONYMOUS, Principal};
use crate::host::Host;
use crate::model::{self, Consulted, Exchange, Models, Reader};
use crate::settings::Settings;
use crate::start::verify;
use crate::store::Store;

/// What a client sends.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Said {
    pub message: String,
    /// The client's key: a repeat answers with the first saga.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(length(min = 1, max = 200)))]
    pub key: Option<String>,
    /// The conversation that it goes on with; without it, it begins one.
    pub conversation: Option<ConversationId>,
    /// The sender's time zone: `Europe/Berlin`, `+02:00`. Said once, it holds for the conversation; said never, it is
    /// Greenwich.
    pub time_zone: Option<String>,
    /// The same as a number: the sender's clock, east of Greenwich.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(range(min = -840, max = 840)))]
    pub utc_offset_minutes: Option<i32>,
    /// The language that is answered in, `de` or `en-GB`. It holds for the conversation as well.
    pub locale: Option<String>,
    /// What the saga may spend.
    #[serde(default, deserialize_with = "budget")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Budget"))]
    pub budget: Option<Budget>,
    /// The trace that the request is of: it stands in a header.
    #[serde(skip)]
    pub trace: Option<String>,
}

fn budget<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Budget>, D::Error> {
    object(deserializer).map(Some)
}

impl Said {
    /// Whether it is a message at all. Answers with the zone that it says.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`].
    pub fn check(&self) -> Result<Option<Zone>, Error> {
        let refuse = |message: &str| Err(Error::new(Code::InvalidRequest, message));
        if self.message.trim().is_empty() {
            return refuse("`message` is empty. Say what you want done.");
        }
        if self.utc_offset_minutes.is_some_and(|minutes| minutes.abs() > FURTHEST) {
            return refuse("`utc_offset_minutes` lies between -840 and 840.");
        }
        if self.utc_offset_minutes.is_some() && self.time_zone.is_some() {
            return refuse("`time_zone` and `utc_offset_minutes` say the same: send one of them.");
        }
        if self.key.as_ref().is_some_and(|key| key.is_empty() || key.chars().count() > 200) {
            return refuse("`key` has between 1 and 200 characters.");
        }
        if let Some(locale) = &self.locale {
            check_locale(locale)?;
        }
        match &self.time_zone {
            Some(zone) => Zone::parse(zone).map(Some),
            None => Ok(self.utc_offset_minutes.map(Zone::Fixed)),
        }
    }
}

/// What became of it, and how.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub reading: Reading,
    pub how: Provenance,
    /// What may be done with it. A model's plan has its owner asked by the saga itself.
    pub band: Band,
    /// The place of the message that its wishes began with, as [`Turned`] has it.
    pub since: usize,
}

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
    /// The user said what not to do, and nothing else.
    Refused {
        message: String,
    },
}

/// A name that a partner can be told.
#[must_use]
pub fn called(principal: &Principal) -> String {
    if principal.name == ANONYMOUS { "Guest".to_owned() } else { principal.name.clone() }
}

/// What a message is read after.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// What was said, oldest first.
    pub earlier: &'a [intent::Said],
    /// What a model asked of the last of these, each with its question.
    pub questions: &'a [Exchange],
}

/// What the models have had to do with one message. However often it is read, they have one time for it, and the
/// same question is asked once.
#[derive(Debug, Default)]
pub struct Counsel {
    until: Option<Millis>,
    came: Option<(Vec<Exchange>, Consulted)>,
}

/// Reads a message for somebody, after those before it.
///
/// # Errors
/// Those of [`verify`], and where the journal, which has the tools, cannot be reached.
pub async fn read<H: Host>(
    host: &H,
    settings: &Settings,
    principal: &Principal,
    said: &Said,
    before: Before<'_>,
    context: &Context,
    counsel: &mut Counsel,
) -> Result<Outcome, Error> {
    let models = Models::read(host)?;
    let began = host.now();
    let Before { earlier, questions } = before;
    let turned = intent::read_turn(&said.message, earlier, context);
    // A model sees what it asked itself, and else this message alone, so it is asked about what stands alone.
    let alone = turned.since == earlier.len();
    let why = if questions.is_empty() {
        unsure(&turned.reading, &said.message).filter(|_| alone)
    } else {
        answers(&turned.reading, &said.message, alone)
    };
    let Turned { reading: offline, since } = turned;
    let mut how = Provenance::offline(0);
    if why.is_some() && questions.is_empty() {
        // Only what is not understood is worth a look at what tools say of themselves.
        let tools = Store::new(host, settings).all_tools().await?;
        if let Some(reading) = intent::read_by_example(&said.message, &tools, context) {
            let band = reading.band();
            let reading = settled(reading, tools)?;
            how.took_ms = host.now().since(began).0;
            return Ok(Outcome { reading, how, band, since });
        }
    }
    if let Some(why) = why.filter(|_| !models.chain.is_empty()) {
        let until = *counsel.until.get_or_insert_with(|| host.now() + models.patience);
        let known = counsel.came.as_ref().filter(|(about, _)| about.as_slice() == questions);
        let consulted = if let Some((_, known)) = known {
            known.clone()
        } else {
            let reader = Reader {
                message: &said.message,
                questions,
                now: context.now,
                utc_offset_minutes: context.utc_offset_minutes,
                user: &context.user,
                until,
                trace: said.trace.as_deref(),
            };
            let most = said.budget.and_then(|budget| budget.cost_minor);
            let came = model::consult(host, settings, &models, &reader, most, &principal.name, why).await?;
            counsel.came = Some((questions.to_vec(), came.clone()));
            came
        };
        let Consulted { proposal, tools, how: asked } = consulted;
        how = asked;
        if let Some(reading) = proposal.and_then(|proposal| proposed(proposal, tools)) {
            let band = match &reading {
                Reading::Plan { .. } if how.confirm.is_some() => Band::Confirm,
                Reading::Plan { .. } => Band::Act,
                Reading::Ask { .. } | Reading::Unclear { .. } | Reading::Refused { .. } => Band::Clarify,
            };
            // It is about all that was asked and answered.
            let since = earlier.len().saturating_sub(questions.len());
            return Ok(Outcome { reading, how, band, since });
        }
    }
    let band = offline.band();
    let reading = taken(host, settings, offline).await?;
    how.took_ms = host.now().since(began).0;
    Ok(Outcome { reading, how, band, since })
}

/// Reads a message again that was read before, as of then, offline.
///
/// # Errors
/// As [`read`].
pub async fn again<H: Host>(
    host: &H,
    settings: &Settings,
    said: &intent::Said,
    earlier: &[intent::Said],
    now: &Context,
) -> Result<Outcome, Error> {
    let then = Context { now: said.at, utc_offset_minutes: said.utc_offset_minutes, user: now.user.clone() };
    let Turned { reading, since } = intent::read_turn(&said.text, earlier, &then);
    let band = reading.band();
    let reading = taken(host, settings, reading).await?;
    Ok(Outcome { reading, how: Provenance::offline(0), band, since })
}

/// An offline reading; a plan as the tools are now.
async fn taken<H: Host>(host: &H, settings: &Settings, offline: intent::Reading) -> Result<Reading, Error> {
    let tools = match &offline {
        intent::Reading::Plan { plan, .. } => Store::new(host, settings).tools(plan).await?,
        intent::Reading::Ask { .. } | intent::Reading::Unclear { .. } | intent::Reading::Refused { .. } => {
            BTreeMap::new()
        }
    };
    settled(offline, tools)
}

/// The same, with the tools that a plan may call.
fn settled(offline: intent::Reading, tools: BTreeMap<String, Definition>) -> Result<Reading, Error> {
    Ok(match offline {
        intent::Reading::Plan { intents, mut plan } => {
            intent::keep_to(&mut plan, &|tool| tools.contains_key(tool));
            let nodes = verify(&plan, &tools)?;
            Reading::Plan { intents, plan, nodes, tools }
        }
        intent::Reading::Ask { question, missing, intents } => {
            Reading::Ask { question, details: json!({"missing": missing, "intents": intents}) }
        }
        intent::Reading::Unclear { message } => Reading::Unclear { message },
        intent::Reading::Refused { message } => Reading::Refused { message },
    })
}

/// Why an offline reading is not acted upon as it is; `None` where it is. Where it knows what is missing its
/// own question is the right one, and no model could answer it.
fn unsure(reading: &intent::Reading, message: &str) -> Option<&'static str> {
    if message.chars().count() > intent::MAX_CHARACTERS {
        // What is too long to be read is not paid for either.
        return None;
    }
    match reading {
        intent::Reading::Unclear { .. } => Some("Nothing that can be done was found in it offline."),
        intent::Reading::Ask { missing, .. } if missing.iter().all(|gap| gap.parameter == "wish") => {
            Some("A part of it was not understood offline.")
        }
        intent::Reading::Plan { .. } if reading.band() == Band::Clarify => {
            Some("It was read offline, and not surely enough.")
        }
        // What was assumed is shown to the user, who knows; and nobody looks for a way round what they said not to do.
        intent::Reading::Ask { .. } | intent::Reading::Plan { .. } | intent::Reading::Refused { .. } => None,
    }
}

/// Why a message after a model's question goes to it: it is the answer, unless it is a whole wish of its own, or a
/// denial.
fn answers(reading: &intent::Reading, message: &str, alone: bool) -> Option<&'static str> {
    let whole = alone && reading.band() != Band::Clarify && intent::short(message).is_none();
    let too_long = message.chars().count() > intent::MAX_CHARACTERS;
    (!whole && !too_long).then_some("It may answer what a model asked.")
}

fn proposed(proposal: Proposal, tools: BTreeMap<String, Definition>) -> Option<Reading> {
    match proposal {
        Proposal::Plan { plan, nodes, .. } => Some(Reading::Plan { intents: Vec::new(), plan, nodes, tools }),
        Proposal::Ask { question } => Some(Reading::Ask { question, details: json!({"missing": [], "intents": []}) }),
        Proposal::Nothing => None,
    }
}

impl Outcome {
    /// The reading as a client sees it.
    #[must_use]
    pub fn preview(&self) -> Value {
        let mut preview = self.reading.preview();
        // Of what was read as ever there is nothing to say.
        if self.how.why.is_some() {
            preview["how"] = json!(self.how);
        }
        preview
    }
}

impl Reading {
    fn preview(&self) -> Value {
        match self {
            Self::Plan { intents, plan, nodes, tools } => {
                let steps: Vec<Value> = nodes.iter().map(|node| preview_step(node, nodes, tools)).collect();
                // Of those that stand in for each other one is paid for.
                let paid = nodes.iter().filter(|node| node.instead_of.is_empty());
                let costs = paid.filter_map(|node| tools.get(&node.tool)).map(|tool| tool.cost_minor);
                let cost = costs.fold(0, i64::saturating_add);
                json!({
                    "kind": "plan", "summary": plan.summary, "intents": intents, "plan": plan,
                    "steps": steps, "cost_minor": cost,
                })
            }
            Self::Ask { question, details } => json!({"kind": "question", "question": question, "details": details}),
            Self::Unclear { message } => json!({"kind": "unclear", "message": message}),
            Self::Refused { message } => json!({"kind": "refused", "message": message}),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asks_a_model(message: &str) -> bool {
        let context = Context { now: Millis(1_777_636_800_000), utc_offset_minutes: 0, user: "Ann".to_owned() };
        unsure(&intent::read(message, &context), message).is_some()
    }

    #[test]
    fn a_model_is_asked_where_the_offline_reading_is_not_enough_and_nowhere_else() {
        assert!(!asks_a_model("Book a table for 4 at Luigi's tomorrow at 7pm"));
        assert!(!asks_a_model("Book a table at Luigi's"), "what is missing is asked of the user");
        assert!(!asks_a_model("Don't pay Anna"), "nobody looks for a way round what was forbidden");
        assert!(asks_a_model("Wibble the frobnicator, my dear"));
        assert!(asks_a_model("Book a table for 4 at Luigi's tomorrow at 7pm unless the moon is full"));
        let endless = "Wibble the frobnicator ".repeat(400);
        assert!(!asks_a_model(&endless), "what is too long to be read is not paid for");
        // As the endpoints' tests and docs/MODELS.md say them to the emulated model.
        let table = r#"{"id":"table","tool":"book_restaurant_table","params":{"restaurant":"Luigi's","date":"2031-05-01","time":"19:00","party_size":99,"name":"Ann"}}"#;
        assert!(asks_a_model(&format!(
            r#"turns: {{"summary":"As you wish","steps":[{table}]}} || {{"steps":[{table}]}}"#
        )));
        assert!(asks_a_model(r#"echo: {"summary":"","steps":[{"id":"r","tool":"search_restaurants","params":{}}]}"#));
    }

    #[test]
    fn costs_that_are_too_much_to_be_added_up_are_shown_as_the_most_there_is() {
        let dear: Definition = serde_json::from_value(json!({
            "name": "dear", "version": "1", "title": "Dear", "description": "", "class": "query", "repeat": "never",
            "status": false, "fence": false, "timeout_ms": 1, "estimate_ms": 1, "cost_minor": i64::MAX,
            "input": {}, "output": {},
        }))
        .unwrap();
        let node = |ix: u32| {
            let node = json!({"ix": ix, "id": format!("s{ix}"), "tool": "dear", "version": "1", "class": "query"});
            serde_json::from_value::<Node>(node).unwrap()
        };
        let plan = serde_json::from_value(json!({"summary": "", "steps": []})).unwrap();
        let (nodes, tools) = (vec![node(0), node(1)], BTreeMap::from([("dear".to_owned(), dear)]));
        let reading = Reading::Plan { intents: Vec::new(), plan, nodes, tools };
        assert_eq!(reading.preview()["cost_minor"], json!(i64::MAX));
    }
}
