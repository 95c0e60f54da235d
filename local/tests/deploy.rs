//! `makegood deploy --check`: finds nothing in this repository, and every error that is planted in a copy of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use makegood_local::deploy::{Finding, findings};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn manifests_and_code_of_this_repository_agree() {
    let found = findings(&repository(), &[]).unwrap();
    let all: Vec<String> = found.iter().map(Finding::to_string).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// A copy of what is checked: the manifests, and the names of the sources.
fn copy() -> tempfile::TempDir {
    let (from, to) = (repository(), tempfile::TempDir::new().unwrap());
    for file in ["spin.toml", "wrangler.toml", ".env.local.example", ".gitignore", "Cargo.toml", "Cargo.lock"] {
        std::fs::copy(from.join(file), to.path().join(file)).unwrap();
    }
    std::fs::create_dir(to.path().join("docker")).unwrap();
    std::fs::create_dir(to.path().join("docs")).unwrap();
    for file in ["docker/spinapp.yaml", "docs/DEPLOY.md"] {
        std::fs::copy(from.join(file), to.path().join(file)).unwrap();
    }
    for part in ["functions", "shared", "docker/workerd/src"] {
        name_files(&from.join(part), &to.path().join(part));
    }
    to
}

/// Makes empty files of the same names; configs and examples are taken over as they are.
fn name_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.is_dir() {
            if !to.ends_with("build") && !to.ends_with("node_modules") && !to.ends_with("target") {
                name_files(&entry, &to);
            }
        } else if entry.extension().is_some_and(|extension| extension == "toml" || extension == "example") {
            std::fs::copy(entry, to).unwrap();
        } else {
            std::fs::write(to, "").unwrap();
        }
    }
}

#[test]
fn a_copy_is_as_good_as_the_repository() {
    let copy = copy();
    assert_eq!(findings(copy.path(), &[]).unwrap(), []);
}

/// Plants one error: in `file`, `from` becomes `to`. Answers with what is found then.
fn planted(file: &str, from: &str, to: &str) -> Vec<Finding> {
    let copy = copy();
    let path = copy.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}: mend this test's table");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    findings(copy.path(), &[]).unwrap()
}

/// File, what is written there, what is written instead, and what must be said about it.
const ERRORS: &[(&str, &str, &str, &str)] = &[
    ("spin.toml", "route = \"/api/intent\"", "route = \"/api/intents\"", "no route /api/intent leads to"),
    ("spin.toml", "route = \"/api/intent\"", "route = \"/api/intents\"", "the route /api/intents leads to"),
    (
        "spin.toml",
        "route = \"/debug/...\"\ncomponent = \"debug\"",
        "route = \"/debug/...\"\ncomponent = \"chat\"",
        "no route /debug/... leads to the component debug",
    ),
    ("spin.toml", "user_concurrency = { default = \"0\" }", "", "the code reads `user_concurrency`"),
    (
        "spin.toml",
        "region = { default = \"local\" }",
        "region = { default = \"local\" }\ncolour = { default = \"red\" }",
        "`colour`, which no code reads",
    ),
    (
        "spin.toml",
        "qstash_token = { required = true, secret = true }",
        "qstash_token = { required = true }",
        "`qstash_token` is a secret, and not marked",
    ),
    (
        "spin.toml",
        "region = { default = \"local\" }",
        "region = { default = \"local\", secret = true }",
        "`region` is marked as a secret, and is none",
    ),
    (
        "spin.toml",
        "qstash_token = { required = true, secret",
        "qstash_token = { default = \"local\", secret",
        "the secret `qstash_token` has a default",
    ),
    ("spin.toml", "kill_ms = \"{{ kill_ms }}\"\n", "", "the function chat reads `kill_ms`"),
    (
        "spin.toml",
        "kill_ms = \"{{ kill_ms }}\"\n",
        "kill_ms = \"{{ time_budget_ms }}\"\n",
        "gives `kill_ms` another value",
    ),
    (
        "spin.toml",
        "[component.intent.variables]\n",
        "[component.intent.variables]\nqstash_token = \"{{ qstash_token }}\"\n",
        "has `qstash_token`, which the function does not need",
    ),
    (
        "spin.toml",
        "\"{{ redis_host }}\", \"{{ qstash_host }}\", \"{{ model_host }}\"",
        "\"{{ redis_host }}\", \"{{ model_host }}\"",
        "the function chat calls `qstash_url`, and may not reach its host",
    ),
    (
        "spin.toml",
        "\"{{ fallback_model_host }}\", \"{{ jwks_host }}\", \"{{ otlp_host }}\"]",
        "\"{{ fallback_model_host }}\", \"{{ jwks_host }}\", \"{{ otlp_host }}\", \"https://*\"]",
        "may reach https://*, and calls nothing there",
    ),
    (
        "spin.toml",
        "redis_host = { default = \"http://127.0.0.1:3000\" }",
        "redis_host = { default = \"http://127.0.0.1:3001\" }",
        "the default of `redis_rest_url` is not within that of `redis_host`",
    ),
    ("spin.toml", "redis_host = { default = \"http://127.0.0.1:3000\" }", "", "does not have `redis_host`"),
    (
        "spin.toml",
        "--target wasm32-wasip2 -p makegood-chat",
        "--target wasm32-wasip2 -p makegood-chatt",
        "the build command of chat does not build makegood-chat",
    ),
    (
        "spin.toml",
        "--target wasm32-wasip2 -p makegood-chat",
        "--target wasm32-wasip1 -p makegood-chat",
        "for wasm32-wasip2",
    ),
    (
        "spin.toml",
        "cargo build --profile wasm",
        "cargo build --profile slim",
        "the source of chat is not what its build command makes",
    ),
    (
        "spin.toml",
        "\"functions/chat/Cargo.toml\"",
        "\"functions/chatt/Cargo.toml\"",
        "watches functions/chatt/Cargo.toml",
    ),
    ("spin.toml", "\"functions/debug/**/*.css\", ", "", "functions/debug/src/approval/approve.css among"),
    ("spin.toml", "\"functions/chat/**/*.rs\", ", "", "chat is made of files that its build does not watch"),
    ("spin.toml", "spin_manifest_version = 2", "spin_manifest_version = 1", "it cannot be read"),
    (
        "spin.toml",
        "command = \"cargo build",
        "command = \"echo cargo build",
        "the build command of chat does not build makegood-chat",
    ),
    (
        "spin.toml",
        "-p makegood-chat\"",
        "-p makegood-chat --features models\"",
        "the build command of chat does not build makegood-chat",
    ),
    ("spin.toml", "\"shared/edge/prompts/*.md\", ", "", "shared/edge/prompts/plan.1.md among"),
    ("spin.toml", "\"shared/**/*.txt\", ", "", "shared/core/src/intent/lexicon/courtesies.txt among"),
    (
        "spin.toml",
        "\"{{ tools_host }}\", \"{{ jwks_host }}\", \"{{ otlp_host }}\"]",
        "\"{{ tools_host }}\", \"{{ jwks_host }}\", \"{{ otlp_host }}\", \"https://evil.example:1..65535\"]",
        "execute may reach https://evil.example:1..65535, and calls nothing there",
    ),
    (
        "spin.toml",
        "\"{{ tools_host }}\", \"{{ jwks_host }}\", \"{{ otlp_host }}\"]",
        "\"{{ tools_host }}\", \"{{ jwks_host }}\", \"{{ otlp_host }}\", \"https://evil.example\"]",
        "execute may reach https://evil.example, and calls nothing there",
    ),
    (
        "spin.toml",
        "'{\"town\": {\"url\": \"http://127.0.0.1:3000/demo/mcp\"}}'",
        "'{\"hotel\": {\"url\": \"https://hotel.example/mcp\"}}'",
        "calls the MCP server `hotel`, and may not reach https://hotel.example",
    ),
    (
        "spin.toml",
        "'{\"town\": {\"url\": \"http://127.0.0.1:3000/demo/mcp\"}}'",
        "'town'",
        "the default of `mcp_servers`: the servers are no JSON",
    ),
    (
        "spin.toml",
        "allow_anonymous = { default = \"false\" }",
        "allow_anonymous = { default = \"true\" }",
        "by default everybody may act as `anonymous`",
    ),
    ("spin.toml", "kill_ms = { default = \"10000\" }", "kill_ms = { default = \"ten\" }", "the default of `kill_ms`"),
    (
        "spin.toml",
        "[component.webhook]\n",
        "[component.webhook]\nfiles = [\"**/*\"]\n",
        "[component.webhook] is granted `files`",
    ),
    (
        "spin.toml",
        "[component.webhook]\n",
        "[component.webhook]\nkey_value_stores = [\"default\"]\n",
        "[component.webhook] is granted `key_value_stores`",
    ),
    (".env.local.example", "SPIN_VARIABLE_KILL_MS=", "SPIN_VARIABLE_KILLS=", "it lacks SPIN_VARIABLE_KILL_MS"),
    (".env.local.example", "SPIN_VARIABLE_KILL_MS=", "SPIN_VARIABLE_KILLS=", "SPIN_VARIABLE_KILLS is no variable"),
    (
        "spin.toml",
        "\"{{ redis_host }}\", \"{{ jwks_host }}\", \"{{ otlp_host }}\"",
        "\"{{ redis_host }}\", \"{{ jwks_host }}\"",
        "the function debug calls `otlp_endpoint`, and may not reach its host",
    ),
    ("spin.toml", "otlp_logs = { default = \"\" }", "otlp_logs = { default = \"loud\" }", "the default of `otlp_logs`"),
    ("docker/spinapp.yaml", "- name: kill_ms", "- name: kills_ms", "it gives `kill_ms` no value"),
    ("docker/spinapp.yaml", "- name: kill_ms", "- name: kills_ms", "`kills_ms` is no variable"),
    (
        "docker/spinapp.yaml",
        "valueFrom: { secretKeyRef: { name: makegood, key: model_key } }",
        "value: guess",
        "`model_key` is a secret, and stands there as it is",
    ),
    ("docker/spinapp.yaml", "key: model_key", "key: qstash_token", "`model_key` is taken from the key `qstash_token`"),
    (
        "docker/spinapp.yaml",
        "      valueFrom: { secretKeyRef: { name: makegood, key: model_key } }",
        "      valueFrom: { secretKeyRef: { name: makegood, key: model_key } }\n      value: guess",
        "`model_key` has more than one value",
    ),
    ("docker/spinapp.yaml", "    - name: region\n", "    - name: kill_ms\n", "`kill_ms` has more than one value"),
    ("docker/spinapp.yaml", "      value: cluster", "#      value: cluster", "it gives `region` no value"),
    ("docker/spinapp.yaml", "value: \"false\"", "value: \"true\"", "it lets everybody act as `anonymous`"),
    ("docker/spinapp.yaml", "value: \"10000\"", "value: \"9000\"", "`time_budget_ms`: it leaves an invocation 500 ms"),
    (
        "docker/spinapp.yaml",
        "value: https://redis.example",
        "value: https://one.example.io",
        "`redis_rest_url` is not within `redis_host`",
    ),
    ("docker/spinapp.yaml", "value: \"8500\"", "value: \"soon\"", "`time_budget_ms` is \"soon\": it is not a whole"),
    ("docker/spinapp.yaml", "value: example-small", "value: \"\"", "`model_name`: with it functions answer 500"),
    (
        "docker/spinapp.yaml",
        "- name: tools_host\n      value: https://",
        "- name: tools_host\n      value: https://the.",
        "`tools_url` is not within `tools_host`",
    ),
    (
        "docs/DEPLOY.md",
        "| chat | `DATABASE_HTTP_URL`",
        "| chat | `DATABASE_URL`",
        "its table of what each Worker is given",
    ),
    ("docs/DEPLOY.md", "|REDIS_REST_TOKEN'\ndeploy intent", "'\ndeploy intent", "it does not deploy chat with all of"),
    ("docs/DEPLOY.md", "deploy intent '", "deploy intents '", "Write: deploy intent 'DATABASE_URL|"),
    (".gitignore", "*.env\n", "", "it lets production.env be committed"),
    (".gitignore", ".dev.vars\n", "", "it lets .dev.vars be committed"),
    ("functions/chat/.dev.vars.example", "REDIS_REST_TOKEN=", "# REDIS_REST_TOKEN=", "it lacks REDIS_REST_TOKEN"),
    (
        "functions/debug/.dev.vars.example",
        "DATABASE_URL=",
        "DATABASE_URLS=",
        "it has DATABASE_URLS, which is no secret",
    ),
];

const CHAT: &str = "functions/chat/wrangler.toml";
const INTENT: &str = "functions/intent/wrangler.toml";
const EXECUTE: &str = "functions/execute/wrangler.toml";
const WEBHOOK: &str = "functions/webhook/wrangler.toml";
const GATEWAY: &str = "wrangler.toml";

/// The same for Workers.
const WORKERS: &[(&str, &str, &str, &str)] = &[
    (INTENT, "DATABASE_HTTP_URL = ", "DATABASE_URI = ", "the function intent reads DATABASE_HTTP_URL"),
    (INTENT, "DATABASE_HTTP_URL = ", "DATABASE_URI = \"x\"\nDATABASE_HTTP_URL = ", "DATABASE_URI, which no code reads"),
    (
        INTENT,
        "DATABASE_HTTP_URL = ",
        "TOOLS_URL = \"x\"\nDATABASE_HTTP_URL = ",
        "TOOLS_URL, which the function intent does not need",
    ),
    (INTENT, "DATABASE_HTTP_URL = ", "DATABASE_URL = \"x\"\nDATABASE_HTTP_URL = ", "DATABASE_URL, which is a secret"),
    (INTENT, "[env.staging.vars]", "[env.staging.were_vars]", "the vars of [env.staging] do not have it"),
    (INTENT, "[build]", "[buildd]", "it has no [build]"),
    (INTENT, "main = ", "main = \"/elsewhere.js\"\nmain_was = ", "`main` is not what the build of intent makes"),
    (INTENT, "name = \"makegood-intent\"", "name = \"makegood-chat\"", "its name is not makegood-intent"),
    (CHAT, "-- chat", "-- intent", "the command of [build] does not build chat"),
    (CHAT, "\"cargo run", "\"echo cargo run", "the command of [build] does not build chat"),
    (CHAT, "workers_dev = false", "workers_dev = true", "gives the function chat an address of its own on workers.dev"),
    (CHAT, "workers_dev = false\n", "", "gives the function chat an address of its own on workers.dev"),
    (CHAT, "preview_urls = false", "preview_urls = true", "gives each version of the function chat an address"),
    (CHAT, "preview_urls = false", "routes = [\"chat.test/*\"]", "the function chat an address of its own by `routes`"),
    (
        CHAT,
        "[env.production.vars]",
        "[env.production]\nworkers_dev = true\n[env.production.vars]",
        "[env.production] gives the function chat an address of its own on workers.dev",
    ),
    (
        CHAT,
        "[env.production.vars]",
        "[env.production]\nname = \"chat\"\n[env.production.vars]",
        "[env.production] gives the Worker a name of its own",
    ),
    (
        CHAT,
        "[env.production.vars]",
        "[env.production]\nbuild = { command = \"make\" }\n[env.production.vars]",
        "the command of [build] does not build chat: make",
    ),
    (
        CHAT,
        "compatibility_date = \"2026",
        "compatibility_date = \"2021",
        "compatibility_date of the config is not that",
    ),
    (
        CHAT,
        "[secrets]",
        "[env.x.secrets]",
        "reads the secret DATABASE_URL, and the secrets of the config do not list it",
    ),
    (
        CHAT,
        "[env.production.secrets]",
        "[env.x.secrets]",
        "reads the secret DATABASE_URL, and the secrets of [env.production] do not list it",
    ),
    (CHAT, "\"REDIS_REST_TOKEN\", ", "", "reads the secret REDIS_REST_TOKEN"),
    (CHAT, "ALLOW_ANONYMOUS = \"false\"", "ALLOW_ANONYMOUS = \"true\"", "lets everybody act as `anonymous`"),
    (CHAT, "ALLOW_ANONYMOUS = \"false\"", "ALLOW_ANONYMOUS = true", "lets everybody act as `anonymous`"),
    (
        CHAT,
        "PUBLIC_URL = \"https://makegood.",
        "PUBLIC_URL = \"https://other.",
        "PUBLIC_URL of [env.production] is \"https",
    ),
    (
        CHAT,
        "staging.redis.example",
        "staging.example.upstash.io",
        "REDIS_REST_URL of [env.staging] is \"https://staging.ex",
    ),
    (CHAT, "KILL_MS = \"10000\"\n", "", "KILL_MS of the config is not set, and \"10000\" in functions/execute"),
    (CHAT, "KILL_MS = \"10000\"", "KILL_MS = \"20000\"", "KILL_MS of the config is \"20000\", and \"10000\" in"),
    (WEBHOOK, "QSTASH_URL = \"https", "QSTASH_URI = \"https", "the function webhook reads QSTASH_URL"),
    (CHAT, "QSTASH_URL = \"http", "QSTASH_URL = \"\" # \"http", "QSTASH_URL of the config has no value"),
    (
        INTENT,
        "[env.production.vars]\n",
        "[env.production.vars]\nMODEL_URL = \"https://m.test/v1\"\nMODEL_NAME = \"\"\n",
        "MODEL_NAME of [env.production]: with it functions answer 500",
    ),
    (EXECUTE, "KILL_MS = \"10000\"", "KILL_MS = \"ten\"", "KILL_MS of the config is \"ten\": it is not a whole number"),
    (
        EXECUTE,
        "[triggers]\ncrons = [\"* * * * *\"]",
        "",
        "the clock does not call the sweeper of the config each minute",
    ),
    (
        EXECUTE,
        "[\"* * * * *\"]",
        "[\"nonsense\"]",
        "the clock does not call the sweeper of [env.production] each minute",
    ),
    (EXECUTE, "[\"* * * * *\"]", "[\"0 * * * *\"]", "the clock does not call the sweeper"),
    (
        "functions/debug/wrangler.toml",
        "[vars]",
        "[triggers]\ncrons = [\"* * * * *\"]\n[vars]",
        "the clock call what has nothing to do",
    ),
    (
        GATEWAY,
        "\"makegood-chat-staging\"",
        "\"makegood-chat-production\"",
        "[env.staging] binds CHAT to \"makegood-chat-p",
    ),
    (
        GATEWAY,
        "makegood-execute-production",
        "makegood-execute-staging",
        "and not to the Worker makegood-execute-production",
    ),
    (
        GATEWAY,
        "\"makegood-chat-production\"",
        "\"makegood-chat-prodction\"",
        "binds CHAT to \"makegood-chat-prodction\"",
    ),
    (GATEWAY, "[env.production]", "[env.produktion]", "it has no [env.production], and other Workers have"),
    (GATEWAY, "binding = \"CHAT\"", "binding = \"CHATT\"", "the config binds no service as CHAT"),
    (
        GATEWAY,
        "binding = \"CHAT\"",
        "binding = \"CHATT\"",
        "the config binds \"CHATT\", which the gateway does not know",
    ),
    (
        GATEWAY,
        "\"CHAT\", service = \"makegood-chat\" },\n  { binding = \"INTENT\"",
        "\"INTENT\", service = \"makegood-chat\" },\n  { binding = \"CHAT\"",
        "binds CHAT to \"makegood-intent\", and not to the Worker makegood-chat",
    ),
    (
        GATEWAY,
        "service = \"makegood-debug\"",
        "service = \"makegood-debugger\"",
        "binds DEBUG to \"makegood-debugger\"",
    ),
    (GATEWAY, "-- gateway", "-- chat", "the command of [build] does not build gateway"),
    (GATEWAY, "docker/workerd/build/gateway.js", "nowhere/x.js", "`main` is not what the build of gateway makes"),
    (GATEWAY, "[build]", "[vars]\nDATABASE_URL = \"x\"\n[build]", "the config has vars, and the gateway needs none"),
    (
        GATEWAY,
        "compatibility_date = \"2026-11-01\"",
        "compatibility_date = \"soon\"",
        "its compatibility_date is no date",
    ),
];

/// Has every error of a table found in the file that it is planted in, and said what to do about it.
fn find(errors: &[(&str, &str, &str, &str)]) {
    let mut missed = Vec::new();
    for (file, from, to, said) in errors {
        let found = planted(file, from, to);
        if !found.iter().any(|finding| finding.file == *file && finding.to_string().contains(said)) {
            missed.push(format!("{file}: {from:?} -> {to:?}: wanted {said:?}, found {found:#?}"));
        }
        assert!(found.iter().all(|finding| !finding.remedy.is_empty()), "each says what to do: {found:?}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_planted_error_is_found() {
    find(ERRORS);
}

#[test]
fn every_error_that_is_planted_in_a_worker_is_found() {
    find(WORKERS);
}

#[test]
fn an_mcp_server_of_a_deployment_may_be_reached_where_it_is_named() {
    let copy = copy();
    let path = copy.path().join("spin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let hosts = "\"{{ tools_host }}\", \"{{ jwks_host }}\", \"{{ otlp_host }}\"]";
    std::fs::write(&path, text.replace(hosts, &hosts.replace(']', ", \"https://hotel.test\"]"))).unwrap();
    let env = copy.path().join("production.env");
    let found = |servers: &str| {
        std::fs::write(&env, format!("MCP_SERVERS='{servers}'\n")).unwrap();
        let found = findings(copy.path(), std::slice::from_ref(&env)).unwrap();
        found.iter().map(|finding| finding.what.clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(r#"{"hotel": {"url": "https://hotel.test/mcp"}}"#), Vec::<String>::new());
    let elsewhere = found(r#"{"hotel": {"url": "https://inn.test/mcp"}}"#);
    assert!(elsewhere.iter().any(|what| what.contains("may not reach https://inn.test")), "{elsewhere:?}");
    assert!(
        elsewhere.iter().any(|what| what.contains("may reach https://hotel.test, and calls nothing")),
        "{elsewhere:?}"
    );
}

/// The guide's table, as it is to be.
fn table() -> String {
    use makegood_edge::settings::TABLE;
    let mut table = "| variable | secret | read by | | where to get it |\n|---|---|---|---|---|\n".to_owned();
    for setting in TABLE {
        let name = if setting.required { format!("**`{}`**", setting.name) } else { format!("`{}`", setting.name) };
        let secret = if setting.secret { "yes" } else { "" };
        let functions = setting.functions.join(", ");
        table += &format!("| {name} | {secret} | {functions} | {} | {} |\n", setting.meaning, setting.source);
    }
    table
}

#[test]
fn the_guide_has_every_variable_as_the_code_has_it() {
    let path = repository().join("docs/DEPLOY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("<!-- the variables -->\n").unwrap();
    let (there, _) = rest.split_once("<!-- the end of the variables -->").unwrap();
    assert!(there == table(), "docs/DEPLOY.md is to have this between its two marks:\n{}", table());
}
