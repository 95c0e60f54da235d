#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::Step;
use town::{SearchArgs, SearchRestaurants, two_of_three};

fn search(args: SearchArgs) -> Step<SearchRestaurants> {
    Step::<SearchRestaurants>::new("found", args).approval(two_of_three())
}

fn main() {}
