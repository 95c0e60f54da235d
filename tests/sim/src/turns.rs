//! Turns, as the database counts them: what the functions of `0008_turns.sql` do.

use std::collections::BTreeMap;

/// A call under way, or a step in line.
#[derive(Clone, Debug)]
struct Turn {
    limits: Vec<(String, u32)>,
    rank: i64,
    asked_at: u64,
    /// `None` while it waits.
    holder: Option<String>,
    until: u64,
    told_at: u64,
}

type Name = (String, u64, String);
/// A step: its saga and its node.
type Step = (String, u64);

/// `makegood.turn`.
#[derive(Default)]
pub struct Turns(BTreeMap<Name, Turn>);

/// What a statement about turns asked for, and what it was told.
#[derive(Clone, Debug)]
pub struct Asked {
    pub saga: String,
    pub node: u32,
    pub limits: Vec<(String, u32)>,
    pub rank: i64,
    /// How long it will keep its place.
    pub wait: u64,
    pub came: bool,
    /// It was this invocation's before.
    pub held: bool,
    /// It has a place in line. Where another invocation of its saga has the turn, it has none.
    pub waits: bool,
}

impl Turns {
    /// `take_turn`: whether the call may leave, and what was asked where it is a do.
    pub fn take(&mut self, p: &[Option<&str>], now: u64) -> Option<(bool, Option<Asked>)> {
        let text = |place: usize| p.get(place).copied().flatten();
        let number = |place: usize| text(place)?.parse::<u64>().ok();
        let name: Name = (text(0)?.to_owned(), number(1)?, text(2)?.to_owned());
        let (holder, lease, wait) = (text(3)?.to_owned(), number(6)?, number(7)?);
        let limits: Vec<(String, u32)> = serde_json::from_str(text(4)?).ok()?;
        let rank: i64 = text(5)?.parse().ok()?;
        let is_do = name.2 == "do";
        let held = self.0.get(&name).is_some_and(|mine| mine.holder.is_some() && mine.until > now);
        let came = self.decide(&name, &holder, limits.clone(), rank, (lease, wait), now);
        let waits = self.0.get(&name).is_some_and(|mine| mine.holder.is_none());
        let asked = Asked { saga: name.0, node: u32::try_from(name.1).ok()?, limits, rank, wait, came, held, waits };
        Some((came, is_do.then_some(asked)))
    }

    fn decide(
        &mut self,
        name: &Name,
        holder: &str,
        limits: Vec<(String, u32)>,
        rank: i64,
        (lease, wait): (u64, u64),
        now: u64,
    ) -> bool {
        let is_do = name.2 == "do";
        let mark = |holder: &str| holder.split('.').next().unwrap_or_default().to_owned();
        if let Some(mine) = self.0.get_mut(name)
            && let Some(held_by) = &mine.holder
            && mine.until > now
            && is_do
        {
            let own = mark(held_by) == mark(holder);
            if own {
                (mine.holder, mine.until) = (Some(holder.to_owned()), mine.until.max(now + lease));
            }
            return own;
        }
        let before = self.0.get(name).filter(|mine| mine.holder.is_none());
        let turn = Turn {
            limits,
            rank,
            asked_at: before.map_or(now, |mine| mine.asked_at),
            holder: (!is_do).then(|| holder.to_owned()),
            until: now + if is_do { wait } else { lease },
            told_at: 0,
        };
        let keys: Vec<String> = turn.limits.iter().map(|(key, _)| key.clone()).collect();
        self.0.insert(name.clone(), turn);
        if !is_do {
            return true;
        }
        let came = self.next(&keys, now).contains(name);
        if came && let Some(mine) = self.0.get_mut(name) {
            (mine.holder, mine.until) = (Some(holder.to_owned()), now + lease);
        }
        came
    }

    /// `next_turns`.
    fn next(&self, keys: &[String], now: u64) -> Vec<Name> {
        let live = || self.0.iter().filter(|(_, turn)| turn.until > now);
        let mut used: BTreeMap<&str, u32> = BTreeMap::new();
        for (_, turn) in live().filter(|(_, turn)| turn.holder.is_some()) {
            for (key, _) in &turn.limits {
                *used.entry(key).or_default() += 1;
            }
        }
        let counts = |turn: &Turn| turn.limits.iter().any(|(key, _)| keys.contains(key));
        let mut line: Vec<(&Name, &Turn)> = live().filter(|(_, turn)| turn.holder.is_none() && counts(turn)).collect();
        line.sort_by_key(|(name, turn)| (-turn.rank, turn.asked_at, *name));
        let mut next = Vec::new();
        for (name, turn) in line {
            if turn.limits.iter().all(|(key, most)| used.get(key.as_str()).copied().unwrap_or(0) < *most) {
                for (key, _) in &turn.limits {
                    *used.entry(key).or_default() += 1;
                }
                next.push(name.clone());
            }
        }
        next
    }

    /// `leave_turns`: the steps whose turn has come, and the places that were given up.
    pub fn leave(&mut self, p: &[Option<&str>], now: u64) -> Option<(Vec<Step>, Vec<u32>)> {
        let saga = p.first().copied().flatten()?;
        let calls: Vec<(u64, String, Option<String>)> = serde_json::from_str(p.get(1).copied().flatten()?).ok()?;
        let (mut keys, mut places) = (Vec::new(), Vec::new());
        for (node, op, holder) in calls {
            let name = (saga.to_owned(), node, op);
            let Some(turn) = self.0.get(&name) else { continue };
            keys.extend(turn.limits.iter().map(|(key, _)| key.clone()));
            if turn.holder == holder {
                self.0.remove(&name);
                places.extend(holder.is_none().then(|| u32::try_from(node).ok()).flatten());
            }
        }
        let mut come = Vec::new();
        for name in self.next(&keys, now).into_iter().take(8) {
            let Some(turn) = self.0.get_mut(&name).filter(|turn| turn.told_at + 10_000 < now) else { continue };
            turn.told_at = now;
            come.push((name.0, name.1));
        }
        Some((come, places))
    }
}
