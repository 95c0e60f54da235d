//! The journal, over the host's fetch. Counts the bytes that go over the wire.

use std::cell::Cell;

use makegood_core::error::{Code, Error};
use makegood_core::id::SagaId;
use makegood_core::saga::{Commit, Head, Plan, Window, tools_of};
use makegood_core::time::Millis;
use makegood_gateway::audit;
use makegood_gateway::console::{self, Asking, Place, Places, Queue, Sizes, Tool};
use makegood_gateway::deliveries;
use makegood_gateway::model_use::{self, Day, Used};
use makegood_gateway::store::{self, Created, Loaded, Meter, New, Statement, Story, Swept, Tools};
use makegood_gateway::views::{self, Counts, Listed, Wanted};
use makegood_gateway::{Malformed, Response, neon};
use serde::de::DeserializeOwned;

use crate::breakers::Pass;
use crate::host::Host;
use crate::settings::Settings;

/// How long the database may take for one statement, at most.
const PATIENCE: Millis = Millis(10_000);
/// The name of its breaker.
const DATABASE: &str = "database";

pub struct Store<'a, H> {
    pub(crate) host: &'a H,
    settings: &'a Settings,
    patience: Millis,
    /// The address that what is committed was asked from.
    origin: Option<&'a str>,
    read: Cell<u64>,
    written: Cell<u64>,
}

impl<'a, H: Host> Store<'a, H> {
    #[must_use]
    pub fn new(host: &'a H, settings: &'a Settings) -> Self {
        // A quarter is left in which to say that the database is silent.
        let patience = Millis(settings.kill.0 / 4 * 3).min(PATIENCE);
        Self { host, settings, patience, origin: None, read: Cell::new(0), written: Cell::new(0) }
    }

    /// The same for what somebody asked from an address: the audit log has it with what it notes of this.
    #[must_use]
    pub const fn asked_from(mut self, origin: Option<&'a str>) -> Self {
        self.origin = origin;
        self
    }

    /// Writes a new saga with its first wake.
    ///
    /// # Errors
    /// [`Code::Unavailable`], for this and every other statement: it may or may not have been
    /// carried out.
    pub async fn create(&self, new: &New<'_>) -> Result<Created, Error> {
        self.ask(&store::create(new, self.host.now())).await?.ok_or_else(|| unreadable("create answered null"))
    }

    /// The saga that was started with a client's key.
    pub async fn of_key(&self, owner: &str, client_key: &str) -> Result<Option<SagaId>, Error> {
        self.ask(&store::of_key(owner, client_key)).await
    }

    /// Takes a key, so that nothing begins under it any more. See [`store::bury`].
    pub async fn bury(&self, new: &New<'_>) -> Result<Created, Error> {
        self.ask(&store::bury(new, self.host.now())).await?.ok_or_else(|| unreadable("bury answered null"))
    }

    /// `None` where there is no such saga. `count`: see [`store::load`].
    pub async fn load(&self, id: &SagaId, count: bool) -> Result<Option<Loaded>, Error> {
        self.ask(&store::load(id, count)).await
    }

    pub async fn page(&self, id: &SagaId, from: u32, to: u32, past: bool) -> Result<Window, Error> {
        let window = self.ask(&store::page(id, from, to, past)).await?;
        window.ok_or_else(|| unreadable("a page answered null"))
    }

    /// The new version, or `None` where another worker was first.
    pub async fn commit(&self, id: &SagaId, version: u32, head: &Head, commit: &Commit) -> Result<Option<u32>, Error> {
        let meter = Meter { read: self.read.take(), written: self.written.take() };
        let pass = Pass::ask(self.host, DATABASE);
        let response = self.send(&store::commit(id, version, head, commit, meter, self.origin), pass).await?;
        let rows = neon::response(&response).map_err(unavailable)?;
        // The statement has counted itself.
        self.written.set(0);
        store::committed(rows).map_err(unreadable)
    }

    /// `limit`, `schedules`: see [`store::sweep`].
    pub async fn sweep(
        &self,
        since: Millis,
        again_at: Millis,
        limit: u32,
        schedules: u32,
        traces: bool,
    ) -> Result<Swept, Error> {
        Ok(self.ask(&store::sweep(since, again_at, limit, schedules, traces)).await?.unwrap_or_default())
    }

    /// The number of tools of which something was learned.
    pub async fn learn(&self, since: Millis) -> Result<u32, Error> {
        Ok(self.ask(&store::learn(since, self.host.now())).await?.unwrap_or_default())
    }

    /// `after`: see [`store::follow`].
    pub async fn follow(&self, id: &SagaId, after: u64) -> Result<Option<Story>, Error> {
        self.ask(&store::follow(id, after)).await
    }

    /// The newest sagas of those that are wanted.
    pub async fn list(&self, wanted: &Wanted<'_>) -> Result<Listed, Error> {
        Ok(self.ask(&views::list(wanted)).await?.unwrap_or_default())
    }

    /// How many there are of what. `owner`: `None` for everybody; `since`: see [`views::count`].
    pub async fn counts(&self, owner: Option<&str>, since: Millis) -> Result<Counts, Error> {
        self.ask(&views::count(owner, since)).await?.ok_or_else(|| unreadable("the counts answered null"))
    }

    /// The current definitions of the tools that a plan names.
    pub async fn tools(&self, plan: &Plan) -> Result<Tools, Error> {
        let names = tools_of(plan);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(self.ask(&store::tools(&names)).await?.unwrap_or_default())
    }

    /// The current definitions of these tools; of names that are none nothing is said.
    pub async fn definitions(&self, names: &[&str]) -> Result<Tools, Error> {
        Ok(self.ask(&store::tools(names)).await?.unwrap_or_default())
    }

    /// The current definitions of all tools.
    pub async fn all_tools(&self) -> Result<Tools, Error> {
        Ok(self.ask(&store::all_tools()).await?.unwrap_or_default())
    }

    /// Adds to what a user has used of models.
    pub async fn note_models(&self, owner: &str, used: &[Used]) -> Result<(), Error> {
        self.ask::<bool>(&model_use::note(owner, used, self.host.now())).await.map(|_| ())
    }

    /// What a user has used of models, by day, the newest first.
    pub async fn models_used(&self, owner: &str, since: Millis) -> Result<Vec<Day>, Error> {
        Ok(self.ask(&model_use::list(owner, since)).await?.unwrap_or_default())
    }

    /// An owner's webhook deliveries that came before then, the newest first.
    pub async fn deliveries(&self, owner: &str, before: Millis, limit: u32) -> Result<Vec<deliveries::Line>, Error> {
        Ok(self.ask(&deliveries::list(owner, before, limit)).await?.unwrap_or_default())
    }

    /// A page of the audit log: rows before one, the newest first.
    pub async fn audit(&self, before: u64, limit: u32) -> Result<audit::Page, Error> {
        self.ask(&audit::list(before, limit)).await?.ok_or_else(|| unreadable("the audit log answered null"))
    }

    /// What waits to be woken, and what came to nothing. See [`console::queue`].
    pub async fn queue(&self, from: &Places, limit: u32) -> Result<Queue, Error> {
        let asked = console::queue(self.host.now(), from, limit);
        self.ask(&asked).await?.ok_or_else(|| unreadable("the queue answered null"))
    }

    /// The steps that wait for a person. See [`console::people`].
    pub async fn people(&self, from: &Place, node: i64, limit: u32) -> Result<Vec<Asking>, Error> {
        Ok(self.ask(&console::people(from, node, limit)).await?.unwrap_or_default())
    }

    /// Tools with what became of their calls. See [`console::tools`].
    pub async fn tool_lines(&self, after: &str, since: Millis, limit: u32) -> Result<Vec<Tool>, Error> {
        Ok(self.ask(&console::tools(after, since, limit)).await?.unwrap_or_default())
    }

    /// What the database is, and how large.
    pub async fn sizes(&self) -> Result<Sizes, Error> {
        self.ask(&console::sizes()).await?.ok_or_else(|| unreadable("the sizes answered null"))
    }

    /// Notes in the audit log what no table tells of.
    pub async fn note_audit(&self, note: audit::Note<'_>) -> Result<(), Error> {
        self.ask::<bool>(&audit::note(note)).await.map(|_| ())
    }

    pub(crate) async fn ask<T: DeserializeOwned>(&self, statement: &Statement) -> Result<Option<T>, Error> {
        store::read(self.exchange(statement).await?.map_err(unavailable)?).map_err(unreadable)
    }

    /// What the database said to a statement, or that it refused it. Whoever asks can ask again, and is told so at
    /// once while the database's breaker is open.
    pub(crate) async fn exchange(&self, statement: &Statement) -> Result<Result<neon::Rows, neon::Failure>, Error> {
        let pass = Pass::ask(self.host, DATABASE);
        let pass = pass.ok_or_else(|| unavailable("its breaker is open"))?;
        Ok(neon::response(&self.send(statement, Some(pass)).await?))
    }

    /// `pass`: none is needed for a commit, which is never withheld, for it holds what was learned.
    async fn send(&self, statement: &Statement, pass: Option<Pass<'_>>) -> Result<Response, Error> {
        let params: Vec<Option<&str>> = statement.params.iter().map(Option::as_deref).collect();
        let request = neon::request(&self.settings.database, statement.sql, &params).map_err(unreadable)?;
        self.written.set(self.written.get() + request.body().len() as u64);
        let response = self.host.fetch(request, self.patience).await;
        if let Some(pass) = pass {
            pass.tell(self.host, &response);
        }
        let response = response.map_err(unavailable)?;
        self.read.set(self.read.get() + response.body().len() as u64);
        Ok(response)
    }
}

pub(crate) fn unavailable(cause: impl std::fmt::Display) -> Error {
    Error::new(Code::Unavailable, "The journal cannot be reached. Nothing is lost; try again.").because(cause)
}

pub(crate) fn unreadable(cause: impl Into<Unreadable>) -> Error {
    Error::new(Code::Internal, "The journal's answer makes no sense.").because(cause.into().0)
}

pub(crate) struct Unreadable(String);

impl From<&str> for Unreadable {
    fn from(cause: &str) -> Self {
        Self(cause.to_owned())
    }
}

impl From<Malformed> for Unreadable {
    fn from(cause: Malformed) -> Self {
        Self(cause.0)
    }
}
