//! Answers of models, kept in Redis for a while under a hash of all that they follow from. Redis away
//! means that a model is asked again, and nothing else. What is kept is checked when it is taken out, as
//! if the model had just said it.

use makegood_core::proposal::Cache;
use makegood_core::time::Millis;
use makegood_gateway::hexadecimal;
use makegood_gateway::model::Question;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::chain::Models;
use super::prompt::VERSION;
use crate::host::{Host, Level};
use crate::redis;
use crate::settings::Settings;

const PATIENCE: Millis = Millis(500);

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    pub model: String,
    pub answer: String,
}

/// The key of a question: of the models, the version of the prompt, the message and those before it with what was
/// asked of them, the tools with their schemas, the user's name and the day, since all of these stand in it.
pub fn key(models: &Models, question: &Question) -> String {
    let names: Vec<[&str; 2]> =
        models.chain.iter().map(|candidate| [&*candidate.model.url, &*candidate.model.name]).collect();
    let schema = question.schema.as_ref().map(|(_, schema)| schema);
    let content = json!([VERSION, names, question.messages, schema]).to_string();
    format!("makegood:model:{}", hexadecimal(&Sha256::digest(content)))
}

pub async fn get<H: Host>(host: &H, settings: &Settings, key: &str) -> (Cache, Option<Kept>) {
    match redis::run(host, settings, &["GET", key], PATIENCE).await {
        Ok(value) => {
            let kept = value.as_str().and_then(|text| serde_json::from_slice(text.as_bytes()).ok());
            (if kept.is_some() { Cache::Hit } else { Cache::Miss }, kept)
        }
        Err(cause) => {
            host.log(Level::Warn, &format!("no cache of answers, asking a model: {cause}"));
            (Cache::Away, None)
        }
    }
}

/// Keeps an answer for `span`. Nobody waits for it.
pub async fn put<H: Host>(host: &H, settings: &Settings, key: String, kept: &Kept, span: Millis) {
    let (value, span) = (json!(kept).to_string(), span.0.to_string());
    let (later, settings) = (host.clone(), settings.clone());
    let keep = async move {
        if let Err(cause) = redis::run(&later, &settings, &["SET", &key, &value, "PX", &span], PATIENCE).await {
            later.log(Level::Warn, &format!("a model's answer is not kept: {cause}"));
        }
    };
    host.after(keep).await;
}
