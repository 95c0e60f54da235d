//! How the message of a saga was read: by whom, what was asked of models, and what that took.

use makegood_edge::core::proposal::{Asked, By, Cache, Provenance, Round};
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::store::Story;
use makegood_edge::serde_json::from_value;
use maud::{Markup, html};

use crate::figures::{count, grouped, sentence};

/// Nothing where the plan came from no message, or was read without asking anybody.
pub fn section(story: &Story) -> Markup {
    let how: Option<Provenance> = story.reading.clone().and_then(|reading| from_value(reading).ok());
    let Some(how) = how.filter(|how| how.why.is_some()) else { return html! {} };
    html! {
        section aria-labelledby="reading" {
            h2 id="reading" { "How it was read" }
            p {
                @match (how.by, &how.model) {
                    (By::Model, Some(model)) => { "By the model " code { (model) } "." },
                    (By::Model, None) => { "By a model." },
                    (By::Offline, _) => { "Offline." },
                }
                @if let Some(why) = &how.why { " " (why) }
                @if let Some(why_not) = &how.fallback { " " (sentence(why_not)) }
                @if let Some(step) = &how.confirm { " Nothing had an effect before " code { (step) } " was agreed to." }
            }
            @if !how.asked.is_empty() { (table(&how.asked)) }
            @if !how.violations.is_empty() {
                p { "The first answer broke " (count(how.violations.len(), "rule")) ", which the model was told:" }
                ul {
                    @for violation in &how.violations { li { (violation) } }
                }
            }
            p class="muted" {
                @if let Some(cache) = how.cache { (cached(cache)) " " }
                (grouped(how.tokens_in)) " tokens in, " (grouped(how.tokens_out)) " out, " (money(how.cost_nanos)) ", "
                (Millis(how.took_ms).in_words()) "."
                @if let Some(prompt) = &how.prompt { " Prompt " code { (prompt) } "." }
            }
        }
    }
}

fn table(asked: &[Asked]) -> Markup {
    html! {
        table aria-labelledby="reading" {
            thead {
                tr {
                    @for name in ["Model", "Asked", "Came", "Took", "Tokens", "Cost"] {
                        th scope="col" { (name) }
                    }
                }
            }
            tbody {
                @for one in asked {
                    tr {
                        td { code { (one.model) } }
                        td { @match one.round { Round::Plan => "for a plan", Round::Repair => "to mend it" } }
                        td { code { (one.outcome) } }
                        td { (Millis(one.took_ms).in_words()) }
                        td { (grouped(one.tokens_in)) " + " (grouped(one.tokens_out)) }
                        td { (money(one.cost_nanos)) }
                    }
                }
            }
        }
    }
}

const fn cached(cache: Cache) -> &'static str {
    match cache {
        Cache::Hit => "From the cache.",
        Cache::Miss => "Not in the cache.",
        Cache::Away => "The cache was away.",
    }
}

/// Billionths, as a number of whole ones.
fn money(nanos: u64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_small_cost_is_lost() {
        assert_eq!(money(120_000), "0.00012");
        assert_eq!(money(3_000_000_001), "3.000000001");
        assert_eq!((money(0), money(2_000_000_000)), ("0".to_owned(), "2".to_owned()));
    }
}
