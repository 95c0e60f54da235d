//! What the OpenAPI document says of this function.

use makegood_edge::conversation::described::{Answer, Progress, takes_a_message};
use makegood_edge::describe::{Described, Operation as Says, Tag, all, shape};

use crate::{ADDRESSES, Operation};

/// All of it.
#[must_use]
pub fn described() -> Vec<Described> {
    all(&ADDRESSES, describe)
}

fn describe(operation: Operation) -> Says {
    match operation {
        Operation::Say => takes_a_message(Says::new(
            "say",
            Tag::Conversations,
            "Has a message carried out, or answers it",
        ))
        .means(
            "A plan that was understood well enough is started as a durable saga; else something is asked back. With \
                 `Accept: text/event-stream` the answer is a stream that tells how the saga goes until it rests. Who \
                 hangs up changes nothing.",
        )
        .answers_as(
            200,
            "The message is answered, and starts nothing. Or the stream, of whatever became of it.",
            vec![("application/json", shape::<Answer>()), ("text/event-stream", shape::<Progress>())],
        )
        .leads_to("show", "saga", "/saga")
        .answers::<Answer>(202, "A saga was started, or was asked for something.")
        .leads_to("show", "saga", "/saga")
        .leads_to("cancel", "saga", "/saga"),
    }
}
