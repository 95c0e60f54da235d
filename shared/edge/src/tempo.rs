//! Reads traces back from Tempo, where an operator has one: those that the database does not have any more, and those
//! of others. Nothing waits for it but the page of an operator who asks.

use bytes::Bytes;
use makegood_core::error::{Code, Error};
use makegood_core::time::Millis;
use makegood_core::trace::TraceId;
use makegood_gateway::tempo::{Form, Heard, Tempo};

use crate::host::Host;

/// The longest that one answer may take; there may be two.
const PATIENCE: Millis = Millis(5_000);

/// Where traces are read; `None`: nowhere.
///
/// # Errors
/// Where what is configured is none.
pub fn configured<H: Host>(host: &H) -> Result<Option<Tempo>, Error> {
    let [url, headers] = [host.config("tempo_url"), host.config("tempo_headers")].map(Option::unwrap_or_default);
    Tempo::read(&url, &headers)
        .map_err(|why| Error::new(Code::Internal, "The server is not configured well.").because(why))
}

/// A trace as Tempo gives it, for [`Given`](makegood_gateway::tempo::Given) to read; `None` where it has none.
///
/// # Errors
/// [`Code::Unavailable`] where Tempo does not answer, or gives something else.
pub async fn fetch<H: Host>(host: &H, tempo: &Tempo, trace: TraceId) -> Result<Option<Bytes>, Error> {
    for form in [Form::Second, Form::First] {
        let request = tempo.ask(trace, form).map_err(|error| {
            Error::new(Code::Internal, "The server is not configured well.").because(format!("`tempo_url`: {error}"))
        })?;
        let response = host.fetch(request, PATIENCE).await.map_err(|error| {
            let message = "Tempo, which may have the trace, cannot be reached. Try again later.";
            Error::new(Code::Unavailable, message).because(error)
        })?;
        let refused = match tempo.heard(&response) {
            Heard::Trace => return Ok(Some(response.into_body())),
            Heard::Unknown => continue,
            Heard::TooLong => {
                Error::new(Code::Unavailable, "Tempo has more of the trace than can be shown: over 8 MiB.")
            }
            Heard::Refused(status, said) => {
                let message = format!("Tempo, which may have the trace, answered {status}. Try again later.");
                Error::new(Code::Unavailable, message).because(said)
            }
        };
        return Err(refused);
    }
    Ok(None)
}

/// What Tempo gave is no trace.
#[must_use]
pub fn unread(why: impl std::fmt::Display) -> Error {
    Error::new(Code::Unavailable, "What Tempo gave for the trace cannot be read.").because(why)
}
