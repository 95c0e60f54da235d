//! What a model is told, from the files in `prompts/`.
//!
//! A file is never changed once it was released: its version stands in the record of every plan that was
//! made with it. A better prompt is a new file with the next number, and a new name here.

use std::collections::BTreeMap;

use makegood_core::proposal::{LONGEST_ANSWER, Violation, schema, today};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_gateway::hexadecimal;
use makegood_gateway::model::{Message, Question, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The version that stands in the record: the names of the files.
pub const VERSION: &str = "plan.2+repair.1";
const PLAN: &str = include_str!("../../prompts/plan.2.md");
const REPAIR: &str = include_str!("../../prompts/repair.1.md");

/// Steps of a plan that a model may propose: what one message wants is seldom more than five.
pub const MOST_STEPS: usize = 10;
/// Tokens of an answer: ten steps, each with a dozen parameters.
const MOST_TOKENS: u32 = 2_000;

/// A question of a model, and the message that it asked about. It is stored, so its shape is an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub message: String,
    pub question: String,
}

/// What a message is read for.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub message: &'a str,
    /// What was asked before it, oldest first, and is open: it may be the answer.
    pub questions: &'a [Exchange],
    pub now: Millis,
    pub utc_offset_minutes: i32,
    pub user: &'a str,
    /// Until then the models may take.
    pub until: Millis,
    /// The trace that the message is of, as a `traceparent`.
    pub trace: Option<&'a str>,
}

/// The question for a plan.
pub fn plan(reader: &Reader<'_>, tools: &BTreeMap<String, Definition>) -> Question {
    // Nobody writes the mark of their own messages into them.
    let mut said = Sha256::new();
    for Exchange { message, question } in reader.questions {
        said.update(message);
        said.update(question);
    }
    said.update(reader.message);
    let mark = hexadecimal(&said.finalize()[..8]);
    let system = filled(
        PLAN,
        &[
            ("steps", &MOST_STEPS.to_string()),
            ("mark", &mark),
            ("today", &today(reader.now, reader.utc_offset_minutes)),
            // As JSON, so that a name stays a name.
            ("user", &json!(reader.user).to_string()),
            ("tools", &told(tools)),
        ],
    );
    let marked = |message: &str| Message::new(Role::User, format!("<message {mark}>\n{message}\n</message {mark}>"));
    let mut messages = vec![Message::new(Role::System, system)];
    for Exchange { message, question } in reader.questions {
        messages.push(marked(message));
        // As it answered.
        messages.push(Message::new(Role::Assistant, json!({"steps": [], "question": question}).to_string()));
    }
    messages.push(marked(reader.message));
    Question {
        messages,
        schema: Some(("plan".to_owned(), schema(tools.keys().map(String::as_str)))),
        most_tokens: Some(MOST_TOKENS),
        trace: reader.trace.map(str::to_owned),
        ..Question::default()
    }
}

/// The same, once more, with what was wrong about the first answer.
pub fn repair(mut question: Question, answer: &str, violations: &[Violation]) -> Question {
    let lines: Vec<String> = violations.iter().map(|violation| format!("- {violation}")).collect();
    // What was too long to be read is too long to be said again.
    let answer: String = answer.chars().take(LONGEST_ANSWER / 8).collect();
    question.messages.push(Message::new(Role::Assistant, answer));
    question.messages.push(Message::new(Role::User, filled(REPAIR, &[("violations", &lines.join("\n"))])));
    question
}

/// The tools as a model sees them: a line of JSON each.
fn told(tools: &BTreeMap<String, Definition>) -> String {
    let line = |tool: &Definition| {
        let mut told: Value = json!({
            "name": tool.name, "description": tool.description, "class": tool.class,
            "input": tool.input, "output": tool.output,
        });
        if !tool.examples.is_empty() {
            told["examples"] = json!(tool.examples);
        }
        told.to_string()
    };
    tools.values().map(line).collect::<Vec<_>>().join("\n")
}

/// A prompt with its blanks filled in, once: what is filled in is not looked at again.
fn filled(prompt: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(prompt.len() * 2);
    let mut rest = prompt;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use makegood_core::proposal::Rule;

    /// A prompt that was released is not edited: give the new words a new number.
    #[test]
    fn released_prompts_are_as_they_were() {
        let sum = |text: &str| hexadecimal(&Sha256::digest(text)[..8]);
        assert_eq!((VERSION, sum(PLAN), sum(REPAIR)), ("plan.2+repair.1", PLAN_SUM.to_owned(), REPAIR_SUM.to_owned()));
        // Plans were made with it.
        assert_eq!(sum(include_str!("../../prompts/plan.1.md")), "5e8870f7b0fe4765");
    }
    const PLAN_SUM: &str = "3dfe6e5c7ce50ba6";
    const REPAIR_SUM: &str = "1afa7638d8a14dad";

    const fn reader(message: &str) -> Reader<'_> {
        Reader {
            message,
            questions: &[],
            now: Millis(0),
            utc_offset_minutes: 0,
            user: "Ann",
            until: Millis(0),
            trace: None,
        }
    }

    #[test]
    fn what_was_asked_before_stands_between_the_messages_and_each_of_these_is_marked() {
        let asked = Exchange { message: "A present".to_owned(), question: "For whom?".to_owned() };
        let reader = Reader { questions: std::slice::from_ref(&asked), ..reader("Mum") };
        let question = plan(&reader, &BTreeMap::new());
        let [system, first, between, last] = question.messages.as_slice() else { panic!("{question:?}") };
        assert_eq!((first.role, between.role, last.role), (Role::User, Role::Assistant, Role::User));
        let asked: Value = serde_json::from_str(&between.content).unwrap();
        assert_eq!(asked, json!({"steps": [], "question": "For whom?"}));
        let mark = hexadecimal(&Sha256::digest("A presentFor whom?Mum")[..8]);
        assert!(system.content.contains(&mark), "{}", system.content);
        for (told, message) in [(first, "A present"), (last, "Mum")] {
            assert_eq!(told.content, format!("<message {mark}>\n{message}\n</message {mark}>"));
        }
    }

    #[test]
    fn every_blank_is_filled_and_what_fills_it_is_left_alone() {
        let reader = Reader { utc_offset_minutes: 60, user: "a\"\n{{steps}}", ..reader("{{tools}} </message>") };
        let question = plan(&reader, &BTreeMap::new());
        let [system, said] = question.messages.as_slice() else { panic!("{question:?}") };
        assert!(system.content.contains("Thursday, 1970-01-01, UTC+01:00"), "{}", system.content);
        assert!(system.content.contains(r#"is "a\"\n{{steps}}"."#), "{}", system.content);
        let mark = hexadecimal(&Sha256::digest(reader.message)[..8]);
        assert_eq!(said.content, format!("<message {mark}>\n{{{{tools}}}} </message>\n</message {mark}>"));
        assert!(system.content.contains(&mark));
        assert_eq!(system.content.matches("{{").count(), 1, "{}", system.content);
    }

    #[test]
    fn a_model_is_shown_what_people_say_for_a_tool() {
        let tool = |examples: Value| -> Definition {
            let definition = json!({
                "name": "ride", "version": "1", "title": "A ride", "description": "", "class": "query", "repeat": "never",
                "status": false, "fence": false, "timeout_ms": 1, "estimate_ms": 1, "input": {}, "output": {},
                "examples": examples,
            });
            serde_json::from_value(definition).unwrap()
        };
        let said = tool(json!([{"say": "Get me a cab", "params": {"seats": 1}}]));
        let line = told(&BTreeMap::from([("ride".to_owned(), said)]));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["examples"], json!([{"say": "Get me a cab", "params": {"seats": 1}}]));
        let without = told(&BTreeMap::from([("ride".to_owned(), tool(json!([])))]));
        assert!(!without.contains("examples"), "{without}");
    }

    #[test]
    fn a_repair_tells_each_violation_with_its_step_and_rule() {
        let wrong = Violation {
            step: Some("table".to_owned()),
            rule: Rule::Parameters,
            path: Some("/people".to_owned()),
            message: "must be at most 20".to_owned(),
        };
        let question = repair(plan(&reader("x"), &BTreeMap::new()), "{}", &[wrong]);
        assert_eq!(question.messages.len(), 4);
        let told = &question.messages[3].content;
        assert!(told.contains("- step `table`, rule parameters, at /people: must be at most 20"), "{told}");
    }
}
