//! A source for trying webhooks out: the local platform has it besides those that it is given. Its secret is made of the
//! data folder's own, and leaves it with nobody.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood_gateway::webhook::sources::{plain, read};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::secrets::Secrets;

/// What it is called.
pub const DEMO: &str = "demo";

/// The sources that are given, and the one for trying out unless one of that name is given.
pub fn with_demo(given: &str, secrets: &Secrets) -> anyhow::Result<String> {
    // Read first, so that what is wrong is said by whoever starts it, and not by the first delivery.
    read(given).map_err(|why| anyhow::anyhow!("webhook_sources: {why}."))?;
    let plain = plain(given);
    let mut all: Map<String, Value> = if plain.trim().is_empty() { Map::new() } else { serde_json::from_str(&plain)? };
    all.entry(DEMO).or_insert_with(|| {
        let key = Sha256::digest(secrets.key_of("webhook"));
        json!({
            "scheme": "standard", "secrets": [format!("whsec_{}", STANDARD.encode(key))], "owner": "anonymous",
            "rules": [
                {"name": "event", "when": {"type": "event"}, "then": {"event": {
                    "saga": "$body.data.saga", "name": "$body.data.name", "payload": "$body.data.payload"}}},
                {"name": "message", "when": {"type": "message"}, "then": {"start": {"plan": {
                    "summary": "A message that a webhook asked for", "steps": [
                        {"id": "text", "tool": "send_message", "params": {"to": "$body.data.to", "text": "$body.data.text"}}]}}}},
            ],
        })
    });
    Ok(Value::Object(all).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_stays_and_the_one_for_trying_out_stands_beside_it() {
        let folder = tempfile::TempDir::new().unwrap();
        let secrets = Secrets::load(folder.path()).unwrap();
        let given = json!({"mine": {"scheme": "github", "secrets": ["hush"], "owner": "ann"}}).to_string();
        let both = read(&with_demo(&given, &secrets).unwrap()).unwrap();
        assert_eq!(both.keys().collect::<Vec<_>>(), ["demo", "mine"]);
        assert_eq!(both[DEMO].rules.len(), 2);
        let own = json!({"demo": {"scheme": "github", "secrets": ["hush"], "owner": "ann"}}).to_string();
        assert_eq!(read(&with_demo(&own, &secrets).unwrap()).unwrap()[DEMO].owner, "ann");
        let refused = with_demo("{", &secrets).unwrap_err().to_string();
        assert!(refused.contains("webhook_sources"), "{refused}");
    }
}
