//! Tools in Rust over reflected types are the tools that the town declares.

use makegood_core::saga::Plan;
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_tools::schemars::{self, JsonSchema};
use makegood_tools::{About, Arg, Compensatable, Draft, Pivot, Repeat, Shape, Step, Tool, definition};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::reflected::messages::{MessagesInput, MessagesInputArgs};
use crate::reflected::payments::{PaymentsInput, PaymentsInputArgs};

const DAY: Repeat = Repeat::Keyed { ttl_ms: Millis(86_400_000) };

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
struct Held {
    /// Id of the payment
    payment_id: String,
    /// Who is to be paid
    payee: String,
    /// Amount in minor units
    amount_minor: i64,
    /// Three capital letters
    currency: String,
}

struct AuthorisePayment;

impl Tool for AuthorisePayment {
    type Input = PaymentsInput;
    type Output = Held;
    type Class = Compensatable;

    fn about() -> About {
        let description = "Authorises a payment without taking the money yet; voided when undone. \
                           At most 100000 minor units.";
        About::new("authorise_payment", "1", "Reserve money", description)
    }

    fn class() -> Compensatable {
        Compensatable { repeat: DAY, status: true, fence: true, approval: None }
    }
}

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
struct Sent {
    /// Id of the message
    message_id: String,
    /// Whom it went to
    to: String,
}

struct SendMessage;

impl Tool for SendMessage {
    type Input = MessagesInput;
    type Output = Sent;
    type Class = Pivot;

    fn about() -> About {
        let description = "Texts somebody. A message cannot be unsent.";
        About { cost_minor: 5, ..About::new("send_message", "1", "Send a message", description) }
    }

    fn class() -> Pivot {
        Pivot { repeat: DAY, status: true, approval: None }
    }
}

/// What is required is sorted where it is reflected; the town keeps the order that it was registered with.
fn declared(name: &str) -> Definition {
    let mut tool = makegood_town::definitions().into_iter().find(|tool| tool["name"] == name).unwrap();
    tool["input"]["required"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    serde_json::from_value(tool).unwrap()
}

#[test]
fn a_tool_over_a_table_is_the_one_that_the_town_declares() {
    assert_eq!(definition::<AuthorisePayment>().unwrap(), declared("authorise_payment"));
    assert_eq!(definition::<SendMessage>().unwrap(), declared("send_message"));
}

#[test]
fn a_plan_is_typed_by_the_columns() {
    let mut draft = Draft::new("");
    let held = draft.add(Step::<AuthorisePayment>::new(
        "held",
        PaymentsInputArgs { payee: "Luigi's".into(), amount_minor: 4_200.into(), currency: "EUR".into() },
    ));
    draft.add(Step::<SendMessage>::new(
        "text",
        MessagesInputArgs { to: "Sam".into(), text: Arg::from(&held.output.payment_id) },
    ));
    let by_hand = json!({"summary": "", "steps": [
        {"id": "held", "tool": "authorise_payment",
         "params": {"payee": "Luigi's", "amount_minor": 4_200, "currency": "EUR"}},
        {"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "$held.payment_id"}},
    ]});
    assert_eq!(draft.build().unwrap(), serde_json::from_value::<Plan>(by_hand).unwrap());
}
