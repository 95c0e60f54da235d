//! What the OpenAPI document says of this function: a file for each group, and here what stands for what.

mod agents;
mod breakers;
mod people;
mod queue;
mod sagas;
mod schedules;

use makegood_edge::describe::{Described, Operation as Says, all};

use crate::addresses::{ADDRESSES, Operation};

/// All of it.
#[must_use]
pub fn described() -> Vec<Described> {
    let mut found = all(&ADDRESSES, describe);
    // What is decided on a page is answered with one, whatever comes of it.
    for one in found.iter_mut().filter(|one| one.path == crate::FORM) {
        one.operation.refuses_as = "text/html";
    }
    // It refuses in its protocol's words, except at the door.
    for one in found.iter_mut().filter(|one| one.path == crate::MCP) {
        agents::in_its_words(&mut one.operation);
    }
    found
}

fn describe(operation: Operation) -> Says {
    match operation {
        Operation::Start => sagas::start(),
        Operation::Show => sagas::show(),
        Operation::Cancel => sagas::cancel(),
        Operation::Pause => sagas::pause(),
        Operation::Resume => sagas::resume(),
        Operation::Follow => sagas::follow(),
        Operation::Bring => sagas::bring(),
        Operation::Retry => sagas::retry(),
        Operation::Resolve => sagas::resolve(),
        Operation::Replan => sagas::replan(),
        Operation::Approve => people::approve(),
        Operation::Reject => people::reject(),
        Operation::MakeLink => people::make_link(),
        Operation::Look => people::look(),
        Operation::Decide => people::decide(),
        Operation::DecideByForm => people::decide_by_form(),
        Operation::ListSchedules => schedules::list(),
        Operation::CreateSchedule => schedules::create(),
        Operation::ShowSchedule => schedules::show(),
        Operation::DeleteSchedule => schedules::delete(),
        Operation::PauseSchedule => schedules::pause(),
        Operation::ResumeSchedule => schedules::resume(),
        Operation::ListBreakers => breakers::list(),
        Operation::OpenBreaker => breakers::open(),
        Operation::CloseBreaker => breakers::close(),
        Operation::ResetBreaker => breakers::reset(),
        Operation::Step => queue::step(),
        Operation::Sweep => queue::sweep(),
        Operation::Scheduled => queue::scheduled(),
        Operation::Wish => queue::wish(),
        Operation::Delivery => queue::delivery(),
        Operation::Mcp => agents::mcp(),
    }
}
