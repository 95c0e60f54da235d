#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::{Draft, Step};
use town::{SendMessage, BookingArgs};

fn main() {
    let mut draft = Draft::new("Dinner");
    draft.add(Step::<SendMessage>::new(
        "table",
        BookingArgs {
            restaurant: "Luigi's".into(),
            date: "2031-05-01".into(),
            time: "19:00".into(),
            party_size: 4.into(),
            name: "Ann".into(),
        },
    ));
}
