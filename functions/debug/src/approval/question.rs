//! What somebody agrees to, in words: the step with exactly its parameters, what it costs, what was done before it, what
//! follows, and what becomes of all that if they refuse.

use makegood_edge::core::guard::role::APPROVERS;
use makegood_edge::core::saga::{Ask, Op, Report, Standing, StepReport, report};
use makegood_edge::core::time::Millis;
use makegood_edge::core::tool::Class;
use makegood_edge::gateway::links::Shown;
use makegood_edge::gateway::store::{Story, Tools};
use makegood_edge::links::agreed;
use makegood_edge::serde_json::to_string_pretty;
use makegood_edge::visible::visible;
use maud::{Markup, html};

use super::words::{fields, money, text_of};
use crate::figures::moment;

/// Steps of one list; a plan can have a thousand.
const MOST_STEPS: usize = 40;

/// The form that a link is brought to.
pub fn form() -> Markup {
    html! {
        h1 { "A decision" }
        p { "You have a link with which you can agree to something, or refuse it. Nothing is decided before you have seen what." }
        form method="post" action="/approve" {
            label for="token" { "Your link, if it does not open by itself: paste all of it" }
            input id="token" name="token" type="text" required autocomplete="off" autocapitalize="off" spellcheck="false";
            div class="choice" { button type="submit" { "Show what it is about" } }
        }
    }
}

/// All that the page is made of.
pub struct Question<'a> {
    pub token: &'a str,
    /// One that was used, and was not heard, can say the same again.
    pub shown: &'a Shown,
    pub story: &'a Story,
    pub step: &'a StepReport,
    pub ask: &'a Ask,
    /// The tools of the plan, as they are now.
    pub tools: &'a Tools,
    pub now: Millis,
}

impl Question<'_> {
    pub fn page(&self) -> Markup {
        let records = self.story.journal.iter().map(|entry| &entry.record);
        let report = report(&self.story.nodes, self.story.phase, records);
        html! {
            h1 { "Do you agree?" }
            @if !self.ask.question.is_empty() { p { strong { (text_of(&self.ask.question)) } } }
            p class="soft" {
                "Asked by " strong { (text_of(&self.story.owner)) } ", for “" (text_of(&self.story.title)) "”."
            }
            (self.what())
            (self.who())
            (self.before(&report))
            (self.after(&report))
            (self.refused(&report))
            (self.decide())
        }
    }

    fn what(&self) -> Markup {
        let tool = self.tools.get(&self.step.tool);
        html! {
            section class="first" {
                h2 { "What will be done: " (self.name(self.step)) }
                @if let Some(tool) = tool { p class="soft" { (text_of(&tool.description)) } }
                @match self.step.params.as_object() {
                    Some(params) => { (fields(params)) },
                    None => { p class="soft" { "With nothing." } },
                }
                details {
                    summary { "Exactly as it will be sent" }
                    pre { code { (visible(&to_string_pretty(&self.step.params).unwrap_or_default())) } }
                }
                h3 { "What it means" }
                p class=[(!can_be_undone(self.step)).then_some("warn")] { (class(self.step.class)) }
                h3 { "What it costs" }
                p { (self.cost()) }
            }
        }
    }

    /// The plan holds the version of the tool that it was made for, and it costs what that one says.
    fn cost(&self) -> String {
        let node = self.story.nodes.iter().find(|node| node.ix == self.step.ix);
        let tool = self.tools.get(&self.step.tool).filter(|tool| node.is_some_and(|node| node.version == tool.version));
        let Some(tool) = tool else {
            return "That is not known: the tool has changed since the plan was made.".to_owned();
        };
        let mut told = if tool.cost_minor == 0 { "Nothing".to_owned() } else { money(tool.cost_minor) };
        if tool.cost_tokens > 0 {
            told += &format!(", and up to {} tokens of a model", tool.cost_tokens);
        }
        told + "."
    }

    fn who(&self) -> Markup {
        let until = self.shown.link.expires_at;
        let yes: Vec<&str> = agreed(self.step).collect();
        html! {
            section {
                h2 { "Who decides, and until when" }
                p { "You decide as " strong { (text_of(&self.shown.link.stands_for)) } ". This link was made by "
                    (text_of(&self.shown.link.made_by)) ", and decides once." }
                p {
                    (self.ask.quorum) " must agree; " (yes.len()) @if yes.len() == 1 { " has" } @else { " have" } " so far"
                    @for (place, name) in yes.iter().enumerate() { @if place == 0 { ": " } @else { ", " } (text_of(name)) }
                    ". One who refuses is enough to stop it."
                    @if !self.ask.by.is_empty() {
                        " Asked are "
                        @for (place, name) in self.ask.by.iter().enumerate() { @if place > 0 { ", " } (asked(name)) }
                        "."
                    }
                }
                p { "The link is good until " (moment(until)) ", for another " (until.since(self.now).in_words()) "." }
            }
        }
    }

    fn before(&self, report: &Report) -> Markup {
        let began = |step: &&StepReport| has_effect(step) || step.standing == Standing::Held;
        let word = |step: &StepReport| if step.standing == Standing::Done { "" } else { " (not finished yet)" };
        self.list("What was done before", "Nothing.", report.steps.iter().filter(began), word)
    }

    fn after(&self, report: &Report) -> Markup {
        let to_come = |step: &&StepReport| {
            let comes = match step.standing {
                Standing::Pending | Standing::Queued | Standing::Asking => true,
                Standing::Waiting => !tried(step),
                Standing::Running
                | Standing::Skipped
                | Standing::Done
                | Standing::Refused
                | Standing::Undoing
                | Standing::Undone
                | Standing::Fenced
                | Standing::Abandoned
                | Standing::Held => false,
            };
            comes && step.ix != self.step.ix
        };
        let word = |step: &StepReport| match (step.standing, step.class) {
            (Standing::Asking, _) => " (waits for a decision of its own)",
            (_, Class::Pivot | Class::Retriable) => " (cannot be undone)",
            (_, Class::Query | Class::Compensatable) => "",
        };
        self.list("What follows if you agree", "Nothing more.", report.steps.iter().filter(to_come), word)
    }

    fn refused(&self, report: &Report) -> Markup {
        // The last first, as it is undone.
        let undone = report.steps.iter().rev().filter(|step| step.class == Class::Compensatable && has_effect(step));
        let none = "Nothing was done that would have to be undone. What follows is not done either.";
        self.list("What is undone if you refuse", none, undone, |_| "")
    }

    fn decide(&self) -> Markup {
        let spoke = agreed(self.step).any(|name| name == self.shown.link.stands_for);
        let can_say = |approve: bool| self.shown.approve.is_none_or(|said| said == approve);
        html! {
            form method="post" action="/api/execute/decisions/form" {
                input type="hidden" name="token" value=(self.token);
                @if spoke { p { (text_of(&self.shown.link.stands_for)) " has agreed already, and can still refuse." } }
                @if self.shown.approve.is_some() {
                    p { "This link was used before, and that was not heard. It can say the same again, and nothing else." }
                }
                label for="note" { "A note, if you like. It stays with the decision" }
                textarea id="note" name="note" rows="2" maxlength="2000" {}
                div class="choice" {
                    @if !spoke && can_say(true) { button name="decision" value="approve" { "Agree" } }
                    @if can_say(false) { button class="no" name="decision" value="reject" { "Refuse" } }
                }
            }
        }
    }

    fn list<'s>(
        &self,
        title: &str,
        none: &str,
        steps: impl Iterator<Item = &'s StepReport>,
        word: impl Fn(&StepReport) -> &'static str,
    ) -> Markup {
        let steps: Vec<&StepReport> = steps.collect();
        html! {
            section {
                h2 { (title) }
                @if steps.is_empty() { p { (none) } }
                ul {
                    @for step in steps.iter().take(MOST_STEPS) { li { (self.name(step)) (word(step)) } }
                }
                @if steps.len() > MOST_STEPS { p { "And " (steps.len() - MOST_STEPS) " more." } }
            }
        }
    }

    /// What its tool is called, and which step of the plan it is.
    fn name(&self, step: &StepReport) -> Markup {
        html! {
            @match (self.tools.get(&step.tool), &step.wait) {
                (Some(tool), _) => { (text_of(&tool.title)) " " },
                (None, Some(_)) => { "A wait " },
                (None, None) => {},
            }
            code { (text_of(&step.id)) }
        }
    }
}

/// One of an approval's `by`, who is nobody's name where it is a role.
fn asked(name: &str) -> Markup {
    if name == APPROVERS {
        html! { "everybody who is an approver, but for who asks" }
    } else {
        text_of(name)
    }
}

/// Whether it is done, or may be; of a held one only people know.
fn has_effect(step: &StepReport) -> bool {
    match step.standing {
        Standing::Done | Standing::Running | Standing::Undoing => true,
        Standing::Waiting => tried(step),
        Standing::Pending
        | Standing::Queued
        | Standing::Asking
        | Standing::Skipped
        | Standing::Refused
        | Standing::Undone
        | Standing::Fenced
        | Standing::Abandoned
        | Standing::Held => false,
    }
}

/// Whether a call of it may have been made.
fn tried(step: &StepReport) -> bool {
    step.attempts.iter().any(|attempt| attempt.op == Op::Do)
}

const fn can_be_undone(step: &StepReport) -> bool {
    matches!(step.class, Class::Query | Class::Compensatable)
}

const fn class(class: Class) -> &'static str {
    match class {
        Class::Query => "It only looks: it changes nothing.",
        Class::Compensatable => "It can be undone: if something later goes wrong, it is.",
        Class::Pivot => {
            "It cannot be undone. From here there is no way back: once it is done, what was done before it stays done too."
        }
        Class::Retriable => "It cannot be undone, and is repeated until it succeeds.",
    }
}
