#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::{Arg, Draft, Step};
use town::{BookRestaurantTable, BookingArgs, MessageArgs, SendMessage};

fn main() {
    let mut draft = Draft::new("Dinner");
    let table = draft.add(Step::<BookRestaurantTable>::new(
        "table",
        BookingArgs {
            restaurant: "Luigi's".into(),
            date: "2031-05-01".into(),
            time: "19:00".into(),
            party_size: 4.into(),
            name: "Ann".into(),
        },
    ));
    draft.add(Step::<SendMessage>::new(
        "text",
        MessageArgs { to: "Sam".into(), text: Arg::from(&table.output.address) },
    ));
    assert!(draft.build().is_ok());
}
