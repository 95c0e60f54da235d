//! Lua: the embedded engine against a real Redis, script by script, and the
//! bounds that only the engine has.

use std::time::{Duration, Instant};

use http::StatusCode;
use makegood_cloud::Redis;
use serde_json::{Value, json};

use super::{TOKEN, post, server::Server};

/// Bodies of `EVAL`, in this order and on the same data; keys are `a` and `b`,
/// arguments `1`, `x` and `2.5`.
const SCRIPTS: &[&str] = &[
    "return 1",
    "return",
    "return {1, 2, nil, 3}",
    "return {1, {2, {'x', {}}}, true, false, 3.99}",
    "return -3.99",
    "return 1e30",
    "return {KEYS, ARGV}",
    "return {KEYS[3], ARGV[1]}",
    "return 'a\\nb'",
    "return {ok = 'fine'}",
    "return {ok = 'OK'}",
    "return {err = 'MY own\\nline'}",
    "return {err = 1}",
    "return {1, {err = 'b c'}}",
    "return {double = 3.1}",
    "return {map = {a = 1}}",
    "return {set = {a = true}}",
    "return {big_number = '12'}",
    "return function() end",
    "return redis.status_reply('fine')",
    "return redis.error_reply('x')",
    "return redis.error_reply('-BAD x')",
    "return redis.error_reply('-BAD')",
    "return redis.error_reply('')",
    "return redis.error_reply(1)",
    "return redis.sha1hex('a')",
    "return redis.sha1hex()",
    "return redis.call('SET', KEYS[1], ARGV[1])",
    "return redis.call('INCRBY', KEYS[1], 3)",
    "return redis.call('INCRBYFLOAT', KEYS[1], 1.1)",
    "return type(redis.call('GET', 'none'))",
    "return redis.call('SET', KEYS[1], 'v').ok",
    "return redis.call('RPUSH', KEYS[2], 'x', 1, 2.5, -1e20)",
    "return redis.call('LRANGE', KEYS[2], 0, -1)",
    "return redis.call('LPUSH', KEYS[1], 'x')",
    "return redis.pcall('LPUSH', KEYS[1], 'x')",
    "return {redis.pcall('LPUSH', KEYS[1], 'x'), 1}",
    "local e = redis.pcall('GET') return {e.err, 'end'}",
    "local ok, e = pcall(redis.call, 'GET') return {tostring(ok), type(e), e}",
    "local ok, e = pcall(redis.call, 'GET') error(e)",
    "local ok, e = pcall(function() return nothing end) return e",
    "redis.call('SET', KEYS[1], 'kept') error('then')",
    "return redis.call('GET', KEYS[1])",
    "return redis.call('GET')",
    "return redis.call('NOSUCH')",
    "return redis.call('EVAL', 'return 1', 0)",
    "return redis.call('MULTI')",
    "return redis.call('SUBSCRIBE', 'x')",
    "return redis.call()",
    "return redis.call({})",
    "return redis.call('GET', true)",
    "\n\nreturn redis.call('GET')",
    "local f = function()\n error('deep') end\nf()",
    "error('plain', 0)",
    "error({err = 'MY err'})",
    "error(redis.error_reply('MY err'))",
    "return nil + 1",
    "return KEYS[1] .. nil",
    "return nothing",
    "return print",
    "return os",
    "return io",
    "return require",
    "return dofile",
    "return loadfile",
    "x = 1",
    "KEYS = 1",
    "string.foo = 1",
    "_G.x = 1",
    "local x = 1 return x",
    "retur x",
    "return (",
    "return 'open",
    "return loadstring('return 7')()",
    "return cjson.encode({1, 2, {a = 'x/y'}, 1.5, cjson.null, true})",
    "return cjson.encode({})",
    "return cjson.encode({1, nil, 3})",
    "return cjson.encode({[1] = 1, [3] = 3, [20] = 4})",
    "return cjson.encode({f = function() end})",
    "return cjson.encode({[1.5] = 'a'})",
    "return cjson.encode('ä\\n\\\"\\\\ \\1 \\127')",
    "return cjson.encode({1e20, 12345678901234567, 0.1, -0.5})",
    "return cjson.encode(0/0)",
    "local t = cjson.decode('{\"a\": [1, 2.5, null, true], \"b\": {\"c\": \"\\\\u00e4\"}}') return {t.a[1], t.a[2], tostring(t.a[3] == cjson.null), t.a[4], t.b.c}",
    "return {bit.band(12, 10), bit.bor(12, 10), bit.bxor(12, 10), bit.bnot(0), bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-8, 1), bit.rol(1, 33), bit.ror(1, 1), bit.bswap(1), bit.tobit(4294967295)}",
    "return {bit.tohex(255), bit.tohex(255, 4), bit.tohex(255, -4)}",
    "return redis.log(redis.LOG_WARNING, 'said')",
    "return redis.log('a', 'b')",
    "return redis.log('a')",
    "redis.setresp(2) return 1",
    "redis.setresp(4)",
    "#!lua\nreturn 1",
    "#!lua flags=no-writes\nreturn redis.call('SET', 'a', 'b')",
    "#!lua flags=no-writes,allow-stale\nreturn 2",
    "#!lua flags=bad\nreturn 1",
    "#!lua name=x\nreturn 1",
    "#!python\nreturn 1",
    "#!lua",
    "#!lua\n\nerror('third')",
    "return redis.call('PING')",
    "return tostring(1e15) .. tostring(0.1)",
    "return string.format('%d %s %5.2f', 3, 'x', 2.345)",
    "return table.concat({1, 2, 3}, ',')",
    "local t = {3, 1, 2} table.sort(t) return t",
    "return {unpack({1, 2, 3})}",
    "return #ARGV + tonumber(ARGV[3])",
    "return math.floor(2.7)",
    "return ('x'):rep(3)",
    "return select('#', 1, 2)",
    "return {pcall(error, 'x')}",
    "return {xpcall(function() error('x') end, function(e) return e end)}",
    "return tostring(getmetatable('').__index == string)",
    "local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return {co(1), co(5)}",
];

/// Other commands about scripts.
const COMMANDS: &[&[&str]] = &[
    &["EVAL", "return 1"],
    &["EVAL", "return 1", "-1"],
    &["EVAL", "return 1", "2", "k"],
    &["EVAL", "return 1", "x"],
    &["EVAL_RO", "return redis.call('SET', 'a', 'b')", "0"],
    &["EVAL_RO", "return redis.call('GET', KEYS[1])", "1", "a"],
    &["EVAL_RO", "#!lua\nreturn 1", "0"],
    &["EVAL_RO", "#!lua flags=no-writes\nreturn 1", "0"],
    &["EVALSHA", "x", "0"],
    &["EVALSHA", "x", "y"],
    &["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"],
    &["EVALSHA", "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", "0"],
    &["EVALSHA", "ffffffffffffffffffffffffffffffffffffffff", "0"],
    &["EVALSHA_RO", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"],
    &["SCRIPT", "LOAD", "return 'loaded'"],
    &["SCRIPT", "LOAD", "return ("],
    &["SCRIPT", "LOAD"],
    &["SCRIPT", "EXISTS", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "none"],
    &["SCRIPT", "EXISTS"],
    &["SCRIPT", "FLUSH", "NOW"],
    &["SCRIPT", "FLUSH", "ASYNC"],
    &["SCRIPT", "EXISTS", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"],
    &["SCRIPT", "FLUSH"],
    &["SCRIPT", "KILL"],
    &["SCRIPT", "NOSUCH"],
    &["SCRIPT"],
];

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
