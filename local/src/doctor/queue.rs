//! The queue: reached, let in, and with the keys that we check its deliveries by; and the schedule by which it wakes
//! the sweeper.

use serde::Deserialize;

use super::{Finding, Services};

const ABOUT: &str = "queue";
const KEYS: &str = "signing keys";
const SWEEPER: &str = "sweeper";

#[derive(Deserialize)]
struct Keys {
    current: String,
    next: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    destination: String,
    #[serde(default)]
    is_paused: bool,
}

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    let url = services.get("qstash_url");
    let mut findings = Vec::new();
    let keys = match ask(services, "keys").await {
        Ok(answer) if answer.status() == 200 => serde_json::from_slice::<Keys>(answer.body()).ok(),
        Ok(answer) if matches!(answer.status().as_u16(), 401 | 403) => {
            findings.push(Finding::wrong(
                ABOUT,
                "qstash_token is not right",
                "Copy QSTASH_TOKEN anew from the console.",
            ));
            return findings;
        }
        Ok(_) => None,
        Err(cause) => {
            findings.push(Finding::wrong(
                ABOUT,
                format!("{url} does not answer ({cause})"),
                "Look at qstash_url: the console shows it as QSTASH_URL.",
            ));
            return findings;
        }
    };
    let Some(keys) = keys else {
        findings.push(Finding::wrong(
            ABOUT,
            format!("{url} answers, and not as the queue does"),
            "Look at qstash_url: the console shows it as QSTASH_URL, without /v2.",
        ));
        return findings;
    };
    findings.push(Finding::well(ABOUT, format!("{url} answers, and lets us in")));
    findings.push(same_keys(services, &keys));
    findings.push(sweeper(services).await);
    findings
}

async fn ask(services: &Services<'_>, path: &str) -> Result<makegood_gateway::Response, String> {
    let url = format!("{}/v2/{path}", services.get("qstash_url").trim_end_matches('/'));
    services.get_at(&url, services.get("qstash_token")).await
}

fn same_keys(services: &Services<'_>, keys: &Keys) -> Finding {
    let (current, next) = (services.get("qstash_current_signing_key"), services.get("qstash_next_signing_key"));
    if current == keys.current && next == keys.next {
        return Finding::well(KEYS, "they are the queue's");
    }
    if next == keys.current {
        return Finding::wrong(
            KEYS,
            "the queue's keys were rolled: what is the next one here is the current one there",
            "Copy both anew from the console, before they are rolled again.",
        );
    }
    let which = if current == keys.current { "qstash_next_signing_key is" } else { "qstash_current_signing_key is" };
    Finding::wrong(
        KEYS,
        format!("{which} not the queue's, so its deliveries are or will be refused"),
        "Copy both from the console: QSTASH_CURRENT_SIGNING_KEY and QSTASH_NEXT_SIGNING_KEY.",
    )
}

async fn sweeper(services: &Services<'_>) -> Finding {
    let address = format!("{}/api/execute/sweep", services.get("public_url"));
    let remedy = format!(
        "Make it (docs/DEPLOY.md, \"The sweeper\") with {address} as its destination. Where the platform's own clock \
         sweeps, as Workers' cron does, it is not needed."
    );
    match ask(services, "schedules/makegood-sweeper").await {
        Ok(answer) if answer.status() == 404 => {
            Finding::note(SWEEPER, "the queue has no schedule `makegood-sweeper`", remedy)
        }
        Ok(answer) => match serde_json::from_slice::<Schedule>(answer.body()) {
            Ok(schedule) if schedule.is_paused => Finding::wrong(SWEEPER, "its schedule is paused", "Resume it."),
            Ok(schedule) if schedule.destination != address => {
                Finding::wrong(SWEEPER, format!("its schedule calls {}", schedule.destination), remedy)
            }
            Ok(_) => Finding::well(SWEEPER, "the queue wakes it"),
            Err(_) => Finding::note(SWEEPER, format!("the queue answered {}", answer.status()), remedy),
        },
        Err(cause) => Finding::note(SWEEPER, format!("the queue did not say ({cause})"), remedy),
    }
}
