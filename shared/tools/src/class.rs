//! What a tool promises, by its class: a class has no place for what it cannot have.

use makegood_core::saga::Approval;
use makegood_core::time::Millis;
use makegood_core::tool::{self, Repeat};

/// A class of tools, as a type. Closed: the engine knows these four.
pub trait Class: sealed::Sealed {
    /// In the words of a definition.
    fn promise(self) -> Promise;
}

/// Whoever undoes, or asks people, does so before the point of no return or about it.
#[diagnostic::on_unimplemented(
    message = "a step of the class `{Self}` cannot need an approval",
    note = "it changes nothing, or stands after the point of no return, where a no could not be heeded"
)]
pub trait Approvable: Class {}

/// A step of it may have alternatives, and may be escalated: all but the point of no return.
#[diagnostic::on_unimplemented(
    message = "a step of the class `{Self}` has neither alternatives nor is it escalated",
    note = "it is the point of no return"
)]
pub trait Replaceable: Class {}

/// That part of a definition which depends on the class.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise {
    pub class: tool::Class,
    pub repeat: Repeat,
    pub status: bool,
    pub fence: bool,
    pub approval: Option<Approval>,
}

/// Reads only: nothing to undo, to fence or to agree to, and no status, since it can be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    pub repeat: Repeat,
}

/// Can be undone.
#[derive(Clone, Debug, PartialEq)]
pub struct Compensatable {
    pub repeat: Repeat,
    pub status: bool,
    pub fence: bool,
    pub approval: Option<Approval>,
}

/// Cannot be undone, and may refuse: the point of no return.
#[derive(Clone, Debug, PartialEq)]
pub struct Pivot {
    pub repeat: Repeat,
    pub status: bool,
    pub approval: Option<Approval>,
}

/// Cannot be undone, and is repeated until it succeeds: so it can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retriable {
    /// How long a key is remembered.
    pub ttl_ms: Millis,
    pub status: bool,
}

impl Class for Query {
    fn promise(self) -> Promise {
        Promise { class: tool::Class::Query, repeat: self.repeat, status: false, fence: false, approval: None }
    }
}

impl Class for Compensatable {
    fn promise(self) -> Promise {
        let Self { repeat, status, fence, approval } = self;
        Promise { class: tool::Class::Compensatable, repeat, status, fence, approval }
    }
}

impl Class for Pivot {
    fn promise(self) -> Promise {
        let Self { repeat, status, approval } = self;
        Promise { class: tool::Class::Pivot, repeat, status, fence: false, approval }
    }
}

impl Class for Retriable {
    fn promise(self) -> Promise {
        let Self { ttl_ms, status } = self;
        let repeat = Repeat::Keyed { ttl_ms };
        Promise { class: tool::Class::Retriable, repeat, status, fence: false, approval: None }
    }
}

impl Approvable for Compensatable {}
impl Approvable for Pivot {}

impl Replaceable for Query {}
impl Replaceable for Compensatable {}
impl Replaceable for Retriable {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Query {}
    impl Sealed for super::Compensatable {}
    impl Sealed for super::Pivot {}
    impl Sealed for super::Retriable {}
}
