//! `/v2/workflows/runs` and `/v2/workflows/logs`: what runs there are, and their ends.

use http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::{Answer, Call, Refusal, filter::Filter, ok};
use crate::qstash::{
    message::CALLER_IP,
    workflow::{EndState, Run, to_json},
};

/// What a run may be asked for, and what its log may be.
const RUN: [&str; 9] =
    ["workflowUrl", "label", "fromDate", "toDate", "callerIp", "flowControlKey", "host", "path", "workflowRunIds"];
const CANCEL: [&str; 1] = ["workflowUrlExactMatch"];
const LOG: [&str; 7] =
    ["workflowRunId", "workflowCreatedAt", "workflowRuns", "state", "messageId", "groupBy", "trimBody"];

const LOGGED: usize = 10;
const CANCELLED: usize = 100;
const STATES: [&str; 4] = ["RUN_STARTED", "RUN_SUCCESS", "RUN_FAILED", "RUN_CANCELED"];

/// The raw steps of a run, for a workflow that was sent none.
pub fn steps(call: &Call, id: &str) -> Answer {
    let state = call.courier.state();
    let run = state.workflows.under_way(id).ok_or_else(|| Refusal::missing("workflow run"))?;
    ok(run.steps.iter().map(|step| step.raw()).collect())
}

/// `cancel=false` is the workflow's own way to say that it is through, with its result.
pub fn end(call: &Call, id: &str) -> Answer {
    let finished = call.query("cancel").first().is_some_and(|text| text == "false");
    let (state, response) = match finished {
        true => (EndState::Success, Some(String::from_utf8_lossy(&call.body).into_owned())),
        false => (EndState::Canceled, None),
    };
    let response = response.filter(|text| !text.is_empty());
    match call.courier.with(|all| all.end_run(id, state, response))? {
        true => ok(json!({})),
        false => Err(Refusal::missing("workflow run")),
    }
}

/// Ends those under way that fit, up to `count` of them.
pub fn cancel_many(call: &Call) -> Answer {
    let filter = Filter::of(call, &[&RUN[..], &CANCEL[..]].concat())?;
    let exact = filter.values("workflowUrlExactMatch").first().is_some_and(|text| text == "true");
    let count = call.query("count").first().and_then(|text| text.parse().ok()).unwrap_or(CANCELLED);
    let cancelled = call.courier.with(|state| {
        let runs = state.workflows.latest().into_iter().filter(|run| run.end.is_none() && fits(run, &filter, exact));
        let ids: Vec<String> = runs.take(count).map(|run| run.begun.id.clone()).collect();
        let end = |count, id: &String| {
            Ok::<u64, std::io::Error>(count + u64::from(state.end_run(id, EndState::Canceled, None)?))
        };
        ids.iter().try_fold(0, end)
    })?;
    ok(json!({ "cancelled": cancelled }))
}

fn fits(run: &Run, filter: &Filter, exact: bool) -> bool {
    let begun = &run.begun;
    let any = |name: &str, fits: &dyn Fn(&str) -> bool| {
        let values = filter.values(name);
        values.is_empty() || values.iter().any(|value| fits(value))
    };
    let limit = |name: &str| filter.values(name).first().and_then(|text| text.parse::<u64>().ok());
    let uri = || begun.url.parse::<Uri>().unwrap_or_default();
    any("workflowRunIds", &|id| id == begun.id)
        && any("workflowUrl", &|url| if exact { begun.url == url } else { begun.url.starts_with(url) })
        && any("label", &|label| begun.labels().iter().any(|known| known == label))
        && any("flowControlKey", &|key| begun.flow_key().as_deref() == Some(key))
        && any("callerIp", &|ip| ip == CALLER_IP)
        && any("host", &|host| uri().authority().is_some_and(|known| known == host) || uri().host() == Some(host))
        && any("path", &|path| uri().path() == path)
        && limit("fromDate").is_none_or(|from| begun.created_at >= from)
        && limit("toDate").is_none_or(|to| begun.created_at <= to)
}

/// Runs with their steps, latest first. The cursor is the number of the last one that was shown.
pub fn logs(call: &Call) -> Answer {
    let filter = Filter::of(call, &[&RUN[..], &LOG[..]].concat())?;
    if call.rest.starts_with("workflows/events") && filter.values("groupBy") != ["workflowRunId"] {
        return Err(Refusal::bad("this emulator tells of workflows by run only: groupBy=workflowRunId"));
    }
    if let Some(state) = filter.values("state").iter().find(|state| !STATES.contains(&state.as_str())) {
        return Err(Refusal::bad(format!("this emulator finds runs by the state of the run, not by '{state}'")));
    }
    let before = match call.query("cursor").first() {
        None => u64::MAX,
        Some(cursor) => cursor.parse().map_err(|_| Refusal::bad("cursor is what the last page came with"))?,
    };
    let count = call.query("count").first().and_then(|text| text.parse().ok()).unwrap_or(LOGGED).clamp(1, LOGGED);
    let state = call.courier.state();
    let wanted = |run: &&Run| {
        let begun = &run.begun;
        let pairs = filter.values("workflowRuns");
        if !pairs.is_empty() {
            return pairs.contains(&format!("{}@{}", begun.id, begun.created_at));
        }
        let sent = filter.values("messageId");
        fits(run, &filter, true)
            && filter.allows("workflowRunId", &begun.id)
            && filter.allows("workflowCreatedAt", &begun.created_at.to_string())
            && filter.allows("state", run.state())
            && (sent.is_empty() || run.steps.iter().any(|step| sent.contains(&step.message_id)))
    };
    let runs = state.workflows.latest();
    let mut wanted = runs.into_iter().filter(|run| run.order < before).filter(wanted);
    let page: Vec<&Run> = wanted.by_ref().take(count).collect();
    let last = page.last().map_or(before, |run| run.order);
    let cursor = wanted.next().map_or(String::new(), |_| last.to_string());
    let told: Vec<Value> = page.into_iter().map(|run| to_json(run, &state)).collect();
    Ok((StatusCode::OK, json!({ "runs": told, "cursor": cursor })))
}
