//! What is read back from the append-only file is what was there: random
//! sequences of every family, and what they do not reach.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tempfile::TempDir;

use super::{Engine, rewrite, unix_millis};
use crate::redis::{Command, Failure, reply::Reply};

#[path = "../../../tests/redis/random/mod.rs"]
#[expect(dead_code, reason = "how a sequence is sent is for the tests from outside")]
mod random;

use random::{Sequence, Way};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &Path) -> Arc<Engine> {
    Arc::new(Engine::open(folder).unwrap())
}

fn command(words: &[&str]) -> Command {
    words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

fn run(engine: &Arc<Engine>, words: &[&str]) -> Reply {
    engine.run(&[command(words)], false).unwrap().remove(0)
}

/// Closes the engine and opens it again, which must have the same data.
fn reopened(engine: Arc<Engine>, folder: &Path, about: &str) -> Arc<Engine> {
    // The lock must be free: nothing else may hold the engine.
    let mut before = Arc::into_inner(engine).unwrap().data.into_inner().unwrap();
    drop(before.journal.take());
    let after = open(folder);
    {
        let mut after = after.data();
        let now = unix_millis();
        for store in [&mut before.store, &mut after.store] {
            store.advance(now);
            store.expire_due();
        }
        if let Err(difference) = before.store.holds_what(&after.store) {
            panic!("{about}: was / is\n{difference}");
        }
    }
    after
}

#[test]
fn any_sequence_comes_back_as_it_was() {
    let folder = folder();
    let mut engine = open(folder.path());
    let chance: &[&[&str]] = &[
        &["SPOP", "ka"],
        &["SPOP", "kb", "2"],
        &["SPOP", "kc", "0"],
        &["XADD", "sa", "*", "f", "v"],
        &["SET", "kd", "v", "PX", "3"],
        &["PEXPIRE", "ke", "2"],
        &["EVAL", "return redis.call('SPOP', KEYS[1])", "1", "ka"],
        &["EVAL", "redis.call('SADD', KEYS[1], 1, 2, 3) redis.call('SPOP', KEYS[1]) error('then')", "1", "kb"],
        &["EVAL", "for i = 1, 3 do redis.call('XADD', KEYS[1], '*', 'i', math.random()) end", "1", "sa"],
        &["FLUSHALL"],
    ];
    for seed in 0..400 {
        let sequence = Sequence::of(seed);
        let commands = sequence.commands.iter();
        let mut commands: Vec<Command> =
            commands.map(|words| command(&words.iter().map(String::as_str).collect::<Vec<_>>())).collect();
        for (i, words) in chance.iter().enumerate().filter(|(i, _)| (seed + *i as u64).is_multiple_of(3)) {
            commands.insert((seed as usize * 7 + i * 11) % commands.len(), command(words));
        }
        let size = if let Way::MultiExec(size) = sequence.way { size } else { commands.len() };
        for part in commands.chunks(size) {
            // One that is refused changes nothing.
            let _ = engine.run(part, size < commands.len());
        }
        if seed % 5 == 4 {
            rewrite::rewrite(&Arc::downgrade(&engine)).unwrap();
            engine.data().store.forget_touched();
        }
        // Some keys are due now, in one and in the other.
        engine = reopened(engine, folder.path(), &format!("seed {seed}"));
    }
}

#[test]
fn a_script_is_recorded_as_what_it_did() {
    let folder = folder();
    let engine = open(folder.path());
    let script = "redis.call('SET', KEYS[1], 'v') return redis.call('GET', KEYS[1])";
    run(&engine, &["EVAL", script, "1", "k"]);
    let content = fs::read(folder.path().join("redis.log")).unwrap();
    let text = String::from_utf8_lossy(&content);
    assert!(text.contains("SET") && !text.contains("EVAL") && !text.contains("GET"), "{text}");
    let engine = reopened(engine, folder.path(), "a script");
    // The data is kept, the script is not.
    let digest = "7e0a24ae60b1bb0c5d1d5ae5c4d1a2d3a86bf0e8";
    assert!(matches!(run(&engine, &["EVALSHA", digest, "0"]), Reply::Error(text) if text.starts_with("NOSCRIPT")));
}

#[test]
fn what_only_reads_is_not_recorded() {
    let folder = folder();
    let engine = open(folder.path());
    run(&engine, &["SET", "k", "v"]);
    let size = || fs::metadata(folder.path().join("redis.log")).unwrap().len();
    let before = size();
    for words in [
        &["GET", "k"][..],
        &["SET", "k", "w", "NX"],
        &["DEL", "none"],
        &["PERSIST", "k"],
        &["INCR", "k"],
        &["SCRIPT", "LOAD", "return 1"],
        &["EVAL", "return redis.call('GET', 'k')", "0"],
        &["PUBLISH", "c", "m"],
    ] {
        run(&engine, words);
        assert_eq!(size(), before, "{words:?}");
    }
}

/// The file of three increments, with a way to write it anew.
fn three() -> (TempDir, Vec<u8>) {
    let folder = folder();
    let engine = open(folder.path());
    for _ in 0..3 {
        run(&engine, &["INCR", "n"]);
    }
    drop(engine);
    let content = fs::read(folder.path().join("redis.log")).unwrap();
    (folder, content)
}

#[test]
fn a_record_that_was_not_finished_is_cut_off_wherever_it_ends() {
    let (folder, content) = three();
    let path = folder.path().join("redis.log");
    let record = content.len() / 3;
    for end in 0..content.len() {
        fs::write(&path, &content[..end]).unwrap();
        let engine = open(folder.path());
        let (whole, next) = (end / record, (end / record + 1) as i64);
        assert_eq!(fs::metadata(&path).unwrap().len(), (whole * record) as u64);
        assert_eq!(run(&engine, &["INCR", "n"]), Reply::Int(next));
    }
}

#[test]
fn damage_is_an_error_that_says_where_and_what_to_do() {
    let (folder, content) = three();
    let path = folder.path().join("redis.log");
    let record = content.len() / 3;
    for at in 0..content.len() {
        let mut damaged = content.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        let error = Engine::open(folder.path()).map(|_| ()).unwrap_err().to_string();
        let cut = format!("truncate -s {}", at / record * record);
        assert!(error.contains("redis.log is damaged") && error.contains(&cut), "byte {at}: {error}");
        assert_eq!(fs::read(&path).unwrap(), damaged, "an error changes nothing");
    }
}

#[test]
fn a_folder_is_used_by_one_at_a_time() {
    let folder = folder();
    let engine = open(folder.path());
    let error = Engine::open(folder.path()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    drop(engine);
    open(folder.path());
}

#[test]
fn a_file_that_has_grown_is_rewritten_while_commands_go_on() {
    let folder = folder();
    let engine = open(folder.path());
    let size = || fs::metadata(folder.path().join("redis.log")).unwrap().len();
    let long = "x".repeat(1000);
    for i in 0..3000 {
        run(&engine, &["RPUSH", "list", &i.to_string()]);
        run(&engine, &["SET", &format!("key{i}"), "v"]);
    }
    let begin = Instant::now();
    let (mut n, mut largest) = (0, 0);
    while size() >= largest || largest < 4 << 20 {
        largest = largest.max(size());
        n += 1;
        run(&engine, &["SET", "same", &long]);
        run(&engine, &["INCR", "n"]);
        run(&engine, &["LPOP", "list"]);
        assert!(begin.elapsed() < Duration::from_secs(60), "{largest} bytes and no rewriting");
    }
    assert!(size() < 1 << 20, "{} bytes after rewriting", size());
    while engine.data().rewriting {
        std::thread::yield_now();
    }
    // The thread may hold the engine for a moment more.
    while Arc::strong_count(&engine) > 1 {
        std::thread::yield_now();
    }
    let engine = reopened(engine, folder.path(), "after rewriting");
    assert_eq!(run(&engine, &["GET", "n"]), Reply::bulk(n.to_string()));
    assert!(!folder.path().join("redis.log.new").exists());
}

/// Why the engine does not do it.
fn refusal(engine: &Arc<Engine>, words: &[&str]) -> String {
    match engine.run(&[command(words)], false).unwrap_err() {
        Failure::Refused(text) => text,
        Failure::Lost(text) => panic!("it was lost: {text}"),
    }
}

#[test]
fn what_cannot_be_written_is_not_answered_and_not_lost_when_it_can_be() {
    let folder = folder();
    let engine = open(folder.path());
    run(&engine, &["SET", "k", "1"]);
    engine.data().journal.as_mut().unwrap().fill_the_disk();
    for _ in 0..2 {
        let refused = refusal(&engine, &["INCR", "k"]);
        assert!(refused.starts_with("MISCONF"), "{refused}");
    }
    // Reading goes on. The first increment was done and not answered, the second was not done.
    assert_eq!(run(&engine, &["GET", "k"]), Reply::bulk("2"));
    engine.data().journal.as_mut().unwrap().empty_the_disk();
    assert_eq!(run(&engine, &["INCR", "k"]), Reply::Int(3));
    reopened(engine, folder.path(), "a full disk");
}

/// Waits for the thread that rewrites, which may hold the engine for a moment more.
fn settled(engine: &Arc<Engine>) {
    while engine.data().rewriting || Arc::strong_count(engine) > 1 {
        std::thread::yield_now();
    }
}

#[test]
fn a_full_disk_is_made_room_on_by_rewriting() {
    let folder = folder();
    let engine = open(folder.path());
    let size = || fs::metadata(folder.path().join("redis.log")).unwrap().len();
    for _ in 0..200 {
        run(&engine, &["SET", "same", &"x".repeat(1000)]);
    }
    engine.data().journal.as_mut().unwrap().fill_the_disk();
    let refused = refusal(&engine, &["INCR", "n"]);
    assert!(refused.starts_with("MISCONF"), "{refused}");
    settled(&engine);
    assert!(size() < 10_000, "{} bytes", size());
    assert_eq!(run(&engine, &["INCR", "n"]), Reply::Int(2));
    reopened(engine, folder.path(), "room on a full disk");
}

#[test]
fn a_file_that_grows_in_many_short_lives_is_rewritten_too() {
    let folder = folder();
    let size = || fs::metadata(folder.path().join("redis.log")).unwrap().len();
    for _ in 0..3 {
        let engine = open(folder.path());
        for _ in 0..2200 {
            run(&engine, &["SET", "same", &"x".repeat(1000)]);
        }
        settled(&engine);
    }
    assert!(size() < 5 << 20, "{} bytes for one key", size());
}

#[test]
fn a_script_that_writes_without_end_is_stopped_and_what_it_wrote_is_kept() {
    let folder = folder();
    let engine = open(folder.path());
    let script = "local s = string.rep('x', 20000000) for i = 1, 60 do redis.call('SET', KEYS[1], s) end";
    let reply = run(&engine, &["EVAL", script, "1", "big"]);
    assert!(matches!(&reply, Reply::Error(text) if text.contains("OOM")), "{reply:?}");
    settled(&engine);
    let engine = reopened(engine, folder.path(), "a script that was stopped");
    assert_eq!(run(&engine, &["STRLEN", "big"]), Reply::Int(20_000_000));
}
