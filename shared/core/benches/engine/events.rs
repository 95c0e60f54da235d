//! One call of `step`, in nanoseconds. What it is given is made outside the measured time, and what it
//! answers is dropped outside it.

use divan::Bencher;
use makegood_core::saga::{Call, Effect, Ended, Event, Outcome, Refusal, Saga, step};
use makegood_core::time::Millis;

use crate::memory::{Memory, answer, wake};
use crate::plans::{NOW, frozen};

const LONG: Millis = Millis(600_000);

/// Measures `step` on a saga and an event that `ready` makes, and first whether it answers as it must.
fn measure(bencher: Bencher<'_, '_>, ready: impl Fn() -> (Saga, Event) + Sync, right: impl Fn(&[Effect]) -> bool) {
    let (mut saga, event) = ready();
    let effects = step(&mut saga, event, NOW).unwrap();
    assert!(right(&effects), "{effects:?}");
    let inputs = || {
        let (saga, event) = ready();
        (saga, Some(event))
    };
    bencher.with_inputs(inputs).bench_local_refs(|(saga, event)| step(saga, event.take()?, NOW).ok());
}

fn is_commit(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Commit(_)])
}

/// A chain, woken: its first effect waits for the commit of its intent.
fn woken(nodes: u32) -> Saga {
    let mut saga = Memory::new(frozen(nodes)).load();
    assert!(is_commit(&step(&mut saga, wake(NOW, LONG), NOW).unwrap()));
    saga
}

/// The same, a moment later: the call has left.
fn called(nodes: u32) -> (Saga, Box<Call>) {
    let mut saga = woken(nodes);
    let mut effects = step(&mut saga, Event::Committed, NOW).unwrap();
    let Some(Effect::Call(call)) = effects.pop() else { panic!("no call: {effects:?}") };
    (saga, call)
}

#[divan::bench]
fn a_wake_starts_an_effect(bencher: Bencher<'_, '_>) {
    let memory = Memory::new(frozen(10));
    measure(bencher, || (memory.load(), wake(NOW, LONG)), is_commit);
}

#[divan::bench]
fn a_commit_is_acknowledged_and_its_call_leaves(bencher: Bencher<'_, '_>) {
    let saga = woken(10);
    measure(bencher, || (saga.clone(), Event::Committed), |effects| matches!(effects, [Effect::Call(_)]));
}

#[divan::bench]
fn an_answer_is_folded_and_starts_the_next_effect(bencher: Bencher<'_, '_>) {
    let (saga, call) = called(10);
    measure(bencher, || (saga.clone(), answer(&call)), is_commit);
}

#[divan::bench]
fn a_refusal_turns_the_saga_round(bencher: Bencher<'_, '_>) {
    let (saga, call) = called(10);
    let id = call.id();
    let refused = || {
        let refusal = Refusal { code: "full".to_owned(), detail: "No table is free.".to_owned() };
        Event::Answered { call: id, took: Millis(12), outcome: Outcome::Refused(refusal) }
    };
    measure(bencher, || (saga.clone(), refused()), is_commit);
}

/// It waits for a call that another invocation made, and has nothing to do but to be woken later.
#[divan::bench]
fn a_wake_comes_too_early(bencher: Bencher<'_, '_>) {
    let mut memory = Memory::new(frozen(3));
    memory.head = called(3).0.head;
    let early = |effects: &[Effect]| matches!(effects, [Effect::Rearm(_), Effect::End(Ended::Early)]);
    measure(bencher, || (memory.load(), wake(NOW, LONG)), early);
}

/// In the midst of it, with the window that the database would bring.
#[divan::bench(args = [10, 100, 1_000])]
fn a_wake_of_a_saga_of(bencher: Bencher<'_, '_>, nodes: u32) {
    let memory = half_way(nodes);
    measure(bencher, || (memory.load(), wake(NOW, LONG)), is_commit);
}

/// A chain whose first invocation had time for half of it.
pub fn half_way(nodes: u32) -> Memory {
    let mut memory = Memory::new(frozen(nodes));
    assert_eq!(memory.invoke(Millis(u64::from(nodes) * 6)), Ended::Yield);
    let (cursor, half) = (memory.head.cursor, nodes / 2);
    assert!(cursor > 0 && cursor.abs_diff(half) <= 5, "{cursor} of {nodes}");
    memory
}
