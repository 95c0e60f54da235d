//! What is registered under a tool's version stays as it is, and the version that a build brings is the
//! current one.

use makegood_endpoints::database::scalar;
use makegood_endpoints::platform::{Options, Platform};

/// Registers a tool as it is, but for these fields; whether it was taken.
async fn register(platform: &Platform, tool: &str, version: &str, but: &str) -> bool {
    let definition = format!(
        "select (definition::jsonb || '{but}')::json from makegood.tool where name = '{tool}' and version = '{version}'"
    );
    let answer = scalar(platform, &format!("select makegood.register_tool_2(({definition}), 1)")).await;
    answer.as_deref() == Some("t")
}

async fn current(platform: &Platform, tool: &str) -> String {
    let sql = format!("select string_agg(version, ' ') from makegood.tool where name = '{tool}' and current");
    scalar(platform, &sql).await.unwrap()
}

#[tokio::test]
async fn a_version_is_never_changed_and_an_older_one_is_current_again_with_its_build() {
    let platform = Platform::start(Options::default()).await;
    let tool = "send_message";
    let first = current(&platform, tool).await;
    assert!(register(&platform, tool, &first, "{}").await, "the same again");
    assert!(!register(&platform, tool, &first, r#"{"cost_minor": 7}"#).await, "another under the same version");
    let kept = format!("select definition->>'cost_minor' from makegood.tool where name = '{tool}'");
    assert_ne!(scalar(&platform, &kept).await.unwrap(), "7");
    assert!(register(&platform, tool, &first, r#"{"version": "next", "cost_minor": 7}"#).await);
    assert_eq!(current(&platform, tool).await, "next");
    assert!(register(&platform, tool, &first, "{}").await, "the build was rolled back");
    assert_eq!(current(&platform, tool).await, first);
    assert!(register(&platform, tool, "next", "{}").await);
    assert_eq!(current(&platform, tool).await, "next");
}
