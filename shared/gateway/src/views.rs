//! Read models: what lists and counts are made of. The database makes them of the journal, not when something is committed
//! but when they are read and by the sweep (`migrations/0020_views.sql`, `0025_cheaper_views.sql` and
//! `0028_bounded_work.sql`); here are the statements that read them, hold them against the journal, and have them made
//! anew. Deliberately nothing that the engine decides by (docs/VIEWS.md).

use std::collections::BTreeMap;

use makegood_core::id::SagaId;
use makegood_core::saga::{Phase, Priority};
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::store::{Statement, text};

pub const LIST: &str = "select makegood.list_sagas_4($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)";
pub const COUNT: &str = "select makegood.count_views($1,$2)";
pub const CHECK: &str = "select makegood.check_views($1,$2)";
pub const CHECK_REST: &str = "select makegood.check_views_rest()";
pub const REBUILD: &str = "select makegood.rebuild_views($1,$2)";
pub const REBUILD_REST: &str = "select makegood.rebuild_views_rest()";

/// Sagas that are looked at for what no index knows.
const LOOKS: u32 = 10_000;

/// How a saga stands, as lists are asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    In(Phase),
    /// Neither completed nor made good.
    Unfinished,
    /// Completed or made good.
    Ended,
    /// It is stuck, or the sweep has seen that it needs a person.
    Person,
}

impl State {
    pub const ALL: [Self; 8] = [
        Self::Person,
        Self::Unfinished,
        Self::In(Phase::Forward),
        Self::In(Phase::Unwinding),
        Self::In(Phase::Stuck),
        Self::Ended,
        Self::In(Phase::Completed),
        Self::In(Phase::MadeGood),
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In(phase) => phase.as_str(),
            Self::Unfinished => "unfinished",
            Self::Ended => "ended",
            Self::Person => "person",
        }
    }
}

/// Which lines of the list of sagas.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `None` for everybody's.
    pub owner: Option<&'a str>,
    pub state: Option<State>,
    /// With a step of this tool only, whatever became of it.
    pub tool: Option<&'a str>,
    /// With this in their title or their id only, however it is written.
    pub text: Option<&'a str>,
    /// Created from this time on.
    pub since: Millis,
    /// Created before this time.
    pub before: Millis,
    /// Of just that time too, those that stand after this one. Sagas of one time stand by their ids, the last first.
    pub saga: Option<&'a str>,
    /// Changed last from the one time on, and before the other.
    pub changed: Option<[Millis; 2]>,
    /// What needs a person needs one by now.
    pub now: Millis,
    /// What may come right by itself needs one after so long: as for alerts.
    pub patience: Millis,
    pub limit: u32,
}

/// The newest sagas. The answer is [`Listed`].
#[must_use]
pub fn list(wanted: &Wanted<'_>) -> Statement {
    let Wanted { owner, state, tool, text: part, since, before, saga, changed, now, patience, limit } = *wanted;
    let params = vec![
        owner.map(str::to_owned),
        text(before.0),
        text(limit),
        state.map(|state| state.as_str().to_owned()),
        tool.map(str::to_owned),
        text(since.0),
        part.map(str::to_owned),
        changed.and_then(|[since, _]| text(since.0)),
        changed.and_then(|[_, before]| text(before.0)),
        text(now.0),
        text(LOOKS),
        text(saga.unwrap_or_default()),
        text(patience.0),
    ];
    Statement { sql: LIST, params }
}

/// A part of the list of sagas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Listed {
    pub sagas: Vec<Line>,
    /// Not all were looked at for a text or a change, but those that were created then or later.
    pub upto: Option<Millis>,
}

/// A line of the list of sagas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Line {
    pub id: SagaId,
    pub owner: String,
    pub title: String,
    pub phase: Phase,
    pub version: u32,
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub invocations: u32,
    pub commits: u32,
    pub calls: u64,
    /// What it needs a person for, in the words of alerts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// The steps that this is about, or the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// `owner`: `None` for everybody. `since`: what tools did before that day (UTC) does not count. The answer is [`Counts`].
#[must_use]
pub fn count(owner: Option<&str>, since: Millis) -> Statement {
    Statement { sql: COUNT, params: vec![owner.map(str::to_owned), text(since.0)] }
}

/// How many there are of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Counts {
    /// Sagas, by their phase.
    pub phases: Phases,
    /// Those under way that start nothing new until they are resumed.
    pub paused: u64,
    /// Sagas that turned round, by why they did.
    pub causes: Causes,
    /// Steps of the sagas that are neither completed nor made good, by how each stands, in the words of a report. What no
    /// step is in is left out.
    pub standings: BTreeMap<String, u64>,
    /// What became of the calls of each tool, in the order of their names.
    pub tools: Vec<Tool>,
    /// Of the sagas that are neither completed nor made good, the one that is so for longest.
    pub oldest_unfinished: Option<Oldest>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "CountsOfPhases"))]
#[serde(default)]
pub struct Phases {
    pub forward: u64,
    pub unwinding: u64,
    pub completed: u64,
    pub made_good: u64,
    pub stuck: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "CountsOfCauses"))]
#[serde(default)]
pub struct Causes {
    /// A step was refused, or its tries were used up.
    pub step: u64,
    pub cancelled: u64,
    pub deadline: u64,
    pub budget: u64,
}

/// Calls of a tool that came to an end: `do`, `status` and `undo` together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "CountsOfTool"))]
pub struct Tool {
    pub tool: String,
    /// All of them: the sum of the five that follow.
    pub calls: u64,
    pub done: u64,
    pub refused: u64,
    /// No answer came that settles anything.
    pub no_answer: u64,
    /// Undos that took something back.
    pub undone: u64,
    /// Undos that found nothing to take back, and keep out what may come late.
    pub fenced: u64,
    /// The time that they took, all together.
    pub took: Millis,
}

/// A saga, so that it can be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "OldestUnfinished"))]
pub struct Oldest {
    pub id: SagaId,
    pub owner: String,
    pub title: String,
    pub phase: Phase,
    pub created_at: Millis,
}

/// Brings so many sagas after one along, in the order of their ids, and holds their lines against the journal. The answer
/// is [`Checked`].
#[must_use]
pub fn check(after: &str, limit: u32) -> Statement {
    Statement { sql: CHECK, params: vec![text(after), text(limit)] }
}

/// The same of tools, and of lines that belong to no saga.
#[must_use]
pub fn check_rest() -> Statement {
    Statement { sql: CHECK_REST, params: Vec::new() }
}

/// The answer to [`check`] and [`check_rest`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Checked {
    /// How many were looked at.
    pub sagas: u64,
    /// The last of them; `None` where there was none.
    pub last: Option<String>,
    /// How many lines are not what the journal says.
    pub differ: u64,
    /// The first of these.
    pub first: Vec<Difference>,
}

/// A line that is not what the journal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The table.
    pub view: String,
    /// A saga, a saga and its step, or a tool, its owner and a day.
    pub line: String,
    /// The columns that differ, as they are; `None` where the line is missing.
    pub there: Option<Map<String, Value>>,
    /// As the journal has them; `None` where there is no such thing in it.
    pub should: Option<Map<String, Value>>,
}

/// Writes anew, from the journal, what differs of so many sagas after one. The answer is [`Rebuilt`].
#[must_use]
pub fn rebuild(after: &str, limit: u32) -> Statement {
    Statement { sql: REBUILD, params: vec![text(after), text(limit)] }
}

/// The same of tools, and of lines that belong to no saga.
#[must_use]
pub fn rebuild_rest() -> Statement {
    Statement { sql: REBUILD_REST, params: Vec::new() }
}

/// The answer to [`rebuild`] and [`rebuild_rest`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rebuilt {
    pub sagas: u64,
    pub last: Option<String>,
    /// How many sagas, or of the rest how many lines, were written.
    pub mended: u64,
}

#[cfg(test)]
mod tests {
    use makegood_core::saga::NO_SUCH_ITEM;
    use serde_json::json;

    use super::*;

    const MIGRATION: &str = include_str!("../migrations/0020_views.sql");

    #[test]
    fn what_no_saga_is_in_counts_as_none() {
        let told = json!({"phases": {"stuck": 2}, "paused": 0, "causes": {}, "standings": {}, "tools": [],
            "oldest_unfinished": null});
        let counts: Counts = serde_json::from_value(told).unwrap();
        assert_eq!(counts.phases, Phases { stuck: 2, ..Phases::default() });
        assert_eq!(counts.causes, Causes::default());
    }

    #[test]
    fn a_state_is_asked_for_by_the_words_that_the_database_knows() {
        let known = include_str!("../migrations/0029_console.sql");
        for state in State::ALL {
            let word = format!("'{}'", state.as_str());
            assert!(
                matches!(state, State::In(_)) || known.contains(&format!("p_phase is distinct from {word}")),
                "{word}"
            );
        }
        assert_eq!(Phase::ALL.map(State::In).iter().filter(|one| State::ALL.contains(one)).count(), Phase::ALL.len());
    }

    #[test]
    fn a_list_is_asked_for_by_as_many_parameters_as_it_names_and_its_patience_is_one() {
        let wanted = Wanted {
            owner: None,
            state: Some(State::Person),
            tool: None,
            text: None,
            since: Millis(0),
            before: Millis(9),
            saga: None,
            changed: None,
            now: Millis(8),
            patience: Millis(7),
            limit: 1,
        };
        let Statement { sql, params } = list(&wanted);
        assert!(sql.contains(&format!("${})", params.len())) && sql.matches('$').count() == params.len(), "{sql}");
        assert_eq!(params.last(), Some(&Some("7".to_owned())));
        // How long that is stands in one place: `makegood_edge::alerts`.
        let function = include_str!("../migrations/0029_console.sql");
        assert!(function.contains("need_of(s, p_now, p_patience)") && !function.contains("3600000"));
    }

    #[test]
    fn the_database_knows_a_place_that_a_list_does_not_have_by_the_words_of_the_core() {
        assert!(MIGRATION.contains(&format!("= '{NO_SUCH_ITEM}'")), "{NO_SUCH_ITEM}");
    }
}
