//! Redis, as far as leases and breakers need it. It may lose everything at any moment.

use std::collections::BTreeMap;

use makegood_core::guard::breaker::{Breaker, Leave, Rules, Tally, Window};
use makegood_core::time::Millis;
use makegood_gateway::breakers::{SCRIPT, SHUT};
use makegood_gateway::{Request, Response};
use serde_json::{Value, json};

use crate::answer;

/// The words of one thing that is asked of a breaker.
const STRIDE: usize = 18;
const TEXT: &str = SCRIPT.text;
const DIGEST: &str = SCRIPT.digest;

#[derive(Default)]
pub struct Redis {
    /// When each key ends.
    keys: BTreeMap<String, u64>,
    breakers: BTreeMap<String, Breaker>,
    /// It has seen the script.
    knows_script: bool,
}

impl Redis {
    pub fn flush(&mut self) {
        self.keys.clear();
        self.breakers.clear();
        self.knows_script = false;
    }

    pub fn serve(&mut self, request: &Request, now: u64) -> Response {
        if request.uri().path().ends_with("/pipeline") {
            let commands: Vec<Vec<String>> = serde_json::from_slice(request.body()).unwrap_or_default();
            let results: Vec<Value> = commands.iter().map(|words| told(self.command(words, now))).collect();
            return answer(200, &json!(results));
        }
        let words: Vec<String> = serde_json::from_slice(request.body()).unwrap_or_default();
        let result = self.command(&words, now);
        answer(if result.is_ok() { 200 } else { 400 }, &told(result))
    }

    fn command(&mut self, words: &[String], now: u64) -> Result<Value, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Ok(match words.as_slice() {
            ["SET", key, _, "NX", "PX", span] => {
                if self.keys.get(*key).is_some_and(|end| *end > now) {
                    Value::Null
                } else {
                    self.keys.insert((*key).to_owned(), now + span.parse::<u64>().unwrap_or(0));
                    json!("OK")
                }
            }
            ["DEL", key] => json!(u8::from(self.keys.remove(*key).is_some())),
            ["HGETALL", SHUT] => json!(self.shut()),
            ["EVALSHA", DIGEST, ..] if !self.knows_script => return Err("NOSCRIPT No matching script.".to_owned()),
            ["EVALSHA", DIGEST, "2", _, _, _, asked @ ..] => self.ask(asked, Millis(now)),
            ["EVAL", TEXT, "2", _, _, _, asked @ ..] => {
                self.knows_script = true;
                self.ask(asked, Millis(now))
            }
            _ => return Err(format!("ERR unknown command {words:?}")),
        })
    }

    /// What the script does. That it is the same is for the tests of the script to say.
    fn ask(&mut self, asked: &[&str], now: Millis) -> Value {
        let mut told = vec![now.0.to_string()];
        for words in asked.chunks_exact(STRIDE) {
            let number = |at: usize| words[at].parse::<u64>().unwrap_or(0);
            let rules = Rules {
                window: if number(2) > 0 { Window::Ms(number(2)) } else { Window::Calls(number(3)) },
                calls: number(4),
                failed_percent: number(5),
                slow_percent: number(6),
                open_ms: Millis(number(7)),
                cap_ms: Millis(number(8)),
                permits: number(9),
                lease_ms: Millis(number(10)),
                successes: number(11),
                row: number(12),
                ..Rules::USUAL
            };
            let breaker = self.breakers.entry(words[1].to_owned()).or_default();
            told.push(match words[0] {
                "ask" => match breaker.ask(&rules, now) {
                    Leave::Go => "go 0".to_owned(),
                    Leave::Probe { permit } => format!("probe {}", permit.0),
                    Leave::Shut { after } => format!("shut {}", after.0),
                },
                "tell" => {
                    let seen = Tally { calls: number(13), failed: number(14), slow: number(15) };
                    let permit = Some(Millis(number(16))).filter(|permit| permit.0 > 0);
                    breaker.tell(&rules, now, seen, permit, number(17));
                    "ok 0".to_owned()
                }
                // Nobody here forces one.
                other => format!("what is {other}?"),
            });
        }
        told.extend(self.shut());
        json!(told)
    }

    fn shut(&self) -> Vec<String> {
        let shut = self.breakers.iter().filter_map(|(name, breaker)| Some((name, breaker.shut()?)));
        let words = |until: Option<Millis>| until.map_or_else(|| "-1".to_owned(), |until| until.0.to_string());
        shut.flat_map(|(name, until)| [name.clone(), words(until)]).collect()
    }
}

fn told(result: Result<Value, String>) -> Value {
    match result {
        Ok(result) => json!({"result": result}),
        Err(error) => json!({"error": error}),
    }
}
