//! The tools that only read. Weather and routes are made up, but the same question always gets the
//! same answer.

use serde_json::{Value, json};

use crate::params::{self, Bench, Route, Weather};
use crate::store::{Answer, Store, Verdict};
use crate::tool::Tool;

pub(crate) async fn answer(store: &Store, tool: Tool, asked: &Value) -> Answer {
    match tool {
        Tool::GetWeatherData => params::read(asked).map(|asked| weather(&asked)),
        Tool::GetRouteEstimate => params::read(asked).map(|asked| route(&asked)),
        Tool::BenchQuery => params::read::<Bench>(asked).map(|asked| json!({ "n": asked.n })),
        Tool::SearchRestaurants
        | Tool::GetAvailability
        | Tool::BookRestaurantTable
        | Tool::GetReservation
        | Tool::ChangeReservation
        | Tool::JoinWaitlist
        | Tool::RequestRide
        | Tool::DispatchDelivery
        | Tool::AddCalendarEvent
        | Tool::AuthorisePayment
        | Tool::CapturePayment
        | Tool::RefundPayment
        | Tool::SendMessage
        | Tool::BenchEffect => {
            params::check(tool, asked)?;
            store.ask(tool, asked).await.and_then(Verdict::of_do)
        }
    }
}

fn weather(asked: &Weather) -> Value {
    const SKIES: [&str; 6] = ["sunny", "partly cloudy", "cloudy", "light rain", "rain", "windy"];
    let chance = hash(&[&asked.place.0.to_lowercase(), &asked.date.0]);
    let high = 4 + (chance >> 8) % 25;
    let low = high - (3 + (chance >> 16) % 8).min(high);
    let summary = SKIES[usize::try_from(chance % 6).unwrap_or_default()];
    json!({
        "place": asked.place.0, "date": asked.date.0,
        "summary": summary, "high_c": high, "low_c": low,
    })
}

/// 0.5 to 20 km in the town's traffic, for 3.00 plus 1.50 a kilometre.
fn route(asked: &Route) -> Value {
    let chance = hash(&[&asked.pickup.0.to_lowercase(), &asked.destination.0.to_lowercase()]);
    let half_km = 1 + chance % 40;
    json!({
        "minutes": 3 + half_km,
        "distance_km": half_km as f64 / 2.0,
        "fare_minor": 300 + half_km * 75,
    })
}

/// FNV-1a over the parts, mixed; stable across releases, unlike the standard library's hasher.
fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^ (hash >> 32)
}
