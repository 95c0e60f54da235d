//! `makegood subscriptions`: where a running installation brings events. It speaks HTTP as `makegood saga` does, and
//! decides nothing.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;

use crate::cli::Answers;
use crate::saga::figures::{LONGEST, count, line};
use crate::saga::print;
use crate::saga::reader::Reader;
use crate::saga::table::{Cell, table};

const ADDRESS: &str = "/api/subscriptions";

#[derive(Debug, Args)]
pub struct Subscriptions {
    #[command(flatten)]
    pub answers: Answers,
    #[command(subcommand)]
    pub verb: SubscriptionVerb,
}

#[derive(Debug, Subcommand)]
pub enum SubscriptionVerb {
    /// Yours, or for operators everybody's
    List,
    /// Has events brought to an address from here on, and prints the secret that signs them
    Add {
        #[arg(value_name = "ADDRESS")]
        address: String,
        /// Types of events, or groups as makegood.step.*, with commas between [default: all]
        #[arg(long, value_delimiter = ',', value_name = "TYPES")]
        types: Vec<String>,
        /// Of all users' sagas: for operators
        #[arg(long)]
        everyone: bool,
    },
    /// Brings nothing there any more
    Remove { id: String },
    /// Prints another secret; for a day the one before signs as well
    Rotate { id: String },
    /// Has one that was disabled go on, with what it missed
    Enable { id: String },
    /// Brings it an event in which nothing happened, and says what came of it
    Test { id: String },
}

#[derive(Deserialize)]
struct Listing {
    subscriptions: Vec<Standing>,
}

#[derive(Deserialize)]
struct Standing {
    subscription: String,
    owner: String,
    url: String,
    types: Vec<String>,
    everyone: bool,
    state: String,
    #[serde(default)]
    why: Option<String>,
    #[serde(default)]
    last_error: Option<String>,
    #[serde(default)]
    secret: Option<String>,
}

#[derive(Deserialize)]
struct Tried {
    taken: bool,
    #[serde(default)]
    why: Option<String>,
}

/// Asks, and prints what came of it.
pub async fn run(options: &Subscriptions) -> anyhow::Result<()> {
    let installation = options.answers.asking.installation()?;
    let of = |id: &str| format!("{ADDRESS}/{id}");
    let answer = match &options.verb {
        SubscriptionVerb::List => installation.get(ADDRESS).await?,
        SubscriptionVerb::Add { address, types, everyone } => {
            let body = json!({"url": address, "types": types, "everyone": everyone});
            installation.post(ADDRESS, Some(&body)).await?
        }
        SubscriptionVerb::Remove { id } => installation.delete(&of(id)).await?,
        SubscriptionVerb::Rotate { id } => installation.post(&format!("{}/rotate", of(id)), None).await?,
        SubscriptionVerb::Enable { id } => installation.post(&format!("{}/enable", of(id)), None).await?,
        SubscriptionVerb::Test { id } => installation.post(&format!("{}/test", of(id)), None).await?,
    };
    if options.answers.json {
        return print(&answer.0);
    }
    match &options.verb {
        SubscriptionVerb::List => print(&told(&answer.read::<Listing>()?.subscriptions)),
        SubscriptionVerb::Add { .. } | SubscriptionVerb::Rotate { .. } => print(&secret(&answer.read::<Standing>()?)),
        SubscriptionVerb::Remove { id } => print(&format!("{} is gone.", line(id, LONGEST))),
        SubscriptionVerb::Enable { .. } => print(&told(&[answer.read::<Standing>()?])),
        SubscriptionVerb::Test { .. } => print(&tried(&answer.read::<Tried>()?)),
    }
}

fn told(subscriptions: &[Standing]) -> String {
    if subscriptions.is_empty() {
        return "There are none. `makegood subscriptions add URL` makes one.".to_owned();
    }
    let head = ["subscription", "of", "to", "what", "stands", ""].map(Cell::plain);
    let row = |one: &Standing| {
        let owner = if one.everyone { "everybody" } else { one.owner.as_str() };
        let what = match one.types.as_slice() {
            [] => "all".to_owned(),
            [only] => line(only, LONGEST),
            several => count(several.len(), "type"),
        };
        let why = one.why.as_deref().or(one.last_error.as_deref()).unwrap_or_default();
        let words = [one.subscription.as_str(), owner, one.url.as_str(), what.as_str(), one.state.as_str(), why];
        words.map(|word| Cell::plain(line(word, LONGEST)))
    };
    let rows: Vec<[Cell; 6]> = std::iter::once(head).chain(subscriptions.iter().map(row)).collect();
    table(&rows, &Reader::default())
}

/// Its id and its secret, which is told this once.
fn secret(one: &Standing) -> String {
    let secret = one.secret.as_deref().unwrap_or_default();
    format!(
        "{}\n{}\nKeep it where its receiver checks signatures: it is not shown again.",
        line(&one.subscription, LONGEST),
        line(secret, LONGEST)
    )
}

fn tried(came: &Tried) -> String {
    let why = came.why.as_deref().map(|why| line(why, 2 * LONGEST)).unwrap_or_default();
    if came.taken { "It was taken.".to_owned() } else { format!("It was not taken: {why}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(types: &[&str], state: &str, why: Option<&str>) -> Standing {
        Standing {
            subscription: "sub_1".to_owned(),
            owner: "ann".to_owned(),
            url: "https://a.test/in".to_owned(),
            types: types.iter().map(ToString::to_string).collect(),
            everyone: false,
            state: state.to_owned(),
            why: why.map(str::to_owned),
            last_error: None,
            secret: Some("whsec_c2VjcmV0".to_owned()),
        }
    }

    #[test]
    fn each_subscription_has_a_line_with_where_it_leads_and_how_it_stands() {
        let all = [standing(&[], "active", None), standing(&["makegood.step.*"], "disabled", Some("410 Gone"))];
        let text = told(&all);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["sub_1", "ann", "https://a.test/in", "all", "active"]);
        assert_eq!(lines[2][3..], ["makegood.step.*", "disabled", "410", "Gone"]);
        assert!(!text.contains("whsec_"), "a list tells no secret");
        assert!(told(&[]).contains("subscriptions add"));
    }

    #[test]
    fn a_secret_is_told_where_it_is_made_and_a_refusal_with_why() {
        assert!(secret(&standing(&[], "active", None)).contains("\nwhsec_c2VjcmV0\n"));
        assert_eq!(tried(&Tried { taken: true, why: None }), "It was taken.");
        let told = tried(&Tried { taken: false, why: Some("its address answered 500".to_owned()) });
        assert_eq!(told, "It was not taken: its address answered 500.");
    }
}
