//! `bench_effect`, the partner that costs nothing: it keeps its keys in memory, so that a benchmark
//! measures the engine and not the town. Honest within the life of the process, and within the last
//! [`MAX_KEYS`] keys.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::key::Key;
use crate::params::{self, Bench as Params};
use crate::problem::Problem;
use crate::store::Verdict;

/// The oldest key is forgotten for each one beyond this.
const MAX_KEYS: usize = 200_000;

#[derive(Default)]
pub(crate) struct Bench {
    keys: Mutex<Keys>,
    /// Parameters are compared by hash.
    hasher: RandomState,
}

#[derive(Default)]
struct Keys {
    effects: HashMap<Key, Effect>,
    oldest_first: VecDeque<Key>,
}

enum Effect {
    Done { n: i64, params: u64 },
    Refused(Problem),
    Undone { undone: bool },
}

impl Bench {
    pub(crate) fn act(&self, key: &Key, asked: &Value, refusal: Option<Problem>) -> Verdict {
        let effect = match (refusal, params::read::<Params>(asked)) {
            (Some(refusal), _) | (None, Err(refusal)) => Effect::Refused(refusal),
            (None, Ok(params)) => Effect::Done { n: params.n, params: self.hasher.hash_one(&params) },
        };
        let mut keys = self.keys();
        if let Some(prior) = keys.effects.get(key) {
            return match (prior, &effect) {
                (Effect::Done { params: prior, .. }, Effect::Done { params, .. }) if prior != params => {
                    Verdict::KeyReused
                }
                (prior, _) => prior.verdict(),
            };
        }
        let verdict = effect.verdict();
        keys.remember(key, effect);
        verdict
    }

    pub(crate) fn undo(&self, key: &Key) -> Verdict {
        let mut keys = self.keys();
        let undone = match keys.effects.get(key) {
            Some(Effect::Undone { undone }) => *undone,
            Some(Effect::Done { .. }) => true,
            Some(Effect::Refused(_)) | None => false,
        };
        keys.remember(key, Effect::Undone { undone });
        Verdict::Undone { undone }
    }

    pub(crate) fn status(&self, key: &Key) -> Verdict {
        self.keys().effects.get(key).map_or(Verdict::None, Effect::verdict)
    }

    /// As `town.reset` does: nothing that was done is there any more, and every key is known.
    pub(crate) fn clear(&self) {
        for effect in self.keys().effects.values_mut() {
            if matches!(effect, Effect::Done { .. }) {
                *effect = Effect::Undone { undone: true };
            }
        }
    }

    /// No panic can happen under this lock, so a poisoned one still holds whole entries.
    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn remember(&mut self, key: &Key, effect: Effect) {
        if self.effects.insert(key.clone(), effect).is_some() {
            return;
        }
        self.oldest_first.push_back(key.clone());
        if self.oldest_first.len() > MAX_KEYS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.effects.remove(&oldest);
        }
    }
}

impl Effect {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Done { n, .. } => Verdict::Done { output: json!({ "n": n }) },
            Self::Refused(problem) => Verdict::Refused(problem.clone()),
            Self::Undone { undone } => Verdict::Undone { undone: *undone },
        }
    }
}
