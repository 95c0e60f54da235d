//! A restaurant with twenty seats, as a tool: served, or as a sample for the conformance kit.
//!
//! ```sh
//! cargo run -p makegood-serve --example tables -- 4000
//! cargo run -p makegood-serve --example tables -- sample > sample.json
//! cargo run -p makegood-serve --example tables -- definitions > tables.json   # for `makegood tools add`
//! ```

#![expect(clippy::print_stdout, reason = "a program for the command line")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use axum::Router;
use makegood_core::time::Millis;
use makegood_serve::{Memory, Server};
use makegood_tools::{About, Act, Attempt, Compensatable, Done, NotDone, Query, Repeat, Shape, Tool, Undo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

const SEATS: u16 = 20;
const DAY: Millis = Millis(86_400_000);

/// Who wants how many seats.
#[derive(Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
struct Booking {
    /// Name the table is booked under
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// How many people
    #[schemars(range(min = 1, max = 20))]
    party_size: u8,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema, Shape)]
struct Booked {
    /// Id of the booking
    booking_id: String,
    /// How many people
    party_size: u8,
}

/// Books seats. What is booked is known by the key, which is how an attempt that died is found again.
#[derive(Default)]
struct BookTable {
    bookings: Mutex<BTreeMap<String, Booked>>,
}

impl Tool for BookTable {
    type Input = Booking;
    type Output = Booked;
    type Class = Compensatable;

    fn about() -> About {
        About::new("book_table", "1", "Book a table", "Books seats in a restaurant that has twenty.")
    }

    fn class() -> Compensatable {
        Compensatable { repeat: Repeat::Keyed { ttl_ms: DAY }, status: true, fence: true, approval: None }
    }
}

impl Act for BookTable {
    async fn act(&self, attempt: &Attempt, booking: Booking) -> Result<Booked, NotDone> {
        let mut bookings = self.bookings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(booked) = bookings.get(&attempt.key) {
            // An earlier attempt had acted, and nobody heard of it.
            return Ok(booked.clone());
        }
        let taken: u16 = bookings.values().map(|booked| u16::from(booked.party_size)).sum();
        if booking.name == "Nobody" || taken + u16::from(booking.party_size) > SEATS {
            return Err(NotDone::refused("full", "There are not so many seats left. Try fewer."));
        }
        let booked = Booked { booking_id: format!("B-{}", attempt.key), party_size: booking.party_size };
        bookings.insert(attempt.key.clone(), booked.clone());
        Ok(booked)
    }
}

impl Undo for BookTable {
    async fn undo(&self, attempt: &Attempt, _done: Done<Self>) -> Result<bool, NotDone> {
        let mut bookings = self.bookings.lock().unwrap_or_else(PoisonError::into_inner);
        // Of an attempt that died and is made again, it may be gone already.
        Ok(bookings.remove(&attempt.key).is_some() || attempt.again)
    }
}

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
#[serde(deny_unknown_fields)]
struct Place {
    /// Street address
    #[schemars(length(min = 1, max = 200))]
    address: String,
}

#[derive(Serialize, Deserialize, JsonSchema, Shape)]
struct Hours {
    /// When it opens, HH:MM
    #[schemars(extend("format" = "time"))]
    from: String,
    /// When it closes, HH:MM; null where it does not
    until: Option<String>,
}

struct GetHours;

impl Tool for GetHours {
    type Input = Place;
    type Output = Hours;
    type Class = Query;

    fn about() -> About {
        About::new("get_hours", "1", "Look up hours", "Says when the restaurant is open.")
    }

    fn class() -> Query {
        Query { repeat: Repeat::Keyed { ttl_ms: DAY } }
    }
}

impl Act for GetHours {
    async fn act(&self, _: &Attempt, _: Place) -> Result<Hours, NotDone> {
        Ok(Hours { from: "12:00".to_owned(), until: None })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new(Memory::default()).compensatable(BookTable::default())?.query(GetHours)?;
    match std::env::args().nth(1).as_deref() {
        Some("definitions") => println!("{:#}", json!(server.definitions())),
        Some("sample") => {
            let sample = json!({
                "tool": server.definitions().first(),
                "params": {"name": "Sam", "party_size": 2},
                "refused": {"name": "Nobody", "party_size": 2},
            });
            println!("{sample:#}");
        }
        port => {
            let port: u16 = port.map_or(Ok(4000), str::parse)?;
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            println!("http://{}/tools", listener.local_addr()?);
            axum::serve(listener, Router::new().nest("/tools", server.router())).await?;
        }
    }
    Ok(())
}
