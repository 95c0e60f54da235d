//! `makegood views`: whether the read models say what the journal says, and having them made anew. Over the database, and
//! not over a function, so that what is looked at is what is there.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use makegood_gateway::views::{self, Checked, Difference, Rebuilt};
use serde::Serialize;
use serde_json::Value;

use crate::configuration::{Configuration, Source};
use crate::remote::Remote;

/// So many sagas are looked at by one statement; while they are written anew, their commits wait.
const SAGAS: u32 = 100;
/// So many differences are told.
const MOST: usize = 20;
const NULL: &str = "the database answered null";

#[derive(Debug, Args)]
pub struct Views {
    #[command(flatten)]
    pub source: Source,
    /// Prints what came of it as JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: ViewsVerb,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ViewsVerb {
    /// Says which lines are not what the journal says, and fails where there are any; sagas go on meanwhile
    Check,
    /// Makes anew what is not as the journal says; sagas go on meanwhile
    Rebuild,
}

/// What a check found.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    pub sagas: u64,
    /// Lines that are not what the journal says.
    pub differ: u64,
    /// The first of them.
    pub first: Vec<Difference>,
}

/// What was made anew.
#[derive(Debug, Default, Serialize)]
pub struct Done {
    pub sagas: u64,
    /// Sagas, and lines of tools, that were written anew.
    pub mended: u64,
}

/// Does what is asked.
pub async fn run(options: &Views) -> anyhow::Result<()> {
    let configured = Configuration::read(&options.source, |name| std::env::var(name).ok())?;
    let database = Remote::new(configured.get("database_http_url"), configured.get("database_url"));
    match options.verb {
        ViewsVerb::Check => {
            let found = check(&database).await?;
            if options.json {
                println!("{}", serde_json::to_string_pretty(&found)?);
            } else {
                found.first.iter().for_each(|one| println!("{}", told(one)));
            }
            if found.differ > 0 {
                bail!(
                    "{} lines of the views are not what the journal says. Nothing is decided by them: run `makegood views \
                     rebuild`, and see docs/VIEWS.md for what may have happened.",
                    found.differ
                );
            }
            if !options.json {
                println!("The views are what the journal says, of all {} sagas.", found.sagas);
            }
        }
        ViewsVerb::Rebuild => {
            let done = rebuild(&database).await?;
            if options.json {
                println!("{}", serde_json::to_string_pretty(&done)?);
            } else {
                println!("{} sagas were gone through, and {} lines or sagas written anew.", done.sagas, done.mended);
            }
        }
    }
    Ok(())
}

/// Holds all lines against the journal. Those of a saga are brought along first and looked at as of one moment, so that
/// sagas may go on meanwhile.
///
/// # Errors
/// Where the database does not tell.
pub async fn check(database: &Remote) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut after = String::new();
    loop {
        let checked: Option<Checked> = database.ask(&views::check(&after, SAGAS)).await?;
        match found.add(checked.context(NULL)?) {
            Some(last) => after = last,
            None => break,
        }
    }
    let rest: Option<Checked> = database.ask(&views::check_rest()).await?;
    found.add(rest.context(NULL)?);
    Ok(found)
}

impl Found {
    /// Adds what a statement found, and answers with the last saga that it looked at.
    fn add(&mut self, checked: Checked) -> Option<String> {
        self.sagas += checked.sagas;
        self.differ += checked.differ;
        self.first.extend(checked.first);
        self.first.truncate(MOST);
        checked.last
    }
}

/// Makes anew what is not as the journal says: so many sagas at once, and at the end the tools.
///
/// # Errors
/// Where the database does not do it. What was done until then is good; it may be done again.
pub async fn rebuild(database: &Remote) -> anyhow::Result<Done> {
    let mut done = Done::default();
    let mut after = String::new();
    loop {
        let rebuilt: Option<Rebuilt> = database.ask(&views::rebuild(&after, SAGAS)).await?;
        let rebuilt = rebuilt.context(NULL)?;
        done.sagas += rebuilt.sagas;
        done.mended += rebuilt.mended;
        match rebuilt.last {
            Some(last) => after = last,
            None => break,
        }
    }
    let rest: Option<Rebuilt> = database.ask(&views::rebuild_rest()).await?;
    done.mended += rest.context(NULL)?.mended;
    Ok(done)
}

/// A difference on a line.
fn told(one: &Difference) -> String {
    let what = match (&one.there, &one.should) {
        (None, _) => "the line is missing".to_owned(),
        (Some(_), None) => "the journal knows of no such thing".to_owned(),
        (Some(there), Some(should)) => {
            let column = |(name, should): (&String, &Value)| {
                let there = there.get(name).unwrap_or(&Value::Null);
                format!("`{name}` is {there}, and the journal says {should}")
            };
            should.iter().map(column).collect::<Vec<_>>().join("; ")
        }
    };
    // What people call themselves and their steps is not to move the cursor.
    format!("{}, {}: {what}.", one.view, one.line).replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(there: Value, should: Value) -> Difference {
        let one = json!({"view": "step_view", "line": "sg_1/ta\nble", "there": there, "should": should});
        serde_json::from_value(one).unwrap()
    }

    #[test]
    fn a_difference_says_what_is_there_and_what_the_journal_says() {
        let changed = difference(json!({"standing": "done", "took": 3}), json!({"standing": "undone", "took": 4}));
        let line = "step_view, sg_1/ta ble: `standing` is \"done\", and the journal says \"undone\"; \
                    `took` is 3, and the journal says 4.";
        assert_eq!(told(&changed), line);
        let missing = difference(json!(null), json!({}));
        assert_eq!(told(&missing), "step_view, sg_1/ta ble: the line is missing.");
        let strange = difference(json!({}), json!(null));
        assert_eq!(told(&strange), "step_view, sg_1/ta ble: the journal knows of no such thing.");
    }

    #[test]
    fn all_differences_are_counted_and_the_first_are_told() {
        let mut found = Found::default();
        for last in [Some("sg_1"), None] {
            let first = vec![difference(json!({}), json!(null)); 15];
            let checked = Checked { sagas: 2, last: last.map(str::to_owned), differ: 40, first };
            assert_eq!(found.add(checked).as_deref(), last);
        }
        assert_eq!((found.sagas, found.differ, found.first.len()), (4, 80, MOST));
    }
}
