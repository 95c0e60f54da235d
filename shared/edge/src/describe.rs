//! What the OpenAPI document says of an operation, written beside the function that carries it out. Requests and
//! answers are said by their types. Native only: no function has it.
//!
//! What holds for all operations of a kind (who may ask, what a body can be refused for) is said here, once.

use makegood_core::error::Code;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::addresses::Address;

/// Problem details (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";
const JSON: &str = "application/json";

/// The schema of a type, by the generator that is asked.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
#[must_use]
pub fn shape<T: JsonSchema>() -> Shape {
    |generator| generator.subschema_for::<T>()
}

/// An event of a stream (WHATWG HTML, "Server-sent events") whose data is such a thing, as JSON.
#[must_use]
pub fn event<T: JsonSchema>() -> Shape {
    |generator| {
        let data = generator.subschema_for::<T>();
        json_schema!({
            "type": "object",
            "description": "One event of the stream, by the fields of its lines.",
            "required": ["id", "data"],
            "properties": {
                "id": {"type": "string", "description": "What `Last-Event-ID` is to say when the stream is taken up again."},
                "data": {"type": "string", "contentMediaType": JSON, "contentSchema": data},
            },
        })
    }
}

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    Conversations,
    Sagas,
    People,
    Schedules,
    Breakers,
    Agents,
    Observation,
    Description,
    Webhooks,
    Subscriptions,
    Queue,
}

impl Tag {
    pub const ALL: [Self; 11] = [
        Self::Conversations,
        Self::Sagas,
        Self::People,
        Self::Schedules,
        Self::Breakers,
        Self::Agents,
        Self::Observation,
        Self::Description,
        Self::Webhooks,
        Self::Subscriptions,
        Self::Queue,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conversations => "Conversations",
            Self::Sagas => "Sagas",
            Self::People => "Decisions of people",
            Self::Schedules => "Schedules",
            Self::Breakers => "Circuit breakers",
            Self::Agents => "Agents",
            Self::Observation => "Observation",
            Self::Description => "This description",
            Self::Webhooks => "Webhooks",
            Self::Subscriptions => "Subscriptions",
            Self::Queue => "The queue's callbacks",
        }
    }

    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Conversations => "Say what you want done, in English, German or Spanish.",
            Self::Sagas => "Start a plan of your own, see how it stands, and have it paused, mended or undone.",
            Self::People => "Agree to a step, or refuse it: signed in, or by a link that was made for one decision.",
            Self::Schedules => "Plans that a clock starts.",
            Self::Breakers => "What is not called while it is away: for operators.",
            Self::Agents => "The same for other agents, by the Model Context Protocol.",
            Self::Observation => "What was committed, and why: as JSON and as pages.",
            Self::Description => "This document, and the page that shows it.",
            Self::Webhooks => "Events that other services send.",
            Self::Subscriptions => {
                "Events of your sagas, brought to an address of yours or published to Ably's channels."
            }
            Self::Queue => "For the queue only, which signs what it sends.",
        }
    }
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Anyone,
    /// With a token or an API key, who only looks also with the session's cookie; without one as `anonymous`, where the
    /// installation allows it.
    User,
    /// The queue, by its signature.
    Queue,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Header,
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub place: Place,
    pub required: bool,
    pub meaning: &'static str,
    pub schema: Value,
    pub example: Value,
}

/// What a request carries.
#[derive(Clone, Debug)]
pub struct Body {
    pub media: &'static str,
    pub shape: Shape,
    pub required: bool,
    /// By name.
    pub examples: Vec<(&'static str, Value)>,
}

/// An answer that is no refusal.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub meaning: &'static str,
    /// By media type; none where there is no body.
    pub content: Vec<(&'static str, Shape)>,
    /// Operations that can be asked next: their id, their parameter, and a JSON pointer to its value in the answer.
    pub links: Vec<(&'static str, &'static str, &'static str)>,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Unique, and stable: clients are generated with it.
    pub id: &'static str,
    pub tag: Tag,
    pub who: Who,
    /// One sentence.
    pub summary: &'static str,
    /// More of it, or nothing.
    pub meaning: &'static str,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    pub answers: Vec<Answer>,
    /// What it can be refused with, as problem details,
    pub refusals: Vec<Code>,
    /// or, of a page, as another page.
    pub refuses_as: &'static str,
}

impl Operation {
    /// One of a user's, unless it is said otherwise.
    #[must_use]
    pub fn new(id: &'static str, tag: Tag, summary: &'static str) -> Self {
        let refusals = vec![Code::MethodNotAllowed, Code::Internal];
        let new = Self {
            id,
            tag,
            who: Who::Anyone,
            summary,
            meaning: "",
            parameters: vec![],
            body: None,
            answers: vec![],
            refusals,
            refuses_as: PROBLEM,
        };
        new.by(Who::User)
    }

    /// Who may ask, and what it means not to be let in.
    #[must_use]
    pub fn by(mut self, who: Who) -> Self {
        let doors = |who: Who| match who {
            Who::Anyone => &[Code::RateLimited][..],
            Who::User => &[Code::Unauthenticated, Code::Forbidden, Code::RateLimited, Code::Unavailable],
            Who::Queue => &[Code::BadSignature, Code::Unavailable],
        };
        self.refusals.retain(|code| !doors(self.who).contains(code));
        self.who = who;
        self.refuses(doors(who))
    }

    #[must_use]
    pub fn means(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A JSON object that must be there.
    #[must_use]
    pub fn takes<T: JsonSchema>(self, examples: Vec<(&'static str, Value)>) -> Self {
        self.with_body(Body { media: JSON, shape: shape::<T>(), required: true, examples })
    }

    /// The fields of a form.
    #[must_use]
    pub fn takes_form<T: JsonSchema>(mut self, examples: Vec<(&'static str, Value)>) -> Self {
        let media = "application/x-www-form-urlencoded";
        self.body = Some(Body { media, shape: shape::<T>(), required: true, examples });
        self.refuses(&[Code::InvalidRequest, Code::BodyTooLarge])
    }

    /// A JSON object that may be left out.
    #[must_use]
    pub fn may_take<T: JsonSchema>(self, examples: Vec<(&'static str, Value)>) -> Self {
        self.with_body(Body { media: JSON, shape: shape::<T>(), required: false, examples })
    }

    fn with_body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self.refuses(&[Code::InvalidJson, Code::InvalidRequest, Code::BodyTooLarge])
    }

    /// Answers with JSON.
    #[must_use]
    pub fn answers<T: JsonSchema>(self, status: u16, meaning: &'static str) -> Self {
        self.answers_as(status, meaning, vec![(JSON, shape::<T>())])
    }

    #[must_use]
    pub fn answers_as(mut self, status: u16, meaning: &'static str, content: Vec<(&'static str, Shape)>) -> Self {
        self.answers.push(Answer { status, meaning, content, links: vec![] });
        self
    }

    /// What can be asked next of the answer that was named last.
    #[must_use]
    pub fn leads_to(mut self, operation: &'static str, parameter: &'static str, pointer: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.links.push((operation, parameter, pointer));
        }
        self
    }

    #[must_use]
    pub fn refuses(mut self, codes: &[Code]) -> Self {
        for code in codes {
            if !self.refusals.contains(code) {
                self.refusals.push(*code);
            }
        }
        self
    }
}

/// An operation and where it is.
#[derive(Clone, Debug)]
pub struct Described {
    pub path: &'static str,
    pub method: &'static str,
    pub operation: Operation,
}

/// What a function's table has, described. `HEAD` is `GET` without the body, and is not told of apart.
pub fn all<O: Copy>(addresses: &[Address<O>], describe: impl Fn(O) -> Operation) -> Vec<Described> {
    let mut found = Vec::new();
    for address in addresses {
        for (method, operation) in address.methods.iter().filter(|(method, _)| *method != "HEAD") {
            found.push(Described { path: address.path, method, operation: describe(*operation) });
        }
    }
    found
}

/// A parameter of the path: which saga.
#[must_use]
pub fn saga() -> Parameter {
    Parameter {
        name: "saga",
        place: Place::Path,
        required: true,
        meaning: "A saga's id.",
        schema: serde_json::json!({"type": "string", "pattern": makegood_core::described::SAGA_ID}),
        example: serde_json::json!("sg_01k0000000000000000000zzzz"),
    }
}
