//! What a person has decided on the page of a link, `/approve`, which `debug` serves: it comes here, for here is the
//! engine, and is answered with a page. There is room for a few sentences only.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::saga::Phase;
use makegood_edge::form::Fields;
use makegood_edge::limits::{Class, by_address, origin};
use makegood_edge::links::{Spent, agreed, asked, open};
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, notice};

use crate::links::{Heard, carry};

/// Takes a decision. Why a link decides nothing is a page of its own.
pub async fn decide<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    by_address(request, host, settings, Class::Execute).await?;
    let fields = Fields::read(request, &settings.public_url)?;
    let approve = match fields.get("decision") {
        "approve" => true,
        "reject" => false,
        _ => return Err(Error::new(Code::InvalidRequest, "Go back, and choose one of the two buttons.")),
    };
    let token = fields.token();
    // Browsers end lines in forms with both characters.
    let note = fields.get("note").trim().replace("\r\n", "\n");
    match carry(host, settings, &origin(request, settings), token, approve, note).await {
        Ok(heard) => Ok(told(approve, &heard)),
        Err(error) => match why(host, settings, token, &error).await? {
            Some(spent) => Ok(spent.page()),
            None => Err(error),
        },
    }
}

/// What to say of a decision that was not heard, where the link or its saga says why.
async fn why<H: Host>(host: &H, settings: &Settings, token: &str, error: &Error) -> Result<Option<Spent>, Error> {
    if !matches!(error.code(), Code::NotFound | Code::Conflict) {
        return Ok(None);
    }
    let store = Store::new(host, settings);
    let Some(shown) = store.show_link(token).await? else { return Ok(Some(Spent::None)) };
    let Some(story) = store.follow(&shown.link.saga, 0).await? else { return Ok(Some(Spent::None)) };
    if error.code() == Code::Conflict {
        // By now the link is used, for this: it is its saga that had no use for it.
        return Ok(asked(&shown.link, &story).err());
    }
    // Nothing stands in its way but what it was used for.
    let unheard = |approve| Spent::Unheard { approve, owner: story.owner.clone() };
    Ok(open(&shown, token, &story, host.now()).err().or_else(|| shown.approve.map(unheard)))
}

fn told(approve: bool, heard: &Heard) -> Reply {
    let Heard { step, link, story } = heard;
    let by = format!("You decided as {}, about the step {step} of “{}”.", link.stands_for, story.title);
    if approve {
        let next = match (asked(link, story), story.phase) {
            (Ok((step, ask)), _) => {
                format!("{} of {} have agreed. It is done when all of these have.", agreed(&step).count(), ask.quorum)
            }
            (Err(_), Phase::Forward | Phase::Completed) => {
                "It is carried out as you were shown it, or not at all.".to_owned()
            }
            (Err(_), Phase::Unwinding | Phase::MadeGood | Phase::Stuck) => {
                "It came to nothing all the same: something else turned the whole round.".to_owned()
            }
        };
        notice::page(200, "You agreed", &[&by, &next, "You can close this page."])
    } else {
        let next = match story.phase {
            Phase::MadeGood => "Nothing of it is left: what was done before is undone.",
            Phase::Stuck => "It is not done. Something done before could not be undone, and a person is told.",
            Phase::Forward | Phase::Unwinding | Phase::Completed => {
                "It is not done, and what was done before is undone."
            }
        };
        notice::page(200, "You refused", &[&by, next, "You can close this page."])
    }
}
