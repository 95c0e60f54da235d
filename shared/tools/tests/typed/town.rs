//! Four tools of the demo town, as they would be written in Rust.

use makegood_core::saga::Approval;
use makegood_core::time::Millis;
use makegood_tools::{About, Compensatable, Pivot, Query, Repeat, Shape, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const DAY: Repeat = Repeat::Keyed { ttl_ms: Millis(86_400_000) };

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// For example Italian or Japanese; any without it
    #[schemars(length(min = 1, max = 100))]
    pub cuisine: Option<String>,
    /// How many people
    #[schemars(range(min = 1, max = 20))]
    pub party_size: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Found {
    pub restaurants: Vec<Restaurant>,
    pub first: First,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Restaurant {
    /// Name of the restaurant
    pub name: String,
    /// What it cooks
    pub cuisine: String,
    /// Street address
    pub address: String,
    /// Seats at all its tables
    pub seats: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct First {
    /// Name of the first that matches
    pub name: String,
    /// Its street address
    pub address: String,
}

pub struct SearchRestaurants;

impl Tool for SearchRestaurants {
    type Input = Search;
    type Output = Found;
    type Class = Query;

    fn about() -> About {
        let title = "Find restaurants";
        let description = "Lists the restaurants of the town, by cuisine and by who fits at a table.";
        About { estimate_ms: Millis(20), ..About::new("search_restaurants", "1", title, description) }
    }

    fn class() -> Query {
        Query { repeat: DAY }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Booking {
    /// Name of the restaurant
    #[schemars(length(min = 1, max = 100))]
    pub restaurant: String,
    /// Day, YYYY-MM-DD
    #[schemars(extend("format" = "date"))]
    pub date: String,
    /// Time of day, HH:MM
    #[schemars(extend("format" = "time"))]
    pub time: String,
    /// How many people
    #[schemars(range(min = 1, max = 20))]
    pub party_size: u8,
    /// Name the table is booked under
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Booked {
    /// Id of the reservation
    pub reservation_id: String,
    /// Name of the restaurant
    pub restaurant: String,
    /// Street address of the restaurant
    pub address: String,
    /// Day, YYYY-MM-DD
    #[schemars(extend("format" = "date"))]
    pub date: String,
    /// Time of day, HH:MM
    #[schemars(extend("format" = "time"))]
    pub time: String,
    /// How many people
    #[schemars(range(min = 1, max = 20))]
    pub party_size: u8,
    /// Number of the table
    pub table: i64,
}

pub struct BookRestaurantTable;

impl Tool for BookRestaurantTable {
    type Input = Booking;
    type Output = Booked;
    type Class = Compensatable;

    fn about() -> About {
        let title = "Book a table";
        About::new("book_restaurant_table", "1", title, "Books the smallest free table that fits, for two hours.")
    }

    fn class() -> Compensatable {
        Compensatable { repeat: DAY, status: true, fence: true, approval: None }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Journey {
    /// Where the ride starts
    #[schemars(length(min = 1, max = 200))]
    pub pickup: String,
    /// Where it goes
    #[schemars(length(min = 1, max = 200))]
    pub destination: String,
    /// Day, YYYY-MM-DD
    #[schemars(extend("format" = "date"))]
    pub date: String,
    /// Time of day, HH:MM
    #[schemars(extend("format" = "time"))]
    pub time: String,
    /// How many ride along
    #[schemars(range(min = 1, max = 8))]
    pub passengers: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Ride {
    /// Id of the ride
    pub ride_id: String,
    /// First name of the driver
    pub driver: String,
    /// Where the ride starts
    pub pickup: String,
    /// Where it goes
    pub destination: String,
    /// Day, YYYY-MM-DD
    #[schemars(extend("format" = "date"))]
    pub date: String,
    /// Time of day, HH:MM
    #[schemars(extend("format" = "time"))]
    pub time: String,
}

pub struct RequestRide;

impl Tool for RequestRide {
    type Input = Journey;
    type Output = Ride;
    type Class = Compensatable;

    fn about() -> About {
        let description = "Sends a driver to a place at a time; the driver is busy for an hour.";
        About { cost_minor: 1_500, ..About::new("request_ride", "1", "Order a ride", description) }
    }

    fn class() -> Compensatable {
        Compensatable { repeat: DAY, status: true, fence: true, approval: None }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Name or number of whom it goes to
    #[schemars(length(min = 1, max = 200))]
    pub to: String,
    /// What it says
    #[schemars(length(min = 1, max = 2_000))]
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// Id of the message
    pub message_id: String,
    /// Whom it went to
    pub to: String,
}

pub struct SendMessage;

impl Tool for SendMessage {
    type Input = Message;
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

/// Two people, both of whom must agree.
pub fn ann_and_bob() -> Approval {
    let by = ["ann", "bob"].map(str::to_owned).to_vec();
    Approval { by, quorum: 2, question: "A ride, at 15?".to_owned(), ..Approval::default() }
}
