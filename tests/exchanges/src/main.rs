//! One suite of HTTP exchanges for every host of the functions: what holds on one holds on all.
//!
//! `bash tests/exchanges/run [HOST…]` builds what is needed and runs this; the hosts are `local`,
//! `workerd`, `wrangler` and `spin`. Each gets a database, a Redis, a queue and a town of its own from
//! `makegood up`, and the queue calls that host. The cases know nothing of the host but its address.
//! With `bench` in front of the hosts, they are measured instead: [`bench`].
//!
//! At the end stands a table of host and case. A case that is left out says why in the code, and the
//! table prints it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it is a test: what goes wrong ends a case"
)]

mod bench;
mod case;
mod cases;
mod host;
mod process;
mod site;
mod start;
mod table;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use case::Pace;
use host::Kind;
use table::{Outcome, Table};

#[tokio::main]
async fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let bench = named.first().is_some_and(|word| word == "bench");
    let named = named.into_iter().skip(usize::from(bench));
    let (filters, hosts): (Vec<_>, Vec<_>) = named.partition(|word| word.starts_with("case="));
    let filter = filters.first().and_then(|word| word.strip_prefix("case=")).unwrap_or_default().to_owned();
    let kinds: Vec<Kind> = match hosts.iter().map(|name| Kind::named(name)).collect() {
        Some(kinds) => kinds,
        None => {
            say("Name some of the hosts: local, workerd, wrangler, spin; and, if you like, case=PART-OF-ITS-NAME.");
            return ExitCode::FAILURE;
        }
    };
    let kinds = if kinds.is_empty() { Kind::ALL.to_vec() } else { kinds };
    if bench {
        let there: Vec<Kind> = kinds.into_iter().filter(|kind| kind.absent(!hosts.is_empty()).is_none()).collect();
        bench::run(&there).await;
        return ExitCode::SUCCESS;
    }
    let mut table = Table::default();
    for kind in kinds {
        match kind.absent(!hosts.is_empty()) {
            Some(why) => table.leave_out(kind, why),
            None => run(kind, &filter, &mut table).await,
        }
    }
    say(&table.to_string());
    if table.all_is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every case against one host.
async fn run(kind: Kind, filter: &str, table: &mut Table) {
    let mut sites = BTreeMap::new();
    for case in cases::all().into_iter().filter(|case| case.name.contains(filter)) {
        if let Some(why) = (case.left_out)(kind) {
            table.note(case.name, kind, Outcome::LeftOut(why));
            continue;
        }
        if case.pace == Pace::Hurried && kind.starts_once() {
            let why = "a start takes so long that one has to do, with the usual time; workerd itself runs this case";
            table.note(case.name, kind, Outcome::LeftOut(why));
            continue;
        }
        let pace = case.pace;
        let site = match sites.entry(pace) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let began = Instant::now();
                let site = host::start(kind, pace).await;
                say(&format!("{} is up after {:.1} s: {}", kind.name(), began.elapsed().as_secs_f64(), site.url));
                place.insert(site)
            }
        };
        site.clear().await;
        let began = Instant::now();
        let outcome = case.run(std::sync::Arc::clone(site)).await;
        let outcome = match outcome {
            Ok(()) => Outcome::Passed(began.elapsed()),
            Err(why) => Outcome::Failed(why),
        };
        say(&format!("{:8} {}: {outcome}", kind.name(), case.name));
        if matches!(outcome, Outcome::Failed(_)) {
            say(&site.complaints());
        }
        table.note(case.name, kind, outcome);
    }
    if start::NAME.contains(filter) {
        table.note(start::NAME, kind, start::compare(kind).await);
    }
}

/// A line for whoever watches.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}
