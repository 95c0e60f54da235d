//! Decisions of people: signed in, or by a link.

#![expect(dead_code, reason = "these types say what answers look like, and are never made")]

use makegood_edge::core::error::Code;
use makegood_edge::core::time::Millis;
use makegood_edge::describe::{Operation as Says, Tag, Who, saga, shape};
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::{Map, Value, json};

use super::sagas::verb;
use crate::links::{Decide as DecideByLink, Make, Token};
use crate::verbs::Decide;

/// A link that was made. The token is told here and nowhere else.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Link {
    token: String,
    /// The page on which whoever has this address decides. The token stands behind its `#`.
    page: String,
    step: String,
    /// Who decides with it.
    #[schemars(rename = "for")]
    stands_for: String,
    expires_at: Millis,
}

/// What a link is about.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Question {
    title: String,
    step: String,
    tool: String,
    params: Map<String, Value>,
    question: String,
    #[schemars(rename = "for")]
    stands_for: String,
    made_by: String,
    expires_at: Millis,
}

/// What was decided with a link.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Decided {
    step: String,
    approve: bool,
    #[schemars(rename = "for")]
    stands_for: String,
}

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn decides(says: Says) -> Says {
    let shown = json!({"step": "text", "hash": "0123456789abcdef", "note": "Go ahead."});
    says.takes::<Decide>(vec![("bare", json!({"step": "text"})), ("shown", shown)])
}

pub(super) fn approve() -> Says {
    decides(verb("approve", Tag::People, "Agrees to a step"))
        .means("`hash`, from the step's `approval`, binds the decision to the parameters that were shown.")
}

pub(super) fn reject() -> Says {
    decides(verb("reject", Tag::People, "Refuses a step")).means("The saga is made good.")
}

pub(super) fn make_link() -> Says {
    Says::new("makeLink", Tag::People, "Makes a token with which somebody who is not signed in decides once")
        .parameter(saga())
        .takes::<Make>(vec![("ann", json!({"step": "text", "for": "ann", "expires_ms": 3_600_000}))])
        .refuses(&[Code::InvalidId, Code::NotFound, Code::Conflict])
        .answers::<Link>(201, "The token. It is not told again.")
}

pub(super) fn look() -> Says {
    Says::new("look", Tag::People, "What a link is about, for whoever holds it")
        .by(Who::Anyone)
        .takes::<Token>(vec![("token", json!({"token": TOKEN}))])
        .refuses(&[Code::NotFound, Code::Conflict, Code::Unavailable])
        .answers::<Question>(200, "What there is to decide.")
}

pub(super) fn decide() -> Says {
    Says::new("decide", Tag::People, "Decides with a link")
        .means("A link decides once. Who does not get the answer says the same again, and gets it.")
        .by(Who::Anyone)
        .takes::<DecideByLink>(vec![("yes", json!({"token": TOKEN, "approve": true, "note": "Go ahead."}))])
        .refuses(&[Code::NotFound, Code::Conflict, Code::Unavailable])
        .answers::<Decided>(200, "It was heard.")
}

/// What the page of a link sends.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "DecisionForm")]
struct Form {
    token: String,
    decision: Choice,
    #[schemars(default)]
    note: String,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename_all = "snake_case", rename = "DecisionChoice")]
enum Choice {
    Approve,
    Reject,
}

pub(super) fn decide_by_form() -> Says {
    let page = || vec![("text/html", shape::<String>())];
    Says::new("decideByForm", Tag::People, "Decides with a link, from the page of that link")
        .means("As `decide`, for browsers: from this installation's own page only, and answered with a page.")
        .by(Who::Anyone)
        .takes_form::<Form>(vec![("yes", json!({"token": TOKEN, "decision": "approve", "note": "Go ahead."}))])
        .refuses(&[Code::BodyTooLarge, Code::Forbidden, Code::NotFound, Code::Conflict, Code::Unavailable])
        .answers_as(200, "It was heard.", page())
        .answers_as(410, "The link has expired.", page())
}
