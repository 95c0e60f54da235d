//! Events out: to subscribers who fail, who are gone and who come back, and to Ably's channels; to nobody else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use makegood_core::time::Millis;
use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::sse::{Numbered, numbered};
use makegood_endpoints::{journal, poll, queue};
use makegood_gateway::webhook::{Delivery, Encoding, Scheme, Secret, Trust, verify};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for an event that should not come.
const QUIET: Duration = Duration::from_secs(3);

/// What was brought, and what was answered.
#[derive(Clone, Debug)]
struct Brought {
    path: String,
    headers: HeaderMap,
    body: Bytes,
    status: u16,
}

impl Brought {
    fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Whoever is told: answers as it is to, one after the other, and then takes everything.
#[derive(Clone)]
struct Receiver {
    url: String,
    answers: Arc<Mutex<VecDeque<u16>>>,
    got: Arc<Mutex<Vec<Brought>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self { url, answers: Arc::default(), got: Arc::default() };
        let own = receiver.clone();
        let takes = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let status = own.answers.lock().unwrap().pop_front().unwrap_or(204);
            let path = uri.path().to_owned();
            own.got.lock().unwrap().push(Brought { path, headers, body, status });
            std::future::ready(StatusCode::from_u16(status).unwrap())
        };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(takes)).await });
        receiver
    }

    fn answers(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// All that came to a path.
    fn at(&self, path: &str) -> Vec<Brought> {
        self.got.lock().unwrap().iter().filter(|one| one.path == path).cloned().collect()
    }

    /// What was taken of a saga at a path, without what came more than once, when its last is there.
    async fn until_rest(&self, platform: &Platform, path: &str, saga: &str) -> Vec<Brought> {
        let source = format!("/api/execute/{saga}");
        let taken = || {
            let mut taken: Vec<Brought> = Vec::new();
            for one in self.at(path).into_iter().filter(|one| one.status == 204 && one.event()["source"] == source) {
                if taken.iter().all(|known| known.id() != one.id()) {
                    taken.push(one);
                }
            }
            taken
        };
        let whole = |taken: &Vec<Brought>| {
            taken.last().is_some_and(|last| {
                ["makegood.saga.completed.v1", "makegood.saga.made_good.v1"]
                    .contains(&last.event()["type"].as_str().unwrap())
            })
        };
        let told = poll(PATIENCE, Duration::from_millis(100), || async { Some(taken()).filter(whole) }).await;
        told.unwrap_or_else(|| panic!("{path} was not told all of {saga}: {:#?}\n{}", taken(), platform.complaints()))
    }
}

fn text(id: &str, after: &[&str]) -> Value {
    json!({"id": id, "tool": "send_message", "after": after, "params": {"to": "Sam", "text": "Hello"}})
}

fn plan() -> Value {
    json!({"summary": "Two texts", "steps": [text("a", &[]), text("b", &["a"])]})
}

/// The saga's events, as its owner reads them.
async fn events(platform: &Platform, saga: &str) -> Vec<Numbered> {
    let read = answer(platform.request("GET", &format!("/api/execute/{saga}/events"))).await;
    assert_eq!(read.status, 200, "{read:?}");
    numbered(&read.text)
}

async fn subscribe(platform: &Platform, body: &Value) -> Value {
    let made = platform.post("/api/subscriptions", body, 201).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"), "{made}");
    made
}

async fn sweep(platform: &Platform) {
    let swept = answer(queue::delivery(platform, "/api/execute/sweep", "", "msg_sweep")).await;
    assert_eq!(swept.status, 200, "{swept:?}");
}

/// Whether a receiver believes what it was brought, who has these secrets.
fn believes(brought: &Brought, secrets: &[&Value]) -> bool {
    let secret = |text: &&Value| {
        let coded = text.as_str().unwrap().strip_prefix("whsec_").unwrap();
        Secret::Shared(Encoding::Base64.decode(coded).unwrap())
    };
    let trust = Trust {
        scheme: Scheme::Standard,
        secrets: secrets.iter().map(secret).collect(),
        tolerance: Millis::from_secs(300),
        plain: None,
    };
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let delivery = Delivery { headers: &brought.headers, body: &brought.body, url: "" };
    verify(&trust, &delivery, Millis(now)).is_ok_and(|verified| verified.key == brought.id())
}

#[tokio::test]
async fn a_subscriber_that_fails_and_recovers_is_told_every_event_of_a_saga_in_order() {
    let platform = Platform::start(Options::default()).await;
    let receiver = Receiver::start().await;
    // The second event is refused twice, the last of these with a wish for time.
    receiver.answers(&[204, 500, 503]);
    let made = subscribe(&platform, &json!({"url": format!("{}/in", receiver.url)})).await;
    let saga = journal::execute(&platform, &plan()).await;
    assert_eq!(journal::rest(&platform, &saga, PATIENCE).await["phase"], "completed");
    let taken = receiver.until_rest(&platform, "/in", &saga).await;

    let wanted = events(&platform, &saga).await;
    assert!(wanted.len() >= 6, "{wanted:?}");
    let told: Vec<Value> = taken.iter().map(Brought::event).collect();
    assert_eq!(told, wanted.iter().map(|event| event.data.clone()).collect::<Vec<_>>(), "each, and in their order");
    for (one, event) in taken.iter().zip(&wanted) {
        assert_eq!(one.id(), format!("{saga}_{}", event.id));
        assert_eq!(one.headers["content-type"], "application/cloudevents+json");
        assert!(believes(one, &[&made["secret"]]), "{one:?}");
        assert!(!believes(one, &[&json!("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]), "{one:?}");
    }
    // The one that was refused came again under its id, and none after it came before.
    let all = receiver.at("/in");
    let ids: Vec<&str> = all.iter().map(Brought::id).collect();
    assert_eq!((ids[1], ids[2], ids[3]), (ids[1], ids[1], ids[1]), "{ids:?}");
    let address = format!("/api/subscriptions/{}", made["subscription"].as_str().unwrap());
    let settled = poll(PATIENCE, Duration::from_millis(50), || async {
        Some(platform.get(&address).await).filter(|shown| shown["behind"] == 0)
    });
    let shown = settled.await.expect("it is told of all");
    assert_eq!(shown["state"], "active", "{shown}");
    assert!(shown.get("failing_since").is_none() && shown.get("secret").is_none(), "{shown}");
}

#[tokio::test]
async fn an_address_that_is_gone_is_disabled_and_is_told_what_it_missed_when_it_is_back() {
    let platform = Platform::start(Options::default()).await;
    let receiver = Receiver::start().await;
    receiver.answers(&[204, 410]);
    let made = subscribe(&platform, &json!({"url": format!("{}/in", receiver.url)})).await;
    let address = format!("/api/subscriptions/{}", made["subscription"].as_str().unwrap());
    let saga = journal::execute(&platform, &plan()).await;
    let disabled = poll(PATIENCE, Duration::from_millis(100), || async {
        Some(platform.get(&address).await).filter(|shown| shown["state"] == "disabled")
    });
    let shown = disabled.await.expect("it is disabled");
    assert_eq!(shown["why"], "its address answered 410 Gone", "{shown}");
    assert_eq!(receiver.at("/in").len(), 2);
    let other = journal::execute(&platform, &plan()).await;
    for id in [&saga, &other] {
        assert_eq!(journal::rest(&platform, id, PATIENCE).await["phase"], "completed");
    }
    sweep(&platform).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(receiver.at("/in").len(), 2, "nothing is brought to it any more");

    let enabled = platform.post(&format!("{address}/enable"), &json!({}), 200).await;
    assert_eq!(enabled["state"], "active");
    // A sweep looks for what is overdue.
    tokio::time::sleep(Duration::from_secs(3)).await;
    sweep(&platform).await;
    for id in [&saga, &other] {
        let taken = receiver.until_rest(&platform, "/in", id).await;
        let wanted: Vec<Value> = events(&platform, id).await.into_iter().map(|event| event.data).collect();
        assert_eq!(taken.iter().map(Brought::event).collect::<Vec<_>>(), wanted);
    }
    let log = platform.get("/api/audit?limit=200").await;
    let verbs: Vec<&str> = log["entries"].as_array().unwrap().iter().filter_map(|row| row["verb"].as_str()).collect();
    for verb in ["subscription.create", "subscription.disable", "subscription.enable"] {
        assert!(verbs.contains(&verb), "{verb} in {verbs:?}");
    }
}

#[tokio::test]
async fn who_takes_nothing_is_left_alone_and_holds_up_nobody_else() {
    let platform = Platform::start(Options::default()).await;
    let (failing, well) = (Receiver::start().await, Receiver::start().await);
    failing.answers(&[500; 20]);
    let made = subscribe(&platform, &json!({"url": format!("{}/in", failing.url)})).await;
    subscribe(&platform, &json!({"url": format!("{}/in", well.url)})).await;
    let address = format!("/api/subscriptions/{}", made["subscription"].as_str().unwrap());
    let mut sagas = Vec::new();
    for _ in 0..3 {
        sagas.push(journal::execute(&platform, &plan()).await);
    }
    let shut = poll(PATIENCE, Duration::from_millis(100), || async {
        Some(platform.get(&address).await).filter(|shown| shown["shut_until"].is_u64())
    });
    let shown = shut.await.expect("three failures in a row, of whatever sagas, are enough");
    assert_eq!(shown["state"], "active", "{shown}");
    // Calls that had left by then may come still.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let calls = failing.at("/in").len();
    sagas.push(journal::execute(&platform, &plan()).await);
    for saga in &sagas {
        well.until_rest(&platform, "/in", saga).await;
    }
    tokio::time::sleep(QUIET).await;
    assert_eq!(failing.at("/in").len(), calls, "whatever else there is to tell");

    // It is tried after a while, and told of everything that it missed.
    failing.answers.lock().unwrap().clear();
    let told = poll(2 * PATIENCE, Duration::from_secs(1), || async {
        sweep(&platform).await;
        Some(platform.get(&address).await).filter(|shown| shown["behind"] == 0)
    });
    let shown = told.await.expect("it is told of all");
    assert!(shown.get("shut_until").is_none(), "{shown}");
    for saga in &sagas {
        let taken = failing.until_rest(&platform, "/in", saga).await;
        let wanted: Vec<Value> = events(&platform, saga).await.into_iter().map(|event| event.data).collect();
        assert_eq!(taken.iter().map(Brought::event).collect::<Vec<_>>(), wanted);
    }
}

#[tokio::test]
async fn nobody_is_told_of_anothers_sagas_but_operators_who_ask_for_all() {
    let platform = Platform::start(Options::arguments(&["--anonymous-role", "user"])).await;
    let receiver = Receiver::start().await;
    let (ann, eve) = (platform.token("ann").await, platform.token("eve").await);
    let olga = platform.token_with("olga", &["--role", "operator"]).await;
    let ask = |token: &str, path: &str, everyone: bool| {
        let body = json!({"url": format!("{}{path}", receiver.url), "everyone": everyone});
        platform.request("POST", "/api/subscriptions").json(&body).bearer_auth(token)
    };
    let mut ids = Vec::new();
    for (token, path, everyone) in [(&ann, "/ann", false), (&eve, "/eve", false), (&olga, "/olga", true)] {
        let made = answer(ask(token, path, everyone)).await;
        assert_eq!(made.status, 201, "{made:?}");
        ids.push(made.json()["subscription"].as_str().unwrap().to_owned());
    }
    let refused = answer(ask(&eve, "/all", true)).await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("forbidden")), "{refused:?}");

    let started = platform.request("POST", "/api/execute").json(&json!({"plan": plan()})).bearer_auth(&ann);
    let saga = answer(started).await.json()["saga"].as_str().unwrap().to_owned();
    receiver.until_rest(&platform, "/ann", &saga).await;
    receiver.until_rest(&platform, "/olga", &saga).await;
    tokio::time::sleep(QUIET).await;
    assert!(receiver.at("/eve").is_empty(), "{:?}", receiver.at("/eve"));

    // Another's subscription is as unknown as one that never was.
    let none = answer(platform.request("GET", "/api/subscriptions/sub_none").bearer_auth(&eve)).await;
    for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/enable"), ("POST", "/test")] {
        let path = format!("/api/subscriptions/{}{rest}", ids[0]);
        let refused = answer(platform.request(method, &path).bearer_auth(&eve)).await;
        assert_eq!((refused.status, &refused.text), (404, &none.text), "{method} {path}");
    }
    let listed = |token: &str| {
        let request = platform.request("GET", "/api/subscriptions").bearer_auth(token);
        async move { answer(request).await.json()["subscriptions"].as_array().unwrap().len() }
    };
    assert_eq!((listed(&ann).await, listed(&eve).await, listed(&olga).await), (1, 1, 3));
    let gone = answer(platform.request("DELETE", &format!("/api/subscriptions/{}", ids[0])).bearer_auth(&olga)).await;
    assert_eq!((gone.status, listed(&ann).await), (200, 0), "an operator may");
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_old_one_and_a_trial_shows_it() {
    let platform = Platform::start(Options::default()).await;
    let receiver = Receiver::start().await;
    let made =
        subscribe(&platform, &json!({"url": format!("{}/in", receiver.url), "types": ["makegood.saga.*"]})).await;
    let address = format!("/api/subscriptions/{}", made["subscription"].as_str().unwrap());
    let rotated = platform.post(&format!("{address}/rotate"), &json!({}), 200).await;
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(rotated["generation"], 2);
    let tried = platform.post(&format!("{address}/test"), &json!({}), 200).await;
    assert_eq!(tried["taken"], true, "{tried}");
    let trial = &receiver.at("/in")[0];
    assert_eq!(
        (trial.id(), &trial.event()["type"]),
        (tried["id"].as_str().unwrap(), &json!("makegood.subscription.trial.v1"))
    );
    assert!(believes(trial, &[&made["secret"]]) && believes(trial, &[&rotated["secret"]]));
    receiver.answers(&[500]);
    let tried = platform.post(&format!("{address}/test"), &json!({}), 200).await;
    assert_eq!((&tried["taken"], &tried["why"]), (&json!(false), &json!("its address answered 500")));

    // Only what was asked for comes.
    let saga = journal::execute(&platform, &plan()).await;
    let taken = receiver.until_rest(&platform, "/in", &saga).await;
    let all = events(&platform, &saga).await;
    let of_sagas = |data: &Value| data["type"].as_str().unwrap().contains(".saga.");
    let wanted: Vec<Value> = all.iter().map(|event| event.data.clone()).filter(of_sagas).collect();
    assert!(wanted.len() < all.len());
    assert_eq!(taken.iter().map(Brought::event).collect::<Vec<_>>(), wanted);

    // There are ten at most, and what is wrong with one is said.
    for number in 1..10 {
        subscribe(&platform, &json!({"url": format!("{}/{number}", receiver.url)})).await;
    }
    let more = platform.post("/api/subscriptions", &json!({"url": format!("{}/11", receiver.url)}), 409).await;
    assert_eq!(more["code"], "conflict");
    for wrong in [json!({}), json!({"url": "nowhere"}), json!({"url": receiver.url, "types": ["makegood.nothing.v1"]})]
    {
        let refused = platform.post("/api/subscriptions", &wrong, 400).await;
        assert_eq!(refused["code"], "invalid_request", "{wrong}");
    }
}

#[tokio::test]
async fn an_address_inside_is_refused_where_the_installation_does_not_let_it() {
    let strict = ("SPIN_VARIABLE_SUBSCRIPTIONS_INSIDE".to_owned(), "false".to_owned());
    let platform = Platform::start(Options { environment: vec![strict], ..Options::default() }).await;
    let receiver = Receiver::start().await;
    for url in
        [receiver.url.as_str(), "https://127.0.0.1/", "https://10.0.0.7/in", "https://169.254.169.254/", "ftp://a.b/"]
    {
        let refused = platform.post("/api/subscriptions", &json!({"url": url}), 400).await;
        assert_eq!(refused["code"], "invalid_request", "{url}");
    }
    let forged = answer(platform.request("POST", "/api/subscriptions/bring").json(&json!({"saga": "sg_1"}))).await;
    assert_eq!((forged.status, &forged.json()["code"]), (401, &json!("bad_signature")), "{forged:?}");
    assert!(receiver.got.lock().unwrap().is_empty());
}

/// A token for Ably's channels, as its clients get one, and the channels that it is for.
async fn token(platform: &Platform, user: &str) -> (String, String) {
    let asked = answer(platform.request("GET", "/api/subscriptions/ably").bearer_auth(user)).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let request = asked.json();
    let granted = platform.request("POST", "/emulators/ably/keys/appid.keyid/requestToken").json(&request);
    let granted = answer(granted).await;
    assert_eq!(granted.status, 201, "{granted:?}");
    let capability: Value = serde_json::from_str(request["capability"].as_str().unwrap()).unwrap();
    let channels = capability.as_object().unwrap().keys().next().unwrap().clone();
    (granted.json()["token"].as_str().unwrap().to_owned(), channels)
}

#[tokio::test]
async fn a_sagas_events_are_on_its_channel_for_its_owner_and_no_saga_waits_for_ably() {
    let platform = Platform::start(Options::arguments(&["--anonymous-role", "user"])).await;
    let (ann, eve) = (platform.token("ann").await, platform.token("eve").await);
    let ((ann_reads, channels), (eve_reads, others)) = (token(&platform, &ann).await, token(&platform, &eve).await);
    assert_ne!(channels, others);

    // While it is away sagas go on, and it is told later.
    let faults = "/emulators/ably/_emulator/faults";
    platform.post(faults, &json!({"kind": "error", "match": {"method": "POST"}}), 201).await;
    let start = platform.request("POST", "/api/execute").json(&json!({"plan": plan()})).bearer_auth(&ann);
    let saga = answer(start).await.json()["saga"].as_str().unwrap().to_owned();
    let rested = poll(Duration::from_secs(20), Duration::from_millis(50), || async {
        let status = answer(platform.request("GET", &format!("/api/execute/{saga}")).bearer_auth(&ann)).await.json();
        (status["phase"] == "completed").then_some(())
    });
    rested.await.expect("it does not wait");
    let cleared = answer(platform.request("DELETE", faults)).await;
    assert!(cleared.status < 300, "{cleared:?}");

    let channel = channels.replace('*', &saga).replace(':', "%3A");
    let history = format!("/emulators/ably/channels/{channel}/messages?direction=forwards&limit=1000");
    let read =
        |token: &str| answer(platform.request("GET", &history).bearer_auth(Encoding::Base64.encode(token.as_bytes())));
    let told = poll(PATIENCE, Duration::from_millis(200), || async {
        let messages = read(&ann_reads).await;
        assert_eq!(messages.status, 200, "{messages:?}");
        let messages = messages.json().as_array().unwrap().clone();
        messages.last().is_some_and(|last| last["name"] == "makegood.saga.completed.v1").then_some(messages)
    });
    let told = told.await.unwrap_or_else(|| panic!("not all was told: {}", platform.complaints()));
    let stream = answer(platform.request("GET", &format!("/api/execute/{saga}/events")).bearer_auth(&ann)).await;
    let wanted = numbered(&stream.text);
    let ids: Vec<String> = wanted.iter().map(|event| format!("{saga}_{}", event.id)).collect();
    assert_eq!(told.iter().map(|message| message["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    let first: Value = serde_json::from_str(told[0]["data"].as_str().unwrap()).unwrap();
    assert_eq!(first, wanted[0].data);

    let refused = read(&eve_reads).await;
    assert_eq!(refused.status, 401, "another's channel is not theirs to read: {refused:?}");
    let publishes = platform
        .request("POST", &format!("/emulators/ably/channels/{channel}/messages"))
        .bearer_auth(Encoding::Base64.encode(ann_reads.as_bytes()))
        .json(&json!({"name": "x", "data": "x"}));
    assert_eq!(answer(publishes).await.status, 401, "nor does an owner write there");
}
