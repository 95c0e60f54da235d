//! No secret is said or kept where it should not be: every secret setting has a canary for its value, all that a
//! platform does is done, well and badly, and then everything that came out of it is searched.
//!
//! The services that are not the platform's own are a parrot, which refuses everything and says again whatever it was
//! told, headers included: what is worst in them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use makegood_core::time::Millis;
use makegood_edge::settings::{Kind, Setting, TABLE};
use makegood_endpoints::canaries::Canaries;
use makegood_endpoints::platform::{Options, Platform};
use makegood_endpoints::{binary, database, hooks, journal, poll, queue, town};
use makegood_gateway::webhook::sign;
use makegood_gateway::webhook::sources::read;
use serde_json::{Value, json};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(60);

/// Where a secret lies because it has to: in the file that keeps it, and in the one that clients read. The queue has to
/// know where it brings alerts.
const KEPT: [(&str, &[&str]); 4] = [
    (
        "secrets.json",
        &["issuer", "qstash_current_signing_key", "qstash_next_signing_key", "qstash_token", "redis_rest_token"],
    ),
    (
        "clients.env",
        &[
            "database_url",
            "mcp_servers",
            "qstash_current_signing_key",
            "qstash_next_signing_key",
            "qstash_token",
            "redis_rest_token",
            "tool_secrets",
        ],
    ),
    ("postgres/password", &["database_url"]),
    ("qstash", &["alert_url"]),
];

/// A service that refuses everything, in words of its client's.
struct Parrot {
    url: String,
    /// What it was told of the log.
    logs: Arc<Mutex<Vec<String>>>,
}

impl Parrot {
    async fn start() -> Self {
        let logs = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&logs);
        let repeat = async move |uri: Uri, headers: HeaderMap, body: Bytes| {
            if uri.path().ends_with("/v1/logs") {
                kept.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
            }
            // What it was shown first, for whoever keeps the beginning only.
            let shown = ["authorization", "neon-connection-string"].map(|name| headers.get(name));
            let told =
                format!("I do not take {shown:?} at {uri} with {headers:?} and {}", String::from_utf8_lossy(&body));
            let status = match uri.path() {
                // In the database's words, so that it is taken for a refusal of the statement.
                "/sql" => StatusCode::BAD_REQUEST,
                path if path.starts_with("/second") => StatusCode::FORBIDDEN,
                path if path.starts_with("/alerts") => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::UNAUTHORIZED,
            };
            let said =
                json!({"code": "28P01", "message": told, "error": {"message": told, "code": told, "type": told}});
            (status, axum::Json(said))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(repeat)).await });
        Self { url, logs }
    }
}

/// Everything that was said to somebody: by whom, and what.
#[derive(Default)]
struct Said(Vec<(String, String)>);

impl Said {
    /// Sends a request and keeps the whole answer, headers included. That there is none is an answer too.
    async fn ask(&mut self, request: reqwest::RequestBuilder) -> Option<(u16, String)> {
        let request = request.build().unwrap();
        let what = format!("{} {}", request.method(), request.url().path());
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let response = client.execute(request).await.ok()?;
        let (status, headers) = (response.status().as_u16(), format!("{:?}", response.headers()));
        let text = response.text().await.unwrap_or_default();
        self.0.push((what, format!("{headers}\n{text}")));
        Some((status, text))
    }

    /// Runs `makegood` with these arguments, and keeps what it prints.
    async fn run(&mut self, arguments: &[&str], environment: &[(&str, &str)]) -> bool {
        let mut command = Command::new(binary::makegood());
        command.args(arguments).current_dir(binary::root()).env("MAKEGOOD_LOG", "debug").kill_on_drop(true);
        command.envs(environment.iter().copied());
        let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        for text in [output.stdout, output.stderr] {
            self.0.push((format!("makegood {}", arguments[0]), String::from_utf8_lossy(&text).into_owned()));
        }
        output.status.success()
    }
}

/// The secret settings, each with a canary.
struct Planted {
    canaries: Canaries,
    /// The values of the settings.
    values: BTreeMap<&'static str, String>,
}

fn plant(parrot: &str) -> Planted {
    let mut canaries = Canaries::default();
    let mut values = BTreeMap::new();
    for setting in TABLE.iter().filter(|setting| setting.secret) {
        let canary = canaries.of(setting.name);
        let value = match setting.name {
            "alert_url" => format!("{parrot}/alerts/{canary}"),
            "database_url" => format!("postgres://makegood:{canary}@localhost/makegood"),
            "mcp_servers" => json!({"mole": {"url": format!("{parrot}/mcp"), "token": canary}}).to_string(),
            "tool_secrets" => json!({"mole": canary}).to_string(),
            "webhook_sources" => json!({"mole": {
                "scheme": "stripe", "secrets": [canary], "owner": "anonymous",
                "rules": [{"name": "text", "then": {"start": {"plan": {"summary": "A text", "steps": [
                    {"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "$body.data"}}]}}}}],
            }})
            .to_string(),
            "ably_key" => format!("app.id:{canary}"),
            "otlp_headers" | "tempo_headers" => format!("api-key={canary}"),
            "fallback_model_key"
            | "model_key"
            | "qstash_current_signing_key"
            | "qstash_next_signing_key"
            | "qstash_token"
            | "redis_rest_token"
            | "subscription_key" => canary,
            other => {
                panic!("`{other}` is a secret: give its canary to whatever uses it, in `options`, and name it here")
            }
        };
        values.insert(setting.name, value);
    }
    // What users come with is as secret, and what the issuer of development tokens signs with.
    for name in ["bearer", "issuer"] {
        values.insert(name, canaries.of(name));
    }
    Planted { canaries, values }
}

/// How the platform is started, so that each of them is its own.
fn options(parrot: &str, values: &BTreeMap<&str, String>) -> Options {
    let secrets = json!({
        "jwt": values["issuer"], "redis_token": values["redis_rest_token"], "qstash_token": values["qstash_token"],
        "qstash_current_key": values["qstash_current_signing_key"], "qstash_next_key": values["qstash_next_signing_key"],
    });
    let (_, password) = values["database_url"].split_once("makegood:").unwrap();
    let (password, _) = password.split_once('@').unwrap();
    let environment = [
        ("MAKEGOOD_LOG", "info,makegood=debug,makegood_local=debug,makegood_cloud=debug"),
        ("MAKEGOOD_ALERT_URL", &values["alert_url"]),
        ("MAKEGOOD_MCP_SERVERS", &values["mcp_servers"]),
        (hooks::VARIABLE, &values["webhook_sources"]),
        ("SPIN_VARIABLE_TOOL_SECRETS", &values["tool_secrets"]),
        ("SPIN_VARIABLE_ABLY_HOST", parrot),
        ("SPIN_VARIABLE_ABLY_URL", &format!("{parrot}/ably")),
        ("SPIN_VARIABLE_ABLY_KEY", &values["ably_key"]),
        ("SPIN_VARIABLE_SUBSCRIPTION_KEY", &values["subscription_key"]),
        ("SPIN_VARIABLE_TRACE_EXPORT", "true"),
        ("SPIN_VARIABLE_OTLP_HOST", parrot),
        ("SPIN_VARIABLE_OTLP_ENDPOINT", &format!("{parrot}/otlp")),
        ("SPIN_VARIABLE_OTLP_HEADERS", &values["otlp_headers"]),
        // All that can be told of the log, though somebody else said it.
        ("SPIN_VARIABLE_OTLP_LOGS", "debug"),
        ("SPIN_VARIABLE_OTLP_CONTENTS", "true"),
        ("SPIN_VARIABLE_TEMPO_HOST", parrot),
        ("SPIN_VARIABLE_TEMPO_URL", &format!("{parrot}/tempo")),
        ("SPIN_VARIABLE_TEMPO_HEADERS", &values["tempo_headers"]),
        ("SPIN_VARIABLE_MODEL_HOST", parrot),
        ("SPIN_VARIABLE_MODEL_URL", &format!("{parrot}/first")),
        ("SPIN_VARIABLE_MODEL_NAME", "first"),
        ("SPIN_VARIABLE_MODEL_KEY", &values["model_key"]),
        ("SPIN_VARIABLE_FALLBACK_MODEL_HOST", parrot),
        ("SPIN_VARIABLE_FALLBACK_MODEL_URL", &format!("{parrot}/second")),
        ("SPIN_VARIABLE_FALLBACK_MODEL_NAME", "second"),
        ("SPIN_VARIABLE_FALLBACK_MODEL_KEY", &values["fallback_model_key"]),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    // The lock says that a platform has been there: without it, nobody's database is touched.
    let files = [
        ("makegood.lock", String::new()),
        ("secrets.json", secrets.to_string()),
        ("postgres/password", password.to_owned()),
    ];
    Options {
        environment: environment.into(),
        files: files.map(|(name, text)| (name.to_owned(), text)).into(),
        ..Options::default()
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Millis(u64::try_from(since.as_millis()).unwrap())
}

/// What strangers deliver: signed well, signed badly, and by nobody.
async fn deliveries(platform: &Platform, said: &mut Said, sources: &str) {
    let trust = read(sources).unwrap().remove("mole").unwrap().trust;
    let address = format!("{}/api/webhook/mole", platform.url);
    for (number, spoilt) in [false, true, false].into_iter().enumerate() {
        let id = format!("evt_{number}");
        let body = json!({"id": id, "type": "x", "data": "Hello"}).to_string();
        let headers = sign(&trust, &address, (&id, "x"), body.as_bytes(), now()).unwrap();
        let body = if spoilt { body.replace("Hello", "Hullo") } else { body };
        let mut request = platform.request("POST", "/api/webhook/mole").header("content-type", "application/json");
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let (status, text) = said.ask(request.body(body)).await.unwrap();
        assert_eq!(status / 100 == 2, !spoilt, "{text}");
    }
    said.ask(platform.request("POST", "/api/webhook/mole").body("{}")).await;
    said.ask(platform.request("POST", "/api/webhook/nobody").body("{}")).await;
}

/// What people and programs ask for, well and badly.
async fn requests(platform: &Platform, said: &mut Said, bearer: &str) {
    let get = |path: &str| platform.request("GET", path);
    let post = |path: &str, body: Value| platform.request("POST", path).json(&body);
    for message in ["Text Sam that dinner is at 7", "Wibble the frobnicator, my dear", ""] {
        let body = json!({"message": message});
        said.ask(post("/api/chat", body.clone())).await;
        said.ask(post("/api/chat", body.clone()).header("accept", "text/event-stream")).await;
        said.ask(post("/api/intent", body.clone())).await;
        said.ask(post("/api/chat", body.clone()).bearer_auth(bearer)).await;
        said.ask(post("/api/intent", body).header("authorization", format!("Basic {bearer}"))).await;
    }
    let unknown = json!({"plan": {"summary": "x", "steps": [{"id": "a", "tool": "mole_dig", "params": {}}]}});
    said.ask(post("/api/execute", unknown)).await;
    for path in ["/api/execute/step", "/api/execute/sweep", "/api/execute/wish", "/api/execute/delivery"] {
        said.ask(post(path, json!({})).header("upstash-signature", bearer)).await;
        said.ask(platform.request("POST", path).body("{")).await;
    }
    for path in [
        "/",
        "/debug",
        "/api/debug/sagas",
        "/api/debug/counts",
        "/api/debug/models",
        "/api/debug/webhooks",
        "/api/debug/queue",
        "/api/debug/approvals",
        "/api/debug/breakers",
        "/api/debug/health",
        "/debug/queue",
        "/debug/approvals",
        "/debug/limits",
        "/debug/tools",
        "/debug/health",
        "/debug/security",
        "/api/debug/traces/0af7651916cd43dd8448eb211c80319c",
        "/debug/traces/0af7651916cd43dd8448eb211c80319c?source=tempo",
        "/api/openapi.json",
        "/api/docs",
        "/api/execute/sg_01k0000000000000000000zzzz",
        "/api/nothing",
        "/api/schedules",
    ] {
        said.ask(get(path)).await;
        said.ask(get(path).bearer_auth(bearer)).await;
        said.ask(post(path, json!([1]))).await;
    }
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    said.ask(post("/mcp", call.clone())).await;
    said.ask(post("/mcp", call).bearer_auth(bearer)).await;
}

/// Where events are brought, well and badly: an address that refuses everything, and Ably, which does so too.
async fn subscriptions(platform: &Platform, said: &mut Said, parrot: &str, bearer: &str) {
    let body = json!({"url": format!("{parrot}/events")});
    let (status, text) = said.ask(platform.request("POST", "/api/subscriptions").json(&body)).await.unwrap();
    assert_eq!(status, 201, "{text}");
    let made: Value = serde_json::from_str(text.as_str()).unwrap();
    let one = format!("/api/subscriptions/{}", made["subscription"].as_str().unwrap());
    let (status, text) = said.ask(platform.request("GET", "/api/subscriptions/ably")).await.unwrap();
    assert_eq!(status, 200, "{text}");
    let text = json!({"summary": "A text", "steps": [
        {"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "Hello"}}]});
    let id = journal::execute(platform, &text).await;
    journal::rest(platform, &id, PATIENCE).await;
    for (method, path) in [
        ("POST", format!("{one}/test")),
        ("POST", format!("{one}/rotate")),
        ("POST", format!("{one}/enable")),
        ("GET", one.clone()),
        ("GET", "/api/subscriptions".to_owned()),
        ("POST", "/api/subscriptions".to_owned()),
        ("POST", "/api/subscriptions/bring".to_owned()),
    ] {
        said.ask(platform.request(method, &path)).await;
        said.ask(platform.request(method, &path).bearer_auth(bearer)).await;
        said.ask(platform.request(method, &path).header("upstash-signature", bearer).body("{")).await;
    }
    let refused = poll(PATIENCE, Duration::from_millis(100), || async {
        let failing = "select count(*) from makegood.subscription where failing_since is not null";
        (database::scalar(platform, failing).await.as_deref() == Some("2")).then_some(())
    });
    refused.await.expect("both were brought something, and took nothing");
    said.ask(platform.request("DELETE", &one)).await;
}

/// Each dependency in turn fails in each way, while everything is asked of the platform.
async fn outages(platform: &Platform, said: &mut Said) {
    let text = || json!({"message": "Text Sam that dinner is at 7"});
    for emulator in ["neon", "redis", "qstash"] {
        let faults = format!("/emulators/{emulator}/_emulator/faults");
        for kind in ["error", "drop_request", "drop_answer", "cut", "malformed"] {
            platform.post(&faults, &json!({"kind": kind, "match": {"method": "POST"}}), 201).await;
            said.ask(platform.request("POST", "/api/chat").json(&text())).await;
            said.ask(platform.request("GET", "/api/debug/health")).await;
            said.ask(platform.request("GET", "/debug")).await;
            said.ask(queue::delivery(platform, "/api/execute/sweep", "", "msg_sweep")).await;
            said.ask(platform.request("DELETE", &faults)).await;
        }
    }
}

/// A saga that is stuck: people are told, at an address that does not take it.
async fn alert(platform: &Platform, said: &mut Said) {
    town::fault(platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    town::fault(platform, &json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    let id = journal::execute(
        platform,
        &json!({"summary": "An evening", "steps": [
            {"id": "table", "tool": "book_restaurant_table", "params": {
                "restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}},
            {"id": "ride", "tool": "request_ride", "params": {
                "pickup": "Home", "destination": "$table.address", "date": "2031-05-01", "time": "18:30", "passengers": 2}},
        ]}),
    )
    .await;
    assert_eq!(journal::rest(platform, &id, PATIENCE).await["phase"], "stuck");
    town::no_faults(platform).await;
    said.ask(queue::delivery(platform, "/api/execute/sweep", "", "msg_sweep_2")).await;
    for path in [format!("/debug/sagas/{id}"), format!("/api/debug/sagas/{id}"), format!("/api/execute/{id}")] {
        said.ask(platform.request("GET", &path)).await;
    }
    for verb in ["retry", "pause", "cancel"] {
        said.ask(platform.request("POST", &format!("/api/execute/{id}/{verb}")).json(&json!({}))).await;
    }
}

/// The commands, with a deployment's values in a file: content, then with every service out of its mind.
async fn commands(platform: &Platform, said: &mut Said, parrot: &str, values: &BTreeMap<&str, String>) {
    let folder = platform.data().with_file_name("deployment");
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, services: &dyn Fn(&Setting) -> Option<String>| -> PathBuf {
        let lines = TABLE.iter().filter_map(|setting| {
            let value = values.get(setting.name).cloned().or_else(|| services(setting))?;
            Some(format!("{}='{value}'\n", setting.upper()))
        });
        let path = folder.join(name);
        std::fs::write(&path, lines.collect::<String>()).unwrap();
        path
    };
    let own = |setting: &Setting| {
        let url = &platform.url;
        Some(match setting.name {
            "database_http_url" => format!("{url}/emulators/neon/sql"),
            "redis_rest_url" => format!("{url}/emulators/redis"),
            "qstash_url" => format!("{url}/emulators/qstash"),
            "tools_url" => format!("{url}/tools"),
            "public_url" => url.clone(),
            "model_url" | "fallback_model_url" => format!("{parrot}/first"),
            "model_name" | "fallback_model_name" => "m".to_owned(),
            _ => return None,
        })
    };
    let mad = |setting: &Setting| {
        Some(match (setting.kind, setting.name) {
            (_, "database_http_url") => format!("{parrot}/sql"),
            (Kind::Called { .. } | Kind::Address, _) => parrot.to_owned(),
            (_, "model_name" | "fallback_model_name") => "m".to_owned(),
            _ => return None,
        })
    };
    let nowhere = |setting: &Setting| {
        matches!(setting.kind, Kind::Called { .. } | Kind::Address).then(|| "http://127.0.0.1:9".to_owned())
    };
    for path in [file("own.env", &own), file("mad.env", &mad), file("nowhere.env", &nowhere)] {
        let path = path.display().to_string();
        for command in [
            &["doctor", "--env", &path][..],
            &["deploy", "--check", "--env", &path],
            &["migrate", "--env", &path],
            &["tools", "list", "--env", &path],
            &["tools", "add", "--server", "mole", "--dry-run", "--env", &path],
            &["webhooks", "check", "--env", &path],
        ] {
            said.run(command, &[]).await;
        }
    }
    let url = platform.url.as_str();
    said.run(&["saga", "list", "--url", url, "--token", &values["bearer"]], &[]).await;
    said.run(&["chat", "--url", url, "--token", &values["bearer"], "Hello"], &[]).await;
    // What cannot be read is told without what stands in it.
    let data = folder.join("data").display().to_string();
    let broken = |name: &str| format!("{} and more", values[name]);
    for (name, value) in [
        ("MAKEGOOD_MCP_SERVERS", broken("mcp_servers")),
        ("SPIN_VARIABLE_WEBHOOK_SOURCES", broken("webhook_sources")),
        ("DATABASE_URL", values["database_url"].replace("postgres://", "mysql://")),
        ("DATABASE_URL", values["database_url"].replace("@localhost", "@127.0.0.1:9")),
        ("REDIS_URL", format!("redis://:{}@127.0.0.1:9", values["redis_rest_token"])),
    ] {
        let went = said.run(&["up", "--port", "0", "--data-dir", &data], &[(name, value.as_str())]).await;
        assert!(!went, "{name} is broken, and it started");
    }
}

/// A tool that is let in by a secret, which is added and called.
async fn tool(platform: &Platform, said: &mut Said) {
    let folder = platform.data().with_file_name("deployment");
    let (file, env) = (folder.join("mole.json"), folder.join("own.env").display().to_string());
    let definition = json!({
        "name": "mole_dig", "version": "1", "title": "Dig", "description": "Digs a hole.", "class": "query",
        "repeat": "never", "status": false, "fence": false, "timeout_ms": 2_000, "estimate_ms": 10,
        "hosts": ["127.0.0.1"], "secrets": {"x-api-key": "mole"}, "input": {}, "output": {},
    });
    std::fs::write(&file, definition.to_string()).unwrap();
    assert!(said.run(&["tools", "add", &file.display().to_string(), "--env", &env], &[]).await);
    let hole = json!({"summary": "A hole", "steps": [{"id": "dig", "tool": "mole_dig", "params": {}}]});
    let id = journal::execute(platform, &hole).await;
    journal::rest(platform, &id, PATIENCE).await;
    said.ask(platform.request("GET", &format!("/api/debug/sagas/{id}"))).await;
}

/// Every row of the database, table by table, as text.
async fn rows(platform: &Platform) -> Vec<(String, String)> {
    let tables = "select string_agg(format('%I.%I', table_schema, table_name), ' ') from information_schema.tables \
        where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'";
    let tables = database::scalar(platform, tables).await.unwrap();
    let mut all = Vec::new();
    for table in tables.split(' ') {
        let rows = database::scalar(platform, &format!("select string_agg(t::text, chr(10)) from {table} t")).await;
        all.push((format!("the table {table}"), rows.unwrap_or_default()));
    }
    all
}

#[tokio::test]
async fn no_secret_is_seen_in_anything_that_is_said_or_kept() {
    let parrot = Parrot::start().await;
    let Planted { canaries, values } = plant(&parrot.url);
    let mut platform = Platform::start(options(&parrot.url, &values)).await;
    let mut said = Said::default();

    requests(&platform, &mut said, &values["bearer"]).await;
    deliveries(&platform, &mut said, &values["webhook_sources"]).await;
    outages(&platform, &mut said).await;
    alert(&platform, &mut said).await;
    subscriptions(&platform, &mut said, &parrot.url, &values["bearer"]).await;
    commands(&platform, &mut said, &parrot.url, &values).await;
    tool(&platform, &mut said).await;

    // It was all tried, and what is searched below is there.
    let logged = poll(PATIENCE, Duration::from_millis(100), || async {
        let log = platform.complaints();
        let words = ["the model first gave no answer", "the model second gave no answer", "alert: sg_"];
        words.iter().all(|word| log.contains(word)).then_some(log)
    });
    let log = logged.await.unwrap_or_else(|| panic!("not all was tried: {}", platform.complaints()));
    let tables = rows(&platform).await;
    assert!(tables.iter().any(|(table, rows)| table.ends_with("makegood.node") && rows.contains("send_message")));
    assert!(
        said.0.iter().any(|(_, text)| text.contains("I do not take")),
        "the parrot was heard in what a command says"
    );
    assert!(log.contains("[secret]"), "and in the log, without what was struck out");
    let status = platform.interrupt().await;
    assert!(status.success(), "{status}");
    let told = parrot.logs.lock().unwrap().join("\n");
    for words in ["answered method=POST", "the model first gave no answer: "] {
        assert!(told.contains(words), "the collector was not told {words:?}");
    }

    let mut found: Vec<String> = Vec::new();
    let outputs = [
        ("the log".to_owned(), platform.complaints()),
        ("what it prints".to_owned(), platform.prints()),
        ("what a collector is told of the log".to_owned(), told),
    ];
    for (place, text) in outputs.into_iter().chain(said.0).chain(tables) {
        for name in canaries.seen(text.as_bytes()) {
            let canary = canaries.text(name);
            let line = text.lines().find(|line| line.contains(canary)).unwrap_or_default();
            let line: String = line.chars().take(400).collect();
            found.push(format!("{name} in {place}: {line}"));
        }
    }
    for (file, name) in canaries.seen_below(&platform.data()) {
        let known = KEPT.iter().any(|(place, names)| {
            let within = file == *place || file.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
            within && names.contains(&name.as_str())
        });
        if !known {
            found.push(format!("{name} in the file {file} of the data folder"));
        }
    }
    assert!(found.is_empty(), "{} secrets are seen:\n{}", found.len(), found.join("\n"));
    // What has to be kept is: a search that sees nothing anywhere would not be one.
    let kept = canaries.seen_below(&platform.data());
    assert!(kept.contains(&("secrets.json".to_owned(), "issuer".to_owned())), "{kept:?}");
}
