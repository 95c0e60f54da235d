//! Whose sagas are whose. Everything that is shown passes through here.

use makegood_edge::alerts::PATIENCE;
use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::Role;
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{Report, report};
use makegood_edge::core::time::Millis;
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::Story;
use makegood_edge::gateway::views::{Line, State, Wanted};
use makegood_edge::serde::Serialize;
use makegood_edge::store::Store;
use makegood_edge::{Host, Settings};

use crate::query::Query;

/// The latest time that the database can hold.
const ALWAYS: u64 = i64::MAX as u64;
/// So many, where nothing is said.
pub const LINES: u32 = 50;
const MOST_LINES: u64 = 200;

/// In place of an owner: everybody.
const EVERYBODY: &str = "*";

/// Characters of a text that is looked for.
const LONGEST_TEXT: usize = 200;

/// Which lines of the list.
#[derive(Clone)]
pub struct Asked {
    /// `None` for everybody's.
    pub owner: Option<String>,
    /// `None` for all of them.
    pub state: Option<State>,
    /// With a step of this tool.
    pub tool: Option<String>,
    /// With this in their title or their id.
    pub text: Option<String>,
    pub times: Times,
    /// Created before this time; `None` for the newest.
    pub before: Option<Millis>,
    /// Of just that time too, those that stand after this one.
    pub saga: Option<String>,
    pub limit: u32,
    /// When it is asked.
    pub now: Millis,
}

/// A span of time back from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Hour,
    Day,
    Week,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    const fn length(self) -> Millis {
        Millis::from_secs(match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
        })
    }
}

/// When a saga was created, or changed last.
#[derive(Clone, Default)]
pub struct Times {
    /// Changed last, and not created. Of what has ended: when it ended.
    pub changed: bool,
    pub span: Option<Span>,
    /// The first and the last day or minute, as they were given.
    pub from: Option<String>,
    pub to: Option<String>,
    since: Millis,
    until: Option<Millis>,
}

impl Times {
    fn read(query: &Query, now: Millis) -> Result<Self, Error> {
        let span = query.get("span").map(|name| one_of("span", name, Span::ALL, Span::as_str)).transpose()?;
        let by = query.get("by").map(|name| one_of("by", name, ["created", "changed"], |name| name)).transpose()?;
        let (from, to) = (query.time("from")?, query.time("to")?);
        let back = span.map(|span| now - span.length()).unwrap_or_default();
        Ok(Self {
            changed: by == Some("changed"),
            span,
            from: query.get("from").map(str::to_owned),
            to: query.get("to").map(str::to_owned),
            since: from.map_or(back, |[begins, _]| begins.max(back)),
            until: to.map(|[_, ends]| ends),
        })
    }

    /// Whether nothing is left out.
    pub const fn are_all(&self) -> bool {
        self.span.is_none() && self.from.is_none() && self.to.is_none()
    }
}

/// The one of these that is named so.
fn one_of<T: Copy, const N: usize>(
    what: &str,
    name: &str,
    all: [T; N],
    word: impl Fn(T) -> &'static str,
) -> Result<T, Error> {
    all.into_iter().find(|one| word(*one) == name).ok_or_else(|| {
        let message = format!("`{what}` is one of {}.", all.map(word).join(", "));
        Error::new(Code::InvalidRequest, message)
    })
}

impl Asked {
    /// Of a list for a program, which shows the caller's own sagas if nothing is said.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`], or [`Code::Forbidden`] where the list is another's.
    pub fn read(query: &Query, caller: &Principal, now: Millis) -> Result<Self, Error> {
        Self::of(query, caller, &caller.name, now)
    }

    /// Of a page, which is an operator's and shows everybody's.
    ///
    /// # Errors
    /// The same.
    pub fn read_of_page(query: &Query, caller: &Principal, now: Millis) -> Result<Self, Error> {
        Self::of(query, caller, EVERYBODY, now)
    }

    fn of(query: &Query, caller: &Principal, usual: &str, now: Millis) -> Result<Self, Error> {
        let owner = owner(query, caller, usual)?;
        let limit = query.number("limit", 1, MOST_LINES)?.unwrap_or(u64::from(LINES));
        let text = query.get("text").map(str::trim).filter(|text| !text.is_empty());
        if text.is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
            let message = format!("`text` has {LONGEST_TEXT} characters at most: give the part that you are sure of.");
            return Err(Error::new(Code::InvalidRequest, message));
        }
        Ok(Self {
            owner: of_one(owner).map(str::to_owned),
            state: query.get("phase").map(|name| one_of("phase", name, State::ALL, State::as_str)).transpose()?,
            tool: query.get("tool").map(str::to_owned),
            text: text.map(str::to_owned),
            times: Times::read(query, now)?,
            before: query.number("before", 0, ALWAYS)?.map(Millis),
            saga: query.get("saga").map(str::to_owned),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            now,
        })
    }

    /// Whether only some sagas are asked for, whoever's they are.
    pub const fn is_narrow(&self) -> bool {
        self.state.is_some() || self.tool.is_some() || self.text.is_some() || !self.times.are_all()
    }
}

/// Whose things are asked for: the caller's own or, of an operator, anybody's.
///
/// # Errors
/// [`Code::Forbidden`].
pub fn owner<'a>(query: &'a Query, caller: &Principal, usual: &'a str) -> Result<&'a str, Error> {
    let owner = query.get("owner").unwrap_or(usual);
    if owner == caller.name && owner != EVERYBODY || caller.role >= Role::Operator {
        return Ok(owner);
    }
    let message = "You see what is your own. Leave `owner` out, or come with the role of an operator.";
    Err(Error::new(Code::Forbidden, message))
}

/// The owner whom this names; `None` where it stands for everybody.
pub fn of_one(owner: &str) -> Option<&str> {
    (owner != EVERYBODY).then_some(owner)
}

/// One page of the list, newest first.
#[derive(Serialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars")
)]
#[serde(crate = "makegood_edge::serde")]
pub struct Listing {
    /// `*` where they are everybody's.
    pub owner: String,
    pub sagas: Vec<Line>,
    /// Where the next page begins; `None` at the end.
    pub next_before: Option<Millis>,
    /// Among the sagas of just that time, after this one, where it does not begin before all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_saga: Option<SagaId>,
    /// Those up to there are all that were looked at: there may be more of these than a page has.
    #[serde(skip)]
    pub partly: bool,
}

/// # Errors
/// Where the journal does not answer.
pub async fn list<H: Host>(host: &H, settings: &Settings, asked: &Asked) -> Result<Listing, Error> {
    let times = &asked.times;
    let until = times.until.unwrap_or(Millis(ALWAYS));
    let changed = times.changed && !times.are_all();
    let before = asked.before.unwrap_or(until).min(until);
    let wanted = Wanted {
        owner: asked.owner.as_deref(),
        state: asked.state,
        tool: asked.tool.as_deref(),
        text: asked.text.as_deref(),
        since: if changed { Millis(0) } else { times.since },
        // What was changed before a time was created before it.
        before,
        saga: asked.saga.as_deref().filter(|_| asked.before == Some(before)),
        changed: changed.then_some([times.since, until]),
        now: asked.now,
        patience: PATIENCE,
        // One more than is shown tells whether there is a next page.
        limit: asked.limit + 1,
    };
    let found = Store::new(host, settings).list(&wanted).await?;
    let (sagas, next) = cut(found.sagas, asked.limit as usize);
    let partly = next.is_none() && found.upto.is_some();
    let (next_before, next_saga) = next.map_or((found.upto, None), |(before, saga)| (Some(before), saga));
    let owner = asked.owner.clone().unwrap_or_else(|| EVERYBODY.to_owned());
    Ok(Listing { owner, sagas, next_before, next_saga, partly })
}

/// Ends a page between two times of creation, so that who goes on by the time alone misses nothing. A page that is all of
/// one time is cut nevertheless, and the next one begins after its last saga.
fn cut(mut lines: Vec<Line>, limit: usize) -> (Vec<Line>, Option<(Millis, Option<SagaId>)>) {
    let Some(over) = lines.get(limit).map(|line| line.created_at) else {
        return (lines, None);
    };
    lines.truncate(limit);
    let whole = lines.iter().filter(|line| line.created_at > over).count();
    if whole > 0 {
        lines.truncate(whole);
    }
    let next = lines.last().map(|line| (line.created_at, (whole == 0).then(|| line.id.clone())));
    (lines, next)
}

/// Another's saga is as unknown as one that never was, but for an operator.
///
/// # Errors
/// [`Code::NotFound`], or where the journal does not answer.
pub async fn find<H: Host>(
    host: &H,
    settings: &Settings,
    caller: &Principal,
    id: &SagaId,
) -> Result<(Story, Report), Error> {
    let story = Store::new(host, settings).follow(id, 0).await?;
    let story = story
        .filter(|story| caller.reaches(&story.owner))
        .ok_or_else(|| Error::new(Code::NotFound, "You have no such saga."))?;
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    Ok((story, report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use makegood_edge::core::saga::{Phase, Priority};

    fn lines(times: &[u64]) -> Vec<Line> {
        let line = |time: &u64| Line {
            id: SagaId::new(Millis(*time), [7; 10]),
            owner: "ana".to_owned(),
            title: String::new(),
            phase: Phase::Completed,
            version: 1,
            priority: Priority::Normal,
            created_at: Millis(*time),
            updated_at: Millis(*time),
            invocations: 1,
            commits: 1,
            calls: 1,
            needs: None,
            about: None,
        };
        times.iter().map(line).collect()
    }

    /// How many there are, and where the next page begins: whether it is among those of one time.
    fn cut_at(times: &[u64], limit: usize) -> (usize, Option<(u64, bool)>) {
        let (lines, next) = cut(lines(times), limit);
        (lines.len(), next.map(|(before, saga)| (before.0, saga.is_some())))
    }

    #[test]
    fn a_page_ends_between_two_times() {
        assert_eq!(cut_at(&[9, 8, 7], 3), (3, None));
        assert_eq!(cut_at(&[9, 8, 7], 2), (2, Some((8, false))));
        assert_eq!(cut_at(&[9, 8, 8], 2), (1, Some((9, false))));
        assert_eq!(cut_at(&[8, 8, 8], 2), (2, Some((8, true))));
    }
}
