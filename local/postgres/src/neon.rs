//! Neon's SQL over HTTP: `POST /sql` with one query or a batch, and its preflight. After the server
//! source of `neondatabase/neon`, `proxy/src/serverless` (March 2026). Deliberately without the
//! WebSocket mode and JWT authentication; and a host given as an address is accepted.

mod params;
mod render;
mod request;

use crate::connection::Statement;
use crate::error::{Error, ServerError};
use crate::rows::Rows;
use crate::{Address, Postgres};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_TYPE, HeaderMap,
    HeaderValue,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use request::{Body, Isolation, Query};

const LARGEST_BODY: usize = 10 * 1024 * 1024;

const CONNECTION_STRING: &str = "neon-connection-string";
const RAW_TEXT_OUTPUT: &str = "neon-raw-text-output";
const ARRAY_MODE: &str = "neon-array-mode";
const ISOLATION_LEVEL: HeaderName = HeaderName::from_static("neon-batch-isolation-level");
const READ_ONLY: HeaderName = HeaderName::from_static("neon-batch-read-only");
const DEFERRABLE: HeaderName = HeaderName::from_static("neon-batch-deferrable");
const TRUE: HeaderValue = HeaderValue::from_static("true");

pub(crate) fn router(postgres: Postgres) -> Router {
    Router::new()
        .route("/sql", post(sql).options(preflight).fallback(unsupported))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(postgres)
}

async fn preflight() -> impl IntoResponse {
    let headers = "Authorization, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, \
                   Neon-Pool-Opt-In, Neon-Batch-Read-Only, Neon-Batch-Isolation-Level, \
                   Neon-Batch-Deferrable";
    [
        (ALLOW, "OPTIONS, POST"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_HEADERS, headers),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ]
}

async fn unsupported() -> Response {
    Failure::bad_request("query is not supported").into_response()
}

async fn sql(State(postgres): State<Postgres>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    answer(&postgres, &headers, body).await.unwrap_or_else(Failure::into_response)
}

async fn answer(
    postgres: &Postgres,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    authenticate(postgres, headers)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::too_large("request", rejection.status()),
        _ => Failure::bad_request(rejection.body_text()),
    })?;
    let body = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad_request(format!("could not parse the HTTP request body: {error}")))?;
    let shape = render::Shape { raw: is_true(headers, RAW_TEXT_OUTPUT), arrays: is_true(headers, ARRAY_MODE) };
    match body {
        Body::Single(query) => {
            let rows = run(postgres, None, std::slice::from_ref(&query)).await?;
            let shape = query.shape(shape);
            let rows = rows.first().map(|rows| render::single(rows, shape));
            respond(rows, &[])
        }
        Body::Batch { queries } => {
            let (begin, echo) = transaction(headers)?;
            let answers = run(postgres, Some(&begin), &queries).await?;
            let shapes = queries.iter().map(|query| query.shape(shape));
            respond(Some(render::batch(&answers, shapes)), &echo)
        }
    }
}

/// Runs the queries; `begin` makes them a transaction.
async fn run(postgres: &Postgres, begin: Option<&str>, queries: &[Query]) -> Result<Vec<Rows>, Failure> {
    let params: Vec<Vec<Option<&str>>> =
        queries.iter().map(|query| query.params.iter().map(|param| param.0.as_deref()).collect()).collect();
    let statements = queries.iter().zip(&params).map(|(query, params)| Statement { sql: &query.query, params });
    let commit = begin.map(|_| Statement::bare("COMMIT"));
    let script: Vec<_> = begin.map(Statement::bare).into_iter().chain(statements).chain(commit).collect();
    let mut answers = postgres.run_apart(&script).await?;
    if begin.is_some() {
        answers.pop();
        answers.drain(..1);
    }
    Ok(answers)
}

/// The BEGIN the headers ask for, and the headers to echo.
fn transaction(headers: &HeaderMap) -> Result<(String, Vec<(HeaderName, HeaderValue)>), Failure> {
    let (mut begin, mut echo) = ("BEGIN".to_owned(), Vec::new());
    if let Some(level) = headers.get(&ISOLATION_LEVEL) {
        let isolation = level
            .to_str()
            .ok()
            .and_then(Isolation::parse)
            .ok_or_else(|| Failure::bad_request("invalid isolation level"))?;
        begin.push_str(" ISOLATION LEVEL ");
        begin.push_str(isolation.sql());
        echo.push((ISOLATION_LEVEL, level.clone()));
    }
    for (header, sql) in [(READ_ONLY, " READ ONLY"), (DEFERRABLE, " DEFERRABLE")] {
        if is_true(headers, header.as_str()) {
            begin.push_str(sql);
            echo.push((header, TRUE));
        }
    }
    Ok((begin, echo))
}

/// Checks the connection string against what this database itself goes by.
fn authenticate(postgres: &Postgres, headers: &HeaderMap) -> Result<(), Failure> {
    let header = headers
        .get(CONNECTION_STRING)
        .ok_or_else(|| Failure::bad_request("missing Neon-Connection-String header"))?
        .to_str()
        .map_err(|_| Failure::bad_request("invalid Neon-Connection-String header"))?;
    if header == postgres.connection_string() {
        return Ok(());
    }
    let own = &postgres.inner.credentials;
    let given = Address::parse(header).map_err(|_| Failure::bad_request("invalid connection string"))?;
    if given.password.is_none() && own.password.is_some() {
        return Err(Failure::bad_request("missing password"));
    }
    if given.user != own.user || given.password != own.password {
        let message = format!("password authentication failed for user '{}'", given.user);
        return Err(Failure::bad_request(message));
    }
    if given.database != own.database {
        let message = format!("database \"{}\" does not exist", given.database);
        let code = Some("3D000".to_owned());
        return Err(ServerError { message, code, ..ServerError::default() }.into());
    }
    Ok(())
}

fn is_true(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|value| value == TRUE)
}

fn respond<T: serde::Serialize>(body: T, echo: &[(HeaderName, HeaderValue)]) -> Result<Response, Failure> {
    let body = serde_json::to_vec(&body)
        .map_err(|error| Failure::plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    if body.len() > LARGEST_BODY {
        return Err(Failure::too_large("response", StatusCode::INSUFFICIENT_STORAGE));
    }
    let mut response = json(StatusCode::OK, body);
    response.headers_mut().extend(echo.iter().cloned());
    Ok(response)
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (status, headers, body).into_response()
}

/// An answer other than 200; its body always has all of Neon's keys.
struct Failure {
    status: StatusCode,
    body: Box<ServerError>,
}

impl Failure {
    fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(StatusCode::BAD_REQUEST, message)
    }

    fn too_large(what: &str, status: StatusCode) -> Self {
        Self::plain(status, format!("{what} is too large (max is {LARGEST_BODY} bytes)"))
    }

    fn plain(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let body = ServerError { message, ..ServerError::default() };
        Self { status, body: Box::new(body) }
    }
}

impl From<ServerError> for Failure {
    fn from(body: ServerError) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: Box::new(body) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Server(error) => (*error).into(),
            Error::Refused(message) => Self::bad_request(message),
            error @ (Error::Unavailable(_) | Error::Interrupted(_) | Error::Migration { .. }) => {
                Self::plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // A struct of strings always serialises.
        json(self.status, serde_json::to_vec(&self.body).unwrap_or_default())
    }
}
