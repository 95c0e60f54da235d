//! Postgres over HTTP: reached, let in, the same time as here, migrated, and with tools.

use std::collections::BTreeSet;

use makegood_core::tool::Definition;
use makegood_gateway::neon::Failure;
use makegood_gateway::store::{self, MIGRATIONS, Tools};
use makegood_postgres::migration_hash;

use super::{Finding, Services};
use crate::migrate;
use crate::remote::{Fault, Remote};

/// Milliseconds by which two clocks may differ: more, and the queue's signatures are not believed.
const SKEW: u64 = 5_000;

/// SQLSTATE of a table that is not there.
const NO_TABLE: &str = "42P01";

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    let url = services.get("database_http_url");
    let remote = Remote::new(url, services.get("database_url"));
    let asked = "select (extract(epoch from clock_timestamp()) * 1000)::bigint::text";
    let answer = match remote.query(asked, &[]).await {
        Ok(answer) => answer,
        Err(fault) => return vec![refused(url, fault)],
    };
    let mut findings = vec![Finding::well("database", format!("{url} answers, and lets us in"))];
    findings.push(clock(services, answer.scalar()));
    let (migrations, migrated) = migrations(&remote).await;
    findings.push(migrations);
    // Of a database without tables nothing more can be asked.
    if migrated {
        findings.push(tools(&remote).await);
    }
    findings
}

fn refused(url: &str, fault: Fault) -> Finding {
    let wrong = |what: String, remedy: &str| Finding::wrong("database", what, remedy);
    match fault {
        Fault::Silence(cause) => wrong(
            format!("{url} does not answer ({cause})"),
            "Look at database_http_url: is it the address of SQL over HTTP, and may this machine reach it?",
        ),
        Fault::Answer(Failure::Refused { sqlstate, .. }) if sqlstate == "28P01" => password(),
        Fault::Answer(Failure::Unavailable(cause)) if cause.contains("password") => password(),
        Fault::Answer(Failure::Refused { sqlstate, message }) => wrong(
            format!("it refuses the connection string: {message} ({sqlstate})"),
            "Look at database_url: copy it anew from your database's dashboard.",
        ),
        Fault::Answer(Failure::Unavailable(cause)) => wrong(
            format!("{url} answers, and not as a database does: {cause}"),
            "Look at database_http_url: on Neon it ends in /sql.",
        ),
    }
}

fn password() -> Finding {
    Finding::wrong(
        "database",
        "the user or the password of database_url is not right",
        "Copy the connection string anew from your database's dashboard.",
    )
}

fn clock(services: &Services<'_>, there: Option<String>) -> Finding {
    let Some(there) = there.and_then(|text| text.parse::<u64>().ok()) else {
        return Finding::note("clock", "the database does not say what time it is", "Compare the clocks by hand.");
    };
    let apart = there.abs_diff(services.now.0);
    if apart <= SKEW {
        return Finding::well("clock", format!("this machine and the database are {apart} ms apart"));
    }
    Finding::wrong(
        "clock",
        format!("this machine and the database are {} s apart", apart / 1000),
        "Set this machine's clock by a time server. Where it is right, the functions' platform should be looked at.",
    )
}

/// What is there, and whether anything is.
async fn migrations(remote: &Remote) -> (Finding, bool) {
    const ABOUT: &str = "migrations";
    const REMEDY: &str = "Run `makegood migrate` with the same configuration, before the functions are deployed.";
    let all = MIGRATIONS.len();
    let known = match migrate::applied(remote).await {
        Ok(known) => known,
        Err(Fault::Answer(Failure::Refused { sqlstate, .. })) if sqlstate == NO_TABLE => {
            return (Finding::wrong(ABOUT, format!("none of {all} was applied"), REMEDY), false);
        }
        Err(fault) => return (Finding::wrong(ABOUT, format!("they cannot be read: {fault}"), REMEDY), false),
    };
    let missing: Vec<&str> =
        MIGRATIONS.iter().map(|(name, _)| *name).filter(|name| !known.contains_key(*name)).collect();
    let edited =
        MIGRATIONS.iter().find(|(name, sql)| known.get(*name).is_some_and(|hash| *hash != migration_hash(sql)));
    let own: BTreeSet<&str> = MIGRATIONS.iter().map(|(name, _)| *name).collect();
    let newer = known.keys().find(|name| name.starts_with("makegood/") && !own.contains(name.as_str()));
    let finding = match (missing.first(), edited, newer) {
        (_, Some((name, _)), _) => Finding::wrong(
            ABOUT,
            format!("{name} was edited after it had been applied there"),
            "Check out the code that belongs to this database.",
        ),
        (Some(first), None, _) => {
            let what = format!("{} of {all} were applied; {first} is the first that is missing", all - missing.len());
            Finding::wrong(ABOUT, what, REMEDY)
        }
        (None, None, Some(name)) => Finding::note(
            ABOUT,
            format!("the database has {name}, which this code does not know"),
            "Newer code was here. Older functions go on working; take the newer code to change anything.",
        ),
        (None, None, None) => Finding::well(ABOUT, format!("all {all} are applied")),
    };
    (finding, missing.len() < all)
}

async fn tools(remote: &Remote) -> Finding {
    const ABOUT: &str = "tools";
    let statement = store::Statement { sql: store::TOOLS, params: vec![None] };
    let tools: Option<Tools> = match remote.query(statement.sql, &[None]).await {
        Ok(rows) => store::read(rows).unwrap_or_default(),
        Err(fault) => {
            return Finding::wrong(ABOUT, format!("they cannot be read: {fault}"), "Run `makegood migrate` first.");
        }
    };
    let own: BTreeSet<String> =
        makegood_core::saga::definitions().into_iter().map(|tool: Definition| tool.name).collect();
    let count = tools.into_iter().flatten().filter(|(name, _)| !own.contains(name)).count();
    if count == 0 {
        return Finding::wrong(
            ABOUT,
            "none is registered, so every plan is refused",
            "Register yours: `makegood tools add FILE` with the same configuration (docs/TOOLS.md).",
        );
    }
    Finding::well(ABOUT, format!("{count} are registered"))
}
