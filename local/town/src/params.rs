//! The parameters of each tool, checked before the town is asked. A breach is a refusal like any
//! other: it is stored under its key.

use axum::http::StatusCode;
use jiff::civil::{Date, Time};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::problem::Problem;
use crate::tool::Tool;

/// Checks `params` against what `tool` takes.
pub(crate) fn check(tool: Tool, params: &Value) -> Result<(), Problem> {
    match tool {
        Tool::SearchRestaurants => holds::<SearchRestaurants>(params),
        Tool::GetAvailability => holds::<GetAvailability>(params),
        // Who waits for a table says which, as who books one does.
        Tool::BookRestaurantTable | Tool::JoinWaitlist => holds::<BookRestaurantTable>(params),
        Tool::GetReservation => holds::<GetReservation>(params),
        Tool::ChangeReservation => holds::<ChangeReservation>(params),
        Tool::RequestRide => holds::<RequestRide>(params),
        Tool::DispatchDelivery => holds::<DispatchDelivery>(params),
        Tool::AddCalendarEvent => holds::<AddCalendarEvent>(params),
        Tool::AuthorisePayment => holds::<AuthorisePayment>(params),
        Tool::CapturePayment | Tool::RefundPayment => holds::<OfPayment>(params),
        Tool::SendMessage => holds::<SendMessage>(params),
        Tool::GetWeatherData => holds::<Weather>(params),
        Tool::GetRouteEstimate => holds::<Route>(params),
        Tool::BenchEffect | Tool::BenchQuery => holds::<Bench>(params),
    }
}

/// Reads parameters as `T`, naming what does not hold.
pub(crate) fn read<T: DeserializeOwned>(params: &Value) -> Result<T, Problem> {
    T::deserialize(params).map_err(|error| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_params",
            format!("The parameters do not hold: {error}."),
        )
    })
}

fn holds<T: DeserializeOwned>(params: &Value) -> Result<(), Problem> {
    read::<T>(params).map(drop)
}

/// A text of 1 to `MAX` characters, none of them a NUL, which PostgreSQL cannot hold.
#[derive(Debug)]
pub(crate) struct Text<const MAX: usize>(pub(crate) String);

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let long = text.chars().count();
        if text.trim().is_empty() || long > MAX || text.contains('\0') {
            return Err(D::Error::custom(format!("a text must have 1 to {MAX} characters, not {long}")));
        }
        Ok(Self(text))
    }
}

/// A whole number from `MIN` to `MAX`; `4.0` is one, as in JSON Schema.
#[derive(Debug)]
struct Whole<const MIN: i64, const MAX: i64>;

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(from)?;
        if number.fract() == 0.0 && (MIN as f64..=MAX as f64).contains(&number) {
            return Ok(Self);
        }
        Err(D::Error::custom(format!("{number} is not a whole number from {MIN} to {MAX}")))
    }
}

/// A date that exists, as `YYYY-MM-DD`.
#[derive(Debug)]
pub(crate) struct Day(pub(crate) String);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let day = String::deserialize(from)?;
        match day.parse::<Date>() {
            Ok(date) if date.to_string() == day => Ok(Self(day)),
            _ => Err(D::Error::custom("a date must exist and read YYYY-MM-DD")),
        }
    }
}

/// A time of day, as `HH:MM`.
#[derive(Debug)]
struct Clock;

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let clock = String::deserialize(from)?;
        let shaped = clock.len() == 5 && clock.as_bytes()[2] == b':';
        if shaped && clock.parse::<Time>().is_ok() {
            return Ok(Self);
        }
        Err(D::Error::custom("a time must read HH:MM, from 00:00 to 23:59"))
    }
}

/// A currency code of three capital letters (ISO 4217).
#[derive(Debug)]
struct Currency;

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = String::deserialize(from)?;
        if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
            return Ok(Self);
        }
        Err(D::Error::custom("a currency is three capital letters"))
    }
}

/// 1 to 50 items.
#[derive(Debug)]
struct Items;

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let items = Vec::<Item>::deserialize(from)?;
        if (1..=50).contains(&items.len()) {
            return Ok(Self);
        }
        Err(D::Error::custom("give 1 to 50 items"))
    }
}

macro_rules! params {
    ($($(#[$about:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? })+) => {$(
        $(#[$about])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "read only to see that it holds; the town reads the JSON")]
        struct $name { $($field: $kind),* }
    )+};
}

params! {
    SearchRestaurants { cuisine: Option<Text<100>>, party_size: Option<Whole<1, 20>> }
    GetAvailability { restaurant: Text<100>, date: Day, time: Clock, party_size: Whole<1, 20> }
    BookRestaurantTable {
        restaurant: Text<100>, date: Day, time: Clock, party_size: Whole<1, 20>, name: Text<100>,
    }
    GetReservation { reservation_id: Text<50> }
    ChangeReservation {
        reservation_id: Text<50>, generation: Whole<1, 1_000_000_000>, party_size: Whole<1, 20>,
    }
    RequestRide {
        pickup: Text<200>, destination: Text<200>, date: Day, time: Clock, passengers: Whole<1, 8>,
    }
    Item { name: Text<100>, quantity: Whole<1, 99> }
    DispatchDelivery {
        vendor: Text<100>, items: Items, address: Text<200>, date: Option<Day>, time: Option<Clock>,
    }
    AddCalendarEvent {
        title: Text<200>, date: Day, time: Clock, duration_minutes: Whole<1, 1440>,
        location: Option<Text<200>>,
    }
    AuthorisePayment {
        payee: Text<100>, amount_minor: Whole<1, 1_000_000_000_000>, currency: Currency,
    }
    OfPayment { payment_id: Text<50> }
    SendMessage { to: Text<200>, text: Text<2000> }
}

/// Where and when the weather is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Weather {
    pub(crate) place: Text<100>,
    pub(crate) date: Day,
}

/// The two ends of a route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) pickup: Text<200>,
    pub(crate) destination: Text<200>,
}

/// What the benchmark's tools take; `after` is there to depend on another step.
#[derive(Debug, Deserialize, Hash)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bench {
    pub(crate) n: i64,
    #[serde(default)]
    pub(crate) after: Value,
}
