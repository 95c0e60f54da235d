//! One decision about one request, in nanoseconds: by the arithmetic alone, and by an isolate's own buckets.

use std::hint::black_box;

use divan::Bencher;
use makegood_core::guard::front::{Asked, Front};
use makegood_core::guard::gcra::{Bucket, Policy, decide};

const NOW: u64 = 1_800_000_000_000_000;

fn policy() -> Policy {
    Policy::new(60, 60_000_000, 10)
}

#[divan::bench]
fn a_request_is_decided(bencher: Bencher<'_, '_>) {
    let bucket = Bucket { tat: NOW + 3_000_000, policy: policy(), cost: 1 };
    assert!(decide(bucket, NOW).allowed);
    bencher.bench_local(|| decide(black_box(bucket), black_box(NOW)));
}

/// As full as it gets: so many others have come.
fn full() -> Front {
    let mut front = Front::new();
    for key in 0..1_024 {
        front.check(&[Asked { key, place: 0, policy: policy() }], NOW);
    }
    front
}

#[divan::bench]
fn one_of_a_thousand_is_known_to_be_refused(bencher: Bencher<'_, '_>) {
    let mut front = full();
    front.refuse(1_000, 5_000_000, NOW);
    assert_eq!(front.refused(1_000, NOW), 5_000_000);
    bencher.bench_local(|| front.refused(black_box(1_000), black_box(NOW)));
}

#[divan::bench]
fn one_of_a_thousand_is_decided_without_redis(bencher: Bencher<'_, '_>) {
    let mut front = full();
    let asked = [Asked { key: 1_000, place: 0, policy: policy() }];
    let mut now = NOW;
    bencher.bench_local(|| {
        now += 1_000_000;
        front.check(black_box(&asked), now)
    });
}
