//! Conditions on steps, whose two sides are of one type.

use makegood_core::saga::{Comparison, Condition};
use serde_json::Value;

use crate::arg::Arg;
use crate::shape::{Ref, Shape};

/// What must hold for a step to be made; or why it cannot be written down.
#[derive(Clone, Debug)]
pub struct Holds(pub(crate) Result<Condition, String>);

impl<T: Shape> Ref<T> {
    fn compared(&self, is: Comparison, with: Result<Option<Value>, String>) -> Holds {
        let compared = || Ok(Condition { left: self.written()?, is, right: with?.unwrap_or_default() });
        Holds(compared())
    }

    /// `==`
    pub fn equals(&self, other: impl Into<Arg<T>>) -> Holds {
        self.compared(Comparison::Equal, other.into().into_json())
    }

    /// `!=`
    pub fn differs_from(&self, other: impl Into<Arg<T>>) -> Holds {
        self.compared(Comparison::Different, other.into().into_json())
    }

    /// `in`
    pub fn is_in(&self, list: impl Into<Arg<Vec<T>>>) -> Holds {
        self.compared(Comparison::In, list.into().into_json())
    }
}

/// Numbers and texts have an order.
pub trait Ordered: Shape {}

macro_rules! ordered {
    ($($kind:ty),+) => { $(impl Ordered for $kind {})+ };
}
ordered!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, String);

impl<T: Ordered> Ref<T> {
    /// `<`
    pub fn less_than(&self, other: impl Into<Arg<T>>) -> Holds {
        self.compared(Comparison::Less, other.into().into_json())
    }

    /// `<=`
    pub fn at_most(&self, other: impl Into<Arg<T>>) -> Holds {
        self.compared(Comparison::AtMost, other.into().into_json())
    }

    /// `>`
    pub fn more_than(&self, other: impl Into<Arg<T>>) -> Holds {
        self.compared(Comparison::More, other.into().into_json())
    }

    /// `>=`
    pub fn at_least(&self, other: impl Into<Arg<T>>) -> Holds {
        self.compared(Comparison::AtLeast, other.into().into_json())
    }
}
