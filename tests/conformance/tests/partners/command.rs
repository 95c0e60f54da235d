//! As a command would run it: a file, an address, and a tool behind real HTTP.

use makegood_conformance::{Outcome, run_cli};
use makegood_core::tool::Definition;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::partner::{Flaw, Partner, definition, sample};

/// Serves a partner on a free port of this machine, for as long as the test runs.
async fn served(flaw: Flaw) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/tools", listener.local_addr().unwrap());
    let router = Partner::new(flaw, "compensatable").router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn full() -> Value {
    definition("compensatable", true, true, true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_partner_passes_over_http() {
    let base = served(Flaw::None).await;
    let verdict = run_cli(&base, file(&sample(&full())).path(), &[], "").await.unwrap();
    assert!(verdict.passed() && verdict.left.is_empty(), "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flaw_is_found_over_http() {
    let base = served(Flaw::ChecksThenActs).await;
    let verdict = run_cli(&base, file(&sample(&full())).path(), &[], "").await.unwrap();
    assert!(matches!(verdict.of("many_dos_at_once_act_once"), Some(Outcome::Failed(_))), "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_names_a_secret_is_called_with_it_or_not_at_all() {
    let mut tool = full();
    tool["hosts"] = json!(["127.0.0.1"]);
    tool["secrets"] = json!({"x-api-key": "luigi"});
    let (base, sample) = (served(Flaw::None).await, file(&sample(&tool)));
    let error = run_cli(&base, sample.path(), &[], "{}").await.unwrap_err();
    assert!(format!("{error:#}").contains("the secret `luigi` is not configured"), "{error:#}");
    let verdict = run_cli(&base, sample.path(), &[], r#"{"luigi": "0123456789ab"}"#).await.unwrap();
    assert!(verdict.passed(), "{verdict}");
}

#[tokio::test]
async fn a_sample_may_name_a_registered_tool() {
    let known: Definition = serde_json::from_value(full()).unwrap();
    let base = served(Flaw::None).await;
    let named = file(&sample(&json!("count")));
    assert!(run_cli(&base, named.path(), &[known], "").await.unwrap().passed());
    let error = run_cli(&base, named.path(), &[], "").await.unwrap_err();
    assert!(error.to_string().contains("no registered tool count"), "{error:#}");
}

#[tokio::test]
async fn where_nobody_listens_the_verdict_says_so() {
    // Bound and let go: nobody listens there now.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/tools", listener.local_addr().unwrap());
    drop(listener);
    let verdict = run_cli(&base, file(&sample(&full())).path(), &[], "").await.unwrap();
    assert_eq!(verdict.failed().map(|(name, _)| name).collect::<Vec<_>>(), ["a_do_succeeds"]);
    assert!(verdict.to_string().contains("onnect"), "{verdict}");
}

#[tokio::test]
async fn a_file_that_is_no_sample_is_an_error() {
    let error = run_cli("http://127.0.0.1:1", file("{}").path(), &[], "").await.unwrap_err();
    assert!(format!("{error:#}").contains("missing field `tool`"), "{error:#}");
    let error = run_cli("http://127.0.0.1:1", "/nowhere/sample.json".as_ref(), &[], "").await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/sample.json"), "{error:#}");
}
