//! The models: reached, let in, and there under their names. None is asked anything that costs.

use makegood_edge::model::{Candidate, Models};
use makegood_edge::native::Native;
use serde::Deserialize;

use super::{Finding, Services};

const ABOUT: &str = "models";

/// What a service lists, or one of these.
#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    data: Vec<Listed>,
    #[serde(default)]
    id: String,
}

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    // What cannot be read is said of the values.
    let models = Models::read(&Native::new(services.configuration.0.clone())).unwrap_or_default();
    let mut findings = Vec::new();
    for candidate in &models.chain {
        findings.push(ask(services, candidate).await);
    }
    findings
}

async fn ask(services: &Services<'_>, Candidate { model, .. }: &Candidate) -> Finding {
    let (url, name) = (model.url.trim_end_matches('/'), model.name.as_str());
    let answer = match services.get_at(&format!("{url}/models"), &model.key).await {
        Ok(answer) => answer,
        Err(cause) => {
            return Finding::wrong(
                ABOUT,
                format!("{url} does not answer ({cause})"),
                "Look at its address: what stands before /chat/completions, for most services with /v1 at its end.",
            );
        }
    };
    match answer.status().as_u16() {
        401 | 403 => {
            return Finding::wrong(ABOUT, format!("{url} does not take the key"), "Copy it anew from the console.");
        }
        404 | 405 | 501 => {
            return Finding::note(
                ABOUT,
                format!("{url} answers, and has no list of its models, so `{name}` and its key were not looked at"),
                "Send a message that is not understood offline to /api/intent: its answer says what became of it.",
            );
        }
        _ => {}
    }
    let Some(listed) = serde_json::from_slice::<Listed>(answer.body()).ok().filter(|_| answer.status() == 200) else {
        return Finding::wrong(
            ABOUT,
            format!("{url}/models answers {}, and not with a list of models", answer.status()),
            "Look at its address: what stands before /chat/completions, for most services with /v1 at its end.",
        );
    };
    if listed.data.iter().any(|model| model.id == name) {
        return Finding::well(ABOUT, format!("{url} answers, lets us in, and has `{name}`"));
    }
    // Not every list is whole, and some names are short for another.
    match services.get_at(&format!("{url}/models/{}", name.replace(' ', "%20")), &model.key).await {
        Ok(one)
            if one.status() == 200
                && serde_json::from_slice::<Listed>(one.body()).is_ok_and(|it| !it.id.is_empty()) =>
        {
            Finding::well(ABOUT, format!("{url} answers, lets us in, and has `{name}`"))
        }
        Ok(_) | Err(_) => Finding::wrong(
            ABOUT,
            format!("{url} has no model `{name}` among {}", listed.data.len()),
            "Look at its name in your service's list of models.",
        ),
    }
}
