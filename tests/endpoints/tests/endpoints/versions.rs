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

#[tokio::test]
async fn a_server_that_was_asked_has_said_nothing_until_it_says_the_same() {
    let platform = Platform::start(Options::default()).await;
    let version = current(&platform, "send_message").await;
    let but = r#"{"name": "x_look", "examples": [{"say": "Look"}],
        "mcp": {"server": "x", "era": "modern", "tool": "look", "pin": "p"}}"#;
    assert!(register(&platform, "send_message", &version, but).await);
    let of_the_tool = async |what: &str| {
        scalar(&platform, &format!("select ({what})::text from makegood.tool where name = 'x_look'")).await
    };
    // The platform's own sweeps ask as well; none of them finds a server of this name.
    let due = "select (makegood.look_at_tools_2(9000000000000000, 200))->>'server'";
    assert_eq!(scalar(&platform, due).await.as_deref(), Some("x"));
    assert_eq!(scalar(&platform, "select makegood.look_at_tools_2(100, 300)").await, None, "it was asked");
    assert_eq!(of_the_tool("looked_at").await, None, "and has not answered");
    let saw = r#"select makegood.saw_tools('["x_look"]', 250)"#;
    assert_eq!(scalar(&platform, saw).await.as_deref(), Some("true"));
    assert_eq!(of_the_tool("looked_at").await.as_deref(), Some("250"));
    let terms = of_the_tool("terms").await.unwrap();
    assert!(terms.contains("\"output\"") && terms.contains("\"mcp\"") && !terms.contains("examples"), "{terms}");
}
