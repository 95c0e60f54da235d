//! What a seed stands for: the tools and how their partners behave, the plan, the limits of an
//! invocation, and how much goes wrong until when.

mod plans;
mod tools;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use makegood_core::guard::breaker::Rules;
use makegood_core::saga::{Limits, Node, Plan, Priority, RUN_SAGA, Step, Wait, definitions, freeze};
use makegood_core::time::Millis;
use makegood_core::tool::{Class, Definition, Limit, Per, Repeat};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::rng::Rng;
use plans::{random_plan, random_replan};
use tools::{BUILT_IN, CONTRACTS, definition, learned};

/// When every world begins.
pub const DAWN: u64 = 1_790_000_000_000;

/// A world as data: what it holds is all that decides how it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What is not said below is drawn from this.
    pub seed: u64,
    pub tools: BTreeMap<String, Definition>,
    pub plan: Plan,
    pub time_budget: u64,
    pub kill: u64,
    /// Clocks of the workers, in milliseconds ahead.
    pub skews: Vec<i64>,
    /// Nothing goes wrong from here on.
    pub calm_at: u64,
    pub faults: Faults,
    /// The numbers of the faults that strike; all others do not, whatever the rates say. `None`: by the
    /// rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub struck: Option<Vec<u64>>,
    /// Somebody decides, sends what is waited for, and looks after what is stuck.
    pub people: bool,
    /// The saga's own deadline.
    pub deadline: Option<u64>,
    /// When somebody asks for an end.
    pub cancel_at: Option<u64>,
    /// When somebody has it paused, after its start.
    pub pause_after: Option<u64>,
    /// A tool that is registered anew, so long after the dawn.
    pub drift: Option<(String, u64)>,
    /// Another plan, and when somebody first thinks of it, after the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replan: Option<(u64, Plan)>,
    /// So many calls are under way at once, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_concurrency: Option<u32>,
    /// The saga's.
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    /// Other sagas, which want the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<Rival>,
    /// What the saga may spend.
    pub budget: Option<Value>,
    /// Every call of this tool ends its invocation, until it is calm.
    pub poison: Option<String>,
    /// It does so for ever.
    #[serde(default)]
    pub poison_lasts: bool,
    /// Redis cannot be reached at all.
    #[serde(default)]
    pub no_redis: bool,
    /// A partner that is away for a time, and breakers that notice; without it there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
    /// How long calls take, as the database has learned it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub learned: BTreeMap<String, u64>,
    /// A step whose do is refused.
    pub refused: Option<String>,
    /// A partner at work on a do refuses its undo for now; otherwise the tombstone wins.
    pub busy_blocks_undo: bool,
    /// Somebody has a step that is held asked for anew at once, and first has the saga paused, or not.
    #[serde(default)]
    pub hasty: bool,
}

/// A saga besides the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rival {
    pub plan: Plan,
    pub priority: Priority,
    /// When it is started, after the dawn.
    pub after: u64,
}

/// Nobody answers the calls of one tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    pub tool: String,
    /// After the dawn.
    pub from: u64,
    pub until: u64,
    /// Of every breaker; `None`: there are none.
    pub rules: Option<Rules>,
    /// Of a thousand invocations, those that a new instance makes, which knows nothing of breakers.
    pub anew: u64,
}

/// In how many of a thousand cases things go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    pub partner: u64,
    /// Of a do, within `partner`.
    pub refuse: u64,
    pub database: u64,
    pub queue: u64,
    /// Of messages: delivered twice at about the same time.
    pub twice: u64,
    pub redis: u64,
    pub crash: u64,
    /// Undos that are refused for good.
    pub hopeless: u64,
    /// A worker's 200 that does not reach the queue. Where there are none of these nobody asks fate for them, so that the
    /// numbers of older schedules stand.
    #[serde(default)]
    pub acks: u64,
    /// Statements that are carried out twice, of which the second answer counts. The same holds of them.
    #[serde(default)]
    pub again: u64,
    /// Calls that are under way for as long as calls may be, nearly. The same holds of them.
    #[serde(default)]
    pub late: u64,
    /// Of refusals: they come slowly. The same holds of them.
    #[serde(default)]
    pub late_no: u64,
}

/// What two steps of a saga wait for, one behind the other. Whoever brings it gives it a key.
pub const PAID: &str = "paid";

/// Who may be asked to decide, besides the owner.
pub const APPROVERS: &[&str] = &["ann", "bob"];

impl Scenario {
    /// The scenario of a seed.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let rng = &mut rng;
        let rate = |rng: &mut Rng, rates: &[u64]| *rng.pick(rates);
        let faults = if rng.chance(40) {
            Faults::default()
        } else {
            Faults {
                partner: rate(rng, &[50, 150, 300, 500, 700]),
                refuse: rate(rng, &[0, 50, 100, 200, 400]),
                database: rate(rng, &[0, 0, 20, 60, 150]),
                queue: rate(rng, &[0, 0, 50, 150, 300]),
                twice: rate(rng, &[0, 0, 200, 600]),
                redis: rate(rng, &[0, 0, 100, 400, 900]),
                crash: rate(rng, &[0, 0, 100, 300, 600]),
                hopeless: rate(rng, &[0, 0, 0, 30, 200]),
                ..Faults::default()
            }
        };
        let time_budget = rate(rng, &[1, 40, 200, 1_000, 8_500, 8_500]);
        let declared = CONTRACTS.iter().map(|contract| definition(contract, rng));
        let built_in = BUILT_IN.get_or_init(definitions).iter().cloned();
        let tools: BTreeMap<String, Definition> =
            declared.chain(built_in).map(|tool| (tool.name.clone(), tool)).collect();
        let plan = loop {
            let plan = random_plan(rng);
            if freeze(&plan, &tools, Limits::default()).is_ok() {
                break plan;
            }
        };
        let poison = rng.chance(30).then(|| rng.pick(&plan.steps).tool.clone());
        // What has no limit of tries would go on for ever.
        let limited =
            |tool: &Definition| tool.class == Class::Query || (tool.class == Class::Compensatable && tool.fence);
        let ends = poison.as_ref().and_then(|name| tools.get(name)).is_some_and(limited);
        let poison_lasts = ends && rng.chance(500);
        let skewed = rng.chance(300);
        let calm = *rng.pick(&[300, 2_000, 10_000, 30_000, 60_000]);
        let mut scenario = Self {
            seed,
            time_budget,
            kill: time_budget.max(500) + rate(rng, &[1_500, 500, 300]),
            skews: (0..3)
                .map(|_| if skewed { i64::try_from(rng.below(4_000)).unwrap_or(0) - 2_000 } else { 0 })
                .collect(),
            calm_at: DAWN + calm,
            faults,
            struck: None,
            people: true,
            deadline: rng.chance(100).then(|| DAWN + rng.below(6_000)),
            cancel_at: rng.chance(150).then(|| DAWN + rng.below(*rng.clone().pick(&[200, 2_000, 20_000]))),
            pause_after: rng.chance(100).then(|| rng.below(4_000)),
            drift: rng.chance(60).then(|| (rng.pick(&plan.steps).tool.clone(), rng.below(3_000))),
            replan: if rng.chance(120) { random_replan(rng, &plan, &tools) } else { None },
            budget: rng.chance(100).then(|| budget(rng, &plan, &tools)),
            plan,
            poison,
            poison_lasts,
            no_redis: rng.chance(20),
            learned: if rng.chance(200) { learned(rng, &tools) } else { BTreeMap::new() },
            outage: None,
            refused: None,
            busy_blocks_undo: rng.chance(500),
            hasty: false,
            user_concurrency: None,
            priority: Priority::Normal,
            rivals: Vec::new(),
            tools,
        };
        // Drawn apart, so that all other worlds are what they were without.
        let mut rng = Rng::new(seed ^ (7 << 60));
        if rng.chance(100) {
            scenario.limit(&mut rng);
        }
        let mut rng = Rng::new(seed ^ (5 << 60));
        if rng.chance(100) {
            scenario.break_down(&mut rng);
        }
        let mut rng = Rng::new(seed ^ (3 << 60));
        if rng.chance(60) {
            scenario.be_paid_twice(&mut rng);
        }
        let mut rng = Rng::new(seed ^ (6 << 60));
        match rng.below(20) {
            0 => scenario.skimp(&mut rng),
            1 => scenario.leave_to_people(&mut rng),
            _ => {}
        }
        let mut rng = Rng::new(seed ^ (4 << 60));
        if scenario.faults != Faults::default() {
            scenario.faults.acks = *rng.pick(&[0, 0, 100, 300]);
            scenario.faults.again = *rng.pick(&[0, 0, 0, 30, 100]);
        }
        for tool in scenario.tools.values_mut() {
            if let Repeat::Keyed { ttl_ms } = &mut tool.repeat
                && *ttl_ms < Millis(60_000)
            {
                *ttl_ms = Millis(*rng.pick(&[20_000, 30_000, 50_000]));
            }
        }
        match rng.below(20) {
            0 | 1 => scenario.lose_time_only(&mut rng),
            2 => scenario.forget(&mut rng),
            3 => scenario.disagree(),
            _ => {}
        }
        scenario
    }

    /// Whatever goes wrong costs time and nothing else: messages and their acknowledgements are lost, doubled and late,
    /// Redis forgets, and statements are carried out twice.
    fn lose_time_only(&mut self, rng: &mut Rng) {
        let Faults { queue, twice, redis, .. } = self.faults;
        let (acks, again) = (*rng.pick(&[100, 300, 600]), *rng.pick(&[0, 50, 200]));
        self.faults =
            Faults { queue, twice: twice.max(*rng.pick(&[0, 300, 600])), redis, acks, again, ..Faults::default() };
        self.no_redis |= rng.chance(300);
        if again > 0 {
            self.be_alone();
        }
        (self.poison, self.outage, self.refused, self.budget) = (None, None, None, None);
        (self.deadline, self.cancel_at, self.drift, self.replan) = (None, None, None, None);
        self.skews = vec![0];
        // A lease may take a second, a last commit and a message come at the end.
        self.kill = self.time_budget.max(500) + 2_500;
    }

    /// One worker at a time. Whoever is told of its own commit that another was first knows it again unless two others
    /// have committed since; then what was to leave with it has not left, and counts as lost.
    fn be_alone(&mut self) {
        (self.faults.twice, self.faults.redis, self.faults.acks, self.no_redis) = (0, 0, 0, false);
    }

    /// Whether a saga of this world that could be completed without a fault must be, whatever goes wrong.
    #[must_use]
    pub fn only_time_is_lost(&self) -> bool {
        let Faults { queue, twice, redis, acks, again, .. } = self.faults;
        let harmless = Faults { queue, twice, redis, acks, again, ..Faults::default() };
        let calm = self.poison.is_none() && self.outage.is_none() && self.refused.is_none() && self.budget.is_none();
        let kept = self.deadline.is_none() && self.cancel_at.is_none() && self.drift.is_none() && self.replan.is_none();
        let patient = self.kill >= self.time_budget.max(500) + 2_500 && self.skews.iter().all(|skew| *skew == 0);
        // What people, or an earlier answer, may refuse.
        let plain = |step: &Step| {
            let named = |value: &Value| value.as_str().is_some_and(|text| text.ends_with(".hint"));
            let waits = matches!(step.wait, Some(Wait::Event { .. }));
            let may_be_refused = waits || step.approval.is_some() || step.each.is_some() || !step.or.is_empty();
            !may_be_refused && !step.tool.starts_with(RUN_SAGA) && !step.params.values().any(named)
        };
        let plans = [&self.plan].into_iter().chain(self.rivals.iter().map(|rival| &rival.plan));
        // Whose partner forgets it in the meantime cannot be asked again.
        let forgotten = |tool: &Definition| matches!(tool.repeat, Repeat::Keyed { ttl_ms } if ttl_ms < Millis(600_000));
        let remembered = !self.tools.values().any(forgotten);
        let alone = again == 0 || (twice == 0 && redis == 0 && acks == 0 && !self.no_redis);
        alone
            && remembered
            && self.faults == harmless
            && calm
            && kept
            && patient
            && plans.flat_map(|plan| &plan.steps).all(plain)
    }

    /// Partners that forget a key soon, and workers and messages that are away for as long.
    fn forget(&mut self, rng: &mut Rng) {
        for tool in self.tools.values_mut() {
            if let Repeat::Keyed { ttl_ms } = &mut tool.repeat
                && !tool.name.starts_with(RUN_SAGA)
            {
                *ttl_ms = Millis(20_000);
            }
        }
        (self.faults.partner, self.faults.refuse, self.faults.queue) = (500, 0, 300);
        self.faults.crash = *rng.pick(&[300, 600]);
        self.calm_at = self.calm_at.max(DAWN + 60_000);
        self.faults.late = *rng.pick(&[0, 300]);
    }

    /// Workers whose clocks are as far apart as they may be: one takes the other for dead that still waits for an answer,
    /// and gives up as unknown what then turns out to be refused.
    fn disagree(&mut self) {
        self.skews = vec![-1_000, 1_000];
        (self.time_budget, self.kill) = (200, 2_000);
        for tool in self.tools.values_mut().filter(|tool| !tool.name.starts_with(RUN_SAGA)) {
            tool.timeout_ms = Millis(2_000);
            tool.status &= tool.repeat != Repeat::Never;
        }
        (self.faults.partner, self.faults.refuse, self.faults.late_no) = (500, 700, 1_000);
        (self.faults.queue, self.faults.twice, self.faults.redis) = (300, 600, 400);
    }

    /// Two steps, one behind the other, wait for what has one name.
    fn be_paid_twice(&mut self, rng: &mut Rng) {
        let within_ms = Millis(rng.between(5_000, 60_000));
        let step = |id: &str, after: &[&str]| Step {
            id: id.to_owned(),
            wait: Some(Wait::Event { name: PAID.to_owned(), within_ms }),
            after: after.iter().map(|id| (*id).to_owned()).collect(),
            ..Step::default()
        };
        // Whoever thinks again still wants to be paid.
        for plan in std::iter::once(&mut self.plan).chain(self.replan.as_mut().map(|(_, plan)| plan)) {
            plan.steps.extend([step("paid", &[]), step("paid_again", &["paid"])]);
        }
    }

    /// Hardly a call more than is certain, and partners that have to be asked again.
    fn skimp(&mut self, rng: &mut Rng) {
        let nodes = freeze(&self.plan, &self.tools, Limits::default()).unwrap_or_default();
        let calls = nodes.iter().filter(|node| is_certain(node)).count() as u64 + rng.below(3);
        self.budget = Some(json!({ "calls": calls }));
        (self.faults.partner, self.faults.refuse) = (*rng.pick(&[500, 700]), 0);
    }

    /// The partner of a step is away for a time.
    fn break_down(&mut self, rng: &mut Rng) {
        let partners: Vec<&Step> =
            self.plan.steps.iter().filter(|step| step.wait.is_none() && !step.tool.starts_with(RUN_SAGA)).collect();
        if partners.is_empty() {
            return;
        }
        let tool = rng.pick(&partners).tool.clone();
        let from = rng.below(2_000);
        let rules = Rules {
            row: *rng.pick(&[1, 2, 3]),
            open_ms: Millis(*rng.pick(&[200, 1_000])),
            cap_ms: Millis(*rng.pick(&[1_000, 4_000])),
            permits: *rng.pick(&[1, 1, 2]),
            lease_ms: Millis(*rng.pick(&[500, 5_000])),
            successes: *rng.pick(&[1, 1, 2]),
            ..Rules::USUAL
        };
        let until = from + *rng.pick(&[3_000, 15_000, 60_000, 90_000]);
        self.outage = Some(Outage { tool, from, until, rules: Some(rules), anew: *rng.pick(&[0, 300, 1_000]) });
    }

    /// A refusal is left to people, who may have the step asked for anew; what comes after it is refused for
    /// good, so that it has to be undone.
    fn leave_to_people(&mut self, rng: &mut Rng) {
        let Some((last, before)) = self.plan.steps.split_last_mut() else { return };
        let undoable = |step: &&mut Step| {
            let class = self.tools.get(&step.tool).map(|tool| tool.class);
            class == Some(Class::Compensatable) && step.params.contains_key("n") && step.or.is_empty()
        };
        let mut undoable: Vec<&mut Step> = before.iter_mut().filter(undoable).collect();
        if undoable.is_empty() {
            return;
        }
        let at = usize::try_from(rng.below(undoable.len() as u64)).unwrap_or(0);
        undoable[at].escalate = true;
        last.after.push(undoable[at].id.clone());
        self.refused = Some(last.id.clone());
        self.hasty = rng.chance(600);
        (self.faults.partner, self.faults.refuse) = (*rng.pick(&[300, 500]), *rng.pick(&[400, 700]));
    }

    /// Only so many calls at once, and other sagas that want the same.
    fn limit(&mut self, rng: &mut Rng) {
        let called: Vec<String> = self.plan.steps.iter().map(|step| step.tool.clone()).collect();
        let priorities = [Priority::Low, Priority::Normal, Priority::High];
        for (name, tool) in &mut self.tools {
            if called.contains(name) && !name.starts_with(RUN_SAGA) && rng.chance(600) {
                let limit = |rng: &mut Rng, per| Limit {
                    limit: NonZeroU32::new(*rng.pick(&[1, 1, 2])).unwrap_or(NonZeroU32::MIN),
                    per,
                };
                tool.concurrency = vec![limit(rng, Per::Tool)];
                if rng.chance(200) {
                    tool.concurrency.push(limit(rng, Per::User));
                }
            }
        }
        self.user_concurrency = rng.chance(200).then(|| *rng.pick(&[1, 2, 3]));
        self.priority = *rng.pick(&priorities);
        let plain: Vec<&Step> = self.plan.steps.iter().filter(|step| step.params.contains_key("n")).collect();
        if plain.is_empty() {
            return;
        }
        for _ in 0..rng.below(4) {
            let many = rng.between(1, 3);
            let steps = (0..many).map(|place| {
                let tool = rng.pick(&plain).tool.clone();
                let after = place.checked_sub(1).filter(|_| rng.chance(500)).map(|before| format!("s{before}"));
                let params = Map::from_iter([("n".to_owned(), json!(place))]);
                Step { id: format!("s{place}"), tool, params, after: after.into_iter().collect(), ..Step::default() }
            });
            let plan = Plan { summary: "a rival".to_owned(), steps: steps.collect() };
            if freeze(&plan, &self.tools, Limits::default()).is_ok() {
                self.rivals.push(Rival { plan, priority: *rng.pick(&priorities), after: rng.below(3_000) });
            }
        }
    }

    /// The last step's partner says no.
    pub fn refuse_last(&mut self) {
        self.refused = self.plan.steps.last().map(|step| step.id.clone());
    }

    /// A chain without a fault: each step waits for the one before.
    #[must_use]
    pub fn chain(steps: usize, tool: &str, time_budget: u64) -> Self {
        let mut scenario = Self::random(7);
        let steps = (0..steps).map(|place| Step {
            id: format!("s{place}"),
            tool: tool.to_owned(),
            params: Map::from_iter([("n".to_owned(), json!(place))]),
            after: place.checked_sub(1).map(|before| format!("s{before}")).into_iter().collect(),
            ..Step::default()
        });
        scenario.plan = Plan { summary: "a chain".to_owned(), steps: steps.collect() };
        (scenario.time_budget, scenario.kill) = (time_budget, 10_000);
        (scenario.faults, scenario.calm_at, scenario.skews) = (Faults::default(), DAWN, vec![0]);
        (scenario.deadline, scenario.cancel_at, scenario.poison, scenario.outage) = (None, None, None, None);
        (scenario.user_concurrency, scenario.priority, scenario.rivals) = (None, Priority::Normal, Vec::new());
        scenario.hasty = false;
        (scenario.pause_after, scenario.drift, scenario.budget, scenario.replan) = (None, None, None, None);
        for tool in scenario.tools.values_mut() {
            (tool.timeout_ms, tool.estimate_ms) = (Millis(5_000), Millis(50));
            tool.concurrency.clear();
            if let Repeat::Keyed { ttl_ms } = &mut tool.repeat {
                *ttl_ms = Millis(86_400_000);
            }
        }
        scenario
    }
}

/// A step that a partner is called for, whatever comes.
fn is_certain(node: &Node) -> bool {
    node.has_partner() && node.when.is_none() && node.item.is_none() && node.instead_of.is_empty()
}

/// Enough for what is certain, and not always for what comes on top.
fn budget(rng: &mut Rng, plan: &Plan, tools: &BTreeMap<String, Definition>) -> Value {
    let nodes = freeze(plan, tools, Limits::default()).unwrap_or_default();
    let certain = || nodes.iter().filter(|node| is_certain(node));
    if rng.chance(500) {
        return json!({"calls": certain().count() as u64 + rng.below(8)});
    }
    let tools = || certain().filter_map(|node| tools.get(&node.tool));
    if rng.chance(300) {
        return json!({"tokens": tools().map(|tool| tool.cost_tokens).sum::<u64>() + rng.below(2) * 1_000});
    }
    json!({"cost_minor": tools().map(|tool| tool.cost_minor).sum::<i64>()})
}
