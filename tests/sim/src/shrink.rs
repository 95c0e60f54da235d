//! From a world that breaks something to the shortest one that breaks the same: steps, people, limits
//! and kinds of faults are taken away as long as it still does, and at last the single faults.
//!
//! "The same" is a violation that begins with the same words, numbers apart.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use makegood_core::saga::{Limits, Step, freeze};
use serde_json::Value;

use crate::campaign::run_guarded;
use crate::scenario::{DAWN, Faults, Scenario};

/// When to be content with what is there.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub runs: u32,
    pub span: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { runs: 2_000, span: Duration::from_secs(20) }
    }
}

/// So many seeds are tried for each smaller world.
const THROWS: u64 = 12;

/// A world that cannot be made much shorter.
#[derive(Clone, Debug)]
pub struct Shrunk {
    pub scenario: Scenario,
    pub violation: String,
    pub runs: u32,
    /// Steps and faults at first.
    from: (usize, usize),
}

struct Search {
    best: Scenario,
    wanted: String,
    violation: String,
    runs: u32,
    bounds: Bounds,
    began: Instant,
}

/// Makes a world shorter that breaks `violation`.
#[must_use]
pub fn shrink(scenario: Scenario, violation: &str, bounds: Bounds) -> Shrunk {
    let (wanted, violation) = (leading_words(violation), violation.to_owned());
    let from = (scenario.plan.steps.len(), run_guarded(scenario.clone(), false).struck.len());
    let mut search = Search { best: scenario, wanted, violation, runs: 1, bounds, began: Instant::now() };
    // Half of the runs for the world, the rest for its faults.
    search.bounds.runs /= 2;
    search.until_nothing_helps(&[Search::drop_steps, Search::simplify, Search::loosen]);
    search.bounds = bounds;
    search.pin();
    search.until_nothing_helps(&[Search::thin, Search::drop_steps, Search::simplify, Search::loosen]);
    search.forget_tools();
    Shrunk { scenario: search.best, violation: search.violation, runs: search.runs, from }
}

/// The first words, with every number the same.
#[must_use]
pub fn leading_words(violation: &str) -> String {
    let plain = |word: &str| -> String { word.chars().filter(|c| c.is_alphabetic()).collect() };
    violation.split_whitespace().map(plain).filter(|word| !word.is_empty()).take(4).collect::<Vec<_>>().join(" ")
}

impl Search {
    fn until_nothing_helps(&mut self, ways: &[fn(&mut Self)]) {
        loop {
            let before = self.best.clone();
            ways.iter().for_each(|way| way(self));
            if self.is_over() || self.best == before {
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.runs >= self.bounds.runs || self.began.elapsed() > self.bounds.span
    }

    /// Takes the candidate over where it breaks the same.
    fn accept(&mut self, candidate: Scenario) -> bool {
        if self.is_over() || candidate == self.best {
            return false;
        }
        if freeze(&candidate.plan, &candidate.tools, Limits::default()).is_err() {
            return false;
        }
        // Where faults go by rates, a smaller world may need another throw of the dice.
        let throws = if candidate.struck.is_none() { THROWS } else { 0 };
        for seed in [candidate.seed].into_iter().chain(0..throws) {
            if self.is_over() {
                return false;
            }
            self.runs += 1;
            let candidate = Scenario { seed, ..candidate.clone() };
            let broken = run_guarded(candidate.clone(), false).violation;
            if let Some(violation) = broken.filter(|violation| leading_words(violation) == self.wanted) {
                (self.best, self.violation) = (candidate, violation);
                return true;
            }
        }
        false
    }

    fn attempt(&mut self, change: impl FnOnce(&mut Scenario)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.accept(candidate)
    }

    /// Drops steps: halves first, then smaller pieces, then single ones.
    fn drop_steps(&mut self) {
        let mut size = self.best.plan.steps.len() / 2;
        while size > 0 {
            let mut end = self.best.plan.steps.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                self.attempt(|scenario| {
                    for _ in start..end.min(scenario.plan.steps.len()) {
                        remove_step(scenario, start);
                    }
                });
                end = start.min(self.best.plan.steps.len());
            }
            size /= 2;
        }
    }

    /// Takes away whatever is not needed.
    fn simplify(&mut self) {
        self.attempt(|scenario| scenario.people = false);
        self.attempt(|scenario| scenario.cancel_at = None);
        self.attempt(|scenario| scenario.pause_after = None);
        self.attempt(|scenario| scenario.drift = None);
        self.attempt(|scenario| scenario.replan = None);
        self.attempt(|scenario| scenario.deadline = None);
        self.attempt(|scenario| scenario.budget = None);
        self.attempt(|scenario| scenario.poison = None);
        self.attempt(|scenario| scenario.outage = None);
        self.attempt(|scenario| scenario.hasty = false);
        self.attempt(|scenario| scenario.skews = vec![0]);
        self.attempt(|scenario| (scenario.time_budget, scenario.kill) = (8_500, 10_000));
        let kinds: [fn(&mut Faults) -> &mut u64; 12] = [
            |faults| &mut faults.late,
            |faults| &mut faults.late_no,
            |faults| &mut faults.acks,
            |faults| &mut faults.again,
            |faults| &mut faults.redis,
            |faults| &mut faults.queue,
            |faults| &mut faults.twice,
            |faults| &mut faults.database,
            |faults| &mut faults.crash,
            |faults| &mut faults.hopeless,
            |faults| &mut faults.refuse,
            |faults| &mut faults.partner,
        ];
        for kind in kinds {
            if *kind(&mut self.best.faults) > 0 && !self.attempt(|scenario| *kind(&mut scenario.faults) = 0) {
                while *kind(&mut self.best.faults) > 20 && self.attempt(|scenario| *kind(&mut scenario.faults) /= 2) {}
            }
        }
    }

    /// From rates to the faults that struck: from here on each can be taken away alone.
    fn pin(&mut self) {
        let struck = run_guarded(self.best.clone(), false).struck;
        self.runs += 1;
        self.attempt(|scenario| {
            scenario.struck = Some(struck);
            // Whether fate is asked for these, which is numbered too, depends on whether there are any.
            let Faults { refuse, acks, again, late, late_no, .. } = scenario.faults;
            scenario.faults = Faults { refuse, acks, again, late, late_no, ..Faults::default() };
        });
    }

    /// Thins the faults out: halves first, then smaller pieces, then single ones.
    fn thin(&mut self) {
        let Some(struck) = &self.best.struck else { return };
        let mut size = struck.len();
        while size > 0 {
            let mut place = 0;
            while place < self.best.struck.as_ref().map_or(0, Vec::len) {
                let shorter = self.attempt(|scenario| {
                    if let Some(struck) = &mut scenario.struck {
                        struck.drain(place..(place + size).min(struck.len()));
                    }
                });
                if !shorter {
                    place += size;
                }
            }
            size /= 2;
        }
    }

    /// Takes from the steps what is not needed: order, references, conditions, approvals, waits.
    fn loosen(&mut self) {
        for place in 0..self.best.plan.steps.len() {
            self.attempt(|scenario| scenario.plan.steps[place].when = None);
            self.attempt(|scenario| scenario.plan.steps[place].approval = None);
            self.attempt(|scenario| scenario.plan.steps[place].escalate = false);
            self.attempt(|scenario| scenario.plan.steps[place].or.clear());
            self.attempt(|scenario| {
                scenario.plan.steps[place].each = None;
                scenario.plan.steps[place].params.remove("item");
            });
            self.attempt(|scenario| scenario.plan.steps[place].retry = None);
            let names: Vec<String> = self.best.plan.steps[place].params.keys().cloned().collect();
            for name in names {
                self.attempt(|scenario| drop(scenario.plan.steps[place].params.remove(&name)));
            }
            for id in self.best.plan.steps[place].after.clone() {
                self.attempt(|scenario| scenario.plan.steps[place].after.retain(|known| *known != id));
            }
        }
    }

    /// Tools that no step calls.
    fn forget_tools(&mut self) {
        self.bounds.runs += 1;
        self.attempt(|scenario| {
            let steps = &scenario.plan.steps;
            let calls = |step: &Step, name: &str| step.tool == name || step.or.iter().any(|other| other.tool == name);
            scenario.tools.retain(|name, _| steps.iter().any(|step| calls(step, name)));
        });
    }
}

/// Removes a step, and everything that names it.
fn remove_step(scenario: &mut Scenario, place: usize) {
    let gone = scenario.plan.steps.remove(place);
    let names = |value: &Value| {
        let named = value.as_str().and_then(|text| text.strip_prefix('$'));
        named.is_some_and(|named| named.split('.').next() == Some(gone.id.as_str()))
    };
    for step in &mut scenario.plan.steps {
        step.after.retain(|id| *id != gone.id);
        step.params.retain(|_, value| !names(value));
        if step.when.as_ref().is_some_and(|when| names(&when.left) || names(&when.right)) {
            step.when = None;
        }
    }
}

impl Shrunk {
    /// The plan in a line for each step, what is special about its world, and the faults.
    ///
    /// # Errors
    /// Where `out` cannot be written to.
    pub fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        let (scenario, (steps, faults)) = (&self.scenario, self.from);
        let outcome = run_guarded(scenario.clone(), true);
        writeln!(
            out,
            "shrunk in {} runs from {steps} steps and {faults} faults to {} and {}: {}",
            self.runs,
            scenario.plan.steps.len(),
            outcome.struck.len(),
            self.violation
        )?;
        describe(scenario, out)?;
        for line in outcome.trace.iter().filter(|line| is_of(line, &["fault", "ledger", "VIOLATION", "people"])) {
            writeln!(out, "  {line}")?;
        }
        Ok(())
    }
}

fn is_of(line: &str, kinds: &[&str]) -> bool {
    line.split_whitespace().nth(1).is_some_and(|kind| kinds.contains(&kind))
}

/// A world in a few lines.
///
/// # Errors
/// Where `out` cannot be written to.
pub fn describe(scenario: &Scenario, out: &mut impl Write) -> io::Result<()> {
    for step in &scenario.plan.steps {
        let mut words = vec![format!("  {:<4}", step.id)];
        match (scenario.tools.get(&step.tool), &step.wait) {
            (_, Some(wait)) => words.push(format!("waits: {wait:?}")),
            (Some(tool), None) => {
                let can = [("status", tool.status), ("fence", tool.fence)].into_iter().filter(|(_, can)| *can);
                let can: String = can.map(|(word, _)| format!(", {word}")).collect();
                words.push(format!("{:<8} {:?}, {:?}{can}", step.tool, tool.class, tool.repeat));
            }
            (None, None) => words.push(step.tool.clone()),
        }
        if !step.params.is_empty() {
            words.push(Value::Object(step.params.clone()).to_string());
        }
        if !step.after.is_empty() {
            words.push(format!("after {}", step.after.join(", ")));
        }
        words.extend(step.when.as_ref().map(|when| format!("when {} {:?} {}", when.left, when.is, when.right)));
        words.extend(
            step.approval.as_ref().map(|approval| format!("approved by {} of {:?}", approval.quorum, approval.by)),
        );
        words.extend(step.each.as_ref().map(|each| {
            let most = each.most.map_or_else(String::new, |most| format!(", {most} at most"));
            let at_once = each.concurrency.map_or_else(String::new, |most| format!(", {most} at once"));
            format!("for each in {}{most}{at_once}", each.list)
        }));
        words.extend(step.or.iter().map(|other| format!("or {} {}", other.tool, Value::Object(other.params.clone()))));
        words.extend(step.escalate.then(|| "or a person".to_owned()));
        writeln!(out, "{}", words.join("  "))?;
    }
    let since = |at: u64| format!("{} ms", at - DAWN);
    let mut world = Vec::new();
    world.push(format!("time budget {} ms, killed after {} ms", scenario.time_budget, scenario.kill));
    if scenario.skews.iter().any(|skew| *skew != 0) {
        world.push(format!("clocks ahead by {:?} ms", scenario.skews));
    }
    world.extend(scenario.cancel_at.map(|at| format!("cancelled at {}", since(at))));
    world.extend(scenario.pause_after.map(|after| format!("paused {after} ms after its start")));
    world.extend(scenario.deadline.map(|at| format!("deadline at {}", since(at))));
    world.extend(scenario.replan.as_ref().map(|(after, _)| format!("another plan {after} ms after its start")));
    world.extend(scenario.drift.as_ref().map(|(tool, after)| format!("{tool} is registered anew at {after} ms")));
    world.extend(scenario.budget.as_ref().map(|budget| format!("budget {budget}")));
    world.extend(scenario.poison.as_ref().map(|tool| {
        format!("every call of {tool} ends its invocation{}", if scenario.poison_lasts { ", for ever" } else { "" })
    }));
    world.extend(scenario.outage.as_ref().map(|outage| {
        let with = if outage.rules.is_some() { "with breakers" } else { "without breakers" };
        format!("{} is away from {} to {} ms, {with}", outage.tool, outage.from, outage.until)
    }));
    world.extend(scenario.no_redis.then(|| "no Redis".to_owned()));
    world.extend(scenario.people.then(|| "people help".to_owned()));
    world.extend(scenario.hasty.then(|| "somebody is hasty".to_owned()));
    writeln!(out, "  {}", world.join("; "))
}
