//! Runs many worlds, or shows one: `--seeds N --from S`, `--seed S --trace`.

use std::process::ExitCode;

use makegood_sim::{Coverage, Scenario, run};

#[expect(clippy::print_stdout, reason = "a command's output")]
fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (mut seeds, mut from, mut one, mut trace, mut keep_going) = (10_000_u64, 0_u64, None, false, false);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.replace('_', "").parse::<u64>().ok());
        match word.as_str() {
            "--seeds" => seeds = number().unwrap_or(seeds),
            "--from" => from = number().unwrap_or(from),
            "--seed" => one = number(),
            "--trace" => trace = true,
            "--keep-going" => keep_going = true,
            _ => {
                println!("usage: makegood-sim [--seeds N] [--from S] [--keep-going] | --seed S [--trace]");
                return ExitCode::FAILURE;
            }
        }
    }
    if let Some(seed) = one {
        let outcome = run(Scenario::random(seed), trace);
        outcome.trace.iter().for_each(|line| println!("{line}"));
        println!("seed {seed}: {}", outcome.violation.as_deref().unwrap_or("as it should be"));
        return if outcome.violation.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let mut seen = Coverage::default();
    let (mut violations, mut faults, mut nodes) = (0_u64, 0_u64, 0_usize);
    for seed in from..from + seeds {
        let outcome = run(Scenario::random(seed), false);
        seen.merge(&outcome.seen);
        faults += outcome.faults;
        nodes += outcome.nodes;
        if let Some(what) = outcome.violation {
            violations += 1;
            println!("seed {seed}: {what}\n  cargo run -p makegood-sim -- --seed {seed} --trace");
            if !keep_going {
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{}", seen.table());
    let missing = seen.missing();
    missing.iter().for_each(|pair| println!("never seen: {pair}"));
    println!("{seeds} seeds, {nodes} nodes, {faults} faults, {violations} violations");
    if violations == 0 && (missing.is_empty() || seeds < 10_000) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
