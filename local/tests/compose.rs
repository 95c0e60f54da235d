//! `docker-compose.yml`: by its schema, in what it refers to, and whether `makegood` understands what it is to run.
//! `tests/topology` does the first two; nothing is started here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::{CommandFactory, Parser};
use makegood_local::cli::{Cli, Command as Makegood};
use makegood_local::emulate::Service;
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Whether the checker can be run here; where everything must be, it has to.
fn has_python() -> bool {
    let there = Command::new("python3").args(["-c", "import ensurepip, venv"]).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    assert!(there || std::env::var_os("CI").is_none(), "there is no python3 with venv, which runs the checker");
    // A machine with nothing but a Rust toolchain is to be able to run all other tests.
    there
}

fn check(file: &Path) -> Output {
    let script = Path::new(ROOT).join("tests/topology/run");
    Command::new("bash").arg(script).arg("check").arg(file).output().unwrap()
}

/// What is wrong with what `makegood` is to run in each service, as [`check`] prints it.
fn misunderstood(runs: &[u8]) -> Vec<String> {
    let runs: Value = serde_json::from_slice(runs).unwrap();
    let strings = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let mut known = vec!["MAKEGOOD_LOG".to_owned()];
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        known.extend(command.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned())));
        commands.extend(command.get_subcommands().cloned());
    }
    let mut wrong = Vec::new();
    for (service, run) in runs.as_object().unwrap() {
        let command = ["makegood".to_owned()].into_iter().chain(strings(&run["command"]));
        match Cli::try_parse_from(command) {
            Ok(cli) => wrong.extend(misplaced(service, &cli, run)),
            Err(error) => wrong.push(format!("{service}: {error}")),
        }
        let health = strings(&run["health"]);
        assert_eq!(health[0], "CMD");
        wrong.extend(Cli::try_parse_from(&health[1..]).err().map(|error| format!("{service}: {error}")));
        let unread = strings(&run["environment"]).into_iter().filter(|name| !known.contains(name));
        wrong.extend(unread.map(|name| format!("{service}: makegood does not read {name}")));
    }
    wrong
}

/// What is wrong with where it listens, and where its data lies.
fn misplaced(name: &str, cli: &Cli, run: &Value) -> Vec<String> {
    let has = |variable: &str| run["environment"].as_array().unwrap().iter().any(|given| given == variable);
    let (port, folder, keeps) = if let Some(Makegood::Up(up)) = &cli.command {
        (up.port, &up.place.data_dir, true)
    } else if let Some(Makegood::Emulate(emulate)) = &cli.command {
        let elsewhere = match emulate.service {
            Service::Redis => has("REDIS_URL"),
            Service::Postgres | Service::Town => has("DATABASE_URL"),
            Service::Qstash | Service::Mcp | Service::Llm | Service::Ably | Service::Otlp => false,
        };
        let port = emulate.port.unwrap_or_else(|| emulate.service.port());
        (port, &emulate.data_dir, emulate.service.keeps() && !elsewhere)
    } else {
        return vec![format!("{name} runs nothing that serves")];
    };
    let mut wrong = Vec::new();
    if run["ports"] != serde_json::json!([port]) {
        wrong.push(format!("{name} listens at {port}, and publishes {}", run["ports"]));
    }
    let folder = folder.as_ref().map_or("its own folder", |folder| folder.to_str().unwrap());
    let mounted = run["mounts"].as_array().unwrap().iter().any(|mount| mount == folder);
    if keeps && !mounted {
        wrong.push(format!("{name} keeps its data in {folder}, where no volume is"));
    }
    wrong
}

#[test]
fn the_file_is_right_as_far_as_can_be_seen() {
    if !has_python() {
        return;
    }
    let checked = check(&Path::new(ROOT).join("docker-compose.yml"));
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let runs: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(runs.as_object().unwrap().len(), 8, "the platform and seven emulators");
    assert_eq!(misunderstood(&checked.stdout), Vec::<String>::new());
}

#[test]
fn planted_errors_are_found() {
    if !has_python() {
        return;
    }
    let file = std::fs::read_to_string(Path::new(ROOT).join("docker-compose.yml")).unwrap();
    let plant = std::env::temp_dir().join(format!("makegood-compose-{}.yml", std::process::id()));
    for (from, to, found) in [
        ("restart: unless-stopped", "restarts: unless-stopped", "restarts"),
        ("    image: postgres:17.6-trixie", "    image: [postgres]", "the schema"),
        ("image: postgres:17.6-trixie", "image: postgres:latest", "the image of postgres is not pinned"),
        ("image: redis:7.4.5-bookworm", "image: redis:7", "the image of redis is not pinned"),
        (
            "      redis:\n        condition",
            "      reddis:\n        condition",
            "depends on reddis, which is not there",
        ),
        (
            "    profiles: [telemetry]\n    command: [-config",
            "    profiles: [other]\n    command: [-config",
            "no profile",
        ),
        ("      - qstash:/data", "      - queue:/data", "the volume queue, which is not there"),
        ("  tempo:\n  grafana:\n", "  tempo:\n  grafana:\n  more:\n", "the volume more is used by nobody"),
        ("./docker/tempo.yaml:", "./docker/tempo.yml:", "mounts ./docker/tempo.yml, which is not there"),
        ("dockerfile: docker/Dockerfile", "dockerfile: Dockerfile", "built from Dockerfile, which is not there"),
        (
            "    command: [emulate, mcp,",
            "    build: {context: ., dockerfile: docker/Dockerfile}\n    command: [emulate, mcp,",
            "the image makegood:local is built by makegood and mcp",
        ),
        (
            "  ably:\n    <<: *makegood",
            "  ably:\n    <<: *makegood\n    image: makegood:locale",
            "the image of ably is not pinned: makegood:locale",
        ),
        ("127.0.0.1:${ABLY_PORT:-8081}", "${ABLY_PORT:-8081}", "not on loopback alone"),
        ("${ABLY_PORT:-8081}", "${ABLY_PORT:-8080}", "publishes the port 8080, as qstash does"),
        ("${ABLY_PORT:-8081}", "${ABLI_PORT:-8081}", "ABLI_PORT is not in .env.local.example"),
        ("${ABLY_PORT:-8081}", "$ABLY_PORT", "$ABLY_PORT has no default"),
        ("redis://redis:6379/1", "redis://valkey:6379/1", "redis-rest is to reach valkey, which is no service"),
        (
            "redis://redis:6379/1",
            "redis://redis:6380/1",
            "redis-rest is to reach redis at 6380, and it listens at 6379",
        ),
        ("8081/time", "8082/time", "the health of ably is asked at 8082, and it listens at 8081"),
        (
            "127.0.0.1:8081/time",
            "ably:8081/time",
            "is asked at http://ably:8081/time, which is not on its own loopback",
        ),
        ("127.0.0.1:3000/api/health", "127.0.0.1:3001/api/health", "the health of grafana is asked at 3001"),
        (
            "${LLM_PORT:-8082}:8082",
            "${LLM_PORT:-8082}:8083",
            "the health of llm is asked at 8082, and it listens at 8083",
        ),
        ("${TEMPO_PORT:-3200}:3200", "${TEMPO_PORT:-3200}:3201", "tempo publishes its port 3201, and listens at 3200"),
        ("      - otlp:/data", "      - qstash:/data", "otlp uses the volume qstash, as qstash does"),
        ("      - qstash:/data", "      - qstash:/date", "qstash mounts qstash at /date, where nothing of it looks"),
        ("- tempo:/var/tempo", "- tempo:/var/tmp", "tempo mounts tempo at /var/tmp, where nothing of it looks"),
        ("/postgresql/data", "/postgres/data", "postgres mounts postgres at /var/lib/postgres/data, where nothing"),
        (":/etc/collector.yaml:ro", ":/etc/otel.yaml:ro", "mounts ./docker/collector.yaml at /etc/otel.yaml, where"),
        ("emulate, llm", "emulate, model", "invalid value 'model'"),
        ("emulate, ably,", "emulate, ably, --port, \"8090\",", "ably listens at 8090, and publishes [8081]"),
        ("emulate, ably,", "emulate, town,", "ably keeps its data in /data, where no volume is"),
        ("    command: [emulate, mcp,", "    command: [health, mcp] #", "mcp runs nothing that serves"),
        ("health, \"http://127.0.0.1:8081/time\"", "healthy, \"http://127.0.0.1:8081/time\"", "healthy"),
        ("      MAKEGOOD_LOG: $", "      MAKEGOOD_LOGS: $", "makegood does not read MAKEGOOD_LOGS"),
    ] {
        assert!(file.contains(from), "{from:?} is not in the file, so nothing can be planted there");
        std::fs::write(&plant, file.replacen(from, to, 1)).unwrap();
        let checked = check(&plant);
        let told = match checked.status.success() {
            true => misunderstood(&checked.stdout).join("\n"),
            false => String::from_utf8_lossy(&checked.stderr).into_owned(),
        };
        assert!(told.contains(found), "{to:?} was planted, and what was found is {told:?}");
    }
    std::fs::remove_file(&plant).unwrap();
}
