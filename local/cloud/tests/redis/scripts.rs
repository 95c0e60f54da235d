//! Lua: the embedded engine against a real Redis, script by script, and the
//! bounds that only the engine has.

use std::time::{Duration, Instant};

use http::StatusCode;
use makegood_cloud::Redis;
use serde_json::{Value, json};

use super::{
    TOKEN, post,
    random::scripts::{COMMANDS, SCRIPTS},
    server::Server,
};

#[tokio::test]
async fn scripts_are_answered_as_by_a_real_redis() {
    let Some(server) = Server::start() else {
        return;
    };
    let real = Redis::connect(&server.url).await.unwrap().router(TOKEN);
    let own = Redis::embedded().router(TOKEN);
    let evals = SCRIPTS.iter().map(|script| json!(["EVAL", script, 2, "a", "b", 1, "x", 2.5]));
    let mut differences = Vec::new();
    for command in evals.chain(COMMANDS.iter().map(|command| json!(command))) {
        let theirs = post(&real, "/", command.clone()).await;
        let ours = post(&own, "/", command.clone()).await;
        if ours != theirs {
            differences.push(format!("{command}\n  real {theirs:?}\n  own  {ours:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn upstashs_own_flag_is_understood_everywhere() {
    let server = Server::start();
    let mut routers = vec![Redis::embedded().router(TOKEN)];
    if let Some(server) = &server {
        routers.push(Redis::connect(&server.url).await.unwrap().router(TOKEN));
    }
    let script = "#!lua flags=allow-key-locking\nreturn redis.call('INCR', KEYS[1])";
    for router in &routers {
        let (_, loaded) = post(router, "/", json!(["SCRIPT", "LOAD", script])).await;
        let digest = loaded["result"].as_str().unwrap();
        assert_eq!(digest, "5c6e36d70d4ec2144321a8f9c663f6c612440510");
        let batch = json!([["EVALSHA", digest, 1, "n"], ["EVAL", script, 1, "n"], ["SCRIPT", "EXISTS", digest]]);
        let (_, answer) = post(router, "/multi-exec", batch.clone()).await;
        assert_eq!(answer, json!([{"result": 1}, {"result": 2}, {"result": [1]}]));
        let (_, answer) = post(router, "/pipeline", batch).await;
        assert_eq!(answer, json!([{"result": 3}, {"result": 4}, {"result": [1]}]));
        let failing = "#!lua flags=allow-key-locking\nerror('no')";
        let (status, answer) = post(router, "/", json!(["EVAL", failing, 0])).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let (_, own) = post(&routers[0], "/", json!(["EVAL", failing, 0])).await;
        assert_eq!(answer, own);
    }
}

async fn eval(router: &axum::Router, script: &str) -> Value {
    post(router, "/", json!(["EVAL", script, 0])).await.1
}

#[tokio::test]
async fn an_endless_script_is_ended_while_others_wait() {
    let router = Redis::embedded().router(TOKEN);
    let start = Instant::now();
    let endless = "while true do pcall(function() while true do end end) end";
    let (answer, other) =
        tokio::join!(eval(&router, endless), async { post(&router, "/", json!(["SET", "k", "v"])).await.1 });
    assert!(answer["error"].as_str().unwrap().starts_with("ERR Script killed"), "{answer}");
    assert_eq!(other, json!({"result": "OK"}));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_script_cannot_take_all_the_memory_or_the_stack() {
    let router = Redis::embedded().router(TOKEN);
    for script in [
        "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end",
        "return ('x'):rep(1e9)",
        "local t = {} for i = 1, 10 do t[i] = t end return t",
        "local function f() return 1 + f() end return f()",
        "local t = {} t.t = t return cjson.encode(t)",
        "return cjson.decode(('['):rep(10000))",
        "string.dump(function() end)",
        "return loadstring('\\27Lua')()",
    ] {
        let answer = eval(&router, script).await;
        let text = answer.to_string();
        assert!(text.contains("\"error\""), "{script}: {}", &text[..text.len().min(200)]);
    }
    assert_eq!(eval(&router, "return 1").await, json!({"result": 1}));
}

#[tokio::test]
async fn nothing_passes_from_one_script_to_the_next() {
    let router = Redis::embedded().router(TOKEN);
    eval(&router, "rawset(_G, 'left', 1) getmetatable('').__index.rep = nil").await;
    assert!(eval(&router, "return left").await["error"].is_string());
    assert_eq!(eval(&router, "return ('x'):rep(2)").await, json!({"result": "xx"}));
}
