//! What docs/DEPLOY.md tells people to type to prepare a database, typed: as it stands there, in a folder that has the
//! manifest, `production.env` and `tools/`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::Output;

use makegood_gateway::store;
use makegood_local::remote::Remote;
use makegood_postgres::Postgres;
use serde_json::{Value, json};
use tempfile::TempDir;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The guide's command among its steps that has these words in it.
fn documented(words: &str) -> String {
    let guide = std::fs::read_to_string(repository().join("docs/DEPLOY.md")).unwrap();
    let (_, rest) = guide.split_once("## The steps\n").unwrap();
    let (steps, _) = rest.split_once("\n## ").unwrap();
    let mut commands = steps.split('`').filter_map(|span| span.strip_prefix("cargo run -- "));
    let found = commands.find(|command| command.contains(words));
    found.unwrap_or_else(|| panic!("docs/DEPLOY.md has no command with {words:?} among its steps")).to_owned()
}

/// A folder as somebody would have it who deploys.
struct Folder(TempDir);

impl Folder {
    fn with(environment: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::copy(repository().join("spin.toml"), folder.path().join("spin.toml")).unwrap();
        std::fs::write(folder.path().join("production.env"), environment).unwrap();
        std::fs::create_dir(folder.path().join("tools")).unwrap();
        Self(folder)
    }

    /// The only files of tools there are.
    fn tools(&self, files: &[(&str, Value)]) {
        let tools = self.0.path().join("tools");
        std::fs::remove_dir_all(&tools).unwrap();
        std::fs::create_dir(&tools).unwrap();
        for (name, tool) in files {
            std::fs::write(tools.join(name), tool.to_string()).unwrap();
        }
    }

    /// Types a command of the guide.
    async fn run(&self, command: &str) -> Output {
        let typed = format!("exec {} {command}", env!("CARGO_BIN_EXE_makegood"));
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-c", &typed]).current_dir(self.0.path());
        shell.output().await.unwrap()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The versions that plans made now would use, by tool.
async fn known(remote: &Remote, names: &[&str]) -> Vec<(String, String)> {
    let rows = remote.query(store::TOOLS, &[None]).await.unwrap();
    let tools: store::Tools = store::read(rows).unwrap().unwrap_or_default();
    let of = |name: &&str| tools.get(*name).map(|tool| (tool.name.clone(), tool.version.clone()));
    names.iter().filter_map(of).collect()
}

fn tool(name: &str, version: &str) -> Value {
    let town = makegood_town::definitions();
    let mut tool = town.into_iter().find(|tool| tool["name"] == "book_restaurant_table").unwrap();
    tool["name"] = json!(name);
    tool["version"] = json!(version);
    tool
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_guide_prepare_a_database_and_lose_nothing_where_something_is_wrong() {
    let data = TempDir::new().unwrap();
    let postgres = Postgres::embedded(data.path()).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sql", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, postgres.router()).into_future());
    let connection = postgres.connection_string().to_owned();
    let remote = Remote::new(&url, &connection);
    let folder = Folder::with(&format!("DATABASE_HTTP_URL={url}\nDATABASE_URL=\"{connection}\"\n"));
    let (migrate, register, doctor) = (documented("migrate"), documented("tools/*.json"), documented("doctor"));

    // One file of each shape that the guide names.
    let sample = json!({"tool": tool("d", "1"), "params": {}});
    let listed = json!([tool("b", "1"), tool("c", "1")]);
    folder.tools(&[("a.json", tool("a", "1")), ("b.json", listed), ("d.json", sample)]);
    let all = ["a", "b", "c", "d", "e"];

    let early = folder.run(&register).await;
    assert!(!early.status.success() && said(&early).contains("makegood migrate"), "{}", said(&early));

    for _ in 0..2 {
        let migrated = folder.run(&migrate).await;
        assert!(migrated.status.success(), "{}", said(&migrated));
        let registered = folder.run(&register).await;
        assert!(registered.status.success(), "{}", said(&registered));
        let there = known(&remote, &all).await;
        assert_eq!(there, ["a", "b", "c", "d"].map(|name| (name.to_owned(), "1".to_owned())));
    }
    let told = said(&folder.run(&doctor).await);
    assert!(told.contains("ok     migrations: ") && told.contains("ok     tools: 4 are registered"), "{told}");

    // Of files one of which cannot be read, nothing is registered.
    folder.tools(&[("a.json", tool("e", "1")), ("b.json", json!({"name": "f"}))]);
    let broken = folder.run(&register).await;
    assert!(!broken.status.success() && said(&broken).contains("tools/b.json"), "{}", said(&broken));
    assert_eq!(known(&remote, &["e", "f"]).await, []);

    // What changes needs a new version, and has one from then on.
    let mut changed = tool("a", "1");
    changed["cost_minor"] = json!(1);
    folder.tools(&[("a.json", changed.clone())]);
    let refused = folder.run(&register).await;
    assert!(!refused.status.success() && said(&refused).contains("a new version"), "{}", said(&refused));
    changed["version"] = json!("2");
    folder.tools(&[("a.json", changed)]);
    let taken = folder.run(&register).await;
    assert!(taken.status.success(), "{}", said(&taken));
    assert_eq!(known(&remote, &["a"]).await, [("a".to_owned(), "2".to_owned())]);

    server.abort();
    postgres.close().await;
}
