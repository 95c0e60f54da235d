//! Redis, as far as leases need it. It may lose everything at any moment.

use std::collections::BTreeMap;

use makegood_gateway::{Request, Response};
use serde_json::{Value, json};

use crate::answer;

#[derive(Default)]
pub struct Redis {
    /// When each key ends.
    keys: BTreeMap<String, u64>,
}

impl Redis {
    pub fn flush(&mut self) {
        self.keys.clear();
    }

    pub fn serve(&mut self, request: &Request, now: u64) -> Response {
        let words: Vec<String> = serde_json::from_slice(request.body()).unwrap_or_default();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let result = match words.as_slice() {
            ["SET", key, _, "NX", "PX", span] => {
                if self.keys.get(*key).is_some_and(|end| *end > now) {
                    Value::Null
                } else {
                    self.keys.insert((*key).to_owned(), now + span.parse::<u64>().unwrap_or(0));
                    json!("OK")
                }
            }
            ["DEL", key] => json!(u8::from(self.keys.remove(*key).is_some())),
            _ => return answer(400, &json!({"error": format!("ERR unknown command {words:?}")})),
        };
        answer(200, &json!({"result": result}))
    }
}
