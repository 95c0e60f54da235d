//! What a server lists, and the definitions that are made of it.
//!
//! What a server says of itself is a hint and no more: without the word of whoever registers a tool, it is a
//! point of no return that is called once. That word stands in a file of its own, [`Words`].

use http::HeaderName;
use makegood_core::depth::too_deep;
use makegood_core::ordered::FlatMap;
use makegood_core::saga::Approval;
use makegood_core::time::Millis;
use makegood_core::tool::{
    Class, Companion, Definition, Era, Example, Failure, Limit, Mcp, PlanRule, Rate, Repeat, Retry, Schema,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::reply::{Answer, RpcError, read};
use super::schema::relaxed;
use super::{MODERN, is_server_name};
use crate::{Malformed, Response, hexadecimal};

/// Of what a server says for people and models, so much is taken over.
const LONGEST_TEXT: usize = 4_000;
/// Within an invocation of ten seconds.
const TIMEOUT: Millis = Millis(8_000);
const ESTIMATE: Millis = Millis(1_000);
/// How long a call may be repeated of which the server says, and we believe, that a repeat changes nothing.
const IDEMPOTENT: Millis = Millis(60 * 60 * 1000);

/// What the answer to `server/discover` says: whether the server speaks without sessions.
///
/// # Errors
/// Where it speaks without, and no version that we know.
pub fn is_modern(response: &Response) -> Result<bool, Malformed> {
    match read(response, super::request::CALL_ID).answer {
        Answer::Result(result) => {
            let versions = result.get("supportedVersions").and_then(Value::as_array);
            if versions.is_some_and(|versions| versions.iter().any(|version| version == MODERN)) {
                return Ok(true);
            }
            Err(Malformed(format!("the server does not speak {MODERN}: {}", Value::Object(result))))
        }
        Answer::Error(RpcError { code: -32022, data, .. }) => {
            // It may speak with sessions besides.
            let supported = data.get("supported").and_then(Value::as_array).cloned().unwrap_or_default();
            let older = |version: &Value| version.as_str().is_some_and(|version| version < MODERN);
            if supported.iter().any(older) {
                return Ok(false);
            }
            Err(Malformed(format!("the server does not speak {MODERN}, but {}", Value::Array(supported))))
        }
        Answer::Error(_) | Answer::Nothing(_) => Ok(false),
    }
}

/// A page of a list of tools.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub tools: Vec<Value>,
    pub next: Option<String>,
}

/// Reads the answer to a request for a page, the same as that was made with.
///
/// # Errors
/// Where it is none.
pub fn page(response: &Response, page: u64) -> Result<Page, Malformed> {
    let mut result = match read(response, super::request::CALL_ID + page).answer {
        Answer::Result(result) if response.status().is_success() => result,
        Answer::Error(error) => return Err(Malformed(format!("the server lists no tools: {}", error.message))),
        Answer::Result(_) => return Err(Malformed(format!("the server lists no tools ({})", response.status()))),
        Answer::Nothing(why) => return Err(Malformed(format!("{} from the server: {why}", response.status()))),
    };
    let Some(Value::Array(tools)) = result.remove("tools") else {
        return Err(Malformed("the server's list has no `tools`".to_owned()));
    };
    let next = result.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
    Ok(Page { tools, next })
}

/// What is said of a server's tools by whoever registers them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Believe the server where it says that a tool only reads, or that a repeat changes nothing.
    #[serde(default)]
    pub trust_hints: bool,
    /// By the tools' names at the server. Where there are none, all tools are meant.
    #[serde(default)]
    pub tools: FlatMap<String, Word>,
}

/// What is said of one tool. What is not said is as bad as can be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Our name for it, in place of the server's name and its own.
    pub name: Option<String>,
    #[serde(default)]
    pub examples: Vec<Example>,
    pub class: Option<Class>,
    pub repeat: Option<Repeat>,
    pub undo: Option<Companion>,
    pub status: Option<Companion>,
    #[serde(default)]
    pub fence: bool,
    #[serde(default)]
    pub failure: Failure,
    pub timeout_ms: Option<Millis>,
    pub estimate_ms: Option<Millis>,
    pub retry: Option<Retry>,
    #[serde(default)]
    pub cost_minor: i64,
    #[serde(default)]
    pub cost_tokens: u64,
    pub approval: Option<Approval>,
    #[serde(default)]
    pub rules: Vec<PlanRule>,
    #[serde(default)]
    pub concurrency: Vec<Limit>,
    pub rate: Option<Rate>,
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// A definition, with what whoever registers it should know.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub definition: Definition,
    pub notes: Vec<String>,
}

/// Makes a definition of a tool in a server's list.
///
/// # Errors
/// What is in the way, and what to do.
pub fn draft(server: &str, era: Era, list: &[Value], tool: &str, words: &Words) -> Result<Draft, Malformed> {
    if !is_server_name(server) {
        return Err(Malformed(format!("`{server}` names no server: a letter first, then letters and digits")));
    }
    let own = Word::default();
    let word = words.tools.get(tool).unwrap_or(&own);
    let found = find(list, tool)?;
    let text = |name: &str| found.get(name).and_then(Value::as_str);
    let hints = found.get("annotations");
    let hint = |name: &str| hints?.get(name)?.as_bool();
    let name = match &word.name {
        Some(name) => name.clone(),
        None => format!("{server}_{}", snake(tool)),
    };
    let reads = hint("readOnlyHint") == Some(true);
    let mut notes = Vec::new();
    if word.class.is_none() && !words.trust_hints {
        let relaxing = [("readOnlyHint", "class: query"), ("idempotentHint", "a repeat")];
        for (name, means) in relaxing.iter().filter(|(name, _)| hint(name) == Some(true)) {
            notes.push(format!("the server says {name}, which would be {means}; that is not believed"));
        }
    }
    let class = word.class.unwrap_or(if words.trust_hints && reads { Class::Query } else { Class::Pivot });
    let harmless = words.trust_hints && (reads || hint("idempotentHint") == Some(true));
    let repeat = if harmless { Repeat::Keyed { ttl_ms: IDEMPOTENT } } else { Repeat::Never };
    if class == Class::Compensatable && word.undo.is_none() {
        return Err(Malformed(format!(
            "`{tool}` is to be compensatable, and `undo` does not name the tool that undoes it"
        )));
    }
    if class == Class::Query && hint("readOnlyHint") == Some(false) {
        notes.push("you say that it only reads, and the server says that it does not".to_owned());
    }
    let (input, left_out) = relaxed(found.get("inputSchema").unwrap_or(&Value::Null));
    notes.extend(left_out.into_iter().map(|place| format!("input {place} is checked by the server only")));
    let output = match found.get("outputSchema") {
        Some(schema) => relaxed(schema).0,
        None => said(),
    };
    let mut mcp = Mcp {
        server: server.to_owned(),
        era,
        tool: tool.to_owned(),
        pin: String::new(),
        headers: headers(era, found)?,
        undo: companion(list, era, word.undo.as_ref())?,
        status: companion(list, era, word.status.as_ref())?,
        failure: word.failure,
    };
    mcp.pin = pin(list, &mcp)?;
    let title = text("title").or_else(|| hints?.get("title")?.as_str()).unwrap_or(tool);
    let mut definition = Definition {
        name,
        version: String::new(),
        title: cut(title),
        description: cut(text("description").unwrap_or_default()),
        examples: word.examples.clone(),
        class,
        repeat: word.repeat.unwrap_or(repeat),
        status: mcp.status.is_some(),
        fence: word.fence,
        timeout_ms: word.timeout_ms.unwrap_or(TIMEOUT),
        estimate_ms: word.estimate_ms.unwrap_or(ESTIMATE),
        retry: word.retry.clone().unwrap_or_default(),
        cost_minor: word.cost_minor,
        cost_tokens: word.cost_tokens,
        approval: word.approval.clone(),
        rules: word.rules.clone(),
        concurrency: word.concurrency.clone(),
        rate: word.rate,
        secrets: Map::new(),
        hosts: word.hosts.clone(),
        mcp: Some(mcp),
        input,
        output,
    };
    // Whatever is changed, by the server or by us, is another version.
    let whole = serde_json::to_value(&definition).map_err(|error| Malformed(error.to_string()))?;
    definition.version = hash(&whole).chars().take(16).collect();
    definition.check().map_err(|fault| Malformed(format!("`{tool}` of the server `{server}`: {fault}")))?;
    Ok(Draft { definition, notes })
}

/// SHA-256 over what the server says of a tool and of those that undo it and tell its status, in hexadecimal:
/// over all of it but `_meta` and `icons`, which we do not read.
///
/// # Errors
/// Where one of them is not listed.
pub fn pin(list: &[Value], mcp: &Mcp) -> Result<String, Malformed> {
    let tools = mcp.names().map(|name| {
        let mut tool = find(list, name)?.clone();
        tool.remove("_meta");
        tool.remove("icons");
        Ok(Value::Object(tool))
    });
    Ok(hash(&Value::Array(tools.collect::<Result<_, Malformed>>()?)))
}

fn find<'a>(list: &'a [Value], name: &str) -> Result<&'a Map<String, Value>, Malformed> {
    let mut named = list.iter().filter(|tool| tool.get("name").and_then(Value::as_str) == Some(name));
    let (first, second) = (named.next().and_then(Value::as_object), named.next());
    let Some(tool) = first else { return Err(Malformed(format!("the server has no tool `{name}`"))) };
    if second.is_some() {
        return Err(Malformed(format!("the server lists two tools of the name `{name}`")));
    }
    if tool.values().any(too_deep) {
        return Err(Malformed(format!("the server's words for `{name}` are nested too deep")));
    }
    Ok(tool)
}

fn hash(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    hexadecimal(&Sha256::digest(text)[..])
}

/// The names of fields in order, and nothing between: the same whoever writes it.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let fields: FlatMap<&String, &Value> = fields.iter().collect();
            text.push('{');
            for (place, (name, field)) in fields.into_iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(field, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

/// `bookTable`, `book-table` and `book.table` are `book_table`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && small {
            snake.push('_');
        }
        small = c.is_ascii_lowercase() || c.is_ascii_digit();
        snake.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    snake
}

/// A tool that undoes, or tells the status, with the headers that the server wants of it.
fn companion(list: &[Value], era: Era, word: Option<&Companion>) -> Result<Option<Companion>, Malformed> {
    let Some(word) = word else { return Ok(None) };
    let headers = headers(era, find(list, &word.tool)?)?;
    Ok(Some(Companion { headers, ..word.clone() }))
}

/// The arguments that a modern server wants in headers too. Only those that are reached by `properties` count.
fn headers(era: Era, tool: &Map<String, Value>) -> Result<Vec<Vec<String>>, Malformed> {
    fn collect(schema: &Value, path: &[String], found: &mut Vec<Vec<String>>) {
        let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        for (name, field) in fields {
            let path: Vec<String> = path.iter().chain([name]).cloned().collect();
            if let Some(header) = field.get("x-mcp-header").and_then(Value::as_str) {
                found.push(std::iter::once(header.to_owned()).chain(path.iter().cloned()).collect());
            }
            collect(field, &path, found);
        }
    }
    let mut found = Vec::new();
    if era == Era::Modern
        && let Some(schema) = tool.get("inputSchema")
    {
        collect(schema, &[], &mut found);
    }
    let mut names: Vec<String> = Vec::new();
    for name in found.iter().filter_map(|header| header.first()) {
        let lower = name.to_ascii_lowercase();
        if HeaderName::try_from(name.as_str()).is_err() || names.contains(&lower) {
            let name: String = name.chars().take(40).collect();
            return Err(Malformed(format!("the server wants an argument in the header `{name}`, which cannot be")));
        }
        names.push(lower);
    }
    Ok(found)
}

/// What a tool gives that says nothing of what it gives.
fn said() -> Schema {
    let schema = json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } } });
    serde_json::from_value(schema).unwrap_or_default()
}

fn cut(text: &str) -> String {
    text.replace('\0', "\u{fffd}").chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<Value> {
        let schema = json!({ "type": "object", "properties": { "room": { "type": "integer" } }, "required": ["room"] });
        vec![
            json!({ "name": "bookRoom", "description": "Books.", "inputSchema": schema, "_meta": { "n": 1 } }),
            json!({ "name": "cancel", "inputSchema": { "type": "object" } }),
            json!({ "name": "look", "inputSchema": {}, "annotations": { "readOnlyHint": true, "title": "Look" } }),
        ]
    }

    fn words(words: Value) -> Words {
        serde_json::from_value(words).unwrap()
    }

    fn made(tool: &str, said: Value) -> Result<Draft, Malformed> {
        draft("hotel", Era::Modern, &list(), tool, &words(said))
    }

    #[test]
    fn a_tool_of_which_nothing_is_said_is_as_bad_as_can_be() {
        for tool in ["bookRoom", "look"] {
            let Draft { definition, .. } = made(tool, json!({})).unwrap();
            assert_eq!((definition.class, definition.repeat), (Class::Pivot, Repeat::Never), "{tool}");
            assert!(!definition.status && !definition.fence);
        }
        let book = made("bookRoom", json!({})).unwrap().definition;
        assert_eq!((book.name.as_str(), book.title.as_str()), ("hotel_book_room", "bookRoom"));
        assert!(!book.input.check(&json!({})).is_empty());
        let look = made("look", json!({})).unwrap();
        assert_eq!(look.definition.title, "Look");
        assert!(look.notes.iter().any(|note| note.contains("not believed")), "{:?}", look.notes);
    }

    #[test]
    fn a_word_says_what_may_be_counted_on() {
        let look = made("look", json!({ "trust_hints": true })).unwrap().definition;
        assert_eq!((look.class, look.repeat), (Class::Query, Repeat::Keyed { ttl_ms: IDEMPOTENT }));
        let undo = json!({ "tool": "cancel", "arguments": { "id": "$output.id" } });
        let word = json!({ "class": "compensatable", "undo": undo, "name": "book" });
        let book = made("bookRoom", json!({ "tools": { "bookRoom": word } })).unwrap().definition;
        assert_eq!((book.name.as_str(), book.class), ("book", Class::Compensatable));
        let refused = |word: Value| made("bookRoom", json!({ "tools": { "bookRoom": word } })).unwrap_err().0;
        assert!(refused(json!({ "class": "compensatable" })).contains("`undo`"));
        assert!(refused(json!({ "name": "Book" })).contains("lower snake case"));
        let nobody = json!({ "class": "compensatable", "undo": { "tool": "forget" } });
        assert!(refused(nobody).contains("no tool `forget`"));
        assert!(refused(json!({ "name": "run_saga" })).contains("built in"));
        assert!(refused(json!({ "cost_minor": -5 })).contains("`cost_minor`"));
        assert!(refused(json!({ "class": "retriable" })).contains("until it succeeds"));
        let example = json!({ "examples": [{ "say": "Room seven", "params": { "room": 7 } }] });
        let book = made("bookRoom", json!({ "tools": { "bookRoom": example } })).unwrap().definition;
        assert_eq!(book.examples[0].say, "Room seven");
    }

    #[test]
    fn a_pin_changes_with_every_word_of_the_server_and_with_nothing_else() {
        let mcp = |undo: Option<&str>| Mcp {
            undo: undo.map(|tool| Companion { tool: tool.to_owned(), arguments: Map::new(), headers: Vec::new() }),
            ..made("bookRoom", json!({})).unwrap().definition.mcp.unwrap()
        };
        let before = pin(&list(), &mcp(None)).unwrap();
        let changed = |pointer: &str, to: Value| {
            let mut list = Value::from(list());
            *list.pointer_mut(pointer).unwrap() = to;
            list.as_array().cloned().unwrap()
        };
        assert_eq!(pin(&changed("/0/_meta/n", json!(2)), &mcp(None)).unwrap(), before);
        assert_eq!(pin(&changed("/1/inputSchema", json!({})), &mcp(None)).unwrap(), before);
        assert_ne!(
            pin(&changed("/1/inputSchema", json!({})), &mcp(Some("cancel"))).unwrap(),
            pin(&list(), &mcp(Some("cancel"))).unwrap()
        );
        assert_ne!(pin(&changed("/0/description", json!("Books!")), &mcp(None)).unwrap(), before);
        assert_ne!(pin(&changed("/0/inputSchema/properties/room/type", json!("number")), &mcp(None)).unwrap(), before);
        let ordered: Vec<Value> = serde_json::from_str(r#"[{"b":1,"name":"bookRoom","a":{"d":[1],"c":""}}]"#).unwrap();
        let other: Vec<Value> = serde_json::from_str(r#"[{"a":{"c":"","d":[1]},"name":"bookRoom","b":1}]"#).unwrap();
        assert_eq!(pin(&ordered, &mcp(None)), pin(&other, &mcp(None)));
    }

    #[test]
    fn a_version_changes_with_the_pin_and_with_our_own_word() {
        let version = |said| made("look", said).unwrap().definition.version;
        assert_eq!(version(json!({})), version(json!({})));
        assert_ne!(version(json!({})), version(json!({ "trust_hints": true })));
        let mut list = list();
        list[2]["annotations"]["title"] = json!("Peek");
        let changed = draft("hotel", Era::Modern, &list, "look", &Words::default()).unwrap().definition.version;
        assert_ne!(version(json!({})), changed);
    }

    #[test]
    fn arguments_for_headers_are_found_and_what_cannot_be_one_is_refused() {
        let of = |header: &str| {
            let field =
                json!({ "type": "object", "properties": { "id": { "type": "string", "x-mcp-header": header } } });
            let tool = json!({ "name": "t", "inputSchema": { "properties": { "at": field } } });
            draft("x", Era::Modern, &[tool], "t", &Words::default())
        };
        let headers = of("Region").unwrap().definition.mcp.unwrap().headers;
        assert_eq!(headers, [["Region", "at", "id"]]);
        assert!(of("a\r\nauthorization: x").is_err());
    }

    #[test]
    fn what_undoes_a_tool_has_headers_of_its_own() {
        let id = json!({ "properties": { "id": { "type": "string", "x-mcp-header": "Id" } } });
        let list = [json!({ "name": "book" }), json!({ "name": "cancel", "inputSchema": id })];
        let undo = json!({ "class": "compensatable", "undo": { "tool": "cancel", "arguments": { "id": "$key" } } });
        let words = words(json!({ "tools": { "book": undo } }));
        for (era, wanted) in [(Era::Modern, vec![vec!["Id".to_owned(), "id".to_owned()]]), (Era::Legacy, vec![])] {
            let mcp = draft("hotel", era, &list, "book", &words).unwrap().definition.mcp.unwrap();
            assert_eq!((mcp.headers, mcp.undo.unwrap().headers), (vec![], wanted), "{era:?}");
        }
    }

    #[test]
    fn names_become_ours() {
        for (theirs, ours) in
            [("bookTable", "book_table"), ("a-b.c", "a_b_c"), ("HTTPGet", "httpget"), ("v2Get", "v2_get")]
        {
            assert_eq!(snake(theirs), ours);
        }
    }
}
