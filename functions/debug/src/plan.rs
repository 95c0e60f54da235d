//! The plan as a graph: the steps in layers, each after all that it needs, with how each stands. A layer is an item of a
//! list, so that what is seen side by side is also read out in its order.

use makegood_edge::core::saga::{Report, StepReport};
use makegood_edge::core::tool::Class;
use maud::{Markup, html};

use crate::figures::count;
use crate::steps::told;

/// Steps that are shown; the table of steps has all.
const MOST_STEPS: usize = 200;

pub fn section(report: &Report) -> Markup {
    let layers = layers(report);
    let shown: usize = layers.iter().map(Vec::len).sum();
    html! {
        @if !layers.is_empty() {
            section aria-labelledby="plan" {
                h2 id="plan" { "Plan" }
                ol class="layers" {
                    @for layer in &layers {
                        li { ul { @for step in layer { (one(step)) } } }
                    }
                }
                @if shown < report.steps.len() {
                    p class="muted" { "The first " (shown) " of " (count(report.steps.len(), "step")) "; the table below has all." }
                }
            }
        }
    }
}

/// The steps by how many stand before them, one after the other. Whatever a step comes after stands before it in the
/// report.
fn layers(report: &Report) -> Vec<Vec<&StepReport>> {
    let mut layers: Vec<Vec<&StepReport>> = Vec::new();
    for step in report.steps.iter().take(MOST_STEPS) {
        let after = layers.iter().rposition(|layer| layer.iter().any(|before| step.after.contains(&before.id)));
        let place = after.map_or(0, |after| after + 1);
        match layers.get_mut(place) {
            Some(layer) => layer.push(step),
            None => layers.push(vec![step]),
        }
    }
    layers
}

fn one(step: &StepReport) -> Markup {
    let (kind, sign, word) = told(step);
    html! {
        li class={ "node " (kind) } {
            a href={ "#step-" (step.ix) } { code { (step.id) } }
            span class="standing" { span aria-hidden="true" { (sign) " " } (word) }
            @if step.class == Class::Pivot { span class="muted" { "point of no return" } }
            @if !step.after.is_empty() { span class="muted" { "after " (step.after.join(", ")) } }
        }
    }
}
