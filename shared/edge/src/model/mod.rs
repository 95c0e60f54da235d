//! Reading a message with a model, where reading it offline was not enough: from the question to a
//! [`Proposal`] that was checked, with the record of how it came about.
//!
//! A model is asked for a plan, and once more to mend it where it breaks rules; the models of the chain
//! take each other's place where one does not answer. Whoever calls has the offline reading to fall
//! back on. An answer may come piece by piece, so that a model that has fallen silent is left; it is read as a whole all
//! the same, for nothing of a plan may be done before all of it was checked.

mod cache;
mod chain;
mod prompt;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use makegood_core::error::Error;
use makegood_core::proposal::{Bounds, By, Cache, Proposal, Provenance, Round, read};
use makegood_core::saga::Child;
use makegood_core::tool::Definition;
use makegood_gateway::model_use::Used;

use crate::host::{Host, Level};
use crate::settings::Settings;
use crate::store::Store;

pub use chain::{Candidate, Models, Price};
pub use prompt::{Exchange, MOST_STEPS, Reader, VERSION};

/// Tools that are offered at most, in the order of their names: more would neither fit into a question
/// nor be told apart.
const MOST_TOOLS: usize = 64;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Consulted {
    /// `None`: why not stands in the record.
    pub proposal: Option<Proposal>,
    /// Those that were offered.
    pub tools: BTreeMap<String, Definition>,
    pub how: Provenance,
}

/// Has a model read a message. `why`: why the offline reading was not enough.
///
/// # Errors
/// Where the journal cannot be reached, from which the tools come.
pub async fn consult<H: Host>(
    host: &H,
    settings: &Settings,
    models: &Models,
    reader: &Reader<'_>,
    cost_minor: Option<i64>,
    owner: &str,
    why: &str,
) -> Result<Consulted, Error> {
    let began = host.now();
    let store = Store::new(host, settings);
    let mut tools = store.all_tools().await?;
    // A saga inside of a saga is a plan inside of a parameter, which no schema of a tool describes.
    let may = |name: &String| !Child::is_one(name) && (models.tools.is_empty() || models.tools.contains(name));
    tools.retain(|name, _| may(name));
    if let Some(first_left_out) = tools.keys().nth(MOST_TOOLS).cloned() {
        host.log(Level::Warn, &format!("a model is offered {MOST_TOOLS} tools, and not `{first_left_out}` and those after it: name some in `model_tools`"));
        _ = tools.split_off(&first_left_out);
    }
    let bounds = Bounds { tools: &tools, steps: MOST_STEPS, cost_minor };
    let mut how = Provenance { why: Some(why.to_owned()), prompt: Some(VERSION.to_owned()), ..Provenance::default() };
    let proposal = ask(host, settings, models, reader, &bounds, &mut how).await;
    how.took_ms = host.now().since(began).0;
    match &proposal {
        Some(Proposal::Plan { confirm, .. }) => (how.by, how.confirm) = (By::Model, confirm.clone()),
        Some(Proposal::Ask { .. }) => how.by = By::Model,
        // That a model finds nothing either is no reading.
        Some(Proposal::Nothing) => how.fallback = Some("The model found nothing to do either.".to_owned()),
        None => {}
    }
    let used = Used::of(&how.asked);
    if !used.is_empty()
        && let Err(error) = store.note_models(owner, &used).await
    {
        host.log(Level::Warn, &format!("what was used of models is not counted: {owner}: {error}"));
    }
    let proposal = proposal.filter(|_| how.by == By::Model);
    Ok(Consulted { proposal, tools, how })
}

async fn ask<H: Host>(
    host: &H,
    settings: &Settings,
    models: &Models,
    reader: &Reader<'_>,
    bounds: &Bounds<'_>,
    how: &mut Provenance,
) -> Option<Proposal> {
    let question = prompt::plan(reader, bounds.tools);
    let keeps = models.cache.0 > 0 && !settings.redis.url.is_empty();
    let key = cache::key(models, &question);
    if keeps {
        let (said, kept) = cache::get(host, settings, &key).await;
        how.cache = Some(said);
        if let Some(kept) = kept {
            if let Ok(proposal) = read(kept.answer.as_bytes(), bounds) {
                how.model = Some(kept.model);
                return Some(proposal);
            }
            // It was good for another budget.
            how.cache = Some(Cache::Miss);
        }
    }
    let deadline = reader.until;
    let Some((place, mut answer)) = chain::ask(host, models, 0, deadline, &question, Round::Plan, how).await else {
        how.fallback = Some("No model gave an answer.".to_owned());
        return None;
    };
    let mut came = read(answer.as_bytes(), bounds);
    if let Err(violations) = came {
        let again = prompt::repair(question, &answer, &violations);
        how.violations = violations;
        // The one that made it mends it; another would begin anew.
        let only = Models { chain: models.chain.get(place).cloned().into_iter().collect(), ..models.clone() };
        let Some((_, mended)) = chain::ask(host, &only, 0, deadline, &again, Round::Repair, how).await else {
            how.fallback = Some("The model's plan broke rules, and it gave no answer when it was told.".to_owned());
            return None;
        };
        answer = mended;
        came = read(answer.as_bytes(), bounds);
    }
    let name = models.chain.get(place).map(|candidate| candidate.model.name.clone()).unwrap_or_default();
    match came {
        Ok(proposal) => {
            if keeps && how.cache != Some(Cache::Away) {
                let kept = cache::Kept { model: name.clone(), answer };
                cache::put(host, settings, key, &kept, models.cache).await;
            }
            how.model = Some(name);
            Some(proposal)
        }
        Err(violations) => {
            let first = violations.first().map(ToString::to_string).unwrap_or_default();
            how.fallback = Some(format!("The model's plan broke rules, and still when it was told: {first}"));
            None
        }
    }
}
