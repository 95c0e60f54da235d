//! What the functions and the tools answer at their addresses.

use http::header::LOCATION;
use makegood_gateway::Response;
use serde::Deserialize;

use super::{Finding, Services};

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    vec![functions(services).await, tools(services).await]
}

/// What `GET /api/debug/health` says.
#[derive(Deserialize)]
struct Health {
    status: String,
    version: String,
    region: String,
}

/// Not deployed yet is no fault: the doctor is asked before as well as after.
async fn functions(services: &Services<'_>) -> Finding {
    const ABOUT: &str = "functions";
    let url = format!("{}/api/debug/health", services.get("public_url"));
    let answer = match services.get_at(&url, "").await {
        Ok(answer) => answer,
        Err(cause) => {
            return Finding::note(
                ABOUT,
                format!("{url} does not answer ({cause})"),
                "Deploy them, or look at public_url if they are deployed.",
            );
        }
    };
    if let Some(place) = redirected(&answer) {
        return Finding::wrong(
            ABOUT,
            format!("{url} sends elsewhere, to {place}, and the queue does not follow"),
            "Set public_url to where it sends, or to the address at which the functions themselves are.",
        );
    }
    let health = serde_json::from_slice::<Health>(answer.body()).ok();
    match (answer.status().as_u16(), health) {
        (200, Some(health)) if health.status == "ok" => {
            let Health { version, region, .. } = health;
            Finding::well(ABOUT, format!("{url} says that all is well: {version}, region {region:?}"))
        }
        (503, Some(_)) => Finding::wrong(
            ABOUT,
            format!("{url} says that the functions do not reach their database"),
            "Look at the variables that the functions were deployed with, and at their log.",
        ),
        (_, _) => Finding::wrong(
            ABOUT,
            format!("{url} answers {}, and not as `debug` does: something else is deployed there", answer.status()),
            "Look at public_url, and at the routes of what is deployed there.",
        ),
    }
}

/// Where an answer sends elsewhere.
fn redirected(answer: &Response) -> Option<String> {
    let place = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok()).unwrap_or("nowhere");
    answer.status().is_redirection().then(|| place.to_owned())
}

/// Any answer will do: what stands before a tool's name need not be an address of its own.
async fn tools(services: &Services<'_>) -> Finding {
    const ABOUT: &str = "tools' address";
    let url = services.get("tools_url");
    match services.get_at(url, "").await {
        Ok(answer) if answer.status().is_server_error() => Finding::wrong(
            ABOUT,
            format!("{url} answers {}", answer.status()),
            "Bring the service of the tools up, or look at tools_url.",
        ),
        Ok(_) => Finding::well(ABOUT, format!("{url} is reached")),
        Err(cause) => Finding::wrong(
            ABOUT,
            format!("{url} is not reached ({cause})"),
            "Bring the service of the tools up, or look at tools_url.",
        ),
    }
}
