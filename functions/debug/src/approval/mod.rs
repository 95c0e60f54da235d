//! `/approve`: the page on which whoever holds a link agrees to a step, or refuses it.
//!
//! The link is this address with the token behind its `#`. That part of an address no browser sends: so no log has the
//! token, no `Referer`, and nobody who fetches addresses ahead of their reader. What is fetched is a form and nothing
//! else, the same for everybody; where scripts run, one fills it in and sends it, and where they do not the reader
//! pastes the link. So every page here can be had without a script, and the one that decides has none.
//!
//! Nothing is decided here: the page's buttons lead to `execute`, which has the engine. It has no room for a page like
//! this one, and this function none for the engine.

mod frame;
mod question;
mod words;

use makegood_edge::core::error::Error;
use makegood_edge::form::Fields;
use makegood_edge::gateway::store::Story;
use makegood_edge::limits::{Class, by_address};
use makegood_edge::links::{Spent, open};
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, host};

use crate::page::kept;
use question::Question;

const STYLESHEET: &str = include_str!("approve.css");
const SCRIPT: &str = include_str!("approve.js");

/// Where a link is brought.
pub fn form() -> Reply {
    frame::with_script("A decision", &question::form())
}

/// What a link is about.
///
/// # Errors
/// Where the form is not ours, or the journal does not answer. Why a link decides nothing is a page.
pub async fn look<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    by_address(request, host, &settings, Class::Execute).await?;
    let fields = Fields::read(request, &settings.public_url)?;
    let token = fields.token();
    let store = Store::new(host, &settings);
    let Some(shown) = store.show_link(token).await? else { return Ok(Spent::None.page()) };
    let Some(story) = store.follow(&shown.link.saga, 0).await? else { return Ok(Spent::None.page()) };
    let (step, ask) = match open(&shown, token, &story, host.now()) {
        Ok(found) => found,
        Err(spent) => return Ok(spent.page()),
    };
    let tools = store.definitions(&tools_of(&story)).await?;
    let question =
        Question { token, shown: &shown, story: &story, step: &step, ask: &ask, tools: &tools, now: host.now() };
    Ok(frame::page("Do you agree?", &question.page()))
}

fn tools_of(story: &Story) -> Vec<&str> {
    let mut names: Vec<&str> = story.nodes.iter().map(|node| node.tool.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

pub fn stylesheet() -> Reply {
    kept(host::reply(200, "text/css; charset=utf-8", STYLESHEET))
}

pub fn script() -> Reply {
    kept(host::reply(200, "text/javascript; charset=utf-8", SCRIPT))
}
