//! The OpenAPI document (3.1) of all functions, and the page that shows it, made of the code: of each function's table
//! of addresses, of what it says of its operations, and of the types of requests and answers. `cargo run -p
//! makegood-openapi` writes both to where `debug` serves them from.

#![forbid(unsafe_code)]

mod document;
mod page;
mod schemas;

use makegood_edge::describe::Described;

pub use document::document;
pub use page::page;

/// What there is, function by function. Another function is another line.
#[must_use]
pub fn operations() -> Vec<Described> {
    [
        makegood_chat::api::described(),
        makegood_intent::api::described(),
        makegood_execute::api::described(),
        makegood_webhook::api::described(),
        makegood_debug::api::described(),
    ]
    .concat()
}

/// What `debug` serves, by the name of its file in `functions/debug/src`.
#[must_use]
pub fn files() -> [(&'static str, String); 2] {
    let mut document = document(&operations());
    // Whether maps keep their order is said by whatever else is built at the same time.
    document.sort_all_objects();
    let page = page(&document);
    // Whoever reads a difference reads lines; the bytes that travel are pressed.
    let text = format!("{document:#}\n");
    [("openapi.json", text), ("docs.html", page)]
}
