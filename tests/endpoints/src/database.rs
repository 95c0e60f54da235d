//! The embedded database, asked directly: for what no address tells, and for what no address can bring
//! about.

use serde_json::{Value, json};

use crate::platform::{Platform, answer};

/// The first value of the first row of a statement's answer, as text.
pub async fn scalar(platform: &Platform, sql: &str) -> Option<String> {
    let password = std::fs::read_to_string(platform.data().join("postgres/password")).unwrap();
    let connection = format!("postgres://makegood:{password}@localhost/makegood");
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
