//! One step of a plan: a call of one tool.

use std::marker::PhantomData;

use makegood_core::saga::{Alternative, Approval, Each, Step as Written};
use makegood_core::tool::Retry;
use serde_json::{Map, Value};

use crate::arg::Arg;
use crate::class::{Approvable, Replaceable};
use crate::condition::Holds;
use crate::draft::Added;
use crate::shape::{Ref, Shape};
use crate::tool::Tool;

/// A call of `T`, which gives an `O`. What each setting means: docs/PLANS.md.
#[derive(Clone, Debug)]
#[must_use = "a step is part of a plan once it is added to one"]
pub struct Step<T: Tool, O = <T as Tool>::Output> {
    pub(crate) written: Result<Written, String>,
    of: PhantomData<fn() -> (T, O)>,
}

impl<T: Tool> Step<T> {
    /// A call with `args`, which are those of its input: `BookingArgs` for a `Booking`.
    pub fn new(id: &str, args: impl Into<Arg<T::Input>>) -> Self {
        let params = params(args.into());
        let written = params.map(|params| Written {
            id: id.to_owned(),
            tool: T::about().name.to_owned(),
            params,
            ..Written::default()
        });
        Self { written, of: PhantomData }
    }

    /// Tried in its place where it is refused for good: another tool of the same class that gives the same.
    pub fn or<U: Tool<Class = T::Class, Output = T::Output>>(self, args: impl Into<Arg<U::Input>>) -> Self
    where
        T::Class: Replaceable,
    {
        let (name, params) = (U::about().name, params(args.into()));
        let tool = if name == T::about().name { String::new() } else { name.to_owned() };
        self.with(|step| {
            step.or.push(Alternative { tool, params: params? });
            Ok(())
        })
    }
}

impl<T: Tool> Step<T, Vec<Option<T::Output>>> {
    /// A call for each item of `list`. It gives a list of what they gave, with `null` for one that was passed over.
    pub fn each<I: Shape, A: Into<Arg<T::Input>>>(
        id: &str,
        list: impl Into<Arg<Vec<I>>>,
        args: impl FnOnce(I::Fields) -> A,
    ) -> Self {
        let list = list.into().into_json().map(Option::unwrap_or_default);
        let step = Step::<T>::new(id, args(I::fields(Ref::root("item")))).with(|step| {
            step.each = Some(Each { list: list?, most: None, concurrency: None });
            Ok(())
        });
        Self { written: step.written, of: PhantomData }
    }

    /// The most items that a list which is referred to may have.
    pub fn most(self, most: u32) -> Self {
        self.with(|step| {
            step.each.as_mut().into_iter().for_each(|each| each.most = Some(most));
            Ok(())
        })
    }

    /// So many are under way at once.
    pub fn concurrency(self, concurrency: u32) -> Self {
        self.with(|step| {
            step.each.as_mut().into_iter().for_each(|each| each.concurrency = Some(concurrency));
            Ok(())
        })
    }
}

impl<T: Tool, O> Step<T, O> {
    fn with(mut self, change: impl FnOnce(&mut Written) -> Result<(), String>) -> Self {
        self.written = self.written.and_then(|mut step| change(&mut step).map(|()| step));
        self
    }

    /// Not before `earlier` is done, besides those that it refers to.
    pub fn after<P: Shape>(self, earlier: &Added<P>) -> Self {
        let id = earlier.id().to_owned();
        self.with(|step| {
            step.after.push(id);
            Ok(())
        })
    }

    /// Passed over where the condition does not hold.
    pub fn when(self, condition: Holds) -> Self {
        self.with(|step| {
            step.when = Some(condition.0?);
            Ok(())
        })
    }

    /// Tried again otherwise than its tool says.
    pub fn retry(self, retry: Retry) -> Self {
        self.with(|step| {
            step.retry = Some(retry);
            Ok(())
        })
    }

    /// Not made before people have agreed.
    pub fn approval(self, approval: Approval) -> Self
    where
        T::Class: Approvable,
    {
        self.with(|step| {
            step.approval = Some(approval);
            Ok(())
        })
    }

    /// The same, where a condition over the step's own parameters holds.
    pub fn approval_when(self, approval: Approval, condition: impl FnOnce(<T::Input as Shape>::Fields) -> Holds) -> Self
    where
        T::Class: Approvable,
    {
        let condition = condition(<T::Input as Shape>::fields(Ref::root("params"))).0;
        self.with(|step| {
            step.approval = Some(Approval { when: Some(condition?), ..approval });
            Ok(())
        })
    }

    /// Where it is refused for good a person is to see to it.
    pub fn escalate(self) -> Self
    where
        T::Class: Replaceable,
    {
        self.with(|step| {
            step.escalate = true;
            Ok(())
        })
    }
}

/// What a tool takes is an object of parameters.
fn params<I>(args: Arg<I>) -> Result<Map<String, Value>, String> {
    match args.into_json()? {
        Some(Value::Object(params)) => Ok(params),
        None => Ok(Map::new()),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err("a tool takes an object, of which each field may be a reference".to_owned())
        }
    }
}
