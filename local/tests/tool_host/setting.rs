//! A tool host on a database and a folder of its own, and the components that it hosts.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Path as UrlPath;
use axum::routing::any;
use http::{Request, StatusCode};
use makegood_local::tool_host::sandbox::{Limits, Sandbox};
use makegood_local::tool_host::shelf::{Pin, Shelf, hash};
use makegood_local::tool_host::world::definition;
use makegood_local::tool_host::{self, Others, ToolHost};
use makegood_postgres::Postgres;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// Builds a crate for tools, and gives its component.
fn build(crate_: &str, features: &[&str], artifact: &str) -> Vec<u8> {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools");
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--target", "wasm32-wasip2", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(crate_).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .args(["--features", &features.join(",")])
        .status()
        .unwrap();
    assert!(status.success(), "{crate_} does not compile");
    std::fs::read(target.join("wasm32-wasip2/release").join(artifact)).unwrap()
}

pub fn split_bill() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| build("tools/split_bill", &[], "split_bill.wasm"))
}

pub fn odd() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| build("tests/tool-guest", &[], "tool_guest.wasm"))
}

pub fn odd_with_files() -> Vec<u8> {
    build("tests/tool-guest", &["files"], "tool_guest.wasm")
}

/// The odd tool in another mode, as `mode:random`.
pub fn odd_in(mode: &str) -> Vec<u8> {
    let was = b"mode:as it is...";
    let mut wasm = odd().to_vec();
    let at = wasm.windows(was.len()).position(|part| part == was).unwrap();
    let mode = format!("{mode:.<16}");
    assert_eq!(mode.len(), was.len(), "{mode}");
    wasm[at..at + was.len()].copy_from_slice(mode.as_bytes());
    wasm
}

pub fn limits() -> Limits {
    Limits { time: Duration::from_secs(2), ..Limits::default() }
}

pub struct Setting {
    pub folder: TempDir,
    pub db: Postgres,
}

impl Setting {
    pub async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let db = Postgres::embedded(&folder.path().join("postgres")).await.unwrap();
        db.migrate(tool_host::MIGRATIONS).await.unwrap();
        Self { folder, db }
    }

    pub fn shelf(&self) -> Shelf {
        Shelf::new(self.folder.path().join("tools"))
    }

    pub fn code_of(&self, wasm: &[u8]) -> PathBuf {
        self.folder.path().join("tools").join(format!("{}.wasm", hash(wasm)))
    }

    /// Adds a tool, as the command does.
    pub async fn add(&self, wasm: &[u8]) -> Pin {
        let sandbox = Arc::new(Sandbox::new(limits()).unwrap());
        let tool = sandbox.load("added", wasm, Some(&cache())).unwrap();
        let said = sandbox.describe(&tool).await.unwrap();
        let sha256 = self.shelf().put(wasm).unwrap();
        let pin = Pin { definition: definition(&said, &sha256).unwrap(), sha256 };
        self.shelf().pin_to(&pin).unwrap();
        pin
    }

    /// A host that has run nothing yet.
    pub fn host(&self, limits: Limits) -> Host {
        let host = ToolHost::new(self.shelf(), cache(), self.db.clone(), limits).unwrap();
        let elsewhere = Router::new().route("/elsewhere/{tool}/{verb}", any(elsewhere));
        Host(host.router(Others { router: elsewhere, base: "/elsewhere" }))
    }
}

/// Reads its own path, as the town does.
async fn elsewhere(UrlPath((tool, verb)): UrlPath<(String, String)>) -> String {
    serde_json::json!({ "elsewhere": format!("{tool} {verb}") }).to_string()
}

fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools-compiled")
}

#[derive(Clone)]
pub struct Host(pub Router);

#[derive(Debug)]
pub struct Told {
    pub status: StatusCode,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Told {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Host {
    pub async fn act(&self, key: &str, params: &Value) -> Told {
        self.ask(Request::post("/tools/odd/do").header("idempotency-key", key), params.to_string()).await
    }

    pub async fn undo(&self, key: &str, params: &Value) -> Told {
        let body = serde_json::json!({ "params": params, "output": null });
        self.ask(Request::post("/tools/odd/undo").header("idempotency-key", key), body.to_string()).await
    }

    pub async fn status(&self, key: &str) -> Told {
        self.ask(Request::get("/tools/odd/status").header("idempotency-key", key), String::new()).await
    }

    pub async fn ask(&self, request: http::request::Builder, body: String) -> Told {
        let response = self.0.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Told { status, retry_after, body: serde_json::from_slice(&body).unwrap() }
    }
}
