//! The values of a message that changes wishes, put where they belong.

use super::super::delivery;
use super::super::money;
use super::super::names::{self, Person};
use super::super::numbers::number;
use super::super::openings;
use super::super::people;
use super::super::places::{self, Place};
use super::super::planner::What;
use super::super::slot::Slot;
use super::super::table;
use super::super::times::{self, Clock, Habit};
use super::super::when::When;
use super::super::words::Words;
use super::{Editor, when_mut, when_of};
use crate::civil::{DateTime, Time};

impl Editor<'_> {
    /// Puts every value that the words say where it belongs.
    pub(super) fn values(&mut self, words: &mut Words, target: Vec<usize>, swaps: bool, now: DateTime) {
        let payments: Vec<usize> = self.only(&target, |what| matches!(what, What::Payment(_)));
        let messages: Vec<usize> = self.only(&target, |what| matches!(what, What::Message(_)));
        let ways: Vec<usize> =
            self.only(&target, |what| matches!(what, What::Ride(_) | What::Route(_) | What::Delivery(_)));
        let tables: Vec<usize> = self.only(&target, |what| matches!(what, What::Table(_) | What::Availability(_)));
        let weathers: Vec<usize> = self.only(&target, |what| matches!(what, What::Weather(_)));
        let deliveries: Vec<usize> = self.only(&target, |what| matches!(what, What::Delivery(_)));
        if !payments.is_empty() {
            self.amount(words, &payments);
        }
        self.ways(words, &ways);
        if !tables.is_empty()
            && let Some(name) = table::booked_name(words)
        {
            self.one_of(&tables, "name");
            self.each(&tables, |what| {
                if let What::Table(table) = what {
                    table.name = Some(name.clone());
                }
            });
        }
        if !tables.is_empty() {
            let mut named = places::restaurants(words).into_iter().map(|(_, name)| name);
            if let (Some(name), None) = (named.next(), named.next()) {
                self.restaurant(&tables, name);
            }
        }
        let habit = if !tables.is_empty() {
            Habit::Meal
        } else if deliveries.is_empty() {
            Habit::Errand
        } else {
            Habit::Delivery
        };
        self.shift(words, &target);
        self.when(words, &target, habit, now);
        self.more(words, &target);
        self.party(words, &target);
        if payments.len() == 1 || messages.len() == 1 {
            self.person(words, &payments, &messages, swaps);
        }
        if !weathers.is_empty()
            && let Some(place) = places::after(words, &["in", "for", "at"])
        {
            self.place_of_weather(&weathers, place);
        }
        if tables.is_empty()
            && let [order] = deliveries[..]
        {
            self.things(words, order);
        }
        self.bare_number(words, &target, habit);
        self.bare_name(words, &target);
    }

    /// `make it two pizzas`, `and a cola`.
    fn things(&mut self, words: &mut Words, order: usize) {
        let more = ["and", "add"].contains(&words.raw(0)) || words.has(&["also", "too"]);
        let Some(start) = (0..words.len()).find(|at| number(words, *at).is_some() || words.is(*at, &["a", "an"]))
        else {
            return;
        };
        if openings::opening(words, start).is_some() {
            return;
        }
        let mut taken = words.clone();
        let Slot::Is(said) = delivery::items(&mut taken, start) else {
            return;
        };
        let Some(What::Delivery(delivery)) = self.request.wishes.get_mut(order).map(|wish| &mut wish.what) else {
            return;
        };
        let Slot::Is(items) = &mut delivery.items else {
            return;
        };
        let alike =
            |one: &str, other: &str| one.trim_end_matches('s').eq_ignore_ascii_case(other.trim_end_matches('s'));
        if said.iter().all(|new| items.iter().any(|item| alike(&item.name, &new.name))) && !more {
            for new in said {
                items.iter_mut().filter(|item| alike(&item.name, &new.name)).for_each(|item| *item = new.clone());
            }
        } else if more {
            items.extend(said);
        } else {
            return;
        }
        *words = taken;
        self.changed += 1;
    }

    /// The wishes that lack one of the parameters, among some; else those for which `has` holds.
    fn meant(&self, among: &[usize], parameters: &[&str], has: impl Fn(&What) -> bool) -> Vec<usize> {
        let lacking: Vec<usize> = self
            .missing
            .iter()
            .filter(|(at, parameter)| among.contains(at) && parameters.contains(parameter))
            .map(|(at, _)| *at)
            .collect();
        if !lacking.is_empty() {
            return lacking;
        }
        self.only(among, has)
    }

    fn amount(&mut self, words: &mut Words, payments: &[usize]) {
        let found = money::amounts(words);
        let [amount] = &found[..] else {
            return;
        };
        let amount = match amount {
            Ok(amount) => Slot::Is(amount.clone()),
            Err(question) => Slot::Asks(question.clone()),
        };
        let meant = self.meant(payments, &["amount_minor"], |_| true);
        self.one_of(&meant, "payment");
        self.each(&meant, |what| {
            if let What::Payment(payment) = what {
                payment.amount = amount.clone();
            }
        });
    }

    fn ways(&mut self, words: &mut Words, ways: &[usize]) {
        if ways.is_empty() {
            return;
        }
        if let Some(from) = places::after(words, &["from"]) {
            let meant = self.meant(ways, &["pickup", "vendor"], |_| true);
            self.one_of(&meant, "place");
            self.each(&meant, |what| match what {
                What::Ride(ride) => ride.from = Some(from.clone()),
                What::Route(route) => route.from = Some(from.clone()),
                What::Delivery(delivery) => delivery.vendor = Some(from.clone()),
                What::Table(_)
                | What::Availability(_)
                | What::Search(_)
                | What::Payment(_)
                | What::Message(_)
                | What::Entry(_)
                | What::Weather(_) => {}
            });
        }
        // `to 8pm` is no place.
        let timed = (0..words.len())
            .any(|at| words.at(at) == "to" && number(words, at + 1).is_some() && !words.is_capital(at + 2));
        if !timed && let Some(to) = places::after(words, &["to"]) {
            let meant = self.meant(ways, &["destination", "address"], |_| true);
            self.one_of(&meant, "place");
            self.each(&meant, |what| match what {
                What::Ride(ride) => ride.to = Some(to.clone()),
                What::Route(route) => route.to = Some(to.clone()),
                What::Delivery(delivery) => delivery.address = Some(to.clone()),
                What::Table(_)
                | What::Availability(_)
                | What::Search(_)
                | What::Payment(_)
                | What::Message(_)
                | What::Entry(_)
                | What::Weather(_) => {}
            });
        }
    }

    fn restaurant(&mut self, tables: &[usize], name: String) {
        let meant = self.meant(tables, &["restaurant"], |_| true);
        self.one_of(&meant, "table");
        self.each(&meant, |what| {
            if let What::Table(table) | What::Availability(table) = what {
                table.place = table::Place::Named(name.clone());
            }
        });
    }

    fn when(&mut self, words: &mut Words, target: &[usize], habit: Habit, now: DateTime) {
        let said = When::read(words, now, habit);
        if said.date != Slot::Empty {
            let meant =
                self.meant(target, &["date"], |what| when_of(what).is_some_and(|when| when.date != Slot::Empty));
            let meant = if meant.is_empty() { self.first(target, |what| when_of(what).is_some()) } else { meant };
            self.alike(&meant, "day", |when| when.date.known().map(ToString::to_string));
            self.each(&meant, |what| {
                if let Some(when) = when_mut(what) {
                    when.date = said.date.clone();
                }
            });
        }
        if said.time.known().is_some_and(|clock| clock.approximate) {
            self.unsure = Some("I need the time itself: at what time?".to_owned());
        }
        if said.time != Slot::Empty {
            let meant =
                self.meant(target, &["time"], |what| when_of(what).is_some_and(|when| when.time != Slot::Empty));
            let meant = if meant.is_empty() { self.first(target, |what| when_of(what).is_some()) } else { meant };
            self.one_of(&meant, "time");
            self.each(&meant, |what| {
                if let Some(when) = when_mut(what) {
                    when.time = said.time.clone().nearest(&when.time, habit);
                }
            });
        }
    }

    /// `an hour later`, `push it back half an hour`: every hour that is known.
    fn shift(&mut self, words: &mut Words, target: &[usize]) {
        let found = (0..words.len()).find_map(|at| Some((at, times::span(words, at)?)));
        let later = words.find(&["later", "back"]);
        let earlier = words.find(&["earlier", "sooner", "forward"]);
        let (Some((at, (minutes, length))), Some(turned)) = (found, later.or(earlier)) else {
            return;
        };
        if later.is_some() && earlier.is_some() {
            return;
        }
        let moved = i64::from(minutes) * if later.is_some() { 1 } else { -1 };
        let meant = self.only(target, |what| when_of(what).is_some_and(|when| when.moment().is_some()));
        self.one_of(&meant, "time");
        words.take(at - usize::from(at > 0 && words.is(at - 1, &["by"]))..at + length);
        words.take(turned..turned + 1);
        if let Some(pushed) = words.find(&["push", "move", "bring"]) {
            words.take(pushed..pushed + 1);
        }
        self.each(&meant, |what| {
            let Some(when) = when_mut(what) else { return };
            if let (Some(moment), Slot::Is(clock)) = (when.moment(), &mut when.time) {
                let moment = times::later(moment, moved);
                clock.time = moment.time();
                when.date = Slot::Is(moment.date());
            }
        });
    }

    /// `one more person`, `two more`: so many more than before.
    fn more(&mut self, words: &mut Words, target: &[usize]) {
        let Some(at) = words.find(&["more", "fewer", "less"]).filter(|at| *at > 0) else {
            return;
        };
        let Some(count) = number(words, at - 1).filter(|(_, length)| *length == 1).map(|(count, _)| count) else {
            return;
        };
        let sized = |what: &What| match what {
            What::Table(table) | What::Availability(table) => table.party.known().copied(),
            What::Ride(ride) => ride.passengers.known().copied(),
            What::Search(_)
            | What::Route(_)
            | What::Delivery(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Entry(_)
            | What::Weather(_) => None,
        };
        let known = target.iter().find_map(|at| sized(&self.request.wishes.get(*at)?.what));
        let all = match (known, words.at(at)) {
            (Some(known), "more") => known.saturating_add(count),
            (Some(known), _) => known.saturating_sub(count),
            (None, _) => return,
        };
        let people = usize::from(words.is(at + 1, &["person", "people", "guest", "guests"]));
        words.take(at - 1..at + 1 + people);
        let said = people::size(all).map_or_else(Slot::Asks, Slot::Is);
        self.set_party(target, &said);
    }

    fn first(&self, target: &[usize], has: impl Fn(&What) -> bool) -> Vec<usize> {
        self.only(target, has).into_iter().take(1).collect()
    }

    fn party(&mut self, words: &mut Words, target: &[usize]) {
        let said = Slot::one(people::parties(words), |size| format!("{size} people"));
        if said != Slot::Empty {
            self.set_party(target, &said);
        }
    }

    fn set_party(&mut self, target: &[usize], said: &Slot<u32>) {
        let sized = |what: &What| matches!(what, What::Table(_) | What::Availability(_) | What::Search(_));
        let meant = self.meant(target, &["party_size", "passengers"], sized);
        let meant = if meant.is_empty() { self.first(target, |what| matches!(what, What::Ride(_))) } else { meant };
        self.one_of(&meant, "number of people");
        self.each(&meant, |what| match what {
            What::Table(table) | What::Availability(table) => table.party = said.clone(),
            What::Search(search) => search.party = said.clone(),
            What::Ride(ride) => ride.passengers = said.clone(),
            What::Route(_)
            | What::Delivery(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Entry(_)
            | What::Weather(_) => {}
        });
    }

    fn person(&mut self, words: &mut Words, payments: &[usize], messages: &[usize], swaps: bool) {
        // `Ben, not Anna`
        let named = (0..words.len()).find(|at| swaps && words.is_capital(*at));
        let Some(start) = words.find(&["to"]).map(|to| to + 1).or(named) else {
            return;
        };
        let (people, end) = names::people(words, start);
        let [person] = &people[..] else {
            return;
        };
        words.take(start - usize::from(start > 0 && words.is(start - 1, &["to"]))..end);
        self.set_person(person, payments, messages);
    }

    fn set_person(&mut self, person: &Person, payments: &[usize], messages: &[usize]) {
        let among: Vec<usize> = payments.iter().chain(messages).copied().collect();
        let meant = self.meant(&among, &["payee", "to"], |_| true);
        self.one_of(&meant, "person");
        self.each(&meant, |what| match what {
            What::Payment(payment) => payment.payee = Slot::Is(person.clone()),
            What::Message(message) => message.to = vec![person.clone()],
            What::Table(_)
            | What::Availability(_)
            | What::Search(_)
            | What::Ride(_)
            | What::Route(_)
            | What::Delivery(_)
            | What::Entry(_)
            | What::Weather(_) => {}
        });
    }

    fn place_of_weather(&mut self, weathers: &[usize], place: Place) {
        let meant = self.meant(weathers, &["place"], |_| true);
        self.one_of(&meant, "place");
        self.each(&meant, |what| {
            if let What::Weather(weather) = what {
                weather.place = Some(place.clone());
            }
        });
    }

    /// A number alone is what was asked for; where nothing was, how many people come.
    fn bare_number(&mut self, words: &mut Words, target: &[usize], habit: Habit) {
        let Some((at, (count, length))) = (0..words.len()).find_map(|at| Some((at, number(words, at)?))) else {
            return;
        };
        let lacks = |parameters: &[&str]| {
            self.missing.iter().any(|(at, parameter)| target.contains(at) && parameters.contains(parameter))
        };
        let (people, time) = (lacks(&["party_size", "passengers"]), lacks(&["time"]));
        let sized = |what: &What| matches!(what, What::Table(_) | What::Availability(_) | What::Ride(_));
        let has_party = target.iter().any(|at| self.request.wishes.get(*at).is_some_and(|wish| sized(&wish.what)));
        if people && time {
            words.take(at..at + length);
            self.unsure = Some(format!("Is {count} the hour, or how many people come?"));
            self.changed += 1;
        } else if time {
            let Some(clock) = times::on_the_hour(count, habit) else {
                return;
            };
            words.take(at..at + length);
            let meant = self.meant(target, &["time"], |_| false);
            self.each(&meant, |what| {
                if let Some(when) = when_mut(what) {
                    when.time = Slot::Is(clock);
                }
            });
        } else if let ([payment], true) = (&self.only(target, |what| matches!(what, What::Payment(_)))[..], !has_party)
        {
            // `no, 30`: of the currency that was said.
            let known =
                self.request.wishes.get(*payment).is_some_and(
                    |wish| matches!(&wish.what, What::Payment(payment) if payment.amount.known().is_some()),
                );
            if known && (1..100_000).contains(&count) {
                words.take(at..at + length);
                self.each(&[*payment], |what| {
                    if let What::Payment(payment) = what
                        && let Slot::Is(amount) = &mut payment.amount
                    {
                        amount.minor = u64::from(count) * 100;
                    }
                });
            }
        } else if people || (self.missing.is_empty() && has_party) {
            words.take(at..at + length);
            let said = match people::size(count) {
                Ok(count) => Slot::Is(count),
                Err(question) => Slot::Asks(question),
            };
            self.set_party(target, &said);
        }
    }

    /// A name alone is what was asked for.
    fn bare_name(&mut self, words: &mut Words, target: &[usize]) {
        let named = ["restaurant", "vendor", "address", "destination", "pickup", "place", "payee", "to", "items"];
        let wanted: Vec<(usize, &str)> = self
            .missing
            .iter()
            .filter(|(at, parameter)| target.contains(at) && named.contains(parameter))
            .copied()
            .collect();
        let [(wish, parameter)] = wanted[..] else {
            return;
        };
        let harmless = |at: usize| words.is(at, &["at", "in", "from", "to", "it's", "it", "is", "please", "for"]);
        let Some(start) = (0..words.len()).find(|at| words.is_free(*at) && !words.is_mark(*at) && !harmless(*at))
        else {
            return;
        };
        if parameter == "items" {
            let items = delivery::items(words, start);
            if items != Slot::Empty {
                self.each(&[wish], |what| {
                    if let What::Delivery(delivery) = what {
                        delivery.items = items.clone();
                    }
                });
            }
            return;
        }
        if ["payee", "to"].contains(&parameter) {
            let (people, end) = names::people(words, start);
            if let [person] = &people[..] {
                words.take(start..end);
                self.set_person(person, &[wish], &[]);
            }
            return;
        }
        let Some((place, length)) = places::place(words, start) else {
            return;
        };
        words.take(start..start + length);
        self.each(&[wish], |what| match (what, &place) {
            (What::Table(table) | What::Availability(table), Place::Named(name)) => {
                table.place = table::Place::Named(name.clone());
            }
            (What::Ride(ride), _) if parameter == "pickup" => ride.from = Some(place.clone()),
            (What::Ride(ride), _) => ride.to = Some(place.clone()),
            (What::Route(route), _) if parameter == "pickup" => route.from = Some(place.clone()),
            (What::Route(route), _) => route.to = Some(place.clone()),
            (What::Delivery(delivery), _) if parameter == "vendor" => delivery.vendor = Some(place.clone()),
            (What::Delivery(delivery), _) => delivery.address = Some(place.clone()),
            (What::Weather(weather), _) => weather.place = Some(place.clone()),
            (
                What::Table(_)
                | What::Availability(_)
                | What::Search(_)
                | What::Payment(_)
                | What::Message(_)
                | What::Entry(_),
                _,
            ) => {}
        });
    }

    /// Asks where a value could be meant of several wishes.
    fn one_of(&mut self, meant: &[usize], value: &str) {
        if meant.len() > 1 && meant.iter().any(|at| !self.missing.iter().any(|(lacking, _)| lacking == at)) {
            self.unsure = Some(format!("Of which of these is that the {value}? Please say it with its name."));
        }
    }

    /// Asks where a value could be meant of several wishes that have different ones.
    fn alike(&mut self, meant: &[usize], value: &str, of: impl Fn(&When) -> Option<String>) {
        let wishes = &self.request.wishes;
        let mut values: Vec<Option<String>> =
            meant.iter().filter_map(|at| when_of(&wishes.get(*at)?.what).map(&of)).collect();
        values.dedup();
        if values.len() > 1 {
            self.unsure = Some(format!("Of which of these is that the {value}? Please say it with its name."));
        }
    }
}

impl Slot<Clock> {
    /// `half past six`, of an errand at seven in the morning: the one that is nearer.
    fn nearest(self, before: &Self, habit: Habit) -> Self {
        let (Self::Is(clock), Some(before), Habit::Errand) = (&self, before.known(), habit) else {
            return self;
        };
        let other = clock.time.wrapping_add_hours(12);
        let away = |time: Time| (minutes(time) - minutes(before.time)).abs();
        if clock.assumed && away(other) < away(clock.time) { Self::Is(Clock { time: other, ..*clock }) } else { self }
    }
}

fn minutes(time: Time) -> i32 {
    i32::from(time.hour()) * 60 + i32::from(time.minute())
}
