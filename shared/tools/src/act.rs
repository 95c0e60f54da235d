//! What a tool does, as its author writes it; `makegood-serve` puts it behind HTTP.

use std::time::Duration;

use makegood_core::saga::Refusal;

use crate::class::Compensatable;
use crate::tool::Tool;

/// How a tool acts, or for a query, answers.
pub trait Act: Tool + Send + Sync + 'static {
    /// Acts once. The input fits its schema. Whoever hangs up does not stop it.
    ///
    /// # Errors
    /// [`NotDone`] has the three ways in which there is no output.
    fn act(&self, attempt: &Attempt, input: Self::Input) -> impl Future<Output = Result<Self::Output, NotDone>> + Send;
}

/// How a tool that can be undone is undone.
pub trait Undo: Act + Tool<Class = Compensatable> {
    /// Takes back what was done under the key; true where something was there to be taken back. It is not asked
    /// of a key under which nothing was done, and may be asked weeks after the do.
    ///
    /// # Errors
    /// A refusal leaves what was done as it stands, and a person has to see to it.
    fn undo(&self, attempt: &Attempt, done: Done<Self>) -> impl Future<Output = Result<bool, NotDone>> + Send;
}

/// Under which key a tool is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The idempotency key: the same for every attempt, the undo's too.
    pub key: String,
    /// An earlier attempt under this key began, and how it ended is not known: look by the key whether it has
    /// acted (or undone), and if so, answer as it would have.
    pub again: bool,
}

/// What was done, to be undone.
pub struct Done<T: Tool + ?Sized> {
    pub input: T::Input,
    /// `None` where the do began, and how it ended is not known: it may have acted or not.
    pub output: Option<T::Output>,
}

/// Why there is no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// No, now and later: it is stored under the key, and a saga turns round.
    Refused(Refusal),
    /// Nothing was done: call again after so long.
    Later(Duration),
    /// It may have been done or not. For the log, and not told to the caller.
    Unknown(String),
}

impl NotDone {
    /// A refusal. The code is stable, in lower snake case; the detail is for people: what is wrong, and what to do
    /// next.
    #[must_use]
    pub fn refused(code: &str, detail: impl Into<String>) -> Self {
        Self::Refused(Refusal { code: code.to_owned(), detail: detail.into() })
    }
}
