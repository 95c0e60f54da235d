#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::{Arg, Draft, Step};
use town::{BookRestaurantTable, BookingArgs, MessageArgs, SendMessage};

fn after(mut draft: Draft, booking: BookingArgs) {
    let table = draft.add(Step::<BookRestaurantTable>::new("table", booking));
    draft.add(Step::<SendMessage>::new(
        "text",
        MessageArgs { to: "Sam".into(), text: Arg::from(&table.output.adress) },
    ));
}

fn main() {}
