//! `makegood saga`: looks at the sagas of a running installation and answers what they ask of people.
//!
//! It speaks HTTP like any other client, knows nothing of the database, and decides nothing: whether
//! a verb has its place now is for the engine to say. What is printed is made by functions from a
//! [`view`] to text, so that golden files can hold it.

pub mod answers;
mod arguments;
pub(crate) mod client;
pub mod explain;
pub(crate) mod figures;
pub mod listing;
mod lookup;
pub mod reader;
pub mod show;
pub(crate) mod table;
mod tree;
mod verbs;
pub mod view;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use makegood_core::time::Millis;

use crate::cli::DEFAULT_URL;
use reader::Reader;

pub use arguments::{Ask, Bring, Decide, ListSagas, OneSaga, Replan, Resolve, Retry, Saga, SagaVerb};

/// Asks, and prints the answer.
pub async fn run(saga: &Saga) -> anyhow::Result<()> {
    let installation = saga.answers.asking.installation()?;
    let answer = match &saga.verb {
        SagaVerb::List(page) => installation.get(&lookup::address(page)).await?,
        SagaVerb::Show(one) | SagaVerb::Explain(one) => {
            let id = lookup::find(&installation, &one.saga).await?;
            installation.get(&format!("/api/execute/{id}")).await?
        }
        SagaVerb::Ask(ask) => {
            let order = verbs::order(ask);
            let id = lookup::find(&installation, order.saga).await?;
            installation.post(&format!("/api/execute/{id}/{}", order.verb), order.body.as_ref()).await?
        }
    };
    if saga.answers.json {
        return print(&answer.0);
    }
    let reader = reader(saga);
    print(&match &saga.verb {
        SagaVerb::List(page) => listing::listing(&answer.read()?, page, &reader),
        SagaVerb::Show(_) => show::show(&answer.read()?, &reader),
        SagaVerb::Explain(_) => explain::explain(&answer.read()?, &reader),
        SagaVerb::Ask(ask) => verbs::sentence(ask, &answer.read()?, &reader),
    })
}

fn reader(saga: &Saga) -> Reader {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    // A command that is shown finds the installation as this one did, or names it.
    let url = &saga.answers.asking.url;
    let found = url == DEFAULT_URL || std::env::var("MAKEGOOD_URL").is_ok_and(|given| given == *url);
    Reader {
        now: Millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)),
        colours: wanted && io::stdout().is_terminal(),
        url: (!found).then(|| url.clone()),
    }
}

/// Whoever reads may stop reading: `makegood saga list | head` is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
