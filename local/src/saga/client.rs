//! Requests to a running installation, and what is told where one brings no answer.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::{Client, Method, Response, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::figures::{LONGEST, line};
use crate::chat::events::{Event, Events};

/// A verb is answered when the saga has been carried on as far as one invocation goes.
const PATIENCE: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(5);

/// A running installation, and who asks.
pub struct Installation {
    client: Client,
    url: String,
    token: Option<String>,
}

/// What it said, as it said it.
pub struct Answer(pub String);

/// Problem details (RFC 9457), as far as they are told.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
    code: String,
    /// Of a plan: all that is wrong with it.
    violations: Vec<Violation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Violation {
    rule: String,
    message: String,
}

impl Installation {
    pub fn new(url: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        let parsed = Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(parsed) = parsed else {
            bail!("`{}` is no address of an installation. Give one like http://127.0.0.1:3000.", line(&url, LONGEST));
        };
        // A token goes where it was meant to go, and nowhere else.
        let mut client =
            Client::builder().redirect(redirect::Policy::none()).connect_timeout(CONNECT).timeout(PATIENCE);
        if matches!(parsed.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
            client = client.no_proxy();
        }
        let token = token.filter(|token| !token.is_empty()).map(str::to_owned);
        Ok(Self { client: client.build()?, url, token })
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        self.ask(Method::POST, path, body).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Method::DELETE, path, None).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let response = self.send(method, path, body, "application/json").await?;
        Ok(Answer(response.text().await.map_err(|error| self.silence(&error))?))
    }

    /// Posts, and hands every event of the answer over as it comes.
    pub async fn follow(&self, path: &str, body: &Value, mut told: impl FnMut(Event)) -> anyhow::Result<()> {
        let mut response = self.send(Method::POST, path, Some(body), "text/event-stream").await?;
        let mut events = Events::default();
        while let Some(piece) = response.chunk().await.map_err(|error| self.silence(&error))? {
            events.take(&piece).into_iter().for_each(&mut told);
        }
        Ok(())
    }

    /// An answer that is none of a refusal.
    async fn send(&self, method: Method, path: &str, body: Option<&Value>, accept: &str) -> anyhow::Result<Response> {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).header("accept", accept);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.silence(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.map_err(|error| self.silence(&error))?;
        let problem = serde_json::from_str::<Problem>(&text).unwrap_or_default();
        if problem.code.is_empty() {
            bail!("{} answered {status}, and not as Makegood does. Is --url right?", self.url);
        }
        let hint = match problem.code.as_str() {
            "unauthenticated" => {
                " A token goes into --token or MAKEGOOD_TOKEN; `makegood token --user NAME` prints one."
            }
            _ => "",
        };
        let (title, detail) = (line(&problem.title, LONGEST), line(&problem.detail, 4 * LONGEST));
        let colon = if title.ends_with('?') { "" } else { ":" };
        // One is what the detail says.
        let all = problem.violations.iter().filter(|_| problem.violations.len() > 1);
        let faults: String = all
            .map(|fault| format!("\n- {} ({})", line(&fault.message, 4 * LONGEST), line(&fault.rule, LONGEST)))
            .collect();
        bail!("{title}{colon} {detail}{hint} ({}){faults}", line(&problem.code, LONGEST))
    }

    fn silence(&self, error: &reqwest::Error) -> anyhow::Error {
        let url = &self.url;
        if error.is_builder() {
            return anyhow!("The request cannot be made: --token takes one word, and --url an address.");
        }
        if error.is_connect() {
            return anyhow!("Nothing answers at {url}. Start it with `makegood up`, or say where it is with --url.");
        }
        let what = if error.is_timeout() { "did not answer in time" } else { "broke the connection off" };
        anyhow!("{url} {what}. What was asked may be done all the same: look with `makegood saga show`.")
    }
}

impl Answer {
    pub fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_str(&self.0).context("The answer is not what Makegood answers. Is --url right?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use axum::routing::any;

    /// An installation that answers everything alike.
    async fn answering(status: StatusCode, body: &'static str) -> Installation {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(any(move || async move { (status, body) }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Installation::new(&url, None).unwrap()
    }

    async fn refusal(status: StatusCode, body: &'static str) -> String {
        let installation = answering(status, body).await;
        let Err(error) = installation.get("/api/execute/x").await else { panic!("{status} is a refusal") };
        error.to_string().replace(&installation.url, "URL")
    }

    #[tokio::test]
    async fn a_problem_is_told_with_its_title_detail_and_code() {
        let problem = r#"{"title": "Something else was first", "detail": "It is not paused.", "code": "conflict"}"#;
        let told = refusal(StatusCode::CONFLICT, problem).await;
        assert_eq!(told, "Something else was first: It is not paused. (conflict)");
    }

    #[tokio::test]
    async fn a_plan_that_breaks_several_rules_is_told_all_of_them() {
        let problem = r#"{"title": "The plan is not valid", "detail": "A. In all 2 things are wrong.", "code": "invalid_plan",
            "violations": [{"step": "a", "rule": "order", "message": "A."}, {"rule": "class", "message": "B."}]}"#;
        let told = refusal(StatusCode::UNPROCESSABLE_ENTITY, problem).await;
        assert!(told.ends_with("In all 2 things are wrong. (invalid_plan)\n- A. (order)\n- B. (class)"), "{told}");
        let one = r#"{"title": "T", "detail": "A.", "code": "c", "violations": [{"rule": "order", "message": "A."}]}"#;
        assert_eq!(refusal(StatusCode::UNPROCESSABLE_ENTITY, one).await, "T: A. (c)");
    }

    #[tokio::test]
    async fn who_must_say_who_they_are_is_told_how() {
        let problem = r#"{"title": "Who are you?", "detail": "Send a token.", "code": "unauthenticated"}"#;
        let told = refusal(StatusCode::UNAUTHORIZED, problem).await;
        assert!(told.starts_with("Who are you? Send a token. A token goes into --token"), "{told}");
    }

    #[tokio::test]
    async fn another_server_is_not_taken_for_an_installation() {
        let told = refusal(StatusCode::BAD_GATEWAY, "<html>").await;
        assert_eq!(told, "URL answered 502 Bad Gateway, and not as Makegood does. Is --url right?");
        let installation = answering(StatusCode::OK, "<html>").await;
        let answer = installation.get("/").await.unwrap();
        assert!(answer.read::<Value>().is_err());
    }

    #[tokio::test]
    async fn where_nothing_listens_it_says_how_to_start_it() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let installation = Installation::new(&format!("http://{free}"), Some("t")).unwrap();
        let Err(error) = installation.post("/api/execute/x/pause", None).await else { panic!("nobody is there") };
        assert!(error.to_string().contains("Start it with `makegood up`"), "{error}");
    }

    #[test]
    fn what_is_no_address_is_refused_at_once() {
        for url in ["", "127.0.0.1:3000", "file:///tmp"] {
            assert!(Installation::new(url, None).is_err(), "{url}");
        }
    }
}
