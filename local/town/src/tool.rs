//! The tools of the town by name, and what each allows.

use axum::http::StatusCode;

use crate::problem::Problem;

/// What a tool's effect means for a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Query,
    Compensatable,
    Pivot,
    Retriable,
}

impl Class {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Compensatable => "compensatable",
            Self::Pivot => "pivot",
            Self::Retriable => "retriable",
        }
    }
}

macro_rules! tools {
    ($($tool:ident $name:literal $class:ident),+ $(,)?) => {
        /// One of the town's tools.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Tool { $($tool),+ }

        impl Tool {
            pub(crate) const ALL: &[Self] = &[$(Self::$tool),+];

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$tool => $name),+ }
            }

            pub(crate) const fn class(self) -> Class {
                match self { $(Self::$tool => Class::$class),+ }
            }
        }
    };
}

tools! {
    SearchRestaurants "search_restaurants" Query,
    GetAvailability "get_availability" Query,
    BookRestaurantTable "book_restaurant_table" Compensatable,
    GetReservation "get_reservation" Query,
    ChangeReservation "change_reservation" Compensatable,
    JoinWaitlist "join_waitlist" Compensatable,
    RequestRide "request_ride" Compensatable,
    DispatchDelivery "dispatch_delivery" Compensatable,
    AddCalendarEvent "add_calendar_event" Compensatable,
    AuthorisePayment "authorise_payment" Compensatable,
    CapturePayment "capture_payment" Pivot,
    RefundPayment "refund_payment" Retriable,
    SendMessage "send_message" Pivot,
    GetWeatherData "get_weather_data" Query,
    GetRouteEstimate "get_route_estimate" Query,
    BenchEffect "bench_effect" Compensatable,
    BenchQuery "bench_query" Query,
}

impl Tool {
    pub(crate) fn named(name: &str) -> Result<Self, Problem> {
        Self::ALL.iter().copied().find(|tool| tool.name() == name).ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "unknown_tool",
                format!("There is no such tool. The tools are {}.", Self::names()),
            )
        })
    }

    pub(crate) fn names() -> String {
        let names: Vec<_> = Self::ALL.iter().map(|tool| tool.name()).collect();
        names.join(", ")
    }

    /// Fails for a tool whose effect cannot be taken back.
    pub(crate) fn undoable(self) -> Result<(), Problem> {
        if self.class() == Class::Compensatable {
            return Ok(());
        }
        Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not_undoable", format!("{} cannot be undone.", self.name())))
    }

    /// Fails for a query, of which nothing is remembered.
    pub(crate) fn remembered(self) -> Result<(), Problem> {
        if self.class() != Class::Query {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "no_status",
            format!("{} has no effect, so nothing is remembered of it: call it again.", self.name()),
        ))
    }
}
