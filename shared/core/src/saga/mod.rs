//! The saga engine: one pure state machine that carries a plan out, or makes it good.
//!
//! [`step`] is the only place that decides. It folds one [`Event`] into a [`Saga`] and answers with
//! the [`Effect`]s that are due; a driver outside performs them and comes back with what happened.
//! Nothing here waits, calls or stores. See `docs/ARCHITECTURE.md` for the invariants.

mod advance;
mod approval;
mod checks;
mod child;
mod condition;
mod effect;
mod event;
mod expand;
mod fact;
mod failure;
mod forward;
mod leave;
mod legal;
mod node;
mod plan;
mod record;
mod reference;
mod replan;
mod report;
mod sequence;
mod settle;
mod state;
mod step;
mod thaw;
mod turn;
mod unwind;
mod verbs;
mod verify;
mod wait;

pub use approval::{Approval, Asked, Decision};
pub use child::{Child, Parent, RUN_SAGA, RUN_SAGA_FOR_GOOD, definitions, tools_of};
pub use condition::{Comparison, Condition};
pub use effect::{Call, Commit, Effect, Ended, Op, Wake};
pub use event::{Answer, CallId, Event, Illegal, Origin, Outcome, Refusal, Window};
pub use expand::{Alternative, Each};
pub use fact::{Cause, Fact, Record};
pub(crate) use failure::NEVER_SEEN;
pub use failure::TOO_LARGE;
pub use forward::NO_SUCH_ITEM;
pub use legal::{Kind, Place};
pub use node::{Crowd, Gather, Item, Node, Past};
pub use plan::{Plan, Step, object};
#[cfg(test)]
pub(crate) use record::tests::one_of_each;
pub use reference::{Reference, resolve};
pub use replan::{Replan, adapt};
pub use report::{AGREED, Ask, Attempt, Left, Remark, Report, Standing, StepReport, report};
pub(crate) use state::is_zero;
pub use state::{Budget, Head, Job, Open, Phase, Saga};
pub use step::step;
pub use thaw::thaw;
pub use turn::{Claim, Priority};
pub use verbs::Verdict;
pub use verify::{LONGEST_NAME, LONGEST_WAIT, Limits, freeze};
pub use wait::{LARGEST_MAIL, Wait};
