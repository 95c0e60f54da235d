//! What its reader can do about a saga: for each step that needs somebody, and for the whole, the verbs that have their
//! place, each behind a dialog that says what will happen. Without the script, the commands that do the same.

use makegood_edge::core::saga::{Report, Standing, StepReport};
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::Story;
use makegood_edge::links::is_agreed;
use makegood_edge::serde_json::to_string_pretty;
use maud::{Markup, html};

use super::another::plan;
use super::offer::{Field, Kind, Offer, of_saga, of_step};
use crate::figures::{clip, count, moment};

/// Steps that have their verbs here; all that are held can be tried again at once.
const MOST_STEPS: usize = 8;
const LONGEST_REASON: usize = 200;
/// Characters of the parameters that are agreed to.
const LONGEST_PARAMS: usize = 4_000;

/// Nothing where there is nothing to do.
pub fn section(story: &Story, report: &Report, reader: &Principal) -> Markup {
    let steps: Vec<(&StepReport, Vec<Offer>)> = report
        .steps
        .iter()
        .map(|step| (step, of_step(story, report, step, reader)))
        .filter(|(step, offers)| !offers.is_empty() || step.standing == Standing::Asking)
        .collect();
    let whole = of_saga(story, report);
    html! {
        @if !steps.is_empty() || !whole.is_empty() {
            section class="deeds" aria-labelledby="deeds" {
                h2 id="deeds" { "What you can do" }
                @for (step, offers) in steps.iter().take(MOST_STEPS) {
                    div class="deed" {
                        p { (about(story, step)) }
                        (choice(story, Some(*step), offers))
                    }
                }
                @if steps.len() > MOST_STEPS {
                    p class="muted" { "And " (count(steps.len() - MOST_STEPS, "more step")) ": these first." }
                }
                @if !whole.is_empty() {
                    div class="deed" {
                        p { "The whole saga:" }
                        (choice(story, None, &whole))
                    }
                }
            }
        }
    }
}

/// What is so with a step.
fn about(story: &Story, step: &StepReport) -> Markup {
    let name = html! { a href={ "#step-" (step.ix) } { code { (step.id) } } };
    let reason = |text: &Option<String>| text.as_ref().map(|text| clip(text, LONGEST_REASON)).unwrap_or_default();
    html! {
        @match (&step.approval, step.standing) {
            (Some(ask), Standing::Asking) if is_agreed(step, ask) => {
                (name) " was agreed to, and goes on when the saga is resumed."
            }
            (Some(ask), Standing::Asking) => {
                (name) " waits for "
                @if ask.by.is_empty() { (story.owner) ", whose saga it is," } @else { (clip(&ask.by.join(", "), LONGEST_REASON)) }
                " to decide until " (moment(ask.until))
                @if !ask.question.is_empty() { ": " (clip(&ask.question, LONGEST_REASON)) }
            }
            (_, Standing::Held) => {
                (name) " needs a person (" (reason(&step.code)) "): " (reason(&step.detail))
                " Look at what its partner has under its key before you say what became of it."
            }
            _ => { (name) " waits for something from outside." }
        }
    }
}

fn choice(story: &Story, step: Option<&StepReport>, offers: &[Offer]) -> Markup {
    let id = |place: usize| match step {
        Some(step) => format!("deed-{}-{place}", step.ix),
        None => format!("deed-{place}"),
    };
    html! {
        @if offers.is_empty() {
            p class="muted" { "That is for others to do than you." }
        } @else {
            div class="choice" data-script hidden {
                @for (place, offer) in offers.iter().enumerate() {
                    @let whose = step.map(|step| format!("{}: {}", offer.label, step.id));
                    button type="button" class=[offer.grave.then_some("grave")] data-opens=(id(place)) aria-label=[whose] {
                        (offer.label)
                    }
                }
            }
            details {
                summary { "From a terminal" @if let Some(step) = step { span class="unseen" { ": " (step.id) } } }
                pre tabindex="0" { code { @for offer in offers { "makegood saga " (offer.command) "\n" } } }
            }
            @for (place, offer) in offers.iter().enumerate() { (dialog(story, step, offer, &id(place))) }
        }
    }
}

/// What the script opens, and puts to the saga when its reader says so.
fn dialog(story: &Story, step: Option<&StepReport>, offer: &Offer, id: &str) -> Markup {
    let decides = step.filter(|_| matches!(offer.verb, "approve" | "reject"));
    html! {
        dialog id=(id) aria-labelledby={ (id) "-title" } {
            form method="dialog" data-saga=(story.id) data-verb=(offer.verb) data-body=(offer.body) {
                h2 id={ (id) "-title" } {
                    (offer.label)
                    @if let Some(step) = step { ": " code { (step.id) } }
                }
                p { (offer.says) }
                @if let Some(step) = decides {
                    pre tabindex="0" {
                        code { (clip(&to_string_pretty(&step.params).unwrap_or_default(), LONGEST_PARAMS)) }
                    }
                }
                @for field in offer.fields {
                    p {
                        label for={ (id) "-" (field.name) } { (field.label) }
                        (input(story, field, &format!("{id}-{}", field.name)))
                    }
                }
                p class="muted" { "It is noted in the journal and in the audit log, under your name." }
                div class="problem" role="alert" {}
                div class="choice" {
                    button type="submit" class=[offer.grave.then_some("grave")] { (offer.label) }
                    button type="button" data-close { "Leave it" }
                }
            }
        }
    }
}

fn input(story: &Story, field: &Field, id: &str) -> Markup {
    html! {
        @match field.kind {
            Kind::Text | Kind::Json => {
                textarea id=(id) name=(field.name) rows="2" maxlength="16000" data-json[field.kind == Kind::Json] {}
            },
            Kind::Plan => {
                textarea id=(id) name=(field.name) rows="16" required spellcheck="false" data-json {
                    (plan(story).unwrap_or_default())
                }
            },
        }
    }
}
