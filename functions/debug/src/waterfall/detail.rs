//! What a row opens to: what a step was given and gave, why it failed, the key under which its partner knows it, and the
//! commits that have it. Of what is long, the beginning: the page has to stay light, and the saga's own has more.

use makegood_edge::core::id::idempotency_key;
use makegood_edge::core::saga::{Fact, Node, Op, StepReport};
use makegood_edge::core::trace::{Attribute, Span, Status, What};
use makegood_edge::gateway::store::{Entry, PLACES};
use makegood_edge::serde_json::Value;
use maud::{Markup, html};

use super::lines::Row;
use super::{Chart, Origin, SHORTEST_TEXT, tempo};
use crate::figures::clip;

/// Of an attribute.
pub const LONGEST_ATTRIBUTE: usize = 200;

/// Nothing where the row says it all.
pub fn of(chart: &Chart<'_>, row: &Row<'_>) -> Option<Markup> {
    if let Origin::Tempo(read) = chart.origin {
        return tempo::detail(chart, read, row);
    }
    match row.span.what {
        What::Step => chart.step(row.span).map(|step| of_step(chart, step)),
        // The key is its step's, which stands above it.
        What::Undo => row.span.node.filter(|_| row.span.status == Status::Error).map(|ix| of_undo(chart, row.span, ix)),
        What::Saga | What::Invocation | What::Model => {
            Some(&row.span.attributes).filter(|told| !told.is_empty()).map(|told| attributes(told))
        }
        What::Attempt | What::UndoAttempt | What::Wait | What::Approval | What::Other => None,
    }
}

fn of_step(chart: &Chart<'_>, step: &StepReport) -> Markup {
    html! {
        dl {
            (value(chart, "Input", &step.params))
            @if let Some(output) = &step.output { (value(chart, "Output", output)) }
            @if step.code.is_some() || step.detail.is_some() {
                dt; "Error" dd;
                @if let Some(code) = &step.code { (code) ": " }
                @if let Some(detail) = &step.detail { (clip(detail, chart.text)) }
            }
            (key(chart, step.ix))
            (commits(chart, step.ix, false))
        }
    }
}

fn of_undo(chart: &Chart<'_>, undo: &Span, ix: u32) -> Markup {
    html! {
        dl {
            @if !undo.message.is_empty() { dt; "Error" dd; (clip(&undo.message, chart.text)) }
            (key(chart, ix))
            (commits(chart, ix, true))
        }
    }
}

fn attributes(told: &[(&'static str, Attribute)]) -> Markup {
    html! {
        dl {
            @for (name, value) in told {
                dt; (name) dd;
                @match value {
                    Attribute::Text(text) => { (clip(text, LONGEST_ATTRIBUTE)) },
                    Attribute::Number(number) => { (number) },
                    Attribute::Flag(flag) => { (flag) },
                }
            }
        }
    }
}

fn value(chart: &Chart<'_>, name: &str, value: &Value) -> Markup {
    html! { dt; (name) dd; (clip(&plainly(value), chart.text)) }
}

/// A value as people write it: what is flat, a line for each name; all else as JSON.
fn plainly(value: &Value) -> String {
    let Some(fields) = value.as_object().filter(|fields| !fields.is_empty()) else { return value.to_string() };
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(name);
        text.push_str(": ");
        match value.as_str().filter(|text| is_plain(text)) {
            Some(plain) => text.push_str(plain),
            None => text.push_str(&value.to_string()),
        }
    }
    text
}

/// Nobody takes it for a number, for another value, or for more than one line.
fn is_plain(text: &str) -> bool {
    let first = text.chars().next().is_some_and(char::is_alphabetic);
    let date =
        text.as_bytes().get(4) == Some(&b'-') && text.bytes().take(10).all(|byte| b"-0123456789".contains(&byte));
    (first || date) && !["true", "false", "null"].contains(&text) && !text.contains(['\n', '"'])
}

/// The key of a call that was begun. Its beginning is the saga's id: where room is scarce that is left out, and the
/// script puts it back.
fn key(chart: &Chart<'_>, ix: u32) -> Markup {
    let node = usize::try_from(ix).ok().and_then(|place| chart.story.nodes.get(place));
    let node = node.filter(|node| node.ix == ix && node.has_partner());
    let rounds = entries(chart, ix)
        .iter()
        .filter_map(|entry| if let Fact::Started { round, .. } = &entry.record.fact { Some(*round) } else { None });
    let key = |node: &Node, round: u32| idempotency_key(&chart.story.id, node.epoch.saturating_add(round), ix);
    html! {
        @if let Some((node, round)) = node.zip(rounds.max()) {
            @let key = key(node, round);
            dt; "Key" dd;
            @match key.strip_prefix(chart.story.id.as_str()).filter(|_| chart.text <= SHORTEST_TEXT) {
                Some(rest) => { "…" (rest) },
                None => { (key) },
            }
        }
    }
}

fn entries<'a>(chart: &'a Chart<'_>, ix: u32) -> &'a [&'a Entry] {
    chart.entries.get(&ix).map(Vec::as_slice).unwrap_or_default()
}

/// The versions of the saga whose commits tell of it.
fn commits(chart: &Chart<'_>, ix: u32, of_undo: bool) -> Markup {
    let mut versions: Vec<u64> = Vec::new();
    for entry in entries(chart, ix).iter().filter(|entry| is_of_undo(&entry.record.fact) == of_undo) {
        let version = entry.seq / PLACES;
        if versions.last() != Some(&version) {
            versions.push(version);
        }
    }
    html! {
        @if !versions.is_empty() {
            dt; "Commits" dd;
            @for (place, version) in versions.iter().enumerate() { @if place > 0 { ", " } (version) }
        }
    }
}

const fn is_of_undo(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::UndoStarted { .. }
            | Fact::Undone { .. }
            | Fact::Unsettled { op: Op::Undo, .. }
            | Fact::Held { op: Op::Undo, .. }
    )
}
