//! The embedded engine against a real Redis: seeded random commands, sent to
//! both through the same REST face, must be answered alike.

use makegood_cloud::Redis;
use rand::{Rng, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};

use super::{TOKEN, post, server::Server};

const SEQUENCES: u64 = 1000;
const COMMANDS: usize = 60;

/// Argument kinds: k key, v value, i integer, f float, s score, r score range
/// bound, t expiry, m member; anything else stands for itself.
const GRAMMAR: &[&str] = &[
    "GET k",
    "SET k v",
    "SET k i",
    "SET k v NX",
    "SET k v XX GET",
    "SET k v EX 1000",
    "SET k v PX t",
    "SET k v KEEPTTL",
    "SET k v GET",
    "SET k v NX XX",
    "SET k v EX 10 KEEPTTL",
    "SET k v FOO",
    "SET k v EXAT 99999999999",
    "SET k v PXAT 9999999999999",
    "SET k v EX",
    "SETNX k v",
    "SETEX k 500 v",
    "SETEX k i v",
    "PSETEX k 500000 v",
    "GETSET k v",
    "GETDEL k",
    "GETEX k",
    "GETEX k EX 700",
    "GETEX k PERSIST",
    "GETEX k EX i",
    "GETEX k BAD",
    "MGET k k k",
    "MSET k v k i",
    "MSET k v k",
    "MSETNX k v k v",
    "INCR k",
    "DECR k",
    "INCRBY k i",
    "DECRBY k i",
    "INCRBYFLOAT k f",
    "INCRBYFLOAT k v",
    "APPEND k v",
    "STRLEN k",
    "GETRANGE k i i",
    "SETRANGE k 3 v",
    "SETRANGE k -1 v",
    "SET k 10.5",
    "SET k 3.0e3",
    "DEL k k",
    "UNLINK k",
    "EXISTS k k k",
    "TYPE k",
    "KEYS *",
    "KEYS k[a-c]",
    "DBSIZE",
    "RENAME k k",
    "RENAMENX k k",
    "EXPIRE k 1000",
    "EXPIRE k i",
    "EXPIRE k 2000 NX",
    "EXPIRE k 3000 XX",
    "EXPIREAT k 4000000000 GT",
    "EXPIREAT k 3000000000 LT",
    "EXPIRE k 1 NX XX",
    "EXPIRE k 1 GT LT",
    "EXPIRE k 1 FOO",
    "PEXPIRE k 900000",
    "EXPIREAT k 99999999999",
    "PEXPIREAT k 9999999999999",
    "PEXPIREAT k 1",
    "EXPIRE k 9223372036854775807",
    "TTL k",
    "PTTL k",
    "PERSIST k",
    "EXPIRETIME k",
    "PING",
    "PING v",
    "PING v v",
    "ECHO v",
    "TOUCH k k",
    "HSET k m v",
    "HSET k m i m v",
    "HSET k m",
    "HMSET k m v",
    "HSETNX k m v",
    "HGET k m",
    "HMGET k m m",
    "HGETALL k",
    "HKEYS k",
    "HVALS k",
    "HDEL k m m",
    "HLEN k",
    "HEXISTS k m",
    "HSTRLEN k m",
    "HINCRBY k m i",
    "HINCRBY k m 9223372036854775807",
    "HINCRBYFLOAT k m f",
    "HINCRBYFLOAT k m v",
    "HSCAN k 0 MATCH a*",
    "LPUSH k v",
    "RPUSH k v v i",
    "LPUSHX k v",
    "RPUSHX k v",
    "LPOP k",
    "RPOP k",
    "LPOP k 2",
    "RPOP k i",
    "LLEN k",
    "LRANGE k i i",
    "LRANGE k 0 -1",
    "LINDEX k i",
    "LSET k i v",
    "LREM k i v",
    "LREM k 0 v",
    "LTRIM k i i",
    "LINSERT k BEFORE v v",
    "LINSERT k AFTER v v",
    "LINSERT k NEAR v v",
    "LMOVE k k LEFT RIGHT",
    "LMOVE k k RIGHT RIGHT",
    "LMOVE k k UP DOWN",
    "RPOPLPUSH k k",
    "SADD k m m i",
    "SREM k m m",
    "SMEMBERS k",
    "SISMEMBER k m",
    "SMISMEMBER k m m",
    "SCARD k",
    "SPOP k 100",
    "SPOP k -1",
    "SRANDMEMBER k 100",
    "SMOVE k k m",
    "SINTER k k",
    "SUNION k k",
    "SDIFF k k k",
    "SINTERSTORE k k k",
    "SUNIONSTORE k k k",
    "SDIFFSTORE k k k",
    "SSCAN k 0",
    "SSCAN k x",
    "ZADD k s m",
    "ZADD k s m s m s m",
    "ZADD k NX s m",
    "ZADD k XX CH s m",
    "ZADD k GT CH s m s m",
    "ZADD k LT s m",
    "ZADD k NX XX s m",
    "ZADD k GT NX s m",
    "ZADD k INCR s m",
    "ZADD k INCR s m s m",
    "ZADD k NX INCR s m",
    "ZADD k s m s",
    "ZADD k v m",
    "ZINCRBY k s m",
    "ZINCRBY k v m",
    "ZREM k m m",
    "ZSCORE k m",
    "ZMSCORE k m m",
    "ZCARD k",
    "ZCOUNT k r r",
    "ZCOUNT k v r",
    "ZRANK k m",
    "ZREVRANK k m",
    "ZRANGE k i i",
    "ZRANGE k 0 -1 WITHSCORES",
    "ZRANGE k i i REV WITHSCORES",
    "ZRANGE k r r BYSCORE",
    "ZRANGE k r r BYSCORE REV WITHSCORES",
    "ZRANGE k r r BYSCORE LIMIT 1 2",
    "ZRANGE k 0 1 LIMIT 1 2",
    "ZREVRANGE k i i WITHSCORES",
    "ZREVRANGE k 0 1 REV",
    "ZRANGEBYSCORE k r r WITHSCORES LIMIT 0 2",
    "ZRANGEBYSCORE k r r",
    "ZREVRANGEBYSCORE k r r",
    "ZREMRANGEBYRANK k i i",
    "ZREMRANGEBYSCORE k r r",
    "ZPOPMIN k",
    "ZPOPMAX k 2",
    "ZPOPMIN k i",
    "ZSCAN k 0 COUNT 5",
    "ZSCAN k 0 COUNT 0",
    "GET",
    "GET k k",
    "SET k",
    "HGET k",
    "LPUSH k",
    "ZADD k 1",
    "NOSUCH k v",
    "nosuch",
    "FLUSHDB BAD",
];

fn argument(kind: &str, rng: &mut StdRng) -> String {
    let pool: &[&str] = match kind {
        "k" => &["ka", "kb", "kc", "kd", "ke"],
        "v" => &["", "a", "b", "hello", "wörld", "10", "-3", "1.5", "line\nbreak", "{\"j\":1}"],
        "i" => &[
            "0",
            "1",
            "2",
            "3",
            "-1",
            "-2",
            "5",
            "100",
            "-100",
            "07",
            "x",
            "1.5",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
        ],
        "t" => &["100000", "0", "-5", "x", "9223372036854775807"],
        "f" => &["0.1", "0.2", "-0.3", "1.25", "1e3", "2.5e-2", "100.1", "3", "-7.77", "abc", "12345.678"],
        "s" => &["0", "1", "2", "-1.5", "0.25", "3", "1e3", "inf", "-inf", "7", "nan", "100000000000"],
        "r" => &["-inf", "+inf", "0", "(0", "1", "(1", "2", "3", "(3", "-2"],
        "m" => &["a", "b", "c", "d", "ä"],
        _ => return kind.to_owned(),
    };
    (*pool.choose(rng).unwrap()).to_owned()
}

fn command(rng: &mut StdRng) -> Vec<String> {
    let template = GRAMMAR.choose(rng).unwrap();
    template.split(' ').map(|kind| argument(kind, rng)).collect()
}

/// Brings answers whose order or timing is free into one form.
fn normalised(command: &[String], mut answer: Value) -> Value {
    let name = command[0].to_ascii_uppercase();
    let Some(result) = answer.get_mut("result") else {
        return answer;
    };
    let pairs = matches!(name.as_str(), "HGETALL" | "HSCAN");
    let page = matches!(name.as_str(), "HSCAN" | "SSCAN" | "ZSCAN");
    let items = if page { &mut result[1] } else { result };
    match (name.as_str(), items) {
        (
            "SMEMBERS" | "SUNION" | "SINTER" | "SDIFF" | "KEYS" | "HKEYS" | "HVALS" | "SPOP" | "SRANDMEMBER" | "SSCAN"
            | "HGETALL" | "HSCAN",
            Value::Array(items),
        ) => {
            let mut groups: Vec<String> =
                items.chunks(if pairs { 2 } else { 1 }).map(|group| json!(group).to_string()).collect();
            groups.sort();
            *items = groups.into_iter().map(Value::from).collect();
        }
        // Up to five seconds apart is the same.
        ("TTL" | "EXPIRETIME", Value::Number(n)) if n.as_i64() > Some(5) => {
            *answer.get_mut("result").unwrap() = json!(n.as_i64().unwrap() / 100);
        }
        ("PTTL", Value::Number(n)) if n.as_i64() > Some(5) => {
            *answer.get_mut("result").unwrap() = json!((n.as_i64().unwrap() + 50_000) / 100_000);
        }
        _ => {}
    }
    answer
}

#[tokio::test]
async fn random_commands_are_answered_as_by_a_real_redis() {
    let Some(server) = Server::start() else {
        return;
    };
    let real = Redis::connect(&server.url).await.unwrap().router(TOKEN);
    let own = Redis::embedded().router(TOKEN);
    for seed in 0..SEQUENCES {
        let mut rng = StdRng::seed_from_u64(seed);
        for router in [&real, &own] {
            post(router, "/", json!(["FLUSHALL"])).await;
        }
        let commands: Vec<Vec<String>> = (0..COMMANDS).map(|_| command(&mut rng)).collect();
        let path = if rng.random_bool(0.5) { "/pipeline" } else { "/" };
        if path == "/" {
            for (i, command) in commands.iter().enumerate() {
                let (status, theirs) = post(&real, "/", json!(command)).await;
                let (own_status, ours) = post(&own, "/", json!(command)).await;
                let (theirs, ours) = (normalised(command, theirs), normalised(command, ours));
                let before = &commands[..i];
                assert_eq!(ours, theirs, "seed {seed}: {command:?} after {before:?}");
                assert_eq!(own_status, status, "seed {seed}: {command:?}");
            }
        } else {
            let (_, theirs) = post(&real, path, json!(commands)).await;
            let (_, ours) = post(&own, path, json!(commands)).await;
            for (i, command) in commands.iter().enumerate() {
                let theirs = normalised(command, theirs[i].clone());
                let ours = normalised(command, ours[i].clone());
                let before = &commands[..i];
                assert_eq!(ours, theirs, "seed {seed}: {command:?} after {before:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_real_redis_runs_transactions_atomically_and_discards_ill_formed_ones() {
    let Some(server) = Server::start() else {
        return;
    };
    let real = Redis::connect(&server.url).await.unwrap().router(TOKEN);
    let own = Redis::embedded().router(TOKEN);
    for router in [&real, &own] {
        let mixed = json!([["SET", "k", "v"], ["INCR", "k"], ["GET", "k"]]);
        let (status, answer) = post(router, "/multi-exec", mixed).await;
        assert_eq!(status, 200);
        assert_eq!(answer[0], json!({"result": "OK"}));
        let not_integer = "ERR value is not an integer or out of range";
        assert_eq!(answer[1], json!({ "error": not_integer }));
        assert_eq!(answer[2], json!({"result": "v"}));

        let ill_formed = json!([["SET", "k", "w"], ["GET"]]);
        let (status, answer) = post(router, "/multi-exec", ill_formed).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().starts_with("EXECABORT"), "{answer}");
        let (_, answer) = post(router, "/", json!(["GET", "k"])).await;
        assert_eq!(answer, json!({"result": "v"}));
    }
}
