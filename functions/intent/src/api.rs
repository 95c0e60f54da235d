//! What the OpenAPI document says of this function.

use makegood_edge::conversation::described::{Answer, takes_a_message};
use makegood_edge::describe::{Described, Operation as Says, Tag, all};

use crate::{ADDRESSES, Operation};

/// All of it.
#[must_use]
pub fn described() -> Vec<Described> {
    all(&ADDRESSES, describe)
}

fn describe(operation: Operation) -> Says {
    match operation {
        Operation::Preview => takes_a_message(Says::new(
            "preview",
            Tag::Conversations,
            "Says what a message would lead to, and does nothing",
        ))
        .means("The intents, the plan, and each step's class, risk and cost. Where a model is asked, that is counted and costs.")
        .answers::<Answer>(200, "What `say` would answer, or start."),
    }
}
