//! Tools over HTTP: `POST {base}/{tool}/do`, `POST .../undo` and `GET .../status`, all by key.
//!
//! The reading of an answer is where "no" and "unknown" part; the table is [`outcome`].

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use makegood_core::depth::too_deep;
use makegood_core::ordered;
use makegood_core::saga::{Answer, Call, Op, Outcome, Refusal, TOO_LARGE};
use makegood_core::time::Millis;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Malformed, Request, Response, excerpt, post};

/// Makes the request for a call.
///
/// # Errors
/// Where the configured address or the key does not fit into a request.
pub fn request(base: &str, call: &Call) -> Result<Request, Malformed> {
    let url = |verb| format!("{}/{}/{verb}", base.trim_end_matches('/'), call.tool);
    let key = [("idempotency-key", call.key.as_str()), ("traceparent", call.trace.as_str())];
    let encode = |body: &Value| serde_json::to_vec(body).map_err(|error| Malformed(error.to_string()));
    match call.op {
        Op::Do => {
            post(&url("do"), &key, serde_json::to_vec(&call.params).map_err(|error| Malformed(error.to_string()))?)
        }
        Op::Undo => post(&url("undo"), &key, encode(&json!({"params": call.params, "output": call.output}))?),
        Op::Status => http::Request::get(url("status"))
            .header("idempotency-key", &call.key)
            .header("traceparent", &call.trace)
            .body(Bytes::new())
            .map_err(|error| Malformed(error.to_string())),
    }
}

/// A shorter one could be anything in an answer, and would not be struck out of it.
const SHORTEST_SECRET: usize = 12;

/// The headers that let a tool's calls in: those that its definition wants, each with the name of a secret, out of the
/// operator's, `{"name": "value"}`.
///
/// # Errors
/// Which is not there, or is none. No value is told.
pub fn secrets(wanted: &Map<String, Value>, configured: &str) -> Result<Vec<(HeaderName, HeaderValue)>, Malformed> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let known = known(configured)?;
    let header = |(header, name): (&String, &Value)| -> Result<(HeaderName, HeaderValue), Malformed> {
        let named = HeaderName::from_bytes(header.as_bytes());
        Ok((
            named.map_err(|_| Malformed(format!("`{header}` is no header")))?,
            secret(&known, name.as_str().unwrap_or_default())?,
        ))
    };
    wanted.iter().map(header).collect()
}

/// Whether all of the operator's secrets may be ones.
///
/// # Errors
/// Which may not. No value is told.
pub fn check_secrets(configured: &str) -> Result<(), Malformed> {
    let known = known(configured)?;
    known.keys().try_for_each(|name| secret(&known, name).map(drop))
}

fn known(configured: &str) -> Result<Map<String, Value>, Malformed> {
    if configured.trim().is_empty() {
        return Ok(Map::new());
    }
    let Ok(Value::Object(known)) = serde_json::from_slice(configured.as_bytes()) else {
        return Err(Malformed("the secrets of `tool_secrets` are no JSON object".to_owned()));
    };
    Ok(known)
}

fn secret(known: &Map<String, Value>, name: &str) -> Result<HeaderValue, Malformed> {
    let Some(value) = known.get(name) else {
        return Err(Malformed(format!("the secret `{name}` is not configured: it is to be in `tool_secrets`")));
    };
    // The scheme's word before it is no part of the secret: an answer that says the token again may leave it out.
    let token = |value: &str| value.split_once(' ').map_or(value.len(), |(_, token)| token.len());
    let long = value.as_str().filter(|value| token(value) >= SHORTEST_SECRET);
    let Some(mut value) = long.and_then(|value| HeaderValue::from_str(value).ok()) else {
        let what = format!(
            "the secret `{name}` of `tool_secrets` is no text of {SHORTEST_SECRET} characters or more, a scheme's word \
                before them not counted"
        );
        return Err(Malformed(what));
    };
    // By that it is known, and struck out of what comes back.
    value.set_sensitive(true);
    Ok(value)
}

/// The bytes of JSON that an output may have. It stands in the journal, is loaded with every step that refers to it or
/// undoes it, and the database takes and gives some ten million bytes at once.
pub const LARGEST_OUTPUT: usize = 256 * 1024;

/// Reads an answer:
///
/// | answer | outcome |
/// |---|---|
/// | 2xx | ok, by the operation |
/// | 2xx with an output of more than [`LARGEST_OUTPUT`] | unknown: it cannot be kept, and may have been done |
/// | 409 with code `in_progress` | at work: asked again after `Retry-After`, and no failure |
/// | 404 or 410 to an undo, with code `nothing_to_undo` | ok: there was nothing to undo |
/// | 425, 429 | later: no effect, `Retry-After` is honoured |
/// | 408, 5xx, 3xx, a body that cannot be read | unknown |
/// | any other 4xx | refused |
///
/// A 404 without that code, or with a code that any server has for an address that it does not know, is no
/// partner's word that nothing is left.
#[must_use]
pub fn outcome(op: Op, response: &Response) -> Outcome {
    let status = response.status();
    let problem = || -> Problem { serde_json::from_slice(response.body()).unwrap_or_default() };
    if status.is_success() {
        return serde_json::from_slice(response.body())
            .ok()
            .filter(|body| !too_deep(body))
            .and_then(|body| answer(op, storable(body)))
            .map_or_else(|| unknown(response, "answered with a body that cannot be read"), kept);
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY => {
            let reason = format!("the partner is busy ({status})");
            Outcome::Later { after: retry_after(response), code: code_of(status, problem().code), reason }
        }
        StatusCode::REQUEST_TIMEOUT => unknown(response, "timed out"),
        StatusCode::CONFLICT if problem().code.as_deref() == Some("in_progress") => {
            Outcome::Ok(Answer::InProgress { after: retry_after(response) })
        }
        StatusCode::NOT_FOUND | StatusCode::GONE
            if op == Op::Undo && problem().code.as_deref() == Some("nothing_to_undo") =>
        {
            Outcome::Ok(Answer::Undone { found: false })
        }
        _ if status.is_client_error() => {
            let Problem { code, detail, title } = problem();
            let detail = detail.or(title).unwrap_or_else(|| format!("The partner answered {status}."));
            Outcome::Refused(Refusal { code: code_of(status, code), detail: short(&detail) })
        }
        _ => unknown(response, "failed"),
    }
}

#[derive(Default, Deserialize)]
struct Problem {
    code: Option<String>,
    detail: Option<String>,
    title: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Status {
    Done { output: Value },
    Refused { code: Option<String>, detail: Option<String> },
    Undone,
    InProgress,
    None,
}

fn answer(op: Op, body: Value) -> Option<Answer> {
    match op {
        Op::Do => Some(Answer::Output(body)),
        Op::Undo => Some(Answer::Undone { found: body.get("undone")?.as_bool()? }),
        Op::Status => state(body),
    }
}

/// What the answer to a status says; `None` where it says nothing that is known.
pub(crate) fn state(body: Value) -> Option<Answer> {
    Some(match serde_json::from_value(body).ok()? {
        Status::Done { output } => Answer::WasDone(output),
        Status::Refused { code, detail } => Answer::WasRefused(Refusal {
            code: short(&code.unwrap_or_else(|| "refused".to_owned())),
            detail: short(&detail.unwrap_or_default()),
        }),
        Status::Undone => Answer::WasUndone,
        Status::InProgress => Answer::InProgress { after: None },
        Status::None => Answer::NeverSeen,
    })
}

/// A yes, if what it gives can be kept.
pub(crate) fn kept(answer: Answer) -> Outcome {
    if let Answer::Output(output) | Answer::WasDone(output) = &answer {
        let length = output.to_string().len();
        if length > LARGEST_OUTPUT {
            let reason = format!(
                "the partner's output has {length} bytes of JSON, and {LARGEST_OUTPUT} are taken: let it give less under \
                    the same key, or where the rest is to be found"
            );
            return Outcome::Unknown { code: TOO_LARGE.to_owned(), reason };
        }
    }
    Outcome::Ok(answer)
}

fn unknown(response: &Response, what: &str) -> Outcome {
    let said = excerpt(response.body());
    let Problem { code, .. } = serde_json::from_slice(response.body()).unwrap_or_default();
    let reason = plain(&format!("the partner {what} ({}): {said}", response.status()));
    Outcome::Unknown { code: code_of(response.status(), code), reason }
}

/// The partner's own code, or one made of the status.
fn code_of(status: StatusCode, given: Option<String>) -> String {
    given.map_or_else(|| format!("http_{}", status.as_u16()), |code| short(&code))
}

/// Seconds only: a partner's clock is not ours, so a date would be compared with the wrong one.
pub(crate) fn retry_after(response: &Response) -> Option<Millis> {
    let seconds = response.headers().get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Millis::from_secs(seconds).min(Millis::from_secs(24 * 3600)))
}

/// A partner's words are stored and shown: they are kept short.
pub(crate) fn short(text: &str) -> String {
    plain(text).chars().take(500).collect()
}

/// PostgreSQL stores every character but U+0000, and a commit must not fail for one.
pub(crate) fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(crate) fn storable(value: Value) -> Value {
    if !holds_nul(&value) {
        return value;
    }
    match value {
        Value::String(text) => Value::String(plain(&text)),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(fields) => {
            Value::Object(ordered::object(fields.into_iter().map(|(name, field)| (plain(&name), storable(field)))))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, field)| name.contains('\0') || holds_nul(field)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(op: Op, status: u16, body: &'static str) -> Outcome {
        let response = http::Response::builder()
            .status(status)
            .header("retry-after", "3")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        outcome(op, &response)
    }

    #[test]
    fn each_call_says_its_key_and_where_in_which_trace_it_is() {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for op in [Op::Do, Op::Undo, Op::Status] {
            let call = Call {
                node: 0,
                op,
                round: 0,
                attempt: 1,
                tool: "book".to_owned(),
                key: "k".to_owned(),
                params: Map::new(),
                output: None,
                timeout: Millis(1_000),
                trace: trace.to_owned(),
                fingerprint: 0,
                limits: Vec::new(),
                hosts: Vec::new(),
                rate: None,
                secrets: Map::new(),
                mcp: None,
            };
            let request = request("https://tools.test/", &call).unwrap();
            assert_eq!(request.headers()["idempotency-key"], "k", "{op:?}");
            assert_eq!(request.headers()["traceparent"], trace, "{op:?}");
        }
    }

    #[test]
    fn a_tool_is_let_in_by_the_secrets_that_it_names_and_by_no_others() {
        let configured = r#"{"luigi": "Bearer 0123456789ab", "mario": "0123456789ab", "short": "hush"}"#;
        let wanted = |name: &str| Map::from_iter([("x-api-key".to_owned(), Value::from(name))]);
        let found = secrets(&wanted("luigi"), configured).unwrap();
        assert_eq!(found, [(HeaderName::from_static("x-api-key"), HeaderValue::from_static("Bearer 0123456789ab"))]);
        assert!(found[0].1.is_sensitive());
        assert_eq!(secrets(&Map::new(), "none of its business").unwrap(), []);
        for (name, configured, words) in [
            ("bowser", configured, "`bowser` is not configured"),
            ("bowser", "", "`bowser` is not configured"),
            ("short", configured, "`short` of `tool_secrets` is no text of 12"),
            ("luigi", r#"{"luigi": 123456789012}"#, "no text"),
            ("luigi", "{\"luigi\": \"0123456789\\n0123\"}", "no text"),
            ("luigi", r#"["hush"]"#, "no JSON object"),
            ("luigi", "hush", "no JSON object"),
        ] {
            let error = secrets(&wanted(name), configured).unwrap_err();
            assert!(error.0.contains(words) && !error.0.contains("hush"), "{error}");
        }
    }

    #[test]
    fn secrets_that_would_not_be_struck_out_of_answers_are_none() {
        assert_eq!((check_secrets(""), check_secrets(r#"{"a": "0123456789ab"}"#)), (Ok(()), Ok(())));
        for short in ["hush", "Bearer 0123456789", "0123456789ab "] {
            let configured = json!({"a": "Bearer 0123456789ab", "b": short}).to_string();
            assert!(check_secrets(&configured).unwrap_err().0.contains("`b`"), "{short}");
        }
    }

    #[test]
    fn only_a_definite_no_is_a_refusal() {
        let taken = read(Op::Do, 409, r#"{"code":"table_unavailable","detail":"Full."}"#);
        assert!(matches!(taken, Outcome::Refused(Refusal { code, .. }) if code == "table_unavailable"));
        assert!(matches!(read(Op::Do, 404, "not json"), Outcome::Refused(Refusal { code, .. }) if code == "http_404"));
        for (status, body) in [(500, ""), (503, ""), (302, ""), (408, ""), (200, "{")] {
            assert!(matches!(read(Op::Do, status, body), Outcome::Unknown { .. }), "{status} {body}");
        }
    }

    #[test]
    fn what_the_partner_cannot_find_is_undone_and_a_wrong_address_is_not() {
        let gone = r#"{"code":"nothing_to_undo"}"#;
        for status in [404, 410] {
            assert_eq!(read(Op::Undo, status, gone), Outcome::Ok(Answer::Undone { found: false }));
            assert!(matches!(read(Op::Do, status, gone), Outcome::Refused(_)));
            for elsewhere in ["no such page", r#"{"code":"not_found"}"#] {
                assert!(matches!(read(Op::Undo, status, elsewhere), Outcome::Refused(_)));
            }
        }
        assert!(matches!(read(Op::Undo, 409, gone), Outcome::Refused(_)));
    }

    #[test]
    fn a_failure_has_the_partners_own_code_or_one_of_its_status() {
        let code = |status, body| match read(Op::Do, status, body) {
            Outcome::Unknown { code, .. } | Outcome::Later { code, .. } => code,
            other @ (Outcome::Ok(_) | Outcome::Refused(_)) => panic!("{other:?}"),
        };
        assert_eq!(code(503, r#"{"code":"closed_today"}"#), "closed_today");
        assert_eq!((code(503, ""), code(429, "[]")), ("http_503".to_owned(), "http_429".to_owned()));
    }

    #[test]
    fn who_is_at_work_says_when_to_ask_again() {
        for op in [Op::Do, Op::Undo, Op::Status] {
            let said = read(op, 409, r#"{"code":"in_progress"}"#);
            assert_eq!(said, Outcome::Ok(Answer::InProgress { after: Some(Millis(3_000)) }));
        }
    }

    #[test]
    fn what_cannot_be_stored_is_not_handed_on() {
        let said = read(Op::Do, 200, r#"{"a\u0000":["b\u0000"]}"#);
        assert_eq!(said, Outcome::Ok(Answer::Output(json!({"a\u{fffd}": ["b\u{fffd}"]}))));
    }

    #[test]
    fn an_output_that_cannot_be_kept_may_have_been_done_all_the_same() {
        let answered = |op, body: Value| outcome(op, &http::Response::new(Bytes::from(body.to_string())));
        // With its quotation marks.
        let fits = Value::from("x".repeat(LARGEST_OUTPUT - 2));
        let status = |output: &Value| json!({"state": "done", "output": output});
        assert_eq!(answered(Op::Do, fits.clone()), Outcome::Ok(Answer::Output(fits.clone())));
        assert_eq!(answered(Op::Status, status(&fits)), Outcome::Ok(Answer::WasDone(fits)));
        let more = Value::from("x".repeat(LARGEST_OUTPUT - 1));
        for said in [answered(Op::Do, more.clone()), answered(Op::Status, status(&more))] {
            let Outcome::Unknown { code, reason } = said else { panic!("{said:?}") };
            assert!(code == "too_large" && reason.contains("262145 bytes of JSON, and 262144 are taken"), "{reason}");
        }
    }

    #[test]
    fn busy_is_no_effect_and_says_when() {
        let later = read(Op::Do, 429, "");
        assert!(matches!(later, Outcome::Later { after: Some(Millis(3000)), .. }));
    }

    #[test]
    fn a_status_tells_all_five_states_apart() {
        let state = |body| read(Op::Status, 200, body);
        assert!(matches!(state(r#"{"state":"done","output":{"a":1}}"#), Outcome::Ok(Answer::WasDone(_))));
        assert!(matches!(state(r#"{"state":"refused","code":"x"}"#), Outcome::Ok(Answer::WasRefused(_))));
        assert!(matches!(state(r#"{"state":"undone"}"#), Outcome::Ok(Answer::WasUndone)));
        assert!(matches!(state(r#"{"state":"in_progress"}"#), Outcome::Ok(Answer::InProgress { .. })));
        assert!(matches!(state(r#"{"state":"none"}"#), Outcome::Ok(Answer::NeverSeen)));
        assert!(matches!(state(r#"{"state":"lost"}"#), Outcome::Unknown { .. }));
    }
}
