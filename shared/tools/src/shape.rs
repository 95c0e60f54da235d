//! What may stand in a tool's input or output, and how a field of it is referred to.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use makegood_core::saga::Reference;
use serde::Serialize;
use serde_json::Value;

/// A type that a tool takes or gives. Derived: `#[derive(Shape)]`.
pub trait Shape: Serialize {
    /// What names its fields in a plan; for a value without fields, a [`Ref`] to itself.
    type Fields;

    /// The fields of the value that `at` refers to.
    fn fields(at: Ref<Self>) -> Self::Fields;
}

/// A reference to a value of an earlier step, `$step.path` in the plan.
pub struct Ref<T: ?Sized> {
    /// Without the `$`.
    path: String,
    of: PhantomData<fn() -> T>,
}

impl<T: ?Sized> Ref<T> {
    /// The whole output of the step `id`.
    pub(crate) fn root(id: &str) -> Self {
        Self { path: id.to_owned(), of: PhantomData }
    }

    /// The field `name`. Its type is not checked: this is for what `#[derive(Shape)]` writes.
    #[doc(hidden)]
    #[must_use]
    pub fn field<F: ?Sized>(&self, name: &str) -> Ref<F> {
        Ref { path: format!("{}.{name}", self.path), of: PhantomData }
    }

    /// As a plan has it. What the syntax of references has no words for would be taken for a plain text.
    pub(crate) fn written(&self) -> Result<Value, String> {
        let text = format!("${}", self.path);
        if Reference::parse(&text).is_some() {
            return Ok(Value::String(text));
        }
        Err(format!("`{text}` is no reference: a step and its fields have letters, digits, `_` and `-` only"))
    }

    /// The same value as another type. What that is worth is only seen when the value is there: the step's
    /// parameters are checked against its tool's schema before it is made.
    #[must_use]
    pub fn retyped<U: ?Sized>(&self) -> Ref<U> {
        Ref { path: self.path.clone(), of: PhantomData }
    }
}

impl<T: Shape> Ref<Vec<T>> {
    /// The item at `index`, from 0. A list that turns out to be shorter has the step refused.
    #[must_use]
    pub fn at(&self, index: usize) -> T::Fields {
        T::fields(self.field(&index.to_string()))
    }
}

impl<T: Shape> Ref<Option<T>> {
    /// The value, where the plan counts on one. If there is none after all, the step is refused.
    #[must_use]
    pub fn present(&self) -> T::Fields {
        T::fields(self.retyped())
    }
}

impl<T: Shape> Ref<BTreeMap<String, T>> {
    /// The value of the key `name`, which must be letters, digits, `_` and `-`.
    #[must_use]
    pub fn key(&self, name: &str) -> T::Fields {
        T::fields(self.field(name))
    }
}

impl<T: ?Sized> Clone for Ref<T> {
    fn clone(&self) -> Self {
        self.retyped()
    }
}

impl<T: ?Sized> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.path)
    }
}

macro_rules! leaf {
    ($($(@ $of:ident)? $leaf:ty),+ $(,)?) => {$(
        impl $(<$of: Shape>)? Shape for $leaf {
            type Fields = Ref<Self>;

            fn fields(at: Ref<Self>) -> Ref<Self> {
                at
            }
        }
    )+};
}

leaf!(
    (),
    bool,
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    f32,
    f64,
    String,
    Value,
    serde_json::Number,
    serde_json::Map<String, Value>,
    @T Option<T>,
    @T Vec<T>,
    @T BTreeMap<String, T>,
);
