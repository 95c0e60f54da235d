//! Databases to run over, and a town that is called as a saga would call it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use makegood_postgres::Postgres;
use serde_json::{Value, json};
use tower::ServiceExt;

pub type Scenario = fn(Town) -> Pin<Box<dyn Future<Output = ()> + Send>>;

pub const TOOLS_WITH_EFFECT: [&str; 6] = [
    "book_restaurant_table",
    "request_ride",
    "dispatch_delivery",
    "add_calendar_event",
    "authorise_payment",
    "bench_effect",
];

pub struct Database {
    pub db: Postgres,
    server: Option<Child>,
    folder: PathBuf,
}

impl Database {
    pub async fn close(mut self) {
        self.db.close().await;
        if let Some(server) = &mut self.server {
            // SIGINT is PostgreSQL's fast shutdown.
            let _ = Command::new("kill").args(["-INT", &server.id().to_string()]).status();
            let _ = server.wait();
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("makegood-town-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub async fn embedded() -> Option<Database> {
    let folder = folder("embedded");
    let db = Postgres::embedded(&folder).await.unwrap();
    db.migrate(makegood_town::MIGRATIONS).await.unwrap();
    Some(Database { db, server: None, folder })
}

/// A PostgreSQL of the system in a folder of its own, reached by its socket; none where none is
/// installed. It refuses to run as root, so there it runs as `postgres`.
pub async fn real() -> Option<Database> {
    let Some(bin) = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
    else {
        eprintln!("skipped: no PostgreSQL in /usr/lib/postgresql");
        return None;
    };
    let folder = folder("real");
    let user = user(&folder);
    let data = folder.join("data");
    let command = |program: &str| {
        let mut command = Command::new(bin.join(program));
        command.current_dir(&folder).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command
    };
    let made = command("initdb")
        .arg("-D")
        .arg(&data)
        .args(["-A", "trust", "-U", "makegood", "-E", "UTF8", "--locale=C"])
        .status();
    assert!(made.unwrap().success(), "initdb");
    let mut server = command("postgres")
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(&folder)
        .args(["-c", "listen_addresses="])
        .spawn()
        .unwrap();
    let url = format!("postgres://makegood@localhost/postgres?host={}", folder.display());
    for _ in 0..300 {
        if let Ok(db) = Postgres::connect(&url).await {
            db.migrate(makegood_town::MIGRATIONS).await.unwrap();
            return Some(Database { db, server: Some(server), folder });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _ = server.kill();
    let _ = server.wait();
    panic!("the real PostgreSQL did not come up");
}

/// Whom to be instead of root; hands the folder over to them.
fn user(folder: &Path) -> Option<(u32, u32)> {
    let id = |flag: &str, of: &[&str]| -> Option<u32> {
        let out = Command::new("id").arg(flag).args(of).output().ok()?;
        String::from_utf8(out.stdout).ok()?.trim().parse().ok()
    };
    if id("-u", &[]) != Some(0) {
        return None;
    }
    let (uid, gid) = (id("-u", &["postgres"])?, id("-g", &["postgres"])?);
    std::os::unix::fs::chown(folder, Some(uid), Some(gid)).unwrap();
    Some((uid, gid))
}

/// The town under test.
#[derive(Clone)]
pub struct Town {
    pub router: Router,
    pub db: Postgres,
}

/// Status and body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub status: u16,
    pub body: Value,
}

impl Said {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}

impl Town {
    pub async fn fresh(database: &Database) -> Self {
        let db = database.db.clone();
        let town = Self { router: makegood_town::router(db.clone()), db };
        assert_eq!(town.send(Method::DELETE, "/demo/faults", "", None).await.status, 200);
        assert_eq!(town.send(Method::POST, "/demo/reset", "", None).await.status, 200);
        // Every scenario has the same keys and names, which a reset does not give away again. Those in memory went with
        // the router.
        let anew = "truncate town.effects, town.ledger, town.reservations, town.rides, town.deliveries, town.events, \
                    town.payments, town.messages restart identity";
        town.db.query(anew, &[]).await.unwrap();
        town
    }

    /// The host died and came back: nothing but the database is left.
    pub fn restarted(&self) -> Self {
        Self { router: makegood_town::router(self.db.clone()), db: self.db.clone() }
    }

    pub async fn send(&self, method: Method, path: &str, key: &str, body: Option<Value>) -> Said {
        let mut request = Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header("Idempotency-Key", key);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let problem = response.headers().get("content-type").is_some_and(|kind| kind == "application/problem+json");
        assert_eq!(problem, status.is_client_error() || status.is_server_error());
        assert_eq!(response.headers().contains_key("retry-after"), status == StatusCode::TOO_MANY_REQUESTS);
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if problem {
            for field in ["type", "title", "status", "code", "detail"] {
                assert!(!body[field].is_null(), "{path}: {body}");
            }
        }
        Said { status: status.as_u16(), body }
    }

    pub async fn act(&self, tool: &str, key: &str, params: Value) -> Said {
        self.send(Method::POST, &format!("/demo/tools/{tool}/do"), key, Some(params)).await
    }

    pub async fn ask(&self, tool: &str, params: Value) -> Said {
        self.act(tool, "", params).await
    }

    pub async fn undo(&self, tool: &str, key: &str) -> Said {
        let body = json!({ "params": {}, "output": null });
        self.send(Method::POST, &format!("/demo/tools/{tool}/undo"), key, Some(body)).await
    }

    pub async fn status(&self, tool: &str, key: &str) -> Value {
        let path = format!("/demo/tools/{tool}/status");
        let said = self.send(Method::GET, &path, key, None).await;
        assert_eq!(said.status, 200, "{said:?}");
        said.body
    }

    pub async fn fault(&self, fault: Value) -> Said {
        self.send(Method::POST, "/demo/faults", "", Some(fault)).await
    }

    pub async fn world(&self) -> Value {
        self.send(Method::GET, "/demo/world", "", None).await.body
    }

    /// The ledger's rows for a key, as `(op, applied)`.
    pub async fn ledger(&self, key: &str) -> Vec<(String, bool)> {
        let said = self.send(Method::GET, "/demo/ledger?limit=5000", "", None).await;
        let entries = said.body["entries"].as_array().unwrap().clone();
        entries
            .iter()
            .filter(|entry| entry["key"] == key)
            .map(|e| (e["op"].as_str().unwrap().to_owned(), e["applied"] == true))
            .collect()
    }
}

/// Parameters under which each tool acts in an empty town.
pub fn params(tool: &str) -> Value {
    match tool {
        "book_restaurant_table" | "join_waitlist" => table("Luigi's", "19:00", 4),
        "request_ride" => ride("18:30", 4),
        "dispatch_delivery" => json!({
            "vendor": "Bloom", "items": [{ "name": "roses", "quantity": 12 }], "address": "1 Harbour Street",
        }),
        "add_calendar_event" => json!({
            "title": "Dinner", "date": "2026-11-23", "time": "19:00", "duration_minutes": 120,
        }),
        "authorise_payment" => payment(5_000),
        "bench_effect" => json!({ "n": 7, "after": { "n": 6 } }),
        "send_message" => json!({ "to": "Sam", "text": "Table for four at seven." }),
        other => panic!("no parameters for {other}"),
    }
}

pub fn table(restaurant: &str, time: &str, party: u32) -> Value {
    json!({
        "restaurant": restaurant, "date": "2026-11-23", "time": time, "party_size": party, "name": "Sam",
    })
}

pub fn ride(time: &str, passengers: u32) -> Value {
    json!({
        "pickup": "Home", "destination": "1 Harbour Street", "date": "2026-11-23", "time": time,
        "passengers": passengers,
    })
}

pub fn payment(amount: i64) -> Value {
    json!({ "payee": "Luigi's", "amount_minor": amount, "currency": "EUR" })
}

/// Awaits all at once, each in a task of its own.
pub async fn all<T: Send + 'static>(futures: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let tasks: Vec<_> = futures.map(tokio::spawn).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}
