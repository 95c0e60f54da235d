//! Money is held, taken, let go or given back, each once.

use serde_json::{Value, json};

use crate::setting::{Town, all, payment};

async fn authorised(town: &Town, key: &str) -> Value {
    let said = town.act("authorise_payment", key, payment(4_200)).await;
    json!({ "payment_id": said.body["payment_id"] })
}

pub async fn a_captured_payment_cannot_be_voided(town: Town) {
    let id = authorised(&town, "s:1:hold").await;
    let captured = town.act("capture_payment", "s:1:take", id.clone()).await;
    assert_eq!(captured.body["captured"], true);
    for _ in 0..2 {
        let undo = town.undo("authorise_payment", "s:1:hold").await;
        assert_eq!((undo.status, undo.code()), (409, "captured"));
    }
    assert_eq!(town.status("authorise_payment", "s:1:hold").await["state"], "done");
    assert_eq!(town.world().await["payments"][0]["state"], "captured");
    let twice = town.act("capture_payment", "s:1:again", id).await;
    assert_eq!((twice.status, twice.code()), (409, "captured"));
}

pub async fn a_voided_payment_cannot_be_captured(town: Town) {
    let id = authorised(&town, "s:1:hold").await;
    assert_eq!(town.undo("authorise_payment", "s:1:hold").await.body, json!({ "undone": true }));
    let said = town.act("capture_payment", "s:1:take", id).await;
    assert_eq!((said.status, said.code()), (409, "voided"));
    let said = town.act("capture_payment", "s:1:other", json!({ "payment_id": "PAY-99" })).await;
    assert_eq!((said.status, said.code()), (404, "unknown_payment"));
    assert_eq!(town.world().await["history"]["payments"][0]["state"], "voided");
}

pub async fn a_refund_follows_a_capture_once(town: Town) {
    let id = authorised(&town, "s:1:hold").await;
    let early = town.act("refund_payment", "s:1:early", id.clone()).await;
    assert_eq!((early.status, early.code()), (409, "not_captured"));
    town.act("capture_payment", "s:1:take", id.clone()).await;
    let refunded = town.act("refund_payment", "s:1:back", id.clone()).await;
    assert_eq!(refunded.body["refunded"], true);
    assert_eq!(town.act("refund_payment", "s:1:back", id.clone()).await, refunded);
    let twice = town.act("refund_payment", "s:1:twice", id).await;
    assert_eq!((twice.status, twice.code()), (409, "refunded"));
}

pub async fn too_much_is_refused(town: Town) {
    assert_eq!(town.act("authorise_payment", "s:1:a", payment(100_000)).await.status, 200);
    let said = town.act("authorise_payment", "s:1:b", payment(100_001)).await;
    assert_eq!((said.status, said.code()), (422, "limit"));
}

pub async fn capture_and_void_at_once_agree(town: Town) {
    let races = (0..20).map(|n| {
        let town = town.clone();
        async move {
            let (hold, take) = (format!("s{n}:1:hold"), format!("s{n}:1:take"));
            let id = authorised(&town, &hold).await;
            let (taken, voided) =
                tokio::join!(town.act("capture_payment", &take, id), town.undo("authorise_payment", &hold));
            match (taken.status, voided.status) {
                (200, 409) => assert_eq!(voided.code(), "captured"),
                (409, 200) => assert_eq!(taken.code(), "voided"),
                other => panic!("{other:?}"),
            }
        }
    });
    all(races).await;
}
