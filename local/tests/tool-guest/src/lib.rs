//! A tool that does on request whatever a tool may do to its host, the bad things included. What it does is in its
//! parameters (`do`, `undo`); what it says of itself is in [`MODE`], which tests write over in the component's bytes.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use exports::makegood::tool::actions::{Definition, Failure, Guest, State};
use makegood::tool::types::{Class, Refusal, Repeat, Retry};

// As a language would offer it that knows nothing of asynchrony; the example does otherwise.
wit_bindgen::generate!({ path: "../../../wit/tool.wit", world: "tool", async: false });

struct Odd;

export!(Odd);

/// Sixteen bytes that stand in the component once.
#[used]
static MODE: [u8; 16] = *b"mode:as it is...";

fn mode() -> String {
    String::from_utf8_lossy(std::hint::black_box(&MODE)).trim_end_matches('.').to_owned()
}

/// Calls that this instance has taken.
static CALLS: AtomicUsize = AtomicUsize::new(0);

impl Guest for Odd {
    fn describe() -> Definition {
        let mode = mode();
        let mut definition = Definition {
            name: "odd".to_owned(),
            version: "1".to_owned(),
            title: "Odd".to_owned(),
            description: String::new(),
            class: Class::Compensatable,
            repeat: Repeat::Keyed(60_000),
            fence: true,
            timeout: 8_000,
            estimate: 10,
            retry: Retry { attempts: 2, base: 10, cap: 20 },
            cost_minor: 0,
            input: r#"{"type":"object"}"#.to_owned(),
            output: r#"{"type":"object","required":["ok"],"properties":{"ok":{"type":"boolean"}}}"#.to_owned(),
        };
        match mode.as_str() {
            "mode:random" => definition.title = format!("{:?}", SystemTime::now()),
            "mode:name" => definition.name = "../odd".to_owned(),
            "mode:schema" => definition.input = r#"{"pattern":"x"}"#.to_owned(),
            "mode:trap" => panic!("asked what it is"),
            "mode:loop" => forever(),
            "mode:never" => definition.repeat = Repeat::Never,
            "mode:query" => definition.class = Class::Query,
            _ => {}
        }
        definition
    }

    fn perform(_: String, params: String) -> Result<String, Failure> {
        let params: Value = serde_json::from_str(&params).unwrap();
        let ok = Ok(json!({ "ok": true }).to_string());
        match params["do"].as_str().unwrap_or_default() {
            "trap" => panic!("as asked"),
            "loop" => forever(),
            "sleep" => std::thread::sleep(Duration::from_secs(600)),
            "allocate" => allocate(),
            "overflow" => drop(deeper(0)),
            "exit" => std::process::exit(0),
            "invalid json" => return Ok("{".to_owned()),
            "wrong output" => return Ok(json!({ "ok": "yes" }).to_string()),
            "long output" => return Ok(json!({ "ok": true, "more": "a".repeat(300 << 10) }).to_string()),
            "longest output" => return Ok(json!({ "ok": true, "more": "a".repeat(8 << 20) }).to_string()),
            "deep output" => return Ok(format!("{{\"ok\":true,\"more\":{}{}}}", "[".repeat(90), "]".repeat(90))),
            "later" => return Err(Failure::Later(Some(2_500))),
            "unknown" => return Err(Failure::Unknown("who knows".to_owned())),
            "refuse" => return Err(refused("too_odd")),
            "refuse as if in progress" => return Err(refused("in_progress")),
            "print" => (0..2_000).for_each(|line| eprintln!("{line}: {}", "printed ".repeat(8))),
            "look" => return Ok(look().to_string()),
            _ => {}
        }
        ok
    }

    fn undo(_: String, params: String, output: Option<String>) -> Result<bool, Failure> {
        let params: Value = serde_json::from_str(&params).unwrap();
        match params["undo"].as_str().unwrap_or_default() {
            "trap" => panic!("as asked"),
            "refuse" => return Err(refused("stays")),
            "later" => return Err(Failure::Later(None)),
            _ => {}
        }
        if mode() == "mode:no undo" { Err(refused("not_mine")) } else { Ok(output.is_some()) }
    }

    fn status(key: String) -> Result<State, Failure> {
        Ok(match key.rsplit_once(':').map(|(_, end)| end) {
            Some("done") => State::Done(json!({ "ok": true }).to_string()),
            Some("wrong") => State::Done(json!({}).to_string()),
            _ => State::NeverSeen,
        })
    }
}

fn refused(code: &str) -> Failure {
    Failure::Refused(Refusal { code: code.to_owned(), detail: "It is odd. Ask for something else.".to_owned() })
}

fn forever() -> ! {
    loop {
        std::hint::black_box(0);
    }
}

fn allocate() {
    let mut all = Vec::new();
    loop {
        all.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&all);
    }
}

#[expect(unconditional_recursion, reason = "that is what is asked for")]
fn deeper(depth: u64) -> u64 {
    std::hint::black_box(deeper(depth + 1)) + depth
}

/// What it can find around it.
fn look() -> Value {
    let mut input = Vec::new();
    let read = std::io::stdin().read_to_end(&mut input).unwrap_or_default();
    #[cfg(feature = "files")]
    assert!(std::fs::read("/etc/passwd").is_err());
    json!({
        "ok": true,
        "variables": std::env::vars().count(),
        "arguments": std::env::args().count(),
        "input": read,
        "calls": CALLS.fetch_add(1, Relaxed) + 1,
        "has_time": SystemTime::now() > SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
    })
}
