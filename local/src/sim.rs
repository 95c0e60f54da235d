//! `makegood sim`: the engine in worlds that are made up, in which everything that can go wrong does.
//! What it does stands in `tests/sim`; here is only its command line.

use std::io::{IsTerminal, Write, stderr, stdout};

use clap::Args;
use makegood_sim::Scenario;
use makegood_sim::campaign::{self, Options};

#[derive(Clone, Debug, Args)]
pub struct Sim {
    /// How many worlds
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// The first one's seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub from: u64,
    /// Threads [default: as many as there are processors]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Does not stop at the first violation
    #[arg(long)]
    pub keep_going: bool,
    /// Runs this world only, and tells of it
    #[arg(long, value_name = "S", conflicts_with_all = ["seeds", "from", "threads", "keep_going"])]
    pub seed: Option<u64>,
    /// All that happens in it
    #[arg(long, requires = "seed")]
    pub trace: bool,
}

/// Runs the worlds. The last line of a campaign is JSON.
pub fn run(wanted: &Sim) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    let fine = if let Some(seed) = wanted.seed {
        campaign::one(&format!("seed {seed}"), Scenario::random(seed), wanted.trace, &mut out)?
    } else {
        let threads = wanted.threads.map(usize::from);
        let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let options = Options { seeds: wanted.seeds, from: wanted.from, threads, keep_going: wanted.keep_going };
        let mut terminal = stderr();
        let shown = terminal.is_terminal().then_some(&mut terminal as &mut dyn Write);
        campaign::command(&options, &mut out, shown)?
    };
    anyhow::ensure!(fine, "The simulation found something that must not be: it is told above.");
    Ok(())
}
