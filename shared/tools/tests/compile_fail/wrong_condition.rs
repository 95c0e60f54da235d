#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::{Draft, Step};
use town::{BookRestaurantTable, BookingArgs, MessageArgs, SendMessage};

fn after(mut draft: Draft, booking: BookingArgs, message: MessageArgs) {
    let table = draft.add(Step::<BookRestaurantTable>::new("table", booking));
    draft.add(Step::<SendMessage>::new("text", message).when(table.output.party_size.more_than("two")));
}

fn main() {}
