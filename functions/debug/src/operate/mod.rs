//! What an operator does on the pages of sagas: asks for some of them, and has them tried again, called off, resolved.
//!
//! The pages are whole without a script, and then say what to type in a terminal. With one, the console's
//! (`console/frame.rs`), each verb has a button, and a dialog that says what will happen before anything does. It puts
//! verbs to `/api/execute` by its reader's token, as the page `/` does: a cookie, which lets its reader look, has nothing
//! done.

mod another;
pub mod bulk;
pub mod deeds;
pub mod filter;
mod offer;
#[cfg(test)]
mod tests;

use maud::{Markup, html};

/// Where the script says what came of what its reader did.
pub fn news() -> Markup {
    html! { p id="news" class="news" role="status" tabindex="-1" {} }
}

/// A token, by which verbs are put. The script shows it.
pub fn door() -> Markup {
    html! {
        details id="door" class="door" hidden {
            summary { "Act with a token" }
            form id="sign" method="dialog" {
                p {
                    "Needed where nobody is let in without one: what you signed in with lets you look, and changes nothing. "
                    "It stays in this tab, and goes nowhere but here. Of the local platform: "
                    code { "makegood token --user ann --role operator" }
                }
                p {
                    label for="token" { "Token, or API key" }
                    input id="token" type="password" autocomplete="off";
                }
                p { button type="submit" { "Use it" } }
            }
        }
    }
}
