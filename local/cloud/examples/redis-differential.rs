//! Holds the embedded Redis against a real one, by as many random sequences of commands as one wants.
//! It starts a `redis-server` of its own. The last line is JSON.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command line: it talks to people")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "it is a test that was given a command line")]

#[path = "../tests/redis/compare.rs"]
mod compare;
#[path = "../tests/redis/deliberate.rs"]
mod deliberate;
#[path = "../tests/redis/random/mod.rs"]
mod random;
#[path = "../tests/redis/server.rs"]
mod server;

use std::{process::ExitCode, sync::Arc, thread, time::Instant};

use clap::Parser;
use compare::Sides;
use random::Sequence;
use serde_json::json;
use server::Server;

#[derive(Parser)]
struct Options {
    /// How many sequences
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    sequences: u64,
    /// The first one's seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    from: u64,
    /// Threads, each with a real Redis of its own
    #[arg(long, value_name = "T", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=64))]
    threads: u64,
}

/// So many differences are shown by each thread; all are counted.
const SHOWN: u64 = 10;

/// What one thread has found.
#[derive(Default)]
struct Found {
    sequences: u64,
    commands: usize,
    differences: u64,
    /// Differences that did not come again when the sequence was repeated: the clock's.
    not_repeated: u64,
}

fn main() -> ExitCode {
    let options = Arc::new(Options::parse());
    let begin = Instant::now();
    let threads = (0..options.threads).map(|thread| {
        let options = options.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&options, thread))
        })
    });
    let threads: Vec<_> = threads.collect();
    let mut all = Found::default();
    for thread in threads {
        let Some(found) = thread.join().unwrap() else {
            eprintln!("MAKEGOOD_NO_SYSTEM_SERVICES forbids the real Redis, without which there is nothing to compare.");
            return ExitCode::FAILURE;
        };
        all.sequences += found.sequences;
        all.commands += found.commands;
        all.differences += found.differences;
        all.not_repeated += found.not_repeated;
    }
    println!("May differ:");
    for deliberate in deliberate::TABLE {
        println!("- {}: {}", deliberate.what, deliberate.why);
    }
    let summary = json!({
        "sequences": all.sequences,
        "commands": all.commands,
        "differences": all.differences,
        "not_repeated": all.not_repeated,
        "seconds": begin.elapsed().as_secs(),
    });
    println!("{summary}");
    if all.differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the sequences of one thread: every so many-th.
async fn run(options: &Options, thread: u64) -> Option<Found> {
    let server = Server::start()?;
    let sides = Sides::new(&server.url).await.unwrap();
    let mut found = Found::default();
    for place in 0..options.sequences {
        if place % options.threads != thread {
            continue;
        }
        let seed = options.from + place;
        let sequence = Sequence::of(seed);
        found.sequences += 1;
        found.commands += sequence.commands.len();
        if sides.difference(&sequence).await.is_some() {
            if sides.difference(&sequence).await.is_none() {
                println!("seed {seed}: a difference that did not come again");
                found.not_repeated += 1;
                continue;
            }
            found.differences += 1;
            if found.differences <= SHOWN {
                println!("{}", shown(&sides, seed, sequence).await);
            }
        }
        if found.sequences.is_multiple_of(5_000) {
            eprintln!("thread {thread}: {} sequences, {} differences", found.sequences, found.differences);
        }
    }
    Some(found)
}

/// The sequence in its shortest form, and what differs.
async fn shown(sides: &Sides, seed: u64, sequence: Sequence) -> String {
    let shrunk = sides.shrunk(sequence).await;
    let commands = shrunk.commands.iter().map(|command| format!("  {}", json!(command)));
    let commands: Vec<String> = commands.collect();
    let difference = sides.difference(&shrunk).await.map(|difference| difference.to_string());
    let difference = difference.unwrap_or_else(|| "it did not come again".to_owned());
    format!("seed {seed}, {:?}, {:?}:\n{}\n{difference}", shrunk.way, shrunk.encoding, commands.join("\n"))
}
