//! The demo town's tools, as `data/tools.json` has them: what the town declares, checked against it by a test of
//! the town. (The town brings an embedded Postgres with it, which nothing here needs.)

use std::collections::BTreeMap;

use makegood_core::intent::Kind;
use makegood_core::tool::Schema;
use serde::Deserialize;

/// What is needed of a tool's definition.
#[derive(Clone, Debug, Deserialize)]
pub struct Tool {
    pub name: String,
    /// `query`, `compensatable`, `pivot` or `retriable`.
    pub class: String,
    pub input: Schema,
}

/// The tools by name.
///
/// # Errors
/// Where the file is no list of tools.
pub fn tools() -> Result<BTreeMap<String, Tool>, String> {
    let tools: Vec<Tool> =
        serde_json::from_str(include_str!("../data/tools.json")).map_err(|error| format!("tools.json: {error}"))?;
    Ok(tools.into_iter().map(|tool| (tool.name.clone(), tool)).collect())
}

/// The sort of wish that a tool serves, to compare a question with the tools that its plan would call.
#[must_use]
pub fn kind_of(tool: &str) -> Kind {
    match tool {
        "book_restaurant_table" | "request_ride" => Kind::Booking,
        "join_waitlist" => Kind::Waitlist,
        "dispatch_delivery" => Kind::Delivery,
        "add_calendar_event" => Kind::Schedule,
        "authorise_payment" | "capture_payment" => Kind::Payment,
        "send_message" => Kind::Communication,
        "search_restaurants" => Kind::Search,
        "get_availability" | "get_weather_data" | "get_route_estimate" => Kind::Query,
        _ => Kind::Unknown,
    }
}
