//! Links in the journal's database: see [`makegood_gateway::links`]. And whether one can still decide, and if not, why.

use makegood_core::error::Error;
use makegood_core::saga::{AGREED, Ask, Child, Fact, Phase, Standing, StepReport, report};
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
/// four alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spent {
    /// There is no such link.
    None,
    /// It was used to agree, or to refuse, and its saga has heard that.
    Used {
        approve: bool,
        /// In whose name, and when.
        by: String,
        at: Millis,
        /// Whose saga it is.
        owner: String,
    },
    /// It was used to agree, or to refuse, and nobody heard: it can say that again, and nothing else.
    Unheard {
        approve: bool,
        owner: String,
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
            Self::Used { approve, by, at, owner } => {
                let stands = format!(
                    "{by} {} with it, at {}. That stands, and cannot be changed here: a link decides once.",
                    if *approve { "agreed" } else { "refused" },
                    at.in_utc(),
                );
                let otherwise = if *approve {
                    format!("If it is not to be: ask {owner}, whose it is, to cancel it, or an operator.")
                } else {
                    format!("If it is to be after all: ask {owner}, whose it is, to start it again.")
                };
                notice::page(409, "This link was used", &[&stands, &otherwise])
            }
            Self::Unheard { approve, owner } => {
                let stands = format!(
                    "It was used to {}, and that was not heard yet. A link decides once: nothing else can be said with it.",
                    if *approve { "agree" } else { "refuse" },
                );
                let otherwise = format!(
                    "Open it again to say the same, or ask {owner}, whose it is, to cancel it, or an operator."
                );
                notice::page(409, "This link was used", &[&stands, &otherwise])
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

/// What the journal has behind the note of a decision by a link: which link, and who made that.
#[must_use]
pub fn by_link(link: &Link, token: &str) -> String {
    let mark: String = links::hash(token).chars().take(12).collect();
    format!("(By the link {mark}, which {} made.)", link.made_by)
}

/// When its saga heard what a link was used for: this very link's word, and not the same from elsewhere. `None`: it
/// has not.
#[must_use]
pub fn heard(link: &Link, token: &str, approve: bool, story: &Story) -> Option<Millis> {
    let mark = by_link(link, token);
    let mut records = story.journal.iter().map(|entry| &entry.record);
    let found = records.find(|record| {
        matches!(&record.fact, Fact::Decided { node, by, approve: said, note }
            if *node == link.node && *by == link.stands_for && *said == approve && note.ends_with(&mark))
    });
    found.map(|record| record.at)
}

/// The step of a link that can still say something, and what people are asked about it. One that was used, and was not
/// heard, can say the same again.
///
/// # Errors
/// Why it can say nothing.
pub fn open(shown: &Shown, token: &str, story: &Story, now: Millis) -> Result<(StepReport, Ask), Spent> {
    let Shown { link, approve } = shown;
    let Some(approve) = *approve else {
        return if link.expires_at <= now { Err(Spent::Expired) } else { asked(link, story) };
    };
    match heard(link, token, approve, story) {
        Some(at) => Err(Spent::Used { approve, by: link.stands_for.clone(), at, owner: story.owner.clone() }),
        None => asked(link, story),
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
            if is_agreed(&step, ask) {
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

/// Whether as many have as must: it goes on, or when its saga is resumed.
pub fn is_agreed(step: &StepReport, ask: &Ask) -> bool {
    agreed(step).count() >= usize::try_from(ask.quorum).unwrap_or(usize::MAX)
}
