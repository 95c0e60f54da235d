//! What the author of a tool gives the kit besides the tool: its definition, and parameters to call
//! it with.

use anyhow::{Context, bail};
use makegood_core::tool::{Definition, Schema};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The parameters of one call.
pub type Params = Map<String, Value>;

/// A sample file:
///
/// ```json
/// {
///   "tool": "capture_payment",
///   "before": [{ "id": "held", "tool": "authorise_payment", "params": { "amount_minor": 4200 } }],
///   "params": { "payment_id": "$held.payment_id" },
///   "refused": { "payment_id": "no such payment" }
/// }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// A whole definition, or the name of one that the caller knows.
    pub tool: Named,
    /// Must succeed, also many times, each under a key of its own.
    pub params: Params,
    /// Must be refused, whenever it is asked for.
    #[serde(default)]
    pub refused: Option<Params>,
    /// Would succeed as well, but differs from `params`; made up from them where absent.
    #[serde(default)]
    pub other: Option<Params>,
    /// Calls of other tools that must come first, anew for each key. Parameters refer to their
    /// outputs as those of a plan do: `"$id.path"`.
    #[serde(default)]
    pub before: Vec<Preparation>,
}

/// A definition, or its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Named {
    Name(String),
    Definition(Box<Definition>),
}

/// A call of another tool that the sample needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// What references call it.
    pub id: String,
    /// The other tool's name, at the same base address.
    pub tool: String,
    pub params: Params,
    /// Whether it is undone at the end; there is nothing to undo where it only reads.
    #[serde(default = "yes")]
    pub undo: bool,
}

const fn yes() -> bool {
    true
}

impl Sample {
    /// Reads a sample file.
    ///
    /// # Errors
    /// Where the text is no sample; the error says what is wanted.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let wanted = "a sample is {\"tool\": a definition or its name, \"params\": {..}}, and may have \"refused\", \
                      \"other\" and \"before\"";
        // A definition that does not hold would only be reported as "neither of the two".
        let value: Value = serde_json::from_str(text).context(wanted)?;
        if let Some(tool @ Value::Object(_)) = value.get("tool") {
            Definition::deserialize(tool).context("`tool` is not a definition of a tool")?;
        }
        serde_json::from_value(value).context(wanted)
    }

    /// The definition, looked up in `known` where the sample only names it.
    ///
    /// # Errors
    /// Where `known` has none of that name.
    pub fn definition(&self, known: &[Definition]) -> anyhow::Result<Definition> {
        match &self.tool {
            Named::Definition(definition) => Ok((**definition).clone()),
            Named::Name(name) => {
                let Some(found) = known.iter().find(|tool| tool.name == *name) else {
                    bail!("there is no registered tool {name}: write its whole definition into the sample's `tool`");
                };
                Ok(found.clone())
            }
        }
    }
}

/// Parameters that differ from `params` in one field and are still valid; `None` where no small change
/// leaves them so.
pub(crate) fn vary(params: &Params, input: &Schema) -> Option<Params> {
    params.iter().find_map(|(name, value)| {
        let candidates = match value {
            Value::Number(number) => {
                let whole = number.as_i64()?;
                vec![Value::from(whole.saturating_add(1)), Value::from(whole.saturating_sub(1))]
            }
            Value::String(text) => vec![Value::from(format!("{text} 2"))],
            Value::Bool(truth) => vec![Value::from(!truth)],
            Value::Null | Value::Array(_) | Value::Object(_) => Vec::new(),
        };
        candidates.into_iter().find_map(|candidate| {
            let mut varied = params.clone();
            varied.insert(name.clone(), candidate);
            input.check(&Value::Object(varied.clone())).is_empty().then_some(varied)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Params {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_variation_is_valid_and_differs() {
        let input: Schema = serde_json::from_value(json!({ "properties": {
            "currency": { "type": "string", "maxLength": 3 }, "seats": { "type": "integer", "maximum": 4 },
        } }))
        .unwrap();
        let params = object(json!({ "currency": "EUR", "seats": 4 }));
        assert_eq!(vary(&params, &input), Some(object(json!({ "currency": "EUR", "seats": 3 }))));
        assert_eq!(vary(&object(json!({ "currency": "EUR" })), &input), None);
    }

    #[test]
    fn a_wrong_definition_is_named_as_such() {
        let error = Sample::read(r#"{"tool":{"name":"x"},"params":{}}"#).unwrap_err();
        assert!(format!("{error:#}").contains("missing field `version`"), "{error:#}");
        let error = Sample::read(r#"{"tool":"x","parameters":{}}"#).unwrap_err();
        assert!(format!("{error:#}").contains("parameters"), "{error:#}");
    }

    #[test]
    fn a_name_needs_a_registered_tool() {
        let sample = Sample::read(r#"{"tool":"teleport","params":{}}"#).unwrap();
        assert!(sample.definition(&[]).unwrap_err().to_string().contains("no registered tool teleport"));
    }
}
