//! Sends a sequence to the embedded engine and to a real Redis, through the
//! same REST face, and says in what their answers differ.

use std::fmt;

use axum::{Router, body::Body};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use makegood_cloud::Redis;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{
    deliberate::comparable,
    random::{Command, Encoding, Sequence, Way},
};

const TOKEN: &str = "secret";

/// The two that are compared.
pub struct Sides {
    real: Router,
    own: Router,
}

/// The first answer of a sequence that differs.
pub struct Difference {
    pub command: Command,
    real: Value,
    own: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n  real {}\n  own  {}", self.command, self.real, self.own)
    }
}

impl Sides {
    /// The embedded engine, and the Redis at `url`.
    pub async fn new(url: &str) -> Result<Self, makegood_cloud::redis::Error> {
        Ok(Self { real: Redis::connect(url).await?.router(TOKEN), own: Redis::embedded().router(TOKEN) })
    }

    /// Sends all of it to both, on no data.
    pub async fn difference(&self, sequence: &Sequence) -> Option<Difference> {
        let empty = json!([["FLUSHALL"], ["SCRIPT", "FLUSH"]]).to_string();
        self.send("/pipeline", Encoding::Plain, empty).await;
        let (path, size) = match sequence.way {
            Way::OneByOne => ("/", 1),
            Way::Pipeline => ("/pipeline", sequence.commands.len().max(1)),
            Way::MultiExec(size) => ("/multi-exec", size),
        };
        for commands in sequence.commands.chunks(size) {
            let body = if path == "/" { json!(commands[0]) } else { json!(commands) };
            let (real, own) = self.send(path, sequence.encoding, body.to_string()).await;
            let (real, own) = (decoded(sequence.encoding, &real.1, real.0), decoded(sequence.encoding, &own.1, own.0));
            // A transaction that was refused has one answer.
            let asked = if real.len() == commands.len() { commands } else { &commands[..1] };
            if real.len() != own.len() {
                return Some(Difference { command: asked[0].clone(), real: json!(real), own: json!(own) });
            }
            for ((command, real), own) in asked.iter().zip(real).zip(own) {
                let (real, own) = (comparable(command, real), comparable(command, own));
                if real != own {
                    return Some(Difference { command: command.clone(), real, own });
                }
            }
        }
        None
    }

    /// The sequence without what is not needed for it to differ.
    pub async fn shrunk(&self, mut sequence: Sequence) -> Sequence {
        let mut size = sequence.commands.len();
        while size > 0 {
            let mut from = 0;
            while from < sequence.commands.len() {
                let mut shorter = sequence.clone();
                shorter.commands.drain(from..(from + size).min(sequence.commands.len()));
                if self.difference(&shorter).await.is_some() {
                    sequence = shorter;
                } else {
                    from += size;
                }
            }
            size /= 2;
        }
        sequence
    }

    async fn send(&self, path: &str, encoding: Encoding, body: String) -> ((u16, Vec<u8>), (u16, Vec<u8>)) {
        tokio::join!(post(&self.real, path, encoding, body.clone()), post(&self.own, path, encoding, body))
    }
}

/// The status and the body of an answer.
async fn post(router: &Router, path: &str, encoding: Encoding, body: String) -> (u16, Vec<u8>) {
    let request = Request::post(path).header("authorization", format!("Bearer {TOKEN}"));
    let request = match encoding {
        Encoding::Plain => request,
        Encoding::Base64 => request.header("upstash-encoding", "base64"),
        Encoding::Resp2 => request.header("upstash-response-format", "resp2"),
    };
    let response = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    (status, axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().into())
}

/// An answer for each command, `{"result": …}` or `{"error": …}`, and a status
/// that is not 200.
fn decoded(encoding: Encoding, body: &[u8], status: u16) -> Vec<Value> {
    let mut answers = match encoding {
        // What is refused as a whole is said in JSON.
        Encoding::Resp2 if !body.starts_with(b"{") => {
            let (mut rest, mut all) = (body, Vec::new());
            while !rest.is_empty() {
                all.push(resp2(&mut rest).map_or_else(|error| error, |value| json!({"result": value})));
            }
            all
        }
        Encoding::Plain | Encoding::Base64 | Encoding::Resp2 => match serde_json::from_slice(body).unwrap() {
            Value::Array(answers) => answers,
            answer @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                vec![answer]
            }
        },
    };
    for answer in &mut answers {
        if let Some(result) = answer.get_mut("result").filter(|_| encoding == Encoding::Base64) {
            // Only there it is plain.
            if result != "OK" {
                from_base64(result);
            }
        }
        if status != 200 {
            answer["status"] = json!(status);
        }
    }
    answers
}

fn from_base64(value: &mut Value) {
    match value {
        Value::String(text) => {
            let bytes = STANDARD.decode(&text).unwrap_or_else(|error| panic!("{text:?} is not base64: {error}"));
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        Value::Array(items) => items.iter_mut().for_each(from_base64),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

/// One reply of RESP2; an error is `{"error": …}`, as a simple string is not a bulk string.
fn resp2(rest: &mut &[u8]) -> Result<Value, Value> {
    let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
    let line = String::from_utf8_lossy(&rest[1..end]).into_owned();
    let kind = rest[0];
    *rest = &rest[end + 2..];
    match kind {
        b'+' if line == "OK" => Ok(json!(line)),
        b'+' => Ok(json!(format!("+{line}"))),
        b'-' => Err(json!({"error": line})),
        b':' => Ok(json!(line.parse::<i64>().unwrap())),
        b'$' if line == "-1" => Ok(Value::Null),
        b'$' => {
            let text = String::from_utf8_lossy(&rest[..line.parse().unwrap()]).into_owned();
            *rest = &rest[line.parse::<usize>().unwrap() + 2..];
            Ok(json!(text))
        }
        b'*' => {
            let items = (0..line.parse::<u32>().unwrap()).map(|_| resp2(rest).unwrap_or_else(|error| error));
            Ok(Value::Array(items.collect()))
        }
        _ => panic!("{line:?} is no reply"),
    }
}
