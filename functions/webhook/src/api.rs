//! What the OpenAPI document says of this function.

use makegood_edge::core::error::Code;
use makegood_edge::core::id::SagaId;
use makegood_edge::describe::{Described, Operation as Says, Parameter, Place, Tag, Who, all, shape};
use makegood_edge::gateway::ably::TokenRequest;
use makegood_edge::gateway::deliveries::State;
use makegood_edge::queue::News;
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::{Value, json};
use makegood_edge::subscriptions::Tried;

use crate::subscriptions::{Body, Nothing, View};
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

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Subscriptions {
    subscriptions: Vec<View>,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "SubscriptionDeleted")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Deleted {
    subscription: String,
    deleted: bool,
}

/// Whom there was news for.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "NewsBrought")]
#[expect(dead_code, reason = "it says what an answer looks like, and is never made")]
struct Brought {
    saga: SagaId,
    /// So many subscribers were told, or tried.
    told: usize,
}

fn new(id: &'static str, summary: &'static str) -> Says {
    Says::new(id, Tag::Subscriptions, summary)
}

fn one(id: &'static str, summary: &'static str) -> Says {
    let subscription = Parameter {
        name: "subscription",
        place: Place::Path,
        required: true,
        meaning: "A subscription's id.",
        schema: json!({"type": "string"}),
        example: json!("sub_01k0000000000000000000zzzz"),
    };
    new(id, summary).parameter(subscription).refuses(&[Code::NotFound])
}

fn verb(id: &'static str, summary: &'static str) -> Says {
    one(id, summary).may_take::<Nothing>(vec![("nothing", json!({}))])
}

fn describe(operation: Operation) -> Says {
    match operation {
        Operation::ListSubscriptions => {
            new("listSubscriptions", "Your subscriptions, or for operators everybody's")
                .answers::<Subscriptions>(200, "All of them, the newest first, without their secrets.")
        }
        Operation::CreateSubscription => new("createSubscription", "Has events brought to an address")
            .means(
                "Of your sagas, or for operators of everybody's; what is committed from here on. Each is a CloudEvent, \
                 signed as Standard Webhooks says, and comes at least once, in the order of its saga.",
            )
            .takes::<Body>(vec![(
                "ends",
                json!({"url": "https://hooks.example.com/makegood", "types": ["makegood.saga.*"]}),
            )])
            .refuses(&[Code::Conflict])
            .answers::<View>(201, "It is there. The secret is told here, and never again.")
            .leads_to("showSubscription", "subscription", "/subscription"),
        Operation::ShowSubscription => {
            one("showSubscription", "A subscription").answers::<View>(200, "It, and how far it is behind.")
        }
        Operation::DeleteSubscription => one("deleteSubscription", "Brings nothing to an address any more")
            .answers::<Deleted>(200, "It is gone, with what it had yet to be told."),
        Operation::RotateSecret => verb("rotateSecret", "Gives a subscription another secret")
            .answers::<View>(200, "With the new secret. For a day the one before signs as well."),
        Operation::EnableSubscription => verb("enableSubscription", "Has a subscription that was disabled go on")
            .answers::<View>(200, "It is active. What it missed in the last 30 days is on its way."),
        Operation::TestSubscription => verb("testSubscription", "Brings a subscription an event in which nothing happened")
            .answers::<Tried>(200, "Whether it was taken, and if not why."),
        Operation::AblyToken => new("ablyToken", "Asks for a token of Ably's, for the channels of your sagas")
            .means("For the `authUrl` of Ably's clients. Operators may read everybody's.")
            .answers::<TokenRequest>(200, "A token request. Ably takes it once, within two minutes."),
        Operation::BringNews => Says::new("bringNews", Tag::Queue, "Tells subscribers what they are owed of a saga")
            .by(Who::Queue)
            .takes::<News>(vec![("news", json!({"saga": "sg_01k0000000000000000000zzzz"}))])
            .answers::<Brought>(200, "What was told is written; what was not taken is tried again."),
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
