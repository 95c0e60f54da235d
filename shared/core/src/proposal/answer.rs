//! The shape of a model's answer, and how any bytes are read as one.

use serde_json::{Map, Value, json};

use super::{Rule, Violation, short};
use crate::depth::{DEEPEST, too_deep};
use crate::saga::Step;

/// The longest answer that is read, in bytes.
pub const LONGEST_ANSWER: usize = 64 * 1024;
/// Of a question, in characters: it is shown as it is.
const LONGEST_QUESTION: usize = 500;
/// What the answer may have beside its steps.
const BESIDE: [&str; 2] = ["summary", "question"];
/// What a step may have.
const FIELDS: [&str; 4] = ["id", "tool", "params", "after"];

/// What is asked for as structured output, as JSON Schema. `params` are the tool's own business, so the
/// schema is not one of those that a service can be strict about; [`parse`] and what follows are.
#[must_use]
pub fn schema<'a>(tools: impl Iterator<Item = &'a str>) -> Value {
    let tools: Vec<&str> = tools.collect();
    json!({
        "type": "object", "additionalProperties": false, "required": ["summary", "steps"],
        "properties": {
            "summary": {"type": "string"},
            "question": {"type": "string"},
            "steps": {"type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["id", "tool", "params"],
                "properties": {
                    "id": {"type": "string"},
                    "tool": {"type": "string", "enum": tools},
                    "params": {"type": "object"},
                    "after": {"type": "array", "items": {"type": "string"}},
                },
            }},
        },
    })
}

/// An answer whose shape is right.
pub(super) enum Answer {
    /// At least one.
    Steps(Vec<Step>),
    Ask(String),
    Nothing,
}

/// Reads an answer. `most`: so many steps are looked at.
pub(super) fn parse(answer: &[u8], most: usize) -> Result<Answer, Vec<Violation>> {
    let refuse = |rule, message: String| vec![Violation::whole(rule, message)];
    if answer.len() > LONGEST_ANSWER {
        return Err(refuse(Rule::Json, format!("It is longer than {LONGEST_ANSWER} bytes. Answer shortly.")));
    }
    let no_json = || refuse(Rule::Json, "It is no JSON object. Answer with the object alone.".to_owned());
    let text = std::str::from_utf8(answer).map_err(|_| no_json())?;
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(unfenced(text).as_bytes()) else {
        return Err(no_json());
    };
    if fields.values().any(too_deep) {
        return Err(refuse(Rule::Json, format!("It is nested more than {DEEPEST} deep.")));
    }
    if fields.values().any(holds_nul) {
        return Err(refuse(Rule::Json, "It holds the character U+0000, which cannot be stored.".to_owned()));
    }
    let steps = match fields.remove("steps") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(steps)) => steps,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(refuse(Rule::Shape, "`steps` is no list.".to_owned()));
        }
    };
    if let Some(name) = fields.keys().find(|name| !BESIDE.contains(&name.as_str())) {
        let message =
            format!("It has `{}`; an answer has `summary`, `steps` and `question`, and nothing else.", short(name));
        return Err(refuse(Rule::Shape, message));
    }
    if steps.is_empty() {
        return question(fields.remove("question")).map_err(|message| refuse(Rule::Shape, message));
    }
    if steps.len() > most {
        let message =
            format!("It has {} steps, and {most} are allowed. Leave out what was not asked for.", steps.len());
        return Err(refuse(Rule::Steps, message));
    }
    let mut violations = Vec::new();
    let steps: Vec<Step> =
        steps.into_iter().enumerate().filter_map(|(place, value)| step(place, value, &mut violations)).collect();
    if violations.is_empty() { Ok(Answer::Steps(steps)) } else { Err(violations) }
}

/// Without the fence that models like to put around JSON.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inner.map_or(text, |inner| inner.strip_prefix("json").unwrap_or(inner).trim())
}

fn question(value: Option<Value>) -> Result<Answer, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(Answer::Nothing),
        Some(Value::String(text)) => text,
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err("`question` is no text.".to_owned());
        }
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim();
    match text.chars().count() {
        0 => Ok(Answer::Nothing),
        1..=LONGEST_QUESTION => Ok(Answer::Ask(text.to_owned())),
        _ => Err(format!("`question` has more than {LONGEST_QUESTION} characters.")),
    }
}

fn step(place: usize, value: Value, violations: &mut Vec<Violation>) -> Option<Step> {
    let Value::Object(mut fields) = value else {
        violations.push(Violation::of(&format!("#{place}"), Rule::Shape, "It is no object."));
        return None;
    };
    let named = fields.get("id").and_then(Value::as_str).map_or_else(|| format!("#{place}"), short);
    let before = violations.len();
    let mut wrong = |message: String| violations.push(Violation::of(&named, Rule::Shape, message));
    for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        wrong(format!("It has `{}`; a step has `id`, `tool`, `params` and `after`, and nothing else.", short(name)));
    }
    let mut text = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => text,
        _ => {
            wrong(format!("`{name}` is no text."));
            String::new()
        }
    };
    let (id, tool) = (text("id"), text("tool"));
    let params = match fields.remove("params") {
        Some(Value::Object(params)) => params,
        None | Some(Value::Null) => Map::new(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            wrong("`params` is no object.".to_owned());
            Map::new()
        }
    };
    let after = match fields.remove("after") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(value) => serde_json::from_value(value).ok(),
    };
    if after.is_none() {
        wrong("`after` is no list of ids.".to_owned());
    }
    if violations.len() > before {
        return None;
    }
    Some(Step { id, tool, params, after: after.unwrap_or_default(), ..Step::default() })
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Schema;

    fn rules(answer: &str) -> Vec<(Option<String>, Rule)> {
        let refused = parse(answer.as_bytes(), 3).err().unwrap_or_default();
        refused.into_iter().map(|violation| (violation.step, violation.rule)).collect()
    }

    #[test]
    fn a_fence_around_an_answer_is_taken_off_and_other_words_are_not() {
        let steps = |text: &str| matches!(parse(text.as_bytes(), 3), Ok(Answer::Steps(steps)) if steps.len() == 1);
        let plain = r#"{"summary":"","steps":[{"id":"a","tool":"t","params":{},"after":null}]}"#;
        assert!(steps(plain) && steps(&format!("```json\n{plain}\n```\n")) && steps(&format!("```{plain}```")));
        assert!(!steps(&format!("Here you are: {plain}")));
    }

    #[test]
    fn without_steps_it_is_a_question_or_nothing() {
        let asked = |text: &str| match parse(text.as_bytes(), 3) {
            Ok(Answer::Ask(question)) => Some(question),
            _ => None,
        };
        assert_eq!(asked(r#"{"steps":[],"question":" For\nwhom? "}"#), Some("For whom?".to_owned()));
        assert!(matches!(parse(b"{}", 3), Ok(Answer::Nothing)));
        assert!(matches!(parse(br#"{"steps":null,"question":""}"#, 3), Ok(Answer::Nothing)));
        assert_eq!(rules(&format!(r#"{{"question":"{}"}}"#, "x".repeat(501))), [(None, Rule::Shape)]);
    }

    #[test]
    fn what_has_another_shape_is_named_with_its_step() {
        let of = |id: &str| Some(id.to_owned());
        assert_eq!(rules("[]"), [(None, Rule::Json)]);
        assert_eq!(rules(r#"{"steps":{}}"#), [(None, Rule::Shape)]);
        let beside = r#"{"steps":[{"id":"a","tool":"t","params":{}}],"approval":{"by":["me"]}}"#;
        assert_eq!(rules(beside), [(None, Rule::Shape)]);
        assert_eq!(rules(r#"{"steps":[],"question":"Who?","wait":1}"#), [(None, Rule::Shape)]);
        assert_eq!(rules(r#"{"steps":[1]}"#), [(of("#0"), Rule::Shape)]);
        assert_eq!(rules(r#"{"steps":[{"id":"a","tool":1}]}"#), [(of("a"), Rule::Shape)]);
        let sly = r#"{"steps":[{"id":"a","tool":"t","approval":{"by":["me"]}},{"tool":"t","params":[]}]}"#;
        assert_eq!(rules(sly), [(of("a"), Rule::Shape), (of("#1"), Rule::Shape), (of("#1"), Rule::Shape)]);
        assert_eq!(rules(r#"{"steps":[1,1,1,1]}"#), [(None, Rule::Steps)]);
        assert_eq!(rules(r#"{"steps":[{"id":"a","tool":"t","params":{"x":"\u0000"}}]}"#), [(None, Rule::Json)]);
        assert_eq!(rules(&format!("{{\"steps\":{}}}", "[".repeat(70) + &"]".repeat(70))), [(None, Rule::Json)]);
    }

    #[test]
    fn the_schema_takes_what_is_read() {
        let schema: Schema = serde_json::from_value(schema(["t"].into_iter())).unwrap();
        let taken = |value: Value| schema.check(&value).is_empty();
        assert!(taken(json!({"summary": "", "steps": [{"id": "a", "tool": "t", "params": {"x": 1}, "after": []}]})));
        assert!(taken(json!({"summary": "", "steps": [], "question": "Who?"})));
        assert!(!taken(json!({"summary": "", "steps": [{"id": "a", "tool": "u", "params": {}}]})));
    }
}
