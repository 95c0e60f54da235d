//! The fault switchboard: makes chosen calls go wrong in the ways in which partners do.
//!
//! Which calls are struck follows from each fault's seed and the order of the calls alone. The state
//! lives in PostgreSQL and is cached here, so that a call without faults costs nothing; two hosts over
//! one database do not see each other's changes before they start anew.

pub(crate) mod http;
mod spec;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::problem::Problem;
use crate::store::Store;
use crate::tool::Tool;

pub(crate) use spec::{Fault, Kind, Op};

/// How many faults may be set at once.
const MAX_FAULTS: usize = 100;

/// A fault that is set, with what it has seen and done so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Switch {
    pub(crate) id: u64,
    #[serde(rename = "spec")]
    pub(crate) fault: Fault,
    /// Calls that matched.
    draws: u64,
    /// Calls that were struck.
    pub(crate) hits: u64,
}

impl Switch {
    /// How often it will still strike; `None` for without end.
    pub(crate) fn hits_left(&self) -> Option<u64> {
        self.fault.count.map(|count| count.saturating_sub(self.hits))
    }

    fn is_armed(&self) -> bool {
        self.hits_left() != Some(0)
    }

    /// Counts one more call that matches, and says whether it is struck.
    fn draw(&mut self) -> bool {
        self.draws += 1;
        let struck = chance(self.fault.seed, self.draws) < self.fault.probability;
        self.hits += u64::from(struck);
        struck
    }
}

pub(crate) struct Switchboard {
    store: Store,
    loaded: OnceCell<()>,
    switches: Mutex<Vec<Switch>>,
    armed: AtomicUsize,
}

impl Switchboard {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, loaded: OnceCell::new(), switches: Mutex::default(), armed: AtomicUsize::new(0) }
    }

    /// The fault that strikes this call, if any: of those that match, the oldest that draws it. Its
    /// count is in PostgreSQL before the call goes on.
    pub(crate) async fn strike(&self, tool: Tool, op: Op) -> Result<Option<Fault>, Problem> {
        self.load().await?;
        if self.armed.load(Ordering::Relaxed) == 0 {
            return Ok(None);
        }
        let (drawn, struck) = self.draw(tool, op);
        if !drawn.is_empty() {
            self.store
                .run(
                    "update town.faults f
                     set draws = greatest(f.draws, d.draws), hits = greatest(f.hits, d.hits)
                     from jsonb_to_recordset($1::jsonb) as d (id bigint, draws bigint, hits bigint)
                     where f.id = d.id",
                    &[Some(&json!(drawn).to_string())],
                )
                .await?;
        }
        Ok(struck)
    }

    fn draw(&self, tool: Tool, op: Op) -> (Vec<Switch>, Option<Fault>) {
        let mut drawn = Vec::new();
        let mut struck = None;
        self.change(|switches| {
            for switch in switches {
                if switch.is_armed() && switch.fault.matches(tool, op) {
                    let hit = switch.draw();
                    drawn.push(switch.clone());
                    if hit {
                        struck = Some(switch.fault.clone());
                        break;
                    }
                }
            }
        });
        (drawn, struck)
    }

    pub(crate) async fn set(&self, fault: Fault) -> Result<Switch, Problem> {
        self.load().await?;
        if self.switches().len() >= MAX_FAULTS {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "too_many_faults",
                format!("{MAX_FAULTS} faults are set already. DELETE /demo/faults clears them."),
            ));
        }
        let id = self
            .store
            .json("insert into town.faults (spec) values ($1::jsonb) returning id", &[Some(&json!(fault).to_string())])
            .await?;
        let switch = Switch { id, fault, draws: 0, hits: 0 };
        self.change(|switches| switches.push(switch.clone()));
        Ok(switch)
    }

    pub(crate) async fn list(&self) -> Result<Vec<Switch>, Problem> {
        self.load().await?;
        Ok(self.switches().clone())
    }

    /// Removes one, or all; returns how many there were.
    pub(crate) async fn remove(&self, id: Option<u64>) -> Result<usize, Problem> {
        self.load().await?;
        self.store
            .run(
                "delete from town.faults where id = coalesce($1::bigint, id)",
                &[id.map(|id| id.to_string()).as_deref()],
            )
            .await?;
        let before = self.switches().len();
        self.change(|switches| switches.retain(|switch| id.is_some_and(|id| id != switch.id)));
        Ok(before - self.switches().len())
    }

    async fn load(&self) -> Result<(), Problem> {
        self.loaded
            .get_or_try_init(async || {
                let stored: Vec<Switch> = self
                    .store
                    .json(
                        "select coalesce(jsonb_agg(to_jsonb(f) order by f.id), '[]') \
                         from town.faults f",
                        &[],
                    )
                    .await?;
                self.change(|switches| *switches = stored);
                Ok(())
            })
            .await
            .copied()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Switch>)) {
        let mut switches = self.switches();
        change(&mut switches);
        let armed = switches.iter().filter(|switch| switch.is_armed()).count();
        self.armed.store(armed, Ordering::Relaxed);
    }

    fn switches(&self) -> MutexGuard<'_, Vec<Switch>> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The `draw`-th number of the sequence of `seed`, from 0 up to 1 (splitmix64).
fn chance(seed: u32, draw: u64) -> f64 {
    let mut z = u64::from(seed).wrapping_add(draw.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}
