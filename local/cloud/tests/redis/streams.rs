//! Streams: seeded random commands, to the embedded engine and to a real Redis.

use makegood_cloud::Redis;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};

use super::{TOKEN, post, server::Server};

const SEQUENCES: u64 = 1000;
const COMMANDS: usize = 60;

/// Argument kinds: k key, g group, c consumer, i id, b bound of an interval,
/// n number, v value; anything else stands for itself.
const GRAMMAR: &[&str] = &[
    "XADD k i f v",
    "XADD k i f v",
    "XADD k i f v g v",
    "XADD k 5-* f v",
    "XADD k 9-* f v",
    "XADD k i f",
    "XADD k i f v f",
    "XADD k NOMKSTREAM i f v",
    "XADD k MAXLEN n i f v",
    "XADD k MAXLEN = n i f v",
    "XADD k MAXLEN ~ n i f v",
    "XADD k MAXLEN ~ n LIMIT n i f v",
    "XADD k MINID i i f v",
    "XADD k MINID ~ i LIMIT n i f v",
    "XADD k MAXLEN n LIMIT 5 i f v",
    "XADD k MAXLEN 3 MINID 3 i f v",
    "XADD k LIMIT 3 i f v",
    "XADD k 18446744073709551615-18446744073709551615 f v",
    "XADD k nomkstream 5-* f v",
    "XLEN k",
    "XRANGE k - +",
    "XRANGE k b b",
    "XRANGE k b b COUNT n",
    "XRANGE k b b COUNT",
    "XRANGE k b b LIMIT 3",
    "XREVRANGE k + -",
    "XREVRANGE k b b",
    "XREVRANGE k b b COUNT n",
    "XREAD STREAMS k i",
    "XREAD COUNT n STREAMS k k i i",
    "XREAD STREAMS k $",
    "XREAD STREAMS k >",
    "XREAD STREAMS k k 0",
    "XREAD COUNT n NOACK STREAMS k 0",
    "XREAD GROUP g c STREAMS k 0",
    "XREAD STREAMS",
    "XREAD COUNT x STREAMS k 0",
    "XDEL k i",
    "XDEL k i i i",
    "XTRIM k MAXLEN n",
    "XTRIM k MINID i",
    "XTRIM k MAXLEN ~ n",
    "XTRIM k MAXLEN ~ n LIMIT n",
    "XTRIM k LIMIT 3",
    "XTRIM k FOO 3",
    "XSETID k i",
    "XSETID k 9-9 ENTRIESADDED n MAXDELETEDID i",
    "XSETID k i FOO",
    "XGROUP CREATE k g i",
    "XGROUP CREATE k g $ MKSTREAM",
    "XGROUP CREATE k g 0 MKSTREAM",
    "XGROUP CREATE k g 0 MKSTREAM ENTRIESREAD n",
    "XGROUP CREATE k g 0 FOO",
    "XGROUP CREATE k g",
    "XGROUP SETID k g i",
    "XGROUP SETID k g $ ENTRIESREAD n",
    "XGROUP DESTROY k g",
    "XGROUP CREATECONSUMER k g c",
    "XGROUP DELCONSUMER k g c",
    "XGROUP DELCONSUMER k g",
    "XGROUP FOO k g",
    "XREADGROUP GROUP g c STREAMS k >",
    "XREADGROUP GROUP g c COUNT n STREAMS k >",
    "XREADGROUP GROUP g c COUNT 2 STREAMS k >",
    "XREADGROUP GROUP g c STREAMS k i",
    "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS k >",
    "XREADGROUP GROUP g c STREAMS k k > 0",
    "XREADGROUP GROUP g c STREAMS k $",
    "XREADGROUP GROUP g c STREAMS k",
    "XREADGROUP COUNT 1 NOACK STREAMS k k 0 0",
    "XACK k g i",
    "XACK k g i i i",
    "XPENDING k g",
    "XPENDING k g - + 10",
    "XPENDING k g b b n",
    "XPENDING k g - + 10 c",
    "XPENDING k g IDLE 0 - + 10",
    "XPENDING k g IDLE 100000 - + 10",
    "XPENDING k g IDLE 0 - +",
    "XPENDING k g - +",
    "XCLAIM k g c 0 i",
    "XCLAIM k g c 0 i i JUSTID",
    "XCLAIM k g c 0 i FORCE",
    "XCLAIM k g c 0 i FORCE JUSTID",
    "XCLAIM k g c 100000 i",
    "XCLAIM k g c 0 i IDLE 100000 RETRYCOUNT n",
    "XCLAIM k g c 0 i TIME 1",
    "XCLAIM k g c 0 i LASTID i",
    "XCLAIM k g c x i",
    "XCLAIM k g c 0 i FOO",
    "XAUTOCLAIM k g c 0 b",
    "XAUTOCLAIM k g c 0 - COUNT n",
    "XAUTOCLAIM k g c 0 - COUNT 1 JUSTID",
    "XAUTOCLAIM k g c 100000 - COUNT 2",
    "XAUTOCLAIM k g c x -",
    "XAUTOCLAIM k g c 0 - FOO",
    "XINFO STREAM k",
    "XINFO GROUPS k",
    "XINFO CONSUMERS k g",
    "XINFO GROUPS",
    "XINFO FOO k",
    "XINFO STREAM k FOO",
    "TYPE k",
    "DEL k",
    "EXISTS k",
    "SET sc v",
    "GET k",
    "RENAME k k",
];

fn argument(kind: &str, rng: &mut StdRng) -> String {
    let pool: &[&str] = match kind {
        "k" => &["sa", "sa", "sa", "sb", "sc"],
        "g" => &["g1", "g1", "g2"],
        "c" => &["anna", "ben"],
        "i" => &[
            "0", "1", "1-1", "2", "2-5", "3", "3-1", "4", "5-0", "6", "7-7", "8", "9", "10-1", "0-0", "0-1", "x",
            "1-x", "-", "+", "1-2-3", "007",
        ],
        "b" => &["-", "+", "0", "1", "(1", "2-5", "(2-5", "5", "(7-7", "9", "(0", "(-", "(+", "x", "3-1"],
        "n" => &["0", "1", "2", "3", "5", "100", "-1", "x"],
        "v" => &["a", "b", "wörld", "", "{\"j\":1}"],
        _ => return kind.to_owned(),
    };
    (*pool.choose(rng).unwrap()).to_owned()
}

/// Puts aside what depends on the time of day and on how a node is stored.
fn normalised(command: &[String], mut answer: Value) -> Value {
    let named = |items: &mut Vec<Value>, names: &[&str]| {
        for i in 0..items.len() {
            if items[i].as_str().is_some_and(|name| names.contains(&name)) && i + 1 < items.len() {
                items[i + 1] = json!("-");
            }
        }
    };
    let Some(Value::Array(items)) = answer.get_mut("result") else {
        return answer;
    };
    match (command[0].as_str(), command[1].as_str()) {
        ("XINFO", "STREAM") => named(items, &["radix-tree-keys", "radix-tree-nodes"]),
        ("XINFO", "CONSUMERS") => {
            for row in items.iter_mut().filter_map(Value::as_array_mut) {
                named(row, &["idle"]);
            }
        }
        ("XPENDING", _) if command.len() > 3 => {
            for row in items.iter_mut().filter_map(Value::as_array_mut) {
                // Idle for ages or for a moment is all there is to say.
                let idle = row[2].as_i64().unwrap();
                row[2] = json!(if idle > 1_000_000_000 {
                    "ages"
                } else if idle > 50_000 {
                    "long"
                } else {
                    "short"
                });
            }
        }
        _ => {}
    }
    answer
}

#[tokio::test]
async fn random_streams_are_answered_as_by_a_real_redis() {
    let Some(server) = Server::start() else {
        return;
    };
    let real = Redis::connect(&server.url).await.unwrap().router(TOKEN);
    let own = Redis::embedded().router(TOKEN);
    let mut differences = Vec::new();
    for seed in 0..SEQUENCES {
        let mut rng = StdRng::seed_from_u64(seed);
        for router in [&real, &own] {
            post(router, "/", json!(["FLUSHALL"])).await;
        }
        let mut commands: Vec<Vec<String>> = vec![];
        for _ in 0..COMMANDS {
            // Ever later ids besides the random ones, so that streams grow.
            let template = if rng.random_bool(0.15) { "XADD sa MINE f v" } else { GRAMMAR.choose(&mut rng).unwrap() };
            let id = format!("1{}-{}", commands.len(), rng.random_range(0..3));
            let words = template.split(' ').map(|kind| argument(kind, &mut rng).replace("MINE", &id));
            commands.push(words.collect());
        }
        let (_, theirs) = post(&real, "/pipeline", json!(commands)).await;
        let (_, ours) = post(&own, "/pipeline", json!(commands)).await;
        for (i, command) in commands.iter().enumerate() {
            let theirs = normalised(command, theirs[i].clone());
            let ours = normalised(command, ours[i].clone());
            if ours != theirs {
                let before: Vec<String> = commands[..i].iter().map(|command| command.join(" ")).collect();
                let before = before.join("\n    ");
                differences
                    .push(format!("seed {seed}: {command:?}\n  real {theirs}\n  own  {ours}\n  after\n    {before}"));
                break;
            }
        }
    }
    let shown = differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} of {SEQUENCES} sequences differ\n{shown}", differences.len());
}

#[tokio::test]
async fn an_id_is_made_of_the_time_and_never_goes_back() {
    let router = Redis::embedded().router(TOKEN);
    let mut ids = Vec::new();
    for _ in 0..20 {
        let (_, answer) = post(&router, "/", json!(["XADD", "s", "*", "f", "v"])).await;
        let id = answer["result"].as_str().unwrap().to_owned();
        let (ms, seq) = id.split_once('-').unwrap();
        ids.push((ms.parse::<u64>().unwrap(), seq.parse::<u64>().unwrap()));
    }
    assert!(ids.is_sorted());
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn a_consumer_can_have_a_thousand_entries_pending() {
    let router = Redis::embedded().router(TOKEN);
    let adds: Vec<Value> = (1..=1001).map(|i| json!(["XADD", "s", format!("{i}-0"), "f", "v"])).collect();
    post(&router, "/pipeline", json!(adds)).await;
    post(&router, "/", json!(["XGROUP", "CREATE", "s", "g", "0"])).await;
    let read = json!(["XREADGROUP", "GROUP", "g", "c", "COUNT", 1000, "STREAMS", "s", ">"]);
    assert_eq!(post(&router, "/", read.clone()).await.0, 200);
    let (_, answer) = post(&router, "/", read.clone()).await;
    assert!(answer["error"].as_str().unwrap().starts_with("ERR XReadGroup is cancelled"), "{answer}");
    post(&router, "/", json!(["XACK", "s", "g", "1-0"])).await;
    let one = json!(["XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "s", ">"]);
    assert_eq!(post(&router, "/", one).await.0, 200);
}
