//! What lies in the repository: dashboards, their queries, documents, and the sources.

use std::path::{Path, PathBuf};

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// In which language a query is, by whom it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Prometheus,
    Loki,
    Tempo,
}

/// One query of a dashboard, or of an alert.
#[derive(Clone, Debug)]
pub struct Query {
    pub panel: String,
    pub language: Language,
    pub text: String,
    /// What its results are called by: labels in `{{}}`.
    pub legend: String,
}

pub fn read(path: &str) -> String {
    let path = Path::new(ROOT).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All dashboards, each with the name of its file.
pub fn dashboards() -> Vec<(String, Value)> {
    let folder = Path::new(ROOT).join("docker/grafana/dashboards");
    let mut found = Vec::new();
    for path in below(&folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push((name, serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()));
    }
    assert!(found.len() >= 5, "dashboards were looked for in {}", folder.display());
    found
}

/// Everything that a dashboard asks for, by its panels and its variables.
pub fn queries(dashboard: &Value) -> Vec<Query> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            found.push(query(&panel["title"], target));
        }
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    // One that people write into asks nobody.
    found.extend(
        variables.filter(|variable| variable["type"] != "textbox").map(|variable| query(&variable["name"], variable)),
    );
    found
}

fn query(panel: &Value, target: &Value) -> Query {
    let (language, text) = match target["datasource"]["type"].as_str() {
        Some("prometheus") => (Language::Prometheus, &target["expr"]),
        Some("loki") => (Language::Loki, &target["expr"]),
        Some("tempo") => (Language::Tempo, &target["query"]),
        other => panic!("{panel} asks {other:?}"),
    };
    let text = text.as_str().unwrap_or_else(|| panic!("{panel} asks for nothing")).to_owned();
    let legend = target["legendFormat"].as_str().unwrap_or_default().to_owned();
    Query { panel: panel.as_str().unwrap_or_default().to_owned(), language, text, legend }
}

/// The sources below a folder of the repository, one after the other.
pub fn sources(folder: &str) -> String {
    let files = below(&Path::new(ROOT).join(folder));
    let ours =
        files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs" || extension == "sql"));
    ours.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
