//! Links in the journal's database: see [`makegood_gateway::links`]. And whether one can still decide, and if not, why.

use makegood_core::error::Error;
use makegood_core::saga::{AGREED, Ask, Child, Phase, Standing, StepReport, report};
use makegood_core::time::Millis;
use makegood_gateway::links::{self, Link, NewLink, Shown};
use makegood_gateway::store::{self, Story, Tools};

use crate::host::{Host, Reply};
use crate::notice;
use crate::store::Store;

impl<H: Host> Store<'_, H> {
    /// False where the saga has as many as there may be.
    ///
    /// # Errors
    /// As every statement: see [`Store::create`].
    pub async fn create_link(&self, new: &NewLink<'_>) -> Result<bool, Error> {
        Ok(self.ask(&links::create(new, self.host.now())).await?.unwrap_or_default())
    }

    /// `None` where the token is unknown, or can decide no more.
    pub async fn find_link(&self, token: &str) -> Result<Option<Link>, Error> {
        self.ask(&links::find(token, self.host.now())).await
    }

    /// `None` where the token is unknown.
    pub async fn show_link(&self, token: &str) -> Result<Option<Shown>, Error> {
        self.ask(&links::show(token)).await
    }

    /// Uses a link for a decision. `None` where it cannot be used, or was used for another.
    pub async fn use_link(&self, token: &str, approve: bool, note: &str) -> Result<Option<Link>, Error> {
        self.ask(&links::redeem(token, approve, note, self.host.now())).await
    }

    /// Whether a tool, as it is now, demands that people agree to its steps, whatever their plan says. Of one that is
    /// out of use nobody can say that it does not.
    pub async fn demands(&self, tool: &str) -> Result<bool, Error> {
        if Child::is_one(tool) {
            return Ok(false);
        }
        let tools: Tools = self.ask(&store::tools(&[tool])).await?.unwrap_or_default();
        Ok(tools.get(tool).is_none_or(|tool| tool.approval.is_some()))
    }
}

/// Why a link decides nothing. Whoever holds the token may know it: it cannot be guessed. Programs are told of the first
/// three alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spent {
    /// There is no such link.
    None,
    /// It was used to agree, or to refuse.
    Used {
        approve: bool,
    },
    Expired,
    /// Others have decided about its step.
    Decided,
    /// The step has other parameters now, or was dropped.
    Changed,
    /// The saga is made good, and nobody was asked to the end.
    CalledOff {
        cause: Option<String>,
    },
}

impl Spent {
    /// As a page of its own.
    #[must_use]
    pub fn page(&self) -> Reply {
        let nothing = "There is nothing left to decide with this link.";
        match self {
            Self::None => notice::page(
                404,
                "This is no link of ours",
                &["Open it from the message again, whole, or ask whoever sent it for another."],
            ),
            Self::Used { approve: true } => {
                notice::page(409, "This link was used", &["It was used to agree. A link decides once.", nothing])
            }
            Self::Used { approve: false } => {
                notice::page(409, "This link was used", &["It was used to refuse. A link decides once.", nothing])
            }
            Self::Expired => notice::page(
                410,
                "This link has expired",
                &["The time to decide with it is over. Ask whoever sent it for another."],
            ),
            Self::Decided => notice::page(409, "This was decided already", &["Others were first.", nothing]),
            Self::Changed => notice::page(
                409,
                "This has changed",
                &[
                    "The link is about something that will not be done like that any more. Ask whoever sent it for another.",
                ],
            ),
            Self::CalledOff { cause } => {
                let why = cause.as_deref().unwrap_or("It does not go on.");
                notice::page(409, "This was called off", &[why, "What was done of it is undone.", nothing])
            }
        }
    }
}

/// Why a link cannot decide, whatever its step says.
///
/// # Errors
/// Why not.
pub fn good(shown: Option<Shown>, now: Millis) -> Result<Link, Spent> {
    let Shown { link, approve } = shown.ok_or(Spent::None)?;
    match approve {
        Some(approve) => Err(Spent::Used { approve }),
        None if link.expires_at <= now => Err(Spent::Expired),
        None => Ok(link),
    }
}

/// The step of a link, and what people are asked about it.
///
/// # Errors
/// Why nobody is asked, as far as its saga says.
pub fn asked(link: &Link, story: &Story) -> Result<(StepReport, Ask), Spent> {
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    let cause = report.cause;
    let step = report.steps.into_iter().find(|step| step.ix == link.node).ok_or(Spent::Changed)?;
    match (step.standing, &step.approval) {
        (Standing::Asking, Some(ask)) if ask.hash == link.params => {
            // Enough have agreed, and it is not begun yet.
            if agreed(&step).count() >= usize::try_from(ask.quorum).unwrap_or(usize::MAX) {
                return Err(Spent::Decided);
            }
            let ask = ask.clone();
            Ok((step, ask))
        }
        (Standing::Abandoned, _) if story.phase != Phase::Forward => Err(Spent::CalledOff { cause }),
        (Standing::Asking | Standing::Abandoned | Standing::Pending, _) => Err(Spent::Changed),
        (
            Standing::Running
            | Standing::Waiting
            | Standing::Queued
            | Standing::Skipped
            | Standing::Done
            | Standing::Refused
            | Standing::Undoing
            | Standing::Undone
            | Standing::Fenced
            | Standing::Held,
            _,
        ) => Err(Spent::Decided),
    }
}

/// Who has agreed to a step, of those whose word counts.
pub fn agreed(step: &StepReport) -> impl Iterator<Item = &str> {
    step.remarks.iter().filter(|remark| remark.what == AGREED).map(|remark| remark.by.as_str())
}
