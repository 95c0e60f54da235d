//! Who is let in, as whom, and to what: tokens by an issuer's keys, roles, API keys, and the pages.

#[path = "../../../../shared/gateway/tests/tokens/keys.rs"]
mod keys;
#[path = "../../../../shared/gateway/tests/tokens/table.rs"]
mod table;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use makegood_cloud::Issuer;
use makegood_endpoints::platform::{Answer, Options, Platform, answer};
use makegood_endpoints::{binary, journal, poll};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tokio::process::Command;

use keys::{ALGS, Signer};
use table::{NO_HEADER, TABLE};

const PATIENCE: Duration = Duration::from_secs(60);
const FAULTS: &str = "/emulators/issuer/_emulator/faults";

fn nap() -> Value {
    json!({"plan": {"summary": "Nap", "steps": [{"id": "nap", "wait": {"for_ms": 600_000}}]}})
}

async fn ask(platform: &Platform, method: &str, path: &str, bearer: &str, body: &Value) -> Answer {
    answer(platform.request(method, path).bearer_auth(bearer).json(body)).await
}

async fn start(platform: &Platform, bearer: &str, body: &Value) -> String {
    let started = ask(platform, "POST", "/api/execute", bearer, body).await;
    assert_eq!(started.status, 202, "{started:?}");
    started.json()["saga"].as_str().unwrap().to_owned()
}

fn seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// An issuer of our own, whose keys can be rolled.
struct Rolling {
    url: String,
    keys: Arc<Mutex<Value>>,
}

impl Rolling {
    async fn start() -> Self {
        let keys = Arc::new(Mutex::new(json!({"keys": []})));
        let served = Arc::clone(&keys);
        let answer = get(move || async move { Json(served.lock().unwrap().clone()) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/.well-known/jwks.json", answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, keys }
    }

    /// Has the keys of these secrets, and no others.
    fn roll(&self, secrets: &[&str]) -> Issuer {
        let all: Vec<Value> =
            secrets.iter().map(|secret| Issuer::new(&self.url, secret).jwks()["keys"][0].clone()).collect();
        *self.keys.lock().unwrap() = json!({ "keys": all });
        Issuer::new(&self.url, secrets.last().unwrap())
    }
}

#[tokio::test]
async fn an_issuers_keys_are_found_again_after_they_were_rolled_and_its_page_is_looked_at() {
    let rolling = Rolling::start().await;
    let rules = json!({ rolling.url.clone(): {"parties": ["https://app.test"], "roles": "metadata.role"} }).to_string();
    let first = rolling.roll(&["first"]);
    let platform = Platform::start(Options::arguments(&["--jwks-url", &first.jwks_url(), "--issuers", &rules])).await;
    let token = |issuer: &Issuer, azp: &str| {
        issuer.sign(json!({"sub": "user_1", "azp": azp, "exp": seconds() + 600, "metadata": {"role": "operator"}}))
    };
    let id = start(&platform, &token(&first, "https://app.test"), &nap()).await;
    let looks = async |token: &str| {
        answer(platform.request("GET", &format!("/api/execute/{id}")).bearer_auth(token)).await.status
    };
    assert_eq!(looks(&token(&first, "https://evil.test")).await, 401);
    assert_eq!(looks(&first.sign(json!({"sub": "user_1", "exp": seconds() + 600}))).await, 401, "no page at all");
    let page = answer(platform.request("GET", "/debug").bearer_auth(token(&first, "https://app.test"))).await;
    assert_eq!(page.status, 200, "the role is where the rules say: {page:?}");
    // The platform's own issuer is not trusted any more.
    assert_eq!(looks(&platform.token("user_1").await).await, 401);

    let second = rolling.roll(&["second"]);
    let new = token(&second, "https://app.test");
    let known = poll(PATIENCE, Duration::from_secs(1), || async { (looks(&new).await == 200).then_some(()) });
    known.await.expect("within half a minute the new key is fetched");
    // Instances that had the old key believe it for five minutes: edge's tests, whose clock is theirs, hold when it ends.
}

/// Every row of the table, of every algorithm, at every function that lets users in.
#[tokio::test]
async fn every_token_of_the_table_is_judged_right_by_every_function() {
    let rolling = Rolling::start().await;
    *rolling.keys.lock().unwrap() = keys::published();
    let (elsewhere, jwks) = (format!("{}/keys", rolling.url), format!("{}/.well-known/jwks.json", rolling.url));
    let platform =
        Platform::start(Options::arguments(&["--jwks-url", &elsewhere, "--issuers", &keys::rules(&jwks)])).await;
    let said = json!({"message": "Book a table for 4 at Luigi's tomorrow at 7pm"});
    let doors = [
        ("POST", "/api/intent", &said, 200),
        ("POST", "/api/chat", &said, 202),
        ("POST", "/api/execute", &nap(), 202),
        ("GET", "/api/debug/sagas", &Value::Null, 200),
    ];
    let (mut good, mut wrong) = (0, Vec::new());
    for alg in ALGS {
        for (what, make, judged) in TABLE {
            let token = make(&Signer { alg, now: seconds() });
            let Ok(bearer) = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()) else {
                assert!(NO_HEADER.contains(what), "{alg}: {what} is never sent");
                continue;
            };
            good += usize::from(judged.is_ok());
            for (method, path, body, welcome) in &doors {
                let request = platform.request(method, path).header("authorization", &bearer).json(body);
                let told = answer(request).await;
                let wanted = judged.map_or((401, json!("unauthenticated")), |()| (*welcome, Value::Null));
                if (told.status, told.json()["code"].clone()) != wanted {
                    wrong.push(format!("{alg}: {what}: {path} answers {told:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // And nothing was begun but by the good ones: a saga by chat, and one by execute.
    let token = Signer { alg: "EdDSA", now: seconds() }.with(|_, _| {});
    let listed = ask(&platform, "GET", "/api/debug/sagas?limit=200", &token, &Value::Null).await.json();
    assert_eq!((&listed["owner"], listed["sagas"].as_array().unwrap().len()), (&json!(keys::USER), 2 * good));
}

#[tokio::test]
async fn while_the_issuer_is_away_known_keys_are_good_and_without_any_it_is_an_outage() {
    let platform = Platform::start(Options::default()).await;
    let ana = platform.token("ana").await;
    platform.post(FAULTS, &json!({"kind": "error", "status": 503}), 201).await;
    let cold = ask(&platform, "POST", "/api/execute", &ana, &nap()).await;
    assert_eq!((cold.status, &cold.json()["code"]), (503, &json!("unavailable")), "{cold:?}");
    assert_eq!(answer(platform.request("DELETE", FAULTS)).await.status, 200);
    let started = poll(PATIENCE, Duration::from_secs(1), || async {
        let started = ask(&platform, "POST", "/api/execute", &ana, &nap()).await;
        (started.status == 202).then_some(started)
    });
    let id = started.await.expect("soon it is asked again").json()["saga"].as_str().unwrap().to_owned();
    platform.post(FAULTS, &json!({"kind": "drop_request"}), 201).await;
    for path in [format!("/api/execute/{id}"), "/api/execute/schedules".to_owned()] {
        assert_eq!(answer(platform.request("GET", &path).bearer_auth(&ana)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn what_is_anothers_is_an_operators_and_nobody_elses() {
    let platform = Platform::start(Options::arguments(&["--anonymous-role", "user"])).await;
    let (ana, eve) = (platform.token("ana").await, platform.token("eve").await);
    let paul = platform.token_with("paul", &["--role", "approver"]).await;
    let olga = platform.token_with("olga", &["--role", "operator", "--tier", "premium", "--ttl", "1h"]).await;
    let id = start(&platform, &ana, &nap()).await;
    let path = format!("/api/execute/{id}");
    let as_nobody = answer(platform.request("GET", &path)).await;
    assert_eq!(as_nobody.status, 404, "{as_nobody:?}");
    for stranger in [&eve, &paul] {
        assert_eq!(ask(&platform, "GET", &path, stranger, &json!({})).await.status, 404);
        assert_eq!(ask(&platform, "GET", &format!("/api/debug/sagas/{id}"), stranger, &json!({})).await.status, 404);
        assert_eq!(ask(&platform, "GET", "/api/debug/sagas?owner=ana", stranger, &json!({})).await.status, 403);
        for verb in ["cancel", "pause", "resume", "retry"] {
            assert_eq!(
                ask(&platform, "POST", &format!("{path}/{verb}"), stranger, &json!({})).await.status,
                404,
                "{verb}"
            );
        }
        for page in ["/debug", &format!("/debug/sagas/{id}")] {
            let refused = ask(&platform, "GET", page, stranger, &json!({})).await;
            assert!(refused.status == 403 && refused.text.contains("/debug/login"), "{page}: {refused:?}");
        }
    }
    assert_eq!(answer(platform.request("GET", "/debug")).await.status, 403, "nor who is nobody");

    assert_eq!(ask(&platform, "GET", &path, &olga, &json!({})).await.status, 200);
    assert_eq!(ask(&platform, "POST", &format!("{path}/pause"), &olga, &json!({})).await.status, 202);
    let paused = ask(&platform, "GET", &path, &ana, &json!({})).await.json();
    assert_eq!(paused["paused"], "It was paused by olga.", "the journal says who it was");
    let list = ask(&platform, "GET", "/debug", &olga, &json!({})).await;
    assert!(list.status == 200 && list.text.contains(&id) && list.text.contains("of ana"), "{list:?}");
    let listed = ask(&platform, "GET", "/api/debug/sagas?owner=*", &olga, &json!({})).await.json();
    assert_eq!((listed["sagas"].as_array().unwrap().len(), &listed["sagas"][0]["owner"]), (1, &json!("ana")));
    assert!(ask(&platform, "POST", &format!("{path}/cancel"), &olga, &json!({})).await.status < 300);
}

#[tokio::test]
async fn a_second_person_is_an_approver_and_never_the_owner() {
    let platform = Platform::start(Options::arguments(&["--anonymous-role", "user"])).await;
    let ana = platform.token_with("ana", &["--role", "admin"]).await;
    let (eve, paul) = (platform.token("eve").await, platform.token_with("paul", &["--role", "approver"]).await);
    let step = json!({"id": "pay", "tool": "bench_effect", "params": {"n": 1}, "approval": {"by": ["role:approver"]}});
    let id = start(&platform, &ana, &json!({"plan": {"summary": "Pay", "steps": [step]}})).await;
    let path = format!("/api/execute/{id}");
    let asking = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = ask(&platform, "GET", &path, &ana, &json!({})).await.json();
        (saga["steps"][0]["standing"] == "asking").then_some(())
    });
    asking.await.expect("it is asked");
    let yes = json!({"step": "pay", "note": "Fine."});
    let decide = async |bearer: &str| ask(&platform, "POST", &format!("{path}/approve"), bearer, &yes).await.status;
    assert_eq!(decide(&ana).await, 403, "whatever their role, the owner is not the second person");
    assert_eq!(decide(&eve).await, 404, "a user is a stranger");
    let link = json!({"step": "pay", "for": "role:approver"});
    assert_eq!(
        ask(&platform, "POST", &format!("{path}/links"), &ana, &link).await.status,
        400,
        "nor do they get a link"
    );
    assert_eq!(ask(&platform, "GET", &path, &paul, &json!({})).await.status, 200, "who is asked may look");
    assert!(decide(&paul).await < 300);
    let done = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = ask(&platform, "GET", &path, &ana, &json!({})).await.json();
        journal::at_rest(&saga).then_some(saga)
    });
    let saga = done.await.unwrap();
    assert_eq!(saga["phase"], "completed");
    assert!(saga["steps"][0]["remarks"].to_string().contains("paul"), "{saga:#}");
}

/// `makegood keys`, with the platform's database.
async fn makegood_keys(platform: &Platform, arguments: &[&str]) -> String {
    let mut command = Command::new(binary::makegood());
    command.arg("keys").args(arguments).arg("--env").arg(platform.data().join("clients.env"));
    command.arg("--manifest").arg(binary::manifest());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn an_api_key_does_what_it_was_made_for_until_it_ends_or_is_revoked() {
    let platform = Platform::start(Options::default()).await;
    let key =
        makegood_keys(&platform, &["create", "--user", "robot", "--scopes", "read,start", "--note", "The shop"]).await;
    let brief = makegood_keys(&platform, &["create", "--user", "robot", "--scopes", "read", "--ttl", "3s"]).await;
    let id = start(&platform, &key, &nap()).await;
    let path = format!("/api/execute/{id}");
    let status = async |method: &str, path: &str, key: &str| ask(&platform, method, path, key, &json!({})).await.status;
    assert_eq!(status("GET", &path, &key).await, 200);
    for verb in ["cancel", "pause", "approve", "links", "retry"] {
        assert_eq!(status("POST", &format!("{path}/{verb}"), &key).await, 403, "{verb} is not in its scopes");
    }
    let other = start(&platform, &platform.token("ana").await, &nap()).await;
    assert_eq!(status("GET", &format!("/api/execute/{other}"), &key).await, 404, "it is the robot's, and sees its own");
    assert_eq!(status("GET", "/debug", &key).await, 403);
    let started = ask(&platform, "POST", "/api/execute", &brief, &nap()).await;
    assert!([401, 403].contains(&started.status), "{started:?}");
    let said = json!({"message": "Wibble the frobnicator"});
    let understood = ask(&platform, "POST", "/api/intent", &brief, &said).await;
    assert!([401, 403].contains(&understood.status), "a model may be paid for it: {understood:?}");
    assert_eq!(ask(&platform, "POST", "/api/intent", &key, &said).await.status, 200);
    let listed = makegood_keys(&platform, &["list", "--json"]).await;
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.len(), 2);
    let shop = listed.iter().find(|one| one["note"] == "The shop").unwrap();
    assert!(shop["used_on"].is_string() && shop["owner"] == "robot", "{shop}");
    assert!(!listed.iter().any(|one| one.to_string().contains(key.rsplit('_').next().unwrap())));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(status("GET", &path, &brief).await, 401, "it has ended");

    makegood_keys(&platform, &["revoke", shop["id"].as_str().unwrap()]).await;
    let gone =
        poll(PATIENCE, Duration::from_secs(1), || async { (status("GET", &path, &key).await == 401).then_some(()) });
    gone.await.expect("within half a minute it is over");
    let dump = makegood_keys(&platform, &["list"]).await;
    assert!(dump.contains("revoked") && dump.contains("expired"), "{dump}");
}

#[tokio::test]
async fn a_browser_signs_in_and_acts_with_its_cookie_on_nothing() {
    let platform = Platform::start(Options::arguments(&["--anonymous-role", "user"])).await;
    let olga = platform.token_with("olga", &["--role", "operator"]).await;
    let ours = platform.url.clone();
    let login = |origin: &str| {
        let form = platform.request("POST", "/debug/login").header("origin", origin);
        form.header("content-type", "application/x-www-form-urlencoded").body(format!("token={olga}"))
    };
    for others in ["https://evil.example", "null"] {
        assert_eq!(answer(login(others)).await.status, 403, "{others}");
    }
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let signed_in = client.execute(login(&ours).build().unwrap()).await.unwrap();
    assert_eq!(signed_in.status(), 303);
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = answer(platform.request("GET", "/debug").header("cookie", &cookie)).await;
    assert_eq!(page.status, 200, "{page:?}");
    // A cookie is no word of anybody's: what it acts on is what nobody in particular may do.
    let ana = start(&platform, &platform.token("ana").await, &nap()).await;
    for verb in ["pause", "cancel"] {
        let request = platform.request("POST", &format!("/api/execute/{ana}/{verb}")).header("cookie", &cookie);
        assert_eq!(answer(request.json(&json!({}))).await.status, 404, "{verb}");
    }
}
