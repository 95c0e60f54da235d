use super::*;
use crate::saga::{Answer, Refusal};

const NOW: Millis = Millis(1_790_000_000_000);

fn rules() -> Rules {
    Rules { calls: 4, row: 1_000, successes: 2, ..Rules::default() }
}

fn call(failed: bool) -> Tally {
    Tally { calls: 1, failed: u64::from(failed), slow: 0 }
}

/// One that has just opened.
fn opened(rules: &Rules) -> Breaker {
    let mut breaker = Breaker::default();
    breaker.tell(rules, NOW, Tally { calls: 4, failed: 4, slow: 0 }, None, 0);
    breaker
}

/// Draws that are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

#[test]
fn every_state_answers_every_question_as_the_table_says() {
    let rules = rules();
    let half = NOW + rules.open_ms;
    let forced = |forced| {
        let mut breaker = opened(&rules);
        breaker.force(Some(forced));
        breaker
    };
    let permit = half + rules.lease_ms;
    type Row = (&'static str, Breaker, Millis, Leave, &'static str, &'static str, &'static str);
    // Name, breaker, time, what it says; what it is after a good probe, a bad probe, and a bad call that was none.
    let table: [Row; 5] = [
        ("closed", Breaker::default(), NOW, Leave::Go, "closed", "closed", "closed"),
        ("open", opened(&rules), NOW, Leave::Shut { after: rules.open_ms }, "open", "open", "open"),
        ("half_open", opened(&rules), half, Leave::Probe { permit }, "half_open", "open", "half_open"),
        (
            "forced_open",
            forced(Forced::Open),
            half,
            Leave::Shut { after: rules.cap_ms },
            "forced_open",
            "forced_open",
            "forced_open",
        ),
        ("forced_closed", forced(Forced::Closed), half, Leave::Go, "forced_closed", "forced_closed", "forced_closed"),
    ];
    for (name, breaker, now, says, good, bad, other) in table {
        assert_eq!(breaker.stands(now), name);
        assert_eq!(breaker.clone().ask(&rules, now), says, "{name}");
        let after = |failed, permit| {
            let mut breaker = breaker.clone();
            breaker.ask(&rules, now);
            breaker.tell(&rules, now, call(failed), permit, 0);
            breaker.stands(now)
        };
        assert_eq!(after(false, Some(permit)), good, "{name}");
        assert_eq!(after(true, Some(permit)), bad, "{name}");
        assert_eq!(after(true, None), other, "{name}");
    }
}

#[test]
fn it_opens_at_the_rate_and_not_before_there_are_enough_calls() {
    let rules = rules();
    let stands = |calls: &[bool]| {
        let mut breaker = Breaker::default();
        calls.iter().for_each(|failed| breaker.tell(&rules, NOW, call(*failed), None, 0));
        breaker.stands(NOW)
    };
    assert_eq!(stands(&[true, true, true]), "closed");
    assert_eq!(stands(&[true, true, true, true]), "open");
    assert_eq!(stands(&[false, true, false, true]), "open");
    assert_eq!(stands(&[false, false, false, true, false]), "closed");
}

#[test]
fn some_failures_in_a_row_open_it_however_much_went_well_before() {
    let rules = Rules { row: 3, ..rules() };
    let stands = |calls: &[bool]| {
        let mut breaker = Breaker::default();
        breaker.tell(&rules, NOW, Tally { calls: 1_000, failed: 0, slow: 0 }, None, 0);
        calls.iter().for_each(|failed| breaker.tell(&rules, NOW, call(*failed), None, 0));
        breaker.stands(NOW)
    };
    assert_eq!(stands(&[true, true, true]), "open");
    assert_eq!(stands(&[true, true, false, true, true]), "closed");
}

#[test]
fn slow_calls_open_it_where_that_is_wanted() {
    let mut rules = Rules { slow_percent: 75, ..rules() };
    let slow = Tally::one(false, rules.slow_ms, &rules);
    let run = |rules: &Rules| {
        let mut breaker = Breaker::default();
        (0..4).for_each(|_| breaker.tell(rules, NOW, slow, None, 0));
        breaker.stands(NOW)
    };
    assert_eq!((slow.slow, run(&rules)), (1, "open"));
    rules.slow_percent = 101;
    assert_eq!(run(&rules), "closed");
}

#[test]
fn a_window_of_time_forgets_what_is_old_and_one_of_calls_does_not() {
    let seen = |window, later| {
        let rules = Rules { window, calls: 1_000, ..rules() };
        let mut breaker = Breaker::default();
        breaker.tell(&rules, NOW, call(true), None, 0);
        breaker.tell(&rules, NOW + Millis(later), call(false), None, 0);
        breaker.seen().failed
    };
    assert_eq!((seen(Window::Ms(10_000), 8_000), seen(Window::Ms(10_000), 11_000)), (1, 0));
    assert_eq!(seen(Window::Calls(50), 86_400_000), 1);
    let rules = Rules { window: Window::Calls(50), calls: 1_000, ..rules() };
    let mut breaker = Breaker::default();
    breaker.tell(&rules, NOW, call(true), None, 0);
    (0..60).for_each(|_| breaker.tell(&rules, NOW, call(false), None, 0));
    assert_eq!((breaker.seen().failed, breaker.seen().calls), (0, 46), "whole buckets are forgotten");
}

#[test]
fn it_stays_open_for_longer_each_time_up_to_the_cap_and_jitter_makes_it_shorter_by_a_quarter_at_most() {
    let rules = rules();
    let spans = |jitter| {
        let (mut breaker, mut now) = (Breaker::default(), NOW);
        breaker.tell(&rules, now, Tally { calls: 4, failed: 4, slow: 0 }, None, jitter);
        let mut spans = Vec::new();
        for _ in 0..30 {
            let Leave::Shut { after } = breaker.ask(&rules, now) else { panic!("{breaker:?}") };
            spans.push(after.0);
            now = now + after;
            let Leave::Probe { permit } = breaker.ask(&rules, now) else { panic!("{breaker:?}") };
            breaker.tell(&rules, now, call(true), Some(permit), jitter);
        }
        spans
    };
    assert_eq!(spans(0)[..5], [1_000, 2_000, 4_000, 4_000, 4_000]);
    assert_eq!(spans(1_000)[..5], [750, 1_500, 3_000, 3_000, 3_000]);
}

#[test]
fn a_permit_that_is_lost_or_given_back_is_free_again() {
    let rules = rules();
    let (mut breaker, half) = (opened(&rules), NOW + rules.open_ms);
    let Leave::Probe { permit } = breaker.ask(&rules, half) else { panic!("{breaker:?}") };
    assert_eq!(breaker.ask(&rules, half), Leave::Shut { after: rules.open_ms });
    breaker.tell(&rules, half, Tally::default(), Some(permit), 0);
    assert_eq!(breaker.ask(&rules, half), Leave::Probe { permit });
    assert_eq!(breaker.ask(&rules, permit), Leave::Probe { permit: permit + rules.lease_ms });
}

#[test]
fn whatever_happens_no_more_probes_leave_than_may_and_who_asks_is_never_put_off_for_longer_than_the_cap() {
    for seed in 0..2_000 {
        let mut dice = Dice(seed);
        let rules = Rules {
            window: if dice.below(2) == 0 {
                Window::Ms(10 + dice.below(20_000))
            } else {
                Window::Calls(10 + dice.below(90))
            },
            row: 1 + dice.below(6),
            calls: 1 + dice.below(6),
            failed_percent: 1 + dice.below(110),
            slow_percent: 1 + dice.below(110),
            open_ms: Millis(1 + dice.below(2_000)),
            cap_ms: Millis(2_000 + dice.below(3_000)),
            permits: 1 + dice.below(3),
            lease_ms: Millis(1 + dice.below(5_000)),
            successes: 1 + dice.below(3),
            ..Rules::default()
        };
        let (mut breaker, mut now, mut out) = (Breaker::default(), NOW, Vec::new());
        for _ in 0..200 {
            now = now + Millis(dice.below(800));
            if dice.below(2) == 0 {
                let before = breaker.clone();
                match breaker.ask(&rules, now) {
                    Leave::Go => assert_eq!(before.shut(), None),
                    Leave::Probe { permit } => {
                        assert_eq!(before.stands(now), "half_open");
                        out.push(permit);
                    }
                    Leave::Shut { after } => {
                        assert!(before.shut().is_some() && after.0 > 0 && after <= rules.cap_ms, "{after} {rules:?}");
                    }
                }
            } else {
                let permit = if dice.below(2) == 0 { out.pop() } else { None };
                let seen = Tally { calls: dice.below(3), failed: dice.below(3), slow: dice.below(3) };
                breaker.tell(&rules, now, seen, permit, dice.below(1_001));
            }
            let alive = breaker.permits.iter().filter(|end| **end > now).count() as u64;
            assert!(alive <= rules.permits, "seed {seed}: {breaker:?}");
            assert!(breaker.slots.len() as u64 <= BUCKETS, "seed {seed}: {breaker:?}");
            assert_eq!(Breaker::from_text(&breaker.to_text()).as_ref(), Some(&breaker), "seed {seed}");
        }
    }
}

#[test]
fn a_thing_that_works_again_is_found_out_by_the_next_probe() {
    for seed in 0..500 {
        let (rules, mut dice) = (rules(), Dice(seed));
        let (mut breaker, mut now) = (Breaker::default(), NOW);
        for _ in 0..dice.below(40) {
            if let Leave::Go | Leave::Probe { .. } = breaker.ask(&rules, now) {
                breaker.tell(&rules, now, call(true), None, dice.below(1_001));
            }
            now = now + Millis(dice.below(3_000));
        }
        // From here on all goes well.
        let back = now;
        while breaker.stands(now) != "closed" {
            match breaker.ask(&rules, now) {
                Leave::Shut { after } => now = now + after,
                Leave::Probe { permit } => breaker.tell(&rules, now, call(false), Some(permit), 0),
                Leave::Go => panic!("{breaker:?}"),
            }
        }
        // At the worst every permit was lost.
        assert!(now.since(back) <= rules.cap_ms + rules.lease_ms, "seed {seed}: {}", now.since(back));
    }
}

#[test]
fn only_what_says_that_a_partner_is_not_there_counts_as_a_failure() {
    let later = |code: &str| Outcome::Later { after: None, code: code.to_owned(), reason: String::new() };
    let unknown = |code: &str| Outcome::Unknown { code: code.to_owned(), reason: String::new() };
    let refused = Outcome::Refused(Refusal { code: "http_404".to_owned(), detail: String::new() });
    for (outcome, counted) in [
        (Outcome::Ok(Answer::NeverSeen), false),
        (Outcome::Ok(Answer::InProgress { after: None }), false),
        (refused, false),
        (later("http_429"), false),
        (later("not_sent"), true),
        (unknown("http_503"), true),
        (unknown("no_answer"), true),
    ] {
        assert_eq!(counts(&outcome), counted, "{outcome:?}");
    }
}

#[test]
fn the_rules_are_read_and_what_cannot_be_meant_is_named() {
    let book =
        Rulebook::read(r#"{"default": {"calls": 7}, "pay": {"window": {"calls": 20}, "forced": "open"}}"#).unwrap();
    assert_eq!((book.of("other").calls, book.of("pay").calls), (7, Rules::default().calls));
    assert_eq!(book.of("pay").window, Window::Calls(20));
    assert_eq!(book.forced().collect::<Vec<_>>(), [("pay", Forced::Open)]);
    assert!(Rulebook::read(" off ").unwrap().is_off() && !Rulebook::read("").unwrap().is_off());
    for wrong in [
        "on",
        "[]",
        r#"{"default": {"forced": "open"}}"#,
        r#"{"pay": {"open": 1}}"#,
        r#"{"pay": {"permits": 0}}"#,
        r#"{"pay": {"window": {"ms": 1}}}"#,
    ] {
        assert!(Rulebook::read(wrong).is_err(), "{wrong}");
    }
    assert!(Rulebook::read(r#"{"pay": {"permits": 0}}"#).unwrap_err().contains("`pay`"));
}

#[test]
fn what_is_no_breaker_is_not_read_as_one() {
    for wrong in ["", "0", "3 0 0 0 0 0", "0 0 0 0 0 1", "0 0 0 0 0 0 1", "x 0 0 0 0 0", "0 0 0 0 0 99999999999"] {
        assert_eq!(Breaker::from_text(wrong), None, "{wrong}");
    }
}
