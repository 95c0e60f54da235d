//! In what the embedded engine's answers may differ from a real Redis's, with
//! the reason. Everything else is a flaw.

use serde_json::{Value, json};

use super::random::{self, scripts};

/// A difference that is meant, or that neither server can avoid.
pub struct Deliberate {
    pub what: &'static str,
    pub why: &'static str,
    /// Brings the answer to a command into the form in which it must be the same.
    form: fn(&[String], &mut Value),
}

pub const TABLE: &[Deliberate] = &[
    Deliberate {
        what: "the order of set members, of hash fields and of keys",
        why: "Redis promises none: it depends on the server's seed and on how a value is stored",
        form: unordered,
    },
    Deliberate {
        what: "TTL, PTTL and EXPIRETIME by a few seconds; idle times in XPENDING and XINFO CONSUMERS",
        why: "the two servers are asked one after the other",
        form: timeless,
    },
    Deliberate {
        what: "radix-tree-keys and radix-tree-nodes in XINFO STREAM",
        why: "they describe how Redis stores a stream, which is not how it is stored here",
        form: |command, result| {
            if let ["XINFO", "STREAM", ..] = words(command)[..] {
                rows_without(result, &["radix-tree-keys", "radix-tree-nodes"], false);
            }
        },
    },
    Deliberate {
        what: "the text after EXECABORT",
        why: "here it goes on to say what was wrong with the command; Redis says so only on the connection",
        form: |_, answer| {
            if answer["error"].as_str().is_some_and(|text| text.starts_with("EXECABORT")) {
                *answer = json!({"error": "EXECABORT"});
            }
        },
    },
    Deliberate {
        what: "GETBIT, PFCOUNT, GEOPOS, OBJECT, LCS, ZRANGEBYLEX, ZUNION, HRANDFIELD and FCALL, as samples",
        why: "bitmaps, HyperLogLog, geo and the like are not offered: the embedded engine refuses them by name",
        form: |command, answer| {
            if command.first().is_some_and(|name| random::is_not_offered(name)) {
                *answer = json!("not compared");
            }
        },
    },
];

/// The answer to `command` without what may differ.
pub fn comparable(command: &[String], mut answer: Value) -> Value {
    if let Some((inner, first)) = scripts::ran_by(command) {
        if !first || answer.get("error").is_some() {
            return comparable(inner, answer);
        }
        if let Some(part) = answer.pointer_mut("/result/0") {
            let inner = comparable(inner, json!({"result": part.take()}));
            *part = inner;
        }
        return answer;
    }
    TABLE.iter().for_each(|deliberate| (deliberate.form)(command, &mut answer));
    answer
}

fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

fn unordered(command: &[String], answer: &mut Value) {
    let name = command.first().map(|name| name.to_ascii_uppercase()).unwrap_or_default();
    let place = if matches!(name.as_str(), "HSCAN" | "SSCAN" | "ZSCAN") { "/result/1" } else { "/result" };
    let pairs = matches!(name.as_str(), "HGETALL" | "HSCAN");
    let free = matches!(
        name.as_str(),
        "SMEMBERS"
            | "SUNION"
            | "SINTER"
            | "SDIFF"
            | "KEYS"
            | "HKEYS"
            | "HVALS"
            | "SPOP"
            | "SRANDMEMBER"
            | "SSCAN"
            | "HGETALL"
            | "HSCAN"
    );
    if let Some(Value::Array(items)) = answer.pointer_mut(place).filter(|_| free) {
        let groups = items.chunks(if pairs { 2 } else { 1 });
        let mut groups: Vec<String> = groups.map(|group| json!(group).to_string()).collect();
        groups.sort();
        *items = groups.into_iter().map(Value::from).collect();
    }
}

fn timeless(command: &[String], answer: &mut Value) {
    let words = words(command);
    let Some(result) = answer.get_mut("result") else { return };
    let number = result.as_i64().filter(|number| *number > 5);
    match (words[..].first().copied(), number) {
        // A tenth of a second, or five, is nothing.
        (Some("TTL" | "EXPIRETIME"), Some(seconds)) => *result = json!((seconds + 50) / 100),
        (Some("PTTL"), Some(millis)) => *result = json!((millis + 50_000) / 100_000),
        (Some("XINFO"), _) if words.get(1) == Some(&"CONSUMERS") => rows_without(answer, &["idle"], true),
        (Some("XPENDING"), _) if words.len() > 3 => {
            for row in result.as_array_mut().into_iter().flatten().filter_map(Value::as_array_mut) {
                // Idle for ages, for long or for a moment is all there is to say.
                if let Some(idle) = row.get_mut(2).filter(|idle| idle.is_number()) {
                    let millis = idle.as_i64().unwrap_or_default();
                    *idle = json!(if millis > 1_000_000_000 {
                        "ages"
                    } else if millis > 50_000 {
                        "long"
                    } else {
                        "short"
                    });
                }
            }
        }
        _ => {}
    }
}

/// Takes the values of these names out of a list of names and values, or out
/// of each list in a list.
fn rows_without(answer: &mut Value, names: &[&str], nested: bool) {
    let Some(Value::Array(items)) = answer.get_mut("result") else { return };
    let rows: Vec<&mut Vec<Value>> =
        if nested { items.iter_mut().filter_map(Value::as_array_mut).collect() } else { vec![items] };
    for row in rows {
        for i in 1..row.len() {
            if row[i - 1].as_str().is_some_and(|name| names.contains(&name)) {
                row[i] = Value::Null;
            }
        }
    }
}
