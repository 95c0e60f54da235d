#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::{Act, Attempt, Done, NotDone, Undo};
use town::{Found, Search, SearchRestaurants};

impl Act for SearchRestaurants {
    async fn act(&self, _: &Attempt, _: Search) -> Result<Found, NotDone> {
        Err(NotDone::refused("no_match", "No restaurant matches."))
    }
}

impl Undo for SearchRestaurants {
    async fn undo(&self, _: &Attempt, _: Done<Self>) -> Result<bool, NotDone> {
        Ok(false)
    }
}

fn main() {}
