//! Another plan in the place of a saga's own: where it can be given one, and what the dialog begins with. The engine has
//! the last word here too: what is under way by then keeps it out.

use makegood_edge::core::saga::{Op, Phase, Report, Standing, StepReport, thaw};
use makegood_edge::gateway::store::Story;
use makegood_edge::serde_json::{json, to_string_pretty};

use super::offer::{Field, Kind, Offer, Way, is_open};

/// Characters of a plan that the dialog begins with. A longer one is changed in a file rather than on a page.
const LONGEST_PLAN: usize = 12_000;

const FIELDS: [Field; 2] = [
    Field { name: "plan", label: "The plan, in JSON, with what is done and is to stay", kind: Kind::Plan },
    Field { name: "note", label: "Why (for people)", kind: Kind::Text },
];

/// Before the point of no return, going forward, and with nothing under way.
pub fn offer(story: &Story, report: &Report, way: &Way) -> Option<Offer> {
    let goes = match story.phase {
        Phase::Forward => true,
        Phase::Stuck => !way.back,
        Phase::Unwinding | Phase::Completed | Phase::MadeGood => false,
    };
    if !goes || way.past || way.at_large || !report.steps.iter().all(is_settled) {
        return None;
    }
    let begins = if plan(story).is_some() {
        "Its own stands below, all of it: change what is to be otherwise, and leave the rest as it is."
    } else {
        "Its own cannot stand below, for it is too long, or has a list, alternatives, or a step that was passed over or \
         refused: write all of it."
    };
    Some(Offer {
        verb: "replan",
        label: "Give it another plan",
        says: format!(
            "A step that is done, or waits, and stands in the new plan as it did in the old is kept, with what it gave. What \
             was done and does not stand there, or stands there otherwise, is undone, the latest first, and then made anew. \
             What was not begun is dropped. {begins}"
        ),
        // Of two who look at the same plan, the second would undo what the plan of the first added.
        body: json!({"replaces": report.replanned.len()}),
        fields: &FIELDS,
        command: format!("replan {} --plan plan.json --replaces {} --note 'why'", story.id, report.replanned.len()),
        grave: true,
    })
}

/// Whether another plan can do without it, or with it as it is: nothing is under way, and what was called before is not
/// to be called again, of which nobody knows yet what becomes. Of what is held only a refusal says that it did not happen.
fn is_settled(step: &StepReport) -> bool {
    if step.standing != Standing::Held {
        return !is_open(step);
    }
    let in_doubt = matches!(step.code.as_deref(), Some("unknown_outcome" | "no_answer"));
    step.held == Some(Op::Do) && !in_doubt
}

/// The plan that a saga has, as it could be given; `None` where that is not to be had.
pub fn plan(story: &Story) -> Option<String> {
    let mut plan = thaw(&story.nodes, story.journal.iter().map(|entry| &entry.record))?;
    plan.summary.clone_from(&story.title);
    to_string_pretty(&plan).ok().filter(|text| text.chars().count() <= LONGEST_PLAN)
}
