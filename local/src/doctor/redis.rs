//! Redis over HTTP: reached, and let in.

use makegood_gateway::redis::{self, Redis};

use super::{Finding, Services};

const ABOUT: &str = "redis";

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    let url = services.get("redis_rest_url");
    let redis = Redis { url: url.to_owned(), token: services.get("redis_rest_token").to_owned() };
    let unreached = |cause: String| {
        Finding::wrong(
            ABOUT,
            format!("{url} does not answer ({cause})"),
            "Look at redis_rest_url: the console shows it as UPSTASH_REDIS_REST_URL.",
        )
    };
    let request = match redis::command(&redis, &["PING"]) {
        Ok(request) => request,
        Err(error) => return vec![unreached(error.0)],
    };
    let finding = match services.fetch(request).await {
        Err(error) => unreached(error.to_string()),
        Ok(answer) if matches!(answer.status().as_u16(), 401 | 403) => Finding::wrong(
            ABOUT,
            "redis_rest_token is not right",
            "Copy the REST token anew from the console; not the read-only one.",
        ),
        Ok(answer) => match redis::result(&answer) {
            Ok(pong) if pong == "PONG" => Finding::well(ABOUT, format!("{url} answers, and lets us in")),
            Ok(_) | Err(_) => Finding::wrong(
                ABOUT,
                format!("{url} answers with {}, and not as Redis does", answer.status()),
                "Look at redis_rest_url: the console shows it as UPSTASH_REDIS_REST_URL.",
            ),
        },
    };
    vec![finding]
}
