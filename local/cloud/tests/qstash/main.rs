//! The QStash emulator, through its HTTP face and its deliveries only.

mod console;
mod deliveries;
mod durability;
mod faults;
mod harness;
mod publishing;
mod retries;
mod waiting;
mod workflow;
