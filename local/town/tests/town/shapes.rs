//! What the town looks like from outside.

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use makegood_core::tool::Definition;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::setting::{TOOLS_WITH_EFFECT, Town, params};

async fn page(town: &Town, path: &str, accept: &str) -> (String, String, String) {
    let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
    let response = town.router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let header = |name: &str| {
        let value = parts.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    let told = (header("content-type"), header("content-security-policy"));
    let bytes = body.collect().await.unwrap().to_bytes();
    (told.0, told.1, String::from_utf8(bytes.to_vec()).unwrap())
}

pub async fn the_world_is_json_for_programs_and_a_page_for_people(town: Town) {
    for tool in TOOLS_WITH_EFFECT.into_iter().chain(["send_message"]) {
        town.act(tool, "saga-7:1:x", params(tool)).await;
    }
    town.undo("book_restaurant_table", "saga-7:1:x").await;
    let mut marked = params("send_message");
    marked["text"] = json!("<script>alert(1)</script>");
    town.act("send_message", "saga-8:1:x", marked).await;

    let world = town.world().await;
    assert_eq!(world["reservations"], json!([]));
    let past = &world["history"]["reservations"][0];
    assert_eq!((&past["key"], &past["saga"]), (&json!("saga-7:1:x"), &json!("saga-7")));
    assert_eq!(past["restaurant"], "Luigi's");
    for kind in ["rides", "payments", "deliveries", "events"] {
        assert_eq!(world[kind][0]["saga"], "saga-7", "{kind}");
        assert_eq!(world["history"][kind], json!([]), "{kind}");
    }
    assert_eq!(world["messages"].as_array().unwrap().len(), 2);
    assert_eq!(world["history"]["messages"], json!([]));
    assert_eq!(world["ledger"], 8);

    for (path, accept) in [
        ("/demo/world", "*/*"),
        ("/demo/world", "application/json, text/html"),
        ("/demo/world?format=json", "text/html"),
    ] {
        assert_eq!(page(&town, path, accept).await.0, "application/json");
    }
    town.fault(json!({ "tool": "request_ride", "kind": "refuse" })).await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let (kind, policy, html) = page(&town, "/demo/world", browser).await;
    assert!(kind.starts_with("text/html"));
    assert!(policy.starts_with("default-src 'none'"));
    assert!(html.contains("saga-7:1:x") && html.contains("cancelled") && html.contains("refuse"));
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script"));
    assert!(!html.contains("http-equiv") && !html.contains("style="));
    let (_, _, following) = page(&town, "/demo/world?follow=1", browser).await;
    assert!(following.contains(r#"http-equiv="refresh" content="2""#));
    assert!(page(&town, "/demo/world.css", "text/css").await.0.starts_with("text/css"));

    town.send(Method::POST, "/demo/reset", "", None).await;
    let empty = town.world().await;
    assert_eq!((&empty["rides"], &empty["ledger"]), (&json!([]), &json!(0)));
}

pub async fn the_ledger_holds_what_was_applied(town: Town) {
    town.act("request_ride", "s:1:a", params("request_ride")).await;
    town.act("request_ride", "s:1:b", json!({})).await;
    town.undo("request_ride", "s:1:a").await;
    town.undo("request_ride", "s:1:c").await;
    let row = |op: &str, applied| (op.to_owned(), applied);
    assert_eq!(town.ledger("s:1:a").await, [row("do", true), row("undo", true)]);
    assert_eq!(town.ledger("s:1:b").await, [row("do", false)]);
    assert_eq!(town.ledger("s:1:c").await, [row("undo", false)]);
    let first = town.send(Method::GET, "/demo/ledger?limit=3", "", None).await.body;
    let path = format!("/demo/ledger?limit=3&after={}", first["next"]);
    let second = town.send(Method::GET, &path, "", None).await.body;
    assert_eq!(second["entries"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], Value::Null);
    assert!(town.db.query("delete from town.ledger", &[]).await.is_err());
}

pub async fn bad_requests_are_problems(town: Town) {
    let path = "/demo/tools/request_ride/do";
    let ride = params("request_ride");
    let wrong = [
        (Method::POST, path, "", Some(ride.clone()), 400, "missing_key"),
        (Method::POST, path, "a b", Some(ride.clone()), 400, "invalid_key"),
        (Method::POST, path, "s:1:a", Some(json!([1])), 400, "invalid_json"),
        (Method::POST, path, "s:1:a", None, 400, "invalid_json"),
        (Method::POST, path, "s:1:a", Some(json!({ "pickup": "\0" })), 400, "invalid_json"),
        (Method::POST, path, "s:1:a", Some(json!({ "pickup": "x".repeat(70_000) })), 413, "body_too_large"),
        (Method::GET, path, "s:1:a", None, 405, "method_not_allowed"),
        (Method::POST, "/demo/tools/teleport/do", "s:1:a", Some(ride.clone()), 404, "unknown_tool"),
        (Method::POST, "/demo/tools/request_ride/redo", "s:1:a", Some(ride.clone()), 404, "not_found"),
        (Method::POST, "/demo/tools/request_ride/undo", "s:1:a", Some(json!({})), 400, "invalid_json"),
        (Method::GET, "/demo/elsewhere", "", None, 404, "not_found"),
        (Method::GET, "/demo/world?format=xml", "", None, 400, "invalid_query"),
        (Method::DELETE, "/demo/faults/x", "", None, 404, "unknown_fault"),
    ];
    for (method, path, key, body, status, code) in wrong {
        let said = town.send(method, path, key, body).await;
        assert_eq!((said.status, said.code()), (status, code), "{path}");
    }
    assert_eq!(town.status("request_ride", "s:1:a").await["state"], "none");

    let mut wrong_params = Vec::new();
    for (field, value) in [
        ("date", json!("2026-02-30")),
        ("date", json!("20261123")),
        ("time", json!("7pm")),
        ("time", json!("24:00")),
        ("passengers", json!(9)),
        ("passengers", json!(1.5)),
        ("passengers", json!("4")),
        ("pickup", json!("")),
        ("colour", json!("red")),
    ] {
        let mut params = ride.clone();
        params[field] = value;
        wrong_params.push(params);
    }
    for (n, params) in wrong_params.into_iter().enumerate() {
        let said = town.act("request_ride", &format!("w:1:{n}"), params.clone()).await;
        assert_eq!((said.status, said.code()), (422, "invalid_params"), "{params}");
    }
    assert_eq!(town.world().await["rides"], json!([]));
}

pub async fn outputs_fit_their_schemas(town: Town) {
    let definitions: Vec<Definition> = makegood_town::definitions()
        .into_iter()
        .map(|definition| serde_json::from_value(definition).unwrap())
        .collect();
    for tool in definitions {
        let name = tool.name.as_str();
        let params = match name {
            "search_restaurants" => json!({ "party_size": 4 }),
            "get_availability" => json!({
                "restaurant": "Sakura", "date": "2026-11-23", "time": "19:00", "party_size": 2,
            }),
            "get_reservation" => json!({ "reservation_id": "RES-1" }),
            "change_reservation" => json!({ "reservation_id": "RES-1", "generation": 1, "party_size": 3 }),
            "capture_payment" | "refund_payment" => json!({ "payment_id": "PAY-1" }),
            "get_weather_data" => json!({ "place": "Harbour", "date": "2026-11-23" }),
            "get_route_estimate" => json!({ "pickup": "Home", "destination": "Luigi's" }),
            "bench_query" => json!({ "n": 3 }),
            _ => params(name),
        };
        assert_eq!(tool.check(), Ok(()), "{name}");
        assert_eq!(tool.input.check(&params), [], "{name}");
        let said = town.act(name, &format!("s:1:{name}"), params.clone()).await;
        assert_eq!(said.status, 200, "{name}: {said:?}");
        assert_eq!(tool.output.check(&said.body), [], "{name}: {said:?}");
        let again = town.act(name, &format!("s:1:{name}"), params).await;
        assert_eq!(again, said, "{name}");
    }
}
