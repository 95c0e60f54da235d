#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::{Draft, Step};
use town::{BookRestaurantTable, BookingArgs};

fn main() {
    let mut draft = Draft::new("Dinner");
    draft.add(Step::<BookRestaurantTable>::new(
        "table",
        BookingArgs {
            restaurant: "Luigi's".into(),
            date: "2031-05-01".into(),
            time: "19:00".into(),
            party_size: "four".into(),
            name: "Ann".into(),
        },
    ));
}
