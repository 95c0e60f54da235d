//! The audit log: it has what people do, in the commit that does it, from where; it cannot be changed, and what is
//! changed all the same is found, the cut end included. On the embedded database and on a real one.

use std::time::Duration;

use futures_util::future::join_all;
use makegood_endpoints::database::sql;
use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::services::Services;
use makegood_endpoints::{binary, journal, poll, town};
use serde_json::{Value, json};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(60);

fn clients(platform: &Platform) -> String {
    platform.data().join("clients.env").display().to_string()
}

/// `makegood audit …`: whether it is content, and what it prints.
async fn audit(platform: &Platform, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary::makegood());
    command.arg("audit").args(arguments).args(["--env", &clients(platform)]).current_dir(binary::root());
    let output = command.output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

/// The head, of a log that holds.
async fn head(platform: &Platform) -> String {
    let (content, said) = audit(platform, &["verify"]).await;
    assert!(content && said.contains("rows hold"), "{said}");
    said.trim().lines().last().unwrap().to_owned()
}

/// What does not hold, of a log that does not.
async fn broken(platform: &Platform, arguments: &[&str]) -> String {
    let (content, said) = audit(platform, &[&["verify"], arguments].concat()).await;
    assert!(!content, "{said}");
    said
}

async fn entries(platform: &Platform) -> Vec<Value> {
    platform.get("/api/audit?limit=200").await["entries"].as_array().unwrap().clone()
}

/// Who, what, from where, and what came of it, of all rows about one thing, in their order.
fn about(entries: &[Value], target: &str) -> Vec<[String; 4]> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let found = entries.iter().rev().filter(|entry| text(entry, "target").starts_with(target));
    found.map(|entry| ["who", "verb", "origin", "outcome"].map(|name| text(entry, name))).collect()
}

fn ask(platform: &Platform, saga: &str, verb: &str, body: &Value) -> reqwest::RequestBuilder {
    platform.request("POST", &format!("/api/execute/{saga}/{verb}")).json(body)
}

async fn waits_for_people(platform: &Platform, plan: &Value) -> String {
    let id = journal::execute(platform, plan).await;
    let asks = |saga: &Value| saga["steps"].as_array().unwrap().iter().any(|step| step["standing"] == "asking");
    let asked =
        poll(PATIENCE, Duration::from_millis(50), || async { Some(journal::status(platform, &id).await).filter(asks) });
    asked.await.unwrap_or_else(|| panic!("nobody was asked: {}", platform.complaints()));
    id
}

fn dinner(more: &Value) -> Value {
    let mut step = json!({"id": "table", "tool": "book_restaurant_table", "params": {
        "restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}});
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"summary": "Dinner", "steps": [step]})
}

async fn what_people_do_is_noted(platform: &Platform) {
    let row = |who: &str, verb: &str, outcome: &str| {
        [who.to_owned(), verb.to_owned(), "127.0.0.1".to_owned(), outcome.to_owned()]
    };
    // Of a step that bob and nobody else decides about.
    let id = waits_for_people(platform, &dinner(&json!({"approval": {"by": ["bob"]}}))).await;
    for verb in ["pause", "resume"] {
        assert_eq!(answer(ask(platform, &id, verb, &json!({}))).await.status / 100, 2, "{verb}");
    }
    assert_eq!(answer(ask(platform, &id, "resume", &json!({}))).await.status, 409);
    assert_eq!(answer(ask(platform, &id, "approve", &json!({"step": "table"}))).await.status, 403);
    let link = async || {
        let made = answer(ask(platform, &id, "links", &json!({"step": "table", "for": "bob"}))).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["token"].clone()
    };
    let (first, late) = (link().await, link().await);
    let decide = async |token: &Value, approve: bool, status: u16| {
        let decision = json!({"token": token, "approve": approve});
        let decided = answer(platform.request("POST", "/api/execute/decisions").json(&decision)).await;
        assert_eq!(decided.status, status, "{decided:?}");
    };
    decide(&first, true, 200).await;
    assert_eq!(journal::rest(platform, &id, PATIENCE).await["phase"], "completed");
    // What comes too late is somebody's deed; what is said with a link that was used for the other thing is nobody's.
    decide(&late, false, 409).await;
    decide(&first, false, 404).await;
    let wanted = [
        row("anonymous", "saga.pause", "ok"),
        row("anonymous", "saga.resume", "ok"),
        row("anonymous", "saga.resume", "refused: conflict"),
        row("anonymous", "saga.approve", "refused: forbidden"),
        row("anonymous", "link.make", "for bob"),
        row("anonymous", "link.make", "for bob"),
        row("bob", "saga.approve", "ok, by a link"),
        row("bob", "saga.reject", "refused: conflict, by a link"),
    ];
    assert_eq!(about(&entries(platform).await, &id), wanted);
    let listed = entries(platform).await;
    assert!(listed.iter().any(|entry| entry["target"] == format!("{id}/table")), "{listed:#?}");

    // Of one that is stuck, and of one that is called off.
    town::fault(platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    town::fault(platform, &json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    let mut evening = dinner(&json!({}));
    evening["steps"].as_array_mut().unwrap().push(json!({"id": "ride", "tool": "request_ride", "params": {
        "pickup": "Home", "destination": "$table.address", "date": "2031-05-01", "time": "18:30", "passengers": 2}}));
    let stuck = journal::execute(platform, &evening).await;
    assert_eq!(journal::rest(platform, &stuck, PATIENCE).await["phase"], "stuck");
    town::no_faults(platform).await;
    let resolution = json!({"step": "table", "done": false, "note": "By telephone."});
    assert_eq!(answer(ask(platform, &stuck, "resolve", &resolution)).await.status, 200);
    assert_eq!(about(&entries(platform).await, &stuck), [row("anonymous", "saga.resolve", "not done")]);
    let off = waits_for_people(platform, &dinner(&json!({"approval": {}}))).await;
    assert_eq!(answer(ask(platform, &off, "cancel", &json!({}))).await.status / 100, 2);
    assert_eq!(about(&entries(platform).await, &off), [row("anonymous", "saga.cancel", "ok")]);

    // What was deployed stands there too, in the name of whoever was connected to the database.
    let (content, said) = audit(platform, &["list", "--limit", "1000"]).await;
    assert!(content && said.contains(": migration.apply makegood/0017_audit: sha256:"), "{said}");
    assert!(said.contains(": tool.register book_restaurant_table@"), "{said}");
    // Others' deeds are for operators.
    let token = platform.token("eve").await;
    assert_eq!(answer(platform.request("GET", "/api/audit").bearer_auth(token)).await.status, 403);
}

async fn however_many_write_at_once_it_is_one_chain(platform: &Platform) {
    let before: u64 = head(platform).await.split_once(':').unwrap().0.parse().unwrap();
    let sagas = join_all((0..6).map(|_| {
        let plan = dinner(&json!({"approval": {"by": ["bob"]}}));
        async move { waits_for_people(platform, &plan).await }
    }))
    .await;
    let notes = (0..40).map(|number| async move {
        let statement = format!("select makegood.note_audit('crowd', 'note', 'number {number}', '', 'ok')");
        sql(platform, &statement).await.unwrap();
    });
    let pauses = sagas.iter().map(|id| async move {
        let paused = answer(ask(platform, id, "pause", &json!({}))).await;
        assert_eq!(paused.status / 100, 2, "{paused:?}");
    });
    tokio::join!(join_all(notes), join_all(pauses));
    // A transaction that is given up leaves neither a row nor a gap.
    sql(platform, "select makegood.note_audit('crowd', 'note', 'nothing', '', 'ok'), 1 / (random() * 0)::int")
        .await
        .unwrap_err();
    let after: u64 = head(platform).await.split_once(':').unwrap().0.parse().unwrap();
    assert_eq!(after - before, 46);
    let entries = entries(platform).await;
    assert!(entries.iter().all(|entry| entry["target"] != "nothing"), "{entries:#?}");
}

async fn nobody_changes_it_and_what_is_changed_all_the_same_is_found(platform: &Platform) {
    for statement in [
        "update makegood.audit set who = 'nobody' where seq = 3",
        "delete from makegood.audit",
        "truncate makegood.audit",
    ] {
        let error = sql(platform, statement).await.unwrap_err();
        assert!(error.contains("the audit log is only added to"), "{statement}: {error}");
    }
    // A row is what the log makes of it, whatever is said of its number, time and hash.
    sql(
        platform,
        "insert into makegood.audit (seq, at, who, verb, target, outcome, previous, hash)
            values (1, 1, 'a', 'b', 'c', 'd', 'e', 'f')",
    )
    .await
    .unwrap();
    let kept = head(platform).await;
    let last: u64 = kept.split_once(':').unwrap().0.parse().unwrap();

    // Whoever owns the database can have its guards away. Then the chain tells.
    sql(platform, "alter table makegood.audit disable trigger user").await.unwrap();
    for (column, value) in [
        ("who", "'nobody'"),
        ("verb", "'x'"),
        ("target", "''"),
        ("origin", "'x'"),
        ("outcome", "'x'"),
        ("at", "at + 1"),
    ] {
        sql(platform, "create table if not exists public.copy as select * from makegood.audit").await.unwrap();
        sql(platform, &format!("update makegood.audit set {column} = {value} where seq = 5")).await.unwrap();
        let said = broken(platform, &[]).await;
        assert!(said.contains("from row 5: ") && said.contains("it was changed"), "{column}: {said}");
        sql(platform, "delete from makegood.audit where seq = 5").await.unwrap();
        let said = broken(platform, &[]).await;
        assert!(said.contains("from row 5: it is missing"), "{column}: {said}");
        sql(platform, "insert into makegood.audit select * from public.copy where seq = 5").await.unwrap();
        assert_eq!(head(platform).await, kept);
    }
    // One that is made anew from some row on, hashes and all.
    let anew = format!(
        "update makegood.audit a set who = 'nobody', hash = makegood.audit_hash(
            row(a.seq, a.at, 'nobody', a.verb, a.target, a.origin, a.outcome, a.previous, '')::makegood.audit)
            where seq = {last}"
    );
    sql(platform, &anew).await.unwrap();
    let anew = head(platform).await;
    assert_ne!(anew, kept, "alone it holds");
    let said = broken(platform, &["--head", &kept]).await;
    assert!(said.contains(&format!("from row {last}: ")) && said.contains("written anew"), "{said}");
    // And a cut end.
    sql(platform, &format!("delete from makegood.audit where seq >= {last}")).await.unwrap();
    let shorter = head(platform).await;
    assert!(shorter.starts_with(&format!("{}:", last - 1)), "alone it holds: {shorter}");
    let said = broken(platform, &["--head", &kept]).await;
    assert!(said.contains(&format!("from row {last}: ")) && said.contains("the end was cut off"), "{said}");
    let (content, said) = audit(platform, &["verify", "--head", &shorter]).await;
    assert!(content, "{said}");
    let (content, said) = audit(platform, &["verify", "--head", "12"]).await;
    assert!(!content && said.contains("a head is a number"), "{said}");
}

async fn the_log_holds(platform: &Platform) {
    what_people_do_is_noted(platform).await;
    however_many_write_at_once_it_is_one_chain(platform).await;
    nobody_changes_it_and_what_is_changed_all_the_same_is_found(platform).await;
}

#[tokio::test]
async fn the_audit_log_holds_and_tells_where_it_does_not() {
    the_log_holds(&Platform::start(Options::default()).await).await;
}

#[tokio::test]
async fn the_audit_log_holds_on_real_postgres() {
    let Some(services) = tokio::task::spawn_blocking(Services::start).await.unwrap() else {
        println!("left out: MAKEGOOD_NO_SYSTEM_SERVICES=1");
        return;
    };
    let environment = vec![("DATABASE_URL".to_owned(), services.database_url.clone())];
    the_log_holds(&Platform::start(Options { environment, ..Options::default() }).await).await;
}
