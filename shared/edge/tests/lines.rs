//! What the log says, line by line: before a line's colon stand words of ours, and of what is filled in there only what
//! anybody may know, for that much of it is told to collectors whatever `otlp_contents` says (docs/METRICS.md). Whoever
//! writes a line with something else in its first part is asked here to look at it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod sources;

use std::collections::BTreeSet;

/// Each was looked at: ids of sagas, conversations and subscriptions, keys of schedules that we gave, codes, numbers,
/// and names that an operator gave. Of one that begins with what is filled in, the part behind its colon is told only where
/// that is a saga's id; then what others said stands behind the second colon, or, for a misfit, its own.
const FILLED_IN: [&str; 46] = [
    "a delivery of the webhook {name} is left to the sweep",
    "a delivery of the webhook {} is dead",
    "a delivery of the webhook {} is left to the sweep",
    "a model is offered {MOST_TOOLS} tools, and not `{first_left_out}` and those after it",
    "a wake for {}, which does not exist",
    "a wish of {} is left to the sweep",
    "alert: the tool `{name}` {version} of the MCP server `{}` is out of use until it is added again",
    "alert: {} {}",
    "answered method={method} route={route} status={status} ms={ms}",
    "it is not known how {} ended",
    "no limits from Redis for now, instead {instead:?}",
    "nobody was told of {}",
    "nothing comes of a delivery of the webhook {}",
    "rule `{rule}` of the webhook {name} can do nothing with a delivery",
    "the MCP server `{server}` was not looked at",
    "the MCP server `{}` was not told of a session's end",
    "the audit log lacks that {verb} of {saga} was refused",
    "the breaker of {breaker} is closed again",
    "the breaker of {breaker} is open",
    "the model {name} gave no answer",
    "the queue may still have the schedule {}",
    "the queue still has the schedule {key}",
    "the schedule {key} started nothing",
    "the schedule {}",
    "the schedule {} is left to the sweeper",
    "tools of the MCP server `{server}` are registered, and it is not configured",
    "{child}: its parent {} was not told",
    "{id}: left to the sweeper",
    "{name} does not answer",
    "{number} spans were not taken",
    "{saga}: its subscribers are left to the sweep",
    "{shadow}refused by its limit for {} s",
    "{verb} {name}",
    "{} is disabled",
    "{} traces are not told",
    "{} traces are told later",
    "{} was not called",
    "{} was not told that its turn has come",
    "{}: a call of {} is not counted",
    "{}: its events cannot be read",
    "{}: its first wake is left to the sweeper",
    "{}: its progress cannot be read",
    "{}: its turns end by themselves",
    "{}: no turn for {}",
    "{}: {cause}",
    "{}: {error}",
];
/// The same of those with more than one thing filled in at their beginning.
const LED: [&str; 2] = ["{}: {misfit}", "{}: {} did not take what comes after {}"];

/// The texts that a source logs, as they are written there.
fn lines(text: &str) -> Vec<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, call) in code.match_indices(".log(") {
        let statement = code[at + call.len()..].split(';').next().unwrap_or_default();
        let line = literal(statement).or_else(|| {
            // Made beforehand.
            let name = statement.rsplit('&').next()?.trim_end_matches([')', ',', '\n', ' ']);
            literal(&code[code[..at].rfind(&format!("let {name} ="))?..at])
        });
        found.push(line.unwrap_or_else(|| panic!("what is logged here cannot be seen: {statement}")));
    }
    found
}

/// The first text in quotes.
fn literal(code: &str) -> Option<String> {
    let (_, quoted) = code.split_once('"')?;
    let ends = quoted.match_indices('"').find(|(at, _)| !quoted[..*at].ends_with('\\'))?.0;
    Some(quoted[..ends].to_owned())
}

/// As much of a line as may be told: to its colon, or to its second, where before the first there is nothing but `alert`
/// or what is filled in.
fn head(line: &str) -> &str {
    let begins = match line.split_once(": ") {
        Some((first, _))
            if first == "alert" || (first.starts_with('{') && first.find('}') == Some(first.len() - 1)) =>
        {
            first.len() + 2
        }
        Some(_) | None => 0,
    };
    line[begins..].find(": ").map_or(line, |at| &line[..begins + at])
}

#[test]
fn what_is_filled_in_before_a_lines_colon_was_looked_at() {
    let all: Vec<String> = sources::all().iter().flat_map(|(_, text)| lines(text)).collect();
    assert!(all.len() > 70, "{all:#?}");
    let there: BTreeSet<&str> = all.iter().map(|line| head(line)).filter(|head| head.contains('{')).collect();
    let known: BTreeSet<&str> = FILLED_IN.into_iter().chain(LED).collect();
    let new: Vec<&&str> = there.difference(&known).collect();
    assert!(new.is_empty(), "is it anybody's secret, or what somebody said? If not, add it here: {new:#?}");
    let gone: Vec<&&str> = known.difference(&there).collect();
    assert!(gone.is_empty(), "nobody says this any more: {gone:#?}");
}

#[test]
fn lines_are_found_however_they_are_written() {
    for (code, wanted) in [
        (r#"host.log(Level::Warn, &format!("of {name}: {error}"));"#, "of {name}"),
        ("host.log(\n    Level::Warn,\n    &format!(\"of {name}\"),\n);", "of {name}"),
        ("let line = format!(\"{id}: of {name}: {why}\");\n    host.log(level, &line);", "{id}: of {name}"),
        (r#"host.log(Level::Info, &format!("alert: {} {why}: x"))"#, "alert: {} {why}"),
        (r#"host.log(Level::Info, &format!("{} of {why}: x"))"#, "{} of {why}"),
        (r#"host.log(Level::Info, "a \"b\": c")"#, r#"a \"b\""#),
    ] {
        let found = lines(code);
        assert_eq!(found.iter().map(|line| head(line)).collect::<Vec<_>>(), [wanted]);
    }
}
