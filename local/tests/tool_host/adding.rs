//! What is taken for a tool, and for how long it is the same.

use http::StatusCode;
use makegood_local::tool_host::shelf::Pin;
use makegood_local::tools::describe;
use serde_json::json;

use crate::setting::{Setting, limits, odd, odd_in, odd_with_files, split_bill};

async fn why_not(wasm: &[u8]) -> String {
    format!("{:#}", describe(wasm, None).await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_tool_is_refused_with_the_reason() {
    assert_eq!(describe(split_bill(), None).await.unwrap().name, "split_bill");
    assert_eq!(describe(odd(), None).await.unwrap().name, "odd");
    let module = b"\0asm\x01\0\0\0";
    let nothing = b"\0asm\x0d\0\x01\0";
    for (wasm, why) in [
        (&b"not Wasm at all"[..], "this is not a Wasm component"),
        (module, "this is not a Wasm component"),
        (nothing, "export the world `tool`"),
        (&odd_with_files(), "wasi:filesystem"),
        (&odd_in("mode:name"), "`../odd` is no name for a tool"),
        (&odd_in("mode:schema"), "the input schema"),
        (&odd_in("mode:random"), "otherwise each time"),
        (&odd_in("mode:trap"), "it trapped"),
        (&odd_in("mode:loop"), "longer than 5s"),
    ] {
        let said = why_not(wasm).await;
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_code_is_refused_until_it_is_added_again() {
    let setting = Setting::new().await;
    setting.add(odd()).await;
    let host = setting.host(limits());
    assert_eq!(host.act("s:0:before", &json!({})).await.status, StatusCode::OK);

    let path = setting.code_of(odd());
    std::fs::write(&path, odd_in("mode:changed")).unwrap();
    assert_eq!(host.act("s:0:loaded", &json!({})).await.status, StatusCode::OK, "what is loaded is what was added");
    let host = setting.host(limits());
    let told = host.act("s:0:after", &json!({})).await;
    assert_eq!((told.status, told.code()), (StatusCode::UNPROCESSABLE_ENTITY, "tool_changed"));
    assert_eq!(host.act("s:0:before", &json!({})).await.body, json!({ "ok": true }), "what is kept is told");
    let undo = host.undo("s:0:before", &json!({})).await;
    assert_eq!((undo.status, undo.code()), (StatusCode::SERVICE_UNAVAILABLE, "tool_changed"), "not a no");
    assert_eq!(host.undo("s:0:after", &json!({})).await.body, json!({ "undone": false }));

    setting.add(odd()).await;
    let host = setting.host(limits());
    assert_eq!(host.act("s:1:after", &json!({})).await.status, StatusCode::OK);
    assert_eq!(host.undo("s:0:before", &json!({})).await.body, json!({ "undone": true }));
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_describes_itself_otherwise_is_refused() {
    let setting = Setting::new().await;
    let Pin { sha256, mut definition } = setting.add(odd()).await;
    definition.fence = false;
    setting.shelf().pin_to(&Pin { sha256, definition }).unwrap();
    let host = setting.host(limits());
    let told = host.act("s:0:1", &json!({})).await;
    assert_eq!((told.status, told.code()), (StatusCode::UNPROCESSABLE_ENTITY, "tool_changed"));
    let unknown_before =
        "insert into tool_host.keys (tool, key, state, params) values ('odd', 's:0:2', 'unknown', '{}')";
    setting.db.query(unknown_before, &[]).await.unwrap();
    let told = host.act("s:0:2", &json!({})).await;
    assert_eq!((told.status, told.code()), (StatusCode::SERVICE_UNAVAILABLE, "tool_changed"), "it may have acted");
    setting.db.close().await;
}
