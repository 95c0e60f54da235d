//! The sets are well formed, and understood as well as they were.

#![expect(clippy::unwrap_used, reason = "what cannot be read ends the test")]

use std::collections::BTreeSet;
use std::path::Path;

use makegood_eval::case::{Case, Expect, parse};
use makegood_eval::floor::FLOORS;
use makegood_eval::graph::reference;
use makegood_eval::score::score;
use makegood_eval::table::Table;
use makegood_eval::tools::tools;

const TAGS: [&str; 16] = [
    "paraphrase",
    "several",
    "order",
    "condition",
    "relative_date",
    "number",
    "missing",
    "wrong",
    "correction",
    "cancel",
    "nonsense",
    "spelling",
    "polite",
    "terse",
    "long",
    "language",
];

/// Every file of cases, by the name of its set.
fn sets() -> Vec<(String, Vec<Case>)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let files = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|ending| ending == "jsonl"));
    files
        .map(|file| {
            let set = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let cases = parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
            (set, cases)
        })
        .collect()
}

#[test]
fn every_case_is_well_formed() {
    let tools = tools().unwrap();
    for (set, cases) in sets() {
        let mut ids = BTreeSet::new();
        for case in &cases {
            assert!(ids.insert(&case.id), "{set}: {} is there twice", case.id);
            assert!(!case.message.is_empty(), "{}: no message", case.id);
            assert!(case.tags.iter().all(|tag| TAGS.contains(&tag.as_str())), "{}: {:?}", case.id, case.tags);
            case.context().unwrap();
            match &case.expect {
                Expect::Plan { steps } => {
                    assert!(!steps.is_empty(), "{}: a plan of nothing", case.id);
                    let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
                    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{}: an id twice", case.id);
                    for step in steps {
                        let tool = tools.get(&step.tool);
                        let tool = tool.unwrap_or_else(|| panic!("{}: no tool {}", case.id, step.tool));
                        let refers = |name: &str| step.params.get(name).is_some_and(|value| reference(value).is_some());
                        let value = serde_json::Value::from(step.params.clone());
                        for violation in tool.input.check(&value) {
                            // What a reference gives is known when the plan runs.
                            let excused = violation.path.trim_matches('/').split('/').next().is_some_and(refers);
                            assert!(excused, "{}: {} {violation:?}", case.id, step.tool);
                        }
                        let hangs_on = step.when.iter().map(|when| &when.left);
                        let referred = step.params.values().chain(hangs_on).filter_map(reference).map(|(id, _)| id);
                        for other in step.after.iter().map(String::as_str).chain(referred) {
                            assert!(ids.contains(&other) && other != step.id, "{}: no step {other}", case.id);
                        }
                    }
                }
                Expect::Ask { tools: called, .. } => {
                    let unknown: Vec<_> = called.iter().filter(|tool| !tools.contains_key(*tool)).collect();
                    assert!(unknown.is_empty(), "{}: no tool {unknown:?}", case.id);
                }
                Expect::Unclear {} | Expect::Refuse {} => {}
            }
        }
    }
}

#[test]
fn the_own_set_is_large_and_in_three_languages() {
    let (_, cases) = sets().into_iter().find(|(set, _)| set == "own").unwrap();
    let of = |language: &str| cases.iter().filter(|case| case.language == language).count();
    assert!(cases.len() >= 320 && of("de") >= 60 && of("es") >= 60, "{} {} {}", cases.len(), of("de"), of("es"));
    for tag in TAGS {
        assert!(cases.iter().any(|case| case.tags.iter().any(|other| other == tag)), "no case with the tag {tag}");
    }
}

#[test]
fn no_set_falls_below_its_floor() {
    let tools = tools().unwrap();
    for (set, cases) in sets() {
        let floor = FLOORS.iter().find(|floor| floor.set == set);
        let floor =
            floor.unwrap_or_else(|| panic!("the set {set} has no line in src/floor.rs: measure it, and add it"));
        let mut table = Table::default();
        for case in &cases {
            table.add(case, &score(case, &tools).unwrap());
        }
        let all = &table.all;
        assert!(all.parameters >= floor.parameters, "{set}: {} of {} parameters", all.parameters, floor.parameters);
        assert!(all.plan >= floor.plan, "{set}: {} of {} plans", all.plan, floor.plan);
        assert!(
            all.wrong_acts <= floor.wrong_acts,
            "{set}: {} wrong acts, {} at most",
            all.wrong_acts,
            floor.wrong_acts
        );
    }
}
