//! Everything QStash knows, under one lock. What must outlive the process
//! changes only through [`State::commit`]: first the journal, then memory, by
//! the same [`State::apply`] that replays the journal on opening.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    sync::Arc,
};

use tokio::task::AbortHandle;

use crate::Clock;

use super::{
    Error, Options,
    dedup::{self, Dedup},
    faults::Faults,
    flow::{Flow, Gate, Hold},
    group::Group,
    history::{Event, History, Phase},
    journal::Journal,
    keys::Keys,
    message::Message,
    queue::{Queue, QueueConfig},
    record::{DeadLetter, Record},
    schedule::Schedule,
    timer::{Timers, Wake},
    workflow::Workflows,
};

pub struct State {
    pub clock: Clock,
    pub faults: Faults,
    pub history: History,
    pub keys: Keys,
    pub queues: BTreeMap<String, Queue>,
    pub groups: BTreeMap<String, Group>,
    pub schedules: BTreeMap<String, Arc<Schedule>>,
    /// Oldest first.
    pub dead: Vec<Arc<DeadLetter>>,
    pub workflows: Workflows,
    /// The largest body that is delivered to a workflow.
    pub(super) max_message_bytes: usize,
    pub(super) dedup: Dedup,
    pub(super) messages: HashMap<String, Stored>,
    pub(super) timers: Timers,
    pub(super) gates: BTreeMap<String, Gate>,
    /// By flow-control key.
    pub(super) holds: BTreeMap<String, Hold>,
    pub(super) ready: VecDeque<String>,
    pub(super) in_flight: HashMap<String, Option<AbortHandle>>,
    pub(super) running: bool,
    pub(super) parallelism: usize,
    /// When each schedule fires next; timers that say otherwise are stale.
    pub(super) armed: HashMap<String, u64>,
    /// How far the clock was put forward by hand.
    ahead: u64,
    journal: Option<Journal>,
    closed: bool,
    accepted: u64,
    /// The number of the latest dead letter.
    pub(super) died: u64,
}

/// A message that has not come to its end.
pub(super) struct Stored {
    pub message: Arc<Message>,
    pub retried: u32,
    pub due: u64,
    /// Whether the fault switch already lost an acknowledgement of it.
    pub ack_dropped: bool,
    /// Whether it is past its flow-control gate.
    pub gated: bool,
    order: u64,
}

impl State {
    pub fn open(options: Options) -> Result<Self, Error> {
        let mut state = Self {
            clock: options.clock.clone(),
            faults: options.faults.check().map_err(Error)?,
            history: History::default(),
            keys: Keys { current: options.current_key, next: options.next_key },
            queues: BTreeMap::new(),
            groups: BTreeMap::new(),
            holds: BTreeMap::new(),
            schedules: BTreeMap::new(),
            dead: Vec::new(),
            workflows: Workflows::default(),
            max_message_bytes: options.max_message_bytes,
            dedup: Dedup::default(),
            messages: HashMap::new(),
            timers: Timers::default(),
            gates: BTreeMap::new(),
            ready: VecDeque::new(),
            in_flight: HashMap::new(),
            running: false,
            parallelism: options.parallelism.max(1),
            armed: HashMap::new(),
            ahead: 0,
            journal: None,
            closed: false,
            accepted: 0,
            died: 0,
        };
        if let Some(folder) = &options.data_dir {
            state.journal = Some(Journal::open(folder, |record| state.apply(record))?);
        }
        state.resume();
        Ok(state)
    }

    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    pub fn depth(&self) -> usize {
        self.messages.len()
    }

    pub fn message(&self, id: &str) -> Option<&Arc<Message>> {
        self.messages.get(id).map(|stored| &stored.message)
    }

    pub(super) fn stored(&self, id: &str) -> Option<&Stored> {
        self.messages.get(id)
    }

    /// The messages that were accepted last.
    pub(super) fn latest(&self, count: usize) -> Vec<&Stored> {
        let mut stored: Vec<&Stored> = self.messages.values().collect();
        stored.sort_unstable_by_key(|stored| std::cmp::Reverse(stored.order));
        stored.truncate(count);
        stored
    }

    pub fn note(&mut self, phase: Phase, message: &Arc<Message>) {
        let (time, message) = (self.now(), message.clone());
        self.history.note(Event { time, phase, message, outcome: None, next_delivery: None });
    }

    /// Makes `records` last, then true.
    ///
    /// # Errors
    /// When they could not be written; then nothing has changed.
    pub fn commit(&mut self, records: Vec<Record>) -> io::Result<()> {
        if self.closed {
            return Err(io::Error::other("this QStash has been closed"));
        }
        if let Some(journal) = &mut self.journal {
            journal.append(&records)?;
        }
        for record in records {
            self.apply(record);
        }
        if self.journal.as_ref().is_some_and(Journal::wants_compaction) {
            self.compact();
        }
        Ok(())
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Put(message) => self.insert(message),
            Record::Retry { id, retried, due } => {
                if let Some(stored) = self.messages.get_mut(&id) {
                    stored.retried = retried;
                    stored.due = due;
                }
            }
            Record::Done { id } => self.remove(&id),
            Record::Dead(letter) => self.bury(letter),
            Record::DeadGone { dlq_id } => self.dead.retain(|letter| letter.dlq_id != dlq_id),
            Record::Dedup { key, id, until } => self.dedup.remember(key, id, until),
            Record::Queue(config) => match self.queues.get_mut(&config.name) {
                Some(queue) => queue.config = config,
                None => {
                    self.queues.insert(config.name.clone(), Queue::new(config));
                }
            },
            Record::QueueGone { name } => {
                self.queues.remove(&name);
            }
            Record::Schedule(schedule) => {
                self.schedules.insert(schedule.id.clone(), schedule);
            }
            Record::ScheduleGone { id } => {
                self.schedules.remove(&id);
                self.armed.remove(&id);
            }
            Record::Keys(keys) => self.keys = keys,
            Record::Group(group) => {
                self.groups.insert(group.name.clone(), group);
            }
            Record::GroupGone { name } => {
                self.groups.remove(&name);
            }
            Record::Hold { key, hold } => {
                let new = || Gate::new(Flow::unlimited(key.clone()), Hold::default());
                self.gates.entry(key.clone()).or_insert_with(new).hold = hold.clone();
                match hold == Hold::default() {
                    true => self.holds.remove(&key),
                    false => self.holds.insert(key, hold),
                };
            }
            Record::Ahead { millis } => {
                self.ahead = millis;
                self.clock.skip_at_least(millis);
            }
            Record::Workflow(change) => {
                self.workflows.apply(change, |id| self.dead.iter().any(|letter| letter.dlq_id == id));
            }
        }
    }

    fn bury(&mut self, letter: Arc<DeadLetter>) {
        let order = letter.order.max(self.died + 1);
        self.died = order;
        self.dead.push(match letter.order == order {
            true => letter,
            // Of a journal in which they had no numbers yet.
            false => Arc::new(DeadLetter { order, ..DeadLetter::clone(&letter) }),
        });
    }

    fn insert(&mut self, message: Arc<Message>) {
        if let Some(slot) = &message.slot
            && let Some(queue) = self.queues.get_mut(&slot.queue)
        {
            queue.occupy(&slot.holder);
        }
        if let Some(key) = message.how.dedup.clone() {
            let until = message.created_at.saturating_add(dedup::WINDOW);
            self.dedup.remember(key, message.id.clone(), until);
        }
        self.workflows.arrived(&message);
        self.accepted += 1;
        let stored = Stored {
            retried: 0,
            due: message.not_before,
            ack_dropped: false,
            gated: false,
            order: self.accepted,
            message,
        };
        self.messages.insert(stored.message.id.clone(), stored);
    }

    fn remove(&mut self, id: &str) {
        let Some(stored) = self.messages.remove(id) else {
            return;
        };
        self.workflows.left(&stored.message);
        if let Some(flow) = &stored.message.how.flow
            && let Some(gate) = self.gates.get_mut(&flow.key)
        {
            if stored.gated { gate.leave() } else { gate.forget(id) }
        }
        if let Some(slot) = stored.message.slot()
            && let Some(queue) = self.queues.get_mut(&slot.queue)
        {
            queue.leave(&slot.holder);
        }
    }

    /// Sets everything that was read from the journal in motion again.
    fn resume(&mut self) {
        let mut ids: Vec<(u64, String)> = self.messages.iter().map(|(id, stored)| (stored.order, id.clone())).collect();
        ids.sort_unstable();
        for (_, id) in &ids {
            self.keep_place(id);
        }
        for (_, id) in ids {
            self.arrive(&id);
        }
        for id in self.schedules.keys().cloned().collect::<Vec<_>>() {
            self.arm(&id);
        }
        for waiter in self.workflows.waiters.values() {
            self.timers.set(waiter.deadline, Wake::Event(waiter.id.clone()));
        }
    }

    /// A message that was begun before holds its queue's place again.
    fn keep_place(&mut self, id: &str) {
        let Some(stored) = self.messages.get(id) else {
            return;
        };
        let name = stored.message.how.queue.as_ref();
        if let Some(queue) = name.and_then(|name| self.queues.get_mut(name))
            && (stored.retried > 0 || queue.holds(id))
        {
            queue.occupy(id);
        }
    }

    /// Sets the timer for a schedule's next firing.
    pub fn arm(&mut self, id: &str) {
        let next = self.schedules.get(id).and_then(|s| s.next_after(self.now()));
        if let Some(at) = next {
            self.armed.insert(id.to_owned(), at);
            self.timers.set(at, Wake::Schedule(id.to_owned()));
        }
    }

    /// Lets go of the data folder; nothing is accepted from now on.
    pub fn close(&mut self) {
        self.closed = true;
        self.journal = None;
    }

    /// The queue of this name, as it is or as it comes into being.
    pub fn queue_config(&self, name: &str) -> QueueConfig {
        let now = self.now();
        match self.queues.get(name) {
            Some(queue) => queue.config.clone(),
            None => {
                QueueConfig { name: name.to_owned(), parallelism: 1, paused: false, created_at: now, updated_at: now }
            }
        }
    }

    fn compact(&mut self) {
        let Some(mut journal) = self.journal.take() else {
            return;
        };
        if let Err(error) = journal.compact(self.snapshot().into_iter()) {
            tracing::warn!(%error, "the QStash journal could not be compacted; it goes on growing");
        }
        self.journal = Some(journal);
    }

    /// The records that lead to the present state.
    fn snapshot(&self) -> Vec<Record> {
        let mut stored: Vec<&Stored> = self.messages.values().collect();
        stored.sort_unstable_by_key(|stored| stored.order);
        let mut records = vec![Record::Keys(self.keys.clone()), Record::Ahead { millis: self.ahead }];
        records.extend(self.queues.values().map(|q| Record::Queue(q.config.clone())));
        records.extend(self.groups.values().cloned().map(Record::Group));
        let holds = self.holds.iter();
        records.extend(holds.map(|(key, hold)| Record::Hold { key: key.clone(), hold: hold.clone() }));
        records.extend(self.schedules.values().cloned().map(Record::Schedule));
        records.extend(self.dead.iter().cloned().map(Record::Dead));
        records.extend(self.workflows.records());
        for Stored { message, retried, due, .. } in stored {
            records.push(Record::Put(message.clone()));
            if *retried > 0 {
                let (id, retried, due) = (message.id.clone(), *retried, *due);
                records.push(Record::Retry { id, retried, due });
            }
        }
        records.extend(self.dedup.records());
        records
    }
}
