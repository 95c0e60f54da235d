//! `/api/webhook/{source}`: what strangers deliver. It is checked over its raw bytes, kept, and handed to the queue; then
//! its sender is told that it was heard. What becomes of it is `execute`'s: there is no engine here.
//!
//! `/api/subscriptions`: who is told of events, and the telling. Beside the database, Redis and the queue, what is reached
//! from here is Ably, and subscribers' addresses, which are public.
//!
//! | | |
//! |---|---|
//! | `POST /api/webhook/{source}` | takes in what another service delivers |
//! | `POST /api/subscriptions` | brings events to `{"url": …, "types": […], "everyone": …}` from here on: 201, with its secret |
//! | `GET /api/subscriptions`, `…/{subscription}` | yours; one with how far it is behind |
//! | `DELETE /api/subscriptions/{subscription}` | brings nothing any more |
//! | `POST …/{subscription}/rotate` | gives it another secret; for a day the old one signs as well |
//! | `POST …/{subscription}/enable` | has one that was disabled go on, with what it missed |
//! | `POST …/{subscription}/test` | brings an event in which nothing happened, now |
//! | `GET /api/subscriptions/ably` | a request for a token of Ably's, for the channels of your sagas |
//! | `POST /api/subscriptions/bring` | word of news, by the queue, signed |

#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
pub mod api;
mod subscriptions;

use makegood_edge::addresses::{self, Address};
use makegood_edge::core::error::Error;
use makegood_edge::{Host, Reply, Request, Settings, webhook};

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Receive,
    ListSubscriptions,
    CreateSubscription,
    AblyToken,
    BringNews,
    ShowSubscription,
    DeleteSubscription,
    RotateSecret,
    EnableSubscription,
    TestSubscription,
}

/// Where. Words come before ids.
pub const ADDRESSES: [Address<Operation>; 8] = [
    Address { path: "/api/webhook/{source}", methods: &[("POST", Operation::Receive)] },
    Address {
        path: "/api/subscriptions",
        methods: &[("GET", Operation::ListSubscriptions), ("POST", Operation::CreateSubscription)],
    },
    Address { path: "/api/subscriptions/ably", methods: &[("GET", Operation::AblyToken)] },
    Address { path: "/api/subscriptions/bring", methods: &[("POST", Operation::BringNews)] },
    Address {
        path: "/api/subscriptions/{subscription}",
        methods: &[("GET", Operation::ShowSubscription), ("DELETE", Operation::DeleteSubscription)],
    },
    Address { path: "/api/subscriptions/{subscription}/rotate", methods: &[("POST", Operation::RotateSecret)] },
    Address { path: "/api/subscriptions/{subscription}/enable", methods: &[("POST", Operation::EnableSubscription)] },
    Address { path: "/api/subscriptions/{subscription}/test", methods: &[("POST", Operation::TestSubscription)] },
];

makegood_edge::serve!(crate::handle);

/// Serves one request.
pub async fn handle<H: Host>(request: Request, host: H) -> Reply {
    addresses::serve(request, host, &ADDRESSES, route::<H>).await
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let found = addresses::find(&ADDRESSES, request.method().as_str(), request.uri().path())?;
    let settings = &Settings::read(host)?;
    let [id, _] = found.parameters;
    match found.operation {
        Operation::Receive => webhook::receive(request, host, settings, id).await,
        Operation::ListSubscriptions => subscriptions::list(request, host, settings).await,
        Operation::CreateSubscription => subscriptions::create(request, host, settings).await,
        Operation::AblyToken => subscriptions::ably(request, host, settings).await,
        Operation::BringNews => subscriptions::news(request, host, settings).await,
        Operation::ShowSubscription => subscriptions::show(request, host, settings, id).await,
        Operation::DeleteSubscription => subscriptions::delete(request, host, settings, id).await,
        Operation::RotateSecret => subscriptions::rotate(request, host, settings, id).await,
        Operation::EnableSubscription => subscriptions::enable(request, host, settings, id).await,
        Operation::TestSubscription => subscriptions::test(request, host, settings, id).await,
    }
}
