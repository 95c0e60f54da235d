//! Schedules: the rows that are the truth, and bringing the queue into line with them.
//!
//! The queue is told after the row is written. Where that fails the row stays unarmed, and the sweeper
//! tells it again. It also looks now and then at those that are armed: a queue may have lost one, and
//! two who pause and resume at once may reach it in another order than they reached the row.

use makegood_core::error::{Code, Error};
use makegood_core::time::Millis;
use makegood_gateway::qstash::{self, Ask, Word};
use makegood_gateway::schedules::{self, Firing, NewSchedule, Row, Settled, Shown, Written};
use makegood_gateway::store::{Created, New};
use makegood_gateway::{Malformed, Request};
use serde::{Deserialize, Serialize};

use crate::host::{Host, Level};
use crate::queue::{PATIENCE, SLACK};
use crate::settings::Settings;
use crate::store::{Store, unreadable};

/// The body of a firing: which schedule it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "FiringMessage"))]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub schedule: String,
}

/// When the sweeper looks whether the queue has what it was just to be told.
const SOON: Millis = Millis(60_000);
/// When it looks at one that the queue has as it should, or will not have.
const LATER: Millis = Millis(60 * 60 * 1000);
/// An owner's.
pub const MOST: u32 = 100;
/// So many times in a row others change a schedule under our hands.
const RACES: u32 = 4;

impl<H: Host> Store<'_, H> {
    /// # Errors
    /// As every statement: see [`Store::create`].
    pub async fn create_schedule(
        &self,
        key: &str,
        owner: &str,
        id: &str,
        cron: &str,
        title: &str,
        request: &str,
    ) -> Result<Written, Error> {
        let now = self.host.now();
        let new = NewSchedule { key, owner, id, cron, title, request, look_at: now + SOON, most: MOST };
        let written = self.ask(&schedules::create(&new, now)).await?;
        written.ok_or_else(|| unreadable("a schedule answered null"))
    }

    pub async fn find_schedule(&self, owner: &str, id: &str) -> Result<Option<Shown>, Error> {
        self.ask(&schedules::find(owner, id)).await
    }

    pub async fn list_schedules(&self, owner: &str) -> Result<Vec<Row>, Error> {
        Ok(self.ask(&schedules::list(owner)).await?.unwrap_or_default())
    }

    /// Pauses a schedule, or has it go on. `None` where the owner has none.
    pub async fn turn_schedule(&self, owner: &str, id: &str, paused: bool) -> Result<Option<Row>, Error> {
        let now = self.host.now();
        self.ask(&schedules::turn(owner, id, paused, now, now + SOON)).await
    }

    pub async fn delete_schedule(&self, owner: &str, id: &str) -> Result<Option<Row>, Error> {
        let now = self.host.now();
        self.ask(&schedules::delete(owner, id, now, now + SOON)).await
    }

    pub async fn load_firing(&self, key: &str, message: &str) -> Result<Option<Firing>, Error> {
        self.ask(&schedules::load_firing(key, message)).await
    }

    pub(crate) async fn fire(&self, firing: (&str, &str), new: &New<'_>) -> Result<Option<Created>, Error> {
        let (key, message) = firing;
        self.ask(&schedules::fire(key, message, new, self.host.now())).await
    }

    /// Nothing can come of a firing: the schedule says why.
    pub async fn miss_firing(&self, key: &str, message: &str, error: &str) -> Result<(), Error> {
        let _known: Option<bool> = self.ask(&schedules::miss(key, message, error, self.host.now())).await?;
        Ok(())
    }

    async fn settle_schedule(&self, row: &Row) -> Result<Settled, Error> {
        let settled = self.ask(&schedules::settle(row, self.host.now() + LATER)).await?;
        settled.ok_or_else(|| unreadable("a schedule answered null"))
    }

    async fn refuse_schedule(&self, row: &Row, new: bool, error: &str) -> Result<(), Error> {
        let now = self.host.now();
        let _taken_back: Option<bool> = self.ask(&schedules::refuse(row, new, error, now, now + LATER)).await?;
        Ok(())
    }
}

/// Brings the queue into line with a row, until no change of the row is left that it does not know of.
/// Answers with whether it is; where it cannot be told, the sweeper will.
///
/// # Errors
/// [`Code::InvalidRequest`] where the queue refuses the schedule for what it is; then one that was only
/// just made (`new`) is taken back. [`Code::Unavailable`] where the journal cannot be reached.
pub async fn tell_queue<H: Host>(host: &H, settings: &Settings, row: &Row, new: bool) -> Result<bool, Error> {
    let store = Store::new(host, settings);
    let mut row = row.clone();
    for _ in 0..RACES {
        match align(host, settings, &row).await {
            Err(cause) => {
                host.log(Level::Warn, &format!("the schedule {} is left to the sweeper: {cause}", row.key));
                return Ok(false);
            }
            Ok(Word::Refused) => {
                let why =
                    "The queue refuses this schedule. See that `cron` is one, and names a time zone that there is.";
                store.refuse_schedule(&row, new, why).await?;
                return Err(Error::new(Code::InvalidRequest, why));
            }
            Ok(Word::There { .. } | Word::Missing) => {}
        }
        match store.settle_schedule(&row).await? {
            Settled::Settled => return Ok(true),
            // It was deleted meanwhile, perhaps before we made the queue have it again.
            Settled::None => {
                if let Err(cause) = forget(host, settings, &row.key).await {
                    host.log(Level::Warn, &format!("the queue may still have the schedule {}: {cause}", row.key));
                }
                return Ok(row.gone);
            }
            Settled::Newer => {}
        }
        // Somebody has changed it meanwhile, and may have told the queue before us.
        let newer = store.find_schedule(&row.owner, &row.id).await?.map(|shown| shown.schedule);
        match newer.filter(|newer| newer.key == row.key) {
            Some(newer) => row = newer,
            None => return Ok(false),
        }
    }
    Ok(false)
}

/// Has the queue delete a schedule that is not there for us.
///
/// # Errors
/// Why it is not known whether it did.
pub async fn forget<H: Host>(host: &H, settings: &Settings, key: &str) -> Result<(), Malformed> {
    send(host, qstash::ask(&settings.queue, key, Ask::Delete)?).await.map(drop)
}

/// Has the queue hold a schedule as the row says. Asking it first costs a call, and keeps a schedule that
/// is as it should be from being overwritten in the minute in which it is to fire.
async fn align<H: Host>(host: &H, settings: &Settings, row: &Row) -> Result<Word, Malformed> {
    let ask = |what: Ask| qstash::ask(&settings.queue, &row.key, what);
    if row.gone {
        return send(host, ask(Ask::Delete)?).await;
    }
    let mut paused = match send(host, ask(Ask::Show)?).await? {
        Word::There { paused } => paused,
        Word::Missing | Word::Refused => {
            let body = serde_json::to_vec(&Message { schedule: row.key.clone() }).unwrap_or_default();
            let schedule = qstash::Schedule {
                id: &row.key,
                cron: &row.cron,
                destination: &settings.scheduled_address(),
                body,
                timeout: settings.kill + SLACK,
            };
            match send(host, qstash::schedule(&settings.queue, schedule)?).await? {
                Word::There { .. } => false,
                Word::Missing => return Err(Malformed("the queue keeps no schedules".to_owned())),
                Word::Refused => return Ok(Word::Refused),
            }
        }
    };
    if paused != row.paused {
        send(host, ask(if row.paused { Ask::Pause } else { Ask::Resume })?).await?;
        paused = row.paused;
    }
    Ok(Word::There { paused })
}

async fn send<H: Host>(host: &H, request: Request) -> Result<Word, Malformed> {
    let response = host.fetch(request, PATIENCE).await.map_err(|error| Malformed(error.to_string()))?;
    qstash::answered(&response)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use bytes::Bytes;
    use makegood_gateway::Response;
    use serde_json::json;

    use super::*;
    use crate::host::FetchError;

    /// Answers what it was told to, and keeps what it was asked.
    #[derive(Clone, Default)]
    struct Fake {
        /// Of the database's answers, in their order.
        database: Rc<RefCell<Vec<String>>>,
        /// Status and body of the queue's answers; where there is none it cannot be reached.
        queue: Rc<RefCell<Vec<(u16, &'static str)>>>,
        asked: Rc<RefCell<Vec<String>>>,
    }

    impl Fake {
        fn new(queue: &[(u16, &'static str)], database: &[serde_json::Value]) -> Self {
            let fake = Self::default();
            fake.queue.borrow_mut().extend(queue.iter().rev());
            fake.database.borrow_mut().extend(database.iter().rev().map(ToString::to_string));
            fake
        }

        async fn tell(&self, row: &Row, new: bool) -> (Result<bool, Error>, Vec<String>) {
            let settings = Settings::read(self).unwrap();
            let told = tell_queue(self, &settings, row, new).await;
            (told, self.asked.take())
        }
    }

    impl Host for Fake {
        async fn fetch(&self, request: Request, _: Millis) -> Result<Response, FetchError> {
            let path = request.uri().path();
            if path == "/sql" {
                let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
                let sql = body["query"].as_str().unwrap();
                let name = sql.trim_start_matches("select makegood.").split('(').next().unwrap().to_owned();
                self.asked.borrow_mut().push(name);
                let scalar = self.database.borrow_mut().pop().expect("no further statement");
                let rows = json!({"rows": [[scalar]]}).to_string();
                return Ok(Response::new(Bytes::from(rows)));
            }
            self.asked.borrow_mut().push(format!("{} {}", request.method(), path.trim_start_matches("/v2/schedules/")));
            let Some((status, body)) = self.queue.borrow_mut().pop() else {
                return Err(FetchError::NotSent("refused".to_owned()));
            };
            Ok(http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
        }

        fn now(&self) -> Millis {
            Millis(1_000)
        }

        fn random(&self) -> [u8; 16] {
            [0; 16]
        }

        fn config(&self, name: &str) -> Option<String> {
            let value = match name {
                "database_http_url" => "http://db/sql",
                "qstash_url" => "http://queue",
                "public_url" => "http://me",
                _ => return None,
            };
            Some(value.to_owned())
        }

        async fn sleep(&self, _: Millis) {}

        fn log(&self, _: Level, _: &str) {}
    }

    fn row() -> Row {
        Row {
            key: "sc_1".to_owned(),
            owner: "ann".to_owned(),
            id: "daily".to_owned(),
            cron: "0 9 * * *".to_owned(),
            title: String::new(),
            paused: false,
            gone: false,
            revision: 1,
            armed: false,
            created_at: Millis(0),
            updated_at: Millis(0),
            last_error: None,
            last_error_at: None,
        }
    }

    const CREATE: &str = "POST http://me/api/execute/scheduled";

    #[tokio::test]
    async fn a_queue_that_cannot_be_reached_leaves_the_row_unarmed() {
        for queue in [&[][..], &[(500, "")], &[(404, "")], &[(404, ""), (429, "")], &[(404, ""), (401, "")]] {
            let (told, asked) = Fake::new(queue, &[]).tell(&row(), true).await;
            assert_eq!((told, asked.last().unwrap().starts_with("settle")), (Ok(false), false), "{queue:?}: {asked:?}");
        }
    }

    #[tokio::test]
    async fn what_the_queue_lacks_is_made_and_what_it_has_is_not_made_anew() {
        let settled = [json!("settled")];
        let lacking = Fake::new(&[(404, ""), (200, "")], &settled);
        let (told, asked) = lacking.tell(&row(), true).await;
        assert_eq!((told, asked), (Ok(true), vec!["GET sc_1".into(), CREATE.into(), "settle_schedule".into()]));
        let there = Fake::new(&[(200, r#"{"isPaused":false}"#)], &settled);
        assert_eq!(there.tell(&row(), false).await, (Ok(true), vec!["GET sc_1".into(), "settle_schedule".into()]));
        let paused = Row { paused: true, ..row() };
        let lacking = Fake::new(&[(404, ""), (200, ""), (200, "")], &settled);
        let asked = lacking.tell(&paused, false).await.1;
        assert_eq!(asked, ["GET sc_1", CREATE, "POST sc_1/pause", "settle_schedule"]);
        let gone = Row { gone: true, ..row() };
        let asked = Fake::new(&[(404, "")], &settled).tell(&gone, false).await.1;
        assert_eq!(asked, ["DELETE sc_1", "settle_schedule"], "the queue may not have it any more");
    }

    #[tokio::test]
    async fn what_the_queue_refuses_is_taken_back() {
        let fake = Fake::new(&[(404, ""), (400, "")], &[json!(true)]);
        let (told, asked) = fake.tell(&row(), true).await;
        assert_eq!(
            (told.unwrap_err().code(), asked.last().unwrap().as_str()),
            (Code::InvalidRequest, "refuse_schedule")
        );
    }

    #[tokio::test]
    async fn who_is_overtaken_tells_the_queue_of_the_newer_state() {
        let newer = json!({"schedule": Row { paused: true, revision: 2, ..row() }, "request": {}, "firings": []});
        let queue = [(200, r#"{"isPaused":false}"#), (200, r#"{"isPaused":false}"#), (200, "")];
        let (told, asked) = Fake::new(&queue, &[json!("newer"), newer, json!("settled")]).tell(&row(), false).await;
        let expected =
            ["GET sc_1", "settle_schedule", "find_schedule", "GET sc_1", "POST sc_1/pause", "settle_schedule"];
        assert_eq!((told, asked), (Ok(true), expected.map(str::to_owned).to_vec()));
        // It was deleted meanwhile: what was just made for it must go.
        let (told, asked) = Fake::new(&[(404, ""), (200, ""), (200, "")], &[json!("none")]).tell(&row(), false).await;
        let expected = ["GET sc_1", CREATE, "settle_schedule", "DELETE sc_1"];
        assert_eq!((told, asked), (Ok(false), expected.map(str::to_owned).to_vec()));
    }
}
