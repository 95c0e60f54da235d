//! The platform's database, embedded or not, asked directly: for what no address tells, and for what no address can
//! bring about.

use serde_json::{Value, json};

use crate::platform::{Platform, answer};

/// The first value of the first row of a statement's answer, as text.
pub async fn scalar(platform: &Platform, sql: &str) -> Option<String> {
    let clients = std::fs::read_to_string(platform.data().join("clients.env")).unwrap();
    let connection = clients.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap().trim_matches('\'');
    let request = platform
        .request("POST", "/emulators/neon/sql")
        .header("neon-connection-string", connection)
        .header("neon-raw-text-output", "true")
        .header("neon-array-mode", "true")
        .json(&json!({"query": sql, "params": []}));
    let answer = answer(request).await;
    assert_eq!(answer.status, 200, "{sql}: {answer:?}");
    answer.json()["rows"].get(0).and_then(|row| row.get(0)).and_then(Value::as_str).map(str::to_owned)
}
