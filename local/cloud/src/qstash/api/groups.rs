//! `/v2/topics`: URL groups.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Call, Refusal, ok};
use crate::qstash::{
    group::{Endpoint, Group},
    publish,
    record::Record,
    state::State,
};

/// As many endpoints as the free plan lets a group have.
const MOST_ENDPOINTS: usize = 100;

#[derive(Deserialize)]
struct Endpoints<T> {
    endpoints: Vec<T>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
    url: Option<String>,
}

pub fn list(call: &Call) -> Answer {
    ok(call.courier.state().groups.values().map(|group| json!(group)).collect())
}

pub fn show(call: &Call, name: &str) -> Answer {
    ok(json!(known(&call.courier.state(), name)?))
}

fn known(state: &State, name: &str) -> Result<Group, Refusal> {
    state.groups.get(name).cloned().ok_or_else(|| Refusal::missing("url group"))
}

/// Adds endpoints; the group is made where there is none.
pub fn add(call: &Call, name: &str) -> Answer {
    publish::check_name("url group", name).map_err(Refusal::bad)?;
    let given: Endpoints<Endpoint> =
        serde_json::from_value(call.json()?).map_err(|error| Refusal::bad(format!("not endpoints: {error}")))?;
    if given.endpoints.is_empty() {
        return Err(Refusal::bad("there are no endpoints to add"));
    }
    let mut state = call.courier.state();
    let now = state.now();
    let new = Group { name: name.to_owned(), endpoints: Vec::new(), created_at: now, updated_at: now };
    let mut group = state.groups.get(name).cloned().unwrap_or(new);
    for endpoint in given.endpoints {
        let url = publish::destination(&endpoint.url).map_err(Refusal::bad)?;
        if !publish::has_scheme(&url) {
            return Err(Refusal::bad(format!("invalid endpoint '{url}': it must begin with http:// or https://")));
        }
        if let Some(name) = &endpoint.name {
            publish::check_name("endpoint", name).map_err(Refusal::bad)?;
        }
        group.add(Endpoint { url, ..endpoint });
    }
    if group.endpoints.len() > MOST_ENDPOINTS {
        let text = format!("a url group has at most {MOST_ENDPOINTS} endpoints");
        return Err(Refusal(StatusCode::PRECONDITION_FAILED, text));
    }
    group.updated_at = now;
    state.commit(vec![Record::Group(group)])?;
    ok(json!({}))
}

/// Removes endpoints by name or address; a group that has none left is gone.
pub fn remove(call: &Call, name: &str) -> Answer {
    let given: Endpoints<Named> =
        serde_json::from_value(call.json()?).map_err(|error| Refusal::bad(format!("not endpoints: {error}")))?;
    let mut state = call.courier.state();
    let mut group = known(&state, name)?;
    for endpoint in given.endpoints {
        if endpoint.name.is_none() && endpoint.url.is_none() {
            return Err(Refusal::bad("an endpoint to be removed has a name or a url"));
        }
        group.remove(endpoint.name.as_deref(), endpoint.url.as_deref());
    }
    group.updated_at = state.now();
    let gone = group.endpoints.is_empty();
    state.commit(vec![if gone { Record::GroupGone { name: group.name } } else { Record::Group(group) }])?;
    ok(json!({}))
}

pub fn delete(call: &Call, name: &str) -> Answer {
    let mut state = call.courier.state();
    let group = known(&state, name)?;
    state.commit(vec![Record::GroupGone { name: group.name }])?;
    ok(json!({}))
}
