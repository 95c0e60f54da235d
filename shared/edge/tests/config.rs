//! Every variable that any source asks its host for is one of the table of settings, whether or not a test drives the
//! line that asks. So the manifests, which are held to the table, have it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sources;

use makegood_edge::settings::NAMES;

/// Those that read settings by names that they hold themselves. `local/tests/settings.rs` drives both whole, and
/// compares what they ask for with the table.
const READERS: [&str; 2] = ["shared/edge/src/settings.rs", "shared/edge/src/model/chain.rs"];

/// What a source asks a host for, and may not.
fn strange(file: &str, text: &str) -> Vec<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, word) in code.match_indices("config") {
        let (before, after) = (&code[..at], code[at + word.len()..].trim_start());
        let owner = before.trim_end();
        let is_path = owner.ends_with("Host::") || owner.ends_with("H::") || owner.ends_with("Self::");
        if !owner.ends_with('.') && !is_path {
            continue;
        }
        let Some(argument) = after.strip_prefix('(').map(str::trim_start) else {
            // A field, or a word that goes on; the function itself handed on is a call of who knows what.
            if is_path {
                found.push("the function `config` itself".to_owned());
            }
            continue;
        };
        match argument.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((name, _)) if NAMES.contains(&name) => {}
            Some((name, _)) => found.push(format!("`{name}`")),
            None if READERS.contains(&file) => {}
            None => {
                let shown: String = argument.chars().take_while(|c| *c != ')').collect();
                found.push(format!("whatever `{shown}` is"));
            }
        }
    }
    found
}

#[test]
fn no_source_asks_for_a_variable_that_the_table_of_settings_does_not_have() {
    let files = sources::all();
    let asked = |(name, text): &(String, String)| {
        strange(name, text).into_iter().map(|what| format!("{name} asks for {what}")).collect::<Vec<_>>()
    };
    let found: Vec<String> = files.iter().flat_map(asked).collect();
    assert!(files.len() > 50, "there is something to look at");
    assert!(found.is_empty(), "add it to TABLE in shared/edge/src/settings/table.rs:\n{}", found.join("\n"));
}

#[test]
fn what_asks_for_something_else_is_found_however_it_is_written() {
    let found = |text: &str| strange("functions/execute/src/links.rs", text);
    for (text, what) in [
        ("let x = host.config(\"link_secret\");", "`link_secret`"),
        ("let x = host\n    .config(\n        \"link_secret\",\n    );", "`link_secret`"),
        ("let x = H::config(&host, name);", "whatever `&host, name` is"),
        ("names.iter().map(|name| host.config(name))", "whatever `name` is"),
        ("host.config(&format!(\"{service}_url\"))", "whatever `&format!(\"{service}_url\"` is"),
        ("names.map(H::config)", "the function `config` itself"),
    ] {
        assert_eq!(found(text), [what], "{text}");
    }
    for good in
        ["host.config(\"region\")", "// host.config(\"x\")", "self.config.get(name)", "fn config(&self, name: &str)"]
    {
        assert_eq!(found(good), Vec::<String>::new(), "{good}");
    }
    assert_eq!(strange(READERS[0], "host.config(name)"), Vec::<String>::new());
    assert_eq!(strange(READERS[0], "host.config(\"colour\")"), ["`colour`"]);
}
