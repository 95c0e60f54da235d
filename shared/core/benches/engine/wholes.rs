//! Whole sagas and plans, in microseconds.

use divan::{Bencher, black_box};
use makegood_core::saga::{CallId, Ended, Head, Limits, Op, Phase, Record, Saga, Window, freeze, report};
use makegood_core::time::Millis;
use makegood_core::trace::{self, About, Context};

use crate::events::half_way;
use crate::memory::Memory;
use crate::plans::{chain, frozen, id, tools};

const LONG: Millis = Millis(600_000);

/// From the two texts that the database answers with to a saga that can be woken.
#[divan::bench(args = [10, 100, 1_000])]
fn load_a_saga_of(bencher: Bencher<'_, '_>, nodes: u32) {
    let memory = half_way(nodes);
    let head = serde_json::to_string(&memory.head).unwrap();
    let window = serde_json::to_string(&memory.first_window()).unwrap();
    let load = || {
        let head: Head = serde_json::from_str(black_box(&head)).unwrap();
        let window: Window = serde_json::from_str(black_box(&window)).unwrap();
        Saga::load(id(), head, window)
    };
    assert_eq!(load().head, memory.head);
    bencher.bench_local(load);
}

/// From its creation to its rest, calls and commits answered at once: every decision that there is.
#[divan::bench(args = [10, 100, 1_000])]
fn live_a_chain_of(bencher: Bencher<'_, '_>, nodes: u32) {
    let frozen = frozen(nodes);
    bencher.with_inputs(|| Memory::new(frozen.clone())).bench_local_values(|mut memory| {
        assert_eq!(memory.invoke(LONG), Ended::Rest);
        memory
    });
}

/// The same journal, told step by step as people are shown it.
#[divan::bench(args = [10, 100, 1_000])]
fn report_a_chain_of(bencher: Bencher<'_, '_>, nodes: u32) {
    let mut memory = Memory::new(frozen(nodes));
    assert_eq!((memory.invoke(LONG), memory.head.phase), (Ended::Rest, Phase::Completed));
    let told = || report(&memory.nodes, Phase::Completed, black_box(&memory.journal));
    assert!(told().steps.iter().all(|step| step.output.is_some()));
    bencher.bench_local(told);
}

/// The same, from the journal's text.
#[divan::bench(args = [100])]
fn read_and_report_a_chain_of(bencher: Bencher<'_, '_>, nodes: u32) {
    let mut memory = Memory::new(frozen(nodes));
    assert_eq!(memory.invoke(LONG), Ended::Rest);
    let journal = serde_json::to_string(&memory.journal).unwrap();
    bencher.bench_local(|| {
        let records: Vec<Record> = serde_json::from_str(black_box(&journal)).unwrap();
        report(&memory.nodes, Phase::Completed, &records)
    });
}

/// A journal as a trace. No saga waits for it: it is made when somebody asks, or after the saga's rest.
#[divan::bench(args = [10, 100, 1_000])]
fn trace_a_chain_of(bencher: Bencher<'_, '_>, nodes: u32) {
    let mut memory = Memory::new(frozen(nodes));
    assert_eq!((memory.invoke(LONG), memory.head.phase), (Ended::Rest, Phase::Completed));
    let saga = id();
    let about = About {
        saga: &saga,
        title: "A chain",
        phase: Phase::Completed,
        created_at: Millis(0),
        nodes: &memory.nodes,
        reading: None,
        context: None,
    };
    let told = || trace::of(&about, black_box(&memory.journal));
    assert!(told().spans.len() > nodes as usize);
    bencher.bench_local(told);
}

/// What tracing adds to a step: the context that its call says.
#[divan::bench]
fn the_context_of_a_call(bencher: Bencher<'_, '_>) {
    let saga = id();
    let call = CallId { node: 7, op: Op::Do, round: 0, attempt: 1, fingerprint: 1 };
    bencher.bench_local(|| Context::of_call(black_box(&saga), None, black_box(call)).written());
}

#[divan::bench(args = [10, 100, 1_000])]
fn freeze_a_plan_of(bencher: Bencher<'_, '_>, steps: u32) {
    let (plan, tools) = (chain(steps), tools());
    bencher.bench_local(|| freeze(black_box(&plan), &tools, Limits::default()).unwrap());
}
