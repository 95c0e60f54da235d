//! The function from outside: requests in, answers out, over a database that knows a few sagas.

mod api;
mod approvals;
mod chat;
mod fake;
mod login;
mod pages;
mod tempo;
