//! Tools that the grammar does not know, by what they say is said for them.
//!
//! An example becomes a pattern: the words of a parameter's value are a place for a value of that parameter, all other
//! words are themselves. A message has to have every word of it, and nothing besides. What stands in a place is read
//! as what the example has there, a number, a day, an hour or a text, and has to be taken by the tool's input schema.

use std::collections::BTreeMap;

use crate::civil::{Date, DateTime, Time};
use serde_json::{Map, Value};

use super::draft;
use super::numbers::number;
use super::reading::{self, english};
use super::slot::Slot;
use super::times::{self, Habit};
use super::tokens::{Form, Token, tokens};
use super::when::When;
use super::words::Words;
use super::{Context, Intent, Kind, MAX_CHARACTERS, Missing, Reading};
use crate::saga::{Child, Plan, Step};
use crate::tool::{Class, Definition, Example};

/// Shown first, and more doubtful than what the grammar assumes one thing of.
const CONFIDENCE: f64 = 0.8;
/// Words of a value.
const MOST_WORDS: usize = 12;
/// So often a word is looked at for one example: an example of many places would go with a long message in too many
/// ways.
const PATIENCE: u32 = 5_000;
/// What changes nothing, wherever it stands.
const COURTESIES: [&str; 6] = ["please", "pls", "bitte", "favor", "thanks", "danke"];

enum Piece<'e> {
    Word(String),
    /// A value, as that of the example.
    Value(&'e str, &'e Value),
}

pub(super) fn read(message: &str, tools: &BTreeMap<String, Definition>, context: &Context) -> Option<Reading> {
    if message.chars().nth(MAX_CHARACTERS).is_some() {
        return None;
    }
    let said = plain(message);
    let now = reading::local(context);
    let mut found: Vec<(&Definition, Map<String, Value>)> = Vec::new();
    for tool in tools.values().filter(|tool| !Child::is_one(&tool.name)) {
        for example in &tool.examples {
            let params = values(message, &said, example, tool, now).map(|params| (tool, params));
            found.extend(params.filter(|params| !found.contains(params)));
        }
    }
    // What leaves something open is meant where nothing else is.
    let takes =
        |tool: &Definition, params: &Map<String, Value>| tool.input.check(&Value::Object(params.clone())).is_empty();
    if found.iter().any(|(tool, params)| takes(tool, params)) {
        found.retain(|(tool, params)| takes(tool, params));
    }
    let (tool, params) = match found.as_slice() {
        [] => return None,
        [one] => one.clone(),
        [first, ..] if found.iter().all(|(tool, _)| tool.name == first.0.name) => {
            return Some(reading::ask(format!("I can read that in more than one way for “{}”.", first.0.title)));
        }
        [..] => {
            let mut titles: Vec<String> = found.iter().map(|(tool, _)| format!("“{}”", tool.title)).collect();
            titles.dedup();
            return Some(reading::ask(format!("Which of them shall I do: {}?", titles.join(" or "))));
        }
    };
    Some(plan(message, tool, params))
}

fn plan(message: &str, tool: &Definition, params: Map<String, Value>) -> Reading {
    let wrong = tool.input.check(&Value::Object(params.clone()));
    let kind = if tool.class == Class::Query { Kind::Query } else { Kind::Action };
    let confidence = if wrong.is_empty() { CONFIDENCE } else { 0.5 };
    let text = message.trim().to_owned();
    let intents = vec![Intent { kind, confidence, parameters: params.clone(), text }];
    if let Some(first) = wrong.first() {
        let place = first.path.trim_start_matches('/');
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        let question = format!("For “{}” that is not enough: {place}{}. Please say it all.", tool.title, first.message);
        return Reading::Ask { question, missing: vec![Missing { intent: 0, parameter: "wish" }], intents };
    }
    let shown = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name} {text}"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            format!("{name} {value}")
        }
    };
    let told: Vec<String> = params.iter().map(shown).collect();
    let told = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    let step = Step { id: tool.name.clone(), tool: tool.name.clone(), params, ..Step::default() };
    Reading::Plan { intents, plan: Plan { summary: format!("{}{told}.", tool.title), steps: vec![step] } }
}

/// The words of a text, without marks and courtesies.
fn plain(text: &str) -> Vec<Token> {
    let says = |token: &Token| token.form != Form::Mark && !COURTESIES.contains(&token.word.as_str());
    tokens(text).into_iter().filter(says).collect()
}

/// The parameters that a message says, if it is as the example.
fn values(
    message: &str,
    said: &[Token],
    example: &Example,
    tool: &Definition,
    now: DateTime,
) -> Option<Map<String, Value>> {
    let (pieces, constants) = pattern(example)?;
    let places = pieces.iter().filter(|piece| matches!(piece, Piece::Value(..))).count();
    if said.len() < pieces.len() || said.len() > pieces.len() + places * MOST_WORDS {
        return None;
    }
    let mut reader = Reader { message, said, tool, now, patience: PATIENCE };
    let mut params = constants;
    reader.goes(&pieces, 0, &mut params).then_some(params)
}

/// An example as a pattern, and the parameters whose values its words do not say. `None` where it has no word of its
/// own, which would be as any message.
fn pattern(example: &Example) -> Option<(Vec<Piece<'_>>, Map<String, Value>)> {
    let written = plain(&example.say);
    let words = Words::new(&example.say, &written);
    let mut places: Vec<Option<(&str, &Value)>> = vec![None; written.len()];
    let mut constants = Map::new();
    for (name, value) in &example.params {
        let shown = match value {
            Value::String(text) => plain(text),
            Value::Number(_) => plain(&value.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Vec::new(),
        };
        let counts = value.as_u64().and_then(|value| u32::try_from(value).ok());
        let length = |at: usize| {
            let written = written.get(at..at + shown.len()).unwrap_or_default();
            let same =
                !shown.is_empty() && shown.iter().map(|token| &token.word).eq(written.iter().map(|token| &token.word));
            let spelt = number(&words, at).filter(|(number, _)| counts == Some(*number)).map(|(_, length)| length);
            same.then_some(shown.len()).or(spelt)
        };
        let free = |at: usize, length: usize| places.iter().skip(at).take(length).all(Option::is_none);
        let place = (0..written.len()).find_map(|at| Some((at, length(at).filter(|length| free(at, *length))?)));
        match place {
            Some((at, length)) => {
                places.iter_mut().skip(at).take(length).for_each(|place| *place = Some((name.as_str(), value)))
            }
            None => _ = constants.insert(name.clone(), value.clone()),
        }
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for (token, place) in written.iter().zip(places) {
        match (place, pieces.last()) {
            (Some((name, _)), Some(Piece::Value(last, _))) if *last == name => {}
            (Some((name, value)), _) => pieces.push(Piece::Value(name, value)),
            (None, _) => pieces.push(Piece::Word(token.word.clone())),
        }
    }
    let worded = pieces.iter().any(|piece| matches!(piece, Piece::Word(_)));
    worded.then_some((pieces, constants))
}

struct Reader<'a> {
    message: &'a str,
    said: &'a [Token],
    tool: &'a Definition,
    now: DateTime,
    patience: u32,
}

impl Reader<'_> {
    /// Whether the message goes on as the pieces do, to its end.
    fn goes(&mut self, pieces: &[Piece], at: usize, params: &mut Map<String, Value>) -> bool {
        let Some(left) = self.patience.checked_sub(1) else { return false };
        self.patience = left;
        match pieces.split_first() {
            None => at == self.said.len(),
            Some((Piece::Word(word), rest)) => {
                self.said.get(at).is_some_and(|token| token.word == *word) && self.goes(rest, at + 1, params)
            }
            Some((Piece::Value(name, like), rest)) => {
                let most = MOST_WORDS.min(self.said.len().saturating_sub(at));
                for end in at + 1..=at + most {
                    if let Some(value) = self.value(name, like, at, end) {
                        params.insert((*name).to_owned(), value);
                        if self.goes(rest, end, params) {
                            return true;
                        }
                        params.remove(*name);
                    }
                }
                false
            }
        }
    }

    /// What some words say, as a value like that of the example, which the tool takes.
    fn value(&self, name: &str, like: &Value, at: usize, end: usize) -> Option<Value> {
        let said = self.said.get(at..end)?;
        let (first, last) = (said.first()?, said.last()?);
        let text = self.message.get(first.start..last.end)?;
        let quoted = (said.len() == 1 && first.form == Form::Quoted).then_some(first.word.as_str());
        let value = match like {
            Value::Number(_) => counted(text),
            Value::String(like) if like.parse::<Date>().is_ok() => self.when(text, true),
            Value::String(like) if like.len() == 5 && like.parse::<Time>().is_ok() => self.when(text, false),
            Value::String(_) => Some(draft::said(quoted.unwrap_or(text))),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let field = self.tool.input.field(&[name]);
        value.filter(|value| field.is_none_or(|field| field.check(value).is_empty()))
    }

    /// A day, or an hour, and nothing else.
    fn when(&self, text: &str, day: bool) -> Option<Value> {
        let (tokens, _) = english(text);
        let mut words = Words::new(text, &tokens);
        let When { date, time } = When::read(&mut words, self.now, Habit::Errand);
        let left = (0..words.len()).any(|at| words.is_free(at) && !words.is(at, &["at", "on"]));
        match (date, time) {
            (Slot::Is(date), Slot::Empty) if day && !left => Some(Value::from(date.to_string())),
            (Slot::Empty, Slot::Is(clock)) if !day && !left && !clock.assumed && !clock.approximate => {
                Some(Value::from(times::spoken(clock.time)))
            }
            (Slot::Empty | Slot::Is(_) | Slot::Asks(_), _) => None,
        }
    }
}

/// A number, in figures or in words.
fn counted(text: &str) -> Option<Value> {
    if let Ok(value) = text.parse::<i64>() {
        return Some(Value::from(value));
    }
    if let Some(value) = text.parse::<f64>().ok().filter(|value| value.is_finite()) {
        return Some(Value::from(value));
    }
    let (tokens, _) = english(text);
    let words = Words::new(text, &tokens);
    let (value, length) = number(&words, 0)?;
    (length == words.len()).then(|| Value::from(value))
}

#[cfg(test)]
mod tests {
    use super::super::{Band, read_by_example};
    use super::*;
    use crate::saga::definitions;
    use crate::time::Millis;
    use serde_json::json;

    fn tool(name: &str, properties: Value, examples: Value) -> (String, Definition) {
        let mut tool = definitions()[0].clone();
        (tool.name, tool.title) = (name.to_owned(), format!("To {name}"));
        let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
        let input =
            json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
        tool.input = serde_json::from_value(input).unwrap();
        tool.examples = serde_json::from_value(examples).unwrap();
        (tool.name.clone(), tool)
    }

    fn tools() -> BTreeMap<String, Definition> {
        let room = json!({"type": "string", "enum": ["kitchen", "hall"]});
        [
            tool(
                "dim",
                json!({"room": room, "percent": {"type": "integer", "minimum": 0, "maximum": 100}}),
                json!([{"say": "Dim the lights in the kitchen to 40 percent", "params": {"room": "kitchen", "percent": 40}},
                    {"say": "Mach das Licht in kitchen auf 40 Prozent", "params": {"room": "kitchen", "percent": 40}}]),
            ),
            tool(
                "water",
                json!({"plant": {"type": "string", "maxLength": 20}, "date": {"type": "string", "format": "date"},
                    "time": {"type": "string", "format": "time"}}),
                json!([{"say": "Water the ferns on 2026-12-01 at 07:30",
                    "params": {"plant": "ferns", "date": "2026-12-01", "time": "07:30"}}]),
            ),
            tool("sing", json!({}), json!([{"say": "Sing"}, {"say": "Hum a tune"}])),
            tool("hum", json!({}), json!([{"say": "Hum a tune"}])),
        ]
        .into()
    }

    /// Monday, 23 November 2026, 10:00 in a place one hour east of Greenwich.
    fn reading(message: &str) -> Option<Reading> {
        let context = Context { now: Millis(1_795_424_400_000), utc_offset_minutes: 60, user: "Ada".to_owned() };
        read_by_example(message, &tools(), &context)
    }

    fn params(message: &str) -> Value {
        match reading(message) {
            Some(Reading::Plan { plan, .. }) => Value::Object(plan.steps[0].params.clone()),
            other => panic!("{message}: {other:#?}"),
        }
    }

    #[test]
    fn what_is_as_an_example_but_for_its_values_is_a_call_that_is_shown_first() {
        assert_eq!(params("dim the lights in the hall to 5 percent, please"), json!({"room": "hall", "percent": 5}));
        assert_eq!(params("Dim the lights in the hall to twenty percent"), json!({"room": "hall", "percent": 20}));
        assert_eq!(params("Mach das Licht in hall auf 7 Prozent"), json!({"room": "hall", "percent": 7}));
        let watered = json!({"plant": "old oak", "date": "2026-11-24", "time": "18:00"});
        assert_eq!(params("Water the old oak on tomorrow at 6pm"), watered);
        assert_eq!(params("Sing!"), json!({}));
        let plan = reading("Dim the lights in the hall to 5 percent").unwrap();
        assert_eq!(plan.band(), Band::Confirm);
        let Reading::Plan { plan, intents } = plan else { panic!("{plan:#?}") };
        assert_eq!((plan.summary.as_str(), intents[0].kind), ("To dim: percent 5, room hall.", Kind::Action));
    }

    #[test]
    fn what_says_more_or_less_or_a_value_that_the_tool_does_not_take_is_no_example() {
        for message in [
            "Dim the lights in the hall",
            "Dim the lights in the hall to 5 percent and sing",
            "Do not dim the lights in the hall to 5 percent",
            "Dim the lights in the cellar to 5 percent",
            "Dim the lights in the hall to 500 percent",
            "Dim the lights in the hall to a few percent",
            "Water the ferns on some day at 6pm",
            "Water the ferns which my aunt brought along on tomorrow at 6pm",
            "",
        ] {
            assert_eq!(reading(message), None, "{message}");
        }
    }

    #[test]
    fn what_two_tools_are_said_for_is_asked_about() {
        let Some(Reading::Ask { question, missing, .. }) = reading("Hum a tune") else { panic!("a question") };
        assert!(question.contains("“To hum” or “To sing”"), "{question}");
        assert_eq!(missing[0].parameter, "wish");
    }

    #[test]
    fn what_an_example_leaves_open_is_asked_for_and_what_it_does_not_say_is_taken_over() {
        let open = tool(
            "paint",
            json!({"colour": {"type": "string"}, "coats": {"type": "integer"}}),
            json!([{"say": "Paint it red", "params": {"colour": "red"}},
                {"say": "Paint it thickly in red", "params": {"colour": "red", "coats": 3}}]),
        );
        let tools: BTreeMap<String, Definition> = [open].into();
        let context = Context { now: Millis(0), utc_offset_minutes: 0, user: String::new() };
        let read = |message: &str| read_by_example(message, &tools, &context).unwrap();
        assert!(matches!(read("paint it blue"), Reading::Ask { .. }));
        let Reading::Plan { plan, .. } = read("paint it thickly in \"$table.x\"") else { panic!("a plan") };
        assert_eq!(Value::Object(plan.steps[0].params.clone()), json!({"colour": "$$table.x", "coats": 3}));
    }

    #[test]
    fn an_example_of_values_alone_is_as_no_message_and_many_places_cost_no_time() {
        let names: Vec<String> = (0..8).map(|n| format!("p{n}")).collect();
        let properties: Map<String, Value> =
            names.iter().map(|name| (name.clone(), json!({"type": "string"}))).collect();
        let params: Map<String, Value> = names.iter().map(|name| (name.clone(), json!(name))).collect();
        let said = names.join(" ");
        let examples = json!([{"say": said, "params": params}, {"say": format!("{said} end"), "params": params}]);
        let tools: BTreeMap<String, Definition> = [tool("all", Value::Object(properties), examples)].into();
        let context = Context { now: Millis(0), utc_offset_minutes: 0, user: String::new() };
        assert_eq!(read_by_example(&"a ".repeat(90), &tools, &context), None);
        assert_eq!(read_by_example("a b c d e f g h", &tools, &context), None);
        assert!(read_by_example("a b c d e f g h end", &tools, &context).is_some());
    }
}
