//! `makegood breakers`: how the circuit breakers of a running installation stand, and what an operator does about
//! them. It speaks HTTP as `makegood saga` does, and decides nothing.

use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::cli::Answers;
use crate::saga::figures::{LONGEST, line};
use crate::saga::print;
use crate::saga::reader::Reader;
use crate::saga::table::{Cell, table};

#[derive(Debug, Args)]
pub struct Breakers {
    #[command(flatten)]
    pub answers: Answers,
    #[command(subcommand)]
    pub verb: BreakerVerb,
}

#[derive(Debug, Subcommand)]
pub enum BreakerVerb {
    /// How they stand
    List,
    /// Has nothing called any more, until `reset`
    Open { name: String },
    /// Has everything called, whatever comes of it, until `reset`
    Close { name: String },
    /// Has it begin anew, by what becomes of the calls
    Reset { name: String },
}

#[derive(Deserialize)]
struct Answered {
    breakers: Vec<Standing>,
}

#[derive(Deserialize)]
struct Standing {
    name: String,
    stands: String,
    calls: u64,
    failed: u64,
    slow: u64,
    #[serde(default)]
    by: Option<String>,
}

/// Asks, and prints how they stand then.
pub async fn run(breakers: &Breakers) -> anyhow::Result<()> {
    let installation = breakers.answers.asking.installation()?;
    let said = |name: &str, verb: &str| format!("/api/execute/breakers/{name}/{verb}");
    let answer = match &breakers.verb {
        BreakerVerb::List => installation.get("/api/execute/breakers").await?,
        BreakerVerb::Open { name } => installation.post(&said(name, "open"), None).await?,
        BreakerVerb::Close { name } => installation.post(&said(name, "close"), None).await?,
        BreakerVerb::Reset { name } => installation.post(&said(name, "reset"), None).await?,
    };
    if breakers.answers.json {
        return print(&answer.0);
    }
    print(&told(&answer.read::<Answered>()?.breakers))
}

fn told(breakers: &[Standing]) -> String {
    if breakers.is_empty() {
        return "No call has failed yet: all are closed.".to_owned();
    }
    let head = ["breaker", "stands", "calls", "failed", "slow", ""].map(Cell::plain);
    let row = |one: &Standing| {
        let by = one.by.as_deref().map(|by| format!("by {}", line(by, LONGEST))).unwrap_or_default();
        let words = [line(&one.name, LONGEST), line(&one.stands, LONGEST).replace('_', " ")];
        let [name, stands] = words.map(Cell::plain);
        let [calls, failed, slow] = [one.calls, one.failed, one.slow].map(|count| Cell::plain(count.to_string()));
        [name, stands, calls, failed, slow, Cell::plain(by)]
    };
    let rows: Vec<[Cell; 6]> = std::iter::once(head).chain(breakers.iter().map(row)).collect();
    table(&rows, &Reader::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_breaker_has_a_line_with_how_it_stands_and_why() {
        let standing = |name: &str, stands: &str, by: Option<&str>| Standing {
            name: name.to_owned(),
            stands: stands.to_owned(),
            calls: 12,
            failed: 6,
            slow: 0,
            by: by.map(str::to_owned),
        };
        let all = [standing("pay", "half_open", None), standing("ride", "forced_open", Some("the setting `breakers`"))];
        let text = told(&all);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["pay", "half", "open", "12", "6", "0"]);
        assert_eq!(lines[2][6..], ["by", "the", "setting", "`breakers`"]);
        assert!(told(&[]).contains("all are closed"));
    }
}
