//! The embedded PostgreSQL: `pglite-oxide`, a PostgreSQL 17 compiled to Wasm, on a thread of its own.
//!
//! The engine's raw-protocol call is used rather than its socket server: a request crosses one channel
//! and the answer another, with no socket system calls and no frame parsing in between. Measured over
//! 60,000 statements, half inserts, in a development build on two cores: 45 us CPU a statement, against
//! 75 us through the engine's own Unix-socket server (again: `cargo run -p makegood-postgres --example
//! measure`). The call blocks and must not run inside an async runtime, hence the thread. One backend
//! means one session at a time; the queue in front of it is the pool's.
//!
//! What it does not do as a real server does:
//! - It runs with fsync off: what was answered survives the death of this process, not a power cut.
//! - A PL/pgSQL `EXCEPTION` block cannot catch: the error passes it by and leaves the backend unusable.
//!   The connection notices, refuses, and the backend is replaced. `RAISE` and constraints are fine.
//! - Endless recursion costs the backend rather than raising 54001; it is replaced, too.

use crate::connection::{Connection, Stream};
use crate::data_dir::DataDir;
use crate::error::Error;
use pglite_oxide::{ExecProtocolOptions, Pglite};
use std::fs;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, ready};
use std::thread;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// The engine's memory is one block, of which PostgreSQL touches all buffers when it starts, and with its own default
/// of 128 MB holds them from then on. Behind them stands the machine's own cache of files.
const SETTINGS: [(&str, &str); 1] = [("shared_buffers", "16MB")];

enum Request {
    /// Complete frontend messages, and where the backend's answer goes.
    Exchange(Vec<u8>, oneshot::Sender<io::Result<Vec<u8>>>),
    /// Give up the backend; the next exchange opens another.
    Restart,
    Close(oneshot::Sender<()>),
}

pub(crate) struct Engine {
    requests: mpsc::Sender<Request>,
    had_session: AtomicBool,
}

impl Engine {
    /// Opens or creates the cluster in `data_dir`, and answers once it takes statements.
    pub async fn start(data_dir: DataDir) -> Result<Self, Error> {
        let (requests, queue) = mpsc::channel();
        let (opened, ready) = oneshot::channel();
        let place = data_dir.cluster().display().to_string();
        let failed = |cause: String| {
            let remedy = remedy(&cause, &place);
            Error::Unavailable(format!("the embedded PostgreSQL in {place} did not start ({cause}); {remedy}"))
        };
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || serve(data_dir, opened, &queue))
            .map_err(|error| failed(error.to_string()))?;
        match ready.await {
            Ok(Ok(())) => Ok(Self { requests, had_session: AtomicBool::new(false) }),
            Ok(Err(cause)) => Err(failed(cause)),
            Err(_) => Err(failed("its thread ended".to_owned())),
        }
    }

    /// A fresh session. There is a second one only because the first broke, so the backend behind it
    /// is not trusted either: it is replaced.
    pub fn session(&self) -> Connection {
        if self.had_session.swap(true, Ordering::Relaxed) {
            // A thread that has ended shows in the first exchange.
            let _ = self.requests.send(Request::Restart);
        }
        let stream: Box<dyn Stream> = Box::new(EngineStream::new(self.requests.clone()));
        Connection::new(stream)
    }

    /// Shuts the backend down; requests after this fail.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.requests.send(Request::Close(done)).is_ok() {
            // An error means that the thread has ended, which is as closed as can be.
            let _ = closed.await;
        }
    }
}

/// What to do where the engine did not start. Its errors are texts; they name the file, which lies in the data folder or
/// in the cache of this user, where the engine unpacks itself once.
fn remedy(cause: &str, place: &str) -> &'static str {
    let is_full = ["No space left on device", "Disk quota exceeded"].iter().any(|text| cause.contains(text));
    match (is_full, cause.contains(place), cause.contains("pglite-oxide/")) {
        (true, true, _) => {
            "that disk is full: a new database takes about 40 MB there; make room, or choose another folder with \
             --data-dir"
        }
        (true, false, _) => {
            "the disk of the cache is full: the engine takes about 65 MB there, once; make room, or name another \
             folder for caches in XDG_CACHE_HOME"
        }
        (false, false, true) => {
            "make that folder writable, or name another one for caches in XDG_CACHE_HOME; or pass DATABASE_URL"
        }
        (false, ..) => {
            "check that the folder is writable; if it is damaged, begin anew with --fresh, which forgets what is in \
             it, or choose another with --data-dir; or pass DATABASE_URL"
        }
    }
}

/// The engine's thread. It owns the data folder, whose lock must outlast the backend.
fn serve(data_dir: DataDir, opened: oneshot::Sender<Result<(), String>>, queue: &mpsc::Receiver<Request>) {
    let cluster = data_dir.cluster();
    let mut database = match open(&cluster) {
        Ok(database) => Some(database),
        Err(error) => {
            let _ = opened.send(Err(error.to_string()));
            return;
        }
    };
    if opened.send(Ok(())).is_err() {
        return;
    }
    while let Ok(request) = queue.recv() {
        match request {
            Request::Exchange(messages, answer) => {
                // A caller that has gone needs no answer, but its statement was run.
                let _ = answer.send(exchange(&cluster, &mut database, &messages));
            }
            Request::Restart => shut_down(database.take()),
            Request::Close(done) => {
                shut_down(database.take());
                drop(data_dir);
                let _ = done.send(());
                return;
            }
        }
    }
    shut_down(database.take());
}

/// One request to the backend. A backend that failed is dropped and opened anew with the next one:
/// its write-ahead log holds what it had answered.
fn exchange(folder: &Path, database: &mut Option<Pglite>, messages: &[u8]) -> io::Result<Vec<u8>> {
    let open_database = match database {
        Some(database) => database,
        None => database.insert(open(folder)?),
    };
    open_database.exec_protocol_raw(messages, ExecProtocolOptions::no_sync()).map_err(|error| {
        tracing::error!(error = format!("{error:#}"), "the embedded PostgreSQL failed; it restarts");
        *database = None;
        io::Error::other(format!("{error:#}"))
    })
}

fn open(folder: &Path) -> io::Result<Pglite> {
    if !folder.exists() {
        make(folder)?;
    }
    plain(Pglite::builder().path(folder).postgres_configs(SETTINGS).open())
}

/// Makes a cluster, whole or not at all.
///
/// The engine would lay an empty folder over its template and copy each file when it is first written to. A process
/// that is killed in the midst of such a copy leaves half a file, which hides the whole one for good.
fn make(folder: &Path) -> io::Result<()> {
    let beside = folder.with_extension("new");
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    let template = plain(pglite_oxide::build_pgdata_template(beside.join("template")))?;
    let cluster = beside.join("cluster");
    // It reads plain archives only.
    let archive = zstd::decode_all(fs::File::open(template.archive_path)?)?;
    let mut database = plain(Pglite::builder().path(&cluster).load_data_dir_archive(archive).open())?;
    plain(database.close())?;
    drop(database);
    fs::rename(cluster, folder)?;
    fs::remove_dir_all(beside)
}

fn plain<T, E: std::fmt::Display>(answer: Result<T, E>) -> io::Result<T> {
    answer.map_err(|error| io::Error::other(format!("{error:#}")))
}

fn shut_down(database: Option<Pglite>) {
    if let Some(mut database) = database
        && let Err(error) = database.close()
    {
        tracing::warn!(error = format!("{error:#}"), "the embedded PostgreSQL closed uncleanly");
    }
}

/// A session's byte stream. Writes gather until the flush hands them over as one request.
struct EngineStream {
    requests: mpsc::Sender<Request>,
    request: Vec<u8>,
    pending: Option<oneshot::Receiver<io::Result<Vec<u8>>>>,
    answer: io::Cursor<Vec<u8>>,
}

impl EngineStream {
    fn new(requests: mpsc::Sender<Request>) -> Self {
        Self { requests, request: Vec::new(), pending: None, answer: io::Cursor::default() }
    }
}

impl AsyncWrite for EngineStream {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.request.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.request.is_empty() {
            let (answer, pending) = oneshot::channel();
            let request = Request::Exchange(std::mem::take(&mut self.request), answer);
            self.requests.send(request).map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.pending = Some(pending);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl AsyncRead for EngineStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(pending) = &mut self.pending {
            let answer = ready!(Pin::new(pending).poll(context));
            self.pending = None;
            let answer = answer.map_err(|_| io::ErrorKind::UnexpectedEof)??;
            self.answer = io::Cursor::new(answer);
        }
        if self.answer.position() == self.answer.get_ref().len() as u64 {
            // Nothing was asked, so nothing will come before the next flush.
            return Poll::Pending;
        }
        Pin::new(&mut self.answer).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_depends_on_which_folder_and_whether_it_is_full() {
        let place = "/data/postgres/cluster";
        for (cause, wanted) in [
            ("unpack /data/postgres/cluster.new/base: No space left on device (os error 28)", "--data-dir"),
            ("unpack /home/a/.cache/pglite-oxide/runtime/x: No space left on device (os error 28)", "XDG_CACHE_HOME"),
            ("create cache lock directory /home/a/.cache/pglite-oxide/runtime/.locks: denied", "XDG_CACHE_HOME"),
            ("open /data/postgres/cluster/PG_VERSION: not what was expected", "--fresh"),
            ("its thread ended", "--fresh"),
        ] {
            let remedy = remedy(cause, place);
            assert!(remedy.contains(wanted), "{cause}: {remedy}");
            assert_eq!(remedy.contains("make room"), cause.contains("No space"), "{cause}: {remedy}");
        }
    }
}
