//! Redis over HTTP: reached, let in, and written to. A key of our own is set and taken away again; if that fails it is
//! gone after a minute.

use makegood_edge::Host;
use makegood_gateway::Response;
use makegood_gateway::redis::{self, Redis};

use super::{Finding, Services};

const ABOUT: &str = "redis";

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    let url = services.get("redis_rest_url");
    let redis = Redis { url: url.to_owned(), token: services.get("redis_rest_token").to_owned() };
    // Nobody else's, however many doctors there are.
    let random: String = services.host.random().iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("makegood:doctor:{random}");
    let finding = match ask(services, &redis, &["SET", &key, "1", "EX", "60"]).await {
        Err(cause) => Finding::wrong(
            ABOUT,
            format!("{url} does not answer ({cause})"),
            "Look at redis_rest_url: the console shows it as UPSTASH_REDIS_REST_URL.",
        ),
        Ok(answer) => told(url, &answer),
    };
    if !finding.is_wrong() {
        // Whether it does or not, the key goes by itself.
        _ = ask(services, &redis, &["DEL", &key]).await;
    }
    vec![finding]
}

async fn ask(services: &Services<'_>, redis: &Redis, words: &[&str]) -> Result<Response, String> {
    let request = redis::command(redis, words).map_err(|error| error.0)?;
    services.fetch(request).await.map_err(|error| error.to_string())
}

fn told(url: &str, answer: &Response) -> Finding {
    if matches!(answer.status().as_u16(), 401 | 403) {
        return Finding::wrong(
            ABOUT,
            "redis_rest_token is not right",
            "Copy the REST token anew from the console; not the read-only one.",
        );
    }
    match redis::result(answer) {
        Ok(said) if said == "OK" => Finding::well(ABOUT, format!("{url} answers, lets us in, and keeps what we write")),
        Err(error) if error.0.contains("NOPERM") => Finding::wrong(
            ABOUT,
            "redis_rest_token may read, and not write",
            "Copy the REST token from the console that is not the read-only one.",
        ),
        Ok(_) | Err(_) => Finding::wrong(
            ABOUT,
            format!("{url} answers with {}, and not as Redis does", answer.status()),
            "Look at redis_rest_url: the console shows it as UPSTASH_REDIS_REST_URL.",
        ),
    }
}
