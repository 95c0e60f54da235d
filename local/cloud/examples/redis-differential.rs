//! Holds the embedded Redis against a real one, by as many random sequences of commands as one wants.
//! It starts a `redis-server` of its own. The last line is JSON.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command line: it talks to people")]
#![expect(clippy::unwrap_used, reason = "it is a test that was given a command line")]

#[path = "../tests/redis/compare.rs"]
mod compare;
#[path = "../tests/redis/deliberate.rs"]
mod deliberate;
#[path = "../tests/redis/random/mod.rs"]
mod random;
#[path = "../tests/redis/server.rs"]
mod server;

use std::{process::ExitCode, time::Instant};

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
}

/// So many differences are shown; all are counted.
const SHOWN: u64 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let Some(server) = Server::start() else {
        eprintln!("MAKEGOOD_NO_SYSTEM_SERVICES forbids the real Redis, without which there is nothing to compare.");
        return ExitCode::FAILURE;
    };
    let sides = Sides::new(&server.url).await.unwrap();
    let begin = Instant::now();
    let (mut commands, mut differences, mut passing) = (0, 0, 0);
    for done in 0..options.sequences {
        let seed = options.from + done;
        let sequence = Sequence::of(seed);
        commands += sequence.commands.len();
        if sides.difference(&sequence).await.is_some() {
            // What the clock made is not there when it is looked for again.
            if sides.difference(&sequence).await.is_none() {
                println!("seed {seed}: a difference that did not come again");
                passing += 1;
                continue;
            }
            differences += 1;
            if differences <= SHOWN {
                show(&sides, seed, sequence).await;
            }
        }
        if (done + 1) % 10_000 == 0 {
            eprintln!("{} of {} sequences, {differences} differences", done + 1, options.sequences);
        }
    }
    println!("May differ:");
    for deliberate in deliberate::TABLE {
        println!("- {}: {}", deliberate.what, deliberate.why);
    }
    let summary = json!({
        "sequences": options.sequences,
        "commands": commands,
        "differences": differences,
        "not_repeated": passing,
        "seconds": begin.elapsed().as_secs(),
    });
    println!("{summary}");
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn show(sides: &Sides, seed: u64, sequence: Sequence) {
    let shrunk = sides.shrunk(sequence).await;
    println!("seed {seed}, {:?}, {:?}:", shrunk.way, shrunk.encoding);
    for command in &shrunk.commands {
        println!("  {}", serde_json::to_string(command).unwrap_or_default());
    }
    if let Some(difference) = sides.difference(&shrunk).await {
        println!("{difference}");
    }
}
