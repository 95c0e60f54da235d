//! Schedules, as their owners ask for them: plans that the queue's clock starts. What a firing does is in
//! `firings`.

use makegood_edge::core::cron::Cron;
use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::Scope;
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{Budget, Plan, Priority, object};
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::schedules::Row;
use makegood_edge::host::json;
use makegood_edge::limits::{Class, admit};
use makegood_edge::schedules::{MOST, tell_queue};
use makegood_edge::serde::{Deserialize, Serialize};
use makegood_edge::serde_json::{self, Value, json};
use makegood_edge::start::{Start, check};
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, door};

use crate::sagas::some_object;
use crate::verbs::{Nothing, body_or_none};

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "NewSchedule")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Body {
    /// A repeat with the same one makes no second schedule.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")))]
    id: Option<String>,
    /// As `0 9 * * 1`, in Greenwich, or with `CRON_TZ=Europe/Berlin` before it.
    cron: String,
    #[serde(deserialize_with = "object")]
    plan: Plan,
    deadline_ms: Option<Millis>,
    #[serde(default, deserialize_with = "some_object")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Budget"))]
    budget: Option<Budget>,
    #[serde(default)]
    priority: Priority,
}

/// What each firing starts, as it is stored.
#[derive(Serialize, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars")
)]
#[serde(crate = "makegood_edge::serde")]
pub struct Wanted {
    pub plan: Plan,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
}

impl Wanted {
    pub fn start<'a>(&'a self, client_key: Option<&'a str>) -> Start<'a> {
        let (deadline, budget, priority) = (self.deadline_ms, self.budget, self.priority);
        Start { plan: &self.plan, message: None, client_key, deadline, budget, priority, reading: None, trace: None }
    }
}

/// Makes a schedule: first the row, then the queue's.
pub async fn create<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Execute], Scope::Start).await?;
    let Body { id, cron, plan, deadline_ms, budget, priority } = door::body(request)?;
    let id = id.map(read_id).transpose()?;
    let cron = read_cron(&cron)?;
    let wanted = Wanted { plan, deadline_ms, budget, priority };
    let store = Store::new(host, settings);
    check(&store.tools(&wanted.plan).await?, &wanted.start(None))?;

    let mut random = [0; 10];
    random.copy_from_slice(&host.random()[..10]);
    let key = SagaId::new(host.now(), random).as_str().replacen("sg_", "sc_", 1);
    let id = id.unwrap_or_else(|| key.clone());
    let stored = serde_json::to_string(&wanted)
        .map_err(|error| Error::new(Code::Internal, "The plan cannot be stored.").because(error))?;
    let written = store.create_schedule(&key, &principal.name, &id, &cron, &wanted.plan.summary, &stored).await?;
    let Some(row) = written.schedule else {
        let message =
            format!("You have {MOST} schedules, and there can be no more. Delete one that you can do without.");
        return Err(Error::new(Code::Conflict, message));
    };
    if !written.same {
        let message = "You have another schedule by this `id`. Delete that one first, or take a new `id`.";
        return Err(Error::new(Code::Conflict, message));
    }
    let armed = row.armed || tell_queue(host, settings, &row, written.created).await?;
    let status = if written.created { 201 } else { 200 };
    Ok(json(if armed { status } else { 202 }, &view(&Row { armed, ..row })))
}

/// Ids stand in paths.
fn read_id(id: String) -> Result<String, Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if id.len() > 100 || !id.starts_with(|c: char| c.is_ascii_alphanumeric()) || !id.chars().all(fits) {
        let message = "`id` has up to 100 letters, digits, `.`, `_` and `-`, and begins with a letter or digit.";
        return Err(Error::new(Code::InvalidRequest, message));
    }
    Ok(id)
}

fn read_cron(text: &str) -> Result<String, Error> {
    let wrong = |why: &str| {
        let message =
            format!("`cron` cannot be read: {why}. It is as `0 9 * * 1` or `CRON_TZ=Europe/Berlin 0 9 * * 1`.");
        Error::new(Code::InvalidRequest, message)
    };
    if text.len() > 500 {
        return Err(wrong("it is longer than 500 characters"));
    }
    if !Cron::parse(text).map_err(|why| wrong(&why))?.comes_true() {
        return Err(wrong("there is no such day"));
    }
    // It travels in a header.
    Ok(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// The caller's own, without their plans.
pub async fn list<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Read).await?;
    let rows = Store::new(host, settings).list_schedules(&principal.name).await?;
    let schedules: Vec<Value> = rows.iter().map(view).collect();
    Ok(json(200, &json!({"schedules": schedules})))
}

/// One, with its plan and what became of its last firings.
pub async fn show<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Read).await?;
    let shown = Store::new(host, settings).find_schedule(&principal.name, id).await?.ok_or_else(unknown)?;
    let mut body = view(&shown.schedule);
    if let (Value::Object(body), Value::Object(request)) = (&mut body, shown.request) {
        body.extend(request);
        body.insert("firings".to_owned(), json!(shown.firings));
    }
    Ok(json(200, &body))
}

/// Pauses a schedule, or has it go on. It counts from here on, whether or not the queue hears of it.
pub async fn turn<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    id: &str,
    paused: bool,
) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Execute], Scope::Start).await?;
    let Nothing {} = body_or_none(request)?;
    let row = Store::new(host, settings).turn_schedule(&principal.name, id, paused).await?.ok_or_else(unknown)?;
    let armed = row.armed || tell_queue(host, settings, &row, false).await?;
    Ok(json(if armed { 200 } else { 202 }, &view(&Row { armed, ..row })))
}

/// Deletes a schedule. Its sagas go on.
pub async fn delete<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Execute], Scope::Start).await?;
    let row = Store::new(host, settings).delete_schedule(&principal.name, id).await?.ok_or_else(unknown)?;
    // What the queue still sends starts nothing.
    tell_queue(host, settings, &row, false).await?;
    Ok(json(200, &json!({"schedule": id, "deleted": true})))
}

/// Another's schedule is as unknown as one that never was.
fn unknown() -> Error {
    Error::new(Code::NotFound, "You have no such schedule.")
}

fn view(row: &Row) -> Value {
    let mut view = json!({
        "schedule": row.id, "cron": row.cron, "title": row.title, "paused": row.paused, "armed": row.armed,
        "created_at": row.created_at, "updated_at": row.updated_at,
    });
    if let (Value::Object(view), Some(error)) = (&mut view, &row.last_error) {
        view.insert("last_error".to_owned(), json!(error));
        view.insert("last_error_at".to_owned(), json!(row.last_error_at));
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was first stored; never edited.
    const STORED: &str = r#"{"plan":{"summary":"S","steps":[{"id":"a","tool":"t","params":{"n":1},"after":[]},
        {"id":"b","tool":"","params":{},"after":["a"],"wait":{"for_ms":5}}]},"deadline_ms":60000,
        "budget":{"calls":3,"cost_minor":200}}"#;

    #[test]
    fn what_an_earlier_build_stored_is_read_and_stored_as_the_same() {
        let wanted: Wanted = serde_json::from_str(STORED).unwrap();
        assert_eq!((wanted.plan.steps.len(), wanted.deadline_ms), (2, Some(Millis(60_000))));
        let again = serde_json::to_value(&wanted).unwrap();
        assert_eq!(serde_json::from_value::<Wanted>(again).unwrap().plan, wanted.plan);
        let bare: Wanted = serde_json::from_str(r#"{"plan":{"summary":"","steps":[]}}"#).unwrap();
        assert_eq!(serde_json::to_string(&bare).unwrap(), r#"{"plan":{"summary":"","steps":[]}}"#);
    }

    #[test]
    fn ids_can_stand_in_a_path_and_cron_in_a_header() {
        for good in ["a", "daily", "v1.2_x-3", "sc_01k0000000000000000000zzzz"] {
            assert!(read_id(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "-a", "a/b", "a b", "ä", "a\n", &"a".repeat(101)] {
            assert!(read_id(bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!(read_cron("  0\t9 *\n* mon ").unwrap(), "0 9 * * mon");
        assert!(read_cron("0 9 * * montag").unwrap_err().message().contains("weekday"));
        assert!(read_cron("0 0 30 2 *").unwrap_err().message().contains("no such day"));
        assert!(read_cron(&"1,".repeat(300)).is_err());
    }
}
