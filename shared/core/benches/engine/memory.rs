//! The world in memory: a journal that is a list, and partners that answer at once. It does what
//! `step` asks for and decides nothing, as the real driver does.

use std::collections::{BTreeMap, VecDeque};

use makegood_core::saga::{
    Answer, Call, Commit, Effect, Ended, Event, Fact, Head, Node, Op, Outcome, Record, Saga, Window, step,
};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use serde_json::Value;

use crate::plans::{self, NOW};

/// How long a partner takes.
const TOOK: Millis = Millis(12);

pub struct Memory {
    pub nodes: Vec<Node>,
    tools: BTreeMap<String, Definition>,
    pub journal: Vec<Record>,
    pub head: Head,
    outputs: BTreeMap<u32, Value>,
    /// Moves on by [`TOOK`] with every answer.
    now: Millis,
}

impl Memory {
    /// A saga that was created and not yet woken.
    pub fn new(nodes: Vec<Node>) -> Self {
        let head = Head::new(u32::try_from(nodes.len()).unwrap(), NOW, None);
        Self { nodes, tools: plans::tools(), journal: Vec::new(), head, outputs: BTreeMap::new(), now: NOW }
    }

    /// The nodes that the database would load: those in work, and as many of the next as an invocation
    /// of this saga has come to see done.
    pub fn first_window(&self) -> Window {
        let (reach, invocations) = (self.head.cursor, self.head.invocations);
        let width = reach.checked_div(invocations).map_or(8, |seen| (seen + 1).clamp(2, 32));
        self.window(reach, reach + width)
    }

    fn window(&self, from: u32, to: u32) -> Window {
        let chosen = |node: &&Node| (from..to).contains(&node.ix) || self.head.open.contains_key(&node.ix);
        let nodes: Vec<Node> = self.nodes.iter().filter(chosen).cloned().collect();
        let wanted = nodes.iter().flat_map(|node| node.refs.values());
        let outputs = wanted.filter_map(|ix| Some((*ix, self.outputs.get(ix)?.clone()))).collect();
        let tools = self.tools.iter().map(|(name, tool)| (name.clone(), tool.clone().into())).collect();
        Window { nodes, tools, outputs, ..Window::default() }
    }

    /// The saga as an invocation finds it.
    pub fn load(&self) -> Saga {
        Saga::load(plans::id(), self.head.clone(), self.first_window())
    }

    /// One invocation with so much time, from its wake to its end.
    pub fn invoke(&mut self, budget: Millis) -> Ended {
        let mut saga = self.load();
        let mut events = VecDeque::from([wake(self.now, budget)]);
        while let Some(event) = events.pop_front() {
            for effect in step(&mut saga, event, self.now).unwrap() {
                match effect {
                    Effect::Commit(commit) => {
                        self.append(&saga.head, commit);
                        events.push_back(Event::Committed);
                    }
                    Effect::Call(call) => {
                        self.now = self.now + TOOK;
                        events.push_back(answer(&call));
                    }
                    Effect::Page { from, to } => events.push_back(Event::Paged(self.window(from, to))),
                    Effect::End(ended) => return ended,
                    Effect::Sleep { .. } | Effect::Rearm(_) | Effect::AskTurn(_) | Effect::AskLeave { .. } => {
                        panic!("nothing here is waited for")
                    }
                }
            }
        }
        panic!("it was left {} with nothing under way", saga.head.phase);
    }

    fn append(&mut self, head: &Head, commit: Commit) {
        for record in &commit.records {
            if let Fact::Done { node, output, .. } = &record.fact {
                self.outputs.insert(*node, output.clone());
            }
        }
        self.journal.extend(commit.records);
        self.head = head.clone();
    }
}

pub fn wake(now: Millis, budget: Millis) -> Event {
    let until = now + budget;
    Event::Wake { until, kill: until + Millis(1_000), cautious: false }
}

/// A partner's yes.
pub fn answer(call: &Call) -> Event {
    let said = match call.op {
        Op::Do => Answer::Output(plans::output(call.node)),
        Op::Status => Answer::NeverSeen,
        Op::Undo => Answer::Undone { found: true },
    };
    Event::Answered { call: call.id(), took: TOOK, outcome: Outcome::Ok(said) }
}
