//! Whose sagas are whose. Everything that is shown passes through here.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::Role;
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{Phase, Report, report};
use makegood_edge::core::time::Millis;
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::Story;
use makegood_edge::gateway::views::{Line, Wanted};
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

/// What a list can be of.
pub const PHASES: [Phase; 5] = [Phase::Forward, Phase::Unwinding, Phase::Completed, Phase::MadeGood, Phase::Stuck];

/// Which lines of the list.
#[derive(Clone)]
pub struct Asked {
    /// `None` for everybody's.
    pub owner: Option<String>,
    /// `None` for all of them.
    pub phase: Option<Phase>,
    /// With a step of this tool.
    pub tool: Option<String>,
    /// Created before this time; `None` for the newest.
    pub before: Option<Millis>,
    pub limit: u32,
}

impl Asked {
    /// Of a list for a program, which shows the caller's own sagas if nothing is said.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`], or [`Code::Forbidden`] where the list is another's.
    pub fn read(query: &Query, caller: &Principal) -> Result<Self, Error> {
        Self::of(query, caller, &caller.name)
    }

    /// Of a page, which is an operator's and shows everybody's.
    ///
    /// # Errors
    /// The same.
    pub fn read_of_page(query: &Query, caller: &Principal) -> Result<Self, Error> {
        Self::of(query, caller, EVERYBODY)
    }

    fn of(query: &Query, caller: &Principal, usual: &str) -> Result<Self, Error> {
        let owner = owner(query, caller, usual)?;
        let limit = query.number("limit", 1, MOST_LINES)?.unwrap_or(u64::from(LINES));
        Ok(Self {
            owner: of_one(owner).map(str::to_owned),
            phase: query.get("phase").map(phase).transpose()?,
            tool: query.get("tool").map(str::to_owned),
            before: query.number("before", 0, ALWAYS)?.map(Millis),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        })
    }
}

/// Whose things are asked for: the caller's own or, of an operator, anybody's.
///
/// # Errors
/// [`Code::Forbidden`].
pub fn owner<'a>(query: &'a Query, caller: &Principal, usual: &'a str) -> Result<&'a str, Error> {
    let owner = query.get("owner").unwrap_or(usual);
    if owner == caller.name || caller.role >= Role::Operator {
        return Ok(owner);
    }
    let message = "You see what is your own. Leave `owner` out, or come with the role of an operator.";
    Err(Error::new(Code::Forbidden, message))
}

/// The owner whom this names; `None` where it stands for everybody.
pub fn of_one(owner: &str) -> Option<&str> {
    (owner != EVERYBODY).then_some(owner)
}

fn phase(name: &str) -> Result<Phase, Error> {
    let known = PHASES.into_iter().find(|phase| phase.as_str() == name);
    known.ok_or_else(|| {
        let message = format!("`phase` is one of {}.", PHASES.map(Phase::as_str).join(", "));
        Error::new(Code::InvalidRequest, message)
    })
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
}

/// # Errors
/// Where the journal does not answer.
pub async fn list<H: Host>(host: &H, settings: &Settings, asked: &Asked) -> Result<Listing, Error> {
    let wanted = Wanted {
        owner: asked.owner.as_deref(),
        phase: asked.phase,
        tool: asked.tool.as_deref(),
        before: asked.before.unwrap_or(Millis(ALWAYS)),
        // One more than is shown tells whether there is a next page.
        limit: asked.limit + 1,
    };
    let found = Store::new(host, settings).list(&wanted).await?;
    let (sagas, next_before) = cut(found, asked.limit as usize);
    Ok(Listing { owner: asked.owner.clone().unwrap_or_else(|| EVERYBODY.to_owned()), sagas, next_before })
}

/// Ends a page between two times of creation, so that sagas of one millisecond stay together; a
/// page that is all of one millisecond is cut nevertheless.
fn cut(mut lines: Vec<Line>, limit: usize) -> (Vec<Line>, Option<Millis>) {
    let Some(over) = lines.get(limit).map(|line| line.created_at) else {
        return (lines, None);
    };
    lines.truncate(limit);
    let whole = lines.iter().filter(|line| line.created_at > over).count();
    if whole > 0 {
        lines.truncate(whole);
    }
    let next = lines.last().map(|line| line.created_at);
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
    use makegood_edge::core::saga::Priority;

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
        };
        times.iter().map(line).collect()
    }

    fn cut_at(times: &[u64], limit: usize) -> (usize, Option<Millis>) {
        let (lines, next) = cut(lines(times), limit);
        (lines.len(), next)
    }

    #[test]
    fn a_page_ends_between_two_times() {
        assert_eq!(cut_at(&[9, 8, 7], 3), (3, None));
        assert_eq!(cut_at(&[9, 8, 7], 2), (2, Some(Millis(8))));
        assert_eq!(cut_at(&[9, 8, 8], 2), (1, Some(Millis(9))));
        assert_eq!(cut_at(&[8, 8, 8], 2), (2, Some(Millis(8))));
    }
}
