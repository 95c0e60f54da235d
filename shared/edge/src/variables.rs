//! Spin's variables. Each is asked for when it is first needed, so that the start of an instance takes as many calls as
//! it needs settings, by the interface that answers at once: that of Spin 2, which later ones have too.

use std::cell::RefCell;

use makegood_core::ordered::FlatMap;
use makegood_core::time::Millis;
#[cfg(target_env = "p1")]
use spin_sdk_5::variables::{self, Error};

#[cfg(target_env = "p2")]
use self::imported::fermyon::spin::variables::{self, Error};
use crate::host::Level;
use crate::system;

/// So long one is left alone that could not be read.
const PAUSE: Millis = Millis(1_000);

thread_local! {
    // Configuration, not request state: an instance keeps what it was deployed with.
    static KNOWN: RefCell<FlatMap<String, Option<String>>> = const { RefCell::new(FlatMap::new()) };
    // Until when one that could not be read is not asked for again.
    static AWAY: RefCell<FlatMap<String, Millis>> = const { RefCell::new(FlatMap::new()) };
}

/// The value of one; `None` where it has none, or cannot be read, which the log says.
pub fn get(name: &str) -> Option<String> {
    if let Some(known) = KNOWN.with_borrow(|known| known.get(name).cloned()) {
        return known;
    }
    let now = system::now();
    if AWAY.with_borrow(|away| away.get(name).is_some_and(|until| now < *until)) {
        return None;
    }
    let value = match variables::get(name) {
        Ok(value) => Some(value),
        Err(Error::Undefined(_)) => None,
        // A vault that was out of reach for once must not leave the instance without its settings, nor all that a
        // request asks for wait for it.
        Err(error @ (Error::InvalidName(_) | Error::Provider(_) | Error::Other(_))) => {
            system::log(Level::Error, &format!("the variable {name} could not be read: {error}"));
            AWAY.with_borrow_mut(|away| away.insert(name.to_owned(), now + PAUSE));
            return None;
        }
    };
    KNOWN.with_borrow_mut(|known| known.insert(name.to_owned(), value.clone()));
    value
}

/// What Spin's SDK has of it in version 5; version 7 has only the interface whose answer is waited for, which costs as
/// much again as all else of a start.
#[cfg(target_env = "p2")]
#[expect(clippy::pedantic, reason = "it is generated")]
mod imported {
    use spin_sdk::wit_bindgen;

    wit_bindgen::generate!({
        inline: "
            package makegood:settings;

            world reader {
                import fermyon:spin/variables@2.0.0;
            }

            package fermyon:spin@2.0.0 {
                interface variables {
                    get: func(name: string) -> result<string, error>;

                    variant error {
                        invalid-name(string),
                        undefined(string),
                        provider(string),
                        other(string),
                    }
                }
            }
        ",
        world: "reader",
        runtime_path: "spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}
