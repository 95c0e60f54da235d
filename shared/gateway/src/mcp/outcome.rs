//! What an answer means for a saga: yes, no, or unknown. The table is [`outcome`].

use http::StatusCode;
use makegood_core::saga::{self, Op, Outcome, Refusal};
use makegood_core::time::Millis;
use makegood_core::tool::{Failure, Mcp};
use serde_json::{Map, Value, json};

use super::reply::{Answer, Reply, RpcError, read};
use super::request::{CALL_ID, INITIALIZE_ID, Session};
use super::{LEGACY, OLDER, SESSION};
use crate::Response;
use crate::tool::{kept, plain, retry_after, short, state, storable};

/// The request was not understood, so that nothing was done: JSON-RPC's own codes, and those of the protocol for
/// headers, capabilities and versions that do not fit. A tool that there is not is -32602.
const NOT_UNDERSTOOD: [i64; 7] = [-32700, -32600, -32601, -32602, -32020, -32021, -32022];

/// Reads the answer to a call; beside it, the server's last word about its progress.
///
/// | answer | outcome |
/// |---|---|
/// | a result | ok, by the operation |
/// | a result with `isError` | refused; of a tool whose definition says so, unknown; a status, unknown |
/// | the same to an undo, with `code` `nothing_to_undo` in its `structuredContent` | ok: there was nothing to undo |
/// | a result of which more than [`crate::tool::LARGEST_OUTPUT`] would be kept | unknown: it may have been done |
/// | a result that wants input, or is a task | unknown: we said that we can do neither |
/// | error -32700, -32600, -32601, -32602, -32020, -32021, -32022 | refused: the request was not understood |
/// | any other error of JSON-RPC, -32603 and a server's own among them | unknown |
/// | 425, 429 | later: no effect, `Retry-After` is honoured |
/// | 404 where the call named a session | later: the session is gone, and nothing was read |
/// | any other 4xx but 408 | refused |
/// | 408, 5xx, 3xx, no answer, one that cannot be read | unknown |
#[must_use]
pub fn outcome(op: Op, mcp: &Mcp, session: Option<&Session>, response: &Response) -> (Outcome, Option<String>) {
    let Reply { answer, progress } = read(response, CALL_ID);
    let status = response.status();
    let outcome = match answer {
        _ if status.is_server_error() || status.is_redirection() || status == StatusCode::REQUEST_TIMEOUT => {
            unknown(&format!("http_{}", status.as_u16()), &format!("the server failed ({status})"))
        }
        _ if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY) => {
            later(format!("http_{}", status.as_u16()), &format!("the server is busy ({status})"), retry_after(response))
        }
        _ if status == StatusCode::NOT_FOUND && session.is_some_and(|session| session.id.is_some()) => {
            later("session_gone".to_owned(), "the server does not know its session any more", None)
        }
        Answer::Error(RpcError { code, message, .. }) if status.is_client_error() || NOT_UNDERSTOOD.contains(&code) => {
            Outcome::Refused(Refusal { code: format!("rpc_{code}"), detail: short(&message) })
        }
        Answer::Result(_) | Answer::Nothing(_) if status.is_client_error() => {
            let detail = format!("The server answered {status}.");
            Outcome::Refused(Refusal { code: format!("http_{}", status.as_u16()), detail })
        }
        Answer::Error(RpcError { code, message, .. }) => {
            unknown(&format!("rpc_{code}"), &format!("the server failed: {message}"))
        }
        Answer::Nothing(why) => unknown("no_result", &why),
        Answer::Result(result) => of_result(op, mcp.failure, result),
    };
    (outcome, progress.map(|progress| plain(&progress)))
}

fn of_result(op: Op, failure: Failure, mut result: Map<String, Value>) -> Outcome {
    let kind = result.get("resultType").and_then(Value::as_str).unwrap_or("complete").to_owned();
    if kind != "complete" {
        return unknown(&short(&kind), &format!("the server answered with a result of the kind `{kind}`"));
    }
    let text = text(&result);
    let failed = result.get("isError").and_then(Value::as_bool).unwrap_or_default();
    let structured = result.remove("structuredContent").map(storable);
    if text.is_none() && structured.is_none() {
        return unknown("no_result", "the result has neither `content` nor `structuredContent`");
    }
    let text = text.unwrap_or_default();
    if failed {
        let code = structured.as_ref().and_then(|fields| fields.get("code")?.as_str());
        let code = short(code.unwrap_or("tool_failed"));
        return match (op, failure) {
            (Op::Undo, _) if code == "nothing_to_undo" => Outcome::Ok(saga::Answer::Undone { found: false }),
            (Op::Status, _) | (Op::Do | Op::Undo, Failure::Unknown) => unknown(&code, &text),
            (Op::Do | Op::Undo, Failure::Refused) => Outcome::Refused(Refusal { code, detail: short(&text) }),
        };
    }
    let said = || structured.clone().or_else(|| serde_json::from_slice(text.as_bytes()).ok().map(storable));
    match op {
        Op::Do => kept(saga::Answer::Output(structured.unwrap_or_else(|| json!({ "text": plain(&text) })))),
        Op::Undo => {
            let found = said().and_then(|fields| fields.get("undone")?.as_bool()).unwrap_or(true);
            Outcome::Ok(saga::Answer::Undone { found })
        }
        Op::Status => {
            said().and_then(state).map_or_else(|| unknown("no_state", "the status has no `state` that is known"), kept)
        }
    }
}

/// All that it says in words; what else there is, as images, is left out. `None` where it has no `content`.
fn text(result: &Map<String, Value>) -> Option<String> {
    let blocks = result.get("content")?.as_array()?;
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block.get("text")?.as_str()).collect();
    Some(texts.join("\n"))
}

/// Reads the answer to `initialize`.
///
/// # Errors
/// When to try again: nothing was called yet, so nothing was done.
pub fn opened(response: &Response) -> Result<Session, Outcome> {
    let status = response.status();
    let later = |code: String, reason: &str| Err(later(code, reason, retry_after(response)));
    if !status.is_success() {
        return later(format!("http_{}", status.as_u16()), &format!("the server opens no session ({status})"));
    }
    let result = match read(response, INITIALIZE_ID).answer {
        Answer::Result(result) => result,
        Answer::Error(error) => {
            return later(format!("rpc_{}", error.code), &format!("the server opens no session: {}", error.message));
        }
        Answer::Nothing(why) => return later("no_session".to_owned(), &why),
    };
    let version = result.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
    if version != LEGACY && !OLDER.contains(&version) {
        return later("unknown_version".to_owned(), &format!("the server wants to speak `{version}`, which we do not"));
    }
    let id = response.headers().get(SESSION).and_then(|id| id.to_str().ok()).map(str::to_owned);
    Ok(Session { version: version.to_owned(), id })
}

fn unknown(code: &str, reason: &str) -> Outcome {
    Outcome::Unknown { code: code.to_owned(), reason: short(reason) }
}

fn later(code: String, reason: &str, after: Option<Millis>) -> Outcome {
    Outcome::Later { after, code, reason: short(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::LARGEST_OUTPUT;
    use makegood_core::tool::Era;

    fn mcp(failure: Failure) -> Mcp {
        let json = json!({ "server": "x", "era": Era::Legacy, "tool": "t", "pin": "", "failure": failure });
        serde_json::from_value(json).unwrap()
    }

    fn answered(op: Op, status: u16, body: &Value) -> Outcome {
        let response = http::Response::builder().status(status).header("retry-after", "3");
        let response = response.body(body.to_string().into()).unwrap();
        let session = Session { version: LEGACY.to_owned(), id: Some("s".to_owned()) };
        outcome(op, &mcp(Failure::Refused), Some(&session), &response).0
    }

    fn result(op: Op, result: Value) -> Outcome {
        answered(op, 200, &json!({ "jsonrpc": "2.0", "id": 1, "result": result }))
    }

    fn error(status: u16, code: i64) -> Outcome {
        answered(Op::Do, status, &json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": "no" } }))
    }

    #[test]
    fn only_what_was_not_understood_or_not_let_in_had_no_effect() {
        for code in NOT_UNDERSTOOD {
            assert!(matches!(error(200, code), Outcome::Refused(_)), "{code}");
        }
        for code in [-32603, -32000, -32001, -32002, -32042, -1, 5] {
            assert!(matches!(error(200, code), Outcome::Unknown { .. }), "{code}");
        }
        for status in [400, 401, 403, 405, 406, 413, 415] {
            assert!(matches!(error(status, -32000), Outcome::Refused(_)), "{status}");
        }
        for status in [500, 503, 302, 408] {
            assert!(matches!(error(status, -32602), Outcome::Unknown { .. }), "{status}");
            let done = json!({ "jsonrpc": "2.0", "id": 1, "result": { "content": [] } });
            assert!(matches!(answered(Op::Do, status, &done), Outcome::Unknown { .. }), "{status}");
        }
        assert!(matches!(error(429, -32000), Outcome::Later { after: Some(Millis(3_000)), .. }));
        assert!(matches!(error(404, -32001), Outcome::Later { .. }));
        assert!(matches!(answered(Op::Do, 202, &Value::Null), Outcome::Unknown { .. }));
    }

    #[test]
    fn a_404_that_has_nothing_to_do_with_a_session_is_a_no() {
        let response = http::Response::builder().status(404).body("{}".into()).unwrap();
        for session in [None, Some(Session { version: LEGACY.to_owned(), id: None })] {
            let (outcome, _) = outcome(Op::Do, &mcp(Failure::Refused), session.as_ref(), &response);
            assert!(matches!(outcome, Outcome::Refused(_)));
        }
    }

    #[test]
    fn a_tool_that_fails_refuses_unless_its_definition_says_otherwise() {
        let failed = json!({ "isError": true, "content": [{ "type": "text", "text": "Full." }] });
        let refusal = Refusal { code: "tool_failed".to_owned(), detail: "Full.".to_owned() };
        assert_eq!(result(Op::Do, failed.clone()), Outcome::Refused(refusal));
        let response = http::Response::new(json!({ "jsonrpc": "2.0", "id": 1, "result": failed }).to_string().into());
        let (said, _) = outcome(Op::Do, &mcp(Failure::Unknown), None, &response);
        assert!(matches!(said, Outcome::Unknown { .. }));
        assert!(matches!(result(Op::Status, failed), Outcome::Unknown { .. }));
        let gone = json!({ "isError": true, "content": [], "structuredContent": { "code": "nothing_to_undo" } });
        assert_eq!(result(Op::Undo, gone.clone()), Outcome::Ok(saga::Answer::Undone { found: false }));
        assert!(matches!(result(Op::Do, gone), Outcome::Refused(Refusal { code, .. }) if code == "nothing_to_undo"));
    }

    #[test]
    fn a_result_is_what_is_structured_or_what_is_said() {
        let output = |value| Outcome::Ok(saga::Answer::Output(value));
        let text =
            json!([{ "type": "text", "text": "a" }, { "type": "image", "data": "x" }, { "type": "text", "text": "b" }]);
        assert_eq!(result(Op::Do, json!({ "content": text })), output(json!({ "text": "a\nb" })));
        let both = json!({ "content": text, "structuredContent": { "n": 1, "t": "\u{0}" } });
        assert_eq!(result(Op::Do, both), output(json!({ "n": 1, "t": "\u{fffd}" })));
        for other in [json!({}), json!({ "resultType": "input_required", "content": [] }), json!({ "task": {} })] {
            assert!(matches!(result(Op::Do, other.clone()), Outcome::Unknown { .. }), "{other}");
        }
    }

    #[test]
    fn a_result_that_cannot_be_kept_may_have_been_done_all_the_same() {
        let text = "x".repeat(LARGEST_OUTPUT);
        let said = result(Op::Do, json!({ "content": [{ "type": "text", "text": text }] }));
        assert!(matches!(said, Outcome::Unknown { code, .. } if code == "too_large"));
        // Of a text beside what is structured nothing is kept.
        let short = json!({ "content": [{ "type": "text", "text": text }], "structuredContent": { "n": 1 } });
        assert_eq!(result(Op::Do, short), Outcome::Ok(saga::Answer::Output(json!({ "n": 1 }))));
        let done = json!({ "structuredContent": { "state": "done", "output": text } });
        assert!(matches!(result(Op::Status, done), Outcome::Unknown { code, .. } if code == "too_large"));
    }

    #[test]
    fn undo_and_status_are_read_from_either() {
        let text = |text: &str| json!({ "content": [{ "type": "text", "text": text }] });
        let undone = |found| Outcome::Ok(saga::Answer::Undone { found });
        assert_eq!(result(Op::Undo, text("Cancelled.")), undone(true));
        assert_eq!(result(Op::Undo, text(r#"{"undone":false}"#)), undone(false));
        let state = |body| result(Op::Status, body);
        assert_eq!(state(text(r#"{"state":"none"}"#)), Outcome::Ok(saga::Answer::NeverSeen));
        let done = json!({ "structuredContent": { "state": "done", "output": 7 } });
        assert_eq!(state(done), Outcome::Ok(saga::Answer::WasDone(json!(7))));
        assert!(matches!(state(text("fine")), Outcome::Unknown { .. }));
    }

    #[test]
    fn a_session_that_is_not_opened_had_no_effect() {
        let open = |status: u16, body: Value| {
            let response = http::Response::builder().status(status).header(SESSION, "s1");
            opened(&response.body(body.to_string().into()).unwrap())
        };
        let chose = |version: &str| json!({ "jsonrpc": "2.0", "id": 0, "result": { "protocolVersion": version } });
        let session = open(200, chose("2025-06-18")).unwrap();
        assert_eq!((session.version.as_str(), session.id.as_deref()), ("2025-06-18", Some("s1")));
        let error = json!({ "jsonrpc": "2.0", "id": 0, "error": { "code": -32603 } });
        for (status, body) in [(200, chose("1999-01-01")), (500, chose(LEGACY)), (200, error), (200, Value::Null)] {
            assert!(matches!(open(status, body), Err(Outcome::Later { .. })));
        }
    }
}
