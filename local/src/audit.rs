//! `makegood audit`: what the audit log says, and whether it still says what it said. Over the database, and not over a
//! function, so that what is looked at is what is there.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use makegood_gateway::audit::{self, Broken, Chain, Entry, Head, Page};

use crate::configuration::{Configuration, Source};
use crate::remote::Remote;

/// So many rows are asked for at once.
const ROWS: u32 = 1_000;
const NULL: &str = "the database answered null";
/// After every row that there is.
const END: u64 = i64::MAX as u64;

#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    pub source: Source,
    #[command(subcommand)]
    pub verb: AuditVerb,
}

#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// Who did what, newest first
    List(ListAudit),
    /// Looks at every row; says the head of the log, or the first row that does not hold
    Verify(VerifyAudit),
}

#[derive(Debug, Args)]
pub struct ListAudit {
    /// So many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Those before this number
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<u64>,
    /// Prints the rows as they are
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct VerifyAudit {
    /// The head that was printed last time: so that an end that was cut off is seen too
    #[arg(long, value_name = "NUMBER:HASH")]
    pub head: Option<Head>,
}

/// Does what is asked.
pub async fn run(options: &Audit) -> anyhow::Result<()> {
    let configured = Configuration::read(&options.source, |name| std::env::var(name).ok())?;
    let database = Remote::new(configured.get("database_http_url"), configured.get("database_url"));
    match &options.verb {
        AuditVerb::List(asked) => {
            let before = asked.before.unwrap_or(END);
            let page: Option<Page> = database.ask(&audit::list(before, asked.limit)).await?;
            let page = page.context(NULL)?;
            if asked.json {
                println!("{}", serde_json::to_string_pretty(&page)?);
                return Ok(());
            }
            for entry in &page.entries {
                println!("{}", told(entry));
            }
            if page.head.is_none() {
                println!("Nothing was done yet that the log would tell of.");
            }
            Ok(())
        }
        AuditVerb::Verify(asked) => match verify(&database, asked.head.clone()).await? {
            Ok(Head { seq: 0, .. }) => {
                println!("There are no rows.");
                Ok(())
            }
            Ok(head) => {
                println!("All {} rows hold. The head, to be kept elsewhere and given with --head next time:", head.seq);
                println!("{head}");
                Ok(())
            }
            Err(broken) => bail!(
                "The audit log does not hold, from {broken}. Keep the database as it is, and compare it with a copy of \
                 it: docs/AUDIT.md says what may have happened."
            ),
        },
    }
}

/// Looks at every row, and says which is the last, or which is the first that does not hold. `kept`: the head of an
/// earlier time.
///
/// # Errors
/// Where the database does not tell.
pub async fn verify(database: &Remote, kept: Option<Head>) -> anyhow::Result<Result<Head, Broken>> {
    let mut chain = Chain::new(kept);
    loop {
        let rows: Option<Vec<Entry>> = database.ask(&audit::follow(chain.head().seq, ROWS)).await?;
        let rows = rows.context(NULL)?;
        if let Err(broken) = rows.iter().try_for_each(|entry| chain.follow(entry)) {
            return Ok(Err(broken));
        }
        if rows.is_empty() {
            return Ok(chain.end().map(|()| chain.head().clone()));
        }
    }
}

/// A row on a line.
fn told(entry: &Entry) -> String {
    let Entry { seq, at, who, verb, target, origin, outcome, .. } = entry;
    let at = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let at = at.map_or_else(|| "?".to_owned(), |at| format!("{at:.3}"));
    let origin = if origin.is_empty() { String::new() } else { format!(" from {origin}") };
    // What people call themselves is not to move the cursor.
    format!("{seq:>6}  {at}  {who}{origin}: {verb} {target}: {outcome}").replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use makegood_core::time::Millis;

    use super::*;

    #[test]
    fn a_row_is_one_line_whatever_is_in_it() {
        let mut entry = Entry {
            seq: 12,
            at: Millis(1_777_636_800_123),
            who: "ann\n\u{1b}[2J".to_owned(),
            verb: "saga.approve".to_owned(),
            target: "sg_1/table".to_owned(),
            origin: "192.0.2.1".to_owned(),
            outcome: "ok".to_owned(),
            previous: String::new(),
            hash: String::new(),
        };
        let line = "    12  2026-05-01T12:00:00.123Z  ann  [2J from 192.0.2.1: saga.approve sg_1/table: ok";
        assert_eq!(told(&entry), line);
        entry.origin.clear();
        assert!(told(&entry).contains("ann  [2J: saga.approve"), "{}", told(&entry));
    }
}
