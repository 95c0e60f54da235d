//! `makegood doctor`: content with a platform that is up, and clear about every fault that is planted.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use makegood_core::time::Millis;
use makegood_endpoints::binary;
use makegood_endpoints::platform::{Options, Platform};
use makegood_local::configuration::Configuration;
use makegood_local::doctor::{Finding, examine};
use serde_json::Value;
use tokio::process::Command;

/// The variables of a deployment that uses the platform's services.
fn variables(platform: &Platform) -> BTreeMap<String, String> {
    let read = |file: &str| std::fs::read_to_string(platform.data().join(file)).unwrap();
    let secrets: Value = serde_json::from_str(&read("secrets.json")).unwrap();
    let secret = |name: &str| secrets[name].as_str().unwrap().to_owned();
    let clients = read("clients.env");
    let database = clients.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap().trim_matches('\'');
    let url = &platform.url;
    [
        ("database_host", url.clone()),
        ("redis_host", url.clone()),
        ("qstash_host", url.clone()),
        ("tools_host", url.clone()),
        ("database_http_url", format!("{url}/emulators/neon/sql")),
        ("database_url", database.to_owned()),
        ("redis_rest_url", format!("{url}/emulators/redis")),
        ("redis_rest_token", secret("redis_token")),
        ("qstash_url", format!("{url}/emulators/qstash")),
        ("qstash_token", secret("qstash_token")),
        ("qstash_current_signing_key", secret("qstash_current_key")),
        ("qstash_next_signing_key", secret("qstash_next_key")),
        ("public_url", url.clone()),
        ("tools_url", format!("{url}/demo/tools")),
        ("jwks_host", url.clone()),
        ("jwks_url", format!("{url}/emulators/issuer/.well-known/jwks.json")),
        ("issuers", format!("{{\"{url}/emulators/issuer\": {{\"audience\": [\"makegood\"]}}}}")),
        ("allow_anonymous", "true".to_owned()),
        ("time_budget_ms", "8500".to_owned()),
        ("kill_ms", "10000".to_owned()),
        ("user_concurrency", "0".to_owned()),
        ("cors_origins", String::new()),
        ("region", "test".to_owned()),
        ("model_host", url.clone()),
        ("fallback_model_host", url.clone()),
        ("model_url", format!("{url}/emulators/llm/v1")),
        ("model_name", "gpt-4o-mini".to_owned()),
        ("model_key", "test-key".to_owned()),
        ("mcp_servers", format!("{{\"town\": {{\"url\": \"{url}/demo/mcp\"}}}}")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

const SECRETS: [&str; 5] =
    ["database_url", "redis_rest_token", "qstash_token", "qstash_current_signing_key", "qstash_next_signing_key"];

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Millis(u64::try_from(since.as_millis()).unwrap())
}

/// What is said where some variables have other values.
async fn said(good: &BTreeMap<String, String>, planted: &[(&str, String)], at: Millis) -> Vec<Finding> {
    let mut values = good.clone();
    values.extend(planted.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let configuration = Configuration(values);
    let findings = examine(&configuration, at).await;
    for finding in &findings {
        let shown = finding.to_string();
        for name in SECRETS {
            let secret = configuration.get(name);
            assert!(secret.len() < 8 || !shown.contains(secret), "{name} is shown: {shown}");
        }
    }
    findings
}

/// Settings in the place of the right ones; what the finding is about that they must give, and words of it.
type Planted = (Vec<(&'static str, String)>, &'static str, &'static str);

#[tokio::test]
async fn a_platform_that_is_up_is_well_and_every_planted_fault_is_named() {
    let platform = Platform::start(Options::default()).await;
    let good = variables(&platform);

    let findings = said(&good, &[], now()).await;
    let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(all.iter().all(|line| line.starts_with("ok ")), "{all:#?}");
    for about in [
        "variables",
        "database",
        "clock",
        "migrations",
        "tools",
        "redis",
        "queue",
        "signing keys",
        "sweeper",
        "public_url",
        "functions",
        "issuers",
        "models",
        "MCP servers",
    ] {
        assert!(findings.iter().any(|finding| finding.about == about), "{about} was looked at: {all:#?}");
    }

    let nowhere = "http://127.0.0.1:9".to_owned();
    let in_the_cloud = platform.url.replace("127.0.0.1", "0.0.0.0");
    let in_the_cloud_url = format!("{in_the_cloud}/emulators/qstash");
    let text = str::to_owned;
    let rolled = good["qstash_current_signing_key"].clone();
    let wrong_password = good["database_url"].replacen(':', ":x", 2).replacen(":x//", "://", 1);
    let faults: Vec<Planted> = vec![
        (vec![("database_url", wrong_password)], "database", "the user or the password of database_url is not right"),
        (
            vec![("database_http_url", nowhere.clone()), ("database_host", nowhere.clone())],
            "database",
            "does not answer",
        ),
        (vec![("database_http_url", format!("{}/debug", platform.url))], "database", "not as a database does"),
        (vec![("database_http_url", String::new())], "database_http_url", "it has no value"),
        (vec![("database_http_url", text("postgres://h/d"))], "database_http_url", "it is neither http nor https"),
        (vec![("database_url", text("secretly.elsewhere"))], "database_url", "it is not postgres://"),
        (vec![("database_host", nowhere.clone())], "database_http_url", "its host is not what `database_host` lets"),
        (vec![("redis_rest_token", text("another-token"))], "redis", "redis_rest_token is not right"),
        (vec![("redis_rest_url", nowhere.clone()), ("redis_host", nowhere.clone())], "redis", "does not answer"),
        (vec![("qstash_token", text("another-token"))], "queue", "qstash_token is not right"),
        (vec![("qstash_url", nowhere.clone()), ("qstash_host", nowhere.clone())], "queue", "does not answer"),
        (vec![("qstash_url", platform.url.clone())], "queue", "not as the queue does"),
        (
            vec![("qstash_current_signing_key", text("sig_another"))],
            "signing keys",
            "qstash_current_signing_key is not",
        ),
        (vec![("qstash_next_signing_key", text("sig_another"))], "signing keys", "qstash_next_signing_key is not"),
        (
            vec![("qstash_next_signing_key", rolled), ("qstash_current_signing_key", text("sig_yesterday"))],
            "signing keys",
            "the queue's keys were rolled",
        ),
        (
            vec![("qstash_url", format!("{in_the_cloud}/emulators/qstash")), ("qstash_host", in_the_cloud.clone())],
            "public_url",
            "where a queue in the cloud cannot reach it",
        ),
        (vec![("public_url", format!("{}/", platform.url))], "public_url", "it ends in a slash"),
        (vec![("public_url", platform.url.replace("127.0.0.1", "localhost"))], "sweeper", "its schedule calls"),
        (vec![("public_url", format!("{}/demo", platform.url))], "functions", "something else is deployed there"),
        (vec![("public_url", nowhere.clone())], "functions", "does not answer"),
        (vec![("tools_url", nowhere.clone()), ("tools_host", nowhere.clone())], "tools' address", "is not reached"),
        (vec![("qstash_token", format!("{}\n", good["qstash_token"]))], "qstash_token", "begins or ends with a space"),
        (
            vec![("issuers", String::new()), ("jwks_url", format!("{}/demo/.well-known/jwks.json", platform.url))],
            "issuers",
            "not with a set of keys",
        ),
        (
            vec![
                ("issuers", String::new()),
                ("jwks_url", format!("{nowhere}/.well-known/jwks.json")),
                ("jwks_host", nowhere.clone()),
            ],
            "issuers",
            "does not answer",
        ),
        (vec![("issuers", String::new())], "issuers", "every token of"),
        (vec![("allow_anonymous", text("yes"))], "allow_anonymous", "neither `true` nor `false`"),
        (vec![("kill_ms", text("10s"))], "kill_ms", "it is not a whole number"),
        (vec![("kill_ms", text("8000"))], "time_budget_ms", "and is ended after 8000 ms"),
        (vec![("model_name", text("gpt-nobody"))], "models", "has no model `gpt-nobody`"),
        (vec![("model_key", String::new())], "models", "does not take the key"),
        (vec![("model_url", nowhere.clone()), ("model_host", nowhere.clone())], "models", "does not answer"),
        (
            vec![("mcp_servers", format!("{{\"town\": {{\"url\": \"{}/demo\"}}}}", platform.url))],
            "MCP servers",
            "`town` does not answer as one",
        ),
        (
            vec![("public_url", text("https://192.168.1.7")), ("qstash_url", in_the_cloud_url)],
            "public_url",
            "it is in a private network",
        ),
    ];
    for (planted, about, message) in faults {
        let findings = said(&good, &planted, now()).await;
        let found = findings.iter().any(|finding| finding.about == about && finding.to_string().contains(message));
        assert!(found, "{about} is to say {message:?} after {:?}: {findings:#?}", planted[0].0);
    }

    let findings = said(&good, &[], now() + Millis(90_000)).await;
    let clock: Vec<&Finding> = findings.iter().filter(|finding| finding.is_wrong()).collect();
    assert_eq!(clock.len(), 1, "{findings:#?}");
    assert!(
        clock[0].about == "clock" && clock[0].to_string().contains("this machine and the database are "),
        "{clock:?}"
    );

    the_command_reads_a_file_and_fails_where_something_is_wrong(&platform, &good).await;
}

async fn the_command_reads_a_file_and_fails_where_something_is_wrong(
    platform: &Platform,
    good: &BTreeMap<String, String>,
) {
    let file = platform.data().join("for-the-doctor.env");
    for (token, status) in [(good["redis_rest_token"].as_str(), 0), ("another-token", 1)] {
        let mut values = good.clone();
        values.insert("redis_rest_token".to_owned(), token.to_owned());
        let lines: String =
            values.iter().map(|(name, value)| format!("{}='{value}'\n", name.to_ascii_uppercase())).collect();
        std::fs::write(&file, lines).unwrap();
        let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spin.toml");
        let output = Command::new(tokio::task::spawn_blocking(binary::makegood).await.unwrap())
            .args(["doctor", "--env"])
            .arg(&file)
            .arg("--manifest")
            .arg(manifest)
            .output()
            .await
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(status), "{told}");
        assert_eq!(told.contains("WRONG  redis: redis_rest_token is not right"), status == 1, "{told}");
        assert!(!told.contains(token), "{told}");
    }
}
