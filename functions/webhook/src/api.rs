//! What the OpenAPI document says of this function.

use makegood_edge::core::error::Code;
use makegood_edge::describe::{Described, Operation as Says, Parameter, Place, Tag, Who, all, shape};
use makegood_edge::gateway::deliveries::State;
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::{Value, json};

use crate::{ADDRESSES, Operation};

/// All of it.
#[must_use]
pub fn described() -> Vec<Described> {
    all(&ADDRESSES, describe)
}

/// What a sender is told that was heard.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Heard {
    /// What the delivery is known again by.
    delivery: String,
    state: State,
    /// Whether it was there before.
    duplicate: bool,
}

fn describe(operation: Operation) -> Says {
    match operation {
        Operation::Receive => Says::new("receiveWebhook", Tag::Webhooks, "Takes in what another service delivers")
            .by(Who::Anyone)
            .means(
                "Signed as its source signs. It is stored before it is answered, and acted on afterwards; one that comes \
                 again is the same. What the body is, is the sender's to say.",
            )
            .parameter(Parameter {
                name: "source",
                place: Place::Path,
                required: true,
                meaning: "The name that the source has in this installation's settings.",
                schema: json!({"type": "string"}),
                example: json!("stripe-main"),
            })
            .takes::<Value>(vec![("event", json!({"id": "evt_1", "type": "payment_intent.succeeded"}))])
            .refuses(&[Code::NotFound, Code::BadSignature, Code::BodyTooLarge, Code::Unavailable])
            .answers_as(
                200,
                "It is stored, now or before. Slack is answered with nothing or its challenge, Twilio with an empty response.",
                vec![
                    ("application/json", shape::<Heard>()),
                    ("text/plain", shape::<String>()),
                    ("text/xml", shape::<String>()),
                ],
            ),
    }
}
