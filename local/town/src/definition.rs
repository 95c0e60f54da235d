//! What each tool declares about itself, in the shape of `makegood_core::tool::Definition`. The town
//! writes it as JSON, as a partner that does not know the engine would.

use serde_json::{Value, json};

use crate::tool::{Class, Tool};

/// How long a key is remembered. The town never forgets one, but promises a day.
const KEY_TTL_MS: u64 = 86_400_000;

/// The definitions of all tools of the town.
#[must_use]
pub fn definitions() -> Vec<Value> {
    Tool::ALL.iter().copied().map(definition).collect()
}

/// What is particular to one tool.
struct Particulars {
    title: &'static str,
    description: &'static str,
    /// In cents of the demo currency.
    cost: i64,
    input: Value,
    output: Value,
}

fn definition(tool: Tool) -> Value {
    let Particulars { title, description, cost, input, output } = particulars(tool);
    let class = tool.class();
    let estimate_ms = match (tool, class) {
        (Tool::BenchEffect | Tool::BenchQuery, _) => 1,
        (_, Class::Query) => 20,
        (_, Class::Compensatable | Class::Pivot | Class::Retriable) => 50,
    };
    // A retriable has no way back: it is tried until it succeeds.
    let attempts = if class == Class::Retriable { 20 } else { 5 };
    json!({
        "name": tool.name(),
        "version": "1",
        "title": title,
        "description": description,
        "class": class.name(),
        "repeat": { "keyed": { "ttl_ms": KEY_TTL_MS } },
        "status": class != Class::Query,
        "fence": class == Class::Compensatable,
        "timeout_ms": 5_000,
        "estimate_ms": estimate_ms,
        "retry": { "attempts": attempts, "base_ms": 200, "cap_ms": 5_000 },
        "cost_minor": cost,
        "input": input,
        "output": output,
    })
}

fn particulars(tool: Tool) -> Particulars {
    match tool {
        Tool::SearchRestaurants => Particulars {
            title: "Find restaurants",
            description: "Lists the restaurants of the town, by cuisine and by who fits at a table.",
            cost: 0,
            input: object(&[
                ("cuisine?", text(100, "For example Italian or Japanese; any without it")),
                ("party_size?", party()),
            ]),
            output: object(&[
                (
                    "restaurants",
                    list(object(&[
                        ("name", said("Name of the restaurant")),
                        ("cuisine", said("What it cooks")),
                        ("address", said("Street address")),
                        ("seats", number("Seats at all its tables")),
                    ])),
                ),
                (
                    "first",
                    object(&[
                        ("name", said("Name of the first that matches")),
                        ("address", said("Its street address")),
                    ]),
                ),
            ]),
        },
        Tool::GetAvailability => Particulars {
            title: "Check for a free table",
            description: "Says whether a restaurant has a table at a time, and at which times of that day it has one.",
            cost: 0,
            input: object(&[
                ("restaurant", text(100, "Name of the restaurant")),
                ("date", date()),
                ("time", time()),
                ("party_size", party()),
            ]),
            output: object(&[
                ("available", truth("Whether a table is free at the time asked for")),
                ("times", list(said("A time, HH:MM, at which a table is free"))),
            ]),
        },
        Tool::BookRestaurantTable => Particulars {
            title: "Book a table",
            description: "Books the smallest free table that fits, for two hours.",
            cost: 0,
            input: object(&[
                ("restaurant", text(100, "Name of the restaurant")),
                ("date", date()),
                ("time", time()),
                ("party_size", party()),
                ("name", text(100, "Name the table is booked under")),
            ]),
            output: object(&[
                ("reservation_id", said("Id of the reservation")),
                ("restaurant", said("Name of the restaurant")),
                ("address", said("Street address of the restaurant")),
                ("date", date()),
                ("time", time()),
                ("party_size", party()),
                ("table", number("Number of the table")),
            ]),
        },
        Tool::GetReservation => Particulars {
            title: "Look up a booking",
            description: "Says how a booked table stands now. Give its generation to change_reservation.",
            cost: 0,
            input: object(&[("reservation_id", text(50, "Id of a reservation"))]),
            output: object(&[
                ("reservation_id", said("Id of the reservation")),
                ("date", date()),
                ("time", time()),
                ("party_size", party()),
                ("state", said("active or cancelled")),
                ("generation", number("Grows with every change")),
            ]),
        },
        Tool::ChangeReservation => Particulars {
            title: "Change a booking",
            description: "Changes how many come to a booked table, unless it was changed since it was read.",
            cost: 0,
            input: object(&[
                ("reservation_id", text(50, "Id of a reservation")),
                ("generation", whole(1, 1_000_000_000, "Its generation when it was read; 1 after booking it")),
                ("party_size", party()),
            ]),
            output: object(&[
                ("reservation_id", said("Id of the reservation")),
                ("party_size", party()),
                ("was", number("How many were to come before")),
                ("generation", number("Its generation now")),
            ]),
        },
        Tool::JoinWaitlist => Particulars {
            title: "Wait for a table",
            description: "Puts a party on a restaurant's waiting list for a time at which no table is free.",
            cost: 0,
            input: object(&[
                ("restaurant", text(100, "Name of the restaurant")),
                ("date", date()),
                ("time", time()),
                ("party_size", party()),
                ("name", text(100, "Name the party waits under")),
            ]),
            output: object(&[
                ("waitlist_id", said("Id of the place on the list")),
                ("restaurant", said("Name of the restaurant")),
                ("address", said("Street address of the restaurant")),
                ("date", date()),
                ("time", time()),
                ("party_size", party()),
            ]),
        },
        Tool::RequestRide => Particulars {
            title: "Order a ride",
            description: "Sends a driver to a place at a time; the driver is busy for an hour.",
            cost: 1_500,
            input: object(&[
                ("pickup", text(200, "Where the ride starts")),
                ("destination", text(200, "Where it goes")),
                ("date", date()),
                ("time", time()),
                ("passengers", whole(1, 8, "How many ride along")),
            ]),
            output: object(&[
                ("ride_id", said("Id of the ride")),
                ("driver", said("First name of the driver")),
                ("pickup", said("Where the ride starts")),
                ("destination", said("Where it goes")),
                ("date", date()),
                ("time", time()),
            ]),
        },
        Tool::DispatchDelivery => Particulars {
            title: "Have something delivered",
            description: "Orders items from a vendor to an address; without a date and time, in 40 minutes.",
            cost: 500,
            input: object(&[
                ("vendor", text(100, "Who delivers")),
                (
                    "items",
                    json!({
                        "type": "array", "minItems": 1, "maxItems": 50,
                        "description": "What is ordered",
                        "items": object(&[
                            ("name", text(100, "What it is")),
                            ("quantity", whole(1, 99, "How many of it")),
                        ]),
                    }),
                ),
                ("address", text(200, "Where it goes")),
                ("date?", date()),
                ("time?", time()),
            ]),
            output: object(&[
                ("delivery_id", said("Id of the delivery")),
                ("vendor", said("Who delivers")),
                ("eta", said("When it arrives, YYYY-MM-DDTHH:MM in the town's time")),
                ("address", said("Where it goes")),
            ]),
        },
        Tool::AddCalendarEvent => Particulars {
            title: "Add to the calendar",
            description: "Enters an event into the calendar.",
            cost: 0,
            input: object(&[
                ("title", text(200, "What the event is")),
                ("date", date()),
                ("time", time()),
                ("duration_minutes", whole(1, 1_440, "How long it lasts")),
                ("location?", text(200, "Where it is")),
            ]),
            output: object(&[
                ("event_id", said("Id of the event")),
                ("title", said("What the event is")),
                ("date", date()),
                ("time", time()),
            ]),
        },
        Tool::AuthorisePayment => Particulars {
            title: "Reserve money",
            description: "Authorises a payment without taking the money yet; voided when undone. At most 100000 minor units.",
            cost: 0,
            input: reflected(include_str!("reflected/payments.input.json"), &["payee", "amount_minor", "currency"]),
            output: object(&[
                ("payment_id", said("Id of the payment")),
                ("payee", said("Who is to be paid")),
                ("amount_minor", number("Amount in minor units")),
                ("currency", said("Three capital letters")),
            ]),
        },
        Tool::CapturePayment => Particulars {
            title: "Take the money",
            description: "Captures an authorised payment. It cannot be undone, only refunded.",
            cost: 0,
            input: object(&[("payment_id", text(50, "Id of an authorised payment"))]),
            output: object(&[("payment_id", said("Id of the payment")), ("captured", truth("True"))]),
        },
        Tool::RefundPayment => Particulars {
            title: "Give the money back",
            description: "Refunds a captured payment.",
            cost: 0,
            input: object(&[("payment_id", text(50, "Id of a captured payment"))]),
            output: object(&[("payment_id", said("Id of the payment")), ("refunded", truth("True"))]),
        },
        Tool::SendMessage => Particulars {
            title: "Send a message",
            description: "Texts somebody. A message cannot be unsent.",
            cost: 5,
            input: reflected(include_str!("reflected/messages.input.json"), &["to", "text"]),
            output: object(&[("message_id", said("Id of the message")), ("to", said("Whom it went to"))]),
        },
        Tool::GetWeatherData => Particulars {
            title: "Look up the weather",
            description: "Forecasts the weather of a place on a day.",
            cost: 0,
            input: object(&[("place", text(100, "Name of the place")), ("date", date())]),
            output: object(&[
                ("place", said("Name of the place")),
                ("date", date()),
                ("summary", said("The sky in a word or two")),
                ("high_c", number("Warmest, in degrees Celsius")),
                ("low_c", number("Coldest, in degrees Celsius")),
            ]),
        },
        Tool::GetRouteEstimate => Particulars {
            title: "Estimate a route",
            description: "Says how long and how far a ride is, and what it costs.",
            cost: 0,
            input: object(&[
                ("pickup", text(200, "Where the ride starts")),
                ("destination", text(200, "Where it goes")),
            ]),
            output: object(&[
                ("minutes", number("How long it takes")),
                ("distance_km", json!({ "type": "number", "description": "How far it is, in kilometres" })),
                ("fare_minor", number("What it costs, in minor units")),
            ]),
        },
        Tool::BenchEffect => Particulars {
            title: "Benchmark effect",
            description: "An effect that costs the partner nothing, to measure the engine with.",
            cost: 0,
            input: bench(),
            output: object(&[("n", number("The number given"))]),
        },
        Tool::BenchQuery => Particulars {
            title: "Benchmark query",
            description: "A query that costs the partner nothing, to measure the engine with.",
            cost: 0,
            input: bench(),
            output: object(&[("n", number("The number given"))]),
        },
    }
}

/// The schema of a table that the input is a row of, as the database has it: `tests/reflected` compares them. Its
/// required fields are named in `order`, as they were when this version of the tool was first registered: a version
/// never changes, and a list in another order is another.
fn reflected(schema: &str, order: &[&str]) -> Value {
    // Checked in as JSON by the same test; where it were none, no engine would read the definition.
    let mut schema: Value = serde_json::from_str(schema).unwrap_or_default();
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.sort_by_key(|name| order.iter().position(|first| *name == **first).unwrap_or(order.len()));
    }
    schema
}

fn bench() -> Value {
    object(&[
        ("n", number("Any number, given back")),
        ("after?", json!({ "description": "Anything; there to refer to another step" })),
    ])
}

/// A closed object; a name that ends in `?` may be left out.
fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<_> = properties.iter().map(|(name, _)| *name).filter(|name| !name.ends_with('?')).collect();
    let properties: serde_json::Map<_, _> =
        properties.iter().map(|(name, schema)| (name.trim_end_matches('?').to_owned(), schema.clone())).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// A text that is asked for.
fn text(most: usize, description: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most, "description": description })
}

/// A text that is answered.
fn said(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn whole(least: i64, most: i64, description: &str) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most, "description": description })
}

fn number(description: &str) -> Value {
    json!({ "type": "integer", "description": description })
}

fn truth(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}

fn party() -> Value {
    whole(1, 20, "How many people")
}

fn date() -> Value {
    json!({ "type": "string", "format": "date", "description": "Day, YYYY-MM-DD" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "time", "description": "Time of day, HH:MM" })
}
