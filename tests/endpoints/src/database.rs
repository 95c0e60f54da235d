//! The platform's database, embedded or not, asked directly: for what no address tells, and for what no address can
//! bring about.

use serde_json::{Value, json};

use crate::platform::{Platform, answer};

/// One statement with the database's own password: the whole answer, or why it was refused.
///
/// # Errors
/// What the database says of a statement that it does not run.
pub async fn sql(platform: &Platform, statement: &str) -> Result<Value, String> {
    let clients = std::fs::read_to_string(platform.data().join("clients.env")).unwrap();
    let connection = clients.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap().trim_matches('\'');
    let request = platform
        .request("POST", "/emulators/neon/sql")
        .header("neon-connection-string", connection)
        .header("neon-raw-text-output", "true")
        .header("neon-array-mode", "true")
        .json(&json!({"query": statement, "params": []}));
    let answer = answer(request).await;
    if answer.status == 200 { Ok(answer.json()) } else { Err(answer.text) }
}

/// The first value of the first row of a statement's answer, as text.
pub async fn scalar(platform: &Platform, statement: &str) -> Option<String> {
    let answer = sql(platform, statement).await.unwrap_or_else(|why| panic!("{statement}: {why}"));
    answer["rows"].get(0).and_then(|row| row.get(0)).and_then(Value::as_str).map(str::to_owned)
}
