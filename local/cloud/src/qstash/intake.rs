//! The way of a message from its acceptance to the moment it may leave:
//! its time, its queue, its flow-control gate, the global parallelism.

use std::{collections::HashMap, io, sync::Arc};

use super::{
    dedup,
    faults::Faults,
    flow::{Gate, Passage},
    history::Phase,
    message::Message,
    record::Record,
    state::State,
    timer::Wake,
};

/// The answer to a publish.
pub struct Receipt {
    pub id: String,
    pub deduplicated: bool,
}

/// An attempt that is to be made now.
pub struct Launch {
    pub message: Arc<Message>,
    pub retried: u32,
    pub key: String,
    /// The fault switch asks for a second copy.
    pub twice: bool,
}

impl State {
    /// Takes on messages, all or none; duplicates only get the old id.
    ///
    /// # Errors
    /// When they could not be written.
    pub fn accept(&mut self, messages: Vec<Message>) -> io::Result<Vec<Receipt>> {
        let now = self.now();
        let mut receipts = Vec::with_capacity(messages.len());
        let mut records = Vec::with_capacity(messages.len());
        let mut fresh: Vec<Arc<Message>> = Vec::new();
        let mut in_batch: HashMap<String, String> = HashMap::new();
        let mut begun: HashMap<String, String> = HashMap::new();
        for message in messages {
            if let Some(id) = self.earlier_run(&message, &begun) {
                receipts.push(Receipt { id, deduplicated: true });
                continue;
            }
            begun.extend(message.begins().map(|run| (run.to_owned(), message.id.clone())));
            let key = message.how.dedup.as_deref();
            let earlier = key.and_then(|key| in_batch.get(key).map(String::as_str));
            let known = earlier.or_else(|| self.dedup.find(key?, now)).map(str::to_owned);
            if let Some(id) = known {
                receipts.push(Receipt { id, deduplicated: true });
                continue;
            }
            in_batch.extend(key.map(|key| (key.to_owned(), message.id.clone())));
            receipts.push(Receipt { id: message.id.clone(), deduplicated: false });
            fresh.push(Arc::new(message));
        }
        for message in &fresh {
            if Faults::happens(self.faults.lose) {
                // Lost is lost: not even the same id brings it back.
                records.extend(message.how.dedup.clone().map(|key| Record::Dedup {
                    key,
                    id: message.id.clone(),
                    until: now.saturating_add(dedup::WINDOW),
                }));
                continue;
            }
            if let Some(name) = &message.how.queue
                && !self.queues.contains_key(name)
            {
                records.push(Record::Queue(self.queue_config(name)));
            }
            records.push(Record::Put(message.clone()));
        }
        if !records.is_empty() {
            self.commit(records)?;
        }
        self.release(fresh);
        Ok(receipts)
    }

    /// Sets on their way what has been accepted.
    pub(super) fn release(&mut self, messages: Vec<Arc<Message>>) {
        for message in messages {
            self.note(Phase::Created, &message);
            self.jitter(&message.id);
            self.arrive(&message.id);
        }
    }

    /// The message that began the same run before: each begins once, whatever asks again.
    fn earlier_run(&self, message: &Message, in_batch: &HashMap<String, String>) -> Option<String> {
        let run = message.begins()?;
        let known = self.workflows.run(run).and_then(|run| run.steps.first()).map(|step| step.message_id.clone());
        known.or_else(|| in_batch.get(run).cloned())
    }

    /// Lets the fault switch delay a new message.
    pub(super) fn jitter(&mut self, id: &str) {
        let jitter = self.faults.jitter();
        if let Some(stored) = self.messages.get_mut(id) {
            stored.due = stored.due.saturating_add(jitter);
        }
    }

    /// A message waits for its time, or goes on at once.
    pub(super) fn arrive(&mut self, id: &str) {
        let Some(stored) = self.messages.get(id) else {
            return;
        };
        if stored.due > self.now() {
            self.timers.set(stored.due, Wake::Message(id.to_owned()));
        } else {
            self.enter_queue(id);
        }
    }

    fn enter_queue(&mut self, id: &str) {
        let Some(stored) = self.messages.get(id) else {
            return;
        };
        let name = stored.message.how.queue.clone();
        match name.as_ref().and_then(|name| self.queues.get_mut(name)) {
            Some(queue) if !queue.holds(id) => {
                queue.join(id.to_owned());
                self.advance_queue(&name.unwrap_or_default());
            }
            Some(_) | None => self.enter_gate(id),
        }
    }

    /// Lets go whoever's turn has come in a queue.
    pub fn advance_queue(&mut self, name: &str) {
        while let Some(id) = self.queues.get_mut(name).and_then(|queue| queue.next()) {
            self.enter_gate(&id);
        }
    }

    /// Ends a queue; who waited in it waits no longer.
    ///
    /// # Errors
    /// When that could not be written.
    pub fn remove_queue(&mut self, name: &str) -> io::Result<()> {
        let waiting = self.queues.get_mut(name).map(|queue| queue.dissolve());
        self.commit(vec![Record::QueueGone { name: name.to_owned() }])?;
        for id in waiting.unwrap_or_default() {
            self.enter_gate(&id);
        }
        Ok(())
    }

    fn enter_gate(&mut self, id: &str) {
        let Some(stored) = self.messages.get(id) else {
            return;
        };
        let Some(flow) = stored.message.how.flow.clone() else {
            self.ready.push_back(id.to_owned());
            return;
        };
        let gate = self.gates.entry(flow.key.clone());
        let hold = self.holds.get(&flow.key);
        let gate = gate.or_insert_with(|| Gate::new(flow.clone(), hold.cloned().unwrap_or_default()));
        gate.join(id.to_owned(), &flow);
        self.advance_gate(&flow.key);
    }

    /// Lets go whom a flow-control key allows.
    pub(super) fn advance_gate(&mut self, key: &str) {
        let now = self.now();
        while let Some(gate) = self.gates.get_mut(key) {
            match gate.pass(now) {
                Passage::Go(id) => match self.messages.get_mut(&id) {
                    Some(stored) => {
                        stored.gated = true;
                        self.ready.push_back(id);
                    }
                    // Cancelled while it waited.
                    None => gate.leave(),
                },
                Passage::At(at) => {
                    self.timers.set(at, Wake::Flow(key.to_owned()));
                    return;
                }
                Passage::Closed => return,
            }
        }
    }

    /// Works off the timers that are due.
    pub fn wake(&mut self) {
        let now = self.now();
        while let Some((at, wake)) = self.timers.pop_due(now) {
            match wake {
                Wake::Message(id) => self.enter_queue(&id),
                Wake::Flow(key) => self.advance_gate(&key),
                Wake::Schedule(id) => self.fire(&id, at),
                Wake::Event(id) => self.give_up_waiting(&id),
            }
        }
    }

    fn fire(&mut self, id: &str, at: u64) {
        let Some(schedule) = self.schedules.get(id).cloned() else {
            return;
        };
        if self.armed.get(id) != Some(&at) {
            return;
        }
        if !schedule.paused
            && let Err(error) = self.accept(schedule.messages(&self.groups, at))
        {
            tracing::error!(%error, schedule = id, "a scheduled message could not be stored");
        }
        self.arm(id);
    }

    /// The attempts to make now, as far as the parallelism allows.
    pub fn pump(&mut self) -> Vec<Launch> {
        let mut launches = Vec::new();
        while self.running && self.in_flight.len() < self.parallelism {
            let Some(id) = self.ready.pop_front() else {
                break;
            };
            let Some(stored) = self.messages.get(&id) else {
                continue;
            };
            let (message, retried) = (stored.message.clone(), stored.retried);
            if self.is_void(&message) {
                if let Err(error) = self.cancel(&id) {
                    tracing::error!(%error, id, "what an ended run left behind could not be removed");
                }
                continue;
            }
            launches.push(Launch {
                retried,
                key: self.keys.current.clone(),
                twice: Faults::happens(self.faults.duplicate),
                message: self.outgoing(&message),
            });
            self.in_flight.insert(id, None);
            self.note(Phase::Active, &message);
        }
        launches
    }
}
