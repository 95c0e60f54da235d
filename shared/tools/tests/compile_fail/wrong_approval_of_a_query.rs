#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::Step;
use town::{SearchArgs, SearchRestaurants, ann_and_bob};

fn search(args: SearchArgs) -> Step<SearchRestaurants> {
    Step::<SearchRestaurants>::new("found", args).approval(ann_and_bob())
}

fn main() {}
