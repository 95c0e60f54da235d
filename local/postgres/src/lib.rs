//! The local Postgres of Makegood: an embedded PostgreSQL that lives in a data folder, or any real
//! one behind a `DATABASE_URL`, used alike through one wire client and served alike over Neon's SQL
//! over HTTP.
//!
//! Statements go out over the extended protocol with text both ways. Nothing is retried here once
//! bytes may have left: [`Error`] tells "nothing was sent" from "nobody knows", and the caller decides.
//! Deliberately absent: TLS, COPY, LISTEN, Neon's WebSocket mode, and typed rows.

mod address;
mod connection;
mod data_dir;
mod engine;
mod error;
mod migrations;
mod neon;
mod pool;
mod rows;
mod sendable;
mod session;
mod startup;
mod statements;

pub use address::with_password;
pub use error::{Error, ServerError};
pub use migrations::{LOCK as MIGRATIONS_LOCK, TABLE as MIGRATIONS_TABLE, hash as migration_hash};
pub use rows::{Field, Rows};

use address::{Address, Host};
use connection::Statement;
use data_dir::DataDir;
use engine::Engine;
use pool::{Pool, Source};
use std::path::Path;
use std::sync::Arc;

/// The host in the connection string of an embedded database. Nobody listens there; by it the string is known again.
const EMBEDDED: &str = "embedded.localhost";

/// Whether `url` is the connection string of an embedded database, and so none to connect to.
#[must_use]
pub fn is_embedded(url: &str) -> bool {
    Address::parse(url).is_ok_and(|address| matches!(address.host, Host::Tcp(host) if host == EMBEDDED))
}

/// A database handle; clones share one pool.
#[derive(Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Arc<Pool>,
    connection_string: String,
    /// What a caller over HTTP must present.
    credentials: Address,
}

impl Postgres {
    /// Creates or reopens the embedded database in `data_dir`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if another process holds the folder, or it cannot be written.
    pub async fn embedded(data_dir: &Path) -> Result<Self, Error> {
        let folder = DataDir::open(data_dir)?;
        let connection_string = format!("postgres://makegood:{}@{EMBEDDED}/makegood", folder.password()?);
        let credentials = Address::parse(&connection_string)?;
        let engine = Engine::start(folder).await?;
        Ok(Self::new(Source::Engine(engine), connection_string, credentials))
    }

    /// Uses the server at `url` (`postgres://user:password@host:port/database`, or `?host=/folder`
    /// for a Unix socket), and sees that it answers.
    ///
    /// # Errors
    /// [`Error::Refused`] for a URL that cannot be used, [`Error::Server`] for wrong credentials or a
    /// missing database, [`Error::Unavailable`] if nobody answers.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let credentials = Address::parse(url)?;
        credentials.require_plain()?;
        let postgres = Self::new(Source::Server(credentials.clone()), url.to_owned(), credentials);
        postgres.query("select 1", &[]).await?;
        Ok(postgres)
    }

    fn new(source: Source, connection_string: String, credentials: Address) -> Self {
        let pool = Pool::new(source);
        Self { inner: Arc::new(Inner { pool, connection_string, credentials }) }
    }

    /// Runs one statement with text parameters, in a transaction of its own.
    ///
    /// # Errors
    /// See [`Error`]; after [`Error::Interrupted`] the statement may have been applied.
    pub async fn query(&self, sql: &str, params: &[Option<&str>]) -> Result<Rows, Error> {
        let mut answers = self.run(&[Statement { sql, params }]).await?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Runs several statements given as one string, in one implicit transaction, without results.
    ///
    /// # Errors
    /// As for [`Self::query`].
    pub async fn batch(&self, sql: &str) -> Result<(), Error> {
        let mut connection = self.inner.pool.lease().await?;
        let answer = connection.run_simple(sql).await;
        if !connection.is_broken() {
            connection.settle().await?;
        }
        answer
    }

    /// Applies the `(name, sql)` migrations not yet applied, in order, each in its own transaction
    /// and under a lock, so that several processes may start at once. Returns how many were applied.
    ///
    /// # Errors
    /// [`Error::Migration`] names the one that failed or was edited after it had been applied.
    pub async fn migrate(&self, migrations: &[(&str, &str)]) -> Result<usize, Error> {
        migrations::apply(&self.inner.pool, migrations).await
    }

    /// What belongs into the `Neon-Connection-String` header.
    #[must_use]
    pub fn connection_string(&self) -> &str {
        &self.inner.connection_string
    }

    /// What an answered commit survives: `fsync` a power cut, `os` the death of the process only.
    ///
    /// # Errors
    /// As for [`Self::query`].
    pub async fn durability(&self) -> Result<&'static str, Error> {
        if let Source::Engine(_) = self.inner.pool.source() {
            // Whatever its settings say: its files pass through a Wasm file system whose fsync is not
            // known to reach the disk.
            return Ok("os");
        }
        let sql = "select current_setting('fsync') = 'on' and \
                   current_setting('synchronous_commit') <> 'off'";
        let rows = self.query(sql, &[]).await?;
        Ok(if rows.first() == Some("t") { "fsync" } else { "os" })
    }

    /// Waits for the statements under way and ends the sessions; the embedded server shuts down.
    pub async fn close(&self) {
        self.inner.pool.close().await;
    }

    /// `POST /sql` and `OPTIONS /sql` as Neon serves them.
    pub fn router(&self) -> axum::Router {
        neon::router(self.clone())
    }

    /// Process id of the server's parent process where it runs on this machine, so that a benchmark
    /// can count its CPU time. `None` for the embedded one, which spends that of this process.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        let backend = self.inner.pool.last_process_id();
        let stat = std::fs::read_to_string(format!("/proc/{backend}/stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        if !name.contains("postgres") {
            return None;
        }
        rest.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// Runs statements as one pipeline, and leaves no transaction open behind them.
    async fn run(&self, script: &[Statement<'_>]) -> Result<Vec<Rows>, Error> {
        let mut connection = self.inner.pool.lease().await?;
        let answer = connection.run(script).await;
        if !connection.is_idle() && !connection.is_broken() {
            connection.settle().await?;
        }
        answer
    }

    /// The same for a stranger, who leaves no settings, locks and temporary tables behind either.
    async fn run_apart(&self, script: &[Statement<'_>]) -> Result<Vec<Rows>, Error> {
        let mut connection = self.inner.pool.lease().await?;
        let answer = connection.run(script).await;
        if connection.is_broken() {
            return answer;
        }
        if !connection.is_idle() {
            connection.settle().await?;
        }
        if session::may_have_changed(script, answer.as_deref().ok()) {
            connection.forget().await?;
        }
        answer
    }
}
