//! Many worlds at once: seeds spread over threads, and what they have seen put together. It is what
//! `makegood sim` and `makegood-sim` run.
//!
//! The first violation is the one with the lowest seed, however many threads there are.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::shrink::{Bounds, shrink};
use crate::{Coverage, Outcome, Scenario};

/// From so many seeds on, a legal pair that was never seen is a fault of the simulator.
pub const FULL: u64 = 200_000;
/// Seeds that a thread takes at a time.
const BATCH: u64 = 16;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub seeds: u64,
    pub from: u64,
    pub threads: usize,
    /// Does not stop at the first violation.
    pub keep_going: bool,
}

/// How often each value was seen.
#[derive(Clone, Debug, Default)]
pub struct Spread(BTreeMap<u64, u64>);

impl Spread {
    fn add(&mut self, value: u64) {
        *self.0.entry(value).or_default() += 1;
    }

    fn merge(&mut self, other: &Self) {
        for (value, count) in &other.0 {
            *self.0.entry(*value).or_default() += count;
        }
    }

    /// The value that so many of a thousand do not exceed.
    #[must_use]
    pub fn at(&self, per_mille: u64) -> u64 {
        let all: u64 = self.0.values().sum();
        let mut left = (all * per_mille).div_ceil(1000);
        for (value, count) in &self.0 {
            if *count >= left {
                return *value;
            }
            left -= count;
        }
        0
    }

    #[must_use]
    pub fn median(&self) -> u64 {
        self.at(500)
    }
}

/// What a campaign has found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub seeds: u64,
    /// By seed, ascending.
    pub violations: Vec<(u64, String)>,
    pub seconds: f64,
    /// Time on a processor, of all threads; where the system tells it.
    pub cpu_seconds: Option<f64>,
    pub seen: Coverage,
    pub nodes: Spread,
    pub faults: Spread,
    pub events: Spread,
}

impl Report {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        self.seen.merge(&outcome.seen);
        self.nodes.add(outcome.nodes as u64);
        self.faults.add(outcome.struck.len() as u64);
        self.events.add(outcome.events);
        self.violations.extend(outcome.violation.map(|what| (seed, what)));
    }

    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.violations.extend(other.violations);
        self.cpu_seconds = self.cpu_seconds.zip(other.cpu_seconds).map(|(one, more)| one + more);
        self.seen.merge(&other.seen);
        self.nodes.merge(&other.nodes);
        self.faults.merge(&other.faults);
        self.events.merge(&other.events);
    }
}

/// Runs a world; a panic of the code under test is a violation like any other.
#[must_use]
pub fn run_guarded(scenario: Scenario, traced: bool) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| crate::run(scenario, traced))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let violation = Some(format!("it panicked: {}", said.unwrap_or("without a word")));
        Outcome { violation, ..Outcome::default() }
    })
}

/// Runs all seeds. `progress` is called now and then with the number of worlds that are over.
pub fn run(options: &Options, mut progress: impl FnMut(u64, Duration)) -> Report {
    let began = Instant::now();
    let end = options.from.saturating_add(options.seeds);
    let (next, over, stop) = (AtomicU64::new(options.from), AtomicU64::new(0), AtomicU64::new(end));
    let work = || {
        let mut report = Report::default();
        loop {
            let batch = next.fetch_add(BATCH, Ordering::Relaxed);
            if batch >= stop.load(Ordering::Relaxed) {
                report.cpu_seconds = cpu_seconds();
                return report;
            }
            for seed in batch..(batch + BATCH).min(end) {
                // Those below a violation are still run: the first is the lowest.
                if seed >= stop.load(Ordering::Relaxed) {
                    break;
                }
                report.add(seed, run_guarded(Scenario::random(seed), false));
                if !report.violations.is_empty() && !options.keep_going {
                    stop.fetch_min(seed, Ordering::Relaxed);
                }
                over.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let mut all = Report { cpu_seconds: Some(0.0), ..Report::default() };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads.max(1)).map(|_| scope.spawn(work)).collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(10));
            progress(over.load(Ordering::Relaxed), began.elapsed());
        }
        for thread in threads {
            if let Ok(report) = thread.join() {
                all.merge(report);
            }
        }
    });
    all.violations.sort();
    if !options.keep_going {
        all.violations.truncate(1);
    }
    all.seconds = began.elapsed().as_secs_f64();
    all
}

/// How long this thread was on a processor.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos / 1e9)
}

/// Runs all seeds and tells of it; whether all is as it should be.
///
/// # Errors
/// Where `out` cannot be written to.
pub fn command(options: &Options, out: &mut impl Write, mut terminal: Option<&mut dyn Write>) -> io::Result<bool> {
    let mut told = Duration::ZERO;
    let report = run(options, |over, span| {
        if let Some(terminal) = &mut terminal
            && span - told > Duration::from_millis(200)
        {
            told = span;
            let _ = write!(terminal, "\r{}\x1b[K", progress_line(options.seeds, over, span));
            let _ = terminal.flush();
        }
    });
    if let Some(terminal) = &mut terminal {
        write!(terminal, "\r\x1b[K")?;
        terminal.flush()?;
    }
    let missing = report.seen.missing();
    writeln!(out, "{}", report.seen.table())?;
    let few = report.seeds < FULL || !report.violations.is_empty();
    for pair in missing.iter().filter(|_| !few) {
        writeln!(out, "never seen: {pair}")?;
    }
    for (what, spread) in [("nodes", &report.nodes), ("faults", &report.faults), ("events", &report.events)] {
        let (tenth, median, most) = (spread.at(100), spread.median(), spread.at(900));
        writeln!(out, "{what:<7} a seed: median {median}, 80 of 100 between {tenth} and {most}")?;
    }
    for (seed, what) in report.violations.iter().take(20) {
        writeln!(out, "seed {seed}: {what}")?;
    }
    if let Some((seed, what)) = report.violations.first() {
        writeln!(out)?;
        shrink(Scenario::random(*seed), what, Bounds::default()).tell(out)?;
        writeln!(out, "\nagain: makegood sim --seed {seed} --trace")?;
    }
    let whole = few || missing.is_empty();
    let pairs = crate::coverage::pairs();
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    let last = json!({
        "seeds": report.seeds,
        "from": options.from,
        "threads": options.threads,
        "violations": report.violations.len(),
        "first": report.violations.first().map(|(seed, what)| json!({"seed": seed, "what": what})),
        "seconds": round(report.seconds),
        "cpu_s": report.cpu_seconds.map(round),
        "seeds_per_s": (report.seeds as f64 / report.seconds.max(1e-9)).round(),
        "outcomes": report.seen.rests,
        "nodes_median": report.nodes.median(),
        "faults_median": report.faults.median(),
        "events_median": report.events.median(),
        "pairs_seen": pairs - missing.len(),
        "pairs": pairs,
    });
    writeln!(out, "{last}")?;
    Ok(report.violations.is_empty() && whole)
}

/// Writes a line for each seed: its number, and a hash (FNV-1a) of its trace and of all else that came of it. A change
/// that is to change nothing, such as one for speed, leaves every line as it was.
///
/// # Errors
/// Where `out` cannot be written to.
pub fn hashes(options: &Options, out: &mut impl Write) -> io::Result<()> {
    for seed in options.from..options.from.saturating_add(options.seeds) {
        let mut outcome = run_guarded(Scenario::random(seed), true);
        let lines = std::mem::take(&mut outcome.trace);
        let all = lines.into_iter().chain([format!("{outcome:?}")]);
        let hash = all.fold(0xcbf2_9ce4_8422_2325_u64, |hash, line| {
            line.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        });
        writeln!(out, "{seed} {hash:016x}")?;
    }
    Ok(())
}

fn progress_line(seeds: u64, over: u64, span: Duration) -> String {
    let rate = over as f64 / span.as_secs_f64().max(1e-9);
    let left = seeds.saturating_sub(over) as f64 / rate.max(1.0);
    let filled = usize::try_from(over * 24 / seeds.max(1)).unwrap_or(24).min(24);
    let bar: String = (0..24).map(|place| if place < filled { '█' } else { '░' }).collect();
    format!("{bar} {over} of {seeds} seeds, {rate:.0} a second, {left:.0} s left")
}

/// Runs one world and tells of it: its trace where that is wanted, and, where it is not as it should
/// be, the shortest schedule that shows the same. Whether all is as it should be.
///
/// # Errors
/// Where `out` cannot be written to.
pub fn one(name: &str, scenario: Scenario, trace: bool, out: &mut impl Write) -> io::Result<bool> {
    let outcome = run_guarded(scenario.clone(), trace);
    for line in &outcome.trace {
        writeln!(out, "{line}")?;
    }
    let Some(what) = outcome.violation else {
        let rests: Vec<&str> = outcome.seen.rests.keys().copied().collect();
        writeln!(out, "{name}: as it should be, {}", rests.join(" "))?;
        return Ok(true);
    };
    writeln!(out, "{name}: {what}\n")?;
    shrink(scenario, &what, Bounds::default()).tell(out)?;
    Ok(false)
}
