//! Conversations as a user has them: asked back, corrected, agreed to, and acted on while the saga runs.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{database, journal, poll, queue, sse, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const TABLE: &str = "Book a table for 4 at Luigi's tomorrow at 7pm";
/// The message comes last: as long as it is not begun the rest can be changed.
const EVENING: &str = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";
/// As haste types it: understood, and less surely than what is done without asking.
const HASTE: &str = "Bok a tabel for 4 at Luigi's tomorow at 7";

/// A user in one conversation.
struct Talk<'a> {
    platform: &'a Platform,
    id: Value,
}

impl<'a> Talk<'a> {
    const fn new(platform: &'a Platform) -> Self {
        Self { platform, id: Value::Null }
    }

    /// Says something, and answers with what is answered.
    async fn say(&mut self, message: &str) -> Value {
        let body = json!({"message": message, "conversation": self.id});
        let answer = answer(self.platform.request("POST", "/api/chat").json(&body)).await;
        assert!(matches!(answer.status, 200 | 202), "{message}: {answer:?}\n{}", self.platform.complaints());
        let answer = answer.json();
        assert!(self.id.is_null() || self.id == answer["conversation"], "{answer:#}");
        self.id = answer["conversation"].clone();
        answer
    }

    async fn rest(&self, answer: &Value) -> Value {
        journal::rest(self.platform, answer["saga"].as_str().expect("a saga"), PATIENCE).await
    }
}

/// A platform whose next ride takes a while, so that a saga can be spoken to.
async fn slow(span_ms: u64) -> Platform {
    let platform = Platform::start(Options::default()).await;
    town::fault(
        &platform,
        &json!({"tool": "request_ride", "kind": "slow", "op": "do", "delay_ms": span_ms, "count": 1}),
    )
    .await;
    platform
}

/// Waits until the ride is asked for.
async fn under_way(platform: &Platform, saga: &str) {
    let begun = poll(PATIENCE, Duration::from_millis(30), || async {
        let saga = journal::status(platform, saga).await;
        let ride = saga["steps"].as_array().unwrap().iter().find(|step| step["id"] == "ride").unwrap().clone();
        (ride["standing"] == "running").then_some(())
    });
    begun.await.expect("the ride is asked for");
}

#[tokio::test]
async fn a_question_is_answered_two_messages_later_and_one_saga_does_all_of_it() {
    let platform = Platform::start(Options::default()).await;
    let mut talk = Talk::new(&platform);
    let asked = talk.say("Book a table at Luigi's tomorrow").await;
    assert_eq!(
        (&asked["turn"], &asked["band"], &asked["kind"]),
        (&json!("asked"), &json!("clarify"), &json!("question")),
        "{asked:#}"
    );
    assert_eq!(talk.say("for four").await["turn"], "asked");
    let started = talk.say("at seven in the evening").await;
    assert_eq!(
        (&started["turn"], &started["band"], &started["created"]),
        (&json!("started"), &json!("act"), &json!(true)),
        "{started:#}"
    );
    assert_eq!(talk.rest(&started).await["phase"], "completed");
    assert_eq!(town::active(&platform).await, [1, 0, 0, 0, 0, 0]);
    let table = &town::world(&platform).await["reservations"][0];
    assert_eq!((&table["party_size"], &table["time"]), (&json!(4), &json!("19:00")));
    assert_eq!(journal::list(&platform).await.len(), 1);
}

#[tokio::test]
async fn a_plan_that_is_not_sure_is_shown_corrected_and_done_after_a_yes_or_not_after_a_no() {
    let platform = Platform::start(Options::default()).await;
    let mut talk = Talk::new(&platform);
    let shown = talk.say(HASTE).await;
    assert_eq!((&shown["turn"], &shown["band"]), (&json!("confirm"), &json!("confirm")), "{shown:#}");
    let corrected = talk.say("make it six").await;
    assert_eq!(
        (&corrected["turn"], &corrected["plan"]["steps"][0]["params"]["party_size"]),
        (&json!("confirm"), &json!(6)),
        "{corrected:#}"
    );
    assert!(journal::list(&platform).await.is_empty());
    let started = talk.say("Ja, bitte").await;
    assert_eq!(talk.rest(&started).await["phase"], "completed", "{started:#}");
    let world = town::world(&platform).await;
    assert_eq!(
        (&world["reservations"][0]["party_size"], world["reservations"].as_array().map(Vec::len)),
        (&json!(6), Some(1))
    );

    let mut other = Talk::new(&platform);
    other.say(HASTE).await;
    assert_eq!(other.say("no").await["turn"], "dropped");
    assert_eq!(other.say("yes").await["turn"], "unclear", "what was given up is not there for a late yes");
    assert_eq!(journal::list(&platform).await.len(), 1);
}

#[tokio::test]
async fn a_table_that_is_refused_is_booked_at_another_hour_and_else_waited_for() {
    let platform = Platform::start(Options::default()).await;
    let refuse = |count: u32| json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "do", "count": count});
    town::fault(&platform, &refuse(1)).await;
    let mut talk = Talk::new(&platform);
    let started = talk.say(TABLE).await;
    assert!(started["say"].as_str().unwrap().contains("18:00, then the waiting list"), "{started:#}");
    assert_eq!(talk.rest(&started).await["phase"], "completed");
    let world = town::world(&platform).await;
    assert_eq!((&world["reservations"][0]["time"], &world["waitlist"]), (&json!("19:30"), &json!([])), "{world:#}");

    // The hour that was asked for, and four others.
    town::fault(&platform, &refuse(5)).await;
    let mut other = Talk::new(&platform);
    let started = other.say(TABLE).await;
    assert_eq!(other.rest(&started).await["phase"], "completed");
    let world = town::world(&platform).await;
    assert_eq!(
        (&world["waitlist"][0]["time"], world["reservations"].as_array().map(Vec::len)),
        (&json!("19:00"), Some(1))
    );
}

#[tokio::test]
async fn what_hangs_on_the_weather_is_shown_and_then_done_or_passed_over() {
    let platform = Platform::start(Options::default()).await;
    let mut talk = Talk::new(&platform);
    let shown = talk.say(&format!("{TABLE} if it rains in Rome")).await;
    assert_eq!((&shown["turn"], &shown["plan"]["steps"][0]["tool"]), (&json!("confirm"), &json!("get_weather_data")));
    let started = talk.say("yes").await;
    let saga = talk.rest(&started).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let look = saga["steps"].as_array().unwrap().iter().find(|step| step["id"] == "weather").unwrap();
    let rains = look["output"]["summary"].as_str().unwrap().contains("rain");
    let booked = town::world(&platform).await["reservations"].as_array().unwrap().len();
    assert_eq!(booked, usize::from(rains), "{saga:#}");
}

#[tokio::test]
async fn a_correction_of_what_runs_undoes_what_was_made_otherwise_and_makes_it_anew() {
    let platform = slow(1_500).await;
    let mut talk = Talk::new(&platform);
    let started = talk.say(EVENING).await;
    under_way(&platform, started["saga"].as_str().unwrap()).await;
    let changed = talk.say("make it six people").await;
    assert_eq!(
        (&changed["turn"], &changed["became"], &changed["saga"]),
        (&json!("changed"), &json!("heard"), &started["saga"]),
        "{changed:#}"
    );
    let saga = talk.rest(&changed).await;
    assert_eq!((&saga["phase"], &saga["paused"]), (&json!("completed"), &Value::Null), "{saga:#}");
    assert_eq!(saga["replanned"][0]["note"], "make it six people");
    let world = town::world(&platform).await;
    assert_eq!(town::active(&platform).await, [1, 1, 1, 0, 0, 0]);
    assert_eq!((&world["reservations"][0]["party_size"], &world["rides"][0]["passengers"]), (&json!(6), &json!(6)));

    // Now it is done, and said to be so.
    let late = talk.say("make it eight people").await;
    assert_eq!((&late["turn"], &late["became"]), (&json!("unchanged"), &json!("completed")), "{late:#}");
    assert!(late["say"].as_str().unwrap().contains("completed already"), "{late:#}");
    assert_eq!(talk.say("cancel it").await["became"], "completed");
    assert_eq!(town::world(&platform).await["reservations"][0]["party_size"], 6);
    assert_eq!(journal::list(&platform).await.len(), 1, "no second table was booked");
}

#[tokio::test]
async fn a_part_is_cancelled_and_the_rest_is_done() {
    let platform = slow(1_500).await;
    let mut talk = Talk::new(&platform);
    let started = talk.say(EVENING).await;
    under_way(&platform, started["saga"].as_str().unwrap()).await;
    let changed = talk.say("vergiss das Taxi").await;
    assert_eq!((&changed["turn"], &changed["became"]), (&json!("changed"), &json!("heard")), "{changed:#}");
    assert_eq!(talk.rest(&changed).await["phase"], "completed");
    assert_eq!(town::active(&platform).await, [1, 0, 1, 0, 0, 0]);
}

#[tokio::test]
async fn all_of_it_is_cancelled_and_the_reader_of_the_stream_sees_it_undone() {
    let platform = slow(1_500).await;
    let mut talk = Talk::new(&platform);
    let started = talk.say(EVENING).await;
    under_way(&platform, started["saga"].as_str().unwrap()).await;
    let request = platform.request("POST", "/api/chat").header("accept", "text/event-stream");
    let told = answer(request.json(&json!({"message": "cancel it", "conversation": talk.id}))).await;
    let events = sse::events(&told.text);
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(
        (names.first(), names.get(1), names.last()),
        (Some(&"answer"), Some(&"saga"), Some(&"end")),
        "{events:#?}"
    );
    assert_eq!((&events[0].data["turn"], &events[0].data["became"]), (&json!("cancelled"), &json!("heard")));
    assert_eq!(events[1].data["conversation"], talk.id);
    assert_eq!(events.last().unwrap().data["phase"], "made_good", "{events:#?}");
    assert_eq!(town::active(&platform).await, [0; 6]);
}

#[tokio::test]
async fn a_word_that_the_queue_loses_is_told_anew_by_the_sweep_and_one_that_it_repeats_is_passed_over() {
    let platform = Platform::start(Options::default()).await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "slow", "op": "do", "delay_ms": 60_000})).await;
    let mut talk = Talk::new(&platform);
    let started = talk.say(EVENING).await;
    under_way(&platform, started["saga"].as_str().unwrap()).await;
    let lost = json!({"kind": "error", "count": 1, "match": {"contains": "conversation"}});
    platform.post("/emulators/qstash/_emulator/faults", &lost, 201).await;
    let asked = talk.say("cancel it").await;
    assert_eq!((&asked["turn"], &asked["became"]), (&json!("cancelled"), &Value::Null), "{asked:#}");
    // As if it had been said a minute ago.
    let earlier = "update makegood.conversation set wish_since = wish_since - 60000,
        state = jsonb_set(state::jsonb, '{wish,at}', to_jsonb(wish_since - 60000))::json returning wish_since";
    let at = database::scalar(&platform, earlier).await.expect("a wish is open");
    assert_eq!(journal::status(&platform, started["saga"].as_str().unwrap()).await["phase"], "forward");
    let swept = answer(queue::delivery(&platform, "/api/execute/sweep", "", "msg_sweep")).await;
    assert_eq!(swept.status, 200, "{swept:?}");
    assert_eq!(talk.rest(&started).await["phase"], "made_good");
    assert_eq!(town::active(&platform).await, [0; 6]);

    let word = json!({"conversation": talk.id, "owner": "anonymous", "at": at.parse::<u64>().unwrap()}).to_string();
    let again = answer(queue::delivery(&platform, "/api/execute/wish", &word, "msg_word")).await;
    assert_eq!(again.status, 200, "{again:?}");
    let unsigned = answer(platform.request("POST", "/api/execute/wish").body(word)).await;
    assert_eq!(unsigned.status, 401, "{unsigned:?}");
    assert_eq!(talk.say("cancel it").await["became"], "made_good");
}

#[tokio::test]
async fn what_is_held_for_a_change_goes_on_when_another_word_takes_its_place() {
    // No time for a word to wait in: it is heard again and again.
    let platform = Platform::start(Options::arguments(&["--time-budget-ms", "800"])).await;
    town::fault(&platform, &json!({"tool": "send_message", "kind": "slow", "op": "do", "delay_ms": 4_000, "count": 1}))
        .await;
    let mut talk = Talk::new(&platform);
    let started = talk.say("Text Sam hello and text Anna goodbye").await;
    let saga = started["saga"].as_str().unwrap();
    let begun = poll(PATIENCE, Duration::from_millis(30), || async {
        let status = journal::status(&platform, saga).await;
        let steps = status["steps"].as_array().unwrap();
        steps.iter().any(|step| step["standing"] == "running").then_some(())
    });
    begun.await.expect("the first message is under way");
    let say = |message: &str| {
        let request = platform.request("POST", "/api/chat").json(&json!({"message": message, "conversation": talk.id}));
        async move { answer(request).await.json() }
    };
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        say("cancel it").await
    };
    let (changed, cancelled) = tokio::join!(say("and book a table for 4 at Luigi's tomorrow at 7pm"), cancel);
    assert_eq!(changed["turn"], "changed", "{changed:#} {cancelled:#}");
    // The first message cannot be unsaid, so the second is sent as well, and nobody holds it back any more.
    let rested = talk.rest(&started).await;
    assert_eq!((&rested["phase"], &rested["paused"]), (&json!("completed"), &Value::Null), "{rested:#}");
    assert_eq!(town::active(&platform).await, [0, 0, 2, 0, 0, 0]);
}

#[tokio::test]
async fn of_two_corrections_at_once_the_saga_comes_to_hold_both() {
    let platform = slow(2_500).await;
    let mut talk = Talk::new(&platform);
    let started = talk.say(EVENING).await;
    under_way(&platform, started["saga"].as_str().unwrap()).await;
    let say = |message: &str| {
        let request = platform.request("POST", "/api/chat").json(&json!({"message": message, "conversation": talk.id}));
        async move { answer(request).await.json() }
    };
    let (first, second) = tokio::join!(say("make it six people"), say("on Friday instead"));
    assert!([&first, &second].iter().all(|answer| answer["turn"] == "changed"), "{first:#} {second:#}");
    let before = town::world(&platform).await["reservations"][0]["date"].clone();
    let saga = talk.rest(&started).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let tables = town::world(&platform).await["reservations"].clone();
    assert_eq!(
        (tables.as_array().map(Vec::len), &tables[0]["party_size"]),
        (Some(1), &json!(6)),
        "{before} {tables:#}"
    );
    let plan = saga["steps"].as_array().unwrap().iter().rev().find(|step| step["id"] == "table").unwrap();
    assert_eq!((&plan["params"]["party_size"], &plan["params"]["date"]), (&json!(6), &tables[0]["date"]), "{saga:#}");
    assert_ne!(plan["params"]["date"], saga["steps"][0]["params"]["date"], "{saga:#}");
}

#[tokio::test]
async fn another_owners_conversation_is_as_one_that_never_was() {
    let platform = Platform::start(Options::default()).await;
    let (ann, bob) = (platform.token("ann").await, platform.token("bob").await);
    let say = |token: &str, body: Value| {
        let request = platform.request("POST", "/api/chat").bearer_auth(token).json(&body);
        async move { answer(request).await }
    };
    let asked = say(&ann, json!({"message": "Book a table at Luigi's tomorrow"})).await.json();
    let next = |id: &Value| json!({"message": "for four, at seven in the evening", "conversation": id});
    let (theirs, none) =
        (say(&bob, next(&asked["conversation"])).await, say(&bob, next(&json!("cv_00000000000000000000000000"))).await);
    assert_eq!((theirs.status, &theirs.text), (404, &none.text));
    let look = platform.request("POST", "/api/intent").bearer_auth(&bob).json(&next(&asked["conversation"]));
    assert_eq!(answer(look).await.status, 404);
    assert_eq!(say(&ann, next(&asked["conversation"])).await.status, 202);
}

#[tokio::test]
async fn redis_flushed_between_two_messages_loses_nothing_and_a_row_that_has_ended_is_no_conversation() {
    let platform = Platform::start(Options::default()).await;
    let mut talk = Talk::new(&platform);
    talk.say("Book a table at Luigi's tomorrow").await;
    flush(&platform).await;
    assert_eq!(talk.say("at seven in the evening").await["turn"], "asked");
    flush(&platform).await;
    let started = talk.say("for four").await;
    assert_eq!((&started["turn"], &talk.rest(&started).await["phase"]), (&json!("started"), &json!("completed")));

    let mut other = Talk::new(&platform);
    other.say("Book a table at Luigi's tomorrow").await;
    database::scalar(&platform, "update makegood.conversation set expires_at = 1 returning id").await;
    // A copy is there still, and does not count.
    platform.post("/api/chat", &json!({"message": "for four", "conversation": other.id}), 404).await;
}

async fn flush(platform: &Platform) {
    let secrets = std::fs::read_to_string(platform.data().join("secrets.json")).unwrap();
    let secrets: Value = serde_json::from_str(&secrets).unwrap();
    let token = secrets["redis_token"].as_str().unwrap();
    let request = platform.request("POST", "/emulators/redis").bearer_auth(token).json(&json!(["FLUSHALL"]));
    let flushed = answer(request).await;
    assert_eq!(flushed.status, 200, "{flushed:?}");
}

#[tokio::test]
async fn of_two_messages_at_once_neither_is_lost() {
    let platform = Platform::start(Options::default()).await;
    for _ in 0..5 {
        let mut talk = Talk::new(&platform);
        talk.say("Book a table at Luigi's tomorrow").await;
        let say = |message: &str| {
            let request =
                platform.request("POST", "/api/chat").json(&json!({"message": message, "conversation": talk.id}));
            async move { answer(request).await.json() }
        };
        let (people, time) = tokio::join!(say("for four"), say("at seven in the evening"));
        let turns = [&people["turn"], &time["turn"]];
        assert!(turns.contains(&&json!("started")) && turns.contains(&&json!("asked")), "{people:#} {time:#}");
    }
    let sagas = journal::all_at_rest(&platform, PATIENCE).await;
    assert!(sagas.len() == 5 && sagas.values().all(|saga| saga["phase"] == "completed"), "{sagas:#?}");
    let tables = town::world(&platform).await["reservations"].as_array().unwrap().clone();
    assert!(
        tables.len() == 5 && tables.iter().all(|table| table["party_size"] == 4 && table["time"] == "19:00"),
        "{tables:#?}"
    );
}

#[tokio::test]
async fn a_message_that_comes_twice_under_its_key_is_done_once() {
    let platform = Platform::start(Options::default()).await;
    let asked =
        platform.post("/api/chat", &json!({"message": "Book a table at Luigi's tomorrow", "key": "a"}), 200).await;
    let last =
        json!({"message": "for four, at seven in the evening", "key": "b", "conversation": asked["conversation"]});
    let (first, again) = tokio::join!(platform.post("/api/chat", &last, 202), platform.post("/api/chat", &last, 202));
    assert_eq!(
        (&first["saga"], &first["conversation"]),
        (&again["saga"], &again["conversation"]),
        "{first:#} {again:#}"
    );
    let created = [&first["created"], &again["created"]];
    assert!(created.contains(&&json!(true)) && created.contains(&&json!(false)), "{first:#} {again:#}");
    assert_eq!(journal::list(&platform).await.len(), 1);
    let other = json!({"message": TABLE, "key": "b", "conversation": asked["conversation"]});
    assert_eq!(platform.post("/api/chat", &other, 422).await["code"], "key_reused");
    // What began the conversation is answered as it was, and begins no other.
    let begun = json!({"message": "Book a table at Luigi's tomorrow", "key": "a"});
    assert_eq!(platform.post("/api/chat", &begun, 200).await, asked);
}

#[tokio::test]
async fn a_key_is_good_for_its_message_whatever_was_said_since() {
    let platform = slow(1_500).await;
    let mut talk = Talk::new(&platform);
    let started = talk.say(EVENING).await;
    under_way(&platform, started["saga"].as_str().unwrap()).await;
    let say = |key: &str, message: &str| {
        let body = json!({"message": message, "key": key, "conversation": talk.id});
        let request = platform.request("POST", "/api/chat").json(&body);
        async move { answer(request).await.json() }
    };
    let first = say("1", "make it six people").await;
    assert_eq!((&first["turn"], &first["became"]), (&json!("changed"), &json!("heard")), "{first:#}");
    say("2", "wibble the frobnicator").await;
    talk.rest(&started).await;
    say("3", "cancel it").await;
    let late = say("1", "make it six people").await;
    for field in ["turn", "became", "say", "saga", "conversation"] {
        assert_eq!(late[field], first[field], "{late:#}");
    }
    let kept = database::scalar(&platform, "select count(*) from makegood.answer").await;
    assert_eq!(kept.as_deref(), Some("3"));
    assert_eq!(journal::list(&platform).await.len(), 1);
}

#[tokio::test]
async fn the_zone_is_said_once_and_the_database_knows_it() {
    let platform = Platform::start(Options::default()).await;
    let refused = platform.post("/api/chat", &json!({"message": TABLE, "time_zone": "Europe/Nowhere"}), 400).await;
    assert_eq!(refused["code"], "invalid_request", "{refused:#}");
    // Of two places a day apart it is never the same day.
    let day = |answer: &Value| answer["plan"]["steps"][0]["params"]["date"].as_str().unwrap().to_owned();
    let ask = |zone: &str| json!({"message": "What's the weather in Rome today?", "time_zone": zone});
    let (east, west) = (
        platform.post("/api/intent", &ask("Pacific/Kiritimati"), 200).await,
        platform.post("/api/intent", &ask("-12:00"), 200).await,
    );
    assert!(day(&east) > day(&west), "{east:#} {west:#}");
    let first = platform
        .post("/api/chat", &json!({"message": "Hallo?", "time_zone": "Pacific/Kiritimati", "locale": "de"}), 200)
        .await;
    let next = json!({"message": "What's the weather in Rome today?", "conversation": first["conversation"]});
    assert_eq!(day(&platform.post("/api/intent", &next, 200).await), day(&east));
    let no = json!({"message": "nein", "conversation": first["conversation"]});
    assert!(platform.post("/api/chat", &no, 200).await["say"].as_str().unwrap().starts_with("Nichts wartet"));
}
