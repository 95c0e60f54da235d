//! The host against a guest that does on request whatever a function may do,
//! the bad things included (`fixture-guest`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use makegood_cloud::Clock;
use makegood_local::host::manifest::Manifest;
use makegood_local::host::{Functions, Limits, Options, imports_of};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tower::ServiceExt;

/// Builds the guest once, and says where it is.
fn guest() -> &'static Path {
    static GUEST: OnceLock<PathBuf> = OnceLock::new();
    GUEST.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-guest");
        let crate_ = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture-guest/Cargo.toml");
        let status = Command::new("cargo")
            .args(["build", "--release", "--target", "wasm32-wasip2"])
            .arg("--manifest-path")
            .arg(crate_)
            .arg("--target-dir")
            .arg(&target)
            .status()
            .unwrap();
        assert!(status.success(), "the fixture guest does not compile");
        target.join("wasm32-wasip2/release/fixture_guest.wasm")
    })
}

/// A folder of this test's own, with a manifest of two components.
fn manifest(hosts: &str) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, SeqCst);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("host-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("spin.toml");
    let source = guest().display();
    let text = format!(
        r#"spin_manifest_version = 2
[application]
name = "fixture"
[variables]
greeting = {{ default = "hello" }}
hidden = {{ default = "not for everyone" }}
[[trigger.http]]
route = "/a/..."
component = "a"
[[trigger.http]]
route = "/exact/hello"
component = "a"
[[trigger.http]]
route = "/b/..."
component = "execute"
[component.a]
source = "{source}"
allowed_outbound_hosts = [{hosts}]
[component.a.variables]
motto = "{{{{ greeting }}}}, world"
[component.execute]
source = "{source}"
"#
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn options(manifest: &Path) -> Options {
    Options {
        cache_dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("host-cache"),
        manifest: Manifest::read(manifest).unwrap(),
        overrides: BTreeMap::new(),
        own_authorities: vec!["127.0.0.1:3000".into(), "localhost:3000".into()],
        limits: Limits { time: Duration::from_millis(700), instances: 64, ..Limits::default() },
        inside: true,
        time_variable: None,
        clock: Clock::real(),
    }
}

async fn load(hosts: &str) -> Functions {
    Functions::load(options(&manifest(hosts))).await.unwrap()
}

/// What a client sends that knows the functions under this name.
fn to_us(request: http::request::Builder) -> http::request::Builder {
    request.header("host", "127.0.0.1:3000")
}

async fn call(functions: &Functions, mut request: Request<Body>) -> (StatusCode, String) {
    request.headers_mut().entry("host").or_insert("127.0.0.1:3000".parse().unwrap());
    raw(functions, request).await
}

/// Sends it as it is.
async fn raw(functions: &Functions, request: Request<Body>) -> (StatusCode, String) {
    let response = functions.router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn get_(functions: &Functions, path: &str) -> (StatusCode, String) {
    call(functions, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn fetch(functions: &Functions, url: &str, body: &str) -> (StatusCode, String) {
    let request = match body {
        "" => Request::get("/a/fetch"),
        _ => Request::post("/a/fetch"),
    };
    let request = request.header("x-url", url).body(body.to_owned().into());
    call(functions, request.unwrap()).await
}

/// A server elsewhere, over TCP.
async fn elsewhere(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

const ALL: &str = "\"*://*:*\"";

#[tokio::test]
async fn a_function_answers_below_its_route_and_nowhere_else() {
    let functions = load("").await;
    assert_eq!(get_(&functions, "/a/hello").await.1, "hello");
    assert_eq!(get_(&functions, "/exact/hello").await.1, "hello");
    assert_eq!(get_(&functions, "/exact/hello/x").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get_(&functions, "/c/hello").await.0, StatusCode::NOT_FOUND);
    let urls = async |request: http::request::Builder| {
        call(&functions, request.header("host", "example.com:3000").body(Body::empty()).unwrap()).await.1
    };
    let full = "http://example.com:3000/a/x/url?q=1";
    assert_eq!(urls(Request::get("/a/x/url?q=1")).await, format!("{full} {full} /x/url"));
    // Spin puts its own behind what the client says.
    let forged = Request::get("/a/x/url?q=1").header("spin-path-info", "forged");
    assert_eq!(urls(forged).await, format!("{full} {full} forged"));
}

#[tokio::test]
async fn what_spin_lets_not_in_is_refused() {
    let functions = load("").await;
    let refused = async |request: http::request::Builder| {
        let (status, body) = raw(&functions, request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(body.contains("function_request"), "{body}");
    };
    refused(Request::get("/a/hello")).await;
    refused(Request::get("/a/hello").header("host", "no host")).await;
    refused(Request::get("http://one.example/a/hello").header("host", "two.example")).await;
    refused(to_us(Request::get("/a/hello")).header("x-name", &b"Ren\xe9"[..])).await;
    let same = Request::get("http://one.example/a/hello").header("host", "one.example");
    assert_eq!(raw(&functions, same.body(Body::empty()).unwrap()).await.1, "hello");
    assert_eq!(functions.stats()["a"].instances_made, 1);
}

#[tokio::test]
async fn a_body_flows_through_a_function_and_back() {
    let functions = load("").await;
    let large = "0123456789".repeat(100_000);
    let request = Request::post("/a/echo").body(Body::from(large.clone()));
    let (status, body) = call(&functions, request.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body == large, "{} bytes came back", body.len());
}

#[tokio::test]
async fn a_component_sees_its_own_variables_only_and_no_environment() {
    let functions = load("").await;
    let ask = async |name: &str| {
        let request = Request::get("/a/variable").header("x-name", name);
        call(&functions, request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(ask("motto").await.1, "hello, world");
    assert!(ask("hidden").await.1.contains("Undefined"));
    assert!(ask("greeting").await.1.contains("Undefined"));
    assert!(ask("Not A Name").await.1.contains("InvalidName"));
    assert_eq!(get_(&functions, "/a/env").await.1, "0");
}

#[tokio::test]
async fn a_call_to_a_host_that_the_manifest_does_not_name_is_denied() {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = reached.clone();
    let count = move || {
        count.fetch_add(1, SeqCst);
        async { "reached" }
    };
    let url = elsewhere(Router::new().route("/", get(count))).await;
    let functions = load("\"https://example.com\", \"http://127.0.0.1:1\"").await;
    let (status, body) = fetch(&functions, &url, "").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(body.contains("HttpRequestDenied"), "{body}");
    assert_eq!(reached.load(SeqCst), 0);
}

#[tokio::test]
async fn what_only_a_star_lets_out_goes_to_no_name_or_number_that_leads_inside_unless_that_is_let() {
    let number = elsewhere(Router::new().route("/", get(|| async { "reached" }))).await;
    let name = number.replace("127.0.0.1", "localhost");
    assert_ne!(name, number);
    let asked = async |hosts: &str, inside: bool, url: &str| {
        let options = Options { inside, ..options(&manifest(hosts)) };
        fetch(&Functions::load(options).await.unwrap(), url, "").await
    };
    for (url, why) in [(&name, "DnsError"), (&number, "HttpRequestDenied")] {
        assert_eq!(asked(ALL, true, url).await, (StatusCode::OK, "reached".into()));
        let (status, body) = asked(ALL, false, url).await;
        assert!(status == StatusCode::BAD_GATEWAY && body.contains(why), "{url}: {body}");
        // Whoever names the host is believed.
        assert_eq!(asked(&format!("\"{url}\""), false, url).await, (StatusCode::OK, "reached".into()));
    }
    for odd in ["2130706433", "127.1", "0x7f.1", "127.0.0.1.", "[::ffff:127.0.0.1]"] {
        let (status, body) = asked(ALL, false, &number.replace("127.0.0.1", odd)).await;
        assert!(status == StatusCode::BAD_GATEWAY && body.contains("HttpRequestDenied"), "{odd}: {body}");
    }
}

#[tokio::test]
async fn an_allowed_call_goes_out_with_its_body_and_brings_the_answer() {
    let shout = post(|body: String| async move { (StatusCode::CREATED, body.to_uppercase()) });
    let url = elsewhere(Router::new().route("/", shout)).await;
    let functions = load(&format!("\"{url}\"")).await;
    let answer = fetch(&functions, &url, "quiet").await;
    assert_eq!(answer, (StatusCode::CREATED, "QUIET".into()));
}

#[tokio::test]
async fn redirects_are_the_guests_to_follow() {
    let away = get(|| async { axum::response::Redirect::temporary("/there") });
    let url = elsewhere(Router::new().route("/", away)).await;
    let functions = load(ALL).await;
    assert_eq!(fetch(&functions, &url, "").await.0.as_u16(), 307);
}

#[tokio::test]
async fn what_never_left_differs_from_what_may_have_arrived() {
    let functions = load(ALL).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let (_, refused) = fetch(&functions, &url, "").await;
    assert!(refused.contains("ConnectionRefused"), "{refused}");

    let (_, nowhere) = fetch(&functions, "http://no-such-host.invalid", "").await;
    assert!(nowhere.contains("DnsError"), "{nowhere}");

    // Takes the request, and hangs up.
    let rude = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", rude.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = rude.accept().await.unwrap();
        tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await.unwrap();
    });
    let (_, cut) = fetch(&functions, &url, "").await;
    assert!(cut.contains("ConnectionTerminated"), "{cut}");
}

#[tokio::test]
async fn a_call_to_the_own_address_is_served_in_this_process() {
    let functions = load("\"http://localhost:3000\"").await;
    let (_, early) = fetch(&functions, "http://localhost:3000/x", "").await;
    assert!(early.contains("ConnectionRefused"), "{early}");
    let local = Router::new().route("/x", post(|uri: http::Uri, body: String| async move { format!("{uri} {body}") }));
    functions.set_local(local);
    let answer = fetch(&functions, "http://localhost:3000/x?q", "hi").await;
    assert_eq!(answer, (StatusCode::OK, "/x?q hi".into()));
    let (_, denied) = fetch(&functions, "http://127.0.0.1:3000/x", "hi").await;
    assert!(denied.contains("HttpRequestDenied"), "{denied}");
}

#[tokio::test]
async fn what_arrived_at_the_own_address_is_carried_through_when_the_guest_leaves() {
    let functions = load(ALL).await;
    let done = Arc::new(AtomicUsize::new(0));
    let count = done.clone();
    let slow = post(move || async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        count.fetch_add(1, SeqCst);
    });
    functions.set_local(Router::new().route("/slow", slow));
    let request = Request::get("/a/abandon").header("x-url", "http://localhost:3000/slow");
    let answer = call(&functions, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.1, "abandoned");
    assert_eq!(done.load(SeqCst), 0);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(done.load(SeqCst), 1);
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing_and_the_next_request_is_served() {
    let log = Log::default();
    let _guard = log.listen();
    let functions = load("").await;
    let (status, body) = get_(&functions, "/a/panic").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body, r#"{"type":"about:blank","title":"The function stopped","status":500,"code":"function_trap"}"#);
    assert_eq!(get_(&functions, "/a/served").await.1, "1", "a new instance");
    assert_eq!(functions.stats()["a"].traps, 1);
    let log = log.text();
    assert!(log.contains("a secret detail"), "the guest's own words: {log}");
    assert!(log.contains("wasm backtrace") && log.contains("function=\"a\""), "{log}");
    assert_eq!(log.matches("ERROR").count(), 1, "said once: {log}");
}

#[tokio::test]
async fn an_endless_loop_is_ended_and_others_go_on_meanwhile() {
    let functions = load("").await;
    let endless = tokio::spawn({
        let functions = functions.clone();
        async move { get_(&functions, "/a/loop").await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let asked = Instant::now();
    assert_eq!(get_(&functions, "/b/hello").await.1, "hello");
    assert_eq!(get_(&functions, "/a/hello").await.1, "hello");
    assert!(asked.elapsed() < Duration::from_millis(500));
    let (status, body) = endless.await.unwrap();
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT, "{body}");
    assert!(body.contains("function_timeout"));
    assert_eq!(functions.stats()["a"].timeouts, 1);
    assert_eq!(functions.stats()["a"].traps, 0);
}

#[tokio::test]
async fn what_a_guest_computes_is_counted_and_what_it_waits_for_is_not() {
    let functions = load("").await;
    assert_eq!(get_(&functions, "/a/hello").await.1, "hello");
    assert_eq!(functions.stats()["a"].guest, Duration::ZERO);
    functions.meter();
    let spent = async |path: &str| {
        let before = functions.stats()["execute"].guest;
        assert_eq!(get_(&functions, path).await.0, StatusCode::GATEWAY_TIMEOUT);
        functions.stats()["execute"].guest - before
    };
    let (waits, computes) = (spent("/b/forever").await, spent("/b/loop").await);
    assert!(waits > Duration::ZERO && waits < Duration::from_millis(50), "{waits:?}");
    assert!(computes > Duration::from_millis(100), "{computes:?}");
}

#[tokio::test]
async fn a_function_that_waits_for_too_long_is_given_up() {
    let functions = load("").await;
    let (status, _) = get_(&functions, "/a/forever").await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(get_(&functions, "/a/hello").await.1, "hello");
    // The instance that hangs is gone once its time is over again.
    tokio::time::sleep(Duration::from_millis(1000)).await;
    assert_eq!(functions.stats()["a"].instances, 1);
}

#[tokio::test]
async fn a_memory_hog_stops_at_its_limit() {
    let functions = load("").await;
    let (status, body) = get_(&functions, "/a/hog").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
    assert!(body.contains("function_trap"));
    assert_eq!(get_(&functions, "/a/hello").await.1, "hello");
}

#[tokio::test]
async fn a_stream_flows_event_by_event() {
    let functions = load("").await;
    let request = to_us(Request::get("/a/sse")).body(Body::empty()).unwrap();
    let response = functions.router().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut arrivals = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        arrivals.push((data, Instant::now()));
    }
    let events: Vec<_> = arrivals.iter().map(|(data, _)| data.clone()).collect();
    let expected: Vec<_> = (0..5).map(|n| Bytes::from(format!("data: {n}\n\n"))).collect();
    assert_eq!(events, expected);
    assert!(arrivals[4].1 - arrivals[0].1 >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_the_instance_whole() {
    let functions = load("").await;
    let request = to_us(Request::get("/a/sse")).body(Body::empty()).unwrap();
    let mut response = functions.router().oneshot(request).await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    let early = tokio::time::timeout(Duration::from_millis(20), get_(&functions, "/a/inside"));
    assert!(early.await.is_err(), "the client has gone before the answer");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(get_(&functions, "/a/served").await.1, "3", "the same instance");
    assert_eq!(functions.stats()["a"].traps, 0);
}

#[tokio::test]
async fn requests_share_an_instance_unless_the_function_is_exclusive() {
    let functions = load("").await;
    // One request to wake each, so that there is an instance to share.
    get_(&functions, "/a/hello").await;
    get_(&functions, "/b/hello").await;
    let at_once = async |path: &'static str| {
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let functions = functions.clone();
                tokio::spawn(async move { get_(&functions, path).await.1 })
            })
            .collect();
        let mut seen = Vec::new();
        for call in calls {
            seen.push(call.await.unwrap());
        }
        seen.sort();
        seen
    };
    let shared = at_once("/a/inside").await;
    assert!(shared.iter().any(|inside| inside != "1"), "{shared:?}");
    assert_eq!(at_once("/b/inside").await, ["1", "1", "1", "1"]);
}

#[tokio::test]
async fn an_instance_is_replaced_after_its_share_of_requests() {
    let mut options = options(&manifest(""));
    options.limits.reuse = 3;
    let functions = Functions::load(options).await.unwrap();
    let mut served = Vec::new();
    for _ in 0..5 {
        served.push(get_(&functions, "/a/served").await.1);
    }
    assert_eq!(served, ["1", "2", "3", "1", "2"]);
}

#[tokio::test]
async fn what_a_guest_prints_is_logged_with_its_name() {
    let log = Log::default();
    let _guard = log.listen();
    let functions = load("").await;
    get_(&functions, "/a/print").await;
    let log = log.text();
    for (stream, line) in [("stdout", "to stdout"), ("stderr", "to stderr")] {
        let found = log.lines().any(|l| l.contains(line) && l.contains("function=\"a\"") && l.contains(stream));
        assert!(found, "{log}");
    }
}

#[tokio::test]
async fn compiled_code_is_kept_and_a_corrupt_file_is_no_harm() {
    let mut options = options(&manifest(""));
    options.cache_dir = options.manifest.folder.join("cache");
    let functions = Functions::load(options.clone()).await.unwrap();
    drop(functions);
    let kept = contents(&options.cache_dir);
    assert_eq!(kept.len(), 2, "one for each component");
    type Damage = fn(&[u8]) -> Vec<u8>;
    let damages: [Damage; 4] = [
        |_| b"not compiled code".to_vec(),
        |_| Vec::new(),
        |whole| whole[..whole.len() / 2].to_vec(),
        |whole| {
            let mut flipped = whole.to_vec();
            flipped[whole.len() / 2] ^= 0x10;
            flipped
        },
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        for (file, whole) in &kept {
            std::fs::write(file, damage(whole)).unwrap();
        }
        let functions = Functions::load(options.clone()).await.unwrap();
        assert_eq!(get_(&functions, "/a/hello").await.1, "hello");
        assert!(contents(&options.cache_dir) == kept, "the code of damage {number} was not compiled anew");
    }
    // What is whole is taken up as it is.
    let written = |file: &PathBuf| std::fs::metadata(file).unwrap().modified().unwrap();
    let before: Vec<_> = kept.keys().map(written).collect();
    Functions::load(options).await.unwrap();
    assert_eq!(kept.keys().map(written).collect::<Vec<_>>(), before);
}

#[tokio::test]
async fn a_missing_component_says_how_to_build_it() {
    let path = manifest("");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("fixture_guest.wasm", "no.wasm")).unwrap();
    let error = Functions::load(options(&path)).await.err().unwrap();
    let error = format!("{error:#}");
    assert!(error.contains("no.wasm") && error.contains("makegood build"), "{error}");
}

#[test]
fn a_components_imports_are_listed() {
    let imports = imports_of(&std::fs::read(guest()).unwrap()).unwrap();
    assert!(imports.contains(&"spin:variables/variables@3.0.0".to_owned()));
    assert!(imports.iter().all(|i| i.starts_with("wasi:") || i.starts_with("spin:")));
    assert!(imports_of(b"nothing").is_err());
}

/// The files in a folder, with what is in them.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Everything logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
