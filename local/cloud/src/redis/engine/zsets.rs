//! Sorted-set commands (`t_zset.c`): by rank and by score. Ranges by name
//! (`BYLEX`), unions and intersections are not offered yet.

use bytes::Bytes;

use super::{
    Outcome, Reply, fault::Fault, keys::ScanOptions, number, score_range::ScoreRange, store::Store, table::Row,
    zset::Zset,
};

pub const COMMANDS: &[Row] = &[
    ("ZADD", -4, |s, a| zadd(s, a, false)),
    ("ZINCRBY", 4, |s, a| zadd(s, a, true)),
    ("ZREM", -3, zrem),
    ("ZSCORE", 3, zscore),
    ("ZMSCORE", -3, zmscore),
    ("ZCARD", 2, |s, a| Ok(Reply::count(s.read::<Zset>(&a[0])?.map_or(0, Zset::len)))),
    ("ZCOUNT", 4, zcount),
    ("ZRANK", 3, |s, a| zrank(s, a, false)),
    ("ZREVRANK", 3, |s, a| zrank(s, a, true)),
    ("ZRANGE", -4, |s, a| zrange(s, a, Range::default())),
    ("ZREVRANGE", -4, |s, a| zrange(s, a, Range { reverse: true, fixed: true, ..Range::default() })),
    ("ZRANGEBYSCORE", -4, |s, a| zrange(s, a, Range { by_score: true, fixed: true, ..Range::default() })),
    ("ZREVRANGEBYSCORE", -4, |s, a| {
        zrange(s, a, Range { by_score: true, reverse: true, fixed: true, ..Range::default() })
    }),
    ("ZREMRANGEBYRANK", 4, zremrangebyrank),
    ("ZREMRANGEBYSCORE", 4, zremrangebyscore),
    ("ZPOPMIN", -2, |s, a| zpop(s, a, false)),
    ("ZPOPMAX", -2, |s, a| zpop(s, a, true)),
    ("ZSCAN", -3, zscan),
];

#[derive(Default)]
struct AddOptions {
    if_absent: bool,
    if_present: bool,
    if_greater: bool,
    if_less: bool,
    count_changed: bool,
    increment: bool,
}

/// The options and how many words they took.
fn add_options(words: &[Bytes]) -> (AddOptions, usize) {
    let mut options = AddOptions::default();
    for (taken, word) in words.iter().enumerate() {
        match word.to_ascii_uppercase().as_slice() {
            b"NX" => options.if_absent = true,
            b"XX" => options.if_present = true,
            b"GT" => options.if_greater = true,
            b"LT" => options.if_less = true,
            b"CH" => options.count_changed = true,
            b"INCR" => options.increment = true,
            _ => return (options, taken),
        }
    }
    (options, words.len())
}

impl AddOptions {
    fn check(&self, pairs: usize) -> Result<(), Fault> {
        if self.if_absent && self.if_present {
            return Err(Fault::new("ERR XX and NX options at the same time are not compatible"));
        }
        if self.if_greater && (self.if_less || self.if_absent) || self.if_less && self.if_absent {
            return Err(Fault::new("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if self.increment && pairs > 1 {
            return Err(Fault::new("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    fn admits(&self, old: Option<f64>, new: f64) -> bool {
        match old {
            None => !self.if_present,
            Some(old) => !(self.if_absent || self.if_greater && new <= old || self.if_less && new >= old),
        }
    }
}

fn zadd(store: &mut Store, args: &[Bytes], increment: bool) -> Outcome {
    let (mut options, taken) = match increment {
        true => (AddOptions::default(), 0),
        false => add_options(&args[1..]),
    };
    options.increment |= increment;
    let rest = &args[1 + taken..];
    if rest.is_empty() || !rest.len().is_multiple_of(2) {
        return Err(Fault::SYNTAX);
    }
    options.check(rest.len() / 2)?;
    let pairs = rest
        .chunks_exact(2)
        .map(|pair| Ok((number::float(&pair[0]).ok_or(Fault::NOT_FLOAT)?, &pair[1])))
        .collect::<Result<Vec<_>, Fault>>()?;

    store.edit_or_create(&args[0], |zset: &mut Zset| {
        let (mut added, mut changed, mut result) = (0, 0, None);
        for (given, member) in pairs {
            let old = zset.score(member);
            let new = if options.increment { old.unwrap_or(0.0) + given } else { given };
            let untouched = options.if_absent && old.is_some();
            if new.is_nan() && !untouched {
                return Err(Fault::new("ERR resulting score is not a number (NaN)"));
            }
            if options.admits(old, new) {
                zset.insert(member, new);
                added += usize::from(old.is_none());
                changed += usize::from(old.is_some_and(|old| old != new));
                result = Some(new);
            }
        }
        Ok(if options.increment {
            Reply::bulk_or_nil(result.map(number::score_text))
        } else if options.count_changed {
            Reply::count(added + changed)
        } else {
            Reply::count(added)
        })
    })?
}

fn zrem(store: &mut Store, args: &[Bytes]) -> Outcome {
    remove_where(store, &args[0], |zset| args[1..].iter().filter(|m| zset.score(m).is_some()).cloned().collect())
}

/// Removes the chosen members and counts those that were there.
fn remove_where(store: &mut Store, key: &Bytes, choose: impl FnOnce(&Zset) -> Vec<Bytes>) -> Outcome {
    let removed = store.edit(key, |zset: &mut Zset| {
        let chosen = choose(zset);
        chosen.iter().filter(|member| zset.remove(member)).count()
    })?;
    Ok(Reply::count(removed.unwrap_or(0)))
}

fn zscore(store: &mut Store, args: &[Bytes]) -> Outcome {
    let score = store.read::<Zset>(&args[0])?.and_then(|z| z.score(&args[1]));
    Ok(Reply::bulk_or_nil(score.map(number::score_text)))
}

fn zmscore(store: &mut Store, args: &[Bytes]) -> Outcome {
    let zset = store.read::<Zset>(&args[0])?;
    let score = |m: &Bytes| zset.and_then(|z| z.score(m)).map(number::score_text);
    Ok(Reply::Array(args[1..].iter().map(|m| Reply::bulk_or_nil(score(m))).collect()))
}

fn zcount(store: &mut Store, args: &[Bytes]) -> Outcome {
    let range = ScoreRange::parse(&args[1], &args[2])?;
    let zset = store.read::<Zset>(&args[0])?;
    let count = zset.map_or(0, |z| z.iter().filter(|(_, s)| range.contains(*s)).count());
    Ok(Reply::count(count))
}

fn zrank(store: &mut Store, args: &[Bytes], reverse: bool) -> Outcome {
    let Some(zset) = store.read::<Zset>(&args[0])? else {
        return Ok(Reply::Nil);
    };
    Ok(match zset.rank(&args[1]) {
        None => Reply::Nil,
        Some(rank) if reverse => Reply::count(zset.len() - 1 - rank),
        Some(rank) => Reply::count(rank),
    })
}

/// What the `ZRANGE` family asks for.
#[derive(Default)]
struct Range {
    by_score: bool,
    reverse: bool,
    /// The command's name decides, so `REV` and `BYSCORE` are no options.
    fixed: bool,
    with_scores: bool,
    limit: Option<(i64, i64)>,
}

impl Range {
    fn options(mut self, words: &[Bytes]) -> Result<Self, Fault> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.to_ascii_uppercase().as_slice() {
                b"WITHSCORES" => self.with_scores = true,
                b"LIMIT" => {
                    let (offset, count) = words.next().zip(words.next()).ok_or(Fault::SYNTAX)?;
                    self.limit = Some((number::integer(offset)?, number::integer(count)?));
                }
                b"REV" if !self.fixed => self.reverse = true,
                b"BYSCORE" if !self.fixed => self.by_score = true,
                b"BYLEX" if !self.fixed => {
                    return Err(Fault::new("ERR BYLEX is not offered by the embedded engine yet"));
                }
                _ => return Err(Fault::SYNTAX),
            }
        }
        // Given as -1, -1 a limit means "none", and Redis cannot tell.
        if self.limit.is_some_and(|(_, count)| count != -1) && !self.by_score {
            return Err(Fault::new(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        Ok(self)
    }

    fn reply<'a>(&self, items: impl Iterator<Item = (&'a Bytes, f64)>) -> Reply {
        let mut replies = Vec::new();
        for (member, score) in items {
            replies.push(Reply::Bulk(member.clone()));
            if self.with_scores {
                replies.push(Reply::Bulk(number::score_text(score)));
            }
        }
        Reply::Array(replies)
    }
}

fn zrange(store: &mut Store, args: &[Bytes], range: Range) -> Outcome {
    let range = range.options(&args[3..])?;
    if range.by_score {
        return by_score(store, args, &range);
    }
    let (start, stop) = (number::integer(&args[1])?, number::integer(&args[2])?);
    let Some(zset) = store.read::<Zset>(&args[0])? else {
        return Ok(Reply::Array(Vec::new()));
    };
    let span = number::span(start, stop, zset.len());
    let (skip, take) = (span.start, span.len());
    Ok(match range.reverse {
        true => range.reply(zset.iter().rev().skip(skip).take(take)),
        false => range.reply(zset.iter().skip(skip).take(take)),
    })
}

fn by_score(store: &Store, args: &[Bytes], range: &Range) -> Outcome {
    let (min, max) = match range.reverse {
        true => (&args[2], &args[1]),
        false => (&args[1], &args[2]),
    };
    let scores = ScoreRange::parse(min, max)?;
    let Some(zset) = store.read::<Zset>(&args[0])? else {
        return Ok(Reply::Array(Vec::new()));
    };
    let (offset, count) = range.limit.unwrap_or((0, -1));
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(count).unwrap_or(usize::MAX);
    let within = |(_, score): &(&Bytes, f64)| scores.contains(*score);
    Ok(match range.reverse {
        true => range.reply(zset.iter().rev().filter(within).skip(skip).take(take)),
        false => range.reply(zset.iter().filter(within).skip(skip).take(take)),
    })
}

fn zremrangebyrank(store: &mut Store, args: &[Bytes]) -> Outcome {
    let (start, stop) = (number::integer(&args[1])?, number::integer(&args[2])?);
    remove_where(store, &args[0], |zset| {
        let span = number::span(start, stop, zset.len());
        let chosen = zset.iter().skip(span.start).take(span.len());
        chosen.map(|(member, _)| member.clone()).collect()
    })
}

fn zremrangebyscore(store: &mut Store, args: &[Bytes]) -> Outcome {
    let range = ScoreRange::parse(&args[1], &args[2])?;
    remove_where(store, &args[0], |zset| {
        let chosen = zset.iter().filter(|(_, score)| range.contains(*score));
        chosen.map(|(member, _)| member.clone()).collect()
    })
}

fn zpop(store: &mut Store, args: &[Bytes], highest: bool) -> Outcome {
    let count = match args {
        [_] => 1,
        [_, count] => number::count(count)?,
        _ => return Err(Fault::SYNTAX),
    };
    let popped = store.edit(&args[0], |zset: &mut Zset| {
        let own = |(member, score): (&Bytes, f64)| (member.clone(), score);
        let chosen: Vec<(Bytes, f64)> = match highest {
            true => zset.iter().rev().take(count).map(own).collect(),
            false => zset.iter().take(count).map(own).collect(),
        };
        for (member, _) in &chosen {
            zset.remove(member);
        }
        chosen
    })?;
    let items = popped.unwrap_or_default().into_iter();
    let flat = items.flat_map(|(member, score)| [member, number::score_text(score)]);
    Ok(Reply::Array(flat.map(Reply::Bulk).collect()))
}

/// All in one page, as Redis itself does for small sets.
fn zscan(store: &mut Store, args: &[Bytes]) -> Outcome {
    ScanOptions::cursor(&args[1])?;
    let Some(zset) = store.read::<Zset>(&args[0])? else {
        return Ok(ScanOptions::last_page(Vec::new()));
    };
    let options = ScanOptions::parse(&args[2..], false)?;
    let matching = zset.iter().filter(|(member, _)| options.matches(member));
    let items = matching.flat_map(|(member, score)| [member.clone(), number::score_text(score)]);
    Ok(ScanOptions::last_page(items.map(Reply::Bulk).collect()))
}
