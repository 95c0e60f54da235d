//! Opening a session on a PostgreSQL server: socket, start-up message, authentication (trust,
//! cleartext, MD5, SCRAM-SHA-256). Deliberately no TLS, GSS or SSPI.

use crate::address::{Address, Host};
use crate::connection::{Connection, Stream};
use crate::error::{Error, ServerError};
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use std::io;
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects and authenticates.
pub(crate) async fn connect(address: &Address) -> Result<Connection, Error> {
    let session = async {
        let stream = open(address).await.map_err(|error| unavailable(address, &error))?;
        let mut connection = Connection::new(stream);
        authenticate(&mut connection, address).await?;
        Ok(connection)
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, session).await {
        Ok(answer) => answer,
        Err(_) => Err(unavailable(address, &io::ErrorKind::TimedOut.into())),
    }
}

async fn open(address: &Address) -> io::Result<Box<dyn Stream>> {
    Ok(match &address.host {
        Host::Tcp(host) => {
            let stream = TcpStream::connect((host.as_str(), address.port)).await?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
        Host::Unix(_) => Box::new(UnixStream::connect(address.socket()).await?),
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the messages are the protocol crate's open list; the rest are acknowledgements"
)]
async fn authenticate(connection: &mut Connection, address: &Address) -> Result<(), Error> {
    let unsendable =
        |error: io::Error| Error::Refused(format!("the database URL cannot be used: {error}; remove NUL characters"));
    let parameters = [
        Some(("user", address.user.as_str())),
        Some(("database", address.database.as_str())),
        Some(("client_encoding", "UTF8")),
        address.application_name.as_deref().map(|name| ("application_name", name)),
        address.options.as_deref().map(|options| ("options", options)),
    ];
    frontend::startup_message(parameters.into_iter().flatten(), connection.outgoing()).map_err(unsendable)?;

    let mut scram = None;
    loop {
        match connection.next().await.map_err(|error| not_started(address, error))? {
            Message::AuthenticationCleartextPassword => {
                let password = password(address)?.as_bytes();
                frontend::password_message(password, connection.outgoing()).map_err(unsendable)?;
            }
            Message::AuthenticationMd5Password(body) => {
                let password = password(address)?.as_bytes();
                let hash = md5_hash(address.user.as_bytes(), password, body.salt());
                frontend::password_message(hash.as_bytes(), connection.outgoing()).map_err(unsendable)?;
            }
            Message::AuthenticationSasl(body) => {
                let offered = body.mechanisms().any(|mechanism| Ok(mechanism == SCRAM_SHA_256));
                if !matches!(offered, Ok(true)) {
                    return Err(unsupported("a SASL mechanism other than SCRAM-SHA-256"));
                }
                let password = password(address)?.as_bytes();
                let client = ScramSha256::new(password, ChannelBinding::unsupported());
                frontend::sasl_initial_response(SCRAM_SHA_256, client.message(), connection.outgoing())
                    .map_err(unsendable)?;
                scram = Some(client);
            }
            Message::AuthenticationSaslContinue(body) => {
                let client = scram.as_mut().ok_or_else(|| unsupported("SASL out of order"))?;
                client.update(body.data()).map_err(|error| unavailable(address, &error))?;
                frontend::sasl_response(client.message(), connection.outgoing()).map_err(unsendable)?;
            }
            Message::AuthenticationSaslFinal(body) => {
                let client = scram.as_mut().ok_or_else(|| unsupported("SASL out of order"))?;
                // The server proves here that it knows the password, too.
                client.finish(body.data()).map_err(|error| unavailable(address, &error))?;
            }
            Message::AuthenticationGss
            | Message::AuthenticationKerberosV5
            | Message::AuthenticationScmCredential
            | Message::AuthenticationSspi => {
                return Err(unsupported("GSS, Kerberos, SCM or SSPI authentication"));
            }
            Message::BackendKeyData(body) => {
                connection.process_id = u32::try_from(body.process_id()).ok();
            }
            Message::ErrorResponse(body) => {
                let error = ServerError::read(body.fields()).map_err(|error| unavailable(address, &error))?;
                return Err(rejected(address, error));
            }
            Message::ReadyForQuery(body) => {
                connection.started(body.status());
                return Ok(());
            }
            _ => {}
        }
    }
}

fn password(address: &Address) -> Result<&str, Error> {
    address.password.as_deref().ok_or_else(|| {
        Error::Refused(format!(
            "PostgreSQL at {} wants a password for user `{}`; put it into the database URL",
            address.place(),
            address.user
        ))
    })
}

fn unsupported(what: &str) -> Error {
    Error::Refused(format!(
        "the server asks for {what}; allow scram-sha-256, md5, password or trust in its pg_hba.conf"
    ))
}

/// Wrong credentials (class 28) or a missing database (3D) stay the server's own error; a server
/// that is starting, stopping or full is merely not there yet.
fn rejected(address: &Address, error: ServerError) -> Error {
    match error.code.as_deref() {
        Some(code) if code.starts_with("28") || code.starts_with("3D") => error.into(),
        _ => unavailable(address, &io::Error::other(error.to_string())),
    }
}

fn not_started(address: &Address, error: Error) -> Error {
    match error {
        Error::Interrupted(message) | Error::Unavailable(message) => unavailable(address, &io::Error::other(message)),
        error @ (Error::Server(_) | Error::Refused(_) | Error::Migration { .. }) => error,
    }
}

fn unavailable(address: &Address, cause: &io::Error) -> Error {
    Error::Unavailable(format!(
        "no session with PostgreSQL at {}: {cause}; check that the server runs and that the database \
         URL is right",
        address.place()
    ))
}
