//! Money for somebody.

use serde_json::json;

use super::Kind;
use super::draft::{Draft, said};
use super::money::{self, Money};
use super::names::{self, Person};
use super::slot::Slot;
use super::words::Words;
use super::work::Work;
use crate::saga::Step;

#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub payee: Slot<Person>,
    pub amount: Slot<Money>,
    /// A number without a currency, which may be that of the payment before.
    pub count: Option<u32>,
    /// More people who are each paid the same.
    pub others: Vec<Person>,
}

/// The people and the amount stand `from` a word on: behind the verb, where there is one.
pub(super) fn read(words: &mut Words, from: usize) -> Payment {
    let show = |money: &Money| format!("{} {}", spoken(money.minor), money.currency);
    let amounts = money::amounts(words);
    let repeated = amounts.len() > 1;
    let mut amount = Slot::one(amounts, show);
    if repeated && amount.known().is_some() {
        amount = Slot::Asks("the amount is said more than once: how much in all".to_owned());
    }
    // `the 20 euros I owe her`
    if let Some(owe) = words.find(&["owe"])
        && words.is(owe.saturating_sub(1), &["i", "we"])
        && words.is(owe + 1, &["him", "her", "them"])
        && owe > from + 1
    {
        let that = usize::from(words.is(owe.saturating_sub(2), &["that", "which"]));
        words.take(owe - 1 - that..owe + 2);
    }
    let mut bare = None;
    if amount == Slot::Empty
        && let Some((at, (count, length))) =
            (from..words.len()).find_map(|at| Some((at, super::numbers::number(words, at)?)))
    {
        amount = Slot::Asks(format!("{count} of which currency"));
        bare = Some(count).filter(|_| from == 0);
        if bare.is_some() {
            words.take(at..at + length);
        }
    }
    let to = (0..words.len()).find(|at| words.at(*at) == "to").map_or(from, |at| at + 1);
    let listed = |start: usize| Some((start, names::people(words, start))).filter(|(_, (found, _))| !found.is_empty());
    let direct = || if words.is(from, &["for", "with"]) { None } else { listed(from) };
    let spoken_of = || listed((from..words.len()).find(|at| words.is(*at, &["him", "her", "them"]))?);
    let (start, (found, end)) = listed(to).or_else(direct).or_else(spoken_of).unwrap_or_default();
    // `Joan or Kim`
    let choice = !found.is_empty() && words.is(end, &["or"]) && !names::people(words, end + 1).0.is_empty();
    let end = if choice { names::people(words, end + 1).1 } else { end };
    let preposition = usize::from(start > 0 && words.at(start - 1) == "to");
    words.take(start - preposition..end);
    let each = found.len() > 1 && repeated_for_each(words);
    let others = if each { found.iter().skip(1).cloned().collect() } else { Vec::new() };
    let payee = match found.as_slice() {
        [] => Slot::Empty,
        [..] if choice => Slot::Asks("to one of the two, please: to whom".to_owned()),
        [one, ..] if each => Slot::Is(one.clone()),
        [one] => Slot::Is(one.clone()),
        [..] => Slot::Asks("one person at a time, please: to whom first".to_owned()),
    };
    Payment { payee, amount, count: bare, others }
}

impl Payment {
    /// `pay Anna 10 euros and Ben 15`: the currency is that of the payment before.
    pub fn inherit(&mut self, before: &Self) {
        if let (Some(count), Slot::Is(money)) = (self.count, &before.amount) {
            self.amount = Slot::Is(Money { minor: u64::from(count) * 100, currency: money.currency });
        }
    }
}

/// `Anna and Ben 10 euros each`: takes the word.
fn repeated_for_each(words: &mut Words) -> bool {
    let found = words.find(&["each", "apiece"]);
    if let Some(at) = found {
        words.take(at..at + 1);
    }
    found.is_some()
}

/// `25.00`.
pub(super) fn spoken(minor: u64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

impl Work<'_, '_> {
    pub fn payment(&mut self, at: usize, id: &str, payment: &Payment) -> Draft {
        let mut draft = Draft::new(Kind::Payment, "The payment");
        let payee = match &payment.payee {
            Slot::Is(payee) => self.person(at, payee).map_or(Slot::Empty, Slot::Is),
            Slot::Empty => Slot::Empty,
            Slot::Asks(question) => Slot::Asks(question.clone()),
        };
        let payee = draft.need("payee", &payee, "to whom", |payee| said(payee));
        if let Some(payee) = &payee {
            draft.subject = format!("The payment to {payee}");
        }
        let told = self.planner.said.amount.clone().filter(|_| payment.amount == Slot::Empty);
        draft.assumed += u32::from(told.is_some());
        let amount = payment.amount.clone().or_value(told);
        let amount = draft.need("amount_minor", &amount, "how much, and in which currency", |money| json!(money.minor));
        if let (Some(payee), Some(amount)) = (payee, amount) {
            draft.set("currency", amount.currency);
            let amount_text = format!("{} {}", spoken(amount.minor), amount.currency);
            draft.summary = format!("pay {payee} {amount_text}");
            draft.told = Some(format!("{amount_text} paid to {payee}."));
        }
        draft.step(id, "authorise_payment");
        let mut params = serde_json::Map::new();
        params.insert("payment_id".to_owned(), json!(format!("${id}.payment_id")));
        let capture = self.unique("capture");
        draft.steps.push(Step { id: capture, tool: "capture_payment".to_owned(), params, ..Step::default() });
        draft
    }
}
