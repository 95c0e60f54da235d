//! The REST conventions, on the embedded engine.

use http::{Request, StatusCode};
use makegood_cloud::Redis;
use serde_json::{Value, json};

use super::{TOKEN, call, post, server::Server};

fn bearer(request: http::request::Builder) -> http::request::Builder {
    request.header("authorization", format!("Bearer {TOKEN}"))
}

#[tokio::test]
async fn a_wrong_token_is_refused_with_the_published_text() {
    let router = Redis::embedded().router(TOKEN);
    let refused = json!({"error": "WRONGPASS invalid or missing auth token"});
    for request in [
        Request::post("/"),
        Request::post("/").header("authorization", "Bearer wrong"),
        Request::post("/?_token=wrong"),
    ] {
        let answer = call(&router, request, r#"["PING"]"#).await;
        assert_eq!(answer, (StatusCode::UNAUTHORIZED, refused.clone()));
    }
    let (status, _) = call(&router, Request::get("/ping?_token=secret"), "").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_path_becomes_a_command_with_body_and_query_appended() {
    let router = Redis::embedded().router(TOKEN);
    let set = bearer(Request::post("/set/a%2Fb?EX=100"));
    let (_, answer) = call(&router, set, "val/ue").await;
    assert_eq!(answer, json!({"result": "OK"}));
    let (_, answer) = call(&router, bearer(Request::get("/get/a%2Fb")), "").await;
    assert_eq!(answer, json!({"result": "val/ue"}));
    let (_, answer) = call(&router, bearer(Request::get("/ttl/a%2Fb")), "").await;
    assert_eq!(answer, json!({"result": 100}));
    let (status, _) = call(&router, bearer(Request::delete("/get/a")), "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn base64_spares_only_the_top_level_ok_numbers_and_errors() {
    let router = Redis::embedded().router(TOKEN);
    let request = bearer(Request::post("/pipeline")).header("upstash-encoding", "base64");
    let body = json!([
        ["SET", "k", "OK"],
        ["GET", "k"],
        ["MGET", "k", "none"],
        ["TYPE", "k"],
        ["STRLEN", "k"],
        ["LPUSH", "k", "x"]
    ]);
    let (status, answer) = call(&router, request, body.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
    let expected = json!([{"result": "OK"}, {"result": "T0s="}, {"result": ["T0s=", null]},
        {"result": "c3RyaW5n"}, {"result": 2}, {"error": wrong_type}]);
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn binary_values_survive() {
    let router = Redis::embedded().router(TOKEN);
    call(&router, bearer(Request::post("/set/k")), vec![0_u8, 255, 10]).await;
    let get = bearer(Request::get("/get/k")).header("upstash-encoding", "base64");
    assert_eq!(call(&router, get, "").await.1, json!({"result": "AP8K"}));
}

#[tokio::test]
async fn what_rest_cannot_do_is_refused_by_name_with_400() {
    let router = Redis::embedded().router(TOKEN);
    for (command, part) in [
        (json!(["BLPOP", "k", "0"]), "it blocks"),
        (json!(["multi"]), "/multi-exec"),
        (json!(["CONFIG", "GET", "*"]), "administers"),
        (json!(["XREAD", "BLOCK", "0", "STREAMS", "s", "$"]), "it blocks"),
        (json!(["FCALL", "f", "0"]), "use EVAL"),
        (json!([]), "empty command"),
        (json!(["GET", ["nested"]]), "failed to parse"),
        (json!(["GET", "k".repeat(40_000)]), "max key size"),
    ] {
        let (status, answer) = post(&router, "/", command.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{command}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(part), "{command}: {error}");
    }
}

#[tokio::test]
async fn a_request_over_ten_megabytes_is_refused() {
    let router = Redis::embedded().router(TOKEN);
    let answer = call(&router, bearer(Request::post("/set/k")), vec![b'x'; (10 << 20) + 1]).await;
    let error = json!({"error": "ERR max request size exceeded"});
    assert_eq!(answer, (StatusCode::BAD_REQUEST, error));
}

#[tokio::test]
async fn numbers_and_booleans_are_arguments_too() {
    let router = Redis::embedded().router(TOKEN);
    post(&router, "/", json!(["RPUSH", "k", 1, -2.5, true])).await;
    let (_, answer) = post(&router, "/", json!(["LRANGE", "k", 0, -1])).await;
    assert_eq!(answer, json!({"result": ["1", "-2.5", "true"]}));
}

#[tokio::test]
async fn scanning_finds_every_key_once_while_others_come_and_go() {
    let router = Redis::embedded().router(TOKEN);
    for i in 0..200 {
        post(&router, "/", json!(["SET", format!("key:{i}"), "v"])).await;
    }
    let mut found: Vec<String> = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let (_, page) = post(&router, "/", json!(["SCAN", cursor, "MATCH", "key:*", "COUNT", 7])).await;
        let Value::Array(keys) = &page["result"][1] else {
            panic!("{page}");
        };
        found.extend(keys.iter().map(|key| key.as_str().unwrap().to_owned()));
        cursor = page["result"][0].as_str().unwrap().to_owned();
        post(&router, "/", json!(["SET", format!("other:{cursor}"), "v"])).await;
        if cursor == "0" {
            break;
        }
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 200);
}

#[tokio::test]
async fn a_key_expires_on_time() {
    let router = Redis::embedded().router(TOKEN);
    post(&router, "/", json!(["SET", "k", "v", "PX", 40])).await;
    assert_eq!(post(&router, "/", json!(["DBSIZE"])).await.1, json!({"result": 1}));
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    assert_eq!(post(&router, "/", json!(["DBSIZE"])).await.1, json!({"result": 0}));
}

#[tokio::test]
async fn an_unreachable_server_is_explained() {
    let error = Redis::connect("redis://127.0.0.1:1").await.err().unwrap().to_string();
    assert!(error.contains("REDIS_URL"), "{error}");
}

#[tokio::test]
async fn a_server_that_has_gone_is_no_fault_of_the_request_and_found_again() {
    let Some(server) = Server::start() else { return };
    let port = server.url.rsplit(':').next().unwrap().parse().unwrap();
    let router = Redis::connect(&server.url).await.unwrap().router(TOKEN);
    assert_eq!(post(&router, "/", json!(["SET", "k", "v"])).await.0, StatusCode::OK);
    drop(server);
    // The first finds the connection broken, and the others that there is none to be had.
    for (path, body) in [
        ("/", json!(["GET", "k"])),
        ("/", json!(["GET", "k"])),
        ("/pipeline", json!([["GET", "k"], ["SET", "k", "w"]])),
        ("/multi-exec", json!([["SET", "k", "w"]])),
        ("/subscribe/news", json!([])),
        ("/monitor", json!([])),
    ] {
        let (status, answer) = post(&router, path, body).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {answer}");
        assert!(answer["error"].as_str().unwrap().starts_with("ERR "), "{path}: {answer}");
    }
    // What is wrong with the request itself is said all the same.
    assert_eq!(post(&router, "/", json!(["BLPOP", "k", 0])).await.0, StatusCode::BAD_REQUEST);
    let _server = Server::at(port).unwrap();
    let found = async {
        while post(&router, "/", json!(["SET", "k", "v"])).await.0 != StatusCode::OK {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), found).await.expect("it was not found again");
    assert_eq!(post(&router, "/", json!(["LPUSH", "k", "x"])).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_server_that_takes_its_time_is_waited_for() {
    let Some(server) = Server::start() else { return };
    let router = Redis::connect(&server.url).await.unwrap().router(TOKEN);
    let script = "local n = 0 for i = 1, 1e8 do n = n + i end return n > 0 and 1";
    let began = std::time::Instant::now();
    let (status, answer) = post(&router, "/", json!(["EVAL", script, 0])).await;
    assert_eq!((status, &answer["result"]), (StatusCode::OK, &json!(1)), "after {:?}: {answer}", began.elapsed());
}

#[tokio::test]
async fn resp2_is_what_redis_itself_would_send() {
    let router = Redis::embedded().router(TOKEN);
    let ask = async |path: &str, body: Value, base64: bool| {
        let mut request = bearer(Request::post(path)).header("upstash-response-format", "resp2");
        if base64 {
            request = request.header("upstash-encoding", "base64");
        }
        let request = request.body(axum::body::Body::from(body.to_string())).unwrap();
        let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        let (status, kind) = (response.status(), response.headers()["content-type"].to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status.as_u16(), kind, String::from_utf8(body.to_vec()).unwrap())
    };
    let raw = |status: u16, body: &str| (status, "application/octet-stream".to_owned(), body.to_owned());
    assert_eq!(ask("/", json!(["SET", "k", "v"]), false).await, raw(200, "+OK\r\n"));
    assert_eq!(ask("/", json!(["MGET", "k", "none"]), false).await, raw(200, "*2\r\n$1\r\nv\r\n$-1\r\n"));
    let text = "-ERR value is not an integer or out of range\r\n";
    assert_eq!(ask("/", json!(["INCR", "k"]), false).await, raw(400, text));
    assert_eq!(ask("/pipeline", json!([["STRLEN", "k"], ["GET", "k"]]), false).await, raw(200, ":1\r\n$1\r\nv\r\n"));
    assert_eq!(ask("/multi-exec", json!([["GET", "k"]]), false).await.0, 400);
    assert_eq!(ask("/", json!(["GET", "k"]), true).await.0, 400);
}

#[tokio::test]
async fn long_keys_are_refused_wherever_they_stand_and_long_scripts_are_not() {
    let router = Redis::embedded().router(TOKEN);
    let long = "k".repeat((32 << 10) + 1);
    let refused = json!({"error": "ERR max key size exceeded. Limit: 32768 bytes, Actual: 32769 bytes"});
    for command in [
        json!(["GET", long]),
        json!(["MGET", "a", long]),
        json!(["MSET", "a", "v", long, "v"]),
        json!(["EVAL", "return 1", 1, long]),
        json!(["XGROUP", "CREATE", long, "g", "0"]),
    ] {
        assert_eq!(post(&router, "/", command).await, (StatusCode::BAD_REQUEST, refused.clone()));
    }
    for command in [
        json!(["EVAL", format!("return 1 -- {long}"), 0]),
        json!(["EVAL", "return 1", 0, long]),
        json!(["MSET", "a", long]),
        json!(["ECHO", long]),
    ] {
        assert_eq!(post(&router, "/", command).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_string_over_a_hundred_megabytes_is_refused() {
    let router = Redis::embedded().router(TOKEN);
    let refused = json!({"error": "ERR max single record size exceeded"});
    assert_eq!(post(&router, "/", json!(["SETRANGE", "k", 100 << 20, "x"])).await.1, refused);
    let largest = json!(["SETRANGE", "k", (100 << 20) - 1, "x"]);
    assert_eq!(post(&router, "/", largest).await.1, json!({"result": 100 << 20}));
    assert_eq!(post(&router, "/", json!(["APPEND", "k", "x"])).await.1, refused);
}
