//! The models there are.

use serde_json::{Value, json};

use super::refusal::Refusal;

const CHAT: [&str; 2] = ["test-model", "gpt-4o-mini"];
const EMBEDDING: &str = "text-embedding-3-small";
/// When they are said to have been made: the first of January 2024.
const CREATED: u64 = 1_704_067_200;

pub fn list() -> Value {
    let data: Vec<Value> = CHAT.iter().chain([&EMBEDDING]).map(|id| model(id)).collect();
    json!({"object": "list", "data": data})
}

pub fn get(id: &str) -> Result<Value, Refusal> {
    if CHAT.contains(&id) || id == EMBEDDING { Ok(model(id)) } else { Err(unknown(id)) }
}

pub fn check_chat(id: &str) -> Result<(), Refusal> {
    match id {
        EMBEDDING => Err(Refusal::model(id, "is not a chat model")),
        id if CHAT.contains(&id) => Ok(()),
        id => Err(unknown(id)),
    }
}

pub fn check_embedding(id: &str) -> Result<(), Refusal> {
    match id {
        EMBEDDING => Ok(()),
        id if CHAT.contains(&id) => Err(Refusal::model(id, "is not an embedding model")),
        id => Err(unknown(id)),
    }
}

fn unknown(id: &str) -> Refusal {
    Refusal::model(id, "does not exist or you do not have access to it")
}

fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": CREATED, "owned_by": "makegood"})
}
