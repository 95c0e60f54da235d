//! What a definition must keep to be registered, whoever wrote it: a person, a component, a server of MCP.
//!
//! Whoever registers asks. A definition in the database is used as it stands, so that a build with stricter rules still
//! carries out the sagas that were planned with it.

use serde_json::Value;

use super::{Class, Definition, Example, Rate, Repeat, Schema, UNDER_WAY};
use crate::saga::Child;
use crate::time::Millis;

/// The longest name of a tool that models' interfaces take.
const LONGEST_NAME: usize = 64;
/// In bytes.
const LONGEST_VERSION: usize = 100;
/// Of title, description and of what an example says, in characters.
const LONGEST_TEXT: usize = 4_000;
const LONGEST_UTTERANCE: usize = 500;
const MOST_EXAMPLES: usize = 50;
const MOST_HOSTS: usize = 20;
const MOST_SECRETS: usize = 8;
/// Of a header, and of a secret's name, in bytes.
const LONGEST_SECRET: usize = 64;
/// Headers that a call has anyway, or that are the connection's: no definition sets them.
const OUR_HEADERS: [&str; 13] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
/// So many calls of a rate are remembered one by one.
const MOST_CALLS: u32 = 10_000;
/// In bytes (RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253;
/// What a call may cost, in cents or in tokens: so much that the sum over any plan is far from the end of the numbers.
const MOST_COST: i64 = 1_000_000_000_000;
/// Of one call, and of the wait between two.
const LONGEST_SPAN: Millis = Millis(24 * 60 * 60 * 1000);
/// How long a key may be said to be known: a hundred years.
const LONGEST_MEMORY: Millis = Millis(100 * 366 * 24 * 60 * 60 * 1000);

/// Whether it may be the name of a tool: lower snake case. It stands in addresses, and names a file.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= LONGEST_NAME && name.chars().all(fits)
}

impl Definition {
    /// Whether it may be registered.
    ///
    /// # Errors
    /// The first thing that does not hold, in words for whoever wrote it.
    pub fn check(&self) -> Result<(), String> {
        self.check_words()?;
        self.check_numbers()?;
        self.check_class()?;
        self.check_rate()?;
        self.check_hosts()?;
        self.check_secrets()?;
        check_schema("input", &self.input)?;
        check_schema("output", &self.output)?;
        if !self.input.takes_objects() {
            return Err("the input schema takes no object, and parameters are always one".to_owned());
        }
        if self.examples.len() > MOST_EXAMPLES {
            return Err(format!("there may be {MOST_EXAMPLES} examples, and there are {}", self.examples.len()));
        }
        self.examples.iter().try_for_each(|example| self.check_example(example))
    }

    fn check_words(&self) -> Result<(), String> {
        let Self { name, version, title, description, .. } = self;
        if !is_name(name) {
            let name = name.chars().take(LONGEST_NAME).collect::<String>();
            return Err(format!(
                "`{}` is no name for a tool: take one of lower snake case, of {LONGEST_NAME} characters at most",
                name.escape_default()
            ));
        }
        if Child::is_one(name) {
            return Err(format!("`{name}` is built in: give this one another name"));
        }
        if version.is_empty() || version.len() > LONGEST_VERSION || version.contains(char::is_control) {
            return Err(format!("the version must be a text of 1 to {LONGEST_VERSION} bytes, in one line"));
        }
        let plain = |text: &str| text.chars().count() <= LONGEST_TEXT && !text.contains('\0');
        if !plain(title) || !plain(description) {
            return Err(format!("title and description may have {LONGEST_TEXT} characters each, and no NUL"));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), String> {
        let Self { timeout_ms, estimate_ms, retry, cost_minor, cost_tokens, .. } = self;
        if *timeout_ms == Millis(0) || *timeout_ms > LONGEST_SPAN {
            return Err(format!("the timeout, `timeout_ms`, must be above zero, and {} at most", LONGEST_SPAN.0));
        }
        if *estimate_ms > LONGEST_SPAN {
            return Err(format!("`estimate_ms` may be {} at most", LONGEST_SPAN.0));
        }
        if retry.attempts == 0 {
            return Err("there is one attempt at least: `retry.attempts` must be above zero".to_owned());
        }
        if retry.base_ms > LONGEST_SPAN || retry.cap_ms > LONGEST_SPAN {
            return Err(format!("`retry.base_ms` and `retry.cap_ms` may be {} at most", LONGEST_SPAN.0));
        }
        if !(0..=MOST_COST).contains(cost_minor) {
            return Err(format!("`cost_minor` must not be below zero, nor above {MOST_COST}: budgets count with it"));
        }
        if *cost_tokens > MOST_COST.unsigned_abs() {
            return Err(format!("`cost_tokens` may be {MOST_COST} at most"));
        }
        Ok(())
    }

    fn check_class(&self) -> Result<(), String> {
        let least = if self.class == Class::Query { Millis(0) } else { UNDER_WAY };
        match (self.class, self.repeat) {
            (_, Repeat::Keyed { ttl_ms }) if ttl_ms <= least || ttl_ms > LONGEST_MEMORY => Err(format!(
                "`ttl_ms` of `repeat` must be above {}, for so long a call may be under way, and {} at most; a partner \
                 that knows no keys for so long is `never`",
                least.0, LONGEST_MEMORY.0
            )),
            (Class::Retriable, Repeat::Never) => Err(
                "a `retriable` tool is repeated until it succeeds, and `repeat: never` forbids that: say how long a key \
                 is known, or make it the `pivot`"
                    .to_owned(),
            ),
            (Class::Query | Class::Compensatable | Class::Pivot, Repeat::Never) | (_, Repeat::Keyed { .. }) => Ok(()),
        }
    }

    fn check_rate(&self) -> Result<(), String> {
        let fits =
            |rate: &Rate| rate.calls.get() <= MOST_CALLS && rate.per_ms > Millis(0) && rate.per_ms <= LONGEST_SPAN;
        if self.rate.as_ref().is_none_or(fits) {
            return Ok(());
        }
        Err(format!(
            "`rate` has {MOST_CALLS} `calls` at most, and a `per_ms` that is above zero, and {} at most",
            LONGEST_SPAN.0
        ))
    }

    fn check_hosts(&self) -> Result<(), String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_host = |host: &String| {
            host.len() <= LONGEST_HOST && host.split('.').all(|label| !label.is_empty() && label.chars().all(fits))
        };
        match self.hosts.iter().find(|host| !is_host(host)) {
            Some(host) => Err(format!(
                "`{}` in `hosts` is no host: name it in lower case, without scheme, port and path",
                host.escape_default()
            )),
            None if self.hosts.len() > MOST_HOSTS => Err(format!("there may be {MOST_HOSTS} `hosts`")),
            None => Ok(()),
        }
    }

    fn check_secrets(&self) -> Result<(), String> {
        let Self { secrets, hosts, mcp, .. } = self;
        if secrets.is_empty() {
            return Ok(());
        }
        if mcp.is_some() {
            return Err("a tool of an MCP server has no `secrets`: it is let in by its server's `token`".to_owned());
        }
        if hosts.is_empty() {
            return Err("a tool with `secrets` names the `hosts` that may be shown them".to_owned());
        }
        if secrets.len() > MOST_SECRETS {
            return Err(format!("there may be {MOST_SECRETS} `secrets`"));
        }
        let plain = |text: &str, between: char| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == between;
            !text.is_empty() && text.len() <= LONGEST_SECRET && text.chars().all(fits)
        };
        for (header, name) in secrets {
            if !plain(header, '-') || OUR_HEADERS.contains(&header.as_str()) {
                return Err(format!(
                    "`{}` in `secrets` is no header that a tool may set: name one in lower case, as in \
                     {{\"x-api-key\": \"its_name\"}}",
                    header.escape_default()
                ));
            }
            let name = name.as_str().unwrap_or_default();
            if !plain(name, '_') {
                return Err(format!(
                    "`{}` in `secrets` is no name of a secret: take one of lower snake case, and never its value",
                    // It may be the value, by mistake.
                    name.chars().take(4).collect::<String>().escape_default()
                ));
            }
        }
        Ok(())
    }

    fn check_example(&self, example: &Example) -> Result<(), String> {
        let Example { say, params } = example;
        let length = say.chars().count();
        if say.trim().is_empty() || length > LONGEST_UTTERANCE || say.contains(char::is_control) {
            return Err(format!("an example has a `say` of 1 to {LONGEST_UTTERANCE} characters, in one line"));
        }
        for (name, value) in params {
            let Some(schema) = self.input.field(&[name.as_str()]) else {
                return Err(format!("the example “{say}” has `{}`, which is no parameter", name.escape_default()));
            };
            if let Some(violation) = schema.check(value).first() {
                return Err(format!(
                    "the example “{say}”: /{}{} {}",
                    name.escape_default(),
                    violation.path,
                    violation.message
                ));
            }
        }
        Ok(())
    }
}

fn check_schema(side: &str, schema: &Schema) -> Result<(), String> {
    match schema.faults().first() {
        Some(fault) => Err(format!("the {side} schema: {} {}", Value::from(fault.path.as_str()), fault.message)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn definition(but: Value) -> Definition {
        let mut definition = json!({
            "name": "book_table", "version": "1", "title": "Book a table", "description": "Books one.",
            "class": "compensatable", "repeat": {"keyed": {"ttl_ms": 60_000}}, "status": true, "fence": true,
            "timeout_ms": 1000, "estimate_ms": 10, "cost_minor": 5,
            "input": {"type": "object", "required": ["at", "seats"], "additionalProperties": false, "properties": {
                "at": {"type": "string"}, "seats": {"type": "integer", "minimum": 1}}},
            "output": {"type": "object"},
            "examples": [{"say": "A table for four", "params": {"seats": 4}}],
        });
        for (name, value) in but.as_object().cloned().unwrap_or_default() {
            definition[name] = value;
        }
        serde_json::from_value(definition).unwrap()
    }

    #[test]
    fn what_may_be_registered_is_not_refused() {
        for but in [
            json!({}),
            json!({"examples": []}),
            json!({"hosts": ["tools.example", "127.0.0.1", "localhost"]}),
            json!({"rate": {"calls": 10_000, "per_ms": 86_400_000}}),
            json!({"hosts": ["tools.example"], "secrets": {"x-api-key": "luigi_2", "authorization": "luigi"}}),
            json!({"class": "pivot", "repeat": "never"}),
            json!({"class": "retriable"}),
            json!({"class": "query", "repeat": "never", "cost_minor": 0}),
            json!({"input": {}, "output": {}, "examples": []}),
            json!({"description": "ä".repeat(4_000)}),
        ] {
            assert_eq!(definition(but.clone()).check(), Ok(()), "{but}");
        }
    }

    #[test]
    fn what_may_not_be_registered_is_refused_in_words() {
        let open = json!({"type": "object"});
        for (but, words) in [
            (json!({"name": "run_saga"}), "built in"),
            (json!({"name": "run_saga_for_good"}), "built in"),
            (json!({"name": "a/b"}), "no name"),
            (json!({"name": "../../etc"}), "no name"),
            (json!({"name": ""}), "no name"),
            (json!({"name": "a".repeat(65)}), "no name"),
            (json!({"version": ""}), "version"),
            (json!({"version": "1\u{1b}[2J"}), "version"),
            (json!({"title": "a\u{0}"}), "NUL"),
            (json!({"description": "a".repeat(4_001)}), "description"),
            (json!({"cost_minor": -1}), "`cost_minor`"),
            (json!({"cost_minor": i64::MAX}), "`cost_minor`"),
            (json!({"cost_tokens": u64::MAX}), "`cost_tokens`"),
            (json!({"timeout_ms": 0}), "timeout"),
            (json!({"timeout_ms": u64::MAX}), "timeout"),
            (json!({"estimate_ms": u64::MAX}), "`estimate_ms`"),
            (json!({"retry": {"attempts": 0, "base_ms": 1, "cap_ms": 1}}), "attempts"),
            (json!({"retry": {"attempts": 1, "base_ms": 1, "cap_ms": u64::MAX}}), "`retry.cap_ms`"),
            (json!({"class": "retriable", "repeat": "never"}), "until it succeeds"),
            (json!({"repeat": {"keyed": {"ttl_ms": 0}}}), "`ttl_ms`"),
            (json!({"repeat": {"keyed": {"ttl_ms": 15_000}}}), "`ttl_ms`"),
            (json!({"input": {"type": "array"}, "examples": []}), "no object"),
            (json!({"input": {"properties": {"a": {"minimum": 2, "maximum": 1}}}}), "\"/a\" has bounds"),
            (json!({"output": {"enum": []}}), "the output schema"),
            (json!({"hosts": ["https://tools.example"]}), "no host"),
            (json!({"hosts": ["Tools.example"]}), "no host"),
            (json!({"hosts": ["tools.example:443"]}), "no host"),
            (json!({"hosts": ["tools..example"]}), "no host"),
            (json!({"hosts": vec!["a"; 21]}), "20 `hosts`"),
            (json!({"rate": {"calls": 1, "per_ms": 0}}), "`rate`"),
            (json!({"rate": {"calls": 1, "per_ms": 86_400_001}}), "`rate`"),
            (json!({"rate": {"calls": 10_001, "per_ms": 1_000}}), "`rate`"),
            (json!({"secrets": {"x-api-key": "luigi"}}), "names the `hosts`"),
            (json!({"hosts": ["a"], "secrets": {"X-Api-Key": "luigi"}}), "no header"),
            (json!({"hosts": ["a"], "secrets": {"": "luigi"}}), "no header"),
            (json!({"hosts": ["a"], "secrets": {"idempotency-key": "luigi"}}), "no header"),
            (json!({"hosts": ["a"], "secrets": {"x-api-key": "Bearer hush"}}), "`Bear` in `secrets` is no name"),
            (json!({"hosts": ["a"], "secrets": {"x-api-key": ""}}), "no name"),
            (json!({"hosts": ["a"], "secrets": {"x-api-key": 1}}), "no name"),
            (
                json!({"hosts": ["a"], "secrets": {"x-api-key": "luigi"},
                "mcp": {"server": "x", "era": "legacy", "tool": "t", "pin": "p"}}),
                "its server's `token`",
            ),
            (json!({"examples": [{"say": " "}]}), "`say`"),
            (json!({"examples": [{"say": "a", "params": {"when": 1}}]}), "`when`, which is no parameter"),
            (json!({"examples": [{"say": "none", "params": {"seats": 0}}]}), "/seats must be at least 1"),
            (json!({"input": open, "examples": vec![json!({"say": "a"}); 51]}), "50 examples"),
        ] {
            let refused = definition(but.clone()).check().unwrap_err();
            assert!(refused.contains(words), "{but}: {refused}");
        }
    }
}
