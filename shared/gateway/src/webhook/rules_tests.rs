//! What rules make of deliveries, and which are none.

use makegood_core::saga::resolve;
use serde_json::json;

use super::*;

const SAGA: &str = "sg_01k0000000000000000000zzzz";

fn delivery(kind: &str, body: Value) -> Verified {
    Verified { key: "k".into(), id: None, kind: Some(kind.into()), at: None, body, challenge: None }
}

fn decided(rules: &[Value], kind: &str, body: Value) -> Matched {
    let rules: Vec<Rule> =
        rules.iter().enumerate().map(|(place, rule)| Rule::read(rule.clone(), place).unwrap()).collect();
    decide(&rules, &delivery(kind, body))
}

fn paid() -> Value {
    json!({"name": "paid", "when": {"type": ["paid", "captured"], "body": {"$body.data.currency": "eur"}},
        "then": {"event": {"saga": "$body.data.saga", "name": "payment", "payload": "$body.data.items.1"}}})
}

fn order() -> Value {
    json!({"then": {"start": {"plan": {"summary": "Send it", "steps": [
        {"id": "send", "tool": "dispatch_delivery", "params": {"to": "$body.to", "what": ["$body.items", "$$5"], "after": "$x.y"},
         "when": {"left": "$body.total", "is": ">", "right": 0}}]}}}})
}

#[test]
fn the_first_rule_that_fits_brings_its_part_of_the_body_to_the_named_saga() {
    let body = json!({"data": {"currency": "eur", "saga": SAGA, "items": [1, {"a": "$b.c"}]}});
    let Matched::Act { rule, act } = decided(&[paid(), order()], "captured", body) else { panic!("it fits") };
    assert_eq!(rule, "paid");
    let saga = Some(SagaId::try_from(SAGA.to_owned()).unwrap());
    assert_eq!(*act, Act::Event { saga, key: None, name: "payment".into(), payload: json!({"a": "$b.c"}) });
    let again: Act = serde_json::from_str(&serde_json::to_string(&act).unwrap()).unwrap();
    assert_eq!(again, *act, "as it is stored");
}

#[test]
fn what_no_rule_fits_is_nothing() {
    let body = |currency: &str| json!({"data": {"currency": currency, "saga": SAGA}});
    assert_eq!(decided(&[paid()], "captured", body("usd")), Matched::Nothing);
    assert_eq!(decided(&[paid()], "refunded", body("eur")), Matched::Nothing);
    assert_eq!(decided(&[paid()], "paid", json!([])), Matched::Nothing);
    assert_eq!(decided(&[], "paid", body("eur")), Matched::Nothing);
}

#[test]
fn a_delivery_that_lacks_what_its_rule_needs_says_which_and_why() {
    let why = |body: Value| match decided(&[paid()], "paid", body) {
        Matched::Broken { rule, why } => format!("{rule}: {why}"),
        other @ (Matched::Nothing | Matched::Act { .. }) => panic!("{other:?}"),
    };
    let eur = |saga: Value| json!({"data": {"currency": "eur", "saga": saga, "items": [0, "x".repeat(20_000)]}});
    assert_eq!(why(eur(json!(null))), "paid: `$body.data.saga` names no text in the body");
    assert_eq!(why(eur(json!("sg_1"))), "paid: what stands there is not a saga's id");
    assert!(why(eur(json!(SAGA))).contains("16 KiB"));
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    assert!(why(json!({"data": {"currency": "eur", "saga": SAGA, "items": [0, deep]}})).contains("nested too deep"));
    let nul = json!({"data": {"currency": "eur", "saga": SAGA, "items": [0, "\u{0}"]}});
    assert!(why(nul).contains("U+0000"));
}

#[test]
fn text_of_the_body_never_becomes_a_reference_of_a_plan() {
    let body = json!({"to": "$pay.secret", "items": ["$$x", {"k": "$25"}], "total": 7});
    let Matched::Act { rule, act } = decided(&[order()], "any", body) else { panic!("it fits") };
    let Act::Start { plan, .. } = *act else { panic!("it starts") };
    assert_eq!(rule, "1", "a rule without a name is called by its place");
    let plan: Plan = serde_json::from_value(plan).unwrap();
    assert_eq!(plan.steps[0].params["after"], json!("$x.y"), "what the rule refers to itself stays");
    let other = json!({"y": 1});
    let resolved = resolve(&plan.steps[0].params, &|step| (step == "x").then_some(&other)).unwrap();
    assert_eq!(
        Value::Object(resolved),
        json!({"to": "$pay.secret", "what": [["$$x", {"k": "$25"}], "$5"], "after": 1}),
        "the body's text comes out as it went in"
    );
    assert_eq!(serde_json::to_value(&plan.steps[0].when).unwrap()["left"], json!(7));
}

#[test]
fn an_event_may_be_found_by_the_key_of_its_start_or_by_what_is_waited_for() {
    let by = |event: Value| {
        let rule = json!({"then": {"event": event}});
        match decided(&[rule], "any", json!({"order": 17, "n": "done-17"})) {
            Matched::Act { act, .. } => *act,
            other @ (Matched::Nothing | Matched::Broken { .. }) => panic!("{other:?}"),
        }
    };
    let whole = json!({"order": 17, "n": "done-17"});
    assert_eq!(
        by(json!({"key": "$body.order", "name": "$$done"})),
        Act::Event { saga: None, key: Some("17".into()), name: "$done".into(), payload: whole.clone() }
    );
    assert_eq!(
        by(json!({"name": "$body.n"})),
        Act::Event { saga: None, key: None, name: "done-17".into(), payload: whole }
    );
}

#[test]
fn what_is_no_rule_says_what_is_wrong_with_it() {
    let plan = |steps: Value| json!({"then": {"start": {"plan": {"steps": steps}}}});
    let cases = [
        (json!({}), "missing field `then`"),
        (json!({"then": {"start": {}}}), "missing field `plan`"),
        (json!({"then": {"event": {"name": ""}}}), "`name` has between 1 and 200"),
        (json!({"then": {"event": {"name": "$other.x"}}}), "write `$body.path`"),
        (json!({"then": {"event": {"name": "n", "saga": "$.data"}}}), "is not `$body` or `$body.path`"),
        (json!({"then": {"event": {"name": "n", "saga": "$body.a", "key": "$body.b"}}}), "not both"),
        (json!({"when": {"kind": "x"}, "then": {"event": {"name": "n"}}}), "unknown field `kind`"),
        (json!({"when": {"body": {"data.x": 1}}, "then": {"event": {"name": "n"}}}), "is not `$body`"),
        (plan(json!([])), "no steps"),
        (plan(json!([{"tool": "t"}])), "`plan`: missing field `id`"),
        (plan(json!([{"id": "body", "tool": "t"}])), "has a step `body`"),
        (plan(json!([{"id": "a", "tool": "$body.tool"}])), "the step `a` uses `$body` elsewhere"),
        (plan(json!([{"id": "a", "tool": "t", "approval": {"by": ["$body.by"]}}])), "uses `$body` elsewhere"),
        (
            plan(json!([{"id": "a", "tool": "run_saga", "params": {"plan": {"steps": [
                {"id": "b", "tool": "t", "params": {"x": "$$body.x"}}]}}}])),
            "the step `a` runs a saga",
        ),
    ];
    for (rule, wanted) in cases {
        let why = Rule::read(rule.clone(), 0).map(|_| ()).unwrap_err();
        assert!(why.contains(wanted), "{rule}: {why}");
    }
}
