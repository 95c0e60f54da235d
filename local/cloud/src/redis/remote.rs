//! A real Redis or Valkey behind the REST face: every command is passed
//! through as it came, scripts save for a flag ([`super::scripts`]). Atomic
//! batches become `MULTI`/`EXEC`.

use std::{
    future::Future,
    pin::{Pin, pin},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use redis::{
    Cmd, Pipeline, RedisError, ServerError, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{
    Answer, Backend, Command, Error, Failure, Listening, Reply,
    feed::{Event, Feed},
    scripts::Digests,
};
use tokio::sync::mpsc::{Sender, channel};

/// How long the server may take to answer: a script that is slow on purpose, or a machine that is. The client's own
/// limit, half a second, calls either of them lost.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Remote {
    client: redis::Client,
    connection: ConnectionManager,
    digests: Digests,
}

impl Remote {
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let hint = "check REDIS_URL (redis://host:port) and that the server is running";
        let client =
            redis::Client::open(url).map_err(|error| Error(format!("not a Redis address: {error}; {hint}")))?;
        let config = ConnectionManagerConfig::new().set_number_of_retries(1).set_response_timeout(Some(PATIENCE));
        let mut connection = ConnectionManager::new_with_config(client.clone(), config)
            .await
            .map_err(|error| Error(format!("cannot reach Redis: {error}; {hint}")))?;
        // A server that wants a password connects and refuses everything.
        let answer: Result<Value, _> = redis::cmd("PING").query_async(&mut connection).await;
        answer.map_err(|error| {
            Error(format!(
                "Redis refuses commands: {error}; put its password into REDIS_URL (redis://:PASSWORD@host:port)"
            ))
        })?;
        Ok(Self { client, connection, digests: Digests::default() })
    }
}

impl Backend for Remote {
    fn execute(&self, mut batch: Vec<Command>, atomic: bool) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        let renamed: Vec<_> = batch.iter_mut().map(|command| self.digests.rewrite(command)).collect();
        let mut connection = self.connection.clone();
        Box::pin(async move {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            if atomic {
                pipeline.atomic();
            }
            pipeline.ignore_errors();
            for command in &batch {
                pipeline.add_command(command_of(command));
            }
            if batch.is_empty() {
                return Ok(Vec::new());
            }
            match pipeline.query_async::<Vec<Value>>(&mut connection).await {
                Ok(values) => {
                    let replies = values.into_iter().map(reply_of).zip(renamed);
                    let restored = replies.map(|(reply, renamed)| match renamed {
                        Some(renamed) => renamed.restore(reply),
                        None => reply,
                    });
                    Ok(restored.collect())
                }
                Err(error) => Err(failure(&error)),
            }
        })
    }

    fn listen(&self, feed: Feed) -> Pin<Box<dyn Future<Output = Listening> + Send + '_>> {
        Box::pin(async move {
            let (sender, receiver) = channel(1024);
            if feed == Feed::Monitor {
                let monitor = self.client.get_async_monitor().await.map_err(|error| failure(&error))?;
                let lines = monitor.into_on_message::<String>();
                tokio::spawn(forward(lines.map(|line| Event::Monitored(line.into())), sender));
                return Ok(receiver);
            }
            let mut connection = self.client.get_async_pubsub().await.map_err(|error| failure(&error))?;
            match &feed {
                Feed::Channel(name) => connection.subscribe(&name[..]).await,
                Feed::Pattern(pattern) => connection.psubscribe(&pattern[..]).await,
                Feed::Monitor => Ok(()),
            }
            .map_err(|error| failure(&error))?;
            let messages = connection.into_on_message().map(|message| {
                let payload = Bytes::copy_from_slice(message.get_payload_bytes());
                match message.get_pattern::<Option<Vec<u8>>>() {
                    Ok(Some(_)) => Event::Matched(message.get_channel_name().to_owned().into(), payload),
                    Ok(None) | Err(_) => Event::Message(payload),
                }
            });
            tokio::spawn(forward(messages, sender));
            Ok(receiver)
        })
    }
}

/// Hands on what comes until nobody is there to take it.
async fn forward(events: impl Stream<Item = Event>, sender: Sender<Event>) {
    let mut events = pin!(events);
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = sender.closed() => None,
        };
        let Some(event) = event else { return };
        if sender.send(event).await.is_err() {
            return;
        }
    }
}

fn command_of(command: &[Bytes]) -> Cmd {
    let mut cmd = Cmd::new();
    for argument in command {
        cmd.arg(&argument[..]);
    }
    cmd
}

fn reply_of(value: Value) -> Reply {
    match value {
        Value::Nil => Reply::Nil,
        Value::Int(n) => Reply::Int(n),
        Value::BulkString(bytes) => Reply::bulk(bytes),
        Value::Okay => Reply::OK,
        Value::SimpleString(text) => Reply::Status(text.into()),
        Value::Array(items) | Value::Set(items) => Reply::Array(items.into_iter().map(reply_of).collect()),
        Value::Map(pairs) => {
            let flat = pairs.into_iter().flat_map(|(name, value)| [name, value]);
            Reply::Array(flat.map(reply_of).collect())
        }
        Value::Double(number) => Reply::bulk(number.to_string()),
        Value::Boolean(yes) => yes.into(),
        Value::VerbatimString { text, .. } => Reply::bulk(text),
        Value::ServerError(error) => Reply::Error(server_text(&error)),
        Value::Attribute { data, .. } => reply_of(*data),
        Value::BigNumber(digits) => Reply::bulk(digits),
        // Push messages come to subscribers only; the rest is of the future.
        Value::Push { .. } | _ => not_understood(),
    }
}

fn not_understood() -> Reply {
    Reply::Error("ERR the server sent a reply that REST cannot show".to_owned())
}

fn server_text(error: &ServerError) -> String {
    match error.details() {
        Some(details) => format!("{} {details}", error.code()),
        None => error.code().to_owned(),
    }
}

/// The server's own words where it spoke; else it was not reached, or did not answer.
fn failure(error: &RedisError) -> Failure {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => Failure::Refused(format!("{code} {detail}")),
        (Some(code), None) => Failure::Refused(code.to_owned()),
        (None, _) => {
            tracing::warn!("the Redis of REDIS_URL does not answer: {error}");
            Failure::Lost(format!("ERR the Redis behind this address does not answer: {error}"))
        }
    }
}
