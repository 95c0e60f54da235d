//! The token that may only read, on both back ends.

use axum::Router;
use http::Request;
use makegood_cloud::Redis;
use serde_json::{Value, json};

use super::{TOKEN, call, post, server::Server};

async fn as_reader(router: &Router, path: &str, body: Value) -> Value {
    let request = Request::post(path).header("authorization", "Bearer reader");
    call(router, request, body.to_string()).await.1
}

#[tokio::test]
async fn who_may_only_read_cannot_write_by_any_way() {
    let server = Server::start();
    let mut routers = vec![Redis::embedded().router_with_reader(TOKEN, "reader")];
    if let Some(server) = &server {
        routers.push(Redis::connect(&server.url).await.unwrap().router_with_reader(TOKEN, "reader"));
    }
    for router in &routers {
        post(router, "/", json!(["SET", "k", "v"])).await;
        assert_eq!(as_reader(router, "/", json!(["get", "k"])).await, json!({"result": "v"}));
        let eval = json!(["EVAL", "return redis.call('GET', KEYS[1])", 1, "k"]);
        assert_eq!(as_reader(router, "/", eval).await, json!({"result": "v"}));
        for command in [
            json!(["set", "k", "w"]),
            json!(["FLUSHALL"]),
            json!(["GETDEL", "k"]),
            json!(["EVAL", "return redis.call('SET', KEYS[1], 'w')", 1, "k"]),
            json!(["EVAL", "#!lua\nreturn redis.call('SET', KEYS[1], 'w')", 1, "k"]),
            json!(["SCRIPT", "FLUSH"]),
            json!(["PUBLISH", "c", "m"]),
            json!(["NOSUCH"]),
        ] {
            let answer = as_reader(router, "/", command.clone()).await;
            assert!(answer["error"].as_str().unwrap().starts_with("NOPERM"), "{command}: {answer}");
            let answer = as_reader(router, "/pipeline", json!([["GET", "k"], command])).await;
            assert_eq!(answer[0], json!({"result": "v"}));
            assert!(answer[1]["error"].as_str().unwrap().starts_with("NOPERM"), "{answer}");
        }
        let transaction = json!([["SET", "k", "w"], ["GET", "k"]]);
        let answer = as_reader(router, "/multi-exec", transaction).await;
        assert!(answer["error"].as_str().unwrap().starts_with("NOPERM"), "{answer}");
        let answer = as_reader(router, "/monitor", json!([])).await;
        assert!(answer["error"].as_str().unwrap().starts_with("NOPERM"), "{answer}");
        assert_eq!(post(router, "/", json!(["GET", "k"])).await.1, json!({"result": "v"}));
    }
}
