//! Which addresses a function has: one table, which its router asks and the OpenAPI document is made of. What is not
//! in it is not served, and what is in it has to be described: see the function's `api`.

use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use makegood_core::error::{Code, Error};
use makegood_core::time::Millis;

use crate::door::no_such_route;
use crate::host::{Host, Level, Reply, Request};
use crate::limits::Visit;
use crate::problem::problem;

/// One address. `O` names what the function can do.
#[derive(Clone, Copy, Debug)]
pub struct Address<O: 'static> {
    /// As OpenAPI writes it: `/api/execute/{saga}/cancel`, with at most two parameters. Of two that fit a path the
    /// first counts.
    pub path: &'static str,
    /// Each method, and what it does.
    pub methods: &'static [(&'static str, O)],
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a, O> {
    pub operation: O,
    /// The address, as the table has it.
    pub path: &'static str,
    /// The values of its parameters, in their order; empty where there are fewer than two.
    pub parameters: [&'a str; 2],
}

/// Looks a request up. Slashes at the end, and more than one of them, are none.
///
/// # Errors
/// [`Code::NotFound`], or [`Code::MethodNotAllowed`] with those that there are.
pub fn find<'a, O: Copy>(addresses: &[Address<O>], method: &str, path: &'a str) -> Result<Found<'a, O>, Error> {
    let (address, parameters) = of_path(addresses, path).ok_or_else(no_such_route)?;
    match address.methods.iter().find(|(known, _)| *known == method) {
        Some((_, operation)) => Ok(Found { operation: *operation, path: address.path, parameters }),
        None => Err(Error::new(Code::MethodNotAllowed, format!("Use {} here.", methods(address, " or ")))),
    }
}

/// Serves one request by a function's table of addresses, and what it does at them.
pub async fn serve<H: Host, O: Copy>(
    mut request: Request,
    host: H,
    addresses: &[Address<O>],
    route: impl AsyncFnOnce(&Request, &H) -> Result<Reply, Error>,
) -> Reply {
    let began = host.now();
    let visit = Visit::begin(&mut request);
    let refuse = |error| refuse(&host, addresses, request.uri().path(), &error);
    let reply = route(&request, &host).await.unwrap_or_else(refuse);
    note(&host, addresses, &request, began, &reply);
    visit.end(&host, reply)
}

/// Says in the log what was answered where, in words that machines read: the rate, the errors and the times of each address
/// are made of these lines (docs/METRICS.md), for an instance holds no counters. Of the path it has the address alone, for
/// in parameters may be anything.
pub fn note<H: Host, O: Copy>(host: &H, addresses: &[Address<O>], request: &Request, began: Millis, reply: &Reply) {
    let route = of_path(addresses, request.uri().path()).map_or("-", |(address, _)| address.path);
    // A stranger may call a method anything.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "-",
    };
    let (status, ms) = (reply.status().as_u16(), host.now().since(began).0);
    host.log(Level::Debug, &format!("answered method={method} route={route} status={status} ms={ms}"));
}

/// Turns an error into its answer. One about the method names those that there are (RFC 9110, section 15.5.6).
pub fn refuse<H: Host, O: Copy>(host: &H, addresses: &[Address<O>], path: &str, error: &Error) -> Reply {
    let mut reply = problem(host, error);
    allow(addresses, path, &mut reply);
    reply
}

/// Names the methods of an address in an answer that refuses another.
pub fn allow<O: Copy>(addresses: &[Address<O>], path: &str, reply: &mut Reply) {
    if reply.status() != StatusCode::METHOD_NOT_ALLOWED {
        return;
    }
    let known = of_path(addresses, path).map(|(address, _)| methods(address, ", "));
    if let Some(known) = known.and_then(|known| HeaderValue::try_from(known).ok()) {
        reply.headers_mut().insert(ALLOW, known);
    }
}

fn methods<O: Copy>(address: &Address<O>, between: &str) -> String {
    let mut text = String::new();
    for (method, _) in address.methods {
        if !text.is_empty() {
            text.push_str(between);
        }
        text.push_str(method);
    }
    text
}

fn of_path<'t, 'a, O: Copy>(addresses: &'t [Address<O>], path: &'a str) -> Option<(&'t Address<O>, [&'a str; 2])> {
    // Most have another length, and are not taken apart.
    let length = pieces(path).count();
    let fits = |address: &&Address<O>| slashes(address.path) == length;
    addresses.iter().filter(fits).find_map(|address| Some((address, parameters(address.path, path)?)))
}

/// As many as an address has pieces: it is written with one before each.
fn slashes(address: &str) -> usize {
    if address == "/" { 0 } else { address.bytes().filter(|byte| *byte == b'/').count() }
}

fn parameters<'a>(address: &str, path: &'a str) -> Option<[&'a str; 2]> {
    let (mut wanted, mut given) = (pieces(address), pieces(path));
    let (mut found, mut count) = ([""; 2], 0);
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(name), Some(value)) if name.starts_with('{') => {
                *found.get_mut(count)? = value;
                count += 1;
            }
            (Some(name), Some(value)) if name == value => {}
            (Some(_) | None, Some(_) | None) => return None,
        }
    }
}

fn pieces(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Address<u8>; 4] = [
        Address { path: "/", methods: &[("GET", 0)] },
        Address { path: "/things", methods: &[("GET", 1), ("POST", 2)] },
        Address { path: "/things/last", methods: &[("GET", 3)] },
        Address { path: "/things/{thing}/{part}", methods: &[("DELETE", 4)] },
    ];

    #[test]
    fn the_first_address_that_fits_is_the_one() {
        let found = |method, path| find(&TABLE, method, path).map(|found| (found.operation, found.parameters));
        assert_eq!((found("GET", "/"), found("GET", "//")), (Ok((0, ["", ""])), Ok((0, ["", ""]))));
        assert_eq!(found("POST", "/things"), Ok((2, ["", ""])));
        assert_eq!(found("GET", "//things/last/"), Ok((3, ["", ""])));
        assert_eq!(found("DELETE", "/things/a%20b/c"), Ok((4, ["a%20b", "c"])));
        for path in ["/thing", "/things/a", "/things/a/b/c"] {
            assert_eq!(found("GET", path).unwrap_err().code(), Code::NotFound, "{path}");
        }
    }

    #[test]
    fn another_method_is_told_which_there_are() {
        let error = find(&TABLE, "PUT", "/things").unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::MethodNotAllowed, "Use GET or POST here."));
        let mut reply = crate::host::json(405, &());
        allow(&TABLE, "/things/", &mut reply);
        assert_eq!(reply.headers()[ALLOW], "GET, POST");
    }
}
