//! What the saga has done to the world, as far as its partners have said: what stands there, what was taken back, and of
//! what nobody knows. Reading leaves nothing, and is left out.

use makegood_edge::core::saga::{Op, Report, Standing, StepReport};
use makegood_edge::core::tool::Class;
use makegood_edge::serde_json::to_string;
use maud::{Markup, html};

use crate::figures::{clip, count};

/// Steps of one kind that are named, and characters of what one gave.
const MOST_STEPS: usize = 20;
const LONGEST_OUTPUT: usize = 120;

/// What became of an effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Stands,
    Unknown,
    TakenBack,
    KeptOut,
}

const EFFECTS: [(Effect, &str); 4] = [
    (Effect::Stands, "Stands"),
    (Effect::Unknown, "Not known"),
    (Effect::TakenBack, "Taken back"),
    (Effect::KeptOut, "Never was, and is kept out"),
];

/// Nothing where nothing was asked of the world.
pub fn section(report: &Report) -> Markup {
    let of = |wanted: Effect| -> Vec<&StepReport> {
        report.steps.iter().filter(|step| effect(step) == Some(wanted)).collect()
    };
    let told = EFFECTS.map(|(effect, name)| (effect, name, of(effect)));
    html! {
        @if told.iter().any(|(_, _, steps)| !steps.is_empty()) {
            section aria-labelledby="effects" {
                h2 id="effects" { "In the world" }
                dl class="effects" {
                    @for (effect, name, steps) in told.iter().filter(|(_, _, steps)| !steps.is_empty()) {
                        dt { (name) }
                        dd { ul { @for step in steps.iter().take(MOST_STEPS) { (one(*effect, step)) } } }
                        @if steps.len() > MOST_STEPS { dd { "And " (count(steps.len() - MOST_STEPS, "more step")) "." } }
                    }
                }
            }
        }
    }
}

/// What is known of the effect of a step; `None` where it has none, or was not begun.
fn effect(step: &StepReport) -> Option<Effect> {
    let called = step.attempts.iter().any(|attempt| attempt.op == Op::Do);
    if step.class == Class::Query || step.tool.is_empty() || !called {
        return None;
    }
    match step.standing {
        Standing::Done => Some(Effect::Stands),
        // What is to be undone was done; whether it stands still, its undo will tell.
        Standing::Running | Standing::Waiting | Standing::Queued | Standing::Undoing | Standing::Held => {
            Some(Effect::Unknown)
        }
        Standing::Undone => Some(Effect::TakenBack),
        Standing::Fenced => Some(Effect::KeptOut),
        Standing::Pending | Standing::Asking | Standing::Skipped | Standing::Refused | Standing::Abandoned => None,
    }
}

fn one(effect: Effect, step: &StepReport) -> Markup {
    let gave = step.output.as_ref().filter(|_| effect == Effect::Stands);
    html! {
        li {
            a href={ "#step-" (step.ix) } { code { (step.id) } }
            " by " code { (step.tool) }
            @if let Some(output) = gave { ": " code { (clip(&to_string(output).unwrap_or_default(), LONGEST_OUTPUT)) } }
        }
    }
}
