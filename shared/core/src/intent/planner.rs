//! Wishes joined into one plan: what `there` and `it` stand for, who waits for whom, and what to ask.
//!
//! Rules where nothing is said: a ride to a table leaves 30 minutes before it from home, for as many
//! as the table is for; a ride home leaves two hours after it; a calendar entry takes an hour, for a
//! table two; a wish without a day is for the day that another wish names. A message that tells the
//! details is written from the plan, and waits for everything that it tells of.

use std::collections::BTreeSet;

use crate::civil::{Date, DateTime};
use serde_json::Value;

use super::calendar::Entry;
use super::delivery::Delivery;
use super::draft::{Draft, listed};
use super::language::Language;
use super::lookup::{Route, Search, Weather};
use super::message::Message;
use super::money::Money;
use super::names::Person;
use super::payment::Payment;
use super::proviso::{self, Proviso};
use super::ride::Ride;
use super::slot::Slot;
use super::table::{self, Table};
use super::work::Work;
use super::{Intent, Kind, Missing, Reading, voice};
use crate::saga::{Plan, Step};

/// How many wishes one message may hold.
pub(super) const MAX_WISHES: usize = 12;

pub(super) const BEFORE_TABLE_MINUTES: i64 = 30;
pub(super) const TABLE_MINUTES: u32 = 120;
pub(super) const ENTRY_MINUTES: u32 = 60;

#[derive(Clone, Debug)]
pub(super) enum What {
    Table(Table),
    Availability(Table),
    Search(Search),
    Ride(Ride),
    Delivery(Delivery),
    Payment(Payment),
    Message(Message),
    Entry(Entry),
    Weather(Weather),
    Route(Route),
}

/// One wish, read.
#[derive(Clone)]
pub(super) struct Wish<'m> {
    pub what: What,
    pub text: &'m str,
    /// Wishes of one group are independent; each group comes after the one before.
    pub group: usize,
    pub assumed: u32,
    pub proviso: Proviso,
}

impl Wish<'_> {
    /// Takes up what only says more of the same wish: `pick me up at the office and take me to the gym`, `order two
    /// pizzas from Luigi's, deliver them home`.
    pub fn goes_on(&mut self, next: &Self) -> bool {
        if self.group != next.group {
            return false;
        }
        match (&mut self.what, &next.what) {
            (What::Ride(ride), What::Ride(more)) if ride.to.is_none() && ride.from.is_some() && more.from.is_none() => {
                ride.to.clone_from(&more.to);
                ride.when.date = ride.when.date.clone().or(|| more.when.date.clone());
                ride.when.time = ride.when.time.clone().or(|| more.when.time.clone());
                ride.passengers = ride.passengers.clone().or(|| more.passengers.clone());
                more.to.is_some()
            }
            (What::Delivery(order), What::Delivery(more))
                if order.address.is_none() && more.vendor.is_none() && more.items == Slot::Empty =>
            {
                order.address.clone_from(&more.address);
                order.when.date = order.when.date.clone().or(|| more.when.date.clone());
                order.when.time = order.when.time.clone().or(|| more.when.time.clone());
                more.address.is_some()
            }
            // `send my brother some money, so please transfer 45 euros to him`
            (What::Payment(payment), What::Payment(more))
                if payment.amount == Slot::Empty
                    && more.amount != Slot::Empty
                    && (payment.payee == more.payee
                        || more.payee == Slot::Empty
                        || more.payee == Slot::Is(Person::Before)) =>
            {
                payment.amount.clone_from(&more.amount);
                true
            }
            // `I need to get to the airport at 8, send me a taxi`
            (What::Ride(ride), What::Ride(more))
                if ride.to.is_some()
                    && more.to.is_none()
                    && more.from.is_none()
                    && (ride.when.time == Slot::Empty || more.when.time == Slot::Empty)
                    && (ride.when.date == Slot::Empty || more.when.date == Slot::Empty) =>
            {
                ride.when.date = ride.when.date.clone().or(|| more.when.date.clone());
                ride.when.time = ride.when.time.clone().or(|| more.when.time.clone());
                ride.passengers = ride.passengers.clone().or(|| more.passengers.clone());
                ride.us |= more.us;
                self.assumed += next.assumed + 1;
                true
            }
            // `... at Luigi's at 7. Book it please`
            (What::Table(table), What::Table(more))
                if matches!(more.place, table::Place::There | table::Place::Nowhere)
                    && matches!(table.place, table::Place::Named(_))
                    && more.party == Slot::Empty
                    && more.when.date == Slot::Empty
                    && more.when.time == Slot::Empty =>
            {
                table.name = table.name.take().or_else(|| more.name.clone());
                true
            }
            // `on Friday, Luigi's, 7pm, a table for three`
            (What::Table(table), What::Table(more)) if table.lacks_what(more) => {
                table.complete(more);
                self.assumed += next.assumed + 1;
                true
            }
            _ => false,
        }
    }
}

/// What statements around the wishes say: `it is for tomorrow`, `we are four`.
#[derive(Clone, Default)]
pub(super) struct Said {
    pub date: Option<Date>,
    pub party: Option<u32>,
    pub amount: Option<Money>,
    /// Who was spoken of with the amount, or did what is paid for.
    pub person: Option<String>,
    /// How much less sure all wishes are for what was not understood beside them.
    pub doubts: u32,
}

pub(super) struct Planner<'m> {
    pub now: DateTime,
    pub user: String,
    pub wishes: Vec<Wish<'m>>,
    pub said: Said,
    /// In which to ask.
    pub language: Language,
}

impl Planner<'_> {
    pub fn plan(&self) -> Reading {
        let count = self.wishes.len();
        let mut work = Work {
            planner: self,
            ids: Vec::new(),
            used: BTreeSet::new(),
            tables: vec![None; count],
            searches: vec![None; count],
            drafts: (0..count).map(|_| None).collect(),
        };
        for wish in &self.wishes {
            let id = work.unique(step_name(&wish.what));
            work.ids.push(id);
        }
        // Others refer to tables and searches; messages tell of all the rest.
        for pass in 0..4 {
            for (at, wish) in self.wishes.iter().enumerate() {
                if pass_of(&wish.what) == pass {
                    let mut draft = work.draft(at);
                    draft.assumed += wish.assumed + self.said.doubts;
                    work.provide(at, &mut draft);
                    if let Some(slot) = work.drafts.get_mut(at) {
                        *slot = Some(draft);
                    }
                }
            }
        }
        let drafts: Vec<Draft> = work.drafts.into_iter().flatten().collect();
        self.join(drafts)
    }

    fn join(&self, mut drafts: Vec<Draft>) -> Reading {
        self.order(&mut drafts);
        let mut intents: Vec<Intent> =
            drafts.iter().zip(&self.wishes).map(|(draft, wish)| draft.intent(wish.text)).collect();
        let waits = self.wishes.iter().zip(&intents).filter_map(|(wish, intent)| proviso::waits(wish, intent));
        let waits: Vec<Intent> = waits.collect();
        intents.extend(waits);
        let questions: Vec<String> = drafts.iter().filter_map(|draft| draft.question(self.language)).collect();
        if !questions.is_empty() {
            let missing = drafts.iter().enumerate().flat_map(|(intent, draft)| {
                draft.gaps.iter().map(move |gap| Missing { intent, parameter: gap.parameter })
            });
            let missing = missing.collect();
            let lead = voice::say("Gladly; I only need to know a little more. {}", self.language);
            let question = lead.replacen("{}", &questions.join(" "), 1);
            return Reading::Ask { question, missing, intents };
        }
        let summaries: Vec<String> = drafts.iter().map(|draft| draft.summary.clone()).collect();
        let otherwise = proviso::told(&drafts);
        let steps: Vec<Step> = drafts.into_iter().flat_map(|draft| draft.steps).collect();
        match sorted(steps) {
            Some(steps) => {
                let plan = Plan { summary: sentence(&listed(&summaries)) + &otherwise, steps };
                Reading::Plan { intents, plan }
            }
            None => Reading::Ask {
                question: "These wishes wait for each other in a circle: in which order shall I do them?".to_owned(),
                missing: vec![Missing { intent: 0, parameter: "order" }],
                intents,
            },
        }
    }

    /// Makes each group wait for the one before, and asks where that cannot be.
    fn order(&self, drafts: &mut [Draft]) {
        let groups: Vec<usize> = self.wishes.iter().map(|wish| wish.group).collect();
        for at in 0..drafts.len() {
            let Some(before) = groups.get(at).and_then(|group| group.checked_sub(1)) else {
                continue;
            };
            let earlier: Vec<usize> = (0..drafts.len()).filter(|other| groups.get(*other) == Some(&before)).collect();
            let ends: Vec<String> = earlier
                .iter()
                .filter_map(|other| drafts.get(*other)?.steps.last().map(|step| step.id.clone()))
                .collect();
            let final_one = earlier.iter().find_map(|other| {
                drafts.get(*other).filter(|draft| matches!(draft.kind, Kind::Payment | Kind::Communication))
            });
            let final_subject = final_one.map(|draft| draft.subject.clone());
            let Some(draft) = drafts.get_mut(at) else {
                continue;
            };
            let undoable =
                matches!(draft.kind, Kind::Booking | Kind::Waitlist | Kind::Delivery | Kind::Schedule | Kind::Payment);
            if let Some(subject) = final_subject.filter(|_| undoable && !ends.is_empty()) {
                let subject = lower_first(&subject);
                draft.ask("order", format!("{subject} cannot be taken back, so it has to come last; may it"));
            }
            if let Some(first) = draft.steps.first_mut() {
                let known = references(first);
                for end in ends {
                    if !known.contains(&end) && !first.after.contains(&end) {
                        first.after.push(end);
                    }
                }
            }
        }
    }
}

fn step_name(what: &What) -> &'static str {
    match what {
        What::Table(_) => "table",
        What::Availability(_) => "availability",
        What::Search(_) => "search",
        What::Ride(_) => "ride",
        What::Delivery(_) => "delivery",
        What::Payment(_) => "pay",
        What::Message(_) => "message",
        What::Entry(_) => "calendar",
        What::Weather(_) => "weather",
        What::Route(_) => "route",
    }
}

fn pass_of(what: &What) -> usize {
    match what {
        What::Table(_) | What::Availability(_) | What::Search(_) => 0,
        What::Ride(_) | What::Delivery(_) | What::Payment(_) | What::Weather(_) | What::Route(_) => 1,
        What::Entry(_) => 2,
        What::Message(_) => 3,
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(std::iter::once('.')).collect())
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The steps that a step's parameters refer to.
fn references(step: &Step) -> Vec<String> {
    let texts = step.params.values().filter_map(Value::as_str);
    texts.filter_map(|text| Some(text.strip_prefix('$')?.split_once('.')?.0.to_owned())).collect()
}

/// The steps so that each stands behind those it waits for, else in the order of the wishes. `None`
/// where they wait for each other.
fn sorted(mut steps: Vec<Step>) -> Option<Vec<Step>> {
    let mut sorted: Vec<Step> = Vec::with_capacity(steps.len());
    while !steps.is_empty() {
        let ready = steps.iter().position(|step| {
            let waits = |id: &String| steps.iter().any(|other| other.id == *id);
            !step.after.iter().any(waits) && !references(step).iter().any(waits)
        })?;
        sorted.push(steps.remove(ready));
    }
    Some(sorted)
}
