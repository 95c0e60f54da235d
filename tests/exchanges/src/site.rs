//! An installation as a case sees it: an address, and what stands behind it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use makegood_endpoints::platform::{Answer, Platform, answer};
use makegood_endpoints::{poll, queue, sse, town};
use makegood_gateway::jwt;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::case::Pace;
use crate::process::Process;

const ANSWER: Duration = Duration::from_secs(60);
/// A saga of a few steps takes less, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The emulators that every host has behind it.
const EMULATORS: [&str; 3] = ["neon", "redis", "qstash"];

/// One installation.
pub struct Site {
    pub url: String,
    /// How much time its invocations have.
    pub pace: Pace,
    /// What gives it a database, a Redis, a queue and a town. On the local host it serves the
    /// functions as well.
    pub services: Arc<Platform>,
    client: reqwest::Client,
    process: Mutex<Option<Process>>,
}

impl Site {
    pub fn new(url: String, pace: Pace, services: Arc<Platform>, process: Option<Process>) -> Arc<Self> {
        let client = reqwest::Client::builder().timeout(ANSWER).pool_max_idle_per_host(0).build().unwrap();
        Arc::new(Self { url, pace, services, client, process: Mutex::new(process) })
    }

    /// Ends the functions, as a crash would, and nothing that is behind them.
    pub fn kill(&self) {
        drop(self.process.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// The processor time that its host's process has taken so far. On the local host that is the services' as well.
    pub fn cpu(&self) -> Duration {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.as_ref().map_or_else(|| self.services.cpu(), Process::cpu)
    }

    /// What it wrote where people look.
    pub fn complaints(&self) -> String {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let own = process.as_ref().map(Process::complaints).unwrap_or_default();
        format!("{own}{}", self.services.complaints())
    }

    /// No faults, and an empty town.
    pub async fn clear(&self) {
        town::no_faults(&self.services).await;
        for emulator in EMULATORS {
            let path = format!("/emulators/{emulator}/_emulator/faults");
            assert_eq!(answer(self.services.request("DELETE", &path)).await.status, 200, "{path}");
        }
        self.services.post("/demo/reset", &json!({}), 200).await;
    }

    /// Sets a fault of an emulator.
    pub async fn disturb(&self, emulator: &str, fault: &Value) {
        self.services.post(&format!("/emulators/{emulator}/_emulator/faults"), fault, 201).await;
    }

    /// Sets a fault of the town.
    pub async fn fault(&self, fault: &Value) {
        town::fault(&self.services, fault).await;
    }

    /// How many of each kind are active in the town: see [`town::KINDS`].
    pub async fn active(&self) -> [usize; 6] {
        town::active(&self.services).await
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request("POST", path).json(body)
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = answer(self.request("GET", path)).await;
        assert_eq!(answer.status, 200, "GET {path}: {answer:?}");
        answer.json()
    }

    /// Sends it and asserts the problem (RFC 9457) that comes of it.
    pub async fn refuses(&self, request: RequestBuilder, status: u16, code: &str) -> Answer {
        let told = format!("{request:?}");
        let answer = answer(request).await;
        let is = (answer.status, answer.content_type.as_str());
        assert_eq!(is, (status, "application/problem+json"), "{told}: {answer:?}");
        let problem = answer.json();
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{told}: {answer:?}");
        for name in ["type", "title", "detail"] {
            assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {answer:?}");
        }
        answer
    }

    /// Starts a plan, and answers with the saga's id.
    pub async fn execute(&self, plan: &Value) -> String {
        let answer = answer(self.post("/api/execute", &json!({"plan": plan}))).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["saga"].as_str().unwrap().to_owned()
    }

    pub async fn status(&self, saga: &str) -> Value {
        self.get(&format!("/api/execute/{saga}")).await
    }

    /// Waits until the saga rests, and answers how it stands then.
    pub async fn rest(&self, saga: &str) -> Value {
        let rested = self.until(saga, makegood_endpoints::journal::at_rest).await;
        match rested {
            Some(found) => found,
            None => panic!("{saga} did not rest: {:#}", self.status(saga).await),
        }
    }

    /// Waits until a step stands like this, and answers with the step.
    pub async fn stands(&self, saga: &str, id: &str, standing: &str) -> Value {
        let found = self.until(saga, |now| step(now, id)["standing"] == standing).await;
        match found {
            Some(found) => step(&found, id).clone(),
            None => panic!("{id} never came to be {standing}: {:#}", self.status(saga).await),
        }
    }

    async fn until(&self, saga: &str, there: impl Fn(&Value) -> bool) -> Option<Value> {
        poll(PATIENCE, Duration::from_millis(100), || async { Some(self.status(saga).await).filter(&there) }).await
    }

    /// Asks for something about a saga.
    pub async fn ask(&self, saga: &str, verb: &str, body: &Value) -> Answer {
        answer(self.post(&format!("/api/execute/{saga}/{verb}"), body)).await
    }

    /// A request to follow a message's saga.
    pub fn stream(&self, message: &str) -> RequestBuilder {
        self.post("/api/chat", &json!({"message": message})).header("accept", "text/event-stream")
    }

    /// Follows a message's saga to the end of the stream.
    pub async fn follow(&self, message: &str) -> Vec<sse::Event> {
        let answer = answer(self.stream(message)).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, "text/event-stream"), "{answer:?}");
        sse::events(&answer.text)
    }

    /// One of the secrets that the services have made.
    pub fn secret(&self, name: &str) -> String {
        let secrets = std::fs::read_to_string(self.services.data().join("secrets.json")).unwrap();
        let secrets: Value = serde_json::from_str(&secrets).unwrap();
        secrets[name].as_str().unwrap().to_owned()
    }

    /// A user's token.
    pub async fn token(&self, user: &str) -> String {
        self.services.token(user).await
    }

    /// The token of somebody who sees everybody's sagas.
    pub async fn operator(&self, user: &str) -> String {
        self.services.token_with(user, &["--role", "operator"]).await
    }

    /// A delivery as the queue would sign it with `key`, with `change` made to its claims.
    pub fn delivery(&self, path: &str, body: &str, key: &str, change: impl FnOnce(&mut Value)) -> RequestBuilder {
        let now = seconds();
        let mut claims = json!({
            "iss": "Upstash", "sub": format!("{}{path}", self.url), "exp": now + 300, "nbf": now, "iat": now,
            "jti": "jwt_1", "body": jwt::body_hash(body.as_bytes()),
        });
        change(&mut claims);
        self.request("POST", path).header("upstash-signature", jwt::sign(&claims, key)).body(body.to_owned())
    }

    /// A delivery as the queue brings it.
    pub fn delivered(&self, path: &str, body: &str) -> RequestBuilder {
        self.delivery(path, body, &self.secret("qstash_current_key"), |_| {})
    }

    /// What the queue did of late, as it tells it.
    pub async fn queue_logs(&self) -> String {
        let logs = queue::ask(&self.services, "GET", "logs?count=1000", &[], "").await;
        assert_eq!(logs.status, 200, "{logs:?}");
        logs.text
    }
}

/// A step of a saga's status.
pub fn step<'a>(saga: &'a Value, id: &str) -> &'a Value {
    let steps = saga["steps"].as_array().unwrap_or_else(|| panic!("no steps: {saga}"));
    steps.iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("no step {id}: {saga:#}"))
}

/// The next piece of a stream that is still open.
pub async fn piece(stream: &mut Response) -> String {
    let piece = tokio::time::timeout(PATIENCE, stream.chunk()).await.expect("something comes").expect("it is not cut");
    String::from_utf8(piece.expect("it has not ended").to_vec()).unwrap()
}

/// Reads a stream to its end, and answers with all of its events.
pub async fn rest_of(mut stream: Response, mut text: String) -> Vec<sse::Event> {
    while let Some(piece) = stream.chunk().await.expect("it is not cut") {
        text += std::str::from_utf8(&piece).unwrap();
    }
    sse::events(&text)
}

pub fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
