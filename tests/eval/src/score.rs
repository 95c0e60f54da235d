//! One reading against what was wanted.

use std::collections::{BTreeMap, BTreeSet};

use makegood_core::intent::{self, Band, Kind, Reading};

use crate::case::{Case, Expect};
use crate::graph::{self, Node};
use crate::tools::{Tool, kind_of};

/// How a case went.
#[derive(Clone, Debug)]
pub struct Score {
    pub band: Band,
    /// The lowest confidence among the wishes of a plan.
    pub confidence: Option<f64>,
    /// A plan where a plan was wanted, a question where a question, and so on.
    pub reading: bool,
    /// The tools that were wanted, each as often as it was; of a question, wishes of their kinds.
    pub intent: bool,
    /// Every step with every parameter; of a question, every name that was to be asked for, and no other. What
    /// is neither has no parameters, and is right where it was read as it should be.
    pub parameters: bool,
    /// The parameters, and what waits for what.
    pub plan: bool,
    /// A plan in the band that acts, with another tool than was wanted or another parameter of an effect.
    pub wrong_act: bool,
    pub got: Reading,
}

/// Reads the case's message, and judges the reading.
///
/// # Errors
/// Where the case's clock is none.
pub fn score(case: &Case, tools: &BTreeMap<String, Tool>) -> Result<Score, String> {
    let context = case.context()?;
    let earlier: Vec<&str> = case.earlier.iter().map(String::as_str).collect();
    let got = intent::read_in(&case.message, &earlier, &context);
    Ok(judge(&case.expect, got, tools))
}

/// Judges a reading.
#[must_use]
pub fn judge(expect: &Expect, got: Reading, tools: &BTreeMap<String, Tool>) -> Score {
    let band = got.band();
    let mut score = Score {
        band,
        confidence: got.confidence(),
        reading: false,
        intent: false,
        parameters: false,
        plan: false,
        wrong_act: band == Band::Act,
        got,
    };
    match (expect, &score.got) {
        (Expect::Plan { steps }, Reading::Plan { plan, .. }) => {
            let got: Vec<Node> = plan.steps.iter().map(Node::from).collect();
            let wanted: Vec<Node> = steps.iter().map(Node::from).collect();
            let effect = |tool: &str| tools.get(tool).is_none_or(|tool| tool.class != "query");
            score.reading = true;
            score.intent = graph::same_steps(&got, &wanted, &|_| false);
            score.parameters = graph::same_steps(&got, &wanted, &|_| true);
            score.plan = graph::same_graph(&got, &wanted);
            score.wrong_act &= !graph::same_steps(&got, &wanted, &effect);
        }
        (Expect::Ask { missing, tools }, Reading::Ask { missing: asked, intents, .. }) => {
            let kinds = |found: &mut dyn Iterator<Item = Kind>| found.map(|kind| format!("{kind:?}")).collect();
            let wanted: BTreeSet<String> = kinds(&mut tools.iter().map(|tool| kind_of(tool)));
            let got: BTreeSet<String> = kinds(&mut intents.iter().map(|intent| intent.kind));
            let asked: BTreeSet<&str> = asked.iter().map(|gap| gap.parameter).collect();
            score.reading = true;
            score.intent = wanted.is_empty() || wanted == got;
            score.parameters = asked == missing.iter().map(String::as_str).collect();
            score.plan = score.intent && score.parameters;
        }
        (Expect::Unclear {} | Expect::Refuse {}, Reading::Unclear { .. } | Reading::Refused { .. }) => {
            score.reading = matches!(
                (expect, &score.got),
                (Expect::Unclear {}, Reading::Unclear { .. }) | (Expect::Refuse {}, Reading::Refused { .. })
            );
            // No wish was wanted, and none was found; to deny and to be misunderstood are two things all the same.
            (score.intent, score.parameters, score.plan) = (true, score.reading, score.reading);
        }
        (
            Expect::Plan { .. } | Expect::Ask { .. } | Expect::Unclear {} | Expect::Refuse {},
            Reading::Plan { .. } | Reading::Ask { .. } | Reading::Unclear { .. } | Reading::Refused { .. },
        ) => {}
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(expect: &Expect, got: Reading) -> [bool; 4] {
        let score = judge(expect, got, &BTreeMap::new());
        [score.reading, score.intent, score.parameters, score.plan]
    }

    #[test]
    fn who_did_not_understand_has_not_refused_and_the_other_way_about() {
        let unclear = || Reading::Unclear { message: "What?".to_owned() };
        let refused = || Reading::Refused { message: "Then not.".to_owned() };
        assert_eq!(judged(&Expect::Unclear {}, unclear()), [true; 4]);
        assert_eq!(judged(&Expect::Refuse {}, refused()), [true; 4]);
        assert_eq!(judged(&Expect::Refuse {}, unclear()), [false, true, false, false]);
        assert_eq!(judged(&Expect::Unclear {}, refused()), [false, true, false, false]);
    }
}
