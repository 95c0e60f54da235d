//! The alert rules, read line by line: as much of YAML as they are written in.

use crate::files::{Language, Query};

/// One rule.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub name: String,
    pub expr: String,
    pub severity: String,
    pub summary: String,
    pub runbook: String,
}

impl Rule {
    /// What it asks for, and the labels that it tells of.
    pub fn query(&self) -> Query {
        let labels = self.summary.split("$labels.").skip(1);
        let named =
            labels.map(|rest| rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next());
        let legend = named.flatten().map(|label| format!("{{{{{label}}}}}")).collect();
        Query { panel: self.name.clone(), language: Language::Prometheus, text: self.expr.clone(), legend }
    }
}

pub fn rules(yaml: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    // How far in stands the field whose value goes on.
    let mut open: Option<usize> = None;
    for line in yaml.lines() {
        let inside = line.len() - line.trim_start().len();
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("- alert: ") {
            rules.push(Rule { name: name.to_owned(), ..Rule::default() });
            open = None;
            continue;
        }
        let Some(rule) = rules.last_mut() else { continue };
        if open.is_some_and(|field| inside > field) {
            rule.expr += " ";
            rule.expr += line;
            continue;
        }
        open = None;
        let Some((field, value)) = line.split_once(": ") else { continue };
        let value = value.trim_matches('"').to_owned();
        match field {
            "expr" if value == ">-" => open = Some(inside),
            "expr" => rule.expr = value,
            "severity" => rule.severity = value,
            "summary" => rule.summary = value,
            "runbook" => rule.runbook = value,
            _ => {}
        }
    }
    rules
}

/// What stands under a heading, by the anchor that it has.
pub fn section<'a>(document: &'a str, anchor: &str) -> Option<&'a str> {
    let mut from = None;
    let mut place = 0;
    for line in document.split_inclusive('\n') {
        let start = place;
        place += line.len();
        let Some(heading) = line.strip_prefix('#') else { continue };
        if let Some(from) = from {
            return document.get(from..start);
        }
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let slug: String = heading
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        if slug == anchor {
            from = Some(place);
        }
    }
    document.get(from?..)
}

#[test]
fn rules_are_read_with_what_they_ask_on_several_lines() {
    let [first, second]: [Rule; 2] = rules(
        "groups:\n  - name: some\n    rules:\n      - alert: One\n        expr: >-\n          a\n          > 1\n        for: 5m\n        \
         labels:\n          severity: page\n        annotations:\n          summary: \"{{ $labels.tool }} is away\"\n\n      \
         - alert: Two\n        expr: b{c=\"d\"}\n        annotations:\n          runbook: some.md#two\n",
    )
    .try_into()
    .unwrap();
    assert_eq!((first.name.as_str(), first.expr.trim(), first.severity.as_str()), ("One", "a > 1", "page"));
    assert_eq!(first.query().legend, "{{tool}}");
    assert_eq!((second.expr.as_str(), second.runbook.as_str()), ("b{c=\"d\"}", "some.md#two"));
}

#[test]
fn a_section_is_found_by_its_anchor() {
    let document = "# All\n\none\n\n## First and Second\n\ntwo\n\n## Third\n\nthree\n";
    assert_eq!(section(document, "first-and-second").map(str::trim), Some("two"));
    assert_eq!(section(document, "third").map(str::trim), Some("three"));
    assert_eq!(section(document, "fourth"), None);
}
