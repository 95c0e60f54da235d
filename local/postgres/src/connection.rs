//! One connection that speaks the extended query protocol: text both ways, no declared parameter
//! types, prepared statements kept by their SQL. A whole script leaves in one write and is answered up
//! to one ReadyForQuery.
//!
//! All progress lives in the struct, none in the futures: a dropped future leaves an exchange half
//! done, and [`Connection::settle`] finishes it. Deliberately no COPY, no cursors, no notifications.

use crate::error::{Error, ServerError};
use crate::rows::{Field, Rows};
use crate::sendable::{check_sendable, copy_refused};
use crate::statements::Statements;
use bytes::{Buf, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const READ_CHUNK: usize = 16 * 1024;
const IDLE: u8 = b'I';

/// A byte stream to a backend: TCP, Unix socket, or the engine in this process.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// SQL with its parameters, text or null.
#[derive(Clone, Copy)]
pub(crate) struct Statement<'a> {
    pub sql: &'a str,
    pub params: &'a [Option<&'a str>],
}

impl<'a> Statement<'a> {
    pub fn bare(sql: &'a str) -> Self {
        Self { sql, params: &[] }
    }
}

pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    outgoing: BytesMut,
    flushed: bool,
    incoming: BytesMut,
    chunk: Box<[u8]>,
    /// ReadyForQuery messages still to come.
    awaited: usize,
    /// Bytes of the current exchange have left.
    sent: bool,
    broken: bool,
    /// `I` idle, `T` in a transaction, `E` in a failed one.
    status: u8,
    statements: Statements,
    /// The backend's process id on its own machine.
    pub process_id: Option<u32>,
}

/// How a script names its statements: as prepared before, or anew.
struct Plan {
    fields: Option<Arc<[Field]>>,
    named: bool,
}

impl Connection {
    /// Takes a stream whose session is ready, or about to be made so by [`crate::startup`].
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            outgoing: BytesMut::with_capacity(READ_CHUNK),
            flushed: true,
            incoming: BytesMut::with_capacity(READ_CHUNK),
            chunk: vec![0; READ_CHUNK].into(),
            awaited: 0,
            sent: false,
            broken: false,
            status: IDLE,
            statements: Statements::default(),
            process_id: None,
        }
    }

    /// Runs statements in order, as one pipeline: an error skips what follows it. Without explicit
    /// BEGIN and COMMIT they form one implicit transaction. A plan that went stale through DDL is
    /// prepared again once; the error that told so had rolled back everything.
    pub async fn run(&mut self, script: &[Statement<'_>]) -> Result<Vec<Rows>, Error> {
        let was_idle = self.status == IDLE;
        match self.attempt(script).await {
            Err(Error::Server(error)) if was_idle && error.is_stale_plan() => {
                self.settle().await?;
                self.statements.clear();
                self.run_simple("deallocate all").await?;
                self.attempt(script).await
            }
            answer => answer,
        }
    }

    async fn attempt(&mut self, script: &[Statement<'_>]) -> Result<Vec<Rows>, Error> {
        check_sendable(script)?;
        let plans = self.write_script(script).map_err(|error| {
            // Half a script is in the buffer.
            self.broken = true;
            Error::Refused(format!("the statement is too large to send: {error}"))
        })?;
        self.begin_exchange();
        let answer = self.read_script(script, plans).await;
        if answer.is_err() {
            self.statements.doom_unconfirmed();
        }
        answer
    }

    /// Several statements in one string, through the simple protocol; results are dropped.
    pub async fn run_simple(&mut self, sql: &str) -> Result<(), Error> {
        frontend::query(sql, &mut self.outgoing)
            .map_err(|error| Error::Refused(format!("the SQL cannot be sent: {error}; remove NUL characters")))?;
        self.begin_exchange();
        self.read_until_ready().await
    }

    /// Finishes whatever a dropped future left open, and ends an open transaction by rolling back.
    pub async fn settle(&mut self) -> Result<(), Error> {
        if self.awaited > 0 {
            match self.read_until_ready().await {
                Ok(()) | Err(Error::Server(_)) => {}
                Err(error) => return Err(error),
            }
            self.statements.doom_unconfirmed();
        }
        if self.status != IDLE {
            self.run_simple("rollback").await?;
        }
        Ok(())
    }

    /// Makes the session as it was when it began. One that cannot is given up.
    pub async fn forget(&mut self) -> Result<(), Error> {
        self.statements.clear();
        let forgotten = self.run_simple("discard all").await;
        self.broken |= forgotten.is_err();
        forgotten
    }

    /// Nothing outstanding and no transaction open.
    pub fn is_idle(&self) -> bool {
        self.awaited == 0 && self.status == IDLE && !self.broken
    }

    pub fn is_broken(&self) -> bool {
        self.broken
    }

    pub fn in_transaction(&self) -> bool {
        self.status == b'T'
    }

    /// Looks, without waiting, whether the server hung up on this idle connection. Costs no system
    /// call while nothing has arrived.
    pub fn is_alive(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let mut chunk = ReadBuf::new(&mut self.chunk);
        match Pin::new(&mut self.stream).poll_read(&mut context, &mut chunk) {
            Poll::Ready(Ok(())) if !chunk.filled().is_empty() => {
                self.incoming.extend_from_slice(chunk.filled());
            }
            Poll::Ready(_) => self.broken = true,
            Poll::Pending => {}
        }
        // A parameter change or a notice is no reason to go; a farewell is.
        self.broken |= !self.incoming.is_empty() && !self.only_notices();
        !self.broken
    }

    fn only_notices(&mut self) -> bool {
        loop {
            match Message::parse(&mut self.incoming) {
                Ok(Some(
                    Message::NoticeResponse(_) | Message::ParameterStatus(_) | Message::NotificationResponse(_),
                )) => {}
                Ok(None) => return self.incoming.is_empty(),
                Ok(Some(_)) | Err(_) => return false,
            }
        }
    }

    /// Says goodbye, best effort.
    pub async fn terminate(&mut self) {
        frontend::terminate(&mut self.outgoing);
        self.flushed = false;
        // The server answers by closing, which reads as an error.
        let _ = poll_fn(|context| self.poll_exchange(context)).await;
    }

    fn write_script(&mut self, script: &[Statement<'_>]) -> io::Result<Vec<Plan>> {
        if Statements::admits("", script.len()) {
            // `get` marks the hits as used, so room is made among the others.
            let is_new = |statement: &&Statement<'_>| self.statements.get(statement.sql).is_none();
            let new = script.iter().filter(is_new).count();
            self.statements.make_room(new);
        }
        for name in self.statements.take_doomed() {
            frontend::close(b'S', &name, &mut self.outgoing)?;
        }
        let mut plans = Vec::with_capacity(script.len());
        for statement in script {
            plans.push(self.write_statement(*statement, script.len())?);
        }
        frontend::sync(&mut self.outgoing);
        Ok(plans)
    }

    fn write_statement(&mut self, statement: Statement<'_>, pipeline: usize) -> io::Result<Plan> {
        let Statement { sql, params } = statement;
        let (name, plan) = match self.statements.get(sql) {
            Some(known) => {
                let plan = Plan { fields: known.fields.clone(), named: true };
                (Arc::clone(&known.name), plan)
            }
            None => {
                let named = Statements::admits(sql, pipeline);
                let name = if named { self.statements.reserve(sql) } else { "".into() };
                frontend::parse(&name, sql, [], &mut self.outgoing)?;
                frontend::describe(b'S', &name, &mut self.outgoing)?;
                (name, Plan { fields: None, named })
            }
        };
        let write_param = |param: &Option<&str>, buffer: &mut BytesMut| match param {
            Some(text) => {
                buffer.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        };
        frontend::bind("", &name, [], params, write_param, [], &mut self.outgoing).map_err(|error| match error {
            frontend::BindError::Serialization(error) => error,
            frontend::BindError::Conversion(error) => io::Error::other(error),
        })?;
        frontend::execute("", 0, &mut self.outgoing)?;
        Ok(plan)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the messages are the protocol crate's open list; most are acknowledgements"
    )]
    async fn read_script(&mut self, script: &[Statement<'_>], mut plans: Vec<Plan>) -> Result<Vec<Rows>, Error> {
        let mut answers = Vec::with_capacity(script.len());
        let mut rows = Rows::default();
        let mut failure = None;
        loop {
            let current = answers.len();
            match self.next().await? {
                Message::RowDescription(body) => {
                    let fields = Field::read_all(&body).map_err(|error| self.lost(&error))?;
                    self.described(script, &mut plans, current, fields);
                }
                Message::NoData => self.described(script, &mut plans, current, [].into()),
                Message::BindComplete => {
                    rows.fields = match plans.get_mut(current) {
                        // A statement used twice in one pipeline was described at its first use.
                        Some(Plan { fields: None, .. }) => script
                            .get(current)
                            .and_then(|statement| self.statements.get(statement.sql))
                            .and_then(|prepared| prepared.fields.clone())
                            .unwrap_or_default(),
                        Some(plan) => plan.fields.take().unwrap_or_default(),
                        None => [].into(),
                    };
                }
                Message::DataRow(body) => rows.push(&body).map_err(|error| self.lost(&error))?,
                Message::CommandComplete(body) => {
                    rows.complete(body.tag().map_err(|error| self.lost(&error))?);
                    answers.push(std::mem::take(&mut rows));
                }
                Message::EmptyQueryResponse => answers.push(std::mem::take(&mut rows)),
                Message::ErrorResponse(body) => {
                    let error = self.server_error(&body)?;
                    failure.get_or_insert(error);
                }
                Message::CopyInResponse(_) => return Err(self.refuse_copy()),
                Message::CopyOutResponse(_) => {
                    failure.get_or_insert(copy_refused());
                }
                Message::ReadyForQuery(body) => {
                    self.ready(body.status());
                    return match failure {
                        Some(error) => Err(error),
                        None => Ok(answers),
                    };
                }
                _ => {}
            }
        }
    }

    fn described(&mut self, script: &[Statement<'_>], plans: &mut [Plan], current: usize, fields: Arc<[Field]>) {
        let (Some(statement), Some(plan)) = (script.get(current), plans.get_mut(current)) else {
            return;
        };
        if plan.named {
            self.statements.describe(statement.sql, &fields);
        }
        plan.fields = Some(fields);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the messages are the protocol crate's open list; most are acknowledgements"
    )]
    async fn read_until_ready(&mut self) -> Result<(), Error> {
        let mut failure = None;
        while self.awaited > 0 {
            match self.next().await? {
                Message::ErrorResponse(body) => {
                    let error = self.server_error(&body)?;
                    failure.get_or_insert(error);
                }
                Message::CopyInResponse(_) => return Err(self.refuse_copy()),
                Message::ReadyForQuery(body) => self.ready(body.status()),
                _ => {}
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn server_error(&mut self, body: &postgres_protocol::message::backend::ErrorResponseBody) -> Result<Error, Error> {
        let error = ServerError::read(body.fields()).map_err(|error| self.lost(&error))?;
        if error.ends_connection() {
            // No ReadyForQuery will follow.
            return Err(self.lost(&io::Error::other(error.to_string())));
        }
        if error.is_uncatchable() {
            self.broken = true;
            return Err(Error::Refused(
                "the embedded PostgreSQL cannot catch errors in PL/pgSQL, so nothing was applied; write \
                 the function without an EXCEPTION block (say, with ON CONFLICT DO NOTHING), or use a \
                 real server through DATABASE_URL"
                    .to_owned(),
            ));
        }
        Ok(error.into())
    }

    /// A backend that waits for COPY data would wait for ever: give the connection up.
    fn refuse_copy(&mut self) -> Error {
        self.broken = true;
        copy_refused()
    }

    fn ready(&mut self, status: u8) {
        self.awaited -= 1;
        self.status = status;
    }

    fn begin_exchange(&mut self) {
        self.awaited += 1;
        self.sent = false;
        self.flushed = false;
    }

    /// For start-up, which writes messages of its own.
    pub(crate) fn outgoing(&mut self) -> &mut BytesMut {
        self.flushed = false;
        &mut self.outgoing
    }

    /// Takes the ReadyForQuery that ends start-up.
    pub(crate) fn started(&mut self, status: u8) {
        self.awaited = 0;
        self.status = status;
    }

    /// The next message that is not a notice.
    pub(crate) async fn next(&mut self) -> Result<Message, Error> {
        loop {
            match Message::parse(&mut self.incoming) {
                Ok(Some(Message::NoticeResponse(body))) => {
                    if let Ok(notice) = ServerError::read(body.fields()) {
                        tracing::debug!(%notice, "PostgreSQL notice");
                    }
                }
                Ok(Some(Message::ParameterStatus(_) | Message::NotificationResponse(_))) => {}
                Ok(Some(message)) => return Ok(message),
                Ok(None) => poll_fn(|context| self.poll_exchange(context)).await.map_err(|error| self.lost(&error))?,
                Err(error) => return Err(self.lost(&error)),
            }
        }
    }

    /// Writes what waits and reads what came. Both at once, so that a server blocked on a long answer
    /// cannot block a long request.
    fn poll_exchange(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.outgoing)? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => {
                    self.sent = true;
                    self.outgoing.advance(written);
                }
                Poll::Pending => break,
            }
        }
        if self.outgoing.is_empty() && !self.flushed {
            self.flushed = Pin::new(&mut self.stream).poll_flush(context)?.is_ready();
        }
        let mut chunk = ReadBuf::new(&mut self.chunk);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk))?;
        if chunk.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.incoming.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(()))
    }

    /// Marks the connection as unusable, and says what that means for the caller's statement.
    fn lost(&mut self, cause: &io::Error) -> Error {
        self.broken = true;
        let cause = if cause.kind() == io::ErrorKind::UnexpectedEof {
            "the server closed the connection".to_owned()
        } else {
            cause.to_string()
        };
        if self.sent {
            Error::Interrupted(format!(
                "the connection to PostgreSQL broke before the answer ({cause}); the statement may or \
                 may not have been applied: look before repeating it"
            ))
        } else {
            Error::Unavailable(format!(
                "the connection to PostgreSQL broke before the statement left ({cause}); try again"
            ))
        }
    }
}
