//! What the functions and the tools answer at their addresses.

use http::Method;

use super::{Finding, Services};

pub async fn check(services: &Services<'_>) -> Vec<Finding> {
    vec![functions(services).await, tools(services).await]
}

async fn get(services: &Services<'_>, url: &str) -> Result<makegood_gateway::Response, String> {
    let request = http::Request::builder().method(Method::GET).uri(url).body(bytes::Bytes::new());
    let request = request.map_err(|_| "it is not an address".to_owned())?;
    services.fetch(request).await.map_err(|error| error.to_string())
}

/// Not deployed yet is no fault: the doctor is asked before as well as after.
async fn functions(services: &Services<'_>) -> Finding {
    const ABOUT: &str = "functions";
    let url = format!("{}/api/debug/health", services.get("public_url"));
    match get(services, &url).await {
        Ok(answer) if answer.status() == 200 => Finding::well(ABOUT, format!("{url} says that all is well")),
        Ok(answer) if answer.status() == 503 => Finding::wrong(
            ABOUT,
            format!("{url} says that the functions do not reach their database"),
            "Look at the variables that the functions were deployed with, and at their log.",
        ),
        Ok(answer) => Finding::wrong(
            ABOUT,
            format!("{url} answers {}, so something else is deployed there", answer.status()),
            "Look at public_url, and at the routes of what is deployed there.",
        ),
        Err(cause) => Finding::note(
            ABOUT,
            format!("{url} does not answer ({cause})"),
            "Deploy them, or look at public_url if they are deployed.",
        ),
    }
}

/// Any answer will do: what stands before a tool's name need not be an address of its own.
async fn tools(services: &Services<'_>) -> Finding {
    const ABOUT: &str = "tools' address";
    let url = services.get("tools_url");
    match get(services, url).await {
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
