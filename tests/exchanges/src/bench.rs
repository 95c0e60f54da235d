//! Requests a second on each host, and how long one takes, side by side: `bash tests/exchanges/run bench`.
//!
//! One `makegood up` gives all hosts the same database, Redis and queue, and is itself the local host. The load comes
//! from this process. It is put on the hosts in turn, round after round, so that what else happens on this machine
//! happens to all of them; the processor's time is told beside the clock's, for it is the host's own.
//!
//! Of the local host one process does everything. Of another its own process is told apart from the services', which
//! it asks over TCP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use makegood_endpoints::platform::{Options, Platform};
use serde_json::{Value, json};

use crate::case::Pace;
use crate::cases::DINNER;
use crate::host::{self, Kind};
use crate::site::Site;

const ROUNDS: usize = 5;
/// Clients at once.
const CLIENTS: [usize; 2] = [1, 16];
const MEASURED: Duration = Duration::from_secs(2);
/// Connections are made, and instances.
const WARM_UP: Duration = Duration::from_millis(500);

/// What is asked, and what its answer must hold.
struct Asked {
    name: &'static str,
    method: reqwest::Method,
    path: String,
    body: Option<Value>,
    holds: &'static str,
}

/// What one host did with one kind of request, from so many clients, over all rounds.
#[derive(Default)]
struct Measured {
    /// Milliseconds, of every request.
    times: Vec<f64>,
    elapsed: Duration,
    /// Of each round, for one request: of the host's process, and of the services'.
    cpu_ms: Vec<(f64, f64)>,
}

/// Measures the hosts that are named, and prints a line of JSON for each kind of request, number of clients, and host.
pub async fn run(kinds: &[Kind]) {
    let options = Options { arguments: real_services(), ..Options::default() };
    let services = Arc::new(Platform::start(options).await);
    let mut sites = Vec::new();
    for kind in kinds {
        sites.push((*kind, host::beside(*kind, Pace::Normal, Arc::clone(&services)).await));
    }
    let first = &sites.first().expect("a host is named").1;
    for asked in requests(first).await {
        for clients in CLIENTS {
            let mut measured: Vec<Measured> = sites.iter().map(|_| Measured::default()).collect();
            for round in 0..ROUNDS {
                for place in 0..sites.len() {
                    let place = (place + round) % sites.len();
                    load(&sites[place].1, &asked, clients, &mut measured[place]).await;
                }
            }
            for ((kind, _), measured) in sites.iter().zip(measured) {
                crate::say(&measured.line(*kind, &asked, clients).to_string());
            }
        }
    }
}

/// A real PostgreSQL and Redis, where the environment names them: `makegood up` is started without it.
fn real_services() -> Vec<String> {
    let named = [("DATABASE_URL", "--database-url"), ("REDIS_URL", "--redis-url")];
    let given = named.iter().filter_map(|(name, flag)| Some([(*flag).to_owned(), std::env::var(name).ok()?]));
    given.flatten().collect()
}

async fn requests(site: &Site) -> [Asked; 2] {
    let body = json!({"message": DINNER});
    let accepted = makegood_endpoints::platform::answer(site.post("/api/chat", &body)).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let saga = accepted.json()["saga"].as_str().unwrap().to_owned();
    site.rest(&saga).await;
    [
        Asked {
            name: "intent",
            method: reqwest::Method::POST,
            path: "/api/intent".to_owned(),
            body: Some(body),
            holds: "\"kind\":\"plan\"",
        },
        Asked {
            name: "status",
            method: reqwest::Method::GET,
            path: format!("/api/execute/{saga}"),
            body: None,
            holds: "\"phase\":\"completed\"",
        },
    ]
}

/// One round: so many clients, each asking again as soon as it is answered.
async fn load(site: &Arc<Site>, asked: &Asked, clients: usize, measured: &mut Measured) {
    let client = reqwest::Client::builder().tcp_nodelay(true).build().unwrap();
    let mut request = client.request(asked.method.clone(), format!("{}{}", site.url, asked.path));
    if let Some(body) = &asked.body {
        request = request.json(body);
    }
    let begin = Instant::now() + WARM_UP;
    let end = begin + MEASURED;
    let tasks: Vec<_> = (0..clients)
        .map(|_| tokio::spawn(client_of(request.try_clone().expect("its body is no stream"), asked.holds, begin, end)))
        .collect();
    let local = site.url == site.services.url;
    let spent = || (site.cpu(), if local { Duration::ZERO } else { site.services.cpu() });
    tokio::time::sleep_until(begin.into()).await;
    let before = spent();
    tokio::time::sleep_until(end.into()).await;
    let after = spent();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let each = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64() * 1000.0 / times.len() as f64;
    measured.cpu_ms.push((each(before.0, after.0), each(before.1, after.1)));
    measured.elapsed += MEASURED;
    measured.times.append(&mut times);
}

/// What each request took that was answered between `begin` and `end`.
async fn client_of(request: reqwest::RequestBuilder, holds: &str, begin: Instant, end: Instant) -> Vec<f64> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let since = Instant::now();
        let answer = request.try_clone().expect("its body is no stream").send().await.expect("it answers");
        let status = answer.status();
        let text = answer.text().await.expect("it is not cut");
        let now = Instant::now();
        assert!(status == 200 && text.contains(holds), "{status}: {text}");
        if now >= begin && now < end {
            times.push(now.duration_since(since).as_secs_f64() * 1000.0);
        }
    }
    times
}

impl Measured {
    fn line(mut self, kind: Kind, asked: &Asked, clients: usize) -> Value {
        self.times.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (self.times.len().saturating_sub(1) as f64 * share).round() as usize;
            self.times.get(place).copied().map(round)
        };
        let median = |of: fn(&(f64, f64)) -> f64| {
            let mut rounds: Vec<f64> = self.cpu_ms.iter().map(of).collect();
            rounds.sort_unstable_by(f64::total_cmp);
            rounds.get(rounds.len() / 2).copied().map(round)
        };
        json!({
            "request": asked.name,
            "clients": clients,
            "host": kind.name(),
            "requests": self.times.len(),
            "requests_per_s": round(self.times.len() as f64 / self.elapsed.as_secs_f64()),
            "p50_ms": at(0.50),
            "p99_ms": at(0.99),
            "host_cpu_ms": median(|cpu| cpu.0),
            "services_cpu_ms": (kind != Kind::Local).then(|| median(|cpu| cpu.1)),
        })
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
