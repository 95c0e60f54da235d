//! Connections kept for reuse, handed out in the order they were asked for. A connection that comes
//! back in the middle of something is settled before anyone else gets it; a broken one is replaced.
//! Deliberately no retry: what was sent is never sent again from here.

use crate::Error;
use crate::address::Address;
use crate::connection::Connection;
use crate::engine::Engine;
use crate::startup;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections to a real server; the embedded engine has one session.
const SERVER_CONNECTIONS: usize = 16;
/// How long an abandoned statement may keep its connection from being given up.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) enum Source {
    Server(Address),
    Engine(Engine),
}

impl Source {
    async fn open(&self) -> Result<Connection, Error> {
        match self {
            Self::Server(address) => startup::connect(address).await,
            Self::Engine(engine) => Ok(engine.session()),
        }
    }
}

pub(crate) struct Pool {
    source: Source,
    /// The connection used last is on top: the warmest caches, and the rest may rest.
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    connections: usize,
    last_process_id: AtomicU32,
}

impl Pool {
    pub fn new(source: Source) -> Arc<Self> {
        let connections = match &source {
            Source::Server(_) => SERVER_CONNECTIONS,
            Source::Engine(_) => 1,
        };
        Arc::new(Self {
            source,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(connections)),
            connections,
            last_process_id: AtomicU32::new(0),
        })
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Process id of the backend connected last, 0 if none.
    pub fn last_process_id(&self) -> u32 {
        self.last_process_id.load(Ordering::Relaxed)
    }

    pub async fn lease(self: &Arc<Self>) -> Result<Lease, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let connection = match self.pop_alive() {
            Some(connection) => connection,
            None => {
                let connection = self.source.open().await?;
                let process_id = connection.process_id.unwrap_or(0);
                self.last_process_id.store(process_id, Ordering::Relaxed);
                connection
            }
        };
        Ok(Lease { connection: Some(connection), permit: Some(permit), pool: Arc::clone(self) })
    }

    /// Waits for the statements under way, then ends every session. Later leases fail.
    pub async fn close(&self) {
        let all = u32::try_from(self.connections).unwrap_or(u32::MAX);
        if let Ok(_everyone) = self.permits.acquire_many(all).await {
            self.permits.close();
        }
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        match &self.source {
            Source::Server(_) => {
                for mut connection in idle {
                    connection.terminate().await;
                }
            }
            Source::Engine(engine) => engine.close().await,
        }
    }

    fn pop_alive(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find_map(|mut connection| {
            let alive = connection.is_alive();
            alive.then_some(connection)
        })
    }

    fn put_back(&self, connection: Connection) {
        if connection.is_idle() && !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("this database handle was closed; open it again".to_owned())
}

/// A connection for the time of one use.
pub(crate) struct Lease {
    connection: Option<Connection>,
    permit: Option<OwnedSemaphorePermit>,
    pool: Arc<Pool>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if connection.is_idle() {
            return self.pool.put_back(connection);
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if connection.is_broken() {
            return;
        }
        // The caller hung up in the middle: finish on its behalf, then pass the connection on.
        let (pool, permit) = (Arc::clone(&self.pool), self.permit.take());
        runtime.spawn(async move {
            let settled = tokio::time::timeout(SETTLE_TIMEOUT, connection.settle()).await;
            if matches!(settled, Ok(Ok(()))) {
                pool.put_back(connection);
            }
            drop(permit);
        });
    }
}

#[expect(clippy::expect_used, reason = "the connection leaves a lease only in its drop")]
impl Deref for Lease {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("leased")
    }
}

#[expect(clippy::expect_used, reason = "the connection leaves a lease only in its drop")]
impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("leased")
    }
}
