//! PostgreSQL: each row that was acknowledged is there, and of a transaction all or nothing.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{CLIENTS, Emulator, answer, kills};

/// How a client reaches it.
#[derive(Clone)]
struct Database {
    client: reqwest::Client,
    url: String,
    connection: String,
}

impl Database {
    fn of(emulator: &Emulator) -> Self {
        let variable = |name: &str| emulator.variables[name].clone();
        Self {
            client: reqwest::Client::new(),
            url: variable("DATABASE_HTTP_URL"),
            connection: variable("DATABASE_URL"),
        }
    }

    async fn send(&self, body: &Value) -> Option<Value> {
        answer(self.client.post(&self.url).header("neon-connection-string", &self.connection).json(body)).await
    }

    async fn names(&self, table: &str) -> HashSet<String> {
        let answer = self.send(&json!({"query": format!("select name from {table}"), "params": []})).await.unwrap();
        let rows = answer["rows"].as_array().unwrap();
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// Inserts one row after the other, each twice in a transaction too, until there is no answer.
async fn insert(database: Database, name: String) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let name = format!("{name}, {n}");
        let into = |table: &str| json!({"query": format!("insert into {table} values ($1)"), "params": [name]});
        let both = json!({"queries": [into("first"), into("second")]});
        for body in [into("single"), both] {
            if database.send(&body).await.is_none() {
                return acknowledged;
            }
        }
        acknowledged.push(name);
    }
    acknowledged
}

#[tokio::test]
async fn every_acknowledged_commit_survives_kill_9() {
    let mut emulator = Emulator::start("postgres");
    let database = Database::of(&emulator);
    for table in ["single", "first", "second"] {
        let create = json!({"query": format!("create table {table} (name text primary key)"), "params": []});
        database.send(&create).await.unwrap();
    }
    let mut acknowledged = Vec::new();
    for kill in 1..=kills() {
        let database = Database::of(&emulator);
        let clients = (0..CLIENTS).map(|client| insert(database.clone(), format!("{kill}, {client}")));
        let here = emulator.killed_under(clients).await.concat();
        acknowledged.extend(here);
        emulator.restart();
        let database = Database::of(&emulator);
        let (single, first) = (database.names("single").await, database.names("first").await);
        for table in [&single, &first] {
            let lost: Vec<_> = acknowledged.iter().filter(|name| !table.contains(*name)).collect();
            assert!(lost.is_empty(), "kill {kill}: {lost:?}");
        }
        assert_eq!(first, database.names("second").await, "kill {kill}: a part of a transaction");
        eprintln!("kill {kill}: {} rows acknowledged, in three tables; all are there", acknowledged.len());
    }
    assert!(!acknowledged.is_empty(), "nothing was acknowledged");
}
