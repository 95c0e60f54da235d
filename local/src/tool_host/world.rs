//! The world of `wit/tool.wit` as Rust, and what a tool says of itself there as a definition.

use anyhow::{Context, ensure};
use makegood_core::time::Millis;
use makegood_core::tool::{Class, Definition, Repeat, Retry, Schema};

use bindings::makegood::tool::types as wit;

mod bindings {
    wasmtime::component::bindgen!({ path: "../wit/tool.wit", world: "tool", exports: { default: async } });
}

pub use bindings::makegood::tool::types::{Definition as Described, Failure, Refusal, State};
pub(super) use bindings::{Tool, ToolPre};

/// In bytes.
const LONGEST_VERSION: usize = 64;
/// Of the SHA-256 of its code, so many digits stand in a version.
const DIGITS: usize = 16;

/// The definition that is registered. `sha256` is that of the code, in hexadecimal: it goes into the version, so that
/// other code is another version, whatever it says of itself.
///
/// # Errors
/// What does not hold, in words for whoever wrote the tool.
pub fn definition(described: &Described, sha256: &str) -> anyhow::Result<Definition> {
    ensure!(
        !described.version.is_empty() && described.version.len() <= LONGEST_VERSION,
        "the version must be a text of 1 to {LONGEST_VERSION} bytes"
    );
    let class = match described.class {
        wit::Class::Query => Class::Query,
        wit::Class::Compensatable => Class::Compensatable,
        wit::Class::Pivot => Class::Pivot,
        wit::Class::Retriable => Class::Retriable,
    };
    let repeat = match described.repeat {
        wit::Repeat::Keyed(ttl) => Repeat::Keyed { ttl_ms: Millis(ttl) },
        wit::Repeat::Never => Repeat::Never,
    };
    let retry = Retry {
        attempts: described.retry.attempts,
        base_ms: Millis(described.retry.base),
        cap_ms: Millis(described.retry.cap),
        never: Vec::new(),
    };
    let digits = sha256.get(..DIGITS).context("a SHA-256 has 64 digits")?;
    let definition = Definition {
        name: described.name.clone(),
        version: format!("{}+{digits}", described.version),
        title: described.title.clone(),
        description: described.description.clone(),
        // The world has no words for them.
        examples: Vec::new(),
        class,
        repeat,
        // The host keeps what came of every key, but for queries, of which nothing is kept.
        status: class != Class::Query,
        fence: described.fence,
        timeout_ms: Millis(described.timeout),
        estimate_ms: Millis(described.estimate),
        retry,
        cost_minor: described.cost_minor,
        cost_tokens: 0,
        approval: None,
        rules: Vec::new(),
        concurrency: Vec::new(),
        rate: None,
        secrets: serde_json::Map::new(),
        // It reaches none.
        hosts: Vec::new(),
        mcp: None,
        input: schema(&described.input).context("the input schema")?,
        output: schema(&described.output).context("the output schema")?,
    };
    definition.check().map_err(anyhow::Error::msg)?;
    Ok(definition)
}

fn schema(json: &str) -> anyhow::Result<Schema> {
    Ok(serde_json::from_str(json)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Described {
        Described {
            name: "a_tool".to_owned(),
            version: "1.0.0".to_owned(),
            title: "A tool".to_owned(),
            description: String::new(),
            class: wit::Class::Compensatable,
            repeat: wit::Repeat::Keyed(60_000),
            fence: true,
            timeout: 8_000,
            estimate: 20,
            retry: wit::Retry { attempts: 3, base: 200, cap: 2_000 },
            cost_minor: 5,
            input: r#"{"type":"object"}"#.to_owned(),
            output: "{}".to_owned(),
        }
    }

    const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn other_code_is_another_version() {
        let one = definition(&described(), HASH).unwrap();
        assert_eq!(one.version, "1.0.0+0011223344556677");
        assert!(one.status && one.fence && one.mcp.is_none());
        assert_ne!(definition(&described(), &HASH.replace('0', "f")).unwrap().version, one.version);
        let query = Described { class: wit::Class::Query, ..described() };
        assert!(!definition(&query, HASH).unwrap().status);
    }

    #[test]
    fn a_definition_that_does_not_hold_is_refused_in_words() {
        let why = |but: fn(&mut Described)| {
            let mut described = described();
            but(&mut described);
            format!("{:#}", definition(&described, HASH).unwrap_err())
        };
        for name in ["", "../../etc", "A", "1a", "a-b", "a/b", "ä"] {
            let described = Described { name: name.to_owned(), ..described() };
            assert!(definition(&described, HASH).unwrap_err().to_string().contains("is no name for a tool"), "{name}");
        }
        assert!(why(|tool| tool.version.clear()).contains("version"));
        assert!(why(|tool| tool.title = "a\0b".to_owned()).contains("NUL"));
        assert!(why(|tool| tool.description = "a".repeat(4_001)).contains("description"));
        assert!(why(|tool| tool.cost_minor = -1).contains("cost_minor"));
        assert!(why(|tool| tool.name = "run_saga".to_owned()).contains("built in"));
        let twice = |tool: &mut Described| (tool.class, tool.repeat) = (wit::Class::Retriable, wit::Repeat::Never);
        assert!(why(twice).contains("until it succeeds"));
        assert!(why(|tool| tool.timeout = 0).contains("timeout"));
        assert!(why(|tool| tool.retry.attempts = 0).contains("attempts"));
        let schema = why(|tool| tool.input = r#"{"pattern":"x"}"#.to_owned());
        assert!(schema.contains("input schema") && schema.contains("pattern"), "{schema}");
        assert!(why(|tool| tool.output = "{".to_owned()).contains("output schema"));
    }
}
