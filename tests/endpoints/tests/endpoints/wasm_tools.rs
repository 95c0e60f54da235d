//! Tools in Wasm, as somebody meets them who writes one: built, added, tested, called by a saga, undone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{binary, journal, town};
use serde_json::{Value, json};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(90);

/// Runs `makegood tools …`: whether it succeeded, and what it printed.
async fn tools(arguments: &[&str], files: &[&Path]) -> (bool, String) {
    let mut command = Command::new(binary::makegood());
    command.arg("tools").args(arguments).args(files).current_dir(binary::root());
    let output = command.output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

/// Builds a tool with the command, and gives its component.
async fn built(folder: &str) -> PathBuf {
    tokio::task::spawn_blocking(binary::makegood).await.unwrap();
    let mut command = Command::new(binary::makegood());
    command.args(["tools", "build"]).arg(binary::root().join(folder)).current_dir(binary::root());
    command.env("CARGO_TARGET_DIR", binary::target_dir().join("tools"));
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    println!("{said}");
    said.lines().last().unwrap().into()
}

/// Where the command finds the platform: its folder, and its variables.
fn place(platform: &Platform) -> [String; 4] {
    let data = platform.data();
    let env = data.join("clients.env");
    ["--data-dir".to_owned(), data.display().to_string(), "--env".to_owned(), env.display().to_string()]
}

async fn add(platform: &Platform, component: &Path) -> (bool, String) {
    let place = place(platform);
    let arguments: Vec<&str> = ["add"].into_iter().chain(place.iter().map(String::as_str)).collect();
    tools(&arguments, &[component]).await
}

fn split(to: &str) -> Value {
    json!({"id": "bill", "tool": "split_bill", "params": {
        "total_minor": 10_001, "currency": "EUR", "tip_percent": 10, "guests": [{"name": "Ada"}, {"name": to}, {"name": "Kim"}],
    }})
}

fn message(to: &str) -> Value {
    json!({"id": "word", "tool": "send_message", "params": {"to": to, "text": "$bill.split_id"}})
}

async fn carried_out(platform: &Platform, steps: &Value) -> (String, Value) {
    let id = journal::execute(platform, &json!({"summary": "The bill", "steps": steps})).await;
    let saga = journal::rest(platform, &id, PATIENCE).await;
    (id, saga)
}

fn step<'a>(saga: &'a Value, id: &str) -> &'a Value {
    saga["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("{id}: {saga:#}"))
}

async fn state(platform: &Platform, tool: &str, key: &str) -> Value {
    let asked = platform.request("GET", &format!("/tools/{tool}/status")).header("idempotency-key", key);
    answer(asked).await.json()["state"].take()
}

#[tokio::test]
async fn a_tool_in_wasm_is_added_checked_called_and_undone() {
    let component = built("local/tools/split_bill").await;
    let platform = Platform::start(Options::default()).await;
    let [data, env] = [platform.data(), platform.data().join("clients.env")].map(|path| path.display().to_string());

    let unknown = json!({"plan": {"summary": "The bill", "steps": [split("Sam")]}});
    platform.post("/api/execute", &unknown, 422).await;
    let (shown, said) = tools(&["add", "--dry-run", "--data-dir", &data, "--env", &env], &[&component]).await;
    assert!(shown && said.contains("\"name\": \"split_bill\"") && said.contains("new"), "{said}");
    platform.post("/api/execute", &unknown, 422).await;
    let (added, said) = add(&platform, &component).await;
    assert!(added, "{said}");
    let (again, said) = add(&platform, &component).await;
    assert!(again && said.contains("as before"), "{said}");
    let (listed, said) = tools(&["list", "--env", &env], &[]).await;
    assert!(listed && said.contains("split_bill"), "{said}");
    let sample = binary::root().join("local/tools/split_bill/sample.json");
    let url = format!("{}/tools", platform.url);
    let (passed, said) = tools(&["test", "--url", &url, "--env", &env], &[&sample]).await;
    assert!(passed, "{said}");

    let (id, saga) = carried_out(&platform, &json!([split("Sam"), message("Sam")])).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let output = &step(&saga, "bill")["output"];
    let amounts: Vec<u64> =
        output["shares"].as_array().unwrap().iter().map(|share| share["amount_minor"].as_u64().unwrap()).collect();
    assert_eq!(amounts, [3_667, 3_667, 3_667]);
    assert_eq!(output["total_minor"], 11_001);
    assert_eq!(state(&platform, "split_bill", &format!("{id}:0:0")).await, "done");
    let world = town::world(&platform).await;
    assert_eq!(world["messages"][0]["text"], output["split_id"]);

    town::fault(&platform, &json!({"tool": "send_message", "kind": "refuse"})).await;
    let (id, saga) = carried_out(&platform, &json!([split("Kai"), message("Kai")])).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
    assert_eq!(step(&saga, "bill")["standing"], "undone", "{saga:#}");
    assert_eq!(state(&platform, "split_bill", &format!("{id}:0:0")).await, "undone");

    // Two guests of one name: the tool's own no.
    let (_, saga) = carried_out(&platform, &json!([split("Ada")])).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
    assert!(saga["cause"].as_str().unwrap().contains("same_name_twice"), "{}", saga["cause"]);
}

#[tokio::test]
async fn a_saga_with_a_tool_that_never_answers_is_made_good() {
    let component = built("local/tests/tool-guest").await;
    let platform = Platform::start(Options::arguments(&["--tool-time-ms", "500", "--tool-memory-mib", "32"])).await;
    let (added, said) = add(&platform, &component).await;
    assert!(added, "{said}");
    for what in ["loop", "allocate", "trap", "wrong output"] {
        let table = json!({"id": "well", "tool": "odd", "params": {}});
        let odd = json!({"id": "odd", "tool": "odd", "params": {"do": what}, "after": ["well"]});
        let (id, saga) = carried_out(&platform, &json!([table, odd])).await;
        assert_eq!(saga["phase"], "made_good", "{what}: {saga:#}");
        for node in 0..2 {
            assert_eq!(state(&platform, "odd", &format!("{id}:0:{node}")).await, "undone", "{what}: {saga:#}");
        }
    }
    let log = platform.complaints();
    for why in
        ["longer than 500ms", "more memory than 32 MiB", "it trapped", "is not taken: it does not fit the schema"]
    {
        assert!(log.contains(why), "{why} is not in the log: {log}");
    }
    platform.get("/api/debug/health").await;
}

#[tokio::test]
async fn a_component_goes_only_where_a_platform_was_and_takes_nobodys_name() {
    let component = built("local/tools/split_bill").await;
    let platform = Platform::start(Options::default()).await;
    let elsewhere = tempfile::TempDir::new().unwrap();
    let env = platform.data().join("clients.env").display().to_string();
    let folder = elsewhere.path().display().to_string();
    let (added, said) = tools(&["add", "--data-dir", &folder, "--env", &env], &[&component]).await;
    assert!(!added && said.contains("No platform has used"), "{said}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);

    let (shown, definition) = tools(&["show", "send_message", "--env", &env], &[]).await;
    assert!(shown);
    let mut definition: Value = serde_json::from_str(&definition).unwrap();
    definition["name"] = json!("split_bill");
    let file = elsewhere.path().join("http.json");
    std::fs::write(&file, definition.to_string()).unwrap();
    let (taken, said) = tools(&["add", "--env", &env], &[&file]).await;
    assert!(taken, "{said}");
    let (added, said) = add(&platform, &component).await;
    assert!(!added && said.contains("a tool over HTTP already"), "{said}");
    assert!(!platform.data().join("tools").exists(), "nothing is put there");
}
