//! What is kept, for how long, and over a restart.

use std::{
    fs,
    path::{Path, PathBuf},
};

use axum::Router;
use makegood_cloud::{
    Otlp,
    otlp::{Bounds, Options},
};
use serde_json::json;

use super::{JSON, TRACE, accept, get, post, receiver, request, span};

/// A folder that is removed at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("makegood-otlp-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn options(&self) -> Options {
        Options { data_dir: Some(self.0.clone()), ..Options::default() }
    }

    fn open(&self) -> Otlp {
        Otlp::open(self.options()).unwrap()
    }

    fn segments(&self, of: &str) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(self.0.join(of)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The bytes in a folder's files.
fn weight(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn id(number: u64) -> String {
    format!("{number:032x}")
}

async fn send(router: &Router, trace: u64, number: u64, name: &str) {
    accept(router, request("s", json!([span(&id(trace), &format!("{number:016x}"), name, number)]))).await;
}

/// The names of a trace's spans, in order of arrival; none where it is not kept.
async fn spans(router: &Router, trace: u64) -> Vec<String> {
    let answer = get(router, &format!("/api/traces/{}", id(trace))).await;
    if answer.status == 404 {
        return Vec::new();
    }
    let batches = answer.json()["batches"].clone();
    let spans = batches.as_array().unwrap().iter().map(|batch| &batch["scopeSpans"][0]["spans"][0]["name"]);
    spans.map(|name| name.as_str().unwrap().to_owned()).collect()
}

async fn say(router: &Router, text: &str) {
    let records = json!([{"traceId": TRACE, "timeUnixNano": "1", "body": {"stringValue": text}}]);
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    assert_eq!(post(router, "/v1/logs", JSON, body.to_string()).await.status, 200);
}

#[tokio::test]
async fn the_oldest_traces_go_first_and_go_whole() {
    let options = Options { traces: Bounds { bytes: 1 << 20, number: 32 }, ..Options::default() };
    let otlp = Otlp::open(options).unwrap();
    let router = otlp.router();
    for trace in 1..=40 {
        send(&router, trace, 1, "begun").await;
        // The first one goes on for as long as it is there.
        if trace < 30 {
            send(&router, 1, trace + 1, "more").await;
        }
    }
    assert_eq!(spans(&router, 1).await, Vec::<String>::new());
    assert_eq!(spans(&router, 40).await, ["begun"]);
    let kept = otlp.number_of_traces();
    assert!((30..=32).contains(&kept), "{kept}");
    assert_eq!(spans(&router, 40 - kept as u64).await, Vec::<String>::new());
    assert_eq!(spans(&router, 41 - kept as u64).await, ["begun"]);
}

#[tokio::test]
async fn the_same_is_kept_on_disk_and_in_memory() {
    let folder = Folder::new("bounds");
    let bounds = Bounds { bytes: 16_000, number: 10_000 };
    let options = Options { traces: bounds, logs: bounds, ..folder.options() };
    let otlp = Otlp::open(options.clone()).unwrap();
    let router = otlp.router();
    let (long, name) = (1_000_000, "x".repeat(200));
    for trace in 1..=200 {
        send(&router, trace, 1, &name).await;
        send(&router, long, trace, "of a long one").await;
        say(&router, &name).await;
        assert!(weight(&folder.0.join("traces")) <= bounds.bytes);
        assert!(weight(&folder.0.join("logs")) <= bounds.bytes);
    }
    let kept = otlp.number_of_traces();
    assert!((20..60).contains(&kept), "{kept}");
    let logs = get(&router, "/api/logs?limit=1000").await.json();
    let before = spans(&router, long).await;
    drop((otlp, router));

    let otlp = Otlp::open(options).unwrap();
    let router = otlp.router();
    assert_eq!(otlp.number_of_traces(), kept);
    assert_eq!(spans(&router, long).await, before, "a trace does not come back in part");
    assert_eq!(get(&router, "/api/logs?limit=1000").await.json(), logs);
    assert_eq!(spans(&router, 200).await.len(), 1);
}

#[tokio::test]
async fn smaller_bounds_are_kept_to_after_a_restart() {
    let folder = Folder::new("smaller");
    let bounds = |number| Bounds { bytes: 1 << 20, number };
    let otlp = Otlp::open(Options { traces: bounds(160), ..folder.options() }).unwrap();
    for trace in 1..=100 {
        send(&otlp.router(), trace, 1, "n").await;
    }
    drop(otlp);
    let otlp = Otlp::open(Options { traces: bounds(50), ..folder.options() }).unwrap();
    assert!((40..=50).contains(&otlp.number_of_traces()));
    assert_eq!(spans(&otlp.router(), 100).await, ["n"]);
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_what_comes_then_is_kept() {
    let folder = Folder::new("torn");
    let otlp = folder.open();
    send(&otlp.router(), 1, 1, "first").await;
    send(&otlp.router(), 2, 1, "torn").await;
    drop(otlp);
    let path = folder.segments("traces").pop().unwrap();
    let content = fs::read(&path).unwrap();
    fs::write(&path, &content[..content.len() - 3]).unwrap();

    let otlp = folder.open();
    assert_eq!((spans(&otlp.router(), 1).await.len(), spans(&otlp.router(), 2).await.len()), (1, 0));
    send(&otlp.router(), 3, 1, "third").await;
    drop(otlp);
    let otlp = folder.open();
    assert_eq!((spans(&otlp.router(), 1).await.len(), spans(&otlp.router(), 3).await.len()), (1, 1));
}

#[tokio::test]
async fn damage_in_the_newest_is_told_of_and_nothing_is_cut_off() {
    let folder = Folder::new("newest");
    let otlp = folder.open();
    for trace in 1..=10 {
        send(&otlp.router(), trace, 1, "n").await;
    }
    drop(otlp);
    let path = folder.segments("traces").pop().unwrap();
    let mut content = fs::read(&path).unwrap();
    content[40] ^= 1;
    fs::write(&path, &content).unwrap();
    let error = Otlp::open(folder.options()).err().unwrap().to_string();
    assert!(error.contains("is damaged at byte 0") && error.contains("truncate -s 0"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn damage_elsewhere_is_told_of() {
    let folder = Folder::new("damage");
    let options = Options { traces: Bounds { bytes: 1 << 20, number: 32 }, ..folder.options() };
    let otlp = Otlp::open(options.clone()).unwrap();
    for trace in 1..=8 {
        send(&otlp.router(), trace, 1, "n").await;
    }
    drop(otlp);
    let segments = folder.segments("traces");
    assert!(segments.len() > 2);
    let mut content = fs::read(&segments[0]).unwrap();
    content[40] ^= 1;
    fs::write(&segments[0], content).unwrap();
    let error = Otlp::open(options.clone()).err().unwrap().to_string();
    assert!(error.contains("is damaged at byte 0") && error.contains("move it away"), "{error}");
    fs::remove_file(&segments[0]).unwrap();
    assert_eq!(spans(&Otlp::open(options).unwrap().router(), 8).await, ["n"]);
}

#[tokio::test]
async fn a_folder_is_used_by_one() {
    let folder = Folder::new("lock");
    let first = folder.open();
    let error = Otlp::open(folder.options()).err().unwrap().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    drop(first);
    folder.open();
}

#[tokio::test]
async fn without_a_folder_nothing_is_written() {
    let router = receiver();
    send(&router, 1, 1, "n").await;
    assert_eq!(spans(&router, 1).await, ["n"]);
}
