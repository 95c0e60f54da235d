//! What the embedded database answered is there after the process was killed, again and again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the child says what it inserted, and the parent how many"
)]

#[path = "store/folder.rs"]
mod folder;

use folder::Folder;
use makegood_postgres::Postgres;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

const FOLDER: &str = "MAKEGOOD_KILL_TEST_FOLDER";
const KILLS: u32 = 5;
const FIRST_STARTS: u32 = 8;

#[test]
fn every_acknowledged_insert_survives_kill_9() {
    let folder = Folder::new();
    let mut acknowledged = Vec::new();
    for kill in 1..=KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "inserts_until_killed", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let id = child.id();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut line, mut here) = (String::new(), Vec::new());
        while lines.read_line(&mut line).unwrap() > 0 {
            if let Some(n) = line.strip_prefix("inserted ").and_then(|n| n.strip_suffix('\n')) {
                here.push(n.to_owned());
                if here.len() == 1 {
                    std::thread::spawn(move || {
                        std::thread::sleep(Duration::from_millis(u64::from(kill) * 70));
                        Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
                    });
                }
            }
            line.clear();
        }
        assert!(!child.wait().unwrap().success());
        assert!(!here.is_empty(), "the child was killed before it inserted anything");
        acknowledged.extend(here);
    }

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let postgres = Postgres::embedded(folder.path()).await.unwrap();
        let rows = postgres.query("select n from inserted", &[]).await.unwrap();
        let stored: std::collections::HashSet<_> = rows.rows.into_iter().flatten().flatten().collect();
        let lost: Vec<_> = acknowledged.iter().filter(|n| !stored.contains(*n)).collect();
        assert!(lost.is_empty(), "{} of {} inserts lost", lost.len(), acknowledged.len());
        // One insert may have been in flight at each kill.
        assert!(stored.len() <= acknowledged.len() + KILLS as usize);
        postgres.close().await;
    });
    eprintln!("{} acknowledged inserts over {KILLS} kills", acknowledged.len());
}

#[test]
fn a_first_start_that_was_killed_is_made_good_by_the_next() {
    // Spread over all that a first start does, and a little of what comes after it.
    for kill in 1..=FIRST_STARTS {
        let folder = Folder::new();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "inserts_until_killed", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(u64::from(kill) * 120));
        child.kill().unwrap();
        child.wait().unwrap();

        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let postgres =
                Postgres::embedded(folder.path()).await.unwrap_or_else(|error| panic!("kill {kill}: {error}"));
            // Reads and writes the catalog.
            postgres.batch("create table after (n bigint primary key); insert into after values (1)").await.unwrap();
            let rows = postgres.query("select n from after", &[]).await.unwrap();
            assert_eq!(rows.first(), Some("1"));
            postgres.close().await;
        });
    }
}

#[tokio::test]
#[ignore = "the child that the kill test starts"]
async fn inserts_until_killed() {
    let folder = std::env::var_os(FOLDER).expect("started by the kill test");
    let postgres = Postgres::embedded(folder.as_ref()).await.unwrap();
    postgres.batch("create table if not exists inserted (n bigserial primary key)").await.unwrap();
    loop {
        let sql = "insert into inserted default values returning n";
        let rows = postgres.query(sql, &[]).await.unwrap();
        println!("inserted {}", rows.first().unwrap());
    }
}
