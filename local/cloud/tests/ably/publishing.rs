//! Publishing and reading back.

use serde_json::{Value, json};

use super::{KEY, ably, call, json as answer, send};

/// Who asks by key: `bob`.
const BOB: (&str, &str) = ("x-ably-clientid", "Ym9i");
const MESSAGES: &str = "/channels/a%2Fb/messages";

#[tokio::test]
async fn raw_objects_become_text_that_says_so() {
    let ably = ably();
    let (status, receipt) = call(&ably, "POST", MESSAGES, &json!({"name": "n", "data": {"x": 1}})).await;
    assert_eq!((status, &receipt["channel"]), (201, &json!("a/b")));
    let (_, page) = call(&ably, "GET", MESSAGES, &Value::Null).await;
    let message = &page[0];
    assert_eq!((&message["data"], &message["encoding"]), (&json!(r#"{"x":1}"#), &json!("json")));
    assert!(message["id"].as_str().unwrap().starts_with(receipt["messageId"].as_str().unwrap()));
    assert_eq!(message["serial"], receipt["serials"][0]);
}

#[tokio::test]
async fn a_payload_may_come_without_an_envelope() {
    let ably = ably();
    let path = format!("{MESSAGES}?enveloped=false");
    let headers = [("authorization", KEY), ("content-type", "text/plain; charset=utf-8"), ("x-ably-name", "note")];
    assert_eq!(answer(send(&ably, "POST", &path, &headers, "hi".to_owned()).await).await.0, 201);
    let headers = [("authorization", KEY), ("content-type", "application/octet-stream"), ("x-ably-messageid", "mine")];
    assert_eq!(answer(send(&ably, "POST", &path, &headers, "hi".to_owned()).await).await.0, 201);
    let (_, page) = call(&ably, "GET", MESSAGES, &Value::Null).await;
    assert_eq!((&page[1]["name"], &page[1]["data"]), (&json!("note"), &json!("hi")));
    assert_eq!(
        (&page[0]["id"], &page[0]["data"], &page[0]["encoding"]),
        (&json!("mine"), &json!("aGk="), &json!("base64"))
    );
}

#[tokio::test]
async fn a_batch_goes_to_each_channel_by_itself() {
    let ably = ably();
    let batch = json!({"channels": ["x", "y"], "messages": {"data": "hi"}});
    let (status, result) = call(&ably, "POST", "/messages", &batch).await;
    assert_eq!((status, &result["successCount"], &result["failureCount"]), (201, &json!(2), &json!(0)));
    let (_, page) = call(&ably, "GET", "/channels/y/messages", &Value::Null).await;
    assert_eq!(page.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_published_is_refused_with_a_code() {
    let ably = ably();
    for (body, code) in [
        (json!({"data": "x".repeat(65_537)}), 40009),
        (json!({"data": 7}), 40013),
        (json!([]), 40000),
        (json!({"name": 1}), 40000),
        (json!({"data": "x", "clientId": "*"}), 40012),
        (json!({"data": "x", "clientId": ""}), 40012),
    ] {
        let response = send(&ably, "POST", MESSAGES, &[("authorization", KEY)], body.to_string()).await;
        assert_eq!(response.headers()["x-ably-errorcode"], code.to_string().as_str());
        assert_eq!(response.headers()["content-type"], "application/json");
        let (status, body) = answer(response).await;
        assert_eq!((status, &body["error"]["code"], &body["error"]["statusCode"]), (400, &json!(code), &json!(400)));
    }
    assert_eq!(call(&ably, "POST", MESSAGES, &json!({"data": "x".repeat(65_536)})).await.0, 201);
    assert_eq!(call(&ably, "GET", "/nowhere", &Value::Null).await.1["error"]["code"], 40400);
    for wrong in ["limit=0", "limit=1001", "direction=up", "start=x", "start=2&end=1"] {
        assert_eq!(call(&ably, "GET", &format!("{MESSAGES}?{wrong}"), &Value::Null).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn pages_of_any_origin_may_ask() {
    let ably = ably();
    let response = send(&ably, "OPTIONS", MESSAGES, &[("origin", "http://elsewhere.example")], String::new()).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["access-control-allow-origin"]),
        (204, &"*".parse().unwrap())
    );
    let response = send(&ably, "GET", MESSAGES, &[], String::new()).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["access-control-allow-origin"]),
        (401, &"*".parse().unwrap())
    );
}

#[tokio::test]
async fn who_says_with_the_key_who_they_are_speaks_for_nobody_else() {
    let ably = ably();
    let publish = async |headers: &[(&str, &str)], body: Value| {
        answer(send(&ably, "POST", MESSAGES, headers, body.to_string()).await).await
    };
    let bob = [("authorization", KEY), BOB];
    assert_eq!(publish(&bob, json!({"data": "1"})).await.0, 201);
    assert_eq!(publish(&bob, json!({"data": "2", "clientId": "bob"})).await.0, 201);
    let (status, refused) = publish(&bob, json!({"data": "3", "clientId": "eve"})).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!(40012)));
    assert_eq!(publish(&[("authorization", KEY)], json!({"data": "4", "clientId": "eve"})).await.0, 201);
    for wrong in ["bob?", "", "Kg==", "/w=="] {
        let (status, refused) =
            publish(&[("authorization", KEY), ("x-ably-clientid", wrong)], json!({"data": "5"})).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!(40012)), "{wrong}");
    }
    let batch = json!({"channels": ["a/b"], "messages": [{"data": "6"}]}).to_string();
    assert_eq!(send(&ably, "POST", "/messages", &bob, batch).await.status(), 201);
    let by_query = format!("{MESSAGES}?key=appid.keyid:secret");
    assert_eq!(send(&ably, "POST", &by_query, &[BOB], r#"{"data":"7"}"#.to_owned()).await.status(), 201);
    let (_, page) = call(&ably, "GET", MESSAGES, &Value::Null).await;
    let said: Vec<(&Value, &Value)> =
        page.as_array().unwrap().iter().map(|message| (&message["data"], &message["clientId"])).collect();
    let (bob, eve) = (json!("bob"), json!("eve"));
    let said_by = [("7", &bob), ("6", &bob), ("4", &eve), ("2", &bob), ("1", &bob)].map(|(data, by)| (json!(data), by));
    assert_eq!(said, said_by.iter().map(|(data, by)| (data, *by)).collect::<Vec<_>>());
}

#[tokio::test]
async fn ids_are_not_empty_and_those_of_several_messages_are_numbered() {
    let ably = ably();
    let ids = |ids: &[Option<&str>]| -> Value { ids.iter().map(|id| json!({"id": id, "data": "x"})).collect() };
    for wrong in [
        json!({"id": "", "data": "x"}),
        ids(&[Some("")]),
        ids(&[Some("a"), Some("zzz")]),
        ids(&[Some("a"), Some("a")]),
        ids(&[Some("a:0"), Some("b:1")]),
        ids(&[Some("a:1"), Some("a:0")]),
        ids(&[Some("a:0"), Some("a:2")]),
        ids(&[Some("a:0"), None]),
        ids(&[None, Some("a:1")]),
        ids(&[Some(":0"), Some(":1")]),
    ] {
        let (status, refused) = call(&ably, "POST", MESSAGES, &wrong).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!(40031)), "{wrong}");
        let batch = json!({"channels": ["a/b"], "messages": wrong});
        let (_, result) = call(&ably, "POST", "/messages", &batch).await;
        assert_eq!(result["results"][0]["error"]["code"], 40031, "{wrong}");
    }
    assert_eq!(call(&ably, "GET", MESSAGES, &Value::Null).await.1, json!([]));
    for right in [ids(&[Some("a:0"), Some("a:1")]), ids(&[Some("order-7")]), ids(&[None, None])] {
        assert_eq!(call(&ably, "POST", MESSAGES, &right).await.0, 201, "{right}");
    }
    assert_eq!(call(&ably, "GET", MESSAGES, &Value::Null).await.1.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn what_no_channel_can_be_called_is_refused_at_each_door() {
    let ably = ably();
    let names =
        [("", ""), ("[x", "%5Bx"), (":y", "%3Ay"), ("n\nl", "n%0Al"), ("[x]a", "%5Bx%5Da"), ("[meta]", "%5Bmeta%5D")];
    for (name, encoded) in names {
        for (method, path) in [("POST", "/messages"), ("GET", "/messages"), ("GET", "")] {
            let (status, refused) =
                call(&ably, method, &format!("/channels/{encoded}{path}"), &json!({"data": "x"})).await;
            assert_eq!((status, &refused["error"]["code"]), (400, &json!(40010)), "{method} {name:?}");
        }
        let batch = json!({"channels": [name, "good"], "messages": {"data": "x"}});
        let (_, result) = call(&ably, "POST", "/messages", &batch).await;
        assert_eq!((&result["successCount"], &result["failureCount"]), (&json!(1), &json!(1)), "{name:?}");
        assert_eq!(result["results"][0]["error"]["code"], 40010, "{name:?}");
    }
    let (status, receipt) = call(&ably, "POST", "/channels/%5B%3Frewind%3D1%5Da/messages", &json!({"data": "x"})).await;
    assert_eq!((status, &receipt["channel"]), (201, &json!("a")));
}

#[tokio::test]
async fn the_query_says_which_format_the_answer_has_before_the_header_does() {
    let ably = ably();
    assert_eq!(call(&ably, "POST", MESSAGES, &json!({"data": "x"})).await.0, 201);
    let of = async |query: &str, accept: &str| {
        let headers = [("authorization", KEY), ("accept", accept)];
        let response = send(&ably, "GET", &format!("{MESSAGES}{query}"), &headers, String::new()).await;
        (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap().to_owned())
    };
    let (json, packed) = ("application/json", "application/x-msgpack");
    assert_eq!(of("?format=msgpack", json).await, (200, packed.to_owned()));
    assert_eq!(of("?format=json", packed).await, (200, json.to_owned()));
    assert_eq!(of("", packed).await, (200, packed.to_owned()));
    assert_eq!(of("?format=msgpack&limit=0", json).await, (400, packed.to_owned()));
    assert_eq!(of("?format=html", json).await, (400, json.to_owned()));
}

#[tokio::test]
async fn json_that_calls_itself_a_form_is_not_read_as_json() {
    let ably = ably();
    let headers = [("authorization", KEY), ("content-type", "application/x-www-form-urlencoded")];
    let (status, refused) = answer(send(&ably, "POST", MESSAGES, &headers, r#"{"data":"x"}"#.to_owned()).await).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!(40000)));
    assert_eq!(call(&ably, "GET", MESSAGES, &Value::Null).await.1, json!([]));
}
