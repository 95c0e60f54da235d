#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::Step;
use town::{BookRestaurantTable, BookingArgs, JourneyArgs, RequestRide};

fn either(booking: BookingArgs, journey: JourneyArgs) -> Step<BookRestaurantTable> {
    Step::<BookRestaurantTable>::new("table", booking).or::<RequestRide>(journey)
}

fn main() {}
