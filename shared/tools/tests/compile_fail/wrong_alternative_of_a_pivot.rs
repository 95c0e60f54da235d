#[path = "../typed/town.rs"]
#[allow(dead_code)]
mod town;

use makegood_tools::Step;
use town::{MessageArgs, SendMessage};

fn either(first: MessageArgs, second: MessageArgs) -> Step<SendMessage> {
    Step::<SendMessage>::new("text", first).or::<SendMessage>(second)
}

fn main() {}
