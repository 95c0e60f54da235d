//! What was acknowledged survives; what was not delivered comes again.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use makegood_cloud::{QStash, qstash::Options};
use serde_json::json;

use super::harness::*;

/// A folder that is removed at the end of its test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("makegood-qstash-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    pub fn journal(&self) -> PathBuf {
        self.0.join("qstash.log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn accepting() -> Arc<Inbox> {
    Inbox::new(|_, _| reply(200))
}

#[tokio::test]
async fn unacknowledged_messages_come_again_after_reopening() {
    let folder = Folder::new("reopen");
    let stuck = Inbox::new(|seen, _| match seen.url.ends_with("/done") {
        true => reply(200),
        false => reply(200).after(60_000),
    });
    let qstash = open(&stuck, stored_in(&folder.0));
    qstash.start();
    let dedup = [("upstash-deduplication-id", "once")];
    publish(&qstash, "http://h/done", &dedup, "").await;
    let id = publish(&qstash, "http://h/in-flight", &[("upstash-forward-a", "1")], "\u{0}body").await;
    publish(&qstash, "http://h/later", &[("upstash-delay", "1h")], "").await;
    stuck.wait(2).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    drop(qstash);

    let inbox = accepting();
    let qstash = open(&inbox, stored_in(&folder.0));
    assert_eq!(qstash.depth(), 2);
    qstash.start();
    let seen = inbox.wait(1).await;
    assert_eq!(seen[0].url, "http://h/in-flight");
    assert_eq!(seen[0].header("upstash-message-id"), id);
    assert_eq!((seen[0].header("a"), &seen[0].body[..]), ("1", &b"\0body"[..]));
    let (status, _) = call(&qstash, "POST", "/v2/publish/http://h/done", &dedup, "").await;
    assert_eq!(status, 202, "the window outlives the process");
}

#[tokio::test]
async fn retries_queues_schedules_dead_letters_and_keys_survive() {
    let folder = Folder::new("everything");
    let failing = Inbox::new(|_, _| reply(500));
    let qstash = open(&failing, stored_in(&folder.0));
    qstash.start();
    publish(&qstash, "http://h/retry", &[("upstash-retry-delay", "60000")], "").await;
    publish(&qstash, "http://h/dead", &[("upstash-retries", "0")], "").await;
    let queue = json!({"queueName": "q", "parallelism": 2});
    call(&qstash, "POST", "/v2/queues", &[], queue.to_string()).await;
    let cron = [("upstash-cron", "0 0 1 1 *"), ("upstash-schedule-id", "s")];
    call(&qstash, "POST", "/v2/schedules/http://h/s", &cron, "").await;
    call(&qstash, "POST", "/v2/schedules/s/pause", &[], "").await;
    call(&qstash, "POST", "/v2/keys/rotate", &[], "").await;
    failing.wait(2).await;
    qstash.stop().await;
    let before = (get(&qstash, "/v2/keys").await, get(&qstash, "/v2/dlq").await);
    drop(qstash);

    let inbox = accepting();
    let qstash = open(&inbox, stored_in(&folder.0));
    qstash.start();
    assert_eq!((get(&qstash, "/v2/keys").await, get(&qstash, "/v2/dlq").await), before);
    assert_eq!(get(&qstash, "/v2/queues/q").await["parallelism"], 2);
    let schedule = get(&qstash, "/v2/schedules/s").await;
    assert_eq!((&schedule["cron"], &schedule["isPaused"]), (&json!("0 0 1 1 *"), &json!(true)));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(inbox.seen().is_empty(), "the retry still waits for its time");
    assert_eq!(qstash.depth(), 1);
}

#[tokio::test]
async fn a_torn_last_record_is_cut_off_and_damage_elsewhere_is_reported() {
    let folder = Folder::new("torn");
    let inbox = accepting();
    let qstash = open(&inbox, stored_in(&folder.0));
    publish(&qstash, "http://h/1", &[], "").await;
    drop(qstash);
    let mut journal = fs::OpenOptions::new().append(true).open(folder.journal()).unwrap();
    journal.write_all(br#"[{"put":{"id":"msg_torn","#).unwrap();

    let qstash = open(&inbox, stored_in(&folder.0));
    assert_eq!(qstash.depth(), 1);
    publish(&qstash, "http://h/2", &[], "").await;
    drop(qstash);
    let qstash = open(&inbox, stored_in(&folder.0));
    assert_eq!(qstash.depth(), 2);
    drop(qstash);

    let text = fs::read_to_string(folder.journal()).unwrap();
    fs::write(folder.journal(), text.replacen("put", "pat", 1)).unwrap();
    let error = QStash::open(stored_in(&folder.0), inbox).err().unwrap().to_string();
    assert!(error.contains("damaged at byte 0"), "{error}");
}

#[tokio::test]
async fn a_folder_serves_one_process_at_a_time() {
    let folder = Folder::new("locked");
    let inbox = accepting();
    let first = open(&inbox, stored_in(&folder.0));
    let error = QStash::open(stored_in(&folder.0), inbox.clone()).err().unwrap().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    drop(first);
    open(&inbox, stored_in(&folder.0));
}

#[tokio::test]
async fn the_journal_does_not_grow_with_what_is_done() {
    let folder = Folder::new("compact");
    let inbox = accepting();
    let qstash = open(&inbox, stored_in(&folder.0));
    qstash.start();
    let kept = publish(&qstash, "http://h/kept", &[("upstash-delay", "1h")], "kept").await;
    let body = "x".repeat(100_000);
    for i in 1..=100 {
        publish(&qstash, "http://h/p", &[], &body).await;
        inbox.wait(i).await;
    }
    qstash.stop().await;
    drop(qstash);
    let size = fs::metadata(folder.journal()).unwrap().len();
    assert!(size < 6 << 20, "{size} bytes after 13 MB");
    let qstash = open(&inbox, stored_in(&folder.0));
    assert_eq!(get(&qstash, &format!("/v2/messages/{kept}")).await["body"], "kept");
}

const CHILD: &str = "MAKEGOOD_QSTASH_CHILD";

/// Not a test of its own: the process that is killed below.
#[tokio::test]
async fn child_that_publishes_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let options = Options { data_dir: Some(folder.into()), ..Options::default() };
    let qstash = open(&accepting(), options);
    let mut out = std::io::stdout();
    for i in 0.. {
        publish(&qstash, &format!("http://h/{i}"), &[], "b").await;
        writeln!(out, "acknowledged {i}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = Folder::new("killed");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::child_that_publishes_until_it_is_killed", "--nocapture"])
        .env(CHILD, &folder.0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        if let Some(at) = line.find("acknowledged ") {
            acknowledged = line[at + 13..].parse::<usize>().unwrap() + 1;
            if acknowledged == 300 {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    assert!(acknowledged >= 300);
    let inbox = accepting();
    let qstash = open(&inbox, stored_in(&folder.0));
    qstash.start();
    drained(&qstash).await;
    for i in 0..acknowledged {
        assert_eq!(inbox.to(&format!("http://h/{i}")).len(), 1, "message {i}");
    }
}
