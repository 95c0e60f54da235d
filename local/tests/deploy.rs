//! `makegood deploy --check`: finds nothing in this repository, and every error that is planted in a copy of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use makegood_local::deploy::{Finding, findings};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn manifests_and_code_of_this_repository_agree() {
    let found = findings(&repository()).unwrap();
    let all: Vec<String> = found.iter().map(Finding::to_string).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// A copy of what is checked: the manifests, and the names of the sources.
fn copy() -> tempfile::TempDir {
    let (from, to) = (repository(), tempfile::TempDir::new().unwrap());
    for file in ["spin.toml", "wrangler.toml", ".env.local.example", "Cargo.toml", "Cargo.lock"] {
        std::fs::copy(from.join(file), to.path().join(file)).unwrap();
    }
    std::fs::create_dir(to.path().join("docker")).unwrap();
    std::fs::copy(from.join("docker/spinapp.yaml"), to.path().join("docker/spinapp.yaml")).unwrap();
    for part in ["functions", "shared"] {
        name_files(&from.join(part), &to.path().join(part));
    }
    to
}

/// Makes empty files of the same names; configs are taken over as they are.
fn name_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.is_dir() {
            if !to.ends_with("build") && !to.ends_with("node_modules") && !to.ends_with("target") {
                name_files(&entry, &to);
            }
        } else if entry.extension().is_some_and(|extension| extension == "toml") {
            std::fs::copy(entry, to).unwrap();
        } else {
            std::fs::write(to, "").unwrap();
        }
    }
}

/// Where a function's Worker is configured.
fn config_of(function: &str) -> String {
    let own = format!("functions/{function}/wrangler.toml");
    if repository().join(&own).is_file() { own } else { "wrangler.toml".to_owned() }
}

#[test]
fn a_copy_is_as_good_as_the_repository() {
    let copy = copy();
    assert_eq!(findings(copy.path()).unwrap(), []);
}

/// Plants one error: in `file`, `from` becomes `to`. Answers with what is found then.
fn planted(file: &str, from: &str, to: &str) -> Vec<Finding> {
    let copy = copy();
    let path = copy.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}: mend this test's table");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    findings(copy.path()).unwrap()
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
        "jwt_secret = { required = true, secret = true }",
        "jwt_secret = { required = true }",
        "`jwt_secret` is a secret, and not marked",
    ),
    (
        "spin.toml",
        "region = { default = \"local\" }",
        "region = { default = \"local\", secret = true }",
        "`region` is marked as a secret, and is none",
    ),
    (
        "spin.toml",
        "jwt_secret = { required = true, secret",
        "jwt_secret = { default = \"local\", secret",
        "the secret `jwt_secret` has a default",
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
        "\"{{ fallback_model_host }}\"]",
        "\"{{ fallback_model_host }}\", \"https://*\"]",
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
    ("spin.toml", "\"functions/debug/**/*.css\", ", "", "functions/debug/src/debug.css"),
    ("spin.toml", "\"functions/chat/**/*.rs\", ", "", "chat is made of files that its build does not watch"),
    ("spin.toml", "spin_manifest_version = 2", "spin_manifest_version = 1", "it cannot be read"),
    (".env.local.example", "SPIN_VARIABLE_KILL_MS=", "SPIN_VARIABLE_KILLS=", "it lacks SPIN_VARIABLE_KILL_MS"),
    (".env.local.example", "SPIN_VARIABLE_KILL_MS=", "SPIN_VARIABLE_KILLS=", "SPIN_VARIABLE_KILLS is no variable"),
    ("docker/spinapp.yaml", "- name: kill_ms", "- name: kills_ms", "it gives `kill_ms` no value"),
    ("docker/spinapp.yaml", "- name: kill_ms", "- name: kills_ms", "`kills_ms` is no variable"),
    (
        "docker/spinapp.yaml",
        "valueFrom: { secretKeyRef: { name: makegood, key: jwt_secret } }",
        "value: guess",
        "`jwt_secret` is a secret, and stands there as it is",
    ),
];

#[test]
fn every_planted_error_is_found() {
    let mut missed = Vec::new();
    for (file, from, to, said) in ERRORS {
        let found = planted(file, from, to);
        if !found.iter().any(|finding| finding.file == *file && finding.to_string().contains(said)) {
            missed.push(format!("{from:?} -> {to:?}: wanted {said:?}, found {found:?}"));
        }
        assert!(found.iter().all(|finding| !finding.remedy.is_empty()), "each says what to do: {found:?}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_error_that_is_planted_in_a_worker_is_found() {
    let config = config_of("intent");
    let errors = [
        ("DATABASE_HTTP_URL = ", "DATABASE_URI = ", "the function intent reads DATABASE_HTTP_URL"),
        ("DATABASE_HTTP_URL = ", "DATABASE_URI = \"x\"\nDATABASE_HTTP_URL = ", "DATABASE_URI, which no code reads"),
        (
            "DATABASE_HTTP_URL = ",
            "TOOLS_URL = \"x\"\nDATABASE_HTTP_URL = ",
            "TOOLS_URL, which the function intent does not need",
        ),
        ("DATABASE_HTTP_URL = ", "JWT_SECRET = \"x\"\nDATABASE_HTTP_URL = ", "JWT_SECRET, which is a secret"),
        ("[env.staging.vars]", "[env.staging.were_vars]", "the vars of [env.staging] do not have it"),
        ("[build]", "[buildd]", "it has no [build]"),
        ("main = ", "main = \"/elsewhere.js\"\nmain_was = ", "`main` is not below functions/intent"),
    ];
    for (from, to, said) in errors {
        let found = planted(&config, from, to);
        let is_it = |finding: &Finding| finding.file == config && finding.to_string().contains(said);
        assert!(found.iter().any(is_it), "{from:?} -> {to:?}: wanted {said:?}, found {found:?}");
    }
}

/// Five Workers behind a gateway, as small as can be.
fn with_gateway(change: impl Fn(&str, &mut String)) -> Vec<Finding> {
    let copy = copy();
    let public = "PUBLIC_URL = \"https://m.example\"\nDATABASE_HTTP_URL = \"https://d.example/sql\"\n";
    let redis = "REDIS_REST_URL = \"https://r.example\"\n";
    let mut root = "name = \"makegood\"\nmain = \"gateway.js\"\n".to_owned();
    for (function, vars) in [
        ("chat", format!("{public}{redis}QSTASH_URL = \"https://q.example\"\n")),
        ("intent", format!("{public}{redis}")),
        ("execute", format!("{public}{redis}QSTASH_URL = \"https://q.example\"\nTOOLS_URL = \"https://t.example\"\n")),
        ("webhook", String::new()),
        ("debug", public.to_owned()),
    ] {
        root +=
            &format!("[[services]]\nbinding = \"{}\"\nservice = \"makegood-{function}\"\n", function.to_uppercase());
        let mut config = format!(
            "name = \"makegood-{function}\"\nmain = \"build/shim.js\"\n[build]\ncommand = \"make\"\n[vars]\n{vars}"
        );
        change(function, &mut config);
        std::fs::write(copy.path().join(format!("functions/{function}/wrangler.toml")), config).unwrap();
    }
    change("gateway", &mut root);
    std::fs::write(copy.path().join("wrangler.toml"), root).unwrap();
    findings(copy.path()).unwrap()
}

#[test]
fn a_gateway_binds_every_worker_and_nothing_else() {
    assert_eq!(with_gateway(|_, _| {}), []);
    let found = with_gateway(|name, config| {
        if name == "gateway" {
            *config = config.replace("\"makegood-debug\"", "\"makegood-debugger\"");
        }
    });
    let said: Vec<&str> = found.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "the config binds a service to makegood-debugger, which is no Worker here",
            "the config binds no service to the Worker makegood-debug"
        ]
    );
    let found = with_gateway(|name, config| {
        if name == "execute" {
            *config = config.replace("TOOLS_URL", "TOOL_URL");
        }
    });
    assert!(found.iter().any(|f| f.file == "functions/execute/wrangler.toml" && f.what.contains("reads TOOLS_URL")));
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
