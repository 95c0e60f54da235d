//! Runs many worlds, or shows one. `makegood sim` is the same, from the main binary.

use std::fs::File;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

use makegood_sim::campaign::{self, Options, run_guarded};
use makegood_sim::corpus::Schedule;
use makegood_sim::shrink::{Bounds, shrink};
use makegood_sim::{Scenario, corpus};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: makegood-sim [--seeds N] [--from S] [--threads T] [--keep-going]
       makegood-sim --hashes [--seeds N] [--from S]
       makegood-sim --seed S [--trace] [--save FILE --caught SENTENCE]
       makegood-sim --schedule FILE [--trace]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            let _ = writeln!(stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, String> {
    let mut words = std::env::args().skip(1);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options { seeds: 10_000, from: 0, threads, keep_going: false };
    let mut hashes = false;
    let (mut seed, mut trace, mut save, mut schedule, mut caught) = (None, false, None, None, String::new());
    while let Some(word) = words.next() {
        let mut text = || words.next().ok_or_else(|| USAGE.to_owned());
        let number = |text: String| text.replace('_', "").parse::<u64>().map_err(|_| USAGE.to_owned());
        match word.as_str() {
            "--seeds" => options.seeds = number(text()?)?,
            "--from" => options.from = number(text()?)?,
            "--threads" => options.threads = usize::try_from(number(text()?)?).unwrap_or(1),
            "--seed" => seed = Some(number(text()?)?),
            "--save" => save = Some(text()?),
            "--caught" => caught = text()?,
            "--schedule" => schedule = Some(text()?),
            "--trace" => trace = true,
            "--hashes" => hashes = true,
            "--keep-going" => options.keep_going = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let said = |error: std::io::Error| error.to_string();
    let mut out = stdout().lock();
    match (seed, schedule, save) {
        (Some(seed), None, Some(file)) => {
            let scenario = Scenario::random(seed);
            let Some(what) = run_guarded(scenario.clone(), false).violation else {
                return Err(format!("Seed {seed} is as it should be: there is nothing to save."));
            };
            let shrunk = shrink(scenario, &what, Bounds::default());
            shrunk.tell(&mut out).map_err(said)?;
            let schedule = Schedule { caught, violation: shrunk.violation, scenario: shrunk.scenario };
            let written = File::create(&file).map_err(said).and_then(|mut file| corpus::write(&schedule, &mut file));
            written.map(|()| true)
        }
        (Some(seed), None, None) => {
            campaign::one(&format!("seed {seed}"), Scenario::random(seed), trace, &mut out).map_err(said)
        }
        (None, Some(file), None) => {
            let schedule = corpus::read(file.as_ref())?;
            campaign::one(&file, schedule.scenario, trace, &mut out).map_err(said)
        }
        (None, None, None) if hashes => campaign::hashes(&options, &mut out).map(|()| true).map_err(said),
        (None, None, None) => {
            let mut terminal = stderr();
            let shown = terminal.is_terminal().then_some(&mut terminal as &mut dyn Write);
            campaign::command(&options, &mut out, shown).map_err(said)
        }
        _ => Err(USAGE.to_owned()),
    }
}
