//! `split_bill`: what each guest owes of a bill, to the cent.
//!
//! It imports nothing of its own and remembers nothing: the same call gives the same shares, and whoever runs it
//! keeps what came of a key. So there is nothing outside to take back; undone, a bill's `split_id` is void, and its
//! key answers that it was undone.

mod split;

use serde::Serialize;
use serde_json::json;

use exports::makegood::tool::actions::{Definition, Failure, Guest, IdempotencyKey, Json, State};
use makegood::tool::types::{Class, Refusal, Repeat, Retry};
use split::Bill;

wit_bindgen::generate!({ path: "../../../wit/tool.wit", world: "tool" });

struct SplitBill;

export!(SplitBill);

impl Guest for SplitBill {
    fn describe() -> Definition {
        Definition {
            name: "split_bill".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Split a bill".to_owned(),
            description: "Splits a bill, with a tip if one is given, among the guests, equally or by weight. The \
                          shares add up to the cent."
                .to_owned(),
            class: Class::Compensatable,
            repeat: Repeat::Keyed(24 * 60 * 60 * 1000),
            fence: true,
            timeout: 8_000,
            estimate: 20,
            retry: Retry { attempts: 3, base: 200, cap: 2_000 },
            cost_minor: 0,
            input: input(),
            output: output(),
        }
    }

    async fn perform(key: IdempotencyKey, params: Json) -> Result<Json, Failure> {
        let bill: Bill = serde_json::from_str(&params).map_err(|error| refused("invalid_bill", error.to_string()))?;
        let shares = bill.shares().map_err(|why| refused(why.code(), why.to_string()))?;
        let split = Split { split_id: split_id(&key), currency: &bill.currency, shares };
        serde_json::to_string(&split).map_err(|error| Failure::Unknown(error.to_string()))
    }

    async fn undo(_: IdempotencyKey, _: Json, output: Option<Json>) -> Result<bool, Failure> {
        Ok(output.is_some())
    }

    async fn status(_: IdempotencyKey) -> Result<State, Failure> {
        Ok(State::NeverSeen)
    }
}

#[derive(Serialize)]
struct Split<'b> {
    split_id: String,
    currency: &'b str,
    #[serde(flatten)]
    shares: split::Shares<'b>,
}

fn refused(code: &str, detail: String) -> Failure {
    Failure::Refused(Refusal { code: code.to_owned(), detail })
}

/// The same in every attempt: FNV-1a over the key.
fn split_id(key: &str) -> String {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("SPLIT-{hash:016x}")
}

fn amount(description: &str) -> serde_json::Value {
    json!({ "type": "integer", "description": description })
}

fn input() -> Json {
    json!({
        "type": "object",
        "required": ["total_minor", "currency", "guests"],
        "additionalProperties": false,
        "properties": {
            "total_minor": {
                "type": "integer", "minimum": 1, "maximum": split::MOST,
                "description": "What the bill comes to, in minor units (cents)",
            },
            "currency": { "type": "string", "minLength": 3, "maxLength": 3, "description": "ISO 4217, as EUR" },
            "tip_percent": { "type": "integer", "minimum": 0, "maximum": 100, "default": 0 },
            "guests": {
                "type": "array", "minItems": 1, "maxItems": 100,
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "additionalProperties": false,
                    "properties": {
                        "name": { "type": "string", "minLength": 1, "maxLength": 100 },
                        "weight": {
                            "type": "integer", "minimum": 1, "maximum": 100, "default": 1,
                            "description": "A guest of weight 2 pays for two",
                        },
                    },
                },
            },
        },
    })
    .to_string()
}

fn output() -> Json {
    json!({
        "type": "object",
        "required": ["split_id", "currency", "total_minor", "tip_minor", "shares"],
        "additionalProperties": false,
        "properties": {
            "split_id": { "type": "string" },
            "currency": { "type": "string" },
            "total_minor": amount("With the tip"),
            "tip_minor": amount("Of the total"),
            "shares": {
                "type": "array",
                "description": "In the order of the guests",
                "items": {
                    "type": "object",
                    "required": ["name", "amount_minor"],
                    "additionalProperties": false,
                    "properties": { "name": { "type": "string" }, "amount_minor": amount("In minor units") },
                },
            },
        },
    })
    .to_string()
}
