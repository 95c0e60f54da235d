//! Fifty at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use makegood_endpoints::platform::answer;
use makegood_endpoints::sse;
use serde_json::{Value, json};

use super::DINNER;
use crate::case::Case;
use crate::site::Site;

const MANY: usize = 50;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("fifty previews at once are all answered", previews),
        Case::new("fifty sagas at once, half of them followed, all complete", sagas),
        Case::new("fifty requests under one key start one saga", one_key),
    ]
}

async fn previews(site: Arc<Site>) {
    let answers = join_all((0..MANY).map(|_| answer(site.post("/api/intent", &json!({"message": DINNER}))))).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.json()["kind"]), (200, &json!("plan")), "{answer:?}");
    }
}

async fn sagas(site: Arc<Site>) {
    let one = async |n: usize| {
        let message = format!("Text Sam \"hello {n}\"");
        if n.is_multiple_of(2) {
            let accepted = answer(site.post("/api/chat", &json!({"message": message}))).await;
            assert_eq!(accepted.status, 202, "{accepted:?}");
            return accepted.json()["saga"].as_str().unwrap().to_owned();
        }
        let followed = answer(site.stream(&message)).await;
        assert_eq!(followed.status, 200, "{followed:?}");
        let events = sse::events(&followed.text);
        let last = events.last().unwrap_or_else(|| panic!("no event: {followed:?}"));
        assert!(["end", "pause"].contains(&last.name.as_str()), "it was cut: {events:#?}");
        events[0].data["saga"].as_str().unwrap().to_owned()
    };
    let sagas: BTreeSet<String> = join_all((0..MANY).map(one)).await.into_iter().collect();
    assert_eq!(sagas.len(), MANY);
    for saga in &sagas {
        assert_eq!(site.rest(saga).await["phase"], "completed");
    }
    assert_eq!(site.active().await, [0, 0, MANY, 0, 0, 0]);
}

async fn one_key(site: Arc<Site>) {
    let body = json!({"message": "Text Sam \"only once\"", "key": "fifty of them"});
    let answers = join_all((0..MANY).map(|_| answer(site.post("/api/chat", &body)))).await;
    let sagas: Vec<Value> = answers.iter().map(|answer| answer.json()).collect();
    assert!(answers.iter().all(|answer| answer.status == 202), "{answers:?}");
    assert!(sagas.iter().all(|saga| saga["saga"] == sagas[0]["saga"]), "{sagas:?}");
    assert_eq!(sagas.iter().filter(|saga| saga["created"] == true).count(), 1, "{sagas:?}");
    assert_eq!(site.rest(sagas[0]["saga"].as_str().unwrap()).await["phase"], "completed");
    assert_eq!(site.active().await, [0, 0, 1, 0, 0, 0]);
}
