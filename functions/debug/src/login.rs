//! `/debug/login`: takes a token, and has the reader's browser keep it for these pages: in a cookie that no script reads
//! and no other site's page sends along. Where the pages lie beside an application that signs in with Clerk, its cookie
//! lets its users in without this.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::{Role, Scope};
use makegood_edge::door::{self, SESSION};
use makegood_edge::form::{Fields, refuse_other_pages};
use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::{LOCATION, SET_COOKIE};
use makegood_edge::limits::{Class, by_address};
use makegood_edge::{Host, Reply, Request, Settings, host};
use maud::html;

use crate::page::{self, Page};

/// Where it is.
pub const ADDRESS: &str = "/debug/login";

/// The form.
pub fn form() -> Reply {
    let body = html! {
        h1 { "Sign in" }
        p { "These pages show everybody's sagas, and are for operators. Paste a token, or an API key, whose role is "
            code { "operator" } " or " code { "admin" } "." }
        form method="post" action=(ADDRESS) {
            p { label for="token" { "Token" } }
            p { input id="token" name="token" type="password" autocomplete="off" required; }
            p { button type="submit" { "Sign in" } }
        }
        form method="post" action="/debug/logout" { p { button type="submit" { "Sign out" } } }
        p class="muted" { "Of the local platform: " code { "makegood token --user ann --role operator" } }
    };
    page::with_form(Page { title: "Sign in".to_owned(), again: false, body })
}

/// Takes a token, and goes to the list.
///
/// # Errors
/// Where it lets nobody in, or is brought by another site's page.
pub async fn sign_in<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let fields = Fields::read(request, &settings.public_url)?;
    let token = fields.get("token").trim();
    by_address(request, host, &settings, Class::Api).await?;
    let principal = match door::known(host, &settings, token).await {
        Ok(principal) => principal,
        Err(error) => {
            // Whoever guesses is under the limit of those who are not let in.
            by_address(request, host, &settings, Class::Failed).await?;
            return Err(error);
        }
    };
    principal.may(Scope::Read)?;
    principal.needs(Role::Operator)?;
    keep(&settings, token, "")
}

/// Forgets it.
///
/// # Errors
/// Where another site's page asks for that.
pub fn sign_out<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    refuse_other_pages(&settings.public_url, request.headers())?;
    keep(&settings, "", "; Max-Age=0")
}

fn keep(settings: &Settings, token: &str, until: &str) -> Result<Reply, Error> {
    let secure = if settings.public_url.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!("{SESSION}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{until}");
    let cookie = HeaderValue::try_from(cookie)
        .map_err(|error| Error::new(Code::InvalidRequest, "The token cannot be kept in a cookie.").because(error))?;
    let mut reply = host::reply(303, "text/plain; charset=utf-8", "");
    reply.headers_mut().insert(SET_COOKIE, cookie);
    let next = if token.is_empty() { ADDRESS } else { "/debug/sagas" };
    reply.headers_mut().insert(LOCATION, HeaderValue::from_static(next));
    Ok(reply)
}
