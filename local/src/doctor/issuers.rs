//! The issuers of users' tokens: their keys are there, and tokens can be checked with some of them.

use makegood_gateway::jwks::response;
use makegood_gateway::jwt::{Issuer, Jwks, issuers};

use super::{Finding, Services};

const ABOUT: &str = "issuers";

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    // What cannot be read is said of the values.
    let all = issuers(services.get("jwks_url"), services.get("issuers")).unwrap_or_default();
    let mut findings = Vec::new();
    for issuer in &all {
        findings.push(ask(services, issuer).await);
        if issuer.audience.is_empty() && issuer.parties.is_empty() {
            findings.push(Finding::note(
                ABOUT,
                format!("every token of {} is taken, whatever application it was made for", issuer.name),
                "Name your pages as `parties` in `issuers`, or what your tokens are for as `audience` (docs/AUTH.md).",
            ));
        }
    }
    findings
}

async fn ask(services: &Services<'_>, issuer: &Issuer) -> Finding {
    let wrong = |what: String| {
        Finding::wrong(ABOUT, what, "Look at jwks_url: it is the `jwks_uri` of the issuer's OpenID configuration.")
    };
    let answer = match services.get_at(&issuer.jwks, "").await {
        Ok(answer) => answer,
        Err(cause) => return wrong(format!("{} does not answer ({cause})", issuer.jwks)),
    };
    match response(&answer).and_then(|text| Jwks::read(text.as_bytes())) {
        Ok(keys) if keys.is_empty() => wrong(format!("{} has no key that a token can be checked with", issuer.jwks)),
        Ok(_) => Finding::well(ABOUT, format!("{} has keys for tokens of {}", issuer.jwks, issuer.name)),
        Err(_) => wrong(format!("{} answers {}, and not with a set of keys", issuer.jwks, answer.status())),
    }
}
