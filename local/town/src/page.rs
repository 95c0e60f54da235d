//! The town as a page: what stands, what was taken back, and which faults are set. Plain HTML without
//! scripts.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use crate::fault::Switch;
use crate::fault::http::shown;

/// Of each kind: its key in the world, its heading, and the fields that are shown with their titles.
type Section = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const SECTIONS: [Section; 7] = [
    (
        "reservations",
        "Tables",
        &[
            ("reservation_id", "Reservation"),
            ("restaurant", "Restaurant"),
            ("date", "Date"),
            ("time", "Time"),
            ("party_size", "Guests"),
            ("table", "Table"),
            ("name", "Name"),
        ],
    ),
    (
        "waitlist",
        "Waiting list",
        &[
            ("waitlist_id", "Place"),
            ("restaurant", "Restaurant"),
            ("date", "Date"),
            ("time", "Time"),
            ("party_size", "Guests"),
            ("name", "Name"),
        ],
    ),
    (
        "rides",
        "Rides",
        &[
            ("ride_id", "Ride"),
            ("driver", "Driver"),
            ("pickup", "From"),
            ("destination", "To"),
            ("date", "Date"),
            ("time", "Time"),
        ],
    ),
    ("messages", "Messages", &[("message_id", "Message"), ("to", "To"), ("text", "Text")]),
    (
        "payments",
        "Payments",
        &[("payment_id", "Payment"), ("payee", "Payee"), ("amount_minor", "Minor units"), ("currency", "Currency")],
    ),
    (
        "deliveries",
        "Deliveries",
        &[("delivery_id", "Delivery"), ("vendor", "Vendor"), ("address", "To"), ("eta", "Arrives")],
    ),
    (
        "events",
        "Calendar",
        &[("event_id", "Event"), ("title", "Title"), ("date", "Date"), ("time", "Time"), ("location", "Place")],
    ),
];

const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(crate) fn render(world: &Value, faults: &[Switch], follow: bool) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if follow { meta http-equiv="refresh" content="2"; }
                title { "The town" }
                link rel="stylesheet" href="/demo/world.css";
            }
            body {
                header {
                    h1 { "The town" }
                    p {
                        (world["ledger"]) " decisions in the ledger. "
                        @if follow { a href="/demo/world?format=html" { "Stop following" } }
                        @else { a href="/demo/world?format=html&follow=1" { "Follow" } }
                        " · " a href="/demo/world?format=json" { "JSON" }
                    }
                }
                main {
                    @if !faults.is_empty() { (faults_set(faults)) }
                    @for section in &SECTIONS { (show(section, world)) }
                    @if world["truncated"] == true {
                        p { "Only the newest are shown. The JSON holds more." }
                    }
                }
            }
        }
    };
    let mut response = Html(page.into_string()).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] as [(HeaderName, &'static str); 3]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(crate) async fn stylesheet() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=60")],
        include_str!("world.css"),
    )
}

fn show((kind, heading, fields): &Section, world: &Value) -> Markup {
    let (active, past) = (rows(&world[kind]), rows(&world["history"][kind]));
    html! {
        section {
            h2 { (heading) " " span.count { (active.len()) } }
            @if active.is_empty() && past.is_empty() {
                p.none { "None yet." }
            } @else {
                div.scroll { table {
                    thead { tr {
                        @for (_, title) in *fields { th { (title) } }
                        th { "State" } th { "When (UTC)" } th { "Key" }
                    } }
                    tbody {
                        @for row in active.iter().rev() { tr { (cells(fields, row)) } }
                        @for row in past.iter().rev() { tr.past { (cells(fields, row)) } }
                    }
                } }
            }
        }
    }
}

fn cells(fields: &[(&str, &str)], row: &Value) -> Markup {
    let when = if row["undone_at"].is_null() { &row["made_at"] } else { &row["undone_at"] };
    html! {
        @for (field, _) in fields { td { (text(&row[field])) } }
        td { span.state { (text(&row["state"])) } }
        td { (clock(when)) }
        td { code { (text(&row["key"])) } }
    }
}

fn faults_set(faults: &[Switch]) -> Markup {
    html! {
        section.faults {
            h2 { "Faults " span.count { (faults.len()) } }
            ul {
                @for fault in faults.iter().map(shown) {
                    li {
                        strong { (text(&fault["kind"])) } " on " (text(&fault["op"])) " of "
                        code { (text(&fault["tool"])) }
                        ", struck " (fault["hits"]) ", left "
                        @if fault["hits_left"].is_null() { "without end" }
                        @else { (fault["hits_left"]) }
                    }
                }
            }
        }
    }
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn clock(value: &Value) -> String {
    value
        .as_i64()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or_else(String::new, |at| at.strftime("%d %b, %H:%M:%S").to_string())
}
