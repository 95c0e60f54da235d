//! Seeded random sequences of commands of every family, and how they are sent.

mod data;
pub mod scripts;
mod streams;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

pub type Command = Vec<String>;

/// Whether the embedded engine does without the command of this name.
pub fn is_not_offered(name: &str) -> bool {
    data::NOT_OFFERED.iter().any(|template| template.split(' ').next() == Some(name))
}

/// How many commands a sequence has.
const LENGTH: usize = 60;

/// How the commands of a sequence are sent.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    OneByOne,
    Pipeline,
    /// So many in each transaction.
    MultiExec(usize),
}

/// How answers are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Base64,
    Resp2,
}

#[derive(Clone, Debug)]
pub struct Sequence {
    pub way: Way,
    pub encoding: Encoding,
    pub commands: Vec<Command>,
}

impl Sequence {
    /// The sequence of this number, always the same.
    pub fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let way = match rng.random_range(0..10) {
            0 => Way::OneByOne,
            1..8 => Way::Pipeline,
            _ => Way::MultiExec(rng.random_range(1..8)),
        };
        let encoding = match (rng.random_range(0..6), way) {
            (0, Way::OneByOne | Way::Pipeline) => Encoding::Resp2,
            (1..4, _) => Encoding::Base64,
            _ => Encoding::Plain,
        };
        // In most sequences one family prevails, so that it gets far.
        let streams = *[0.0, 0.05, 1.0, 0.95].choose(&mut rng).unwrap_or(&0.0);
        let scripts = *[0.0, 0.0, 0.05, 0.3].choose(&mut rng).unwrap_or(&0.0);
        let commands = (0..LENGTH).map(|place| {
            let command = if rng.random_bool(streams) { stream(place, &mut rng) } else { data(way, &mut rng) };
            if rng.random_bool(scripts) { scripts::around(command, &mut rng) } else { command }
        });
        Self { way, encoding, commands: commands.collect() }
    }
}

fn data(way: Way, rng: &mut StdRng) -> Command {
    // A transaction would be refused for what is not offered.
    let offered = matches!(way, Way::MultiExec(_)) || rng.random_bool(0.99);
    let template = if offered { data::GRAMMAR } else { data::NOT_OFFERED }.choose(rng).copied().unwrap_or_default();
    template.split(' ').map(|kind| data::argument(kind, rng)).collect()
}

fn stream(place: usize, rng: &mut StdRng) -> Command {
    // Ever later ids besides the random ones, so that streams grow.
    if rng.random_bool(0.15) {
        let id = format!("1{place}-{}", rng.random_range(0..3));
        return ["XADD", "sa", &id, "f", "v"].map(str::to_owned).into();
    }
    let template = streams::GRAMMAR.choose(rng).copied().unwrap_or_default();
    template.split(' ').map(|kind| streams::argument(kind, rng)).collect()
}
