//! Prints how well the offline understanding does on a set of cases.

use std::io::{Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use makegood_core::intent::Reading;
use makegood_eval::case::{Case, Expect, parse};
use makegood_eval::score::{Score, score};
use makegood_eval::table::Table;
use makegood_eval::tools::tools;

const USAGE: &str =
    "usage: makegood-eval [--set own|second|third|fourth|fifth|sixth|unseen] [--json] [--failures] [--time]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut words = std::env::args().skip(1);
    let (mut set, mut json, mut failures, mut time) = ("own".to_owned(), false, false, false);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--set" => set = words.next().ok_or_else(|| USAGE.to_owned())?,
            "--json" => json = true,
            "--failures" => failures = true,
            "--time" => time = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(format!("{set}.jsonl"));
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let cases = parse(&text)?;
    let tools = tools()?;
    let said = |error: std::io::Error| error.to_string();
    let mut out = stdout().lock();
    let mut table = Table::default();
    for case in &cases {
        let score = score(case, &tools)?;
        table.add(case, &score);
        if failures && !(score.reading && score.plan) {
            write_failure(&mut out, case, &score).map_err(said)?;
        }
    }
    if time {
        return write_times(&mut out, &cases).map_err(said);
    }
    if json {
        serde_json::to_writer_pretty(&mut out, &table).map_err(|error| error.to_string())?;
        return writeln!(out).map_err(said);
    }
    table.write(&mut out).map_err(said)
}

fn write_failure(out: &mut dyn Write, case: &Case, score: &Score) -> std::io::Result<()> {
    let mark = if score.wrong_act { " WRONG ACT" } else { "" };
    writeln!(out, "{} [{}]{mark} {}{}", case.id, case.language, said_before(case), case.message)?;
    match &case.expect {
        Expect::Plan { steps } => {
            for step in steps {
                let params = serde_json::Value::from(step.params.clone());
                writeln!(out, "  - {}: {} {params} < {}", step.id, step.tool, step.after.join(" "))?;
            }
        }
        Expect::Ask { missing, tools } => writeln!(out, "  - ask {} for {}", missing.join(" "), tools.join(" "))?,
        Expect::Unclear {} => writeln!(out, "  - unclear")?,
        Expect::Refuse {} => writeln!(out, "  - refuse")?,
    }
    match &score.got {
        Reading::Plan { plan, .. } => {
            for step in &plan.steps {
                let params = serde_json::Value::from(step.params.clone());
                writeln!(out, "  + {}: {} {params} < {}", step.id, step.tool, step.after.join(" "))?;
            }
        }
        Reading::Ask { question, missing, .. } => {
            let missing: Vec<&str> = missing.iter().map(|gap| gap.parameter).collect();
            writeln!(out, "  + ask {}: {question}", missing.join(" "))?;
        }
        Reading::Unclear { message } => writeln!(out, "  + unclear: {message}")?,
        Reading::Refused { message } => writeln!(out, "  + refuse: {message}")?,
    }
    writeln!(out)
}

fn said_before(case: &Case) -> String {
    case.earlier.iter().map(|said| format!("“{said}” … ")).collect()
}

/// Time of one reading, over every case of the set, 50 times each.
fn write_times(out: &mut dyn Write, cases: &[Case]) -> std::io::Result<()> {
    let mut nanos = Vec::new();
    for _ in 0..50 {
        for case in cases {
            let Ok(context) = case.context() else { continue };
            let earlier: Vec<&str> = case.earlier.iter().map(String::as_str).collect();
            let start = Instant::now();
            std::hint::black_box(makegood_core::intent::read_in(&case.message, &earlier, &context));
            nanos.push(start.elapsed().as_nanos());
        }
    }
    nanos.sort_unstable();
    let at = |share: usize| nanos.get((nanos.len() * share / 100).min(nanos.len().saturating_sub(1)));
    let micros = |share| at(share).map_or(0, |nanos| nanos / 1000);
    let most = nanos.last().map_or(0, |nanos| nanos / 1000);
    writeln!(out, "µs per reading: p50 {}, p99 {}, most {most}", micros(50), micros(99))
}
